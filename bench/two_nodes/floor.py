"""What SQLite itself takes to write a first sync: bare `executemany`, in one transaction, of rows that are at hand."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from bench.two_nodes import databases
from tasks.database.sql.tables import bulk, schema
from tasks.database.sql.tables.connection import connect

_STAMP = 7_562_342_342_342_342_342


def floor(database: str, size: int) -> Iterator[tuple[str, float, float]]:
    """What was written, seconds and seconds of CPU: the rows, and the rows with what a node keeps of each.

    The settings are those of a node, so the commit waits for the disk.
    """
    databases.run(database, databases.CREATE)
    engine = connect(database)
    schema.metadata.create_all(engine)
    engine.dispose()
    rows = [
        (n, *[f"the text of record {n}"] * 4, n, n, 1.5, 1, "2026-01-02 03:04:05.000000") for n in range(size)
    ]
    stamps = bulk.JsonTexts().dump(dict.fromkeys(databases.FIELDS, _STAMP))
    arrivals = bulk.JsonTexts().dump({"": _STAMP})
    notes = [bulk.Note("item", str(n), stamps, _STAMP, _STAMP, arrivals, _STAMP, None) for n in range(size)]
    connection = sqlite3.connect(Path(sa.make_url(database).database or ""), isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA cache_size=-16000")
        insert = f"INSERT INTO item VALUES ({', '.join('?' * len(databases.FIELDS))})"
        for what, kept in (("sqlite3: rows", []), ("sqlite3: rows, notes", notes)):
            connection.execute("DELETE FROM item")
            start, before = time.perf_counter(), time.process_time()
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(insert, rows)
            connection.executemany(bulk.SQLITE_NOTES, kept)
            connection.execute("COMMIT")
            yield what, time.perf_counter() - start, time.process_time() - before
    finally:
        connection.close()
