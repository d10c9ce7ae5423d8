"""`lockstep migrate` makes the tables, leaves those that are there, and refuses those of a newer version."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import get_settings
from worker.cli import main
from worker.store.migrating import newest_version
from worker.telling.exit_codes import ExitCode


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the database is to be."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'lockstep.db'}")
    get_settings.cache_clear()
    yield tmp_path / "lockstep.db"
    get_settings.cache_clear()


def migrate(capsys: pytest.CaptureFixture[str]) -> tuple[object, str]:
    with pytest.raises(SystemExit) as ended:
        main(["migrate"])
    shown = capsys.readouterr()
    return ended.value.code, " ".join((shown.out + shown.err).split())


def tables(path: Path) -> set[str]:
    with sqlite3.connect(path) as database:
        return {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def test_the_tables_are_made_once(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        code, said = migrate(capsys)
        assert code == ExitCode.OK
        assert said.endswith(f"has the tables of version {newest_version()}.")
        assert {"link", "run", "alembic_version"} <= tables(path)


def test_those_of_a_newer_version_are_left(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    migrate(capsys)
    with sqlite3.connect(path) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    code, said = migrate(capsys)
    assert code == ExitCode.UNAVAILABLE
    assert "was made by another version of Lockstep" in said
    assert "Traceback" not in said
