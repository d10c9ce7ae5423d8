"""`lockstep alerts`: what is open, what was, and whether those who are told can be told; `lockstep status` too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.harness.stores import new_store
from tests.worker.alarms.conftest import receiving
from worker.alarms import Alarm, Judged, Kind, Severity
from worker.alarms.ledger import Ledger

from .conftest import Lockstep

pytestmark = pytest.mark.processes

NOW = datetime.now(UTC)
HALTED = Alarm(Kind.HALTED, Severity.CRITICAL, "to-dos was halted: 10 of 12.", "lockstep apply abc", "to-dos")
QUARANTINE = Alarm(
    Kind.QUARANTINE, Severity.WARNING, "strict leaves out 2 objects.", "lockstep held strict", "strict"
)


class Nobody:
    name = "log"

    def takes(self, kind: Kind) -> bool:
        return True


@pytest.fixture
def ledger(project: Path) -> Iterator[Ledger]:
    store = new_store(project / ".lockstep" / "lockstep.db")
    yield Ledger(store)
    store.close()


def look(ledger: Ledger, *alarms: Alarm, minutes: int = 0) -> None:
    judged = Judged({alarm.key: alarm for alarm in alarms})
    ledger.look(judged, [Nobody()], NOW + timedelta(minutes=minutes))


def test_open_ones_and_past_ones_are_listed(lockstep: Lockstep, ledger: Ledger) -> None:
    look(ledger, HALTED, QUARANTINE)
    found = lockstep("alerts")
    assert found.returncode == 1
    for text in ("critical", "to-dos was halted: 10 of 12.", "lockstep apply abc", "warning"):
        assert text in found.stdout
    assert "to-dos was halted: 10 of 12. lockstep apply abc." in lockstep("status").stdout
    look(ledger, QUARANTINE, minutes=7)
    found = lockstep("alerts", "--json")
    assert found.returncode == 0
    told: dict[str, Any] = json.loads(found.stdout)
    assert [each["key"] for each in told["open"]] == ["quarantine:strict"]
    assert [each["key"] for each in told["over"]] == ["halted:to-dos"]
    assert "7 min" in lockstep("alerts").stdout


def test_all_who_are_told_are_tried(lockstep: Lockstep, project: Path) -> None:
    with receiving() as good, receiving() as bad:
        bad.status = 500
        urls = f"json://{good.address}/s3cret-path-1, json://{bad.address}/s3cret-path-2, pigeon://loft1234"
        found = lockstep("alerts", "--test", ALERT_URLS=urls)
    assert found.returncode == 1
    assert [message["message"] for message in good.messages] == [
        "This is a test of Lockstep's alerts. Nothing is wrong, and nothing is to be done."
    ]
    lines = found.stdout.splitlines()
    assert lines[0] == "log: a test message was sent."
    assert "a test message was sent" in lines[1]
    assert "failed: " in lines[2]
    assert "500" in lines[2]
    assert "place 3" in lines[3]
    for secret in ("s3cret-path", "loft1234"):
        assert secret not in found.stdout + found.stderr
