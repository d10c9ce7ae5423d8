"""A process loads what it needs: worker and beat are started by the dozen, and on small machines."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: What draws tables, and what reports to Sentry.
NOT_NEEDED = ("rich", "pygments", "sentry_sdk", "apprise", "urllib3")


def loaded(code: str, folder: Path) -> set[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "REDIS_URL": "redis://localhost:1/0",
        "LOCKSTEP_STATE_DIR": str(folder),
    }
    told = subprocess.run(
        [sys.executable, "-c", f"import sys; {code}; print(*sys.modules)"],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return set(told.stdout.split())


@pytest.mark.parametrize("code", ["from worker import app", "import tasks", "import tasks.services.notion"])
def test_nothing_is_loaded_that_is_not_needed(code: str, tmp_path: Path) -> None:
    assert not loaded(code, tmp_path) & set(NOT_NEEDED)


def test_the_command_line_of_httpx_is_there_for_whoever_wants_it(tmp_path: Path) -> None:
    assert "rich" in loaded("import tasks, httpx._main", tmp_path)
