"""The lines of `lockstep up` in files: kept, turned over, followed."""

from __future__ import annotations

import logging
import stat
from pathlib import Path
from random import Random

import pytest

from worker.machine.kept_lines import OLDER, Follower, Keeper, file_of, kept_line, lines_in


def keeper_in(folder: Path, room: int = 300) -> Keeper:
    return Keeper(file_of(folder), lambda text: text.replace("s3cret", "***"), room=room)


def test_lines_come_back_in_their_order_without_secrets(tmp_path: Path) -> None:
    keeper = keeper_in(tmp_path, room=10_000)
    said = [("worker", "one"), ("beat", "  two | 3"), ("worker", "s3cret"), ("web", "é\u2028ü"), ("web", "")]
    for process, text in said:
        keeper.keep(process, text)
    found = list(lines_in(file_of(tmp_path)))
    assert [(line.process, line.text) for line in found] == [*said[:2], ("worker", "***"), *said[3:]]
    assert found == sorted(found, key=lambda line: line.at)
    path = file_of(tmp_path)
    assert "s3cret" not in path.read_text()
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)) == (0o600, 0o700)


def test_the_files_stay_in_their_room(tmp_path: Path) -> None:
    keeper = keeper_in(tmp_path)
    for number in range(200):
        keeper.keep("worker", f"line {number}")
    files = list(file_of(tmp_path).parent.iterdir())
    assert len(files) == OLDER + 1
    assert all(file.stat().st_size <= 300 and stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)
    kept = [int(line.text.split()[1]) for line in lines_in(file_of(tmp_path))]
    assert kept == list(range(kept[0], 200))
    assert len(kept) > 10


@pytest.mark.parametrize("seed", range(5))
def test_a_follower_sees_each_line_once(tmp_path: Path, seed: int) -> None:
    random, keeper = Random(seed), keeper_in(tmp_path)
    keeper.keep("worker", "before")
    follower = Follower(file_of(tmp_path))
    seen: list[str] = []
    turned = 0
    for number in range(120):
        before = file_of(tmp_path).stat().st_ino
        keeper.keep("worker", str(number))
        turned += file_of(tmp_path).stat().st_ino != before
        if random.random() < 0.4 or number % 4 == 3:
            seen += [line.text for line in follower.more()]
    seen += [line.text for line in follower.more()]
    assert seen == [str(number) for number in range(120)]
    assert turned > 10


def test_a_follower_waits_for_the_end_of_a_line_and_for_the_file(tmp_path: Path) -> None:
    path = file_of(tmp_path)
    follower = Follower(path)
    assert list(follower.more()) == []
    path.parent.mkdir()
    with path.open("a") as file:
        print("2026-11-30T00:00:00.000Z worker half", end="", file=file, flush=True)
        assert list(follower.more()) == []
        print(" and half", file=file, flush=True)
    assert [line.text for line in follower.more()] == ["half and half"]


def test_what_cannot_be_kept_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    keeper = keeper_in(tmp_path)
    (tmp_path / "logs" / "up.log").mkdir()
    with caplog.at_level(logging.ERROR):
        keeper.keep("worker", "one")
        keeper.keep("worker", "two")
    assert [record.message.partition(" in ")[0] for record in caplog.records] == ["Lines cannot be kept"]


def test_what_is_no_line_is_left_out() -> None:
    assert kept_line("half a line") is None
    assert kept_line("2026-11-30T00:00:00.000Z worker \n") is not None
