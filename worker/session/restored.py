"""An older copy of the database: how it is noticed, and that the next run of each task is a careful one.

The state of a task that was imported from a file (`worker.store.moving`) is treated as such a copy.

How far a task had come in its history is kept where restoring the database does not reach: in Redis, and beside the
file of an SQLite database. What the older copy does not know, such as links of objects that were made since, would
make a run do again what was done, or take back what was agreed on. So it only goes on after a person's word, if there
is anything to write at all. A run that changes nothing which is remembered leaves no mark: a copy that lacks no more
than such runs lacks nothing.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from worker.errors import RedisUnavailableError, StoreError
from worker.lock import SyncLock
from worker.store import Store
from worker.store.tables.fences import place_of

log = logging.getLogger(__name__)

#: Why a run halts that would write, by what an older copy says.
CAREFUL = (
    "the database is an older copy of itself, or this task's state was imported: it may not know the last runs, so "
    "what was made or agreed on in them is judged anew. Look at what would be done; nothing was written"
)


@dataclass(frozen=True, slots=True)
class Marks:
    """How far the tasks of a database had come."""

    store: Store
    lock: SyncLock

    def reached(self, task: str) -> int:
        """How far a task had come (`place_of`); 0 where nobody knows.

        Raises:
            StoreError: the database cannot be used.
            RedisUnavailableError: neither can Redis.
        """
        installation = self.store.installation
        beside = self.store.file.marks(installation).get(task, 0) if self.store.file is not None else 0
        of, _, place = self.lock.marked(task).partition(":")
        return max(beside, int(place) if of == str(installation) else 0)

    def keep(self, task: str, fence: int, *, ended: bool) -> None:
        """Keep that the run of this fence was entered, or that it ended. Where it cannot be kept it is not known."""
        place = place_of(fence, ended=ended)
        try:
            installation = self.store.installation
            if self.store.file is not None:
                self.store.file.mark(installation, task, place)
            self.lock.mark(task, f"{installation}:{place}")
        except (StoreError, RedisUnavailableError) as error:
            log.warning("Task %r: how far it has come cannot be noted: %s", task, error)


@dataclass(slots=True)
class Step:
    """How far a task comes with one run that was entered: noted before the first change of what is remembered, and at
    its end. Only one thread uses it at a time.
    """

    marks: Marks
    task: str
    fence: int
    #: Whether anything is changed, or was about to be.
    begun: bool = field(default=False, init=False)

    def begin(self) -> None:
        """What is remembered is about to be changed; safe to repeat."""
        if not self.begun:
            self.begun = True
            self.marks.keep(self.task, self.fence, ended=False)

    def end(self) -> None:
        """The end of the run was entered."""
        if self.begun:
            self.marks.keep(self.task, self.fence, ended=True)
