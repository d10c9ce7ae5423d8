"""One linked pair, attribute by attribute: who changed what, and what follows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from tasks.merge.model import Conflict, Link, Record, Snapshot
from tasks.merge.policy import UNRESOLVED, Dispute, Policy
from tasks.merge.references import waits_for_link
from tasks.merge.united import Own, united
from tasks.sides.ends import End
from tasks.values.canonical import is_empty, is_part, same
from tasks.values.file import File
from tasks.values.opaque import Opaque
from tasks.values.references import tells_more

#: The modes in which nobody has said whose value stays.
_GENTLE = frozenset({"newer", "error"})


@dataclass(slots=True)
class Merged:
    """What follows for one pair."""

    #: By side that is to be written: attribute to the new value and the reason.
    to_write: dict[End, dict[str, tuple[Any, str]]] = field(
        default_factory=lambda: {side: {} for side in End}
    )
    #: Attributes that both sides brought to the same value.
    agreed: list[str] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    #: Of files that both sides changed, what the side that is written did by itself.
    own: dict[str, Own] = field(default_factory=dict)
    #: Attributes that wait until what they refer to is linked, with the side that shows it.
    waiting: list[tuple[End, str]] = field(default_factory=list)

    def unite(self, name: str, value: Any, own: Own) -> None:
        """Write what the left side did to the right one; what that did by itself follows with the next run."""
        self.to_write[End.RIGHT][name] = value, f"{name} edited on both sides: what each did is kept"
        self.own[name] = own

    def keep_there(self, lost: Conflict, policy: Policy) -> None:
        """An edit where an attribute only goes to stays until its source changes: each side's base is what it shows."""
        target = End.LEFT if lost.winner is End.RIGHT else End.RIGHT
        here, source = policy.labels[target], policy.labels[target.opposite]
        reason = f"{lost.attribute} edited in {here}: it stays so until it is edited in {source}"
        self.conflicts.append(replace(lost, winner=target, rule="kept", reason=reason))
        self.agreed.append(lost.attribute or "")


def merge_attributes(
    policy: Policy,
    link: Link,
    left: Record,
    right: Record,
    uncertain: Mapping[str, End],
    snapshots: Mapping[End, Snapshot] = MappingProxyType({}),
) -> Merged:
    """Compare each attribute of both records with the base, each side with what it showed itself.

    That each side has a base of its own is what keeps a value that one side can only show coarsely (a time
    without seconds, say) from being carried back.

    Args:
        policy: what is synced, and how conflicts are decided.
        link: the pair and its base.
        left: the left side's record.
        right: the right side's record.
        uncertain: attributes with the side to which an earlier run wrote them without an answer. That they
            show the base again may be an edit that came after the write.
        snapshots: both sides, where it is asked whether an object is there to which another one refers.
    """
    merged = Merged()

    def write(side: End, name: str, reason: str) -> None:
        source, target = (left, right) if side is End.RIGHT else (right, left)
        base = link.base_on(side.opposite).get(name)
        merged.to_write[side][name] = (
            policy.carried(name, source.values[name], target.values[name], side, base),
            reason,
        )

    def settle(conflict: Conflict, value: Any = None) -> None:
        merged.conflicts.append(conflict)
        if conflict.winner is not None and conflict.attribute is not None:
            write(conflict.winner.opposite, conflict.attribute, conflict.reason)
        elif conflict.rule == "resolver" and conflict.attribute is not None:
            for side in End:
                merged.to_write[side][conflict.attribute] = value, conflict.reason

    for name in policy.attributes:
        ours, theirs = left.values[name], right.values[name]
        kept = name in link.left and name in link.right
        if isinstance(ours, Opaque) or isinstance(theirs, Opaque):
            if not kept:
                merged.agreed.append(name)  # so that it is not asked for again and again
            continue
        known = kept and not isinstance(link.left[name], Opaque) and not isinstance(link.right[name], Opaque)
        left_changed = not known or not same(ours, link.left[name])
        right_changed = not known or not same(theirs, link.right[name])
        if not left_changed and not right_changed and name not in uncertain:
            merged.agreed += [name] * (
                tells_more(ours, link.left[name]) or tells_more(theirs, link.right[name])
            )
            continue  # nothing happened
        said = link if known else None
        if policy.agree(name, ours, theirs, said):  # both sides, or one of them, came to the same value
            merged.agreed.append(name)
        elif waits := waits_for_link(policy, snapshots, said, name, left, right):
            merged.waiting.append((waits, name))
        elif (target := policy.only_to.get(name)) is not None:
            lost = one_way(name, target, policy, said, left, right, name in uncertain)
            if (
                lost is not None
                and policy.keeps_target_edits
                and not (left_changed if target is End.RIGHT else right_changed)
                and name not in uncertain
            ):
                merged.keep_there(lost, policy)
            elif lost is not None:
                settle(lost)
            else:
                write(target, name, f"{name} {_how(known)} in {policy.labels[target.opposite]}")
        elif (
            left_changed
            and right_changed
            and policy.mode_of(name) in _GENTLE
            and policy.resolver is None
            and (both := _united(name, link, left, right, known=known)) is not None
        ):
            merged.unite(name, *both)
        elif name in uncertain and not (policy.resolver and left_changed and right_changed):
            # Written without an answer, and not shown: perhaps edited since. (A resolver's value comes from
            # neither side, so there is none to write again; it is asked again.)
            settle(_retry(name, uncertain[name], policy, link, left, right))
        elif not right_changed:
            write(End.RIGHT, name, f"{name} edited in {policy.labels.left}")
        elif not left_changed:
            write(End.LEFT, name, f"{name} edited in {policy.labels.right}")
        elif not known and policy.mode_of(name) in _GENTLE and (is_empty(ours) or is_empty(theirs)):
            empty = End.LEFT if is_empty(ours) else End.RIGHT
            write(empty, name, f"{name} {_how(known)} in {policy.labels[empty.opposite]}")
        else:  # edited on both sides, to different values
            settle(*resolve(name, link.left[name] if known else None, policy, left, right))
    return merged


def _how(known: bool) -> str:
    """What somebody did who wrote an attribute, of which a base may be known."""
    return "edited" if known else "only filled"


def _united(
    name: str, link: Link, left: Record, right: Record, *, known: bool
) -> tuple[tuple[File, ...], Own] | None:
    """The files of the right side with what the left one did to its own."""
    bases = (link.left[name], link.right[name]) if known else (None, None)
    return united(bases[0], left.values[name], bases[1], right.values[name])


def resolve(name: str, base: Any, policy: Policy, left: Record, right: Record) -> tuple[Conflict, Any]:
    """Which of two values stays, by which rule, and why in words; with a resolver's own value, if it has one."""
    value: Any = None
    failed = ""
    if policy.by_method:
        winner, rule = None, "method"
    elif policy.resolver is not None:
        winner, rule, value, failed = _ask_resolver(policy, name, base, left, right)
    else:
        winner, rule = _winner(policy.mode_of(name), policy.granularity, left.edited, right.edited)
    kept = f"{policy.labels[winner]}'s" if winner else "a value made of both"
    words = {
        "newer": f"{policy.labels[winner] if winner else ''} was edited later",
        "tie": f"the edits are too close to order, so {policy.labels.left}'s stays",
        "left": f"the task says that {policy.labels.left}'s stays",
        "right": f"the task says that {policy.labels.right}'s stays",
        "error": failed or "the task says that neither is written",
        "resolver": f"the resolver keeps {kept}",
        "method": "the task's resolve_conflict decides",
    }
    conflict = Conflict(
        left_id=left.id,
        right_id=right.id,
        attribute=name,
        base=base,
        left=left.values[name],
        right=right.values[name],
        left_edited=left.edited,
        right_edited=right.edited,
        winner=winner,
        rule=rule,
        reason=f"{name} edited on both sides; {words[rule]}",
    )
    return conflict, value


def one_way(
    name: str, target: End, policy: Policy, link: Link | None, left: Record, right: Record, uncertain: bool
) -> Conflict | None:
    """What is lost where the source of an attribute has its way, for the ledger; `None` for nothing of a person's.

    Args:
        name: the attribute.
        target: the only end to which it goes.
        policy: how the sides are called.
        link: the pair with a base of this attribute; `None` where there is none.
        left: the left side's record.
        right: the right side's record.
        uncertain: whether an earlier run wrote it without an answer, so that what is shown may be an edit.
    """
    shown = (left if target is End.LEFT else right).values[name]
    base = None if link is None else link.base_on(target)[name]
    edited = not is_empty(shown) if link is None else not same(shown, base)
    if not edited and not uncertain:
        return None
    here, across = policy.labels[target], policy.labels[target.opposite]
    how = (
        f"{'filled' if link is None else 'edited'} in {here}" if edited else f"may have been edited in {here}"
    )
    return Conflict(
        left_id=left.id,
        right_id=right.id,
        attribute=name,
        base=base,
        left=left.values[name],
        right=right.values[name],
        left_edited=left.edited,
        right_edited=right.edited,
        winner=target.opposite,
        rule="one way",
        reason=f"{name} {how}, but it goes only there: {across}'s stays",
    )


def _ask_resolver(
    policy: Policy, name: str, base: Any, left: Record, right: Record
) -> tuple[End | None, str, Any, str]:
    """What a task's resolver says: winner, rule, a value of its own, and what was wrong with its answer."""
    ours, theirs = left.values[name], right.values[name]
    dispute = Dispute(left.id, right.id, name, base, ours, theirs, left.edited, right.edited)
    try:
        value = policy.resolver(dispute) if policy.resolver is not None else UNRESOLVED
        if value is UNRESOLVED:
            return None, "error", None, "the resolver leaves it to a person"
        winner = End.LEFT if same(value, ours) else End.RIGHT if same(value, theirs) else None
    except Exception as error:  # a person's code: whatever it raises, nothing may be written then
        return None, "error", None, f"the resolver failed ({type(error).__name__}: {error})"
    return winner, "resolver", value, ""


def _retry(name: str, target: End, policy: Policy, link: Link, left: Record, right: Record) -> Conflict:
    """Write a value again that may have arrived, unless the other one is surely newer; keep both.

    An object that shows the base was most likely never written, and its time may be that of an edit of
    another attribute: what nobody typed must not win over what somebody did. For the same reason an object that
    shows a part of the value was most likely written, and the service keeps no more of it.
    """
    conflict, _ = resolve(name, link.left.get(name), _by_clock(policy, name), left, right)
    written, shown = right.values[name], left.values[name]
    if target is End.RIGHT:
        written, shown = shown, written
    base = link.base_on(target)
    unwritten = name in base and same(shown, base[name])
    if conflict.rule == "newer" and not unwritten and not is_part(shown, written):
        return conflict
    return replace(
        conflict,
        winner=target.opposite,
        rule="retried",
        reason=f"{name} was written to {policy.labels[target]} before without an answer and is not shown: "
        "written again",
    )


def _by_clock(policy: Policy, name: str) -> Policy:
    """The policy without code of the task: what is in doubt is no case for a person's rule."""
    return Policy(policy.attributes, policy.mode_of(name), policy.granularity)


def _winner(
    mode: str, granularity: timedelta, left: datetime | None, right: datetime | None
) -> tuple[End | None, str]:
    if mode == "error":
        return None, "error"
    if mode in ("left", "right"):
        return End(mode), mode
    if left is None or right is None:
        return End.LEFT, "tie"
    gap = _aware(left) - _aware(right)
    if abs(gap) < granularity:
        return End.LEFT, "tie"
    return (End.LEFT if gap > timedelta(0) else End.RIGHT), "newer"


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def not_synced(values: Mapping[str, Any], names: Iterable[str]) -> str:
    """Which values cannot be read though they should be, with the reasons; empty where all can."""
    odd = ((name, values[name]) for name in names)
    found = [f"{name} ({value.type})" for name, value in odd if isinstance(value, Opaque) and value.odd]
    return f"not synced: {', '.join(found)}" if found else ""
