"""What a table's own triggers and columns have made of rows that a peer sent.

What a trigger makes of a value is an edit of this node, one above the stamp of the value that came. Where both nodes
have such a trigger that would go to and fro for ever: so a trigger's answer to an answer is refused, and the record
is held until one of the two sleeps while a peer's changes are written.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from tasks.database.records.record import SyncRecord
from tasks.database.records.ties import same
from tasks.database.sql.tables.connection import Work
from tasks.database.sql.tables.statement import Statement
from tasks.database.sql.tables.synced_table import SyncedTable

#: So many stamps above the one that is here a value is taken for a trigger's answer to it.
ANSWER = 64

_SQLITE = (
    "SELECT 1 FROM {master} WHERE type = 'trigger' AND lower(tbl_name) = lower(:name) AND {others} LIMIT 1"
)

#: Rules and policies, too, may drop a row or change it, and so may the triggers of a partition.
_POSTGRESQL = Statement("""
WITH RECURSIVE tree(oid) AS (
    SELECT CAST(CAST(:name AS regclass) AS oid)
    UNION ALL SELECT i.inhrelid FROM pg_inherits i JOIN tree ON i.inhparent = tree.oid
)
SELECT 1 FROM tree JOIN pg_class c ON c.oid = tree.oid WHERE c.relrowsecurity
    OR EXISTS (SELECT 1 FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.rulename <> '_RETURN')
    OR EXISTS (SELECT 1 FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal
        AND t.tgenabled <> 'D' AND t.tgname NOT LIKE 'lockstep\\_%')
LIMIT 1
""")


@dataclass
class Verdict:
    """What came of rows that were written."""

    refused: dict[str, str] = field(default_factory=dict)
    #: The fields that a trigger gave another value, with the stamps of these edits.
    edited: dict[str, dict[str, int]] = field(default_factory=dict)


def is_watched(work: Work, table: SyncedTable) -> bool:
    """Whether something of the user's may change or drop what is written to the table."""
    found = work.watched.get(table.label)
    if found is None:
        found = work.watched[table.label] = _has_triggers(work.connection, table)
    return found


def _has_triggers(connection: sa.Connection, table: SyncedTable) -> bool:
    if connection.dialect.name == "sqlite":
        schema = table.table.schema
        quote = connection.dialect.identifier_preparer.quote
        master = f"{quote(schema)}.sqlite_master" if schema else "sqlite_master"
        query = _SQLITE.format(master=master, others="name NOT LIKE 'lockstep\\_%' ESCAPE '\\'")
        return Statement(query).run(connection, {"name": table.table.name}).scalar() is not None
    return _POSTGRESQL.run(connection, {"name": table.quoted(connection)}).scalar() is not None


def judge(
    table: SyncedTable,
    sent: Mapping[str, SyncRecord],
    emptied: Mapping[str, Collection[str]],
    before: Mapping[str, SyncRecord],
    found: Mapping[str, SyncRecord],
    *,
    watched: bool,
) -> Verdict:
    """What to make of the rows that were found after these records were written.

    Args:
        table: their table.
        sent: the records.
        emptied: fields of theirs that were left empty for now.
        before: the rows that were there before, where the table is watched.
        found: what was read back.
        watched: whether triggers may have changed something; else it can only be the columns.
    """
    verdict = Verdict()
    for key, record in sent.items():
        row, old = found.get(key), before.get(key)
        if row is None:
            verdict.refused[key] = "it was not written: a trigger, rule or policy of the table drops it"
            continue
        differing = _differing(table, record, emptied.get(key, ()), old, row)
        if not differing:
            continue
        reason = _refusal(table, record, differing, old, row, watched=watched)
        if reason is not None:
            verdict.refused[key] = reason
        else:
            verdict.edited[key] = {name: _stamp(name, record, old) for name in differing}
    return verdict


def _differing(
    table: SyncedTable,
    record: SyncRecord,
    emptied: Collection[str],
    old: SyncRecord | None,
    row: SyncRecord,
) -> list[str]:
    expected = {} if old is None else dict(old.data)
    expected.update((name, None if name in emptied else value) for name, value in record.data.items())
    return [
        name
        for name in table.fields
        if name != table.identity and name in expected and not same(expected[name], row.data[name])
    ]


def _refusal(
    table: SyncedTable,
    record: SyncRecord,
    differing: list[str],
    old: SyncRecord | None,
    row: SyncRecord,
    *,
    watched: bool,
) -> str | None:
    for name in differing:
        if not watched or (name in table.doubtful and name in record.data):
            return f"field {name!r}: its column would give it back in another form"
    if old is None:
        return None
    came = [
        name
        for name, value in record.data.items()
        if name in old.data
        and not same(value, old.data[name])
        and record.timestamps.get(name, 0) >= old.timestamps.get(name, 0)
    ]
    for name in came:
        if name in differing and same(row.data[name], old.data[name]):
            return f"field {name!r}: a trigger of the table keeps it as it was"
    if came and all(name in differing and _is_answer(name, record, old) for name in came):
        return (
            f"field {came[0]!r}: triggers of both nodes give it a value of their own; let them sleep while "
            "Lockstep writes"
        )
    return None


def _is_answer(name: str, record: SyncRecord, old: SyncRecord) -> bool:
    return record.timestamps.get(name, 0) - old.timestamps.get(name, 0) <= ANSWER


def _stamp(name: str, record: SyncRecord, old: SyncRecord | None) -> int:
    before = 0 if old is None else old.timestamps.get(name, 0)
    return max(record.timestamps.get(name, 0), before) + 1
