from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tasks import ConflictMode, ItemError, SyncTask, TaskDefinitionError
from tasks.engine import reading
from tasks.testing import check_task
from tasks.testing.copies.memory import MemoryTask
from tasks.testing.histories.instrument import FaultKind
from tasks.values.lossy import date_only
from tests.tasks.sync_task.seed_style import Services, ToDos
from tests.tasks.testing.examples import AsyncContacts, Contacts, PagedContacts, advance

MOMENTS = [datetime(2026, 3, 2, 9, 30, tzinfo=UTC), datetime(2026, 3, 5, 11, 30, tzinfo=UTC), None]


def test_a_correct_task_of_plain_functions_passes() -> None:
    report = check_task(Contacts, histories=60, advance=advance)
    assert report.ok, report.text
    assert report.counts["histories"] >= 60
    assert "All 16 invariants that were tried held" in report.text
    unreached = [kind for kind in FaultKind if not report.reached.get(kind.value)]
    assert not unreached, f"never struck: {unreached}"
    assert report.reached["partial listing"]
    assert report.reached["listing fails"]
    assert report.reached["object refused"]


def test_a_correct_task_of_coroutines_passes_and_its_changes_are_read() -> None:
    report = check_task(AsyncContacts, histories=60, seed=7, advance=advance)
    assert report.ok, report.text
    assert "I16" in {one.number for one in report.tried}
    assert report.reached["changes read"]


@pytest.mark.parametrize("kept", [0, 1000])
def test_a_correct_task_of_generators_passes_and_its_pages_are_read(
    monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    monkeypatch.setattr(reading, "KEPT", kept)
    report = check_task(PagedContacts, histories=40, seed=7, advance=advance)
    assert report.ok, report.text
    assert report.reached["listed in pages"]
    assert report.reached["partial listing"]
    assert report.reached["listing fails"]
    assert "get_notion_objects" not in report.uncalled
    assert "get_other_objects" not in report.uncalled


def test_a_task_with_the_abstract_methods_only_passes() -> None:
    report = check_task(lambda: ToDos(Services()), histories=40)
    assert report.ok, report.text
    assert any("advance=" in note for note in report.notes)


@pytest.mark.parametrize(
    "policy",
    [
        {"conflict_mode": ConflictMode.NOTION},
        {"conflict_mode": ConflictMode.OTHER},
        {"conflict_mode": ConflictMode.ERROR},
        {"conflict_modes": {"Note": "error", "Due": "other"}},
        {"edit_beats_delete": False},
        {"resolver": lambda dispute: dispute.left},
        {"lossy": {"Due": date_only("other")}},
    ],
    ids=lambda policy: next(iter(policy)),
)
def test_every_way_to_settle_conflicts_passes(policy: Mapping[str, Any]) -> None:
    def make() -> SyncTask:
        task = MemoryTask("memory", {"Title": "summary", "Note": "text", "Due": "due"})
        for name, value in policy.items():
            setattr(task, name, value)
        return task

    report = check_task(
        make, histories=20, values={"Due": MOMENTS}, advance=lambda task, time: task.advance(time)
    )
    assert report.ok, report.text


def test_the_same_seed_gives_the_same_report() -> None:
    first, second = (check_task(AsyncContacts, histories=10, seed=3) for _ in range(2))
    assert first.text == second.text
    assert first.text != check_task(AsyncContacts, histories=10, seed=4).text


async def test_it_can_be_called_where_an_event_loop_runs() -> None:
    assert check_task(Contacts, histories=1).ok


def test_people_may_edit_in_their_own_way() -> None:
    class Hand:
        def __init__(self, task: SyncTask) -> None:
            assert isinstance(task, Contacts)
            self.book = task.other

        def create(self, values: Mapping[str, Any]) -> Any:
            done.append("create")
            return self.book.add(dict(values))

        async def update(self, obj: Any, attr: str, value: Any) -> Any:
            done.append("update")
            if value == "forbidden":
                raise ItemError("no such name")
            return self.book.change(obj["id"], {attr: value})

        def delete(self, obj: Any) -> Any:
            done.append("delete")
            self.book.remove(obj["id"])

    done: list[str] = []
    report = check_task(Contacts, histories=10, people={"other": Hand})
    assert report.ok, report.text
    assert set(done) == {"create", "update", "delete"}


def test_objects_that_are_there_already_are_taken_along() -> None:
    def make() -> SyncTask:
        task = Contacts()
        task.notion.add({"Name": "Ada", "Mail": "ada@example.org", "Born": None})
        task.other.add({"full_name": "Ada", "email": "ada@example.org", "birthday": None})
        return task

    report = check_task(make, histories=10)
    assert report.ok, report.text


def test_values_that_are_given_are_the_ones_that_are_tried() -> None:
    seen: set[Any] = set()

    class Watching(Contacts):
        def notion_update_obj(self, obj: Any, attr: str, value: Any) -> Any:
            seen.add((attr, value))
            super().notion_update_obj(obj, attr, value)

    given = {"Name": ["Ada", "Bo"], "Born": MOMENTS, "Mail": ["a@example.org", "b@example.org"]}
    report = check_task(Watching, histories=5, values=given)
    assert report.ok, report.text
    assert {value for attr, value in seen if attr == "Name"} == {"Ada", "Bo"}
    assert {value for attr, value in seen if attr == "Born"} == set(MOMENTS)
    mails = {value for attr, value in seen if attr == "Mail"}
    assert all(mail.endswith(("a@example.org", "b@example.org")) for mail in mails)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"values": {"Nmae": ["a", "b"]}}, "attr_map has no attribute Nmae; it has Name, Mail, Born"),
        ({"key": "mail"}, "attr_map has no attribute mail"),
        ({"values": {"Name": ["a"]}}, "give at least two values of Name"),
        ({"key": "Born", "values": {"Born": MOMENTS}}, "give at least 4 values of it"),
    ],
)
def test_values_that_do_not_fit_are_refused_in_one_line(options: dict[str, Any], words: str) -> None:
    with pytest.raises(TaskDefinitionError, match=words):
        check_task(Contacts, **options)


def test_a_task_that_is_not_fresh_is_refused() -> None:
    one = Contacts()
    with pytest.raises(TaskDefinitionError, match="it must make fresh ones each time"):
        check_task(lambda: one)


def test_time_passes_on_the_clocks_of_the_sides() -> None:
    passed: list[timedelta] = []

    def spend(task: SyncTask, time: timedelta) -> None:
        passed.append(time)
        advance(task, time)

    assert check_task(Contacts, histories=0, advance=spend).ok
    assert passed


def test_the_report_is_plain_data_too() -> None:
    data = check_task(Contacts, histories=1).to_json()
    assert data["ok"] is True
    assert data["counts"]["histories"] >= 1
    assert {"number": "I3", "title": "no lost update", "held": True} in data["invariants"]


def test_it_needs_no_test_framework() -> None:
    code = "import sys, tasks.testing; assert not {'pytest', 'hypothesis', '_pytest'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
