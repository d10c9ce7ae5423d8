"""What was written before it was captured, told from what nobody wrote: NULL, or a column's default."""

# ruff: noqa: S608  names and texts are quoted; values never come from a peer

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import sqlalchemy as sa

from tasks.database.records.ties import UNKNOWN_TIME
from tasks.database.sql.tables.synced_table import SyncedTable

#: A constant as databases show a column's default.
_CONSTANT = re.compile(r"(-?\d+(\.\d+)?|true|false|'([^']|'')*')(::[a-z ]+(\(\d+(,\d+)?\))?)?", re.IGNORECASE)

#: Types whose values can be compared everywhere.
_COMPARABLE = (sa.String, sa.Numeric, sa.Integer, sa.Boolean, sa.Date, sa.DateTime)


def literal(value: str) -> str:
    """A text as SQL has it."""
    return "'" + value.replace("'", "''") + "'"


def stamps_of_rows(connection: sa.Connection, table: SyncedTable, stamps: str) -> str:
    """The stamps of a row `t` that was there before, `stamps`, without those of columns that show their default."""
    quote = _quoter(connection)
    parts = [
        f"{literal(name)}, CASE WHEN {_is(table, f't.{quote(name)}', default)} THEN NULL ELSE {UNKNOWN_TIME} END"
        for name in table.fields
        if name != table.identity and (default := constant_default(table.table.c[name])) is not None
    ]
    for some in (parts[start : start + 40] for start in range(0, len(parts), 40)):
        stamps = _without_nulls(table, stamps, ", ".join(some))
    return stamps


def fills(connection: sa.Connection, table: SyncedTable) -> Iterator[str]:
    """Statements that stamp what is in a column of which nothing is known yet, so that peers hear of it."""
    quote = _quoter(connection)
    label, key = literal(table.label), f"CAST(t.{quote(table.identity)} AS text)"
    for name in table.fields:
        column = f"t.{quote(name)}"
        written = f"{column} IS NOT NULL"
        if (default := constant_default(table.table.c[name])) is not None:
            written += f" AND NOT ({_is(table, column, default)})"
        stamp, text = literal(json.dumps({name: UNKNOWN_TIME})), literal(name)
        if table.dialect == "sqlite":
            missing = f"NOT EXISTS (SELECT 1 FROM json_each(stamps) s WHERE s.key = {text})"
            added = f"stamps = json_patch(stamps, {stamp}), pending = json_patch(COALESCE(pending, '{{}}'), {stamp})"
        else:
            missing = f"NOT jsonb_exists(stamps, {text})"
            added = (
                f"stamps = stamps || {stamp}::jsonb, pending = COALESCE(pending, '{{}}') || {stamp}::jsonb"
            )
        yield (
            f"UPDATE lockstep_records SET {added}, place = NULL WHERE model = {label} AND deleted IS NULL "
            f"AND {missing} AND key IN (SELECT {key} FROM {table.quoted(connection)} t WHERE {written})"
        )


def _quoter(connection: sa.Connection) -> Callable[[str], str]:
    """Names as a statement without parameters has them."""
    return lambda name: connection.dialect.identifier_preparer.quote(name).replace("%%", "%")


def constant_default(column: sa.Column[object]) -> str | None:
    """The column's default as SQL, where it is the same for every row and values can be compared with it."""
    default = column.server_default
    if not isinstance(default, sa.DefaultClause) or not isinstance(column.type, _COMPARABLE):
        return None
    text = str(default.arg).strip()
    while text.startswith("(") and text.endswith(")"):
        text = text[1:-1].strip()
    return text if _CONSTANT.fullmatch(text) else None


def _is(table: SyncedTable, column: str, default: str) -> str:
    return f"{column} IS {'' if table.dialect == 'sqlite' else 'NOT DISTINCT FROM '}{default}"


def _without_nulls(table: SyncedTable, stamps: str, parts: str) -> str:
    if table.dialect == "sqlite":
        return f"json_patch({stamps}, json_object({parts}))"
    return f"jsonb_strip_nulls({stamps} || jsonb_build_object({parts}))"
