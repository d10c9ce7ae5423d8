from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import sentry_sdk
from celery import Celery
from celery.beat import ScheduleEntry, Scheduler
from celery.schedules import schedule
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from config import Settings, load_settings
from config.sentry import init_sentry

DSN = "https://publickey@sentry.invalid/42"
TOKEN = "ntn_sentrysecret1"
VALUE = "Buy flowers for Anna"


class RecordingTransport(Transport):
    """Keeps what would have been sent."""

    def __init__(self) -> None:
        super().__init__({"dsn": DSN})
        self.items: list[tuple[str, dict[str, Any]]] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        for item in envelope.items:
            self.items.append((str(item.type), json.loads(item.get_bytes())))

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [payload for each, payload in self.items if each == kind]


@pytest.fixture
def transport() -> Iterator[RecordingTransport]:
    yield RecordingTransport()
    sentry_sdk.get_client().close()
    sentry_sdk.get_global_scope().set_client(None)
    sentry_sdk.get_isolation_scope().clear()


@pytest.fixture
def settings() -> Settings:
    return load_settings(sentry_dsn=DSN, notion_token=TOKEN)


@pytest.fixture
def app() -> Celery:
    app = Celery("test", set_as_current=False)
    app.conf.update(task_always_eager=True, broker_url="memory://", result_backend=None)

    @app.task(name="sync.to-dos", shared=False)
    def sync(value: str, fail: bool) -> None:
        mine = f"local {value}"
        if fail:
            raise RuntimeError(
                f"token {TOKEN} refused {mine!r}, body.x should be a date, instead was {value}"
            )

    return app


class MemoryScheduler(Scheduler):
    """Sends each entry by running it on the spot."""

    def run(self, name: str, seconds: float, fail: bool) -> None:
        entry = ScheduleEntry(
            name=name,
            task="sync.to-dos",
            args=(VALUE, fail),
            schedule=schedule(seconds, app=self.app),
            app=self.app,
        )
        self.apply_entry(entry)


def test_without_a_dsn_nothing_is_started(
    transport: RecordingTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert init_sentry(load_settings(), transport=transport) is False
    assert not sentry_sdk.get_client().is_active()
    sentry_sdk.capture_message("lost")
    assert transport.items == []


def test_an_error_names_its_task_and_tells_nothing(
    transport: RecordingTransport, settings: Settings, app: Celery
) -> None:
    assert init_sentry(settings, transport=transport) is True
    logging.getLogger("tasks.engine.run").info("Writing %s", VALUE, extra={"value": VALUE})
    app.tasks["sync.to-dos"].apply(args=(VALUE, True))
    (event,) = transport.of("event")
    assert event["tags"]["task"] == "sync.to-dos"
    error = event["exception"]["values"][-1]
    assert error["type"] == "RuntimeError"
    assert error["value"] == "token *** refused '…', body.x should be a date, instead was ***"
    assert error["stacktrace"]["frames"]
    assert all("vars" not in frame for frame in error["stacktrace"]["frames"])
    sent = json.dumps(transport.items)
    assert TOKEN not in sent
    assert "flowers" not in sent


def test_a_logged_error_keeps_its_words_and_loses_its_values(
    transport: RecordingTransport, settings: Settings
) -> None:
    init_sentry(settings, transport=transport)
    logging.getLogger("tasks.engine.run").warning("Reading %s.", VALUE, extra={"value": VALUE})
    sentry_sdk.add_breadcrumb(
        category="httplib", message=f"PATCH '{VALUE}'", data={"url": VALUE, "status_code": 400}
    )
    logging.getLogger("tasks.engine.run").error(
        "Could not write %s.", VALUE, extra={"values": {"Name": VALUE}}
    )
    (event,) = transport.of("event")
    assert event["logentry"] == {"message": "Could not write %s.", "formatted": "Could not write …."}
    before, crumb = event["breadcrumbs"]["values"][-2:]
    assert before["message"] == "Reading …."
    assert crumb["data"] == {"status_code": 400}
    assert "flowers" not in json.dumps(event)


def test_a_logged_error_tells_the_reason_that_came_with_it(
    transport: RecordingTransport, settings: Settings
) -> None:
    init_sentry(settings, transport=transport)
    reason = ConnectionError(f"no answer from '{VALUE}' with {TOKEN}")
    log = logging.getLogger("tasks.engine.run")
    log.error("Task %r: %s after %d s, %.1f", VALUE, reason, 3, 0.25)
    log.error("Task %d failed.", Decimal(5))
    log.error("Plain words about '%s'." % VALUE)  # noqa: UP031
    first, second, third = transport.of("event")
    assert first["logentry"]["formatted"] == "Task '…': no answer from '…' with *** after 3 s, 0.2"
    assert second["logentry"]["formatted"] == "Task %d failed."
    assert third["logentry"]["formatted"] == "Plain words about '…'."
    assert "flowers" not in json.dumps(transport.items)


def test_a_request_and_its_user_are_left_out(transport: RecordingTransport, settings: Settings) -> None:
    init_sentry(settings, transport=transport)
    sentry_sdk.capture_event({"message": "m", "request": {"data": VALUE}, "user": {"email": "a@b.c"}})
    (event,) = transport.of("event")
    assert "request" not in event
    assert "user" not in event


@pytest.mark.parametrize(("fail", "outcome"), [(False, "ok"), (True, "error")])
def test_a_scheduled_task_checks_in(
    transport: RecordingTransport, settings: Settings, app: Celery, fail: bool, outcome: str
) -> None:
    init_sentry(settings, transport=transport)
    MemoryScheduler(app=app).run("to-dos", 300, fail)
    begun, ended = transport.of("check_in")
    assert begun["monitor_slug"] == ended["monitor_slug"] == "to-dos"
    assert begun["status"] == "in_progress"
    assert begun["monitor_config"]["schedule"] == {"type": "interval", "value": 5, "unit": "minute"}
    assert ended["status"] == outcome
    assert ended["check_in_id"] == begun["check_in_id"]
    assert TOKEN not in json.dumps(transport.items)


def test_a_limited_schedule_has_no_monitor(
    transport: RecordingTransport, settings: Settings, app: Celery
) -> None:
    init_sentry(settings, transport=transport, unmonitored=["limited.1"])
    scheduler = MemoryScheduler(app=app)
    scheduler.run("limited.1", 300, fail=False)
    assert transport.of("check_in") == []
    scheduler.run("limited.11", 300, fail=False)
    assert transport.of("check_in") != []
