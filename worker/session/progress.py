"""Live progress of runs, published as Celery events so that Flower shows it."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import redis
from celery import Celery
from kombu.exceptions import OperationalError

from tasks.engine.sync import Progress

log = logging.getLogger(__name__)

#: Seconds between two events of one run; what lies between is left out, the last is always sent.
LEAST_INTERVAL = 0.5
#: Seconds after which a run tells something first; one that is over before tells nothing.
FIRST_AFTER = 0.25
#: Seconds that the end of a run waits for its last event to be sent.
LAST_EVENT_TIMEOUT = 2.0
#: Flower shows the field `result` of any event, and drops fields that it does not know.
EVENT = "task-progress"


def text_of(phase: str, done: int, total: int) -> str:
    """`listing`, or `applying 3/10` where it is known of how many."""
    return f"{phase} {done}/{total}" if total else phase


@dataclass(slots=True)
class _Run:
    message_id: str
    hostname: str
    #: When it first had something to tell: until then it stands in line.
    began: float | None = None
    text: str = ""
    #: What was sent last, or is being sent.
    sent: str = ""
    sent_at: float = 0.0
    closing: bool = False
    closed: threading.Event = field(default_factory=threading.Event)

    def due_at(self) -> float | None:
        """When something is to be sent, by the monotonic clock; `None` when there is nothing."""
        if self.closing:
            return 0.0
        if self.began is None or self.text == self.sent:
            return None
        return max(self.sent_at + LEAST_INTERVAL, self.began + FIRST_AFTER)


class ProgressPublisher:
    """Sends the latest progress of all runs of this process from one thread, so that no run waits for it."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._changed = threading.Condition()
        self._runs: dict[str, _Run] = {}
        self._thread: threading.Thread | None = None
        #: Until when the thread sleeps, if nobody wakes it.
        self._wakes_at = math.inf

    @contextmanager
    def of_run(self, message_id: str, hostname: str) -> Iterator[Progress]:
        """What to call with the progress of a run, as often as one likes; the last one is sent at the end.

        Of a run that was over at once nothing is sent: it would be gone before anybody saw it.
        """
        run = _Run(message_id, hostname)

        def tell(phase: str, done: int, total: int) -> None:
            with self._changed:
                run.began = run.began or time.monotonic()
                run.text = text_of(phase, done, total)
                due_at = run.due_at()
                if due_at is not None and due_at < self._wakes_at:
                    self._changed.notify()

        with self._changed:
            self._runs[message_id] = run
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="progress", daemon=True)
                self._thread.start()
        try:
            yield tell
        finally:
            with self._changed:
                told = run.sent != ""
                if told:
                    run.closing = True
                    self._changed.notify()
                else:
                    self._runs.pop(message_id, None)
            if told:
                run.closed.wait(LAST_EVENT_TIMEOUT)

    def _work(self) -> None:
        while True:
            with self._changed:
                run, text = self._next()
                is_last, is_news = run.closing, text != run.sent
                run.sent = text
                if is_last:
                    self._runs.pop(run.message_id, None)
            if is_news:
                self._send(run, text)
            run.sent_at = time.monotonic()
            if is_last:
                run.closed.set()

    def _next(self) -> tuple[_Run, str]:
        """Wait until a run has something to send, with the condition held."""
        while True:
            due = [(at, run) for run in self._runs.values() if (at := run.due_at()) is not None]
            now = time.monotonic()
            at, run = min(due, key=lambda each: each[0], default=(None, None))
            if run is not None and at is not None and at <= now:
                return run, run.text
            self._wakes_at = math.inf if at is None else at
            self._changed.wait(None if at is None else at - now)
            self._wakes_at = -math.inf

    def _send(self, run: _Run, text: str) -> None:
        """Send one event; progress that cannot be sent is not worth a retry."""
        try:
            with self._app.events.default_dispatcher(hostname=run.hostname) as dispatcher:
                dispatcher.send(EVENT, uuid=run.message_id, result=text, retry=False)
        except (OperationalError, redis.RedisError, OSError) as error:
            log.debug("Progress of %s could not be published: %s", run.message_id, error)
        except Exception:
            # Whatever else fails here must end neither the run nor the progress of others.
            log.warning("Progress of %s could not be published.", run.message_id, exc_info=True)
