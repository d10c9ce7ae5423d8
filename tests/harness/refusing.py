"""A SQLite file that can be read and takes no writes, for everybody who has it open, as with a full disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

REASON = "database or disk is full"


@contextmanager
def refusing_writes(file: Path) -> Iterator[None]:
    """Let every write to a table of `file` fail for as long as this lasts."""
    with closing(sqlite3.connect(file, timeout=30, isolation_level=None)) as connection:
        tables = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        triggers = {
            f"refuse_{table}_{event}": f"BEFORE {event} ON {table}"
            for table in tables
            if not table.startswith("sqlite_")
            for event in ("INSERT", "UPDATE", "DELETE")
        }
        connection.execute("BEGIN IMMEDIATE")
        for name, when in triggers.items():
            connection.execute(f"CREATE TRIGGER {name} {when} BEGIN SELECT RAISE(ABORT, '{REASON}'); END")
        connection.execute("COMMIT")
        yield
        connection.execute("BEGIN IMMEDIATE")
        for name in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("COMMIT")
