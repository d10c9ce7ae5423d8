from __future__ import annotations

import json
import logging
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from config import get_settings
from tasks import Lossy, TwoWay, registry
from tasks.errors import TaskDefinitionError
from tasks.services.caldav import Todos
from tasks.services.markdown import Folder
from tasks.services.notion import DataSource
from tasks.sides import End, Kind
from tasks.testing import check_task
from tasks.testing.copies.copy_of import advance, mapping_of
from tasks.testing.copies.two_sides import CopyOfTwo
from worker.cli.runs.verify import verify
from worker.telling.exit_codes import ExitCode
from worker.telling.failures import CommandError


@pytest.fixture(autouse=True)
def root_logger() -> Iterator[None]:
    """The command sets the level of this process's log; the next test must not find it so."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)


TOML = """
[[sync]]
name = "todos"
every = "5m"

[sync.notion]
data_source = "0123456789abcdef0123456789abcdef"

[sync.caldav]
calendar = "https://dav.invalid/cal/"

[sync.map]
Name = "summary"
Notes = "description"
Due = "due"
Status = { to = "status", values = { Waiting = "not started", Finished = "done" } }
Priority = "priority"
Tags = "categories"
Link = "url"
"""

#: No method of this task may be called; the first of the two declares something that cannot be.
MODULE = """
from tasks import SyncTask, Lossy

def refuse(self, *args, **kwargs):
    raise AssertionError("a method of the task was called")

NAMES = [f"{side}_{name}" for side in ("notion", "other") for name in (
    "id", "hash", "timestamp", "to_dict", "create_obj", "update_obj", "delete_obj", "create_keyed",
    "update_attrs", "is_gone", "changes", "get_obj",
)]
NAMES += ["get_notion_objects", "get_other_objects", "open", "close", "check", "attr_forms", "scope", "sync"]
Sealed = type("Sealed", (SyncTask,), dict.fromkeys(NAMES, refuse))

Sealed("sealed", {"Title": "title", "Due": "due"}, "other").run_once().schedule()
grows = Sealed("grows", {"Title": "title", "Note": "text"}).run_once().schedule()
grows.lossy = {"Note": Lossy("other", lambda value: f"{value}!")}
"""

Verify = Callable[..., ExitCode]


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Everything that tries to reach another machine, or this one, is told here and fails."""
    tried: list[Any] = []

    def refuse(*args: Any, **kwargs: Any) -> Any:
        tried.append(args)
        raise OSError("no network in this test")

    for name in ("connect", "connect_ex", "bind", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    for name in ("create_connection", "getaddrinfo", "gethostbyname"):
        monkeypatch.setattr(socket, name, refuse)
    return tried


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "lockstep.toml").write_text(TOML)
    (tmp_path / "sealed_tasks.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("LOCKSTEP_TASKS", "sealed_tasks")
    monkeypatch.setattr(registry, "_declared", set())
    monkeypatch.delitem(sys.modules, "sealed_tasks", raising=False)
    get_settings.cache_clear()
    return tmp_path


@pytest.mark.usefixtures("place")
def test_a_task_of_two_sides_is_tried_with_its_own_mapping_and_without_a_network(
    network: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify("todos", histories=15, seed=0, as_json=False) is ExitCode.OK
    out = capsys.readouterr().out
    assert network == []
    assert "I3  no lost update" in out
    assert "All 11 that were tried held, 6 were not tried; the real sides were not touched." in out
    assert "tried of the task: the mapping, conflict modes" in " ".join(out.split())
    assert "✗" not in out


#: A task with two mistakes that only its own methods could show.
BROKEN = """
from tests.tasks.testing.examples import Contacts

class Broken(Contacts):
    def other_delete_obj(self, obj):
        pass

    def other_to_dict(self, obj):
        return {**super().other_to_dict(obj), "birthday": obj["birthday"] is None}

Broken(name="broken").schedule()
"""


@pytest.mark.usefixtures("network")
def test_what_was_not_tried_is_told_and_nothing_is_said_to_hold_of_it(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "broken_tasks.py").write_text(BROKEN)
    monkeypatch.setenv("LOCKSTEP_TASKS", "broken_tasks")
    monkeypatch.delitem(sys.modules, "broken_tasks", raising=False)
    get_settings.cache_clear()
    assert verify("broken", histories=5, seed=0, as_json=False) is ExitCode.OK
    out = capsys.readouterr().out
    held, _, rest = out.partition("Not tried:")
    assert "tried of the task: attr_map, conflict modes\n" in held
    for name in ("contract", "I11", "I13", "I16", "I21", "I24"):
        assert f" {name} " in rest
        assert f"✓ {name}" not in held
    assert "Every method does what its description says" not in out
    assert "other_delete_obj" in rest
    assert "other_to_dict" in rest
    assert "docs/testing.md" in rest

    assert verify("broken", histories=5, seed=0, as_json=True) is ExitCode.OK
    data = json.loads(capsys.readouterr().out)
    assert not {one["number"] for one in data["invariants"]} & {one["number"] for one in data["not_tried"]}
    assert {"contract", "I21", "I24"} <= {one["number"] for one in data["not_tried"]}
    assert data["not_called"]["other_delete_obj"] == "it may reach the real sides"
    assert data["called"] == {}


@pytest.mark.usefixtures("place")
def test_no_method_of_the_task_is_called(network: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert verify("sealed", histories=10, seed=0, as_json=True) is ExitCode.OK
    data = json.loads(capsys.readouterr().out)
    assert network == []
    assert data["ok"] is True
    assert data["counts"]["histories"] >= 10
    assert data["not_called"]["sync"] == "it may reach the real sides"
    assert data["invariants"] == []
    assert any("sync of the task: not called" in one["why"] for one in data["not_tried"])
    assert verify("sealed", histories=1, seed=0, as_json=False) is ExitCode.OK
    assert "Nothing of the task could be tried here; the real sides" in capsys.readouterr().out


@pytest.mark.usefixtures("place", "network")
def test_a_declaration_that_cannot_be_is_told_with_its_steps(capsys: pytest.CaptureFixture[str]) -> None:
    assert verify("grows", histories=10, seed=0, as_json=False) is ExitCode.FAILED
    out = capsys.readouterr().out
    assert "✗ I21" in out
    assert "other_create_obj was given text=" in out
    assert "✓" not in out
    assert "   1. " in out
    assert "Broken; the real sides were not touched." in out


@pytest.mark.usefixtures("place")
def test_a_task_that_is_not_there_is_named() -> None:
    with pytest.raises(CommandError, match="did you mean 'todos'"):
        verify("todo", histories=1, seed=0, as_json=False)


def todos(mapping: dict[str, Any] | None) -> TwoWay:
    source, calendar = DataSource("0" * 32), Todos("https://dav.invalid/c/")
    return TwoWay("t", source, calendar, mapping)


def test_the_copy_of_two_sides_has_what_their_services_announce_and_the_options_that_are_mapped() -> None:
    values = {"Later": "not started", "Over": "done"}
    task = mapping_of(todos({"Name": "summary", "State": {"to": "status", "values": values}})).make()
    assert isinstance(task, CopyOfTwo)
    left, right = (task.sides[end].describe() for end in End)
    assert left["Name"].kind is Kind.TEXT
    assert [option.name for option in left["State"].options] == ["Later", "Over"]
    assert right["status"].kind is Kind.STATE
    assert task.sides[End.RIGHT].label == "the calendar"


def test_attributes_that_are_chosen_at_the_first_contact_are_the_usual_ones() -> None:
    copy = mapping_of(todos(None))
    task = copy.make()
    assert isinstance(task, CopyOfTwo)
    assert {"summary", "due", "status"} <= {pair.left for pair in task.pairs or ()}
    assert copy.key == "summary"
    assert any("first contact" in note for note in copy.notes)


def test_a_copy_that_loses_something_is_found() -> None:
    class Torn(CopyOfTwo):
        """Loses what follows a blank in a description."""

        def __init__(self, task: TwoWay) -> None:
            super().__init__(task)
            right = self.sides[End.RIGHT]

            def values(obj: Any) -> Any:
                shown = type(right).values(right, obj)
                return {**shown, "description": (shown["description"] or "").split(" ")[0]}

            vars(right)["values"] = values

    task = todos({"Name": "summary", "Notes": "description"})
    report = check_task(lambda: Torn(task), histories=1, advance=advance)
    assert report.broken == {"I21"}


def test_a_lossy_declaration_tells_what_is_tried() -> None:
    from tasks.testing.copies.memory import MemoryTask
    from tasks.values.lossy import date_only

    task = MemoryTask("m", {"Title": "t", "Due": "d", "Note": "n"}, lossy={"Due": date_only("other")})
    task.lossy = {**task.lossy, "Note": Lossy("other", lambda value: value)}
    copy = mapping_of(task)
    assert copy.key == "Title"
    assert {type(value).__name__ for value in copy.values["Due"]} == {"datetime", "NoneType"}
    assert any("Note" in note for note in copy.notes)


def test_a_task_whose_attributes_are_chosen_later_has_nothing_to_try_yet(tmp_path: Path) -> None:
    task = TwoWay("notes", Folder(tmp_path / "here"), Folder(tmp_path / "there"))
    with pytest.raises(TaskDefinitionError, match=r"'notes': .* write the pairs of attributes down"):
        mapping_of(task)
