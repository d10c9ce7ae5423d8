"""Two systems in memory whose objects refer to each other, a task between them, and what people did there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tasks import TwoWay
from tasks.engine.report import Order, RunReport
from tasks.errors import SideError
from tasks.journal.contract import Linked
from tasks.journal.ledger import LedgerEntry
from tasks.journal.state import State
from tasks.journal.state_journal import StateJournal
from tasks.sides import Attribute, Changes, End, Kind, Listing, Side

START = datetime(2026, 1, 1, tzinfo=UTC)


class Ledger(StateJournal):
    """Keeps what lost."""

    def __init__(self, state: State | None = None, beside: Mapping[str, Linked] | None = None) -> None:
        super().__init__(state or State(), beside or {})
        self.entries: list[LedgerEntry] = []

    async def keep_conflict(self, entry: LedgerEntry) -> None:
        self.entries.append(entry)


@dataclass
class Thing:
    """An object of a graph."""

    title: str
    note: str = ""
    refs: set[str] = field(default_factory=set)
    edited: datetime = START
    version: int = 0


class Graph(Side):
    """Objects with a title, a note and references, told by changes if wanted."""

    def __init__(
        self,
        label: str,
        *,
        single: bool = False,
        drops: bool = False,
        deltas: bool = False,
        refers_to: tuple[str, ...] = (),
        place: str = "",
    ) -> None:
        self.label = label
        self.single = single
        #: Whether it takes references away with the object to which they lead.
        self.drops = drops
        self.deltas = deltas
        self.refers_to = refers_to
        self.place = place
        self.things: dict[str, Thing] = {}
        self.gone: dict[str, int] = {}
        self.by_key: dict[str, str] = {}
        self.version = 0
        self.number = 0
        self.now = START
        self.calls: Counter[str] = Counter()
        #: After how many writes it is away, and whether the last one arrives all the same.
        self.away_after: int | None = None
        self.arrives = False

    @property
    def places(self) -> Collection[str]:
        return (self.place,) if self.place else ()

    # -- what people do ---------------------------------------------------------------------------------------

    def add(self, title: str, *refs: str, note: str = "") -> str:
        self.number += 1
        obj_id = f"{self.label[0]}{self.number}"
        self.things[obj_id] = Thing(title, note, set(refs))
        self.touch(obj_id)
        return obj_id

    def touch(self, obj_id: str) -> None:
        self.version += 1
        self.things[obj_id].version = self.version
        self.things[obj_id].edited = self.now

    def refer(self, obj_id: str, *refs: str) -> None:
        self.things[obj_id].refs = set(refs)
        self.touch(obj_id)

    def remove(self, obj_id: str) -> None:
        del self.things[obj_id]
        self.version += 1
        self.gone[obj_id] = self.version
        for other in self.things.values() if self.drops else ():
            other.refs.discard(obj_id)

    def ids(self) -> dict[str, str]:
        return {thing.title: obj_id for obj_id, thing in self.things.items()}

    def edges(self) -> set[tuple[str, str]]:
        """What refers to what that is there, by titles."""
        return {
            (thing.title, self.things[ref].title)
            for thing in self.things.values()
            for ref in thing.refs
            if ref in self.things
        }

    # -- what a side does -------------------------------------------------------------------------------------

    def describe(self) -> Any:
        return {
            "title": Attribute(Kind.TEXT, meaning="title"),
            "note": Attribute(Kind.TEXT),
            "refs": Attribute(Kind.REFERENCE, single=self.single, refers_to=self.refers_to),
        }

    def list(self) -> Any:
        self.calls["list"] += 1
        return Listing([*self.things], cursor=self.version if self.deltas else None)

    def changes(self, cursor: Any) -> Any:
        if not self.deltas:
            return NotImplemented
        self.calls["changes"] += 1
        changed = [obj_id for obj_id, thing in self.things.items() if thing.version > cursor]
        return Changes(changed, [one for one, version in self.gone.items() if version > cursor], self.version)

    def get(self, obj_id: str) -> Any:
        self.calls["get"] += 1
        return obj_id if obj_id in self.things else None

    def gone_among(self, attribute: str, ids: Collection[str]) -> Any:
        self.calls["gone_among"] += 1
        assert attribute == "refs"
        return [one for one in ids if one in self.gone]

    def id(self, obj: Any) -> Any:
        return obj

    def key(self, obj: Any) -> Any:
        return self.things[obj].title

    def edited(self, obj: Any) -> Any:
        return self.things[obj].edited

    def values(self, obj: Any) -> Any:
        thing = self.things[obj]
        return {"title": thing.title, "note": thing.note, "refs": tuple(sorted(thing.refs))}

    def create(self, key: str, values: dict[str, Any]) -> Any:
        if key in self.by_key and self.by_key[key] in self.things:
            return self.by_key[key]
        arrives = self._write("create", values)
        obj_id = self.add(values["title"], *values["refs"], note=values.get("note") or "")
        self.by_key[key] = obj_id
        self._answer(arrives)
        return obj_id

    def update(self, obj: Any, changes: dict[str, Any]) -> Any:
        arrives = self._write("update", changes)
        thing = self.things[obj]
        if "refs" in changes:
            thing.refs = set(changes["refs"])
        thing.title, thing.note = changes.get("title", thing.title), changes.get("note", thing.note) or ""
        self.touch(obj)
        self._answer(arrives)
        return obj

    def delete(self, obj: Any) -> Any:
        self._write("delete", {})
        self.remove(obj)

    def _write(self, kind: str, values: Mapping[str, Any]) -> bool:
        refs = values.get("refs", ())
        assert not self.single or len(refs) <= 1, f"{self.label} refers to one only, not {refs}"
        new = set(refs) - {one for thing in self.things.values() for one in thing.refs}
        if not self.refers_to:
            assert new <= self.things.keys(), f"{self.label} has no {sorted(new - self.things.keys())}"
        if self.away_after is not None:
            if self.away_after == 0:
                self.away_after = -1
                if self.arrives and kind != "delete":
                    return False
            if self.away_after < 0:
                raise SideError(f"{self.label} is away")
            self.away_after -= 1
        self.calls[kind] += 1
        return True

    def _answer(self, arrives: bool) -> None:
        if not arrives:
            raise SideError(f"{self.label} is away, and the write arrived")

    @property
    def writes(self) -> int:
        return sum(self.calls[kind] for kind in ("create", "update", "delete"))


def task(left: Graph, right: Graph, mode: str = "newer", name: str = "graphs", **refs: Any) -> TwoWay:
    """A sync of two graphs that no guard halts."""
    mapping = {"title": "title", "note": "note", "refs": {"to": "refs", **refs}}
    made = TwoWay(name, left, right, mapping, mode)
    made.delete_share = made.change_share = 1.0
    return made


async def run(sync: TwoWay, journal: StateJournal, now: datetime = START) -> RunReport:
    """One run, at a time."""
    return await sync.run(journal, order=Order(clock=lambda: now))


def writes(sync: TwoWay) -> int:
    """All writes so far."""
    return sum(side.writes for side in sync.sides.values() if isinstance(side, Graph))


def minutes(number: int) -> datetime:
    return START + timedelta(minutes=5 * number)


__all__ = ["End", "Graph", "Ledger", "minutes", "run", "task", "writes"]
