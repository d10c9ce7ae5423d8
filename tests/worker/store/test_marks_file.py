"""How far tasks had come, beside the database's file: nothing that was noted is lost, whoever writes, and when."""

from __future__ import annotations

import fcntl
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from filelock import FileLock

from worker.errors import StoreError
from worker.store import marks_file
from worker.store.marks_file import MarksFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lockstep.db.reached"


def places(path: Path) -> dict[str, int]:
    """As another process reads them."""
    return dict(MarksFile(path).read(None))


def test_a_step_adds_one_line_and_others_see_it(path: Path) -> None:
    mine, other = MarksFile(path), MarksFile(path)
    mine.add(7, "a", 1)
    assert dict(other.read(7)) == {"a": 1}
    size = path.stat().st_size
    for place in range(2, 50):
        mine.add(7, "b", place)
    other.add(7, "a", 3)
    assert path.stat().st_size < size + 50 * len('["b", 49]\n')
    assert dict(mine.read(7)) == dict(other.read(7)) == places(path) == {"a": 3, "b": 49}


def test_what_earlier_versions_left_is_read_and_goes_on(path: Path) -> None:
    path.write_text(json.dumps({"installation": 7, "places": {"a": 5}}))
    MarksFile(path).add(7, "b", 2)
    assert places(path) == {"a": 5, "b": 2}


@pytest.mark.parametrize("cut", range(1, len('["b", 2]\n')))
def test_a_line_that_was_cut_off_takes_no_other_along(path: Path, cut: int) -> None:
    MarksFile(path).add(7, "a", 1)
    MarksFile(path).add(7, "b", 2)
    path.write_bytes(path.read_bytes()[:-cut])
    reader = MarksFile(path)
    assert reader.read(7)["a"] == 1
    MarksFile(path).add(7, "c", 3)
    assert {"a": 1, "c": 3}.items() <= places(path).items()
    assert dict(reader.read(7)) == places(path)


def test_another_installation_begins_anew(path: Path) -> None:
    marks = MarksFile(path)
    marks.add(7, "a", 9)
    assert dict(marks.read(8)) == {}
    marks.add(8, "b", 1)
    assert places(path) == {"b": 1}


def test_what_cannot_be_read_is_told_and_replaced(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.write_text("no JSON\n")
    marks = MarksFile(path)
    assert dict(marks.read(None)) == {}
    assert "whether an older copy was restored is not known" in caplog.text
    marks.add(7, "a", 1)
    assert places(path) == {"a": 1}


def test_nothing_is_lost_while_the_file_is_written_anew(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marks_file, "LINES", 5)
    monkeypatch.setattr(marks_file, "LINES_OF_TASK", 0)
    anew = 0
    write_anew = MarksFile._write_anew

    def counted(self: MarksFile, installation: int, task: str, place: int, patience: float) -> None:
        nonlocal anew
        write_anew(self, installation, task, place, patience)
        anew += 1

    monkeypatch.setattr(MarksFile, "_write_anew", counted)
    MarksFile(path).add(7, "first", 1)

    def work(task: str) -> None:
        mine = MarksFile(path)
        for place in range(1, 121):
            mine.add(7, task, place)
            assert mine.read(7)[task] >= place

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, (f"t{number}" for number in range(4))))
    assert anew > 20
    assert places(path) == {"first": 1, **{f"t{number}": 120 for number in range(4)}}
    assert path.stat().st_size < 1000


def test_a_line_that_was_added_is_in_the_file_that_takes_the_place_of_the_one_before(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once: who writes it anew may be killed right after."""
    monkeypatch.setattr(marks_file, "LINES", 1)
    monkeypatch.setattr(marks_file, "LINES_OF_TASK", 0)
    marks = MarksFile(path)
    marks.add(7, "a", 1)
    marks.add(7, "a", 2)
    replace = Path.replace
    other = threading.Thread(target=lambda: MarksFile(path).add(7, "b", 3))
    added: list[bool] = []

    def while_another_one_adds(self: Path, target: Path) -> None:
        if added:  # of the other one, which may well write it anew next
            replace(self, target)
            return
        other.start()
        other.join(0.2)
        added.append(not other.is_alive())
        replace(self, target)
        assert places(path) == {"a": 3} | ({"b": 3} if added[0] else {})

    monkeypatch.setattr(Path, "replace", while_another_one_adds)
    marks.add(7, "a", 3)
    assert added
    other.join()
    assert places(path) == {"a": 3, "b": 3}


def test_who_has_the_file_alone_for_too_long_keeps_nobody(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marks_file, "PATIENCE", 0.1)
    marks = MarksFile(path)
    marks.add(7, "a", 1)
    with path.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(StoreError, match="cannot be written"):
            marks.add(7, "a", 2)
    marks.add(7, "a", 3)
    assert places(path) == {"a": 3}


@pytest.mark.parametrize("size", ["same", "larger"])
def test_a_file_that_got_the_number_of_the_one_before_is_another(path: Path, size: str) -> None:
    """A system may give a new file the number of one that was deleted; written in place it looks the same."""
    mine = MarksFile(path)
    mine.add(7, "a", 1)
    mine.add(7, "b", 2)
    assert dict(mine.read(7)) == {"a": 1, "b": 2}
    before = path.stat()
    newer = path.with_name("newer")
    theirs = MarksFile(newer)
    theirs.add(7, "a", 5)
    theirs.add(7, "b", 6)
    path.write_text(newer.read_text() + ('["c", 3]\n' if size == "larger" else ""))
    after = path.stat()
    assert (after.st_dev, after.st_ino) == (before.st_dev, before.st_ino)
    assert (after.st_size == before.st_size) == (size == "same")
    assert dict(mine.read(7)) == {"a": 5, "b": 6} | ({"c": 3} if size == "larger" else {})
    mine.add(7, "d", 4)
    assert places(path).items() >= {"a": 5, "b": 6, "d": 4}.items()


def test_while_another_one_writes_the_file_anew_a_line_is_added(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marks_file, "LINES", 2)
    monkeypatch.setattr(marks_file, "LINES_OF_TASK", 0)
    monkeypatch.setattr(marks_file, "PATIENCE", 0.1)
    marks = MarksFile(path)
    # There is no file yet to which a line could be added.
    with FileLock(f"{path}.lock"), pytest.raises(StoreError, match="cannot be written"):
        marks.add(7, "a", 1)
    marks.add(7, "a", 1)
    with FileLock(f"{path}.lock"):
        for place in range(2, 7):
            marks.add(7, "a", place)
    assert places(path) == {"a": 6}
    assert path.read_text().count("\n") == 6
    marks.add(7, "a", 7)
    assert path.read_text().count("\n") == 1
    assert places(path) == {"a": 7}
