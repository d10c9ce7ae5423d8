"""Connections that say nothing: they are ended in time, and make room for others before that."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, ClassVar

from uvicorn.protocols.http.h11_impl import H11Protocol

log = logging.getLogger(__name__)

#: Seconds that the headers of a request may take to arrive.
HEADERS_SECONDS = 10.0
#: Connections of one process at once; below the 1,024 open files that most systems grant.
CONNECTIONS = 500


class GuardedProtocol(H11Protocol):
    """Uvicorn's, with a time for headers and a limit on connections."""

    #: Connections without a complete request, the one that has waited longest first.
    _waiting: ClassVar[dict[GuardedProtocol, asyncio.TimerHandle]] = {}

    def connection_made(self, transport: Any) -> None:
        """Count the time from here, and let the most silent connection make room for this one."""
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS:
            log.warning("There are more than %d connections: the most silent one is closed.", CONNECTIONS)
            next(iter(self._waiting), self)._end()
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Uvicorn reads on; a request whose headers are complete may take its time."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _watch(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_waiting()
        elif self not in self._waiting and not self.transport.is_closing():
            self._waiting[self] = self.loop.call_later(HEADERS_SECONDS, self._end)

    def _end(self) -> None:
        self._stop_waiting()
        self.transport.abort()

    def _stop_waiting(self) -> None:
        timer = self._waiting.pop(self, None)
        if timer is not None:
            timer.cancel()
