from __future__ import annotations

import json
from pathlib import Path

import pytest

from tasks.errors import TaskDefinitionError
from tests.harness.distributions import announce
from worker.cli.services import list_services, show_service
from worker.telling.exit_codes import ExitCode

MODULE = "tests.tasks.tables.doubles"


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    announce(tmp_path, "lockstep-board", {"board": f"{MODULE}:BOARD_SERVICE"}, "2.1")
    announce(tmp_path, "lockstep-book", {"book": f"{MODULE}:BOOK_SERVICE"})
    announce(tmp_path, "lockstep-odd", {"odd": f"{MODULE}:NO_SUCH"})
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_all_are_listed_also_beside_a_broken_one(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    assert list_services(as_json=False) == ExitCode.OK
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= width
    for word in ("board", "book", "Title,", "heading,", "room,", "lockstep-board", "2.1", "lockstep-odd"):
        assert word in shown.split(), word
    assert "cannot be loaded" in " ".join(shown.split())


@pytest.mark.parametrize("width", [80, 100, 120])
def test_one_is_shown_with_options_and_attributes(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    assert show_service("book", as_json=False) == ExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= width
    assert lines[0] == "book: a book, from lockstep-book 1.0"
    rows = [line.split() for line in lines]
    assert ["title", "text", "must", "be", "given", "What", "stands", "on", "its", "back."] in rows
    assert ["pages", "whole", "number", "100", "How", "many", "it", "has."] in rows
    assert ["heading", "text", "yes", "title"] in rows
    show_service("board", as_json=False)
    shown = " ".join(capsys.readouterr().out.split())
    assert "loud true or false false Whether it rings." in shown
    assert "Later, Now, Over" in shown
    assert "no, only read" in shown


def test_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    list_services(as_json=True)
    data = {one["service"]: one for one in json.loads(capsys.readouterr().out)["items"]}
    assert data["odd"]["problem"].startswith("service 'odd' of lockstep-odd 1.0 cannot be loaded")
    show_service("book", as_json=True)
    book = json.loads(capsys.readouterr().out)
    assert book == {"version": 1, **data["book"]}
    assert book["distributions"] == ["lockstep-book 1.0"]
    assert book["options"][1:] == [
        {
            "option": "pages", "type": "whole number", "required": False, "default": 100,
            "description": "How many it has.",
        },
        {
            "option": "password", "type": "secret text", "required": False, "default": None,
            "description": "Opens its lock.",
        },
    ]  # fmt: skip
    assert book["attributes"][1] == {
        "attribute": "state", "kind": "state", "writable": True, "meaning": "status", "options": [],
    }  # fmt: skip


def test_one_that_is_not_there_or_broken_is_told() -> None:
    with pytest.raises(TaskDefinitionError, match="there is no service 'bok': did you mean 'book'"):
        show_service("bok", as_json=False)
    with pytest.raises(TaskDefinitionError, match=r"'odd' of lockstep-odd 1\.0 cannot be loaded"):
        show_service("odd", as_json=True)
