"""Tasks over two SQLite sides, for worker and beat processes: `LOCKSTEP_TASKS=tests.harness.probe_tasks`.

`PROBE_DIR` is the directory of the sides, `PROBE_TASKS` a JSON list of `ProbeSpec`.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import os
import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tasks import SyncTask
from tasks.errors import SideError
from tests.harness.sides import ATTRIBUTES, ProbeSpec, Row, Side, Sides

_run: contextvars.ContextVar[str] = contextvars.ContextVar("run", default="")


class ProbeTask(SyncTask):
    """Keeps rows of `Name` and `Done` in step with rows of `title` and `done`, paired by name."""

    notion_granularity = timedelta(0)
    other_granularity = timedelta(0)

    def __init__(self, spec: ProbeSpec, directory: Path) -> None:
        super().__init__(spec.name, ATTRIBUTES, spec.conflict_mode)
        self.sides = Sides(directory, spec.name)

    async def open(self) -> None:
        run = uuid.uuid4().hex
        _run.set(run)
        self.sides.notion.run_opened(run, os.getpid())

    async def close(self) -> None:
        if _run.get():
            self.sides.notion.run_closed(_run.get())

    async def get_notion_objects(self) -> list[Row]:
        return await self._list(self.sides.notion)

    async def get_other_objects(self) -> list[Row]:
        return await self._list(self.sides.other)

    def notion_id(self, obj: Row) -> str:
        return obj.id

    def other_id(self, obj: Row) -> str:
        return obj.id

    def notion_hash(self, obj: Row) -> Any:
        return obj.attrs["Name"]

    def other_hash(self, obj: Row) -> Any:
        return obj.attrs["title"]

    def notion_timestamp(self, obj: Row) -> datetime:
        return obj.modified

    def other_timestamp(self, obj: Row) -> datetime:
        return obj.modified

    def notion_to_dict(self, obj: Row) -> dict[str, Any]:
        return obj.attrs

    def other_to_dict(self, obj: Row) -> dict[str, Any]:
        return obj.attrs

    async def notion_create_obj(self, **kwargs: Any) -> Row:
        return await self._write(self.sides.notion, "create", **kwargs)

    async def other_create_obj(self, **kwargs: Any) -> Row:
        return await self._write(self.sides.other, "create", **kwargs)

    async def notion_update_obj(self, obj: Row, attr: str, value: Any) -> Row:
        return await self._write(self.sides.notion, "update", obj.id, **{attr: value})

    async def other_update_obj(self, obj: Row, attr: str, value: Any) -> Row:
        return await self._write(self.sides.other, "update", obj.id, **{attr: value})

    async def notion_delete_obj(self, obj: Row) -> None:
        await self._write(self.sides.notion, "delete", obj.id)

    async def other_delete_obj(self, obj: Row) -> None:
        await self._write(self.sides.other, "delete", obj.id)

    async def _list(self, side: Side) -> list[Row]:
        control = self._control(side)
        await asyncio.sleep(control.get("listing", 0))
        return side.rows()

    async def _write(self, side: Side, op: str, *args: str, **attrs: Any) -> Any:
        control = self._control(side)
        await asyncio.sleep(control.get("before", 0))
        answer = getattr(side, op)(*args, by=(_run.get(), os.getpid()), **attrs)
        await asyncio.sleep(control.get("after", 0))
        return answer

    def _control(self, side: Side) -> dict[str, Any]:
        control = side.control()
        if control.get("refuse"):
            raise SideError(f"{side.path.stem}: {control['refuse']}")
        return control


def declare(spec: ProbeSpec, directory: Path) -> ProbeTask:
    """The task of a spec, scheduled."""
    task = ProbeTask(spec, directory)
    if spec.every is not None:
        task.run_every(seconds=spec.every)
    if spec.total is not None:
        task.in_total(spec.total)
    task.schedule()
    return task


if "PROBE_DIR" in os.environ:
    for each in json.loads(os.environ.get("PROBE_TASKS", "[{}]")):
        declare(ProbeSpec(**each), Path(os.environ["PROBE_DIR"]))
