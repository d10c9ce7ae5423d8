"""Pings of Healthchecks and its like: who listens outside hears of each run, and misses them where all is silent.

They are sent from a thread of their own, in order: a run neither waits for them nor fails by them.
"""

from __future__ import annotations

import logging
import queue
import threading
import uuid
from dataclasses import dataclass
from typing import Protocol

import httpx

from worker.store import RunRecord
from worker.telling.outages import Outage

log = logging.getLogger(__name__)

#: Seconds that a ping may take.
TIMEOUT = 5.0
#: Pings that may wait; what is more is left out, since a newer one says more.
WAITING = 200
#: Bytes of a body that are sent.
BODY_MAX = 2_000

#: How a run ends of which the one who listens is told that it failed; the others did all they could.
FAILED = frozenset({"failed", "halted", "abandoned"})
#: How a run ends that tells nothing: it did not run, or another one follows.
SILENT = frozenset({"skipped", "cancelled"})


@dataclass(frozen=True, slots=True)
class Ping:
    """One signal to one address."""

    address: str
    #: `/start`, `/fail`, or nothing for a success.
    signal: str
    body: str = ""
    #: The run's id, by which start and end are told to belong together.
    run_id: str = ""

    @property
    def url(self) -> str:
        """Where it goes."""
        rid = f"?rid={uuid.UUID(self.run_id)}" if self.run_id else ""
        return f"{self.address}{self.signal}{rid}"


class Pings(Protocol):
    """Tells of the runs of tasks."""

    def started(self, address: str | None, record: RunRecord) -> None:
        """A run has begun."""
        ...

    def ended(self, address: str | None, record: RunRecord) -> None:
        """A run has ended."""
        ...


def end_of(address: str, record: RunRecord) -> Ping | None:
    """The signal of a run's end, with its counts and its reason, which hold ids and no titles."""
    if record.status in SILENT:
        return None
    counts = ", ".join(f"{kind} {number}" for kind, number in sorted(record.counts.items()))
    lines = [record.status, *([record.reason] if record.reason else []), *([counts] if counts else [])]
    return Ping(address, "/fail" if record.status in FAILED else "", "\n".join(lines), record.run_id)


class Pinger:
    """Sends pings from one thread, which is there as soon as there is one to send."""

    def __init__(self, *, timeout: float = TIMEOUT) -> None:
        self._timeout = timeout
        self._waiting: queue.Queue[Ping] = queue.Queue(WAITING)
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None
        self._outage = Outage("Pings do not arrive")

    def started(self, address: str | None, record: RunRecord) -> None:
        """A run has begun."""
        if address is not None:
            self.send(Ping(address, "/start", run_id=record.run_id))

    def ended(self, address: str | None, record: RunRecord) -> None:
        """A run has ended."""
        ping = end_of(address, record) if address is not None else None
        if ping is not None:
            self.send(ping)

    def send(self, ping: Ping) -> None:
        """Send it soon; never raises and never waits."""
        try:
            self._waiting.put_nowait(ping)
        except queue.Full:
            log.debug("A ping is left out: too many wait.")
            return
        with self._guard:
            if self._thread is None or not self._thread.is_alive():  # also after a fork
                self._thread = threading.Thread(target=self._work, name="pings", daemon=True)
                self._thread.start()

    def flush(self, seconds: float) -> None:
        """Wait until all are sent, but no longer than so many seconds; for a process that ends."""
        done = threading.Thread(target=self._waiting.join, daemon=True)
        done.start()
        done.join(seconds)

    def _work(self) -> None:
        with httpx.Client(timeout=self._timeout, follow_redirects=False) as client:
            while True:
                ping = self._waiting.get()
                try:
                    answer = client.post(ping.url, content=ping.body.encode()[:BODY_MAX])
                    answer.raise_for_status()
                except httpx.HTTPStatusError as error:
                    self._failed(f"answered {error.response.status_code}")
                except (httpx.HTTPError, httpx.InvalidURL) as error:
                    self._failed(type(error).__name__)
                else:
                    self._outage.over()
                finally:
                    self._waiting.task_done()

    def _failed(self, why: str) -> None:
        """Told once while it lasts; not with the address, which is all that it takes to ping."""
        self._outage.failed("the service of the address", ConnectionError(why))


#: That of this process.
PINGER = Pinger()
