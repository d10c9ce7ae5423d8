"""Intents: writes that were begun and are not settled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select

from tasks.merge import End, Intent
from tasks.values.canonical import dump
from worker.store import schema
from worker.store.tables.kept_values import told_rows, values_in
from worker.store.tables.put import put_rows

_INTENT = schema.intent.c

# Made once: SQLAlchemy takes longer to build such a statement than SQLite takes to carry it out.
_SETTLE = delete(schema.intent).where(
    _INTENT.task == bindparam("of_task"), _INTENT.key == bindparam("of_key")
)
_INTENTS_OF = select(
    _INTENT.key,
    _INTENT.side,
    _INTENT.source_id,
    _INTENT["values"],
    _INTENT.target_id,
    _INTENT.answered,
    _INTENT.begun_at,
    _INTENT.hash,
).where(_INTENT.task == bindparam("of_task"))


def open_intents(connection: Connection, task: str) -> list[Intent]:
    """Those of a task.

    Raises:
        StateError: a row cannot be read.
    """
    rows = connection.execute(_INTENTS_OF, {"of_task": task}).all()
    with told_rows(task):
        return [_intent(row) for row in rows]


def begin(connection: Connection, task: str, intents: Sequence[Intent], run_id: str) -> None:
    """Keep intents, each in the place of an earlier one of its key."""
    rows = [
        {
            "key": intent.key,
            "side": intent.side.value,
            "source_id": intent.source_id,
            "target_id": intent.target_id,
            "answered": intent.answered or None,
            "hash": intent.hash or None,
            "values": dump(dict(intent.values)),
            "begun_at": intent.begun_at or datetime.now(UTC),
        }
        for intent in intents
    ]
    put_rows(connection, schema.intent, rows, {"task": task, "run_id": run_id})


def settle(connection: Connection, task: str, keys: Sequence[str]) -> None:
    """Close intents."""
    if keys:
        connection.execute(_SETTLE, [{"of_task": task, "of_key": key} for key in keys])


def _intent(row: Any) -> Intent:
    return Intent(
        row.key,
        End(row.side),
        row.source_id,
        values_in(row._mapping["values"]),
        row.target_id,
        bool(row.answered),
        row.begun_at,
        row.hash or "",
    )
