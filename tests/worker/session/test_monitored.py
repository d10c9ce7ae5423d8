"""What Sentry is told of a run: when to expect it, how it went, how long each phase took."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sentry_sdk

from config import load_settings
from config.sentry import init_sentry
from tasks.schedule import Schedule
from tests.config.test_sentry import DSN, RecordingTransport
from tests.worker.web.conftest import probe
from worker.session.monitored import monitor_of, monitored, traced


@pytest.fixture
def transport() -> Iterator[RecordingTransport]:
    yield RecordingTransport()
    sentry_sdk.get_client().close()
    sentry_sdk.get_global_scope().set_client(None)
    sentry_sdk.get_isolation_scope().clear()


@pytest.mark.parametrize(
    ("seconds", "value", "unit", "margin"),
    [
        (60, 1, "minute", 5),
        (90, 2, "minute", 5),
        (300, 5, "minute", 5),
        (3600, 1, "hour", 60),
        (5400, 90, "minute", 90),
        (86_400, 1, "day", 1440),
    ],
)
def test_when_a_run_is_expected(seconds: int, value: int, unit: str, margin: int) -> None:
    monitor = monitor_of(Schedule(timedelta(seconds=seconds)), 1800)
    assert monitor is not None
    assert monitor["schedule"] == {"type": "interval", "value": value, "unit": unit}
    assert monitor["checkin_margin"] == margin
    assert monitor["max_runtime"] == 31


@pytest.mark.parametrize(
    "schedule",
    [Schedule(), Schedule(timedelta(seconds=30)), Schedule(timedelta(hours=1), 3), Schedule(None, 1)],
)
def test_what_ends_or_is_too_quick_has_no_monitor(schedule: Schedule) -> None:
    assert monitor_of(schedule, 1800) is None


def test_a_run_checks_in(transport: RecordingTransport, tmp_path: Path) -> None:
    init_sentry(load_settings(sentry_dsn=DSN), transport=transport)
    task = probe(tmp_path, "rows", "source", every=300)
    with monitored(task, 1800):
        pass
    with pytest.raises(RuntimeError), monitored(task, 1800):
        raise RuntimeError
    with monitored(task, 1800) as outcome:
        outcome.skipped = True
    sent: list[dict[str, Any]] = transport.of("check_in")
    assert [each["status"] for each in sent] == [
        "in_progress",
        "ok",
        "in_progress",
        "error",
        "in_progress",
        "ok",
    ]
    assert [each["check_in_id"] for each in sent[::2]] == [each["check_in_id"] for each in sent[1::2]]
    assert {each["monitor_slug"] for each in sent} == {"rows"}
    assert all(each["monitor_config"]["checkin_margin"] == 5 for each in sent)
    assert sent[-1].get("duration") is None


def test_each_phase_is_a_span(transport: RecordingTransport) -> None:
    init_sentry(load_settings(sentry_dsn=DSN, sentry_traces=1.0), transport=transport)
    told = []
    with (
        sentry_sdk.start_transaction(op="queue.task.celery", name="sync.rows"),
        traced(lambda *progress: told.append(progress)) as progress,
    ):
        for phase, done in (("open", 0), ("list", 0), ("list", 1), ("plan", 0), ("apply", 0), ("apply", 1)):
            progress(phase, done, 2)
    (event,) = transport.of("transaction")
    assert [span["op"] for span in event["spans"]] == [
        "lockstep.open", "lockstep.list", "lockstep.plan", "lockstep.apply",
    ]  # fmt: skip
    assert all(span["timestamp"] >= span["start_timestamp"] for span in event["spans"])
    assert len(told) == 6
    assert "sync.rows" in json.dumps(event)


def test_without_a_trace_the_progress_is_as_it_was() -> None:
    def progress(phase: str, done: int, total: int) -> None: ...

    with traced(progress) as same:
        assert same is progress
