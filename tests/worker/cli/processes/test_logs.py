"""`lockstep logs`, as it is typed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from config import get_settings
from tests.worker.cli.conftest import Here
from tests.worker.cli.processes.test_processes import python
from worker.cli.processes.processes import ProcessGroup
from worker.machine.kept_lines import Keeper, file_of, lines_in
from worker.machine.state_directory import sole_use

SAID = [
    ("worker", " -------------- celery@office v5.7"),
    ("worker", "2026-01-31 12:00:00,123 INFO worker.session.run: Task 'to-dos': run 1 started."),
    (
        "beat",
        "2026-01-31 12:00:00,200 INFO celery.beat: Scheduler: Sending due task to-dos-2 (sync.to-dos-2)",
    ),
    ("worker", "2026-01-31 12:00:01,123 ERROR worker.session.run: Task 'to-dos': run failed unexpectedly."),
    ("beat", "2026-01-31 12:00:01,200 WARNING worker.schedule: behind"),
    ("worker", "  Traceback (most recent call last):"),
    ("worker", "  ValueError: \x1b[31mno"),
    ("web", "Traceback (most recent call last):"),
    ("web", "KeyError: 1"),
    ("worker", '{"time": "x", "level": "WARNING", "message": "Task \'strict\': late"}'),
]


@pytest.fixture
def kept(here: Here) -> Keeper:
    here("tasks")
    keeper = Keeper(file_of(get_settings().state_dir), str)
    for process, text in SAID:
        keeper.keep(process, text)
    return keeper


def texts(shown: str) -> list[str]:
    return [line["text"] for line in json.loads(shown)["items"]]


@pytest.mark.parametrize(
    ("arguments", "places"),
    [
        ([], range(10)),
        (["to-dos"], [1, 3, 5, 6]),
        (["strict"], [9]),
        (["--level", "warning"], [3, 4, 5, 6, 7, 8, 9]),
        (["--level", "ERROR"], [3, 5, 6, 7, 8]),
        (["to-dos", "--level", "ERROR"], [3, 5, 6]),
        (["--limit", "2"], [8, 9]),
        (["--since", "1h"], range(10)),
    ],
)
def test_what_is_asked_for_is_shown(
    here: Here, kept: Keeper, arguments: list[str], places: list[int]
) -> None:
    assert texts(here("logs", *arguments, "--json").partition("\n")[2]) == [
        SAID[place][1] for place in places
    ]


def test_older_lines_are_left_out(here: Here, kept: Keeper) -> None:
    path = file_of(get_settings().state_dir)
    early = f"{datetime.now(UTC) - timedelta(hours=3):%Y-%m-%dT%H:%M:%S.000Z} worker early\n"
    path.write_text(early + path.read_text())
    assert "early" in here("logs")
    assert "early" not in here("logs", "--since", "2h")


def test_a_line_moves_no_cursor_and_says_no_secret(
    here: Here, kept: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTION_TOKEN", "a-very-secret-token")
    kept.keep("worker", "the token is a-very-secret-token")
    for shown in (here("logs"), here("logs", "--json")):
        assert "a-very-secret-token" not in shown
        assert "\x1b" not in shown
    assert "worker |   ValueError: \\x1b[31mno" in here("logs")


def test_what_is_not_there_is_told_with_what_shows_it(here: Here) -> None:
    here("tasks")
    told = here("logs", fails=True)
    assert "journalctl --unit='lockstep-*'" in told
    assert "docker compose logs" in told
    with sole_use(get_settings()):
        assert "no lines are kept" in here("logs", fails=True)
    Keeper(file_of(get_settings().state_dir), str).keep("worker", "one")
    assert "No `lockstep up` runs here now" in here("logs")
    assert "did you mean 'to-dos'" in here("logs", "todos", fails=True)
    assert "use one of DEBUG" in here("logs", "--level", "LOUD", fails=True)


def test_what_comes_is_shown_until_somebody_ends_it(
    here: Here, kept: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rounds() -> Iterator[None]:
        kept.keep("worker", "2026-01-31 12:00:02,123 INFO x: Task 'to-dos': came later")
        kept.keep("worker", "2026-01-31 12:00:02,123 INFO x: Task 'strict': came later")
        yield
        raise KeyboardInterrupt

    ticks = rounds()
    monkeypatch.setattr("worker.cli.processes.logs.time.sleep", lambda _: next(ticks))
    shown = here("logs", "to-dos", "--follow")
    assert shown.count("Task 'to-dos': came later") == 1
    assert "strict" not in shown


def test_up_keeps_what_its_processes_say(tmp_path: Path) -> None:
    """What is kept is what is shown; a whole `lockstep up` is in `test_up`."""
    keeper = Keeper(file_of(tmp_path), str)
    asyncio.run(ProcessGroup([python("one", "print('a\\n  b')")], keep=keeper.keep).run())
    assert [(line.process, line.text) for line in lines_in(file_of(tmp_path))] == [
        ("one", "a"),
        ("one", "  b"),
    ]
