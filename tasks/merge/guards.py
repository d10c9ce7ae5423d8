"""When a plan is too odd to be carried out without a person's word."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from tasks.merge.model import Adopt, Delete, Mark, Plan, Update, Withdraw
from tasks.merge.policy import Policy
from tasks.sides.ends import End
from tasks.values.canonical import is_empty


@dataclass(frozen=True, slots=True)
class Halt:
    """Why a plan is not carried out."""

    reason: str


def check_guards(plan: Plan, links: int, policy: Policy) -> Halt | None:
    """The reason to stop before anything is written, if there is one.

    Args:
        plan: what would be done.
        links: how many pairs are kept in step.
        policy: how much of them a run may delete or overwrite.
    """
    return _empty_side(plan, links) or _deletions(plan, links, policy) or _changes(plan, links, policy)


def _empty_side(plan: Plan, links: int) -> Halt | None:
    """A side that lists nothing is more often a fault than a wish."""
    for side in End:
        if links > 1 and not plan.listed.get(side) and plan.listed.get(side.opposite):
            return Halt(
                f"{plan.labels[side]} lists no object at all, though {links} are linked; nothing was written"
            )
    return None


def _deletions(plan: Plan, links: int, policy: Policy) -> Halt | None:
    for done, kinds in (("delete", (Delete, Withdraw)), ("mark as deleted", (Mark,))):
        number = len(plan.of(*kinds))
        if number > max(policy.handful, policy.delete_share * links):
            return Halt(
                f"this run would {done} {number} of {links} linked objects, more than {policy.delete_share:.0%}; "
                "nothing was written"
            )
    return None


def _changes(plan: Plan, links: int, policy: Policy) -> Halt | None:
    """One attribute that is blanked or overwritten nearly everywhere: most often a wrong mapping.

    Filling what was empty loses nothing and is not counted.
    """
    pairs = links + sum(adopt.instead_of is None for adopt in plan.of(Adopt))
    allowed = max(policy.handful, policy.change_share * pairs)
    blanked: Counter[tuple[End, str]] = Counter()
    changed: Counter[tuple[End, str]] = Counter()
    updates: list[Update] = plan.of(Update)
    for update in updates:
        for name, change in update.changes.items():
            if not is_empty(change.old):
                (blanked if is_empty(change.new) else changed)[update.side, name] += 1
    for done, counts in (("blank", blanked), ("change", changed + blanked)):
        for (side, name), number in sorted(counts.items()):
            if number > allowed:
                return Halt(
                    f"this run would {done} {name!r} on {number} of {pairs} objects in {plan.labels[side]}, more than "
                    f"{policy.change_share:.0%}; nothing was written"
                )
    return None
