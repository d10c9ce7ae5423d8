from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from config.private_files import close_directory, open_private, private_directory, private_file
from config.settings import get_settings


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_what_is_made_is_for_this_user_only(tmp_path: Path) -> None:
    private_directory(tmp_path / "var" / "state")
    assert (mode(tmp_path / "var"), mode(tmp_path / "var" / "state")) == (0o755, 0o700)
    private_file(tmp_path / "db")
    with open_private(tmp_path / "journal", "a") as file:
        file.write("x")
    assert (mode(tmp_path / "db"), mode(tmp_path / "journal")) == (0o600, 0o600)


def test_what_was_there_is_closed(tmp_path: Path) -> None:
    for name in ("db", "journal"):
        (tmp_path / name).write_text("kept")
    private_file(tmp_path / "db")
    with open_private(tmp_path / "journal", "a") as file:
        file.write(" and more")
    assert (mode(tmp_path / "db"), mode(tmp_path / "journal")) == (0o600, 0o600)
    assert ((tmp_path / "db").read_text(), (tmp_path / "journal").read_text()) == ("kept", "kept and more")


def test_the_settings_close_the_state_directory_and_all_in_it(
    bare_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, outside = bare_environment / ".lockstep", bare_environment / "outside"
    (state / "redis").mkdir(parents=True)
    outside.write_text("")
    for name in ("todos.json", "lockstep.db", "lockstep.db-wal", "redis/appendonly.aof"):
        (state / name).write_text("")
    (state / "link").symlink_to(outside)
    (state / "locked").write_text("")
    (state / "locked").chmod(0o400)
    get_settings()
    assert (mode(state), mode(state / "redis")) == (0o700, 0o700)
    files = [path for path in state.rglob("*") if path.is_file() and not path.is_symlink()]
    assert {mode(path) for path in files} == {0o600, 0o400}
    assert mode(outside) == 0o644


def test_a_directory_that_is_not_ours_alone_is_left(
    tmp_path: Path, bare_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    like_tmp = tmp_path / "like-tmp"
    like_tmp.mkdir()
    like_tmp.chmod(0o1777)
    (like_tmp / "theirs").write_text("")
    here = tmp_path / "project" / "deep"
    here.mkdir(parents=True)
    monkeypatch.chdir(here)
    for shared in (like_tmp, here, here.parent):
        close_directory(shared)
    assert (mode(like_tmp), mode(like_tmp / "theirs")) == (0o777, 0o644)
    assert (mode(here), mode(here.parent)) == (0o755, 0o755)


def test_no_directory_is_no_error(tmp_path: Path) -> None:
    close_directory(tmp_path / "missing")
    assert not (tmp_path / "missing").exists()


def test_a_database_keeps_its_locks(tmp_path: Path) -> None:
    """Whoever opens and closes the file of a database ends the locks that this process has on it."""
    path = tmp_path / "db"
    private_file(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as ours:
        ours.execute("CREATE TABLE t (x)")
        ours.execute("BEGIN EXCLUSIVE")
        private_file(path)
        other = (
            "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('INSERT INTO t VALUES (1)')"
        )
        done = subprocess.run(
            [sys.executable, "-c", other, path], check=False, capture_output=True, text=True
        )
        assert "database is locked" in done.stderr
