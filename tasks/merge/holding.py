"""Objects that failed: when each is tried again, and which are left alone until then."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tasks.merge.model import (
    NAMELESS,
    Action,
    Create,
    Intent,
    Link,
    Name,
    Plan,
    Restore,
    Skip,
    Snapshot,
    Spare,
    Withdraw,
)
from tasks.sides.ends import ID, End
from tasks.values.canonical import dump, same

#: How long an object waits after its first, second, … failure; after the last of these it is quarantined.
WAITS = (timedelta(0), timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30))

#: An object that failed more often is in quarantine.
FAILURES_BEFORE_QUARANTINE = len(WAITS)

#: How long an object in quarantine waits.
QUARANTINE = timedelta(days=1)

#: Why an object is left that somebody may be typing in.
SETTLING = "edited a moment ago: it waits until it has been left alone for a while"

#: An object that is edited on and on waits so many times as long as one that is left alone, and so long at least.
AT_MOST, AT_LEAST = 20, timedelta(minutes=10)

#: How long an object waits that is left out on purpose, unless it is edited.
FOR_GOOD = timedelta(days=36500)

#: A pair of ids, the left one first; empty where there is no record on that side.
Pair = tuple[ID, ID]


@dataclass(frozen=True, slots=True)
class Held:
    """A pair of records, or a single one, that the last run had to leave as it was."""

    pair: Pair
    #: What went wrong, in words for a person.
    reason: str
    #: A digest of what both records showed then.
    content: str
    #: Runs in a row in which it failed; 0 where it was left for another reason than a failure.
    failures: int
    since: datetime
    #: From when on it is tried again, unless its content changes before.
    next_try: datetime
    #: What people call it.
    name: Name = NAMELESS

    @property
    def quarantined(self) -> bool:
        """Whether it failed so often that it is tried only now and then."""
        return self.failures > FAILURES_BEFORE_QUARANTINE


def pair_of(action: Action) -> Pair:
    """The pair of records that an action is about; the actions of one pair belong together."""
    left_id: ID | None = getattr(action, "left_id", None)
    if left_id is not None:
        return left_id, getattr(action, "right_id", "")
    match action:
        case Create(side=End.LEFT):
            return action.instead_of or "", action.source_id
        case Create():
            return action.source_id, action.instead_of or ""
        case Restore(side=side):
            return (action.former_id, "") if side is End.LEFT else ("", action.former_id)
        case Skip(pair=pair) if pair is not None:
            return pair
        case Skip(side=side) | Spare(side=side):
            return (action.id, "") if side is End.LEFT else ("", action.id)
    return "", ""


def content_of(pair: Pair, snapshots: Mapping[End, Snapshot]) -> str:
    """A digest of what the records of a pair show."""
    shown = []
    for side, record_id in zip(End, pair, strict=True):
        record = snapshots[side].records.get(record_id)
        shown.append(None if record is None else dict(record.values))
    return hashlib.sha256(dump(shown).encode()).hexdigest()


def hold_back(plan: Plan, held: Iterable[Held], snapshots: Mapping[End, Snapshot], now: datetime) -> Plan:
    """The plan without the actions of objects whose time to be tried again has not come.

    An object whose content changed since it failed is tried at once.
    """
    waiting = {
        one.pair: one for one in held if one.next_try > now and one.content == content_of(one.pair, snapshots)
    }
    if not waiting:
        return plan
    actions: list[Action] = []
    told: set[Pair] = set()
    for action in plan.actions:
        pair = pair_of(action)
        if pair not in waiting or isinstance(action, Skip):
            actions.append(action)
        elif pair not in told:
            told.add(pair)
            actions.append(_left(waiting[pair]))
    return replace(plan, actions=tuple(actions))


def _left(held: Held) -> Skip:
    side = End.LEFT if held.pair[0] else End.RIGHT
    again = f"{held.next_try:%Y-%m-%d %H:%M} UTC or when it is edited"
    if held.next_try - held.since >= FOR_GOOD:
        reason = held.reason
    elif not held.failures:
        reason = f"{held.reason}; looked at again {again}"
    elif held.quarantined:
        reason = f"in quarantine after {held.failures} failures, tried again {again}: {held.reason}"
    else:
        times = "once" if held.failures == 1 else f"{held.failures} times"
        reason = f"failed {times}, tried again {again}: {held.reason}"
    return Skip(
        side=side,
        id=held.pair[side is End.RIGHT],
        pair=held.pair,
        failing=held.failures > 0,
        reason=reason,
        name=held.name,
    )


def failed_again(before: Held | None, pair: Pair, reason: str, content: str, now: datetime) -> Held:
    """What is kept of an object that failed now; a new content counts anew."""
    failures, since = 1, now
    if before is not None and before.failures and before.content == content:
        failures, since = before.failures + 1, before.since
    wait = WAITS[failures - 1] if failures <= len(WAITS) else QUARANTINE
    return Held(pair, reason, content, failures, since, now + wait)


def left_again(before: Held | None, pair: Pair, reason: str, content: str, now: datetime) -> Held:
    """What is kept of an object that was left for another reason than a failure, to look at it again at once."""
    known = before is not None and not before.failures
    known &= before is not None and (before.content == content or before.reason == reason == SETTLING)
    return Held(pair, reason, content, 0, before.since if before is not None and known else now, now)


def asked_again(before: Held | None, pair: Pair, reason: str, content: str, now: datetime) -> Held:
    """What is kept of an object of which a side does not say whether it was deleted.

    The side is asked ever more rarely: after as long as the object was left already, a day at most.
    """
    held = left_again(before, pair, reason, content, now)
    return replace(held, next_try=now + min(now - held.since, QUARANTINE))


def await_listing(
    plan: Plan, intents: Iterable[Intent], settling: Mapping[End, timedelta], now: datetime
) -> Plan:
    """The plan without creates that an earlier run began so recently that a listing may lack what they made.

    Args:
        plan: what would be done.
        intents: the writes of earlier runs whose outcome is unknown.
        settling: how long the listing of each side may lag behind its writes.
        now: when the listings began; one that took long shows no more than what was there then.
    """
    recent = {
        (intent.side, intent.source_id): intent.key
        for intent in intents
        if intent.target_id is None
        and intent.begun_at is not None
        and now - intent.begun_at < settling[intent.side]
    }
    actions: list[Action] = []
    awaited = set()
    for action in plan.actions:
        key = recent.get((action.side, action.source_id)) if isinstance(action, Create) else None
        if key is None or key not in plan.void or not isinstance(action, Create):
            actions.append(action)
            continue
        awaited.add(key)
        reason = (
            f"an earlier run may have made it in {plan.labels[action.side]}, where it may not be listed yet"
        )
        side = action.side.opposite
        actions.append(Skip(side=side, id=action.source_id, pair=pair_of(action), reason=reason))
    void = tuple(key for key in plan.void if key not in awaited)
    return replace(plan, actions=tuple(actions), void=void) if awaited else plan


def let_settle(
    plan: Plan,
    links: Iterable[Link],
    held: Iterable[Held],
    snapshots: Mapping[End, Snapshot],
    settle: timedelta,
    granularity: Mapping[End, timedelta],
    now: datetime,
) -> Plan:
    """The plan without the actions of objects that people edited in the last moments, by their sides' clocks.

    A clock that is ahead by more than the time to wait is wrong, and nothing waits for it. An object that shows what
    it was synced with last was written by an earlier run, if at all.

    Args:
        plan: what would be done.
        links: the pairs and their bases.
        held: what earlier runs left; what waits for too long is done in spite of new edits.
        snapshots: both sides.
        settle: how long an object must have been left alone.
        granularity: how coarse the clock of each side is.
        now: the time.
    """
    patience = max(AT_MOST * settle, AT_LEAST)
    out_of_patience = {one.pair for one in held if one.reason == SETTLING and now - one.since >= patience}

    linked = {(link.left_id, link.right_id): link for link in links}

    def waits(pair: Pair) -> bool:
        for side, record_id in zip(End, pair, strict=True):
            record, link = snapshots[side].records.get(record_id), linked.get(pair)
            if record is None or record.edited is None:
                continue
            base = {} if link is None else link.base_on(side)
            edited = any(
                name not in base or not same(value, base[name]) for name, value in record.values.items()
            )
            if edited and -settle <= now - record.edited < settle + granularity[side]:
                return True
        return False

    actions: list[Action] = []
    told: set[Pair] = set()
    for action in plan.actions:
        pair = pair_of(action)
        if isinstance(action, Skip) or pair in out_of_patience or not waits(pair):
            actions.append(action)
        elif pair not in told:
            told.add(pair)
            side = End.LEFT if pair[0] else End.RIGHT
            actions.append(Skip(side=side, id=pair[side is End.RIGHT], pair=pair, reason=SETTLING))
    return replace(plan, actions=tuple(actions))


def left_out(plan: Plan, snapshots: Mapping[End, Snapshot], now: datetime) -> list[Held]:
    """What keeps the next runs from making again what a plan withdraws."""
    held = []
    for action in plan.of(Withdraw):
        pair = ("", action.right_id) if action.side is End.LEFT else (action.left_id, "")
        reason = (
            "its counterpart was taken back by an undo; edit it, or use `lockstep retry`, to sync it again"
        )
        content = content_of(pair, snapshots)
        held.append(Held(pair, reason, content, 0, now, now + FOR_GOOD, action.name))
    return held
