"""Ultimate Notion's `SyncTask` with a data source of the sandbox: a job line in, a result line out.

Its Notion side is written after the package's own adapter for Google Tasks.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

from bench.fake_rows import ATTRIBUTES, Make, Office, Workspace, jobs
from bench.fake_sides import FakeService, Row


def main() -> None:
    """Answer until the input ends; the first line tells where the sandbox is."""
    with tempfile.TemporaryDirectory() as name:
        config = Path(name) / "config.toml"
        text = '[ultimate_notion]\nsync_state_dir = "states"\ntoken = "ntn_bench"\n'
        config.write_text(text, encoding="utf-8")
        os.environ["ULTIMATE_NOTION_CONFIG"] = str(config)
        import ultimate_notion

        url = json.loads(sys.stdin.readline())["url"]
        with ultimate_notion.Session(base_url=url) as session:
            print("{}", flush=True)
            office = Office(url, _maker(session))
            for line in sys.stdin:
                job = json.loads(line)
                result = office.measure(jobs(**job["sizes"])[job["job"]])
                print(json.dumps(asdict(result)), flush=True)


def _maker(session: Any) -> Make:
    from ultimate_notion import Page
    from ultimate_notion.adapters.sync import SyncTask

    numbers = count()

    class Task(SyncTask):
        def __init__(self, workspace: Workspace, service: FakeService) -> None:
            super().__init__(f"bench-{next(numbers)}", ATTRIBUTES)
            self.source = session.get_ds(workspace.source)
            self.service = service

        def get_notion_objects(self) -> list[Any]:
            cached = [key for key, obj in session.cache.items() if isinstance(obj, Page)]
            for key in cached:
                del session.cache[key]
            return list(self.source.get_all_pages().to_pages())

        def get_other_objects(self) -> list[Row]:
            return self.service.listing()

        def notion_timestamp(self, obj: Any) -> datetime:
            return obj.last_edited_time  # type: ignore[no-any-return]

        def other_timestamp(self, obj: Row) -> datetime:
            return obj.edited

        def notion_id(self, obj: Any) -> str:
            return str(obj.id)

        def other_id(self, obj: Row) -> str:
            return obj.id

        def notion_hash(self, obj: Any) -> str:
            return str(obj.title)

        def other_hash(self, obj: Row) -> str:
            return str(obj.values["name"])

        def notion_to_dict(self, obj: Any) -> dict[str, Any]:
            notes = obj.props["Notes"]
            return {
                "Name": str(obj.title),
                "Notes": None if notes is None else str(notes),
                "Points": obj.props["Points"],
                "Done": obj.props["Done"],
            }

        def other_to_dict(self, obj: Row) -> dict[str, Any]:
            return dict(obj.values)

        def notion_update_obj(self, obj: Any, attr: str, value: Any) -> None:
            obj.props[attr] = value

        def other_update_obj(self, obj: Row, attr: str, value: Any) -> None:
            obj.values.update(self.service.update(obj.id, {attr: value}).values)

        def notion_delete_obj(self, obj: Any) -> None:
            obj.delete()

        def other_delete_obj(self, obj: Row) -> None:
            self.service.delete(obj.id)

        def notion_create_obj(self, **kwargs: Any) -> Any:
            named = {self.source.schema.get_prop(name).attr_name: value for name, value in kwargs.items()}
            return self.source.create_page(**named)

        def other_create_obj(self, **kwargs: Any) -> Row:
            return self.service.create(kwargs)

    def make(workspace: Workspace, service: FakeService) -> Callable[[], None]:
        task = Task(workspace, service)

        async def once() -> None:
            await task.in_total(1)

        return lambda: asyncio.run(once())

    return make


if __name__ == "__main__":
    main()
