"""Files in which tasks are defined, changed under a watch."""

from __future__ import annotations

import logging
import os
import py_compile
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import Settings, load_settings
from config.redaction import redacted
from tasks import TaskDefinitionError
from tasks.registry import load_anew
from tasks.schedule import Schedule
from worker.reload import News, Watch, watched
from worker.reload.check import refusal

TABLES = """
[[sync]]
name = "{name}"
every = "{every}"
[sync.markdown]
folder = "notes"
[sync.caldav]
calendar = "http://127.0.0.1:1/list/"
password = "{secret}"
[sync.map]
Title = "summary"
"""
MODULE = """
from tests.tasks.sync_task.seed_style import Services, ToDos
ToDos(Services(), "{name}").run_every(minutes={minutes}).schedule()
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path != str(tmp_path)])
    yield tmp_path
    sys.modules.pop("own_watched", None)


class Here:
    """A watch that looks when it is told to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.wrong = ""
        self.checked = 0
        self.write(minutes=5)
        settings = load_settings()
        load_anew(settings)
        self.watch = Watch(settings, self._load, watched(settings.tasks), refused_by=self._refused)

    def write(self, text: str = "", *, name: str = "milk", minutes: int = 5) -> None:
        (self.folder / "own_watched.py").write_text(MODULE.format(name=name, minutes=minutes) + text)
        (self.folder / "lockstep.toml").write_text('tasks = ["own_watched"]\n')

    def look(self) -> News | None:
        """Twice, as what changed has to be the same."""
        self.watch.look()
        self.watch.look()
        return self.watch.news

    def _load(self, settings: Settings) -> News:
        return News(list(load_anew(settings).values()), {})

    def _refused(self) -> str:
        self.checked += 1
        return self.wrong


def test_nothing_is_read_while_nothing_changes(here: Path) -> None:
    one = Here(here)
    assert one.look() is None
    assert one.checked == 0


def test_what_changed_is_read_once_it_is_the_same_at_two_looks(here: Path) -> None:
    one = Here(here)
    one.write(minutes=7)
    one.watch.look()
    one.write(minutes=8)  # an editor that is still writing
    one.watch.look()
    assert one.checked == 0
    one.watch.look()
    news = one.watch.news
    assert news is not None
    assert [task.plan_schedule for task in news.tasks] == [Schedule.of({"every": "8m"})]
    one.watch.taken(news)
    assert one.look() is None
    assert one.checked == 1


def test_a_change_that_neither_size_nor_time_of_the_file_shows_is_read(here: Path) -> None:
    one = Here(here)
    file = here / "own_watched.py"
    before = file.stat()
    py_compile.compile(str(file), doraise=True)  # as an import does
    one.write(minutes=8)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    news = one.look()
    assert news is not None
    assert [task.plan_schedule for task in news.tasks] == [Schedule.of({"every": "8m"})]


def test_the_check_reads_such_a_change_as_well(here: Path) -> None:
    Here(here)
    file = here / "own_watched.py"
    before = file.stat()
    py_compile.compile(str(file), doraise=True)
    assert refusal() == ""
    file.write_text(file.read_text().replace("minutes=5", "minutes=0"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert "a period must be longer than zero" in refusal()


def test_what_is_wrong_is_refused_and_told_once(here: Path, caplog: pytest.LogCaptureFixture) -> None:
    one = Here(here)
    one.write("1 / 0")
    one.wrong = "it divides by zero"
    assert one.look() is None
    assert one.look() is None
    assert one.watch.told() == {"reloads": True, "refused": "it divides by zero"}
    errors = [line.getMessage() for line in caplog.records if line.levelno == logging.ERROR]
    assert errors == ["The tasks have changed, but are refused, and the old ones go on: it divides by zero"]
    one.write()
    one.wrong = ""
    assert one.look() is None
    assert one.watch.told()["refused"] == ""


def test_what_breaks_between_the_check_and_the_reading_changes_nothing(here: Path) -> None:
    one = Here(here)
    one.write("1 / 0")
    assert one.look() is None
    assert "division by zero" in one.watch.refused
    one.write(name="bread")
    news = one.look()
    assert news is not None
    assert [task.name for task in news.tasks] == ["bread"]
    assert one.watch.refused == ""


def test_a_setting_that_needs_a_restart_is_told(here: Path, caplog: pytest.LogCaptureFixture) -> None:
    one = Here(here)
    one.write(minutes=9)
    (here / "lockstep.toml").write_text('tasks = ["own_watched"]\nnotion_rate = 2\n')
    assert one.look() is not None
    assert any(
        "notion_rate" in line.getMessage() and "started again" in line.getMessage() for line in caplog.records
    )


def test_secrets_of_new_tables_are_known(here: Path) -> None:
    one = Here(here)
    secret = "brand-new-word-8831"
    assert secret in redacted(f"a line with {secret}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(one.watch, "_load", lambda settings: News([], {}))
        (here / "lockstep.toml").write_text(TABLES.format(name="x", every="5m", secret=secret))
        assert one.look() is not None
    assert secret not in redacted(f"a line with {secret}")


@pytest.mark.parametrize(
    ("module", "toml", "message"),
    [
        (MODULE.format(name="milk", minutes=5), 'tasks = ["own_watched"]\n', ""),
        (
            "print('noise')\nimport sys; sys.exit(3)",
            'tasks = ["own_watched"]\n',
            "cannot be imported: SystemExit: 3",
        ),
        (
            "",
            'tasks = ["own_watched"]\nredis_ulr = "x"\n',
            "unknown key 'redis_ulr': did you mean redis_url?",
        ),
    ],
)
def test_a_process_of_its_own_says_what_is_wrong(here: Path, module: str, toml: str, message: str) -> None:
    (here / "own_watched.py").write_text(module)
    (here / "lockstep.toml").write_text(toml)
    told = refusal()
    assert message in told
    assert bool(told) == bool(message)
    assert "own_watched" not in sys.modules


def test_definition_errors_are_what_a_fresh_reading_raises(here: Path) -> None:
    one = Here(here)
    one.write("raise RuntimeError('no')")
    with pytest.raises(TaskDefinitionError, match="RuntimeError: no"):
        load_anew(load_settings())


def test_the_file_that_is_named_in_its_place_is_watched(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCKSTEP_CONFIG", "other.toml")
    assert set(watched([])) >= {here / "other.toml"}
    assert here / "lockstep.toml" not in watched([])
