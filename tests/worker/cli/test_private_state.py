from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from worker.store import Store


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def open_to_others(directory: Path) -> list[str]:
    """What somebody else on the machine may read, write or enter."""
    found = [directory, *directory.rglob("*")]
    return [str(path.relative_to(directory.parent)) for path in found if path.stat().st_mode & 0o077]


@pytest.mark.processes
def test_a_run_leaves_nothing_that_others_can_read(lockstep: Any, project: Path) -> None:
    assert lockstep("run", "to-dos").returncode == 0
    state = project / ".lockstep"
    assert {path.name for path in state.iterdir()} >= {"lockstep.db", "machine.lock", "to-dos.json"}
    assert open_to_others(state) == []


@pytest.mark.processes
def test_what_an_earlier_version_left_open_is_closed(lockstep: Any, project: Path) -> None:
    assert lockstep("run", "to-dos").returncode == 0
    state = project / ".lockstep"
    for path in [state, *state.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    assert lockstep("status").returncode == 0
    assert open_to_others(state) == []


@pytest.mark.processes
def test_a_run_without_a_database_leaves_nothing_that_others_can_read(
    project: Path, environment: dict[str, str]
) -> None:
    code = (
        "import asyncio, file_tasks\n"
        "from tasks.local import run_once\n"
        "from tasks.registry import load_tasks\n"
        "from config import get_settings\n"
        "print(asyncio.run(run_once(load_tasks(get_settings())['to-dos'])).status)\n"
    )
    root = Path(__file__).resolve().parents[3]
    env = {**environment, "PYTHONPATH": f"{root}:{project}"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        cwd=project,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == "succeeded\n", done.stderr
    state = project / ".lockstep"
    assert {path.name for path in state.iterdir()} >= {"to-dos.json", "to-dos.lock"}
    assert open_to_others(state) == []


def test_a_database_at_work_is_closed_with_all_its_files(tmp_path: Path) -> None:
    directory = tmp_path / "made" / "state"
    store = Store(f"sqlite:///{directory / 'lockstep.db'}")
    store.migrate()
    assert {path.name for path in directory.iterdir()} == {
        "lockstep.db",
        "lockstep.db-wal",
        "lockstep.db-shm",
    }
    assert open_to_others(directory) == []
    store.close()


def test_a_database_in_a_directory_of_somebody_elses_choice_is_closed_by_itself(tmp_path: Path) -> None:
    directory = tmp_path / "shared"
    directory.mkdir()
    (directory / "lockstep.db").touch()
    store = Store(f"sqlite:///{directory / 'lockstep.db'}")
    store.migrate()
    assert open_to_others(directory) == ["shared"]
    store.close()
