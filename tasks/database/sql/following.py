"""Transactions that begin with a look at whether the tables are still what they were."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tasks.database.sql.capture import triggers as capture
from tasks.database.sql.capture import unwatched
from tasks.database.sql.tables import placing, reread
from tasks.database.sql.tables.connection import Database, Work
from tasks.database.sql.tables.synced_table import SyncedTable


class Following:
    """The part of the storage that keeps up with its tables."""

    database: Database
    tables: Mapping[str, SyncedTable]
    #: What the tables were like when they were made ready, or in the last transaction.
    _version: str | None = None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All calls of this thread within it are kept together, or not at all; one at a time in all processes.

        Raises:
            NodeDatabaseError: the database cannot be reached or is too busy.
            TaskDefinitionError: a table has changed so that it cannot be synced.
        """
        changed = False
        try:
            with self.database.work() as work:
                placing.lock_node(work)
                look = reread.look(work.connection, self.tables.values())
                version, changed = look.version, look.version != self._version
                if changed:
                    version = self._read_again(work)
                if look.unwatched:
                    for table in self.tables.values():
                        unwatched.look_through(work.connection, table)
                yield
            self._version = version
        finally:
            if changed:
                self.database.forget_statements()

    def look_anew(self) -> None:
        """Take the tables for what they are now."""
        with self.database.work() as work:
            self._version = reread.look(work.connection, self.tables.values()).version

    def _read_again(self, work: Work) -> str:
        """Read what has changed; return what the tables are like now.

        Edits of what is captured in another shape are captured in the new one.
        """
        for table in reread.changed(work.connection, self.tables.values()):
            self.tables = {**self.tables, table.label: table}
        for table in self.tables.values():
            if capture.outdated(self.database, table):
                capture.install(self.database, table)
        return reread.look(work.connection, self.tables.values()).version
