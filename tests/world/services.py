"""Two services in memory and the users who edit them, with the history of every value."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tasks.journal.ledger import LedgerEntry

START = datetime(2026, 1, 1, tzinfo=UTC)
FIELDS = ("Title", "Note")
NATIVE = {"Token": "token", "Title": "summary", "Note": "text"}


class Broken(BaseException):
    """An invariant does not hold. No task may catch it."""


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
    version: int = 0
    #: What the engine asked for when it made the object; `None` for one that a user made.
    born: dict[str, Any] | None = None

    def copy(self) -> Obj:
        return Obj(self.id, dict(self.values), self.edited, self.version)


@dataclass(frozen=True)
class Traits:
    """What kind of services these are, and what kind of task joins them."""

    #: They say whether an object is gone, and refuse to write over what they did not show.
    strict: bool = False
    #: The other one strips blanks and lowers letters of whatever is written to it.
    folds: bool = False
    #: Objects count as the same thing by a title that may be edited, not by a name for ever.
    titled: bool = False
    #: The task can write one attribute at a time only.
    piecemeal: bool = False
    #: Its objects stay as they were listed when they are written. (What a service then makes of a value that is
    #: written attribute by attribute, nobody can tell from an edit.)
    copies: bool = False
    #: They tell what changed since a cursor, and are listed in full now and then only.
    deltas: bool = False
    #: An object that is deleted on one side goes on the other too, edited or not.
    delete_wins: bool = False
    #: A function of the task decides conflicts: it joins both values.
    resolver: bool = False
    #: The other side owns this attribute, whatever the mode says of the rest; none with an empty name.
    owned: str = ""
    #: Days by which the sides' clocks are wrong.
    skew: tuple[int, int] = (0, 0)


@dataclass
class Services:
    """Both services, the clock, the links that the engine has, and the history."""

    traits: Traits = field(default_factory=Traits)
    sides: dict[str, dict[str, Obj]] = field(default_factory=lambda: {"notion": {}, "other": {}})
    now: int = 0
    made: int = 0
    #: Events by (token, field) for values and by (token, "") for deletions.
    history: dict[tuple[str, str], list[Event]] = field(default_factory=dict)
    ledger: list[LedgerEntry] = field(default_factory=list)
    #: When a token appeared on a side, and when it was linked last.
    appeared: dict[tuple[str, str], int] = field(default_factory=dict)
    linked: dict[str, int] = field(default_factory=dict)
    #: What the engine keeps: Notion id to the other one's, and begun writes. The journal puts its own here.
    links: dict[str, str] = field(default_factory=dict)
    intents: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: Objects that the engine began to write and has no proof of yet.
    unconfirmed: set[tuple[str, str]] = field(default_factory=set)
    #: Deletions of objects of which the engine knew all; of others it cannot know what the user saw.
    deleted_linked: set[tuple[str, str]] = field(default_factory=set)
    #: What the services showed when the last run began, for reads that come late.
    before: dict[str, dict[str, Obj]] = field(default_factory=lambda: {"notion": {}, "other": {}})
    #: By side and id, the number of the change that touched or deleted an object last.
    touched: dict[tuple[str, str], int] = field(default_factory=dict)
    changes: int = 0
    #: By id and attribute, what the engine overwrote last.
    replaced: dict[tuple[str, str], Any] = field(default_factory=dict)
    #: Objects that the task's filter leaves out since its scope was changed.
    filtered: set[str] = field(default_factory=set)
    reached: Counter[str] = field(default_factory=Counter)
    #: Everything that happened to the services and to the journal, one line each.
    trace: list[str] = field(default_factory=list)

    # -- users --------------------------------------------------------------------------------------------

    def tick(self, minutes: int = 2) -> None:
        self.now += minutes

    def moment(self, side: str) -> datetime:
        """What a side's clock shows."""
        return self.as_shown(side, START + timedelta(minutes=self.now))

    def as_shown(self, side: str, moment: datetime) -> datetime:
        return moment + timedelta(days=self.traits.skew[side == "other"])

    def stored(self, side: str, value: Any) -> Any:
        """What a side makes of a value that is written to it."""
        return fold(value) if self.traits.folds and side == "other" else value

    def alike(self, one: Any, another: Any) -> bool:
        """Whether two values are the same as far as the coarser side can tell."""
        return bool(fold(one) == fold(another)) if self.traits.folds else bool(one == another)

    def note(self, token: str, name: str, who: str, side: str, value: Any) -> None:
        self.now += 1
        self.history.setdefault((token, name), []).append(Event(self.now, who, side, value))
        self.trace.append(f"{self.now} {who} {side} {token} {name} {value!r}")

    def touch(self, side: str, obj_id: str) -> None:
        """Count a change, for those who ask for changes only."""
        self.changes += 1
        self.touched[side, obj_id] = self.changes

    def user_creates(self, side: str, token: str, title: str, note: str) -> None:
        if self.find(side, token) or (self.traits.titled and self.find(opposite(side), token)):
            return
        self.made += 1
        values = {"Token": token, "Title": self.stored(side, title), "Note": self.stored(side, note)}
        for name in FIELDS:
            self.note(token, name, "user", side, values[name])
        obj_id = f"{side[0]}{self.made}"
        self.sides[side][obj_id] = Obj(obj_id, values, self.moment(side))
        self.appeared[side, token] = self.now
        self.touch(side, obj_id)

    def user_edits(self, side: str, token: str, name: str, value: str) -> None:
        obj = self.find(side, token)
        value = self.stored(side, value)
        if obj is None or obj.values[name] == value or not self.may_edit(side, token, name):
            return
        if self.traits.copies and self.replaced.get((obj.id, name)) == value:
            return  # who is not told what a write made cannot tell it from one that was undone
        self.note(token, name, "user", side, value)
        obj.values[name] = value
        obj.edited = self.moment(side)
        obj.version += 1
        self.touch(side, obj.id)

    def may_edit(self, side: str, token: str, name: str) -> bool:
        """Whether the engine can still tell what is the same thing: nobody could after any other edit."""
        here, across = self.find(side, token), self.find(opposite(side), token)
        if not self.traits.titled or here is None or across is None:
            return True
        pair = (here.id, across.id) if side == "notion" else (across.id, here.id)
        if self.links.get(pair[0]) == pair[1]:
            return True
        creates = [intent for intent in self.intents.values() if intent["target_id"] is None]
        if any(intent["source_id"] == across.id for intent in creates):
            return name != "Title"  # made a moment ago, and known by nothing else yet
        return name != "Title" or any(intent["source_id"] == here.id for intent in creates)

    def user_deletes(self, side: str, token: str) -> None:
        obj = self.find(side, token)
        if obj is None:
            return
        del self.sides[side][obj.id]
        self.touch(side, obj.id)
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

    def is_linked(self, side: str, obj_id: str) -> bool:
        return obj_id in (self.links if side == "notion" else self.links.values())

    def last(self, token: str, name: str, who: str, side: str) -> Event | None:
        events = [e for e in self.history.get((token, name), []) if e.who == who and e.side == side]
        return events[-1] if events else None


def joined(one: Any, another: Any) -> Any:
    """What the task's resolver makes of two values, whichever comes first."""
    return (
        max(one, another)
        if "" in (one, another) or one[:1] == another[:1]
        else min(one, another)[:1] + max(one, another)[:1]
    )


#: What the merge calls left and right is called so here.
SIDES = {"left": "notion", "right": "other"}


def opposite(side: str) -> str:
    return "other" if side == "notion" else "notion"


def fold(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value
