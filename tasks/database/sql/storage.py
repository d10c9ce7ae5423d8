"""Named tables of the user's own database as the storage of a node."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from tasks.database.sql.capture import triggers as capture
from tasks.database.sql.following import Following
from tasks.database.sql.outside import beside_file
from tasks.database.sql.rows.bookkeeping import Bookkeeping
from tasks.database.sql.rows.changes import Changes
from tasks.database.sql.tables import placing, schema
from tasks.database.sql.tables.connection import Database
from tasks.database.sql.tables.synced_table import SyncedTable
from tasks.database.storages.beside import Beside
from tasks.errors import TaskDefinitionError


class SQLAlchemyStorage(Following, Changes, Bookkeeping):
    """`ArrivalStorage` on SQLite or PostgreSQL. Calls outside `transaction()` are transactions of their own.

    Args:
        database: the node's database, an engine or an address.
        tables: what is synced.
        beside: keeps outside of the database how far it was; without it, a file beside that of an SQLite database.

    Raises:
        TaskDefinitionError: two tables have one label, or the address cannot be used.
    """

    def __init__(
        self,
        database: Database | sa.Engine | str,
        tables: Sequence[SyncedTable],
        *,
        beside: Beside | None = None,
    ) -> None:
        super().__init__(
            database if isinstance(database, Database) else Database(database),
            [table.label for table in tables],
        )
        self.tables = {table.label: table for table in tables}
        if len(self.tables) != len(tables):
            raise TaskDefinitionError("two synced tables have the same label")
        self.beside = beside or beside_file(self.database.engine)
        #: Keys and texts that not every database can keep do not travel.
        self.plain_text = True
        self.refusals = {}

    def prepare(self, *, triggers: bool = True) -> None:
        """Make Lockstep's own tables, and capture the edits of all tables from now on.

        Without `triggers` only programs that use `Synced` (see `tasks.database.sql.orm`) are captured.
        """
        self.make_tables()
        for table in self.tables.values():
            if not triggers:
                capture.adopt(self.database, table)
            elif not capture.installed(self.database, table):
                capture.install(self.database, table)
        self.look_anew()

    def make_tables(self) -> None:
        """Make Lockstep's own tables where they are missing."""
        with self.database.work() as work:
            schema.create(work.connection)
        self.look_anew()

    def hold(self, node_id: str) -> None:
        """Let nobody else process this database's node before the transaction ends."""
        with self.database.work() as work:
            placing.lock_node(work)

    def horizon(self, now: int) -> int:
        """Give all that is visible a place; return one above it, which is at least `now`.

        Nobody else can give any before the transaction ends.
        """
        with self.database.work() as work:
            return placing.place_all(work, now)

    def close(self) -> None:
        """Close all connections."""
        self.database.close()
