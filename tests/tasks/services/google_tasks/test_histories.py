"""A task between a shelf in memory and a task list keeps every edit, whatever fails and whenever it crashes.

`LOCKSTEP_GOOGLE_TASKS_HISTORIES` is the number of histories besides those that are always played.
"""

from __future__ import annotations

import os
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from tasks import PreconditionError, TwoWay
from tasks.sides import Attribute, Kind, Side
from tasks.testing import check_task
from tests.tasks.services.google_tasks.near import Desk

HISTORIES = int(os.environ.get("LOCKSTEP_GOOGLE_TASKS_HISTORIES", "2"))

pytestmark = pytest.mark.timeout(7200)

EMPTY: dict[str, Any] = {"title": "", "notes": "", "due": None, "done": False}


class Shelf(Side):
    """Tasks in memory, which is all that is asked of them."""

    label = "the shelf"

    def __init__(self, now: Any) -> None:
        self.now = now
        self.kept: dict[str, dict[str, Any]] = {}

    def describe(self) -> dict[str, Attribute]:
        return {
            "title": Attribute(Kind.TEXT, meaning="title"),
            "notes": Attribute(Kind.TEXT),
            "due": Attribute(Kind.DATE),
            "done": Attribute(Kind.YES_NO),
        }

    def list(self) -> Any:
        return [dict(one) for one in self.kept.values()]

    def id(self, obj: Any) -> str:
        return str(obj["id"])

    def key(self, obj: Any) -> str:
        return str(obj["title"]).strip().casefold()

    def edited(self, obj: Any) -> datetime:
        edited: datetime = obj["edited"]
        return edited

    def values(self, obj: Any) -> dict[str, Any]:
        return {name: obj[name] for name in EMPTY}

    def put(self, obj_id: str, values: dict[str, Any]) -> Any:
        before = self.kept.get(obj_id, {**EMPTY, "id": obj_id, "version": 0})
        fresh = {"version": before["version"] + 1, "edited": self.now()}
        self.kept[obj_id] = {**before, **values, **fresh}
        return dict(self.kept[obj_id])

    def create(self, key: str, values: dict[str, Any]) -> Any:
        return self.kept.get(key) or self.put(key, values)

    def look(self, obj: Any) -> None:
        if self.kept.get(obj["id"], {}).get("version") != obj["version"]:
            raise PreconditionError("it changed since it was read")

    def update(self, obj: Any, changes: dict[str, Any]) -> Any:
        self.look(obj)
        return self.put(obj["id"], changes)

    def delete(self, obj: Any) -> None:
        self.look(obj)
        del self.kept[obj["id"]]


def test_every_edit_is_kept(desk: Desk) -> None:
    clock = desk.google.clock

    def make_task() -> TwoWay:
        side = desk.side(desk.google.account.insert_list("Fresh")["id"])
        side.settling = timedelta(0)  # type: ignore[misc]
        return TwoWay("tasks", Shelf(clock.now), side, {name: name for name in EMPTY})

    values = {"due": [date(2026, 3, 2), date(2028, 2, 29), None]}
    report = check_task(
        make_task, histories=HISTORIES, values=values, advance=lambda _, by: clock.advance(by)
    )
    assert report.ok, report.text
