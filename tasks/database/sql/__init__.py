"""Nodes in the user's own SQLite or PostgreSQL database."""

from tasks.database.sql.capture.triggers import install, installed, remove
from tasks.database.sql.storage import SQLAlchemyStorage
from tasks.database.sql.tables.connection import Database, NodeDatabaseError
from tasks.database.sql.tables.synced_table import SyncedTable

__all__ = [
    "Database",
    "NodeDatabaseError",
    "SQLAlchemyStorage",
    "SyncedTable",
    "install",
    "installed",
    "remove",
]
