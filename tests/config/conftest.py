from __future__ import annotations

import os
from pathlib import Path

import pytest

from config.settings import Settings, get_settings
from config.sources import TABLES, variable_name


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty directory to stand in, and none of our variables set."""
    for name in Settings.model_fields:
        if name not in TABLES:
            monkeypatch.delenv(variable_name(name), raising=False)
    for name in [name for name in os.environ if name.startswith("SENTRY_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    get_settings.cache_clear()
    return tmp_path
