"""Tasks that block: `LOCKSTEP_TASKS=tests.worker.pool.blocking_tasks`.

`BLOCKING` is a JSON object: per task what blocks (`function`, `coroutine`, or `nothing`, which sleeps as it should),
for how many seconds, and how many runs it has in all (none is without end).
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path

from tests.harness.probe_tasks import ProbeTask
from tests.harness.sides import ProbeSpec, Row


class Blocking(ProbeTask):
    def __init__(self, name: str, directory: Path, seconds: float) -> None:
        super().__init__(ProbeSpec(name), directory)
        self.seconds = seconds


class BlockingFunction(Blocking):
    def get_other_objects(self) -> list[Row]:  # type: ignore[override]
        time.sleep(self.seconds)
        return self.sides.other.rows()


class BlockingCoroutine(Blocking):
    async def get_other_objects(self) -> list[Row]:
        time.sleep(self.seconds)  # noqa: ASYNC251  the fault
        return self.sides.other.rows()


class Patient(Blocking):
    async def get_other_objects(self) -> list[Row]:
        await asyncio.sleep(self.seconds)
        return self.sides.other.rows()


KINDS = {"function": BlockingFunction, "coroutine": BlockingCoroutine, "nothing": Patient}

for _name, (_kind, _seconds, _total) in json.loads(os.environ["BLOCKING"]).items():
    _task = KINDS[_kind](_name, Path(os.environ["PROBE_DIR"]), _seconds)
    _task.run_every(seconds=1)
    if _total is not None:
        _task.in_total(_total)
    _task.schedule()
