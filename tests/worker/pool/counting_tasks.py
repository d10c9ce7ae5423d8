"""A task that counts the objects of its process: `LOCKSTEP_TASKS=tests.worker.pool.counting_tasks`.

Each run adds a line of JSON to `PROBE_DIR/objects.jsonl`, with their number by type, and then ends as `COUNTING_ENDS`
says: well, by an error that was foreseen, or by one that was not.
"""

from __future__ import annotations

import gc
import json
import os
from collections import Counter
from pathlib import Path

from tasks.errors import SideError
from tests.harness.probe_tasks import ProbeTask
from tests.harness.sides import ProbeSpec, Row


class Counting(ProbeTask):
    def __init__(self, name: str, directory: Path) -> None:
        super().__init__(ProbeSpec(name), directory)
        self.lines = directory / "objects.jsonl"

    async def get_other_objects(self) -> list[Row]:
        gc.collect()
        counts = Counter(f"{type(one).__module__}.{type(one).__qualname__}" for one in gc.get_objects())
        with self.lines.open("a") as lines:
            print(json.dumps(counts), file=lines)
        if ENDS == "an error":
            raise SideError("the other side is away")
        if ENDS == "a fault":
            raise ZeroDivisionError
        return await super().get_other_objects()


ENDS = os.environ.get("COUNTING_ENDS", "well")
Counting("counting", Path(os.environ["PROBE_DIR"])).run_every(hours=1).schedule()
