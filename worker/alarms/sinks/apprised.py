"""Alerts by mail, chat, push and whatever else `apprise` has an address for."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from config.redaction import redacted
from worker.alarms.alarm import Kind, Severity
from worker.alarms.course import Stage
from worker.alarms.ledger import Message
from worker.alarms.message import body, title
from worker.alarms.sinks.sink import Sink, SinkError

if TYPE_CHECKING:
    from apprise import NotifyBase, NotifyType

#: Letters of what a service says that are kept.
TOLD_MAX = 300


class AddressedSink:
    """One address of `ALERT_URLS`."""

    def __init__(self, server: NotifyBase, address: str) -> None:
        self._server = server
        digest = hashlib.sha256(address.encode()).hexdigest()[:12]
        service = str(server.service_name or type(server).__name__)
        self.name = f"{server.__class__.__name__.removeprefix('Notify').lower()[:24]}-{digest}"
        self.label = f"{service} ({digest[:6]})"

    def __repr__(self) -> str:
        return f"<AddressedSink {self.label}>"

    def takes(self, kind: Kind) -> bool:
        """All of them."""
        return True

    def send(self, messages: Sequence[Message]) -> None:
        """All in one message.

        Raises:
            SinkError: the service did not take it.
        """
        sent = False
        with _words() as said:
            try:
                sent = self._server.notify(
                    title=title(messages), body=body(messages), notify_type=_type(messages)
                )
            except Exception as error:  # services' plugins raise what they like
                said.append(f"{type(error).__name__}: {error}")
        if not sent:
            why = " ".join(" ".join(said).split()) or "it does not say why"
            raise SinkError(redacted(why)[:TOLD_MAX].rstrip(". "))


def addressed(addresses: Sequence[str]) -> tuple[list[Sink], list[str]]:
    """A sink for each address, and a line on each that `apprise` does not know."""
    if not addresses:
        return [], []
    import apprise

    logging.getLogger("apprise").propagate = False  # its lines may hold an address; ours say what came of it
    sinks: list[Sink] = []
    faults = []
    for number, address in enumerate(addresses, 1):
        server = apprise.Apprise.instantiate(address, suppress_exceptions=True)
        if server is None or not hasattr(server, "notify"):
            faults.append(
                f"ALERT_URLS: apprise cannot use the address in place {number}, which begins with "
                f"{address.partition('://')[0]}://: its page on the service says how it is written"
            )
        else:
            sinks.append(AddressedSink(server, address))
    return sinks, faults


def _type(messages: Sequence[Message]) -> NotifyType:
    from apprise import NotifyType

    going = [each.alert.alarm.severity for each in messages if each.stage is not Stage.OVER]
    if not going:
        return NotifyType.SUCCESS
    return NotifyType.FAILURE if Severity.CRITICAL in going else NotifyType.WARNING


class _Listener(logging.Handler):
    """Keeps what `apprise` says in this thread, which is all that it tells of a failure."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.lines.append(record.getMessage())


@contextmanager
def _words() -> Iterator[list[str]]:
    listener, logger = _Listener(), logging.getLogger("apprise")
    logger.addHandler(listener)
    try:
        yield listener.lines
    finally:
        logger.removeHandler(listener)
