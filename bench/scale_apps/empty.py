"""Tasks with nothing to do, for workers and beats: `LOCKSTEP_TASKS=bench.scale_apps.empty`.

`EMPTY_TASKS` says how many, `EMPTY_EVERY` how many seconds lie between two runs of each, `EMPTY_JITTER` by how many
more a start is put off at most, `EMPTY_WAITS` how many seconds a listing takes, and `EMPTY_NOTES` in which folder runs
are noted.
"""

from __future__ import annotations

import asyncio
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bench.scale_apps.noted import note
from tasks import SyncTask


class EmptyTask(SyncTask):
    """A task of two sides without objects; all that a run costs is what each run costs."""

    notion_granularity = timedelta(0)
    other_granularity = timedelta(0)

    async def get_notion_objects(self) -> list[Any]:
        await asyncio.sleep(WAITS)
        return []

    async def get_other_objects(self) -> list[Any]:
        return []

    async def _none(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("an empty task has nothing to write")

    notion_create_obj = other_create_obj = notion_update_obj = other_update_obj = _none
    notion_delete_obj = other_delete_obj = _none

    def notion_id(self, obj: Any) -> str:
        return str(obj)

    def other_id(self, obj: Any) -> str:
        return str(obj)

    def notion_hash(self, obj: Any) -> Any:
        return obj

    def other_hash(self, obj: Any) -> Any:
        return obj

    def notion_timestamp(self, obj: Any) -> datetime:
        return datetime.min

    def other_timestamp(self, obj: Any) -> datetime:
        return datetime.min

    def notion_to_dict(self, obj: Any) -> dict[str, Any]:
        return {}

    def other_to_dict(self, obj: Any) -> dict[str, Any]:
        return {}


WAITS = float(os.environ.get("EMPTY_WAITS", "0"))

for _number in range(int(os.environ.get("EMPTY_TASKS", "0"))):
    _task = EmptyTask(f"empty-{_number}", {"Name": "title"})
    _task.run_every(seconds=int(os.environ.get("EMPTY_EVERY", "5")))
    _task.jitter(seconds=int(os.environ.get("EMPTY_JITTER", "0"))).schedule()

if "EMPTY_NOTES" in os.environ:
    note(Path(os.environ["EMPTY_NOTES"]))
