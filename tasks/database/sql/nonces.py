"""What was signed before, shared by all processes that serve a node."""

from __future__ import annotations

import time

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from tasks.database.sql.tables import schema
from tasks.database.sql.tables.connection import Database

_nonces = schema.nonces


class DatabaseNonces:
    """`Nonces` in the node's own database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def use(self, node_id: str, nonce: str, until: int) -> bool:
        """Note a nonce until that time (seconds since 1970); False: it is known already."""
        dialect = sqlite if self._database.dialect == "sqlite" else postgresql
        insert = dialect.insert(_nonces).values(node_id=node_id, nonce=nonce, until=until)
        with self._database.work() as work:
            work.connection.execute(sa.delete(_nonces).where(_nonces.c.until < int(time.time())))
            taken = insert.on_conflict_do_nothing().returning(_nonces.c.nonce)
            return work.connection.scalar(taken) is not None
