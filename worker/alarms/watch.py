"""The thread by which a worker, beat and web process looks after everything, off its main loop."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping

import redis

from config import Settings, SettingsError
from tasks.scheduled import Scheduled
from worker.alarms.evaluator import LOOK, Evaluator
from worker.alarms.sinks import sinks_of
from worker.errors import StoreError
from worker.redis_client import connect, impatient
from worker.store import Store

log = logging.getLogger(__name__)

#: Seconds that Redis has for an answer.
PATIENCE = 3.0
#: Seconds until the first look: others start beside this process.
FIRST_LOOK = 5.0
#: Seconds that the end of a process waits for a look that is under way.
LAST_PATIENCE = 2.0


class Watch:
    """Looks every half minute, if no other process has; connections are kept for no longer than a look takes, since a
    worker may fork meanwhile.
    """

    def __init__(
        self,
        settings: Settings,
        tasks: Callable[[], Mapping[str, Scheduled]],
        *,
        every: float = LOOK,
        also: Callable[[redis.Redis], None] | None = None,
    ) -> None:
        """`tasks` gives those that this process knows now; `also` is called with each of its looks, whoever looks."""
        self._settings = settings
        self._tasks = tasks
        self._every = every
        self._also = also
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="alarms", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End it; safe to repeat."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(LAST_PATIENCE)

    def _work(self) -> None:
        sinks, faults = sinks_of(self._settings)
        for fault in faults:
            log.error("%s", fault)
        with connect(self._settings) as patient, impatient(patient, PATIENCE) as client:
            evaluator = Evaluator(self._settings, self._tasks(), client, sinks)
            wait = min(FIRST_LOOK, self._every)
            while not self._stop.wait(wait):
                wait = self._every
                try:
                    self._look(evaluator)
                    if self._also is not None:
                        self._also(client)
                except (StoreError, SettingsError) as error:
                    log.warning("Alarms cannot be looked for: %s", error)
                except Exception:
                    # Whatever fails here must end neither the watch nor the process.
                    log.exception("Alarms cannot be looked for.")

    def _look(self, evaluator: Evaluator) -> None:
        if not evaluator.take_turn():
            return
        evaluator.tasks = self._tasks()
        store = Store(self._settings.sql_url())
        try:
            evaluator.look(store)
        finally:
            store.close()
