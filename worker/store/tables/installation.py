"""The number that tells one database from all others, and with it the installation that works on it."""

from __future__ import annotations

import secrets

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from worker.store import schema
from worker.store.database import Database

#: The row of `node` that is of no task; the number stands in place of its fence.
ROW = ""


def touch(connection: Connection) -> None:
    """Write the number: a new one where there is none, else as it is."""
    node = schema.node
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    row = {"id": ROW, "fence": secrets.randbits(62)}
    connection.execute(dialect.insert(node).values(row).on_conflict_do_nothing())
    connection.execute(update(node).where(node.c.id == ROW).values(fence=node.c.fence))


def installation_of(store: Database) -> int:
    """The number of a database, the same for all who work on it.

    Raises:
        StoreError: it cannot be used.
    """
    number = select(schema.node.c.fence).where(schema.node.c.id == ROW)
    with store.read() as connection:
        found = connection.execute(number).scalar()
    if found is None:
        with store.write() as connection:
            touch(connection)
            found = connection.execute(number).scalar_one()
    return int(found)
