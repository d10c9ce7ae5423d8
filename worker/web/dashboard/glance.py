"""How everything stands, looked at once for all who ask at about the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tasks.clock import boot_seconds
from worker.standing import Status, survey
from worker.store import RunRecord
from worker.web.resources import Resources

#: Seconds for which a look stands.
FRESH = 1.0
#: Runs of each task that the picture of its runs shows.
RECENT = 30


@dataclass(frozen=True)
class Look:
    """What was seen."""

    status: Status
    #: The newest runs of each task that were not skipped, the newest first.
    recent: Mapping[str, Sequence[RunRecord]]


class Glance:
    """Shares looks between requests, and keeps them off the event loop."""

    def __init__(self, resources: Resources, *, fresh: float = FRESH) -> None:
        self._resources = resources
        self._fresh = fresh
        self._asking = asyncio.Lock()
        self._last: tuple[float, Look] | None = None
        #: Looks that were made, and how often they were forgotten.
        self.looks = 0
        self._forgotten = 0

    def forget(self) -> None:
        """Let the next who asks look anew, since something was changed; also where a look is being made just now."""
        self._last = None
        self._forgotten += 1

    async def look(self) -> Look:
        """The last look if it is fresh, else a new one.

        Raises:
            StoreError: the database cannot be read.
            SettingsError: the Redis is another installation's.
        """
        async with self._asking:
            if self._last is not None and boot_seconds() - self._last[0] < self._fresh:
                return self._last[1]
            forgotten = self._forgotten
            seen = await asyncio.to_thread(self._see)
            self._last = (boot_seconds(), seen) if forgotten == self._forgotten else None
            return seen

    def _see(self) -> Look:
        self.looks += 1
        resources = self._resources
        tasks, store = resources.tasks, resources.store
        status = survey(resources.settings, tasks, store)
        return Look(status, store.standings.recent(tasks, RECENT))
