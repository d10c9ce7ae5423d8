"""Sends what is due to all who are to hear, side by side: one that fails or hangs holds up no other."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial

from worker.alarms.ledger import Ledger
from worker.alarms.sinks import Sink, SinkError
from worker.errors import StoreError
from worker.telling.outages import Outage

log = logging.getLogger(__name__)


def utc_now() -> datetime:
    """The time by this machine's clock."""
    return datetime.now(UTC)


class Delivery:
    """Tells each sink what is due for it."""

    def __init__(self, sinks: Sequence[Sink], clock: Callable[[], datetime] = utc_now) -> None:
        self._sinks = sinks
        self._clock = clock
        self._outages = {sink.name: Outage(f"Alerts do not reach {sink.label}") for sink in sinks}

    def deliver(self, ledger: Ledger) -> int:
        """Send all that is due; how many messages arrived.

        Raises:
            StoreError: the database cannot be used.
        """
        with ThreadPoolExecutor(max(len(self._sinks), 1), thread_name_prefix="alerts") as threads:
            return sum(threads.map(partial(self._deliver_to, ledger), self._sinks))

    def _deliver_to(self, ledger: Ledger, sink: Sink) -> int:
        messages = ledger.due(sink.name, self._clock())
        if not messages:
            return 0
        try:
            sink.send(messages)
        except SinkError as error:
            self._outages[sink.name].failed("it is tried again", error)
            self._note(partial(ledger.failed, messages, str(error), self._clock()))
            return 0
        self._outages[sink.name].over()
        self._note(partial(ledger.sent, messages, self._clock()))
        return len(messages)

    def _note(self, enter: Callable[[], None]) -> None:
        try:
            enter()
        except StoreError as error:  # it may be sent once more when its claim has run out
            log.warning("What was told of alerts could not be noted: %s", error)
