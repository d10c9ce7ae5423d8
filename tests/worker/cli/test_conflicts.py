"""The ledger on the command line: by which words a side is called, and what is said of a word that is none."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config import get_settings
from tasks import TwoWay, all_tasks
from tasks.sides import End
from tests.tasks.tables.doubles import BOARD, BOOK, BoardTable, Entry, Shelf
from worker.cli.keeping import conflicts
from worker.cli.keeping.end_words import best_word, end_called, told_words
from worker.lock import MemorySyncLock
from worker.session.run import run_session
from worker.store import Store
from worker.telling.exit_codes import ExitCode
from worker.telling.failures import CommandError

WORDS = {"notion": End.LEFT, "other": End.RIGHT, "board": End.LEFT, "book": End.RIGHT}
LABELS = {End.LEFT: "the board", End.RIGHT: "the book Errands"}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A database with an open conflict of a board and a book."""
    url = f"sqlite:///{tmp_path / 'lockstep.db'}"
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("LOCKSTEP_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    get_settings.cache_clear()
    known = set(all_tasks)
    table = BoardTable(room="kitchen")
    sides = Shelf(LABELS[End.LEFT], BOARD, table), Shelf(LABELS[End.RIGHT], BOOK, table)
    mapping = {"Title": "heading", "Labels": "words"}
    ends = {"board": End.LEFT, "book": End.RIGHT}
    task = TwoWay("errands", *sides, mapping, "error", ends=ends).run_every(hours=1).schedule()
    store = Store(url)
    store.migrate()
    for side, title in zip(sides, ("Title", "heading"), strict=True):
        side.entries["1"] = Entry("1", {title: "Milk", **dict.fromkeys(side.attributes.keys() - {title})})
    run(task, store)
    for side, name in zip(sides, ("Labels", "words"), strict=True):
        side.update(side.entries["1"], {name: [side.label]})
    run(task, store)
    yield store
    store.close()
    all_tasks.intersection_update(known)
    get_settings.cache_clear()


def run(task: Any, store: Store) -> None:
    lock = MemorySyncLock()
    try:
        asyncio.run(run_session(task, store=store, lock=lock))
    finally:
        lock.close()


@pytest.mark.parametrize(
    ("word", "end"),
    [
        ("left", End.LEFT),
        ("notion", End.LEFT),
        ("Board", End.LEFT),
        ("the board", End.LEFT),
        ("right", End.RIGHT),
        ("other", End.RIGHT),
        ("book", End.RIGHT),
        ("Book errands", End.RIGHT),
        ("caldav", None),
        ("", None),
    ],
)
def test_a_side_goes_by_many_words(word: str, end: End | None) -> None:
    assert end_called(word, WORDS, LABELS) is end


def test_the_label_of_both_is_the_word_of_none() -> None:
    assert end_called("Board", {}, dict.fromkeys(End, "the board")) is None
    assert end_called("Left", {}, {End.LEFT: "right", End.RIGHT: "left"}) is End.LEFT


def test_the_words_are_told() -> None:
    assert told_words(WORDS, LABELS) == (
        "say left, notion or board for what the board had; right, other or book for what the book Errands had"
    )
    assert told_words({}, LABELS) == "say left for what the board had; right for what the book Errands had"
    assert [best_word(WORDS, end) for end in End] == ["board", "book"]
    assert [best_word({}, end) for end in End] == ["left", "right"]


def test_the_ledger_says_where_what_stayed_and_why(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    (record,) = store.conflicts.list()
    assert conflicts.show(record.id, as_json=False) is ExitCode.OK
    shown = " ".join(capsys.readouterr().out.split())
    assert "Object Milk When" in shown
    assert "Stayed the board (the board, edited" in shown
    assert "Stayed the book Errands (the book Errands, edited" in shown
    assert "Why Labels edited on both sides; the task says that neither is written" in shown
    assert f"lockstep conflicts --id {record.id} --take board (or book)" in shown


@pytest.mark.parametrize(("word", "stays"), [("board", "the board"), ("Book", "the book Errands")])
def test_a_value_is_brought_back_by_the_name_of_its_service(
    store: Store, capsys: pytest.CaptureFixture[str], word: str, stays: str
) -> None:
    (record,) = store.conflicts.list()
    assert conflicts.take(record.id, word, dry_run=True, as_json=True) is ExitCode.OK
    (update,) = json.loads(capsys.readouterr().out)["plan"]["actions"]
    assert [change["new"] for change in update["changes"].values()] == [[stays]]


def test_a_word_for_neither_side(store: Store) -> None:
    (record,) = store.conflicts.list()
    with pytest.raises(CommandError) as caught:
        conflicts.take(record.id, "caldav", dry_run=True, as_json=False)
    assert str(caught.value) == (
        f"conflict {record.id}: --take caldav is neither of its sides; say left, notion or board for what the board "
        "had; right, other or book for what the book Errands had"
    )
