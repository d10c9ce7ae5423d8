"""Two nodes that are in step already: what a sync costs by the size of their tables.

python -m bench.idle_nodes    # with 1,000,000 records as well
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from statistics import median

import httpx
from rich.console import Console
from rich.table import Table

from bench.nodes import OURS
from bench.two_nodes import databases

SIZES = (10_000, 100_000)
QUICK = (500,)
#: Syncs of which the median is told, after one that opens the connections.
TIMES = 15


def measure(*, quick: bool = False, sizes: Sequence[int] = SIZES) -> Table:
    """Milliseconds and statements of a sync with nothing to do and with 100 changed records, by size."""
    table = Table(
        "database",
        "records",
        "nothing changed, ms",
        "CPU ms",
        "bytes",
        "statements",
        "100 changed, ms",
        title="A sync of two nodes that are in step, over HTTP",
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for kind in ("sqlite",) if quick else ("sqlite", "postgresql"):
        for size in QUICK if quick else sizes:
            with databases.databases(kind) as made:
                table.add_row(kind, f"{size:,}", *_measured(made, size))
    return table


def _measured(made: databases.Databases, size: int) -> list[str]:
    office = made.make("office")
    databases.run(office, databases.CREATE)
    databases.fill(office, size)
    OURS.run(office, "settle")
    laptop = made.copy("laptop", "office")
    with OURS.served(office) as address:
        OURS.run(laptop, "ask", address, "1")
        before = httpx.get(f"{address}/usage").json()
        told = [json.loads(line) for line in OURS.run(laptop, "ask", address, str(TIMES)).splitlines()]
        after = httpx.get(f"{address}/usage").json()
        databases.run(office, f"UPDATE item SET a = 'changed' WHERE mod(id, {size // 100}) = 0")
        changed = json.loads(OURS.run(laptop, "ask", address))
    if any(each["changed"] for each in told) or changed["changed"] != 100:
        raise RuntimeError("the nodes were not in step")
    idle = told[1:]
    answering = (after["cpu"] - before["cpu"]) / TIMES
    statements = idle[0]["statements"] + (after["statements"] - before["statements"]) / TIMES
    return [
        f"{median(each['seconds'] for each in idle) * 1000:.1f}",
        f"{(median(each['cpu'] for each in idle) + answering) * 1000:.1f}",
        f"{idle[0]['bytes']:,}",
        f"{statements:.0f}",
        f"{changed['seconds'] * 1000:.0f}",
    ]


if __name__ == "__main__":
    Console(width=120).print(measure(sizes=(*SIZES, 1_000_000)))
