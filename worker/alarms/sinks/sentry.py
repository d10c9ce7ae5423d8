"""Alerts as events of Sentry: one issue for each state, told apart by its key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from config.sentry import reporting
from worker.alarms.alarm import Kind, Severity
from worker.alarms.course import Stage
from worker.alarms.ledger import Message
from worker.alarms.message import sentence
from worker.alarms.sinks.sink import TOLD_ALREADY, SinkError
from worker.alarms.sinks.sink import __name__ as of_log

#: Seconds that an event may take to leave; `lockstep alerts --test` ends right after it.
PATIENCE = 2.0


class SentrySink:
    """Sends an event for each alert; the line in the log makes none of its own."""

    name = "sentry"
    label = "Sentry"

    def __init__(self) -> None:
        from sentry_sdk.integrations.logging import ignore_logger

        ignore_logger(of_log)

    def takes(self, kind: Kind) -> bool:
        """All but what Sentry hears of from the log."""
        return kind not in TOLD_ALREADY

    def send(self, messages: Sequence[Message]) -> None:
        """An event for each.

        Raises:
            SinkError: Sentry is not set up in this process.
        """
        sentry = reporting()
        if sentry is None:
            raise SinkError("Sentry is not set up in this process")
        for message in messages:
            alarm = message.alert.alarm
            with sentry.new_scope() as scope:
                scope.fingerprint = ["lockstep.alert", alarm.key]
                scope.set_tag("alert", alarm.kind)
                if alarm.task is not None:
                    scope.set_tag("task", f"sync.{alarm.task}")
                scope.capture_message(sentence(message), level=_level(message))
        sentry.flush(PATIENCE)


def _level(message: Message) -> Literal["error", "warning", "info"]:
    if message.stage is Stage.OVER:
        return "info"
    return "error" if message.alert.alarm.severity is Severity.CRITICAL else "warning"
