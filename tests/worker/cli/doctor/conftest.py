"""A database of Notion and a folder of notes that are kept in step, in a directory of their own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from config import get_settings
from tests.worker.cli.setup.conftest import TOKEN, Notion
from tests.worker.cli.setup.conftest import here as here
from tests.worker.cli.setup.conftest import notion as notion
from worker.cli import main

TABLE = """
[[sync]]
name = "to-dos"
every = "5m"

[sync.notion]
data_source = "{source}"

[sync.markdown]
folder = "notes"
"""

Doctor = Callable[[], tuple[int, dict[str, list[dict[str, Any]]]]]


@pytest.fixture
def set_up(here: Path, notion: Notion, monkeypatch: pytest.MonkeyPatch) -> Path:
    """All that is needed, as `lockstep init` leaves it, before anything has run."""
    monkeypatch.setenv(
        "NOTION_TOKEN", "x"
    )  # `.env` sets it for the process, and the end of the test takes it back
    monkeypatch.delenv("NOTION_TOKEN")
    (here / "notes").mkdir()
    (here / "lockstep.toml").write_text(TABLE.format(source=notion.source))  # type: ignore[attr-defined]
    (here / ".env").write_text(f"NOTION_TOKEN={TOKEN}\n")
    (here / ".env").chmod(0o600)
    return here


@pytest.fixture
def doctor(capsys: pytest.CaptureFixture[str]) -> Doctor:
    """`lockstep doctor --json`: its code, and its findings by check."""

    def run() -> tuple[int, dict[str, list[dict[str, Any]]]]:
        get_settings.cache_clear()
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(["doctor", "--json"])
        shown = capsys.readouterr()
        assert TOKEN not in shown.out + shown.err
        told = json.loads(shown.out)
        assert told["version"] == 1
        assert told["exit_code"] == ended.value.code
        found: dict[str, list[dict[str, Any]]] = {}
        for one in told["findings"]:
            assert set(one) == {"subject", "check", "state", "text", "mend"}
            found.setdefault(one["check"], []).append(one)
        return int(ended.value.code or 0), found

    return run
