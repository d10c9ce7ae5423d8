from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import sentry_sdk
from celery import Celery
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


def test_a_trace_tells_phases_and_nothing_else(transport: RecordingTransport) -> None:
    init_sentry(load_settings(sentry_dsn=DSN, notion_token=TOKEN, sentry_traces=1.0), transport=transport)
    with sentry_sdk.start_transaction(op="queue.task.celery", name="sync.to-dos") as trace:
        trace.set_data("args", VALUE)
        sentry_sdk.set_tag("title", VALUE)
        sentry_sdk.add_breadcrumb(message=VALUE)
        with sentry_sdk.start_span(op="lockstep.list", name="list") as span:
            span.set_data("value", VALUE)
            with sentry_sdk.start_span(op="http.client", name=f"GET https://example.com/{VALUE}"):
                pass
    (event,) = transport.of("transaction")
    assert event["transaction"] == "sync.to-dos"
    assert event["contexts"]["trace"]["op"] == "queue.task.celery"
    assert [(span["op"], span["description"]) for span in event["spans"]] == [("lockstep.list", "list")]
    assert event["spans"][0]["parent_span_id"] == event["contexts"]["trace"]["span_id"]
    assert "flowers" not in json.dumps(transport.items)


def test_without_a_share_nothing_is_traced(transport: RecordingTransport, settings: Settings) -> None:
    init_sentry(settings, transport=transport)
    with sentry_sdk.start_transaction(op="queue.task.celery", name="sync.to-dos"):
        pass
    assert transport.of("transaction") == []
