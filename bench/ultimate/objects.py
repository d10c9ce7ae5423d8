"""Ultimate Notion's `SyncTask` between invented services: a job line in, a result line out."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from itertools import count
from pathlib import Path

from bench.fake_sides import ATTRIBUTES, Contests, Methods, Sides, scenarios


def main() -> None:
    """Answer until the input ends."""
    with tempfile.TemporaryDirectory() as name:
        config = Path(name) / "config.toml"
        config.write_text('[ultimate_notion]\nsync_state_dir = "states"\n', encoding="utf-8")
        os.environ["ULTIMATE_NOTION_CONFIG"] = str(config)
        contests = Contests(_maker())
        for line in sys.stdin:
            job = json.loads(line)
            result = contests.measure(scenarios(**job["sizes"])[job["scenario"]], job["latency"])
            print(json.dumps(asdict(result)), flush=True)


def _maker() -> Callable[[Sides], Callable[[], None]]:
    from ultimate_notion.adapters.sync import SyncTask

    numbers = count()

    class Task(Methods, SyncTask):
        def __init__(self, sides: Sides) -> None:
            super().__init__(f"bench-{next(numbers)}", ATTRIBUTES)
            self.sides = sides

    def make(sides: Sides) -> Callable[[], None]:
        task = Task(sides)

        async def once() -> None:
            await task.in_total(1)  # type: ignore[no-untyped-call]

        return lambda: asyncio.run(once())

    return make


if __name__ == "__main__":
    main()
