"""What one who is told of alerts must be, and the log as the first of them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Protocol

from worker.alarms.alarm import Kind, Severity
from worker.alarms.course import Stage
from worker.alarms.ledger import Message
from worker.alarms.message import sentence
from worker.errors import WorkerError

log = logging.getLogger(__name__)

#: Told in the log, and so to Sentry, by those who look for signs of life: also where there is no database.
TOLD_ALREADY = frozenset({Kind.SCHEDULER, Kind.WORKERS})


class SinkError(WorkerError):
    """A message could not be delivered; it is tried again."""


class Sink(Protocol):
    """One who is told."""

    @property
    def name(self) -> str:
        """The same in all processes and after a restart; holds nothing secret."""
        ...

    @property
    def label(self) -> str:
        """What people call it."""
        ...

    def takes(self, kind: Kind) -> bool:
        """Whether it is told of such alerts."""
        ...

    def send(self, messages: Sequence[Message]) -> None:
        """Tell of some alerts, the oldest first.

        Raises:
            SinkError: they did not arrive.
        """
        ...


class LogSink:
    """The log: critical alerts at ERROR, everything else at WARNING."""

    name = label = "log"

    def takes(self, kind: Kind) -> bool:
        """All but what is in the log already."""
        return kind not in TOLD_ALREADY

    def send(self, messages: Sequence[Message]) -> None:
        """A line for each."""
        for message in messages:
            critical = message.alert.alarm.severity is Severity.CRITICAL and message.stage is not Stage.OVER
            log.log(logging.ERROR if critical else logging.WARNING, "%s", sentence(message))
