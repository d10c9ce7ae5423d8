"""How far tasks had come, beside the database's file: nothing that was noted is lost, whoever writes, and when."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

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

    def counted(self: MarksFile, installation: int, task: str, place: int) -> None:
        nonlocal anew
        anew += 1
        write_anew(self, installation, task, place)

    monkeypatch.setattr(MarksFile, "_write_anew", counted)
    MarksFile(path).add(7, "first", 1)

    def work(task: str) -> None:
        mine = MarksFile(path)
        for place in range(1, 121):
            mine.add(7, task, place)
            assert mine.read(7)[task] >= place

    threads = [threading.Thread(target=work, args=(f"t{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert anew > 20
    assert places(path) == {"first": 1, **{f"t{number}": 120 for number in range(4)}}
    assert path.stat().st_size < 1000
