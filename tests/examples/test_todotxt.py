"""The example of a service outside of ours: how its lines are read and written."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.services import found
from tasks.sides import PreconditionError, SideError, UnfitError
from tasks.testing import Rule, check_side

WORDS = [
    "@new_house",
    "x", "(A)", "(J)", "2026-11-29", "2026-02-30", "Water", "plants", "+garden", "@home", "@", "+", "due:2026-12-01",
    "due:soon", "id:4f1c", "id:", "pri:B", "pri:high", "rec:1w", "https://example.org/a", "10:30", "Note:", "",
]  # fmt: skip


@pytest.fixture(scope="module")
def example(todotxt: Path) -> Iterator[ModuleType]:
    sys.path.insert(0, str(todotxt))
    importlib.invalidate_caches()
    try:
        yield importlib.import_module("lockstep_todotxt")
    finally:
        sys.path.remove(str(todotxt))
        for name in [name for name in sys.modules if name.startswith("lockstep_todotxt")]:
            del sys.modules[name]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "todo.txt"
    path.write_text("(A) 2026-11-20 Water the plants +garden @home due:2026-11-30 id:a1\n\nCall Ada\n")
    return path


def by_text(side: Any) -> dict[str, Any]:
    return {side.values(one)["text"]: one for one in side.list()}


def test_it_is_found_as_a_service(example: ModuleType) -> None:
    known = found.services()["todotxt"]
    assert known.distributions == ("lockstep-todotxt 1.0",)
    assert known.load() is example.SERVICE


def test_lines_are_tasks(example: ModuleType, file: Path) -> None:
    side = example.TodoTxt(file)
    plants, ada = side.list()
    assert side.values(plants) == {
        "text": "Water the plants",
        "done": False,
        "priority": 1,
        "due": date(2026, 11, 30),
        "projects": ("garden",),
        "contexts": ("home",),
    }
    assert side.values(plants).keys() == side.describe().keys()
    assert (side.id(plants), side.key(ada)) == ("a1", "call ada")
    assert side.edited(ada) == datetime.fromtimestamp(file.stat().st_mtime, UTC)


def test_what_was_typed_gets_an_id_that_lasts(example: ModuleType, file: Path) -> None:
    side = example.TodoTxt(file)
    before = side.id(by_text(side)["Call Ada"])
    assert "Call Ada\n" in file.read_text(), "a listing writes nothing"
    assert side.id(by_text(example.TodoTxt(file))["Call Ada"]) == before
    side.remembered()
    assert f"\n\nCall Ada id:{before}\n" in file.read_text()
    file.write_text(file.read_text().replace("Call Ada", "Call Ada and Grace"))
    assert side.id(by_text(side)["Call Ada and Grace"]) == before


def test_a_line_that_was_copied_is_another_task(example: ModuleType, file: Path) -> None:
    file.write_text("Milk id:a1\nBread id:a1\nEggs\nEggs\n")
    side = example.TodoTxt(file)
    ids = [side.id(one) for one in side.list()]
    assert len(set(ids)) == 4
    assert ids[0] == "a1"
    side.remembered()
    assert [side.id(one) for one in side.list()] == ids
    assert file.read_text().splitlines()[:2] == ["Milk id:a1", f"Bread id:{ids[1]}"]


def test_a_change_leaves_all_else_as_it_was(example: ModuleType, file: Path) -> None:
    text = "(K) 2026-11-20 See https://example.org/a @home at 10:30 rec:1w id:a1\r\n\r\n  odd  line +x\r\n"
    file.write_bytes(text.encode())
    file.chmod(0o640)
    side = example.TodoTxt(file)
    after = side.update(side.list()[0], {"due": date(2026, 12, 1)})
    assert side.values(after)["due"] == date(2026, 12, 1)
    (odd,) = (one for one in side.list() if one.line.text == "odd  line")
    assert file.read_bytes().decode() == (
        "(K) 2026-11-20 See https://example.org/a @home at 10:30 rec:1w due:2026-12-01 id:a1\r\n\r\n"
        f"  odd  line +x id:{side.id(odd)}\r\n"
    )
    assert file.stat().st_mode & 0o777 == 0o640
    assert list(file.parent.iterdir()) == [file]


def test_a_task_is_done_and_opened_again(example: ModuleType, file: Path) -> None:
    side = example.TodoTxt(file)
    done = side.update(by_text(side)["Water the plants"], {"done": True})
    today = datetime.now(UTC).astimezone().date()
    line = f"x {today} 2026-11-20 Water the plants +garden @home due:2026-11-30 pri:A id:a1"
    assert file.read_text().splitlines()[0] == line
    assert side.values(done) | {"done": False} == side.values(side.update(done, {"done": False}))
    assert file.read_text().startswith("(A) 2026-11-20 Water the plants")


def test_a_create_that_is_repeated_makes_one_line(example: ModuleType, file: Path) -> None:
    side = example.TodoTxt(file)
    values = {
        "text": " Buy milk ",
        "done": None,
        "priority": 9,
        "due": None,
        "projects": None,
        "contexts": ("shop",),
    }
    first, second = side.create("key-1", values), side.create("key-1", values)
    assert side.id(first) == side.id(second)
    assert side.values(second) | {"projects": ("x",)} == {
        "text": "Buy milk", "done": False, "priority": 9, "due": None, "projects": ("x",), "contexts": ("shop",),
    }  # fmt: skip
    assert file.read_text().count("Buy milk") == 1
    assert len(side.list()) == 3


def test_a_task_is_deleted(example: ModuleType, file: Path) -> None:
    side = example.TodoTxt(file)
    ada = by_text(side)["Call Ada"]
    assert not side.is_gone(side.id(ada))
    side.delete(ada)
    assert list(by_text(side)) == ["Water the plants"]
    assert side.is_gone(side.id(ada))


def test_a_task_that_was_archived_was_not_deleted(example: ModuleType, file: Path) -> None:
    side = example.TodoTxt(file, file.with_name("done.txt"))
    with pytest.raises(SideError, match=r"there is no file .*done\.txt"):
        side.check(["text"])
    file.with_name("done.txt").write_text("x 2026-11-29 Read id:b1\n")
    side.check(["text"])
    assert not side.is_gone("b1")
    assert side.is_gone("another")


@pytest.mark.parametrize("edit", ["Call Bob\n", "", "x Call Ada\n"])
def test_what_was_edited_meanwhile_is_not_written_over(example: ModuleType, file: Path, edit: str) -> None:
    side = example.TodoTxt(file)
    side.remembered()
    ada = by_text(side)["Call Ada"]
    held = file.read_text().replace(
        f"Call Ada id:{side.id(ada)}\n", edit.replace("\n", f" id:{side.id(ada)}\n")
    )
    file.write_text(held)
    for write in (lambda: side.update(ada, {"done": True}), lambda: side.delete(ada)):
        with pytest.raises(PreconditionError, match=r"'Call Ada' was (edited|deleted) meanwhile"):
            write()
    assert file.read_text() == held
    side.update(by_text(side)["Water the plants"], {"due": None})  # another line can be


def test_a_file_that_is_written_during_a_write_is_read_again(
    example: ModuleType, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    side = example.TodoTxt(file)
    plants = by_text(side)["Water the plants"]
    others = iter(["Bob\n", ""])

    def somebody_writes() -> None:
        file.write_text(file.read_text() + next(others, ""))

    monkeypatch.setattr(side, "before_write", somebody_writes)
    side.update(plants, {"text": "Water them"})
    assert [one.line.text for one in side.list()] == ["Water them", "Call Ada", "Bob"]
    others = iter([f"{number}\n" for number in range(9)])
    with pytest.raises(
        PreconditionError, match=r"the file todo\.txt is written by somebody else all the time"
    ):
        side.delete(by_text(side)["Bob"])


@pytest.mark.parametrize(
    ("values", "unfit"),
    [
        ({"text": "two\nlines"}, {"text"}),
        ({"text": None}, {"text"}),
        ({"text": "meet @home"}, {"text"}),
        ({"text": "fine", "contexts": ("new_house",), "projects": ("a",)}, {"contexts"}),
        ({"projects": ("",), "done": True}, {"projects"}),
        ({"priority": 10}, {"priority"}),
    ],
)
def test_what_a_line_cannot_hold_is_told(
    example: ModuleType, file: Path, values: dict[str, Any], unfit: set[str]
) -> None:
    side, before = example.TodoTxt(file), file.read_text()
    for write in (lambda: side.update(side.list()[0], values), lambda: side.create("k", values)):
        with pytest.raises(UnfitError) as caught:
            write()
        assert caught.value.attributes == unfit
    assert file.read_text() == before


def test_a_file_that_is_missing_is_no_empty_list(example: ModuleType, file: Path) -> None:
    side = example.TodoTxt(file.with_name("other.txt"))
    with pytest.raises(SideError, match=r"there is no file .*: make an empty one"):
        side.list()
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(SideError, match="cannot be read: "):
        example.TodoTxt(file).list()
    file.write_text("")
    assert example.TodoTxt(file).list() == []


def test_a_link_stays_a_link_and_the_mark_of_windows_stays(example: ModuleType, file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbfMilk\n")
    link = file.with_name("link.txt")
    link.symlink_to(file)
    side = example.TodoTxt(link)
    side.create("k", {"text": "Brötchen"})
    assert link.is_symlink()
    assert file.read_bytes().startswith(b"\xef\xbb\xbfMilk id:")
    assert {"Milk", "Brötchen"} == by_text(side).keys()


def test_the_clock_of_the_file_is_when_it_was_edited(example: ModuleType, file: Path) -> None:
    past = datetime.now(UTC) - timedelta(days=3)
    os.utime(file, (past.timestamp(), past.timestamp()))
    side = example.TodoTxt(file)
    assert side.edited(side.list()[0]) == datetime.fromtimestamp(past.timestamp(), UTC)
    assert side.edited(side.create("k", {"text": "Milk"})) > past + timedelta(days=2)


def test_it_keeps_the_contract_of_sides(example: ModuleType, file: Path) -> None:
    report = check_side(lambda: example.TodoTxt(file))
    assert report.ok, report.text
    assert set(Rule) - set(report.reached) == report.left_out.keys()
    assert len(report.reached) > 30


@given(words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=9))
def test_every_line_is_written_as_it_is_read(example: ModuleType, words: list[str]) -> None:
    line = importlib.import_module("lockstep_todotxt.line")
    raw = " ".join(words).strip(" ")
    if raw:
        read = line.read_line(raw)
        assert str(read) == raw
        assert line.read_line(str(replace(read, raw=""))) == read
        renamed = line.read_line(str(read.with_id("new1")))
        assert replace(renamed, more=()) == replace(read, id="new1", more=())
