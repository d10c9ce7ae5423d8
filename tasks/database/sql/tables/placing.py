"""The node's own order of arrival: every change gets a place in it, and only when it is committed.

Places are given by one transaction at a time, to what it can see. So no change ever appears at or below a place
that a peer has been told of, however long its own transaction took.
"""

# ruff: noqa: S608  names and texts are quoted; values never come from a peer

from __future__ import annotations

import sqlalchemy as sa

from tasks.database.sql.tables.connection import Work
from tasks.database.sql.tables.statement import Statement

_DUE = "SELECT model, key, newest FROM lockstep_records WHERE place IS NULL"

# By name: figures that were taken while everything was due would have it read the whole table ever after.
_SQLITE_DUE = _DUE.replace("WHERE", "INDEXED BY lockstep_records_pending WHERE")

_LOCK = Statement("UPDATE lockstep_node SET id = id WHERE id = 1")
_LAST_PLACE = Statement("SELECT horizon FROM lockstep_node")
_KEEP_PLACE = Statement("UPDATE lockstep_node SET horizon = :place")
_IS_DUE = Statement(f"SELECT 1 FROM ({_DUE} LIMIT 1) d")
_SQLITE_NEWEST = Statement(f"SELECT max(newest) FROM ({_SQLITE_DUE}) d")

_SQLITE = Statement("""
    UPDATE lockstep_records INDEXED BY lockstep_records_pending
    SET place = :place, received_at = :place, pending = NULL,
        arrivals = CASE WHEN EXISTS (SELECT 1 FROM json_each(pending) p WHERE p.value <= :last)
            THEN json_patch(arrivals, (SELECT json_group_object(p.key, :place) FROM json_each(pending) p))
            ELSE arrivals END
    WHERE place IS NULL
""")

#: How long an exchange waits for a row that a user has changed and not committed, in milliseconds. It is less than
#: the second after which PostgreSQL looks for deadlocks: where both wait for each other, the exchange gives up,
#: never the user.
ROW_WAIT_MS = 800

#: What an open transaction has its hands on gets its place when that has ended.
_POSTGRESQL = Statement(f"""
    WITH due AS MATERIALIZED ({_DUE} FOR UPDATE SKIP LOCKED),
    top AS (SELECT greatest(CAST(:place AS bigint), max(newest)) AS place FROM due),
    done AS (
        UPDATE lockstep_records r SET place = top.place, received_at = top.place, pending = NULL,
            arrivals = CASE
                WHEN EXISTS (SELECT 1 FROM jsonb_each_text(r.pending) p WHERE CAST(p.value AS bigint) <= :last)
                THEN r.arrivals || (SELECT jsonb_object_agg(f, top.place) FROM jsonb_object_keys(r.pending) f)
                ELSE r.arrivals END
        FROM due, top WHERE r.model = due.model AND r.key = due.key
    )
    SELECT place FROM top
""")


#: The same for PostgreSQL.
_BY_INDEX = "; ".join(f"SET LOCAL enable_{way} = off" for way in ("seqscan", "hashjoin", "mergejoin"))
_AS_BEFORE = _BY_INDEX.replace("= off", "TO DEFAULT")


def place_all(work: Work, now: int) -> int:
    """Give a place to all that is visible and has none; return one above it, which is at least `now`.

    It is above, because what an exchange writes with it is taken for its peer's own.
    """
    lock_node(work)
    connection = work.connection
    last = last_place(work)
    place = max(now, last + 1)
    if connection.dialect.name == "sqlite":
        newest = _SQLITE_NEWEST.run(connection).scalar()
        if newest is not None:
            place = max(place, newest)
            _SQLITE.run(connection, {"place": place, "last": last})
            place += 1
    else:
        connection.exec_driver_sql(_BY_INDEX)
        if _IS_DUE.run(connection).scalar() is not None:
            placed = _POSTGRESQL.run(connection, {"place": place, "last": last}).scalar()
            place = (placed or place) + 1
        connection.exec_driver_sql(_AS_BEFORE)
    _KEEP_PLACE.run(connection, {"place": place})
    work.place = int(place)
    return work.place


def last_place(work: Work) -> int:
    """The last place that was given."""
    if work.place is not None:
        return work.place
    found = int(_LAST_PLACE.run(work.connection).scalar() or 0)
    if work.locked:
        work.place = found
    return found


def oldest_due(work: Work) -> int | None:
    """The smallest stamp of what has no place yet; None: all has one."""
    connection = work.connection
    if connection.dialect.name == "sqlite":
        found = connection.scalar(sa.text(f"SELECT min(newest) FROM ({_SQLITE_DUE}) d"))
    else:
        connection.exec_driver_sql(_BY_INDEX)
        found = connection.scalar(sa.text(f"SELECT min(newest) FROM ({_DUE}) d"))
        connection.exec_driver_sql(_AS_BEFORE)
    return None if found is None else int(found)


def lock_node(work: Work) -> None:
    """One transaction at a time from here to its end."""
    if work.locked:
        return
    work.locked = True
    _LOCK.run(work.connection)
    if work.connection.dialect.name == "postgresql":
        work.connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{ROW_WAIT_MS}ms'")
