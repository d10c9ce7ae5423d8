"""Outages of the broker are told in a line."""

from __future__ import annotations

import io
import logging
from typing import Literal

import pytest
import redis
from celery.app.trace import LOG_SUCCESS

from config import Settings
from config.logging import configure_logging
from worker.broker.lost_connections import shorten, without_result


@pytest.mark.parametrize(
    ("name", "error", "shown"),
    [
        ("celery.worker.request", redis.ConnectionError("Connection refused"), False),
        ("kombu.transport", BrokenPipeError(32, "Broken pipe"), False),
        ("celery.worker.request", redis.ResponseError("MISCONF errors writing to disk"), False),
        ("celery.worker.request", ValueError("a bug"), True),
        ("worker.session.run", redis.ConnectionError("Connection refused"), True),
    ],
)
def test_only_tracebacks_of_lost_connections_in_libraries_are_left_out(
    name: str, error: Exception, shown: bool
) -> None:
    root, stream = logging.getLogger(), io.StringIO()
    before = root.handlers[:], root.level
    try:
        configure_logging(Settings(), stream=stream).addFilter(shorten)
        try:
            raise error
        except type(error) as caught:
            logging.getLogger(name).critical("Error in timer %r", "tag", exc_info=caught)
    finally:
        root.handlers[:], root.level = before
    told = stream.getvalue()
    assert ("Traceback" in told) is shown
    assert ("CRITICAL" in told) is shown
    assert str(error) in told
    assert "Error in timer 'tag'" in told


@pytest.mark.parametrize(("level", "shown"), [("INFO", False), ("DEBUG", True)])
def test_what_an_outage_means_for_each_message_is_not_told(level: str, shown: bool) -> None:
    root, stream = logging.getLogger(), io.StringIO()
    before = root.handlers[:], root.level
    try:
        configure_logging(Settings(log_level=level), stream=stream).addFilter(shorten)
        for error in (redis.ResponseError("OOM"), ValueError("a bug")):
            logging.getLogger("celery.worker.request").critical("Couldn't ack %r", "t", exc_info=error)
    finally:
        root.handlers[:], root.level = before
    assert ("OOM" in stream.getvalue()) is shown
    assert "a bug" in stream.getvalue()


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_a_run_gave_is_not_told_as_its_record(form: Literal["text", "json"]) -> None:
    root, stream = logging.getLogger(), io.StringIO()
    before = root.handlers[:], root.level
    try:
        configure_logging(Settings(log_format=form), stream=stream).addFilter(without_result)
        for result in ("{'run_id': 'f', 'status': 'succeeded'}", "'skipped: node busy'"):
            told = {"name": "sync.milk", "id": "m", "runtime": 0.25, "return_value": result}
            logging.getLogger("celery.app.trace").info(LOG_SUCCESS, told, extra={"data": told})
    finally:
        root.handlers[:], root.level = before
    ran, skipped = stream.getvalue().splitlines()
    assert "Task sync.milk[m] succeeded in 0.25s" in ran
    assert "run_id" not in ran
    assert "skipped: node busy" in skipped
