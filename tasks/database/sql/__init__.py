"""Nodes in the user's own SQLite or PostgreSQL database."""

from tasks.database.sql.capture import install, installed, remove
from tasks.database.sql.connection import Database, NodeDatabaseError
from tasks.database.sql.storage import SQLAlchemyStorage
from tasks.database.sql.tables import SyncedTable

__all__ = [
    "Database",
    "NodeDatabaseError",
    "SQLAlchemyStorage",
    "SyncedTable",
    "install",
    "installed",
    "remove",
]
