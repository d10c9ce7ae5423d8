"""Two database nodes over HTTP on this machine: the first sync, 5 % changed, a single record, nothing changed.

`python -m bench.nodes SIZE` measures Lockstep alone, on SQLite, with so many records; `--kind postgresql` on the other
database. `--rounds N` plays all of it N times, each with databases of its own, and tells of each exchange the round
that took the least CPU time: where other work goes on, that is what can be compared.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import ultimate
from bench.two_nodes.contest import Contender, Exchange, play
from bench.two_nodes.databases import databases
from bench.two_nodes.floor import floor

RECORDS = 10_000
QUICK = 1_000
RIVAL = "django-spire 0.32.11"

OURS = Contender("lockstep", "bench.two_nodes.own")
ROW_BY_ROW = Contender("row by row", "bench.two_nodes.row_by_row")
_REQUIREMENTS = Path(__file__).parent / "two_nodes" / "spire-requirements.txt"


def measure(*, quick: bool = False) -> Table:
    """Speed, CPU time, bytes and memory of each contender, on both databases."""
    size = QUICK if quick else RECORDS
    table = _table(size)
    rival: Contender | None = None
    try:
        folder = ultimate.FOLDER.with_name("bench-spire")
        # Its sync needs Django alone; the rest of what it names is for its other parts.
        python = ultimate.install(
            folder, may_install=not quick, name=RIVAL, requirements=_REQUIREMENTS, options=["--no-deps"]
        )
        rival = Contender(RIVAL, "bench.two_nodes.spire", str(python))
    except ultimate.UnavailableError as error:
        table.caption = f"Without {RIVAL}: {error}"
    for kind in ("sqlite",) if quick else ("sqlite", "postgresql"):
        # The rival's storage asks the database's catalogue in PostgreSQL's own words.
        contenders = [ROW_BY_ROW, *([rival] if rival and kind == "postgresql" else []), OURS]
        if quick:  # the start of each process takes most of the time
            contenders = [OURS]
        with databases(kind) as made:
            found = [list(play(contender, size, made.make)) for contender in contenders]
            bare = [*floor(made.make("floor"), size)] if kind == "sqlite" else []
        for exchanges in zip(*found, strict=True):
            table.add_row(f"{kind}: {exchanges[0].what}")
            for row in _rows(exchanges):
                table.add_row(*row)
            for each in bare if exchanges[0].what == "first sync" else ():
                table.add_row(*_floor_row(each, size, exchanges[0].seconds))
    return table


def alone(size: int, kind: str = "sqlite", rounds: int = 1) -> Table:
    """Lockstep's own figures on one database, the best of some rounds."""
    table = _table(size)
    with databases(kind) as made:
        played = [
            list(play(OURS, size, lambda name, at=at: made.make(f"{name}_{at}")))  # type: ignore[misc]
            for at in range(rounds)
        ]
    for same in zip(*played, strict=True):
        best = min(same, key=lambda exchange: sum(exchange.cpu))
        table.add_row(f"{kind}: {best.what}")
        for row in _rows((best,)):
            table.add_row(*row)
    return table


def _table(size: int) -> Table:
    table = Table(
        "",
        "seconds",
        "records/s",
        "ratio",
        "CPU s, asks",
        "CPU s, answers",
        "MB sent",
        "MB, asks",
        "MB, answers",
        title=f"Two nodes over HTTP, {size:,} records of 10 fields",
        box=None,
    )
    for column in table.columns[1:]:
        column.justify = "right"
    return table


def _floor_row(bare: tuple[str, float, float], size: int, first: float) -> list[str]:
    what, seconds, cpu = bare
    return [f"  {what}", f"{seconds:.3f}", f"{size / seconds:,.0f}", f"{seconds / first:.2f}", f"{cpu:.3f}"]


def _rows(exchanges: tuple[Exchange, ...]) -> Iterator[list[str]]:
    first = exchanges[0].seconds
    for each in exchanges:
        yield [
            f"  {each.contender}",
            f"{each.seconds:.3f}",
            f"{each.count / each.seconds:,.0f}" if each.count else "-",
            f"{each.seconds / first:.2f}",
            *(f"{seconds:.3f}" for seconds in each.cpu),
            f"{each.bytes / 1e6:.2f}" if each.bytes >= 10_000 else f"{each.bytes / 1e6:.4f}",
            *(f"{memory:.0f}" for memory in each.memory),
        ]


__all__ = ["OURS", "ROW_BY_ROW", "alone", "measure"]

if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("size", type=int, help="records of each database")
    parser.add_argument("--kind", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    Console(width=120).print(alone(options.size, options.kind, options.rounds))
