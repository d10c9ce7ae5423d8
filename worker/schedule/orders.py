"""What people ordered for scheduled tasks: which are paused, and which run at other times than defined."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from worker.errors import StoreError
from worker.store import Store
from worker.store.tables.pauses import Pause
from worker.store.tables.timings import Timing
from worker.telling.outages import Outage

#: Seconds after which a look at the database is too old for a run that is about to be claimed, and for all else.
FRESH, STALE = 1.0, 5.0


class Orders:
    """The orders as the database had them at the last look."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._looked: float | None = None
        self._outage = Outage(
            "Pauses and times that were set are not read; the last ones that were known count"
        )
        self._pauses: Mapping[str, Pause] = {}
        self.timings: Mapping[str, Timing] = {}

    def look(self, older_than: float = STALE) -> None:
        """Look again, if the last look is older than so many seconds."""
        now = self._clock()
        if self._looked is not None and now - self._looked <= older_than:
            return
        self._looked = now
        try:
            self._pauses, self.timings = self._store.pauses.all(), self._store.timings.all()
        except StoreError as error:
            self._outage.failed("beat", error)
        else:
            self._outage.over()

    def pauses(self, task: str) -> bool:
        """Whether a task is paused, by a look that is fresh."""
        self.look(FRESH)
        return task in self._pauses
