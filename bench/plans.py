"""Planning: does its cost grow with the number of objects, and no faster?"""

from __future__ import annotations

import time
import tracemalloc

from rich.table import Table

from tasks.merge import End, Link, Policy, Record, Snapshot, make_plan

SIZES = (1_000, 10_000, 100_000)
ATTRIBUTES = ("Name", "Notes", "Due")


def measure() -> Table:
    """Plans over linked objects of which one in a hundred was edited."""
    table = Table(title="Planning with 1 % edited", title_justify="left")
    for header in ("Objects on each side", "Seconds", "µs each", "Peak MB", "Updates planned"):
        table.add_column(header, justify="right")
    for size in SIZES:
        links, notion, other = _sides(size)
        began = time.perf_counter()
        plan = make_plan(links, notion, other, Policy(ATTRIBUTES))
        seconds = time.perf_counter() - began
        tracemalloc.start()
        make_plan(links, notion, other, Policy(ATTRIBUTES))
        peak = tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()
        each = seconds / size * 1e6
        table.add_row(f"{size:,}", f"{seconds:.2f}", f"{each:.1f}", f"{peak:.1f}", str(len(plan.writes)))
    return table


def _sides(size: int) -> tuple[list[Link], Snapshot, Snapshot]:
    values = {i: {"Name": f"Task {i}", "Notes": "as ever", "Due": None} for i in range(size)}
    edited = {i: {**v, "Notes": "edited"} if i % 100 == 0 else v for i, v in values.items()}
    notion = {f"n{i}": Record(f"n{i}", edited[i], f"task {i}") for i in range(size)}
    other = {f"o{i}": Record(f"o{i}", values[i], f"task {i}") for i in range(size)}
    links = [Link(f"n{i}", f"o{i}", values[i], values[i]) for i in range(size)]
    return links, Snapshot(End.LEFT, notion), Snapshot(End.RIGHT, other)
