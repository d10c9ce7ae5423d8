"""What was signed before, shared by all processes that serve a node."""

from __future__ import annotations

import time

from tasks.database.sql.tables.connection import Database
from tasks.database.sql.tables.statement import Statement

_FORGET = Statement("DELETE FROM lockstep_nonces WHERE until < :now")
_USE = Statement(
    "INSERT INTO lockstep_nonces (node_id, nonce, until) VALUES (:node_id, :nonce, :until) "
    "ON CONFLICT DO NOTHING RETURNING nonce"
)


class DatabaseNonces:
    """`Nonces` in the node's own database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def use(self, node_id: str, nonce: str, until: int) -> bool:
        """Note a nonce until that time (seconds since 1970); False: it is known already."""
        with self._database.work() as work:
            _FORGET.run(work.connection, {"now": int(time.time())})
            used = {"node_id": node_id, "nonce": nonce, "until": until}
            return _USE.run(work.connection, used).scalar() is not None
