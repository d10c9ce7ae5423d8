"""`make bench`: each figure beside that of what it replaces, measured in the same run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from bench import beats, idle_nodes, locks, nodes, objects, plans, rate_limit, requests

BENCHES: dict[str, Callable[[], Table]] = {
    "plans": plans.measure,
    "locks": locks.measure,
    "beats": beats.measure,
}
#: These have a quick form, which shows that they work and measures nothing worth quoting.
SCALABLE: dict[str, Callable[..., Table]] = {
    "objects": objects.measure,
    "requests": requests.measure,
    "rate_limit": rate_limit.measure,
    "nodes": nodes.measure,
    "idle_nodes": idle_nodes.measure,
}
#: Columns of a table in a file.
WIDTH = 120


def main(arguments: list[str]) -> int:
    """Run the named benches, or all."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    known = [*BENCHES, *SCALABLE]
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(known)}; all by default")
    parser.add_argument(
        "--quick", action="store_true", help=f"only {', '.join(SCALABLE)}, in small, without a network"
    )
    given = parser.parse_args(arguments)
    unknown = [name for name in given.names if name not in known]
    if unknown:
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(known)}")
    console = Console()
    if not console.is_terminal:
        console.width = WIDTH
    for name in given.names or (SCALABLE if given.quick else known):
        table = SCALABLE[name](quick=given.quick) if name in SCALABLE else BENCHES[name]()
        console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
