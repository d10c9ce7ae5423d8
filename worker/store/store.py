"""All that is kept in the database."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from sqlalchemy import Table, select

from worker.store import schema
from worker.store.database import Database
from worker.store.migrating import migrate
from worker.store.tables.conflicts import Conflicts
from worker.store.tables.effects import Effects
from worker.store.tables.installation import installation_of, touch
from worker.store.tables.links import Links
from worker.store.tables.memory import Memories
from worker.store.tables.pauses import Pauses
from worker.store.tables.plans import Plans
from worker.store.tables.runs import Runs
from worker.store.tables.standings import Standings
from worker.store.tables.tallies import Tallies
from worker.store.tables.timings import Timings

#: Where a task is looked for by its name. Each row of `effect` is of a run, and they are many.
_BY_NAME = tuple(table for table in schema.OF_TASKS if table is not schema.effect)


class Store(Database):
    """All tables of one database; safe to share between threads, not between processes that fork.

    Raises:
        StoreError: the database's address cannot be used.
    """

    @cached_property
    def links(self) -> Links:
        """Links with their bases, and open intents."""
        return Links(self)

    @cached_property
    def runs(self) -> Runs:
        """The history of runs."""
        return Runs(self)

    @cached_property
    def conflicts(self) -> Conflicts:
        """The ledger of conflicts."""
        return Conflicts(self)

    @cached_property
    def memories(self) -> Memories:
        """What is remembered of tasks, and the objects that are held."""
        return Memories(self)

    @cached_property
    def plans(self) -> Plans:
        """Plans that a guard halted."""
        return Plans(self)

    @cached_property
    def effects(self) -> Effects:
        """What the writes of each run replaced."""
        return Effects(self)

    @cached_property
    def pauses(self) -> Pauses:
        """Tasks that are paused."""
        return Pauses(self)

    @cached_property
    def timings(self) -> Timings:
        """Times that were set in the place of those that are defined."""
        return Timings(self)

    @cached_property
    def tallies(self) -> Tallies:
        """How often what happened in runs."""
        return Tallies(self)

    @cached_property
    def standings(self) -> Standings:
        """What is kept of all tasks, asked for at once."""
        return Standings(self)

    @cached_property
    def installation(self) -> int:
        """The number that tells this database from all others.

        Raises:
            StoreError: it cannot be used.
        """
        return installation_of(self)

    def knows(self, task: str) -> bool:
        """Whether anything is kept of a task or node of this name."""
        return self._has(task, _BY_NAME)

    def names(self) -> set[str]:
        """The names of all tasks and nodes of which anything is kept."""
        with self.read() as connection:
            return {
                name for table in _BY_NAME for name in connection.scalars(select(table.c.task).distinct())
            }

    def is_blank(self, task: str) -> bool:
        """Whether a task has linked nothing, begun nothing and remembered nothing yet."""
        return not self._has(task, (schema.link, schema.intent, schema.memory))

    def _has(self, task: str, tables: Iterable[Table]) -> bool:
        with self.read() as connection:
            rows = (select(table.c.task).where(table.c.task == task).limit(1) for table in tables)
            return any(connection.execute(query).first() is not None for query in rows)

    def migrate(self) -> None:
        """Bring the tables up to this version; several processes may do so at once.

        Raises:
            StoreError: the database cannot be reached, or a newer version of Lockstep made it.
        """
        with self.write() as connection:
            migrate(connection, self.address)

    def prove_writable(self) -> None:
        """Write something that means nothing, and keep it, as a run has to.

        Raises:
            StoreError: the database takes no writes; reading may work all the same.
        """
        with self.write() as connection:
            touch(connection)
