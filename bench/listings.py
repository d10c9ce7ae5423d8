"""A full listing of objects that did not change: what is held of it at once and in pages."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import Iterator
from time import process_time
from typing import Any

from rich.console import Console
from rich.table import Table

from tasks import TwoWay
from tasks.engine.calls import calls
from tasks.engine.reading import BaseOf, read_side
from tasks.engine.running import adapters_of
from tasks.merge import End, Values
from tasks.sides import Attribute, Kind, Listing, Side

SIZES = (1_000, 5_000, 10_000)
QUICK = (500, 1_500)
PAGE = 100
#: Properties of an object besides those that are synced, as services send them.
OTHERS = 20
ATTRIBUTES = {"Name": Attribute(Kind.TEXT, meaning="title"), "Notes": Attribute(Kind.TEXT)}


class Shelf(Side):
    """So many objects, each made anew when it is listed, as a service's answer is."""

    label = "the shelf"

    def __init__(self, size: int) -> None:
        self.size = size

    def _object(self, number: int) -> dict[str, Any]:
        others = {f"p{one}": {"id": f"{number}-{one}", "text": [f"{number} {one}"]} for one in range(OTHERS)}
        return {"id": f"s{number}", **values_of(number), "properties": others}

    def list(self) -> Listing:
        """All of them."""
        return Listing(self._object(number) for number in range(self.size))

    def pages(self) -> Iterator[Listing]:
        """The same, a hundred at a time."""
        for start in range(0, self.size, PAGE):
            yield Listing(self._object(number) for number in range(start, min(start + PAGE, self.size)))

    def describe(self) -> dict[str, Attribute]:
        """Two texts."""
        return dict(ATTRIBUTES)

    def get(self, obj_id: str) -> Any:
        """One by its id."""
        return self._object(int(obj_id[1:]))

    def id(self, obj: Any) -> str:
        """Its id."""
        return str(obj["id"])

    def key(self, obj: Any) -> str:
        """Its name."""
        return str(obj["Name"])

    def edited(self, obj: Any) -> None:
        """Not known."""

    def values(self, obj: Any) -> dict[str, Any]:
        """Both texts."""
        return {name: obj[name] for name in ATTRIBUTES}

    def create(self, key: str, values: dict[str, Any]) -> Any:
        """Nothing is written here."""
        raise NotImplementedError

    update = delete = create  # type: ignore[assignment]


class AtOnce(Shelf):
    """The same without pages."""

    def list(self) -> Listing:
        """All of them."""
        return super().list()


def values_of(number: int) -> dict[str, Any]:
    """What an object shows."""
    return {"Name": f"Task {number}", "Notes": f"Notes of task {number}, some words long"}


def listed(side: Side, base_of: BaseOf) -> tuple[float, float]:
    """Peak megabytes of a listing, beside the bases that are known before, and seconds of CPU without that look."""

    async def read() -> int:
        sync = TwoWay("bench", side, AtOnce(0), {"Name": "Name", "Notes": "Notes"}).pairing()
        mapping = sync.mapped(dict.fromkeys(End, ATTRIBUTES))
        async with calls("bench") as caller:
            return len(
                (await read_side(adapters_of(sync, mapping, caller)[End.LEFT], base_of)).snapshot.records
            )

    before = process_time()
    count = asyncio.run(read())
    seconds = process_time() - before
    tracemalloc.start()
    try:
        again = asyncio.run(read())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    if not count == again == getattr(side, "size", 0):
        raise RuntimeError("a listing of the bench lacks objects")
    return peak / 1e6, seconds


def measure(*, quick: bool = False) -> Table:
    """Listings of objects that show their base."""
    table = Table(title="A full listing in which nothing changed")
    for column in ("Objects", "At once: peak MB", "CPU s", "In pages: peak MB", "CPU s", "Memory", "CPU"):
        table.add_column(column, justify="right")
    for size in QUICK if quick else SIZES:
        bases: dict[str, Values] = {f"s{number}": values_of(number) for number in range(size)}
        whole, slow = listed(AtOnce(size), bases.get)
        paged, fast = listed(Shelf(size), bases.get)
        table.add_row(
            f"{size:,}", f"{whole:,.1f}", f"{slow:.2f}", f"{paged:,.1f}", f"{fast:.2f}",
            f"{paged / whole:.2f}", f"{fast / slow:.2f}",
        )  # fmt: skip
    return table


if __name__ == "__main__":
    Console().print(measure())
