from __future__ import annotations

import tomllib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from config.settings import Settings
from tasks.conflict_modes import ConflictMode
from tasks.declared import CalDAVTable, SyncTable, add_kind, declare
from tasks.errors import TaskDefinitionError
from tasks.notion_caldav import NotionCalDAV
from tasks.schedule import Schedule
from tasks.scheduled import all_tasks

SOURCE = "0123456789abcdef0123456789abcdef"
TABLE = f"""
[[sync]]
name = "todos"
kind = "caldav"
data_source = "{SOURCE}"
calendar_url = "https://dav.example.org/anna/todos/"
every = "5m"
"""


@pytest.fixture(autouse=True)
def _no_tasks() -> Iterator[None]:
    before = set(all_tasks)
    all_tasks.clear()
    yield
    all_tasks.clear()
    all_tasks.update(before)


def from_toml(text: str) -> list[Any]:
    return declare(tomllib.loads(text)["sync"], Settings(notion_token=SecretStr("secret-token")))


def table(**changes: Any) -> dict[str, Any]:
    values = {**tomllib.loads(TABLE)["sync"][0], **changes}
    return {key: value for key, value in values.items() if value is not ...}


def test_a_table_is_a_scheduled_task() -> None:
    text = (
        TABLE
        + """
in_total = 3
conflict_mode = "other"
username = "anna"
password = "secret-word"
floating_zone = "Europe/Berlin"
[sync.attr_map]
Name = "summary"
Status = "status"
Priority = "priority"
[sync.values.Status]
"To do" = "needs-action"
[sync.values.Priority]
None = 0
"""
    )
    (task,) = from_toml(text)
    assert isinstance(task, NotionCalDAV)
    assert task.name == "todos"
    assert task.attr_map == {"Name": "summary", "Status": "status", "Priority": "priority"}
    assert task.conflict_mode is ConflictMode.OTHER
    assert task.plan_schedule == Schedule(timedelta(minutes=5), 3)
    assert all_tasks == {task}
    assert "secret" not in f"{task} {vars(task)}"


@pytest.mark.parametrize(
    ("every", "seconds"),
    [
        ("30s", 30),
        ("5m", 300),
        ("1h 30m", 5400),
        ("2h", 7200),
        ("1 hour", 3600),
        ("5 minutes", 300),
        ("1d", 86400),
    ],
)
def test_periods(every: str, seconds: int) -> None:
    (task,) = declare([table(every=every)], Settings())
    assert task.plan_schedule == Schedule(timedelta(seconds=seconds), None)


def test_once() -> None:
    (task,) = declare([table(every=..., once=True)], Settings())
    assert task.plan_schedule == Schedule(None, 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": "red"}, r"\[\[sync\]\] 'todos': unknown key 'colour', it may have name, kind, every"),
        ({"calendar_url": ...}, "'todos': key 'calendar_url' is missing"),
        ({"name": ...}, r"\[\[sync\]\] no. 1: key 'name' is missing"),
        ({"kind": ...}, "'todos': it has no kind; there are: caldav"),
        ({"kind": "carddav"}, "'todos': kind 'carddav' is unknown; there are: caldav"),
        ({"kind": ["caldav"]}, "is unknown"),
        ({"every": "5"}, "'todos': every: give a period"),
        ({"every": 5}, "'todos': every: give a period"),
        ({"every": "soon"}, "every: give a period"),
        ({"every": "5m, then 10s"}, "every: give a period"),
        ({"every": "-5m"}, "every: give a period"),
        ({"every": "1m 1m"}, "names a unit twice"),
        ({"every": "0s"}, "longer than zero"),
        ({"every": "99999999999999d"}, "too long"),
        ({"every": ...}, "does not say how often"),
        ({"once": True}, "once = true does not go with"),
        ({"in_total": 0}, "in_total: Input should be greater than or equal to 1"),
        ({"in_total": True}, "in_total: "),
        (
            {"conflict_mode": "loudest"},
            "conflict_mode: Input should be 'error', 'newer', 'notion' or 'other'",
        ),
        ({"attr_map": {"Name": "title"}}, "attr_map names title, but a to-do has only summary"),
        ({"attr_map": {"Due": "due"}}, "must map the data source's title to summary"),
        ({"attr_map": {}}, "attr_map is empty"),
        ({"attr_map": {"Name": 3}}, r"attr_map.Name: "),
        ({"calendar_url": "dav.example.org"}, "calendar_url must begin with https://"),
        ({"floating_zone": "Mars"}, "time zone 'Mars' is unknown"),
        ({"data_source": "my list"}, "my list"),
        ({"name": "a/b"}, "task name 'a/b'"),
    ],
)
def test_a_mistake_is_one_clear_line(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(TaskDefinitionError, match=message) as caught:
        declare([table(**changes)], Settings())
    assert "\n" not in str(caught.value)
    assert not all_tasks


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"Status": {"To do": "BLOCKED"}}, "'BLOCKED' is not NEEDS-ACTION"),
        ({"Priority": {"High": 12}}, "12 is not a number from 1 to 9"),
        ({"Due": {"x": "y"}}, "values names 'Due', which attr_map does not map to status or priority"),
    ],
)
def test_values_that_stand_for_nothing(values: dict[str, Any], message: str) -> None:
    attr_map = {"Name": "summary", "Status": "status", "Priority": "priority", "Due": "due"}
    with pytest.raises(TaskDefinitionError, match=message):
        declare([table(attr_map=attr_map, values=values)], Settings())


def test_a_mistake_shows_no_password() -> None:
    with pytest.raises(TaskDefinitionError) as caught:
        declare([table(password=["secret-word"], colour="secret-word")], Settings())
    assert "secret-word" not in str(caught.value)
    assert "password: " in str(caught.value)


def test_one_mistake_leaves_no_task_behind() -> None:
    with pytest.raises(TaskDefinitionError):
        declare([table(), table(name="second", every="never")], Settings())
    with pytest.raises(TaskDefinitionError, match=r"two .* named 'todos'"):
        declare([table(), table()], Settings())
    assert not all_tasks


def test_a_further_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    class EchoTable(SyncTable):
        loud: bool = False

    monkeypatch.setattr("tasks.declared._KINDS", {})
    made: list[EchoTable] = []

    def make(read: EchoTable, settings: Settings) -> NotionCalDAV:
        made.append(read)
        return NotionCalDAV(read.name, SOURCE, "https://dav.example.org/")

    add_kind("echo", EchoTable, make)
    (task,) = declare([{"name": "e", "kind": "echo", "every": "1h", "loud": True}], Settings())
    assert task.name == "e"
    assert made[0].loud
    assert not issubclass(EchoTable, CalDAVTable)
