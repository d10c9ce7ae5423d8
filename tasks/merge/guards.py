"""When a plan is too odd to be carried out without a person's word."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.merge.model import Delete, Plan, Side, Unlink

#: A run may delete this share of the linked objects of a side …
DELETE_SHARE = 0.5
#: … and this many in any case: a handful in a short list is everyday work.
DELETE_HANDFUL = 5


@dataclass(frozen=True, slots=True)
class Halt:
    """Why a plan is not carried out."""

    reason: str


def check_guards(plan: Plan, links: int) -> Halt | None:
    """The reason to stop before anything is written, if there is one.

    Args:
        plan: what would be done.
        links: how many linked pairs the base holds.
    """
    for side in Side:
        if links > 1 and not plan.listed.get(side) and plan.listed.get(side.opposite):
            return Halt(
                f"{side.label} lists no object at all, though {links} are linked. If that is meant, delete the "
                f"objects of {side.opposite.label} as well; nothing was written"
            )
    deletions: list[Delete | Unlink] = plan.of(Delete)
    if len(deletions) > max(DELETE_HANDFUL, DELETE_SHARE * links):
        return Halt(
            f"this run would delete {len(deletions)} of {links} linked objects, more than "
            f"{DELETE_SHARE:.0%}; nothing was written. If that is meant, delete their counterparts by hand as well, "
            "else restore them"
        )
    return None
