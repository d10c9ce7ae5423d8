"""One linked pair, attribute by attribute: who changed what, and what follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tasks.merge.model import Conflict, Link, Record, Side
from tasks.merge.policy import UNRESOLVED, Dispute, Policy
from tasks.values.canonical import is_empty, is_part, same
from tasks.values.opaque import Opaque


@dataclass(slots=True)
class Merged:
    """What follows for one pair."""

    #: By side that is to be written: attribute to the new value and the reason.
    to_write: dict[Side, dict[str, tuple[Any, str]]] = field(
        default_factory=lambda: {side: {} for side in Side}
    )
    #: Attributes that both sides brought to the same value.
    agreed: list[str] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)


def merge_attributes(
    policy: Policy, link: Link, notion: Record, other: Record, uncertain: Mapping[str, Side]
) -> Merged:
    """Compare each attribute of both records with the base, each side with what it showed itself.

    That each side has a base of its own is what keeps a value that one side can only show coarsely (a time
    without seconds, say) from being carried back.

    Args:
        policy: what is synced, and how conflicts are decided.
        link: the pair and its base.
        notion: Notion's record.
        other: the other side's record.
        uncertain: attributes with the side to which an earlier run wrote them without an answer. That they
            show the base again may be an edit that came after the write.
    """
    merged = Merged()

    def write(side: Side, name: str, reason: str) -> None:
        source, target = (notion, other) if side is Side.OTHER else (other, notion)
        value = policy.carried(name, source.values[name], target.values[name], side)
        merged.to_write[side][name] = value, reason

    def settle(conflict: Conflict, value: Any = None) -> None:
        merged.conflicts.append(conflict)
        if conflict.winner is not None and conflict.attribute is not None:
            write(conflict.winner.opposite, conflict.attribute, conflict.reason)
        elif conflict.rule == "resolver" and conflict.attribute is not None:
            for side in Side:
                merged.to_write[side][conflict.attribute] = value, conflict.reason

    for name in policy.attributes:
        ours, theirs = notion.values[name], other.values[name]
        kept = name in link.notion and name in link.other
        if isinstance(ours, Opaque) or isinstance(theirs, Opaque):
            if not kept:
                merged.agreed.append(name)  # so that it is not asked for again and again
            continue
        known = (
            kept and not isinstance(link.notion[name], Opaque) and not isinstance(link.other[name], Opaque)
        )
        notion_changed = not known or not same(ours, link.notion[name])
        other_changed = not known or not same(theirs, link.other[name])
        gentle = policy.mode_of(name) in {"newer", "error"}
        if not notion_changed and not other_changed and name not in uncertain:
            continue  # nothing happened
        if policy.agree(name, ours, theirs):  # both sides, or one of them, came to the same value
            merged.agreed.append(name)
        elif name in uncertain and not (policy.resolver and notion_changed and other_changed):
            # Written without an answer, and not shown: perhaps edited since. (A resolver's value comes from
            # neither side, so there is none to write again; it is asked again.)
            settle(_retry(name, uncertain[name], policy, link, notion, other))
        elif not other_changed:  # edited in Notion alone
            write(Side.OTHER, name, f"{name} edited in Notion")
        elif not notion_changed:  # edited on the other side alone
            write(Side.NOTION, name, f"{name} edited on the other side")
        elif not known and gentle and is_empty(ours):
            write(Side.NOTION, name, f"{name} only filled on the other side")
        elif not known and gentle and is_empty(theirs):
            write(Side.OTHER, name, f"{name} only filled in Notion")
        else:  # edited on both sides, to different values
            settle(*resolve(name, link.notion[name] if known else None, policy, notion, other))
    return merged


def resolve(name: str, base: Any, policy: Policy, notion: Record, other: Record) -> tuple[Conflict, Any]:
    """Which of two values stays, by which rule, and why in words; with a resolver's own value, if it has one."""
    value: Any = None
    failed = ""
    if policy.by_method:
        winner, rule = None, "method"
    elif policy.resolver is not None:
        winner, rule, value, failed = _ask_resolver(policy, name, base, notion, other)
    else:
        winner, rule = _winner(policy.mode_of(name), policy.granularity, notion.edited, other.edited)
    kept = f"{winner.label}'s" if winner else "a value made of both"
    words = {
        "newer": f"{winner.label if winner else ''} was edited later",
        "tie": "the edits are too close to order, so Notion's stays",
        "notion": "the task says that Notion's stays",
        "other": "the task says that the other side's stays",
        "error": failed or "the task says that neither is written",
        "resolver": f"the resolver keeps {kept}",
        "method": "the task's resolve_conflict decides",
    }
    conflict = Conflict(
        notion_id=notion.id,
        other_id=other.id,
        attribute=name,
        base=base,
        notion=notion.values[name],
        other=other.values[name],
        notion_edited=notion.edited,
        other_edited=other.edited,
        winner=winner,
        rule=rule,
        reason=f"{name} edited on both sides; {words[rule]}",
    )
    return conflict, value


def _ask_resolver(
    policy: Policy, name: str, base: Any, notion: Record, other: Record
) -> tuple[Side | None, str, Any, str]:
    """What a task's resolver says: winner, rule, a value of its own, and what was wrong with its answer."""
    ours, theirs = notion.values[name], other.values[name]
    dispute = Dispute(notion.id, other.id, name, base, ours, theirs, notion.edited, other.edited)
    try:
        value = policy.resolver(dispute) if policy.resolver is not None else UNRESOLVED
        if value is UNRESOLVED:
            return None, "error", None, "the resolver leaves it to a person"
        winner = Side.NOTION if same(value, ours) else Side.OTHER if same(value, theirs) else None
    except Exception as error:  # a person's code: whatever it raises, nothing may be written then
        return None, "error", None, f"the resolver failed ({type(error).__name__}: {error})"
    return winner, "resolver", value, ""


def _retry(name: str, target: Side, policy: Policy, link: Link, notion: Record, other: Record) -> Conflict:
    """Write a value again that may have arrived, unless the other one is surely newer; keep both.

    An object that shows the base was most likely never written, and its time may be that of an edit of
    another attribute: what nobody typed must not win over what somebody did. For the same reason an object that
    shows a part of the value was most likely written, and the service keeps no more of it.
    """
    conflict, _ = resolve(name, link.notion.get(name), _by_clock(policy, name), notion, other)
    written, shown = other.values[name], notion.values[name]
    if target is Side.OTHER:
        written, shown = shown, written
    base = link.base_on(target)
    unwritten = name in base and same(shown, base[name])
    if conflict.rule == "newer" and not unwritten and not is_part(shown, written):
        return conflict
    return replace(
        conflict,
        winner=target.opposite,
        rule="retried",
        reason=f"{name} was written to {target.label} before without an answer and is not shown: written again",
    )


def _by_clock(policy: Policy, name: str) -> Policy:
    """The policy without code of the task: what is in doubt is no case for a person's rule."""
    return Policy(policy.attributes, policy.mode_of(name), policy.granularity)


def _winner(
    mode: str, granularity: timedelta, notion: datetime | None, other: datetime | None
) -> tuple[Side | None, str]:
    if mode == "error":
        return None, "error"
    if mode in ("notion", "other"):
        return Side(mode), mode
    if notion is None or other is None:
        return Side.NOTION, "tie"
    gap = _aware(notion) - _aware(other)
    if abs(gap) < granularity:
        return Side.NOTION, "tie"
    return (Side.NOTION if gap > timedelta(0) else Side.OTHER), "newer"


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
