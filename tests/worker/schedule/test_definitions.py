"""The digest of a task changes with what it is made of, and tells nothing of secrets."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from config import load_settings
from tasks.engine.report import RunReport
from tasks.merge import Plan
from tasks.schedule import Schedule
from tasks.scheduled import Scheduled
from worker.schedule.definitions import definitions


class Named(Scheduled):
    """A task of which only name and schedule matter; its class is in this module."""

    async def run(self, *args: Any, **options: Any) -> RunReport:
        return RunReport("succeeded", "", Plan())

    async def __call__(self) -> None:
        """Nothing is run."""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    (tmp_path / "defining_tasks.py").write_text("EVERY = 5\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("defining_tasks")
    del sys.modules["defining_tasks"]


def digest(task: Scheduled, **settings: Any) -> str:
    return definitions([task], load_settings(**settings))[task.name].settings


def table(**values: Any) -> dict[str, Any]:
    return {"name": "milk", "caldav": {"calendar": "https://x/"}, "every": "5m", **values}


def test_a_table_is_what_its_task_is_made_of() -> None:
    milk, eggs = Named("milk").run_every(minutes=5), Named("eggs")
    same = digest(milk, sync=[table()])
    assert digest(milk, sync=[table(), {"name": "eggs"}]) == same
    assert digest(milk, sync=[table(caldav={"calendar": "https://y/"})]) != same
    assert digest(milk, sync=[table(map={"Name": "summary"})]) != same
    assert digest(milk, node=[table()]) == same
    assert digest(eggs, sync=[table()]) != same


def test_secrets_make_no_difference() -> None:
    milk = Named("milk")
    words = ("first-password", "other-password")
    one, other = (digest(milk, sync=[table(caldav={"password": word})]) for word in words)
    assert one == other
    one, other = (digest(milk, sync=[table(url=f"https://u:{word}@x/")]) for word in ("passone", "passtwo"))
    assert one == other


def test_a_task_of_a_module_changes_with_the_text_of_it(module: ModuleType) -> None:
    milk = Named("milk")
    before = digest(milk, tasks="defining_tasks")
    assert digest(milk, tasks="defining_tasks") == before
    assert module.__file__ is not None
    Path(module.__file__).write_text("EVERY = 7\n")
    assert digest(milk, tasks="defining_tasks") != before
    Path(module.__file__).unlink()
    assert digest(milk, tasks="defining_tasks") not in ("", before)


def test_the_schedule_stands_beside_it() -> None:
    (milk,) = definitions([Named("milk").run_every(hours=2).in_total(3)], load_settings()).values()
    assert (milk.schedule, milk.every, milk.total) == ("every 2 h, 3 times", 7200, 3)
    assert milk.same_schedule(type(milk).of(Schedule(timedelta(hours=2), 3), "another"))
    assert not milk.same_schedule(type(milk).of(Schedule(timedelta(hours=2))))
