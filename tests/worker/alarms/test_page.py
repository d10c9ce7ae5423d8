"""What the page about monitoring shows is read as it says."""

from __future__ import annotations

import re
import tomllib

import pytest

from config import load_settings
from tasks.tables.sync_table import SyncTable
from tests.docs.pages import ROOT, block
from worker.alarms import Kind
from worker.alarms.sinks import sinks_of


def test_the_addresses_on_the_page_are_understood() -> None:
    _, _, urls = block("monitoring.md", "ALERT_URLS=").text.strip().partition("=")
    sinks, faults = sinks_of(load_settings(alert_urls=urls.strip('"')))
    assert faults == []
    assert [sink.label.partition(" (")[0] for sink in sinks] == ["log", "E-Mail", "ntfy"]


def test_the_ping_on_the_page_is_that_of_a_task() -> None:
    (said,) = tomllib.loads(block("monitoring.md", "[[sync]]").text)["sync"]
    assert SyncTable.model_validate(said).ping == said["ping"]
    with pytest.raises(ValueError, match="address"):
        SyncTable.model_validate({**said, "ping": "hc-ping.com/abc"})


def test_every_state_is_on_the_page() -> None:
    text = (ROOT / "docs/monitoring.md").read_text(encoding="utf-8")
    table = text[text.index("## Alerts") : text.index("Each is told once")]
    assert set(re.findall(r"`([a-z]+)`", table)) >= set(Kind)
