"""Polls by changes of a task of which many pairs are out of sight, or went apart.

python -m bench.polls_out_of_sight
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Sequence
from functools import cached_property
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.polls import Place, peak
from bench.timing import cpu_in_turns
from tasks.merge import Link
from worker.store import Store
from worker.store.tables.links import Links

LINKS, QUICK_LINKS = 20_000, 300
SIZES, QUICK = (0, 100, 1_000, 10_000), (0, 100)
ROUNDS = 9


class _AllOutOfSight(Links):
    """Gives each run what is out of sight, as it was before."""

    def unsettled(self, task: str, attributes: Collection[str]) -> list[Link]:
        return [*super().unsettled(task, attributes), *self.out_of_sight(task)]


class LoadingStore(Store):
    """A store with which each run loads what is out of sight."""

    @cached_property
    def links(self) -> Links:
        return _AllOutOfSight(self)


def measure(*, quick: bool = False, sizes: Sequence[int] = SIZES) -> Table:
    """CPU milliseconds and memory of idle polls by the number of pairs that are out of sight."""
    links = QUICK_LINKS if quick else LINKS
    table = Table(title=f"Runs by changes with {links:,} links, SQLite: nothing changed")
    for header in ("Out of sight", "Idle, CPU ms", "Ratio", "Peak MB", "All of these loaded", "Peak MB"):
        table.add_column(header, justify="right")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        numbers = QUICK if quick else sizes
        places, loading = (
            [Place(folder / kind.__name__ / str(number), links, kind, apart=number) for number in numbers]
            for kind in (Store, LoadingStore)
        )
        rounds = 1 if quick else ROUNDS
        idle = cpu_in_turns(*(place.run for place in places), rounds=rounds)
        loaded = cpu_in_turns(*(place.run for place in loading), rounds=rounds)
        for number, place, other, mine, before in zip(numbers, places, loading, idle, loaded, strict=True):
            table.add_row(
                *(f"{number:,}", f"{mine * 1e3:.1f}", f"{mine / idle[0]:.2f}", f"{peak(place.run):.2f}"),
                *(f"× {before / mine:,.1f}", f"{peak(other.run):.2f}"),
            )
    return table


if __name__ == "__main__":
    Console(width=120).print(measure())
