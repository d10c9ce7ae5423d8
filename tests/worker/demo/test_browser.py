"""When `lockstep demo --stay` opens a browser, and what it says last."""

from __future__ import annotations

import sys
import threading
import webbrowser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr

from worker.demo import tour
from worker.demo.browser import has_desktop, open_in_browser

URL = "http://127.0.0.1:8000"


@pytest.mark.parametrize(
    ("terminal", "platform", "environment", "expected"),
    [
        (True, "linux", {"DISPLAY": ":0"}, True),
        (True, "linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        (True, "linux", {}, False),
        (True, "linux", {"DISPLAY": ""}, False),
        (True, "darwin", {}, True),
        (True, "darwin", {"SSH_CONNECTION": "1 2 3 4"}, False),
        (True, "linux", {"DISPLAY": ":0", "SSH_CONNECTION": "1 2 3 4"}, False),
        (False, "linux", {"DISPLAY": ":0"}, False),
        (False, "darwin", {}, False),
    ],
)
def test_a_browser_is_for_a_terminal_on_a_desktop(
    monkeypatch: pytest.MonkeyPatch,
    terminal: bool,
    platform: str,
    environment: dict[str, str],
    expected: bool,
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(isatty=lambda: terminal))
    assert has_desktop() is expected


def test_a_browser_that_is_not_there_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(url: str) -> bool:
        raise webbrowser.Error("could not locate runnable browser")

    monkeypatch.setattr(webbrowser, "open", none)
    assert open_in_browser(URL) is False


@pytest.mark.parametrize(("show", "opened"), [(True, [URL]), (False, [])])
def test_what_stays_ends_with_the_dashboard(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], show: bool, opened: list[str]
) -> None:
    seen: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: seen.append(url) or True)

    class Ended:
        def wait(self) -> None:
            raise KeyboardInterrupt

    monkeypatch.setattr(threading, "Event", Ended)
    stage: Any = SimpleNamespace(
        settings=SimpleNamespace(state_dir=Path("/tmp/demo/state")), dashboard_url=URL, notion_url="http://n",
        flower_url="http://f", calendar_url="http://c", data_source="d", calendar_user="u",
        calendar_password=SecretStr("p"), notion_token=SecretStr("t"),
    )  # fmt: skip
    tour._stay(stage, show=show)
    last = capsys.readouterr().out.rstrip().splitlines()[-1]
    assert last.startswith(f"Ctrl-C ends it. Dashboard: {URL}")
    assert last.endswith("(opened in your browser)") is show
    assert seen == opened
