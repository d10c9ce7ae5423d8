"""Tasks that block: `LOCKSTEP_TASKS=tests.worker.pool.blocking_tasks`.

`BLOCKING` is a JSON object: per task what blocks (`function`, `coroutine`, or `nothing`, which sleeps as it should),
for how many seconds, and how many runs it has in all (none is without end). A coroutine blocks once every task that
does not block has begun: those are its bystanders.
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
        self.directory = directory
        self.seconds = seconds


class BlockingFunction(Blocking):
    def get_other_objects(self) -> list[Row]:  # type: ignore[override]
        time.sleep(self.seconds)
        return self.sides.other.rows()


class BlockingCoroutine(Blocking):
    async def get_other_objects(self) -> list[Row]:
        while not all((self.directory / f"{name}.begun").exists() for name in BYSTANDERS):  # noqa: ASYNC110  in another process, maybe
            await asyncio.sleep(0.01)
        time.sleep(self.seconds)  # noqa: ASYNC251  the fault
        return self.sides.other.rows()


class Patient(Blocking):
    async def get_other_objects(self) -> list[Row]:
        (self.directory / f"{self.name}.begun").touch()
        await asyncio.sleep(self.seconds)
        return self.sides.other.rows()


BLOCKING = json.loads(os.environ["BLOCKING"])
BYSTANDERS = [name for name, (kind, _, _) in BLOCKING.items() if kind == "nothing"]
KINDS = {"function": BlockingFunction, "coroutine": BlockingCoroutine, "nothing": Patient}

for _name, (_kind, _seconds, _total) in BLOCKING.items():
    _task = KINDS[_kind](_name, Path(os.environ["PROBE_DIR"]), _seconds)
    _task.run_every(seconds=1)
    if _total is not None:
        _task.in_total(_total)
    _task.schedule()
