"""Two services in memory, users who edit them, faults, and an oracle that knows nothing of the engine.

Every object carries a token in a synced attribute, so that the oracle can tell what is the same thing on
both sides without asking for links. It keeps the history of every value and judges every single write of
the engine by it: was a user's value lost, was something deleted that nobody deleted, was something doubled?
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tasks import ConflictMode, Listing, OutcomeUnknownError, SyncTask
from tasks.merge import Conflict
from tasks.state import State
from tasks.steps import StateJournal

START = datetime(2026, 1, 1, tzinfo=UTC)
FIELDS = ("Title", "Note")
NATIVE = {"Token": "token", "Title": "summary", "Note": "text"}


class Crash(BaseException):
    """The process ends here."""


@dataclass
class Event:
    """Somebody set a value, or deleted an object, at a moment."""

    at: int
    who: str
    side: str
    value: Any


@dataclass
class Obj:
    id: str
    values: dict[str, Any]
    edited: datetime


class Broken(BaseException):
    """An invariant does not hold. No task may catch it."""


@dataclass
class World:
    """Both services, the clock, the faults to come, and the history."""

    sides: dict[str, dict[str, Obj]] = field(default_factory=lambda: {"notion": {}, "other": {}})
    now: int = 0
    made: int = 0
    #: Events by (token, field) for values and by (token, "") for deletions.
    history: dict[tuple[str, str], list[Event]] = field(default_factory=dict)
    ledger: list[Conflict] = field(default_factory=list)
    #: Effect number to fault: `before`, `after`, `crash-before`, `crash-after`.
    faults: dict[int, str] = field(default_factory=dict)
    #: Side to the share of objects that a partial listing leaves out.
    hidden: dict[str, set[str]] = field(default_factory=dict)
    effects: int = 0
    writes: int = 0
    #: Keys of creates that a service refuses to carry out twice (as CalDAV does), by side.
    keyed: dict[str, dict[str, str]] = field(default_factory=lambda: {"notion": {}, "other": {}})
    reached: Counter[str] = field(default_factory=Counter)
    #: When a token appeared on a side, and when it was linked last.
    appeared: dict[tuple[str, str], int] = field(default_factory=dict)
    linked: dict[str, int] = field(default_factory=dict)
    #: Fields on which both sides agreed: when last, and on what.
    based: dict[tuple[str, str], tuple[int, Any]] = field(default_factory=dict)
    #: Objects that the engine began to write and has no proof of yet.
    unconfirmed: set[tuple[str, str]] = field(default_factory=set)
    #: The same at the start of the run.
    unsure: set[tuple[str, str]] = field(default_factory=set)
    #: Deletions of objects of which the engine knew all; of others it cannot know what the user saw.
    deleted_linked: set[tuple[str, str]] = field(default_factory=set)
    #: When a run that succeeded left both sides with the same value, by (token, field).
    equal: dict[tuple[str, str], int] = field(default_factory=dict)
    mode: str = "newer"
    #: How many actions the last plan had.
    planned: int = 0
    days: int = 0

    # -- users --------------------------------------------------------------------------------------------

    def tick(self, minutes: int = 2) -> None:
        self.now += minutes

    def moment(self) -> datetime:
        return START + timedelta(minutes=self.now)

    def next_day(self) -> datetime:
        """The engine's own clock: late enough to try again whatever failed."""
        self.days += 1
        return START + timedelta(days=self.days)

    def note(self, token: str, name: str, who: str, side: str, value: Any) -> None:
        self.now += 1
        self.history.setdefault((token, name), []).append(Event(self.now, who, side, value))

    def user_creates(self, side: str, token: str, title: str, note: str) -> None:
        if self.find(side, token):
            return
        self.made += 1
        values = {"Token": token, "Title": title, "Note": note}
        for name in FIELDS:
            self.note(token, name, "user", side, values[name])
        obj_id = f"{side[0]}{self.made}"
        self.sides[side][obj_id] = Obj(obj_id, values, self.moment())
        self.appeared[side, token] = self.now

    def user_edits(self, side: str, token: str, name: str, value: str) -> None:
        obj = self.find(side, token)
        if obj is None or obj.values[name] == value:
            return
        self.note(token, name, "user", side, value)
        obj.values[name] = value
        obj.edited = self.moment()

    def user_deletes(self, side: str, token: str) -> None:
        obj = self.find(side, token)
        if obj is None:
            return
        del self.sides[side][obj.id]
        self.note(token, "", "user", side, None)
        self.deleted_linked.discard((side, token))
        known = (side, token) not in self.unconfirmed
        if known and self.linked.get(token, -1) >= self.appeared[side, token]:
            self.deleted_linked.add((side, token))

    def find(self, side: str, token: str) -> Obj | None:
        found = [obj for obj in self.sides[side].values() if obj.values["Token"] == token]
        if len(found) > 1:
            raise Broken(f"{token} is there {len(found)} times in {side}")
        return found[0] if found else None

    # -- the engine's writes, judged ------------------------------------------------------------------------

    @contextmanager
    def effect(self) -> Iterator[None]:
        """One external effect, with the fault that is due."""
        fault = self.faults.get(self.effects)
        self.effects += 1
        if fault:
            self.reached[f"fault:{fault}"] += 1
        if fault == "crash-before":
            raise Crash
        if fault == "before":
            raise OutcomeUnknownError("no answer, not applied")
        yield
        if fault == "crash-after":
            raise Crash
        if fault == "after":
            raise OutcomeUnknownError("no answer, but applied")

    def create(self, side: str, values: dict[str, Any], key: str) -> Obj:
        with self.effect():
            token = values["Token"]
            if side == "other" and key in self.keyed[side]:  # this service knows the key again
                known = self.sides[side].get(self.keyed[side][key])
                if known is not None:
                    return Obj(known.id, dict(known.values), known.edited)
            if self.find(side, token):
                raise Broken(f"{token} made a second time in {side}")
            if (
                (side, token) in self.deleted_linked
                and not self.edited_since(opposite(side), token, self.linked[token])
                and not self.never_agreed(opposite(side), token)
            ):
                raise Broken(f"{token} rose again in {side} though nobody edited it")
            self.made += 1
            self.writes += 1
            obj_id = f"{side[0]}{self.made}"
            self.keyed[side][key] = obj_id
            for name in FIELDS:
                self.note(token, name, "sync", side, values[name])
            self.sides[side][obj_id] = Obj(obj_id, dict(values), self.moment())
            obj = self.sides[side][obj_id]
            self.appeared[side, token] = self.now
        return Obj(obj.id, dict(obj.values), obj.edited)

    def update(self, side: str, obj_id: str, changes: dict[str, Any]) -> Obj:
        with self.effect():
            obj = self.sides[side][obj_id]
            token = obj.values["Token"]
            for name, value in changes.items():
                if obj.values[name] != value:
                    self.judge_overwrite(side, token, name, obj.values[name], value)
                    self.note(token, name, "sync", side, value)
            self.writes += 1
            self.unconfirmed.add((side, token))
            obj.values.update(changes)
            obj.edited = self.moment()
        return Obj(obj.id, dict(obj.values), obj.edited)

    def delete(self, side: str, obj_id: str) -> None:
        with self.effect():
            obj = self.sides[side][obj_id]
            token = obj.values["Token"]
            gone = self.last(token, "", "user", opposite(side))
            if gone is None or self.find(opposite(side), token):
                raise Broken(f"{token} deleted in {side} though nobody deleted it in {opposite(side)}")
            for name in FIELDS:
                value = obj.values[name]
                seen = self.known_elsewhere(side, token, name, value)
                never_filled = value == "" and (token, name) not in self.based
                if not seen and not never_filled and not self.back_at_base(side, token, name, value):
                    raise Broken(
                        f"{token}.{name}={obj.values[name]!r} deleted in {side} before anybody saw it"
                    )
            self.writes += 1
            self.note(token, "", "sync", side, None)
            del self.sides[side][obj_id]

    def judge_overwrite(self, side: str, token: str, name: str, old: Any, new: Any) -> None:
        """A user's value may only go where the other side had it too, or when the ledger has it."""
        never_filled = old == "" and (token, name) not in self.based
        free = never_filled or self.known_elsewhere(side, token, name, old)
        if not free and not self.back_at_base(side, token, name, old):
            conflict = self.in_ledger(token, name, side, old)
            if conflict is None:
                raise Broken(f"{token}.{name}={old!r} in {side} lost to {new!r}")
            if conflict.rule != "retried":
                self.judge_conflict(side, token, name, old, new)
        written = [e for e in self.history.get((token, name), []) if e.who == "user" and e.value == new]
        if not any(e.side == opposite(side) for e in written):
            raise Broken(f"{token}.{name}={new!r} written in {side} though no user ever wrote it over there")

    def judge_conflict(self, side: str, token: str, name: str, old: Any, new: Any) -> None:
        """Both values are kept, but the one that stays must be the right one."""
        mine, other = self.find(side, token), self.find(opposite(side), token)
        if mine is None or other is None:
            raise Broken(f"{token}: a conflict of something that is not there")
        ahead = mine.edited - other.edited
        if self.mode == "newer":
            stays = (
                side
                if ahead >= timedelta(minutes=1)
                else "notion"
                if abs(ahead) < timedelta(minutes=1)
                else ""
            )
        else:
            stays = self.mode
        if stays == side:
            raise Broken(
                f"{token}.{name}={old!r} in {side} lost to {new!r} in mode {self.mode}, {ahead} ahead"
            )

    def judge_claim(self, conflict: Conflict) -> None:
        """A conflict takes two edits since both sides were known to be equal."""
        token = self.token_of(conflict)
        # A value that was sent may have been edited back since.
        unsure = ("notion", token) in self.unsure
        if conflict.attribute is None or unsure:
            return
        since = self.equal.get((token, conflict.attribute), 0)
        for side in self.sides:
            last = self.last(token, conflict.attribute, "user", side)
            if last is None or last.at <= since:
                raise Broken(
                    f"{token}: {conflict.reason}, but nobody edited it in {side} since they were equal"
                )

    def mark_equal(self) -> None:
        """Note what both sides show alike, after a run that proved it."""
        for obj in self.sides["notion"].values():
            token = obj.values["Token"]
            other = self.find("other", token)
            for name in FIELDS:
                if other is not None and other.values[name] == obj.values[name]:
                    self.equal[token, name] = self.now

    def back_at_base(self, side: str, token: str, name: str, value: Any) -> bool:
        """Whether a user only typed again what both sides had agreed on, with no write of the engine between."""
        agreed_at, agreed = self.based.get((token, name), (0, None))
        events = self.history.get((token, name), [])
        synced = any(e.who == "sync" and e.side == side and e.at > agreed_at for e in events)
        return bool(agreed == value and not synced)

    def never_agreed(self, side: str, token: str) -> bool:
        """Whether a side shows a value on which both never agreed: what was before the first sync, nobody knows."""
        obj = self.find(side, token)
        return obj is not None and any(obj.values[n] != "" and (token, n) not in self.based for n in FIELDS)

    def known_elsewhere(self, side: str, token: str, name: str, value: Any) -> bool:
        """Whether the opposite side showed this value at or after the moment when a user set it here."""
        events = self.history.get((token, name), [])
        mine = [e for e in events if e.side == side]
        if not mine or mine[-1].who == "sync":
            return True
        theirs = [e for e in events if e.side == opposite(side)]
        shown_then = [e for e in theirs if e.at < mine[-1].at][-1:]
        shown_later = [e for e in theirs if e.at > mine[-1].at]
        return any(e.value == value for e in shown_then + shown_later)

    def in_ledger(self, token: str, name: str, side: str, value: Any) -> Conflict | None:
        """The latest conflict in which this value was kept."""
        for c in reversed(self.ledger):
            if c.attribute == name and getattr(c, side) == value and self.token_of(c) == token:
                return c
        return None

    def token_of(self, conflict: Conflict) -> str:
        for side, obj_id in (("notion", conflict.notion_id), ("other", conflict.other_id)):
            if obj_id in self.sides[side]:
                return str(self.sides[side][obj_id].values["Token"])
        return ""

    def last(self, token: str, name: str, who: str, side: str) -> Event | None:
        events = [e for e in self.history.get((token, name), []) if e.who == who and e.side == side]
        return events[-1] if events else None

    def edited_since(self, side: str, token: str, at: int) -> bool:
        """Whether a user's value stands on a side that came after a moment, or that nobody else ever saw."""
        obj = self.find(side, token)
        return any(
            (e.at > at and e.who == "user" and e.side == side)
            or (obj is not None and not self.known_elsewhere(side, token, name, obj.values[name]))
            for name in FIELDS
            for e in self.history.get((token, name), [])
        )


def opposite(side: str) -> str:
    return "other" if side == "notion" else "notion"


class WorldTask(SyncTask):
    """A task between the two services of a world."""

    def __init__(self, world: World, mode: ConflictMode = ConflictMode.NEWER, name: str = "world") -> None:
        super().__init__(name, dict(NATIVE), mode)
        self.world = world

    def _list(self, side: str) -> Listing:
        hidden = self.world.hidden.get(side)
        objs = [Obj(o.id, dict(o.values), o.edited) for o in self.world.sides[side].values()]
        if hidden is None:
            return Listing(objs)
        return Listing([o for o in objs if o.values["Token"] not in hidden], partial="cut off")

    async def get_notion_objects(self) -> Listing:
        return self._list("notion")

    async def get_other_objects(self) -> Listing:
        return self._list("other")

    def notion_id(self, obj: Obj) -> str:
        return obj.id

    def other_id(self, obj: Obj) -> str:
        return obj.id

    def notion_hash(self, obj: Obj) -> str:
        return str(obj.values["Token"])

    def other_hash(self, obj: Obj) -> str:
        return str(obj.values["Token"])

    def notion_timestamp(self, obj: Obj) -> datetime:
        return obj.edited

    def other_timestamp(self, obj: Obj) -> datetime:
        return obj.edited

    def notion_to_dict(self, obj: Obj) -> dict[str, Any]:
        return dict(obj.values)

    def other_to_dict(self, obj: Obj) -> dict[str, Any]:
        return {NATIVE[name]: value for name, value in obj.values.items()}

    async def notion_create_keyed(self, key: str, values: dict[str, Any]) -> Obj:
        return self.world.create("notion", values, key)

    async def other_create_keyed(self, key: str, values: dict[str, Any]) -> Obj:
        return self.world.create("other", common(values), key)

    async def notion_create_obj(self, **kwargs: Any) -> Obj:
        raise NotImplementedError

    async def other_create_obj(self, **kwargs: Any) -> Obj:
        raise NotImplementedError

    async def notion_update_attrs(self, obj: Obj, changes: dict[str, Any]) -> Obj:
        return self.world.update("notion", obj.id, changes)

    async def other_update_attrs(self, obj: Obj, changes: dict[str, Any]) -> Obj:
        return self.world.update("other", obj.id, common(changes))

    async def notion_update_obj(self, obj: Obj, attr: str, value: Any) -> None:
        raise NotImplementedError

    async def other_update_obj(self, obj: Obj, attr: str, value: Any) -> None:
        raise NotImplementedError

    async def notion_delete_obj(self, obj: Obj) -> None:
        self.world.delete("notion", obj.id)

    async def other_delete_obj(self, obj: Obj) -> None:
        self.world.delete("other", obj.id)


def common(values: dict[str, Any]) -> dict[str, Any]:
    names = {native: name for name, native in NATIVE.items()}
    return {names[native]: value for native, value in values.items()}


class WorldJournal(StateJournal):
    """A journal that survives crashes of a world, each call an effect that can be crashed around."""

    def __init__(self, world: World) -> None:
        super().__init__(State())
        self.world = world

    async def begin(self, intent: Any, effect: Any = None) -> None:
        with self._crashable():
            await super().begin(intent, effect)
            if intent is None:  # a deletion
                return
            target = self.world.sides[intent.side].get(intent.target_id or "")
            token = target.values["Token"] if target else intent.values.get("Token")
            self.world.unconfirmed |= {("notion", token), ("other", token)}

    async def confirm(self, **kwargs: Any) -> None:
        with self._crashable():
            await super().confirm(**kwargs)
            if kwargs.get("put") is not None:
                token = kwargs["put"].notion["Token"]
                self.world.linked[token] = self.world.now
                for name, value in kwargs["put"].notion.items():
                    if self.world.based.get((token, name), (0, None))[1] != value:
                        self.world.based[token, name] = (self.world.now, value)
                if token not in self.open_tokens():
                    self.world.unconfirmed -= {("notion", token), ("other", token)}

    def open_tokens(self) -> set[str]:
        """What is written and not proved yet."""
        found = set()
        for intent in self.state.intents.values():
            target = self.world.sides[intent["side"]].get(intent["target_id"] or "")
            source = self.world.sides[opposite(intent["side"])].get(intent["source_id"])
            found |= {obj.values["Token"] for obj in (target, source) if obj is not None}
        return found

    async def keep_conflict(self, conflict: Conflict) -> None:
        with self._crashable():
            self.world.judge_claim(conflict)
            self.world.ledger.append(conflict)

    @contextmanager
    def _crashable(self) -> Iterator[None]:
        fault = self.world.faults.get(self.world.effects)
        self.world.effects += 1
        if fault == "crash-before":
            self.world.reached["fault:journal-crash-before"] += 1
            raise Crash
        yield
        if fault == "crash-after":
            self.world.reached["fault:journal-crash-after"] += 1
            raise Crash
