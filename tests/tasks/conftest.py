from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from config import get_settings
from tasks import all_tasks


@pytest.fixture(autouse=True)
def state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Every test keeps its state in a directory of its own and leaves no task behind."""
    monkeypatch.setenv("LOCKSTEP_STATE_DIR", str(tmp_path / "state"))
    get_settings.cache_clear()
    before = set(all_tasks)
    all_tasks.clear()
    yield tmp_path / "state"
    all_tasks.clear()
    all_tasks.update(before)
    get_settings.cache_clear()
