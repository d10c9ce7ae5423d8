"""`make bench`: each figure beside that of what it replaces, measured in the same run."""

from __future__ import annotations

import sys
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from bench import beats, locks, plans

BENCHES: dict[str, Callable[[], Table]] = {
    "plans": plans.measure,
    "locks": locks.measure,
    "beats": beats.measure,
}


def main(names: list[str]) -> int:
    """Run the named benches, or all."""
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        print(f"bench: there is no {', '.join(unknown)}; there are {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    console = Console()
    for name in names or BENCHES:
        console.print(BENCHES[name]())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
