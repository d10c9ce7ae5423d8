"""Polls by changes where objects refer to each other: what ten changes cost by the number of links.

python -m bench.polls_references
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import insert

from bench.polls import LoadingStore, carry_out, link_row, peak
from bench.timing import in_turns
from tasks import TwoWay
from tasks.sides import Attribute, Changes, End, Kind, Listing, Side
from tasks.values.references import References
from worker.lock import MemoryLockStore, MemorySyncLock
from worker.store import Store, schema
from worker.store.tables.links import shape_of
from worker.store.tables.numbers import count_along

SIZES = (100, 10_000, 100_000)
QUICK = (100, 300)
#: Up to so many links, the same runs are measured with all of them loaded as well.
MOST_LOADED = 10_000
EDITS = 10
ROUNDS = 5
#: Objects that refer to the same one, the first of them.
GROUP = 20
_BATCH = 5_000
_START = datetime(2026, 1, 1, tzinfo=UTC)
_NAMES = ("title", "note", "group")


class Objects(Side):
    """Objects in memory that each refer to the first of their group; made when somebody asks for them."""

    def __init__(self, letter: str, size: int) -> None:
        self.label, self.letter, self.size = f"the side {letter}", letter, size
        self.is_filled = False
        self.notes: dict[str, str] = {}
        self.gone: dict[str, int] = {}
        self.log: list[str] = []
        self.writes = 0

    def describe(self) -> Mapping[str, Attribute]:
        """A title, a note, and the first of the group."""
        return {
            "title": Attribute(Kind.TEXT, meaning="title"),
            "note": Attribute(Kind.TEXT),
            "group": Attribute(Kind.REFERENCE),
        }

    def list(self) -> Listing:
        """Nothing before the links are filled in."""
        if self.is_filled:
            raise RuntimeError("a run of the bench listed everything")
        return Listing([], cursor=0)

    def changes(self, cursor: int) -> Changes:
        """What was edited or deleted since."""
        some = dict.fromkeys(self.log[cursor:])
        changed = [one for one in some if one not in self.gone]
        return Changes(changed, [one for one in some if one in self.gone], len(self.log))

    def get(self, obj_id: str) -> str | None:
        """The object, unless it was deleted."""
        return None if obj_id in self.gone else obj_id

    def gone_among(self, attribute: str, ids: Any) -> Any:
        """Those that were deleted."""
        return [one for one in ids if one in self.gone]

    def id(self, obj: str) -> str:
        """The id."""
        return obj

    def key(self, obj: str) -> str:
        """The title."""
        return f"row {obj[1:]}"

    def edited(self, obj: str) -> datetime:
        """Always the same."""
        return _START

    def values(self, obj: str) -> Mapping[str, Any]:
        """What it has."""
        number = int(obj[1:])
        refs = (f"{self.letter}{number - number % GROUP}",)
        return {"title": f"row {number}", "note": self.notes.get(obj, ""), "group": refs}

    def create(self, key: str, values: Mapping[str, Any]) -> str:
        """Nothing is new here."""
        raise RuntimeError(f"a run of the bench made {values['title']}")

    def update(self, obj: str, changes: Mapping[str, Any]) -> str:
        """Another note."""
        self.writes += 1
        self.notes[obj] = changes["note"]
        self.log.append(obj)
        return obj

    def delete(self, obj: str) -> None:
        """It is gone."""
        self.writes += 1
        self.gone[obj] = len(self.log)
        self.log.append(obj)


class Place:
    """A task with so many links whose objects refer to each other."""

    def __init__(self, folder: Path, size: int, store: type[Store] = Store) -> None:
        self.size, self.turns = size, 0
        self.sides = Objects("n", size), Objects("o", size)
        self.task = TwoWay(f"refers-{size}", *self.sides, {name: name for name in _NAMES})
        self.task.run_every(hours=1)
        self.task.state_path = folder / f"refers-{size}.json"
        self.store = store(f"sqlite:///{folder / store.__name__}-refers-{size}.db")
        self.store.migrate()
        self.lock = MemorySyncLock(MemoryLockStore())
        self.run()
        self._fill()
        for side in self.sides:
            side.is_filled = True
        self.run()

    def run(self) -> None:
        """One run, as a worker carries it out."""
        carry_out(self.task, self.store, self.lock)

    def change(self) -> None:
        """People edit nine objects and delete one to which none refers."""
        self.turns += 1
        left = self.sides[0]
        for part in range(EDITS):
            number = part * (self.size // EDITS) + self.turns % GROUP
            if f"n{number}" in left.gone:
                number += 1
            if part == 0 and number % GROUP:
                left.gone[f"n{number}"] = 0
            else:
                left.notes[f"n{number}"] = f"edit {self.turns}"
            left.log.append(f"n{number}")

    def run_after_changes(self) -> None:
        """A run that carries all of these across."""
        before = self.sides[1].writes
        self.run()
        if self.sides[1].writes - before != EDITS:
            raise RuntimeError(
                f"a run of the bench wrote {self.sides[1].writes - before} objects, not {EDITS}"
            )

    def _fill(self) -> None:
        """All links, as a first run would have left them."""
        name, shape = self.task.name, shape_of(_NAMES)
        with self.store.write() as connection:
            for start in range(0, self.size, _BATCH):
                numbers = range(start, min(start + _BATCH, self.size))
                connection.execute(insert(schema.link), [self._link(number, shape) for number in numbers])
                referring = [
                    {
                        "task": name,
                        "side": end.value,
                        "object_id": f"{side.letter}{number - number % GROUP}",
                        "left_id": f"n{number}",
                    }
                    for number in numbers
                    for end, side in zip(End, self.sides, strict=True)
                ]
                connection.execute(insert(schema.reference), referring)
            count_along(connection, name, {"": self.size})

    def _link(self, number: int, shape: str) -> dict[str, Any]:
        first = number - number % GROUP
        values = {"title": f"row {number}", "note": "", "group": References(((f"n{first}", f"o{first}"),))}
        return link_row(self.task.name, number, values, shape)


def measure(*, quick: bool = False, sizes: Sequence[int] = SIZES) -> Table:
    """Milliseconds and memory by the number of links, beside those of the smallest number and of all links."""
    table = Table(title=f"Where objects refer to each other: idle, and {EDITS} changes")
    for header in ("Links", "Idle, ms", "Ratio", "Changes, ms", "Ratio", "Peak MB", "All loaded", "Peak MB"):
        table.add_column(header, justify="right")
    rounds = 1 if quick else ROUNDS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        places = [Place(folder, size) for size in (QUICK if quick else sizes)]
        idle = in_turns(*(place.run for place in places), rounds=2 * rounds + 1)
        changed = [_changed(place, rounds) for place in places]
        for place, seconds, after in zip(places, idle, changed, strict=True):
            place.change()
            most = peak(place.run_after_changes)
            table.add_row(
                f"{place.size:,}",
                *(f"{seconds * 1e3:.1f}", f"{seconds / idle[0]:.2f}"),
                *(f"{after * 1e3:.0f}", f"{after / changed[0]:.2f}", f"{most:.2f}"),
                *_all_loaded(folder, place.size, after),
            )
    return table


def _all_loaded(folder: Path, size: int, seconds: float) -> tuple[str, str]:
    """How many times as long such a run takes that loads all links, as each did before, and its memory."""
    if size > MOST_LOADED:
        return "-", "-"
    loading = Place(folder, size, LoadingStore)
    of_all = _changed(loading, 1)
    loading.change()
    return f"× {of_all / seconds:,.1f}", f"{peak(loading.run_after_changes):.2f}"


def _changed(place: Place, rounds: int) -> float:
    """The median seconds of runs after changes; the runs between them see what these wrote."""
    seconds: list[float] = []
    for _ in range(rounds):
        place.change()
        seconds += in_turns(place.run_after_changes, rounds=1)
        place.run()
    return median(seconds)


if __name__ == "__main__":
    Console(width=120).print(measure())
