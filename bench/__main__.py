"""`make bench`: each figure beside that of what it replaces, measured in the same run."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from bench import (
    beats,
    idle_nodes,
    listings,
    locks,
    nodes,
    objects,
    plans,
    polls,
    polls_out_of_sight,
    polls_references,
    rate_limit,
    requests,
    run_costs,
    scale,
    services,
    simulation,
)
from bench.pages import MARKDOWN_WIDTH, WIDTH, write

BENCHES: dict[str, Callable[[], Table]] = {
    "plans": plans.measure,
    "locks": locks.measure,
    "beats": beats.measure,
}
#: These have a quick form, which shows that they work and measures nothing worth quoting.
SCALABLE: dict[str, Callable[..., Table]] = {
    "objects": objects.measure,
    "polls": polls.measure,
    "polls_out_of_sight": polls_out_of_sight.measure,
    "listings": listings.measure,
    "polls_references": polls_references.measure,
    "requests": requests.measure,
    "rate_limit": rate_limit.measure,
    "nodes": nodes.measure,
    "idle_nodes": idle_nodes.measure,
    "services": services.measure,
    "run_costs": run_costs.measure,
    "scale": scale.measure,
    "simulation": simulation.measure,
}
#: The pages that quote what was measured.
PAGES = tuple(Path(__file__).parents[1] / "docs" / name for name in ("bench.md", "scaling.md"))


def main(arguments: list[str]) -> int:
    """Run the named benches, or all."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    known = [*BENCHES, *SCALABLE]
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(known)}; all by default")
    parser.add_argument(
        "--quick", action="store_true", help=f"only {', '.join(SCALABLE)}, in small, without a network"
    )
    parser.add_argument(
        "--write", action="store_true", help="also put each table into the page of docs that quotes it"
    )
    given = parser.parse_args(arguments)
    if given.write and given.quick:
        parser.error("--quick measures nothing worth quoting: leave out --write")
    unknown = [name for name in given.names if name not in known]
    if unknown:
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(known)}")
    console = Console()
    for name in given.names or (SCALABLE if given.quick else known):
        began = time.monotonic()
        table = SCALABLE[name](quick=given.quick) if name in SCALABLE else BENCHES[name]()
        if not console.is_terminal:
            console.width = MARKDOWN_WIDTH if table.box is box.MARKDOWN else WIDTH
        console.print(table)
        print(f"bench: {name} took {time.monotonic() - began:.0f} s", file=sys.stderr)
        if given.write:
            try:
                write(PAGES, name, table)
            except (OSError, ValueError) as error:
                parser.error(f"{name} cannot be written: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
