"""Where changes start.

PostgreSQL numbers its transactions, and says of each row which one wrote it, and which ones were still under way at a
moment. So no row is missed, however late it is committed and whatever time it bears. Elsewhere a column tells, and some
of it is read again, for what was committed late.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from tasks.errors import CursorExpiredError
from tasks.services.sql.column import Column
from tasks.services.sql.schema import Schema
from tasks.services.sql.values import Codec, Moment, Plain, Raw
from tasks.sides import Kind

#: PostgreSQL's rows bear the lower half of the number; what is further apart than this is not told apart.
_WRAPS, _FAR = 2**32, 2**31
#: More than clocks are ever set back at once.
_SHIFT = timedelta(hours=2)

#: The first transaction that is under way, and the next one: the same where none is.
_MOMENT = sa.text(
    "SELECT CAST(pg_snapshot_xmin(now) AS text), CAST(pg_snapshot_xmax(now) AS text) FROM pg_current_snapshot() AS now"
)


@dataclass(frozen=True, slots=True)
class Cursor:
    """What a later run needs to know to read only what changed."""

    #: Which rows are read, and of which table.
    scope: str
    #: The table itself on this server; another one has other transactions.
    identity: str = ""
    #: Of the transactions that were under way, the first: all before it were seen.
    horizon: int = 0
    #: Where none was under way, the next transaction that writes; 0: some were, or more than these change the table.
    still_at: int = 0
    #: The highest value of the column that tells; `None` where there was no row.
    highest: Raw = None

    def is_still(self, before: Cursor) -> bool:
        """Whether nothing at all was written to this server since another cursor of the same table.

        Nothing was under way then and nothing is now, and no transaction that wrote has ended in between: each would
        have taken a number.
        """
        return self.still_at > 0 and (self.still_at, self.horizon) == (before.still_at, before.horizon)

    def to_json(self) -> dict[str, Any]:
        """As it is kept."""
        return asdict(self)

    @classmethod
    def from_json(cls, told: Any, scope: str, schema: Schema) -> Cursor:
        """What was kept.

        Raises:
            CursorExpiredError: it is of another scope, table or server.
        """
        try:
            found = cls(**told)
        except TypeError:
            raise CursorExpiredError("the cursor is none of this table's") from None
        if (
            found.scope != scope
            or found.identity != schema.identity
            or not (schema.identity or schema.changed)
        ):
            raise CursorExpiredError("the cursor is of another table or server")
        return found


def next_cursor(connection: sa.Connection, schema: Schema, scope: str) -> Cursor | None:
    """The cursor of this moment; `None` where nothing tells what changes."""
    if schema.identity:
        horizon, following = map(int, connection.execute(_MOMENT).one())
        still = schema.is_plain and horizon == following
        return Cursor(scope, schema.identity, horizon=horizon, still_at=following if still else 0)
    if schema.changed is None:
        return None
    column = schema.changed
    order = sa.func.julianday(column.sql) if _in_days(column) else column.sql
    shown = column.dialect.shown(column.sql).label(
        "highest"
    )  # not under its name: that would order the texts
    last = sa.select(shown).select_from(schema.sql).where(column.sql.is_not(None))
    return Cursor(scope, highest=connection.execute(last.order_by(order.desc()).limit(1)).scalar())


def since(
    connection: sa.Connection, schema: Schema, before: Cursor, now: Cursor | None, look_back: int
) -> sa.ColumnElement[bool]:
    """The condition of rows that may have changed since a cursor.

    Raises:
        CursorExpiredError: too much happened since.
    """
    if schema.identity:
        return _written_since(before, now)
    column = schema.changed
    if column is None:
        raise CursorExpiredError("nothing tells any more what changed")
    start = _start(column, before.highest, look_back)
    if start is None:
        return sa.true()
    if _in_days(column):
        told = sa.func.julianday(column.sql)
        return sa.or_(told.is_(None), told >= sa.func.julianday(start))
    return sa.or_(column.sql.is_(None), column.sql >= start)


def _written_since(before: Cursor, now: Cursor | None) -> sa.ColumnElement[bool]:
    if now is None or not 0 <= now.horizon - before.horizon < _FAR:
        raise CursorExpiredError("the server has other transactions")
    horizon = str(before.horizon % _WRAPS)
    written = sa.func.age(sa.literal_column("xmin"))
    return written <= sa.func.age(sa.cast(sa.cast(horizon, sa.Text), _XID()))


class _XID(sa.types.UserDefinedType[Any]):
    """The number of a transaction, as rows of PostgreSQL bear it."""

    cache_ok = True

    def get_col_spec(self, **_kw: Any) -> str:
        """As statements name it."""
        return "xid"


def _in_days(column: Column) -> bool:
    """Whether a time is compared as a number: SQLite has many forms for one."""
    return column.dialect.name == "sqlite" and column.codec.kind in (Kind.MOMENT, Kind.DATE)


def _start(column: Column, highest: Raw, look_back: int) -> Raw:
    """Where to read from; `None` for all, also where the highest value cannot be read."""
    value = column.codec.read(highest)
    try:
        if isinstance(value, datetime):
            # What bears a time to come would hide all that is written until then.
            earlier = min(value, datetime.now(UTC)) - timedelta(seconds=look_back)
            return column.dialect.raw(_before(column.codec, earlier))
        if isinstance(value, date):
            today = datetime.now(UTC).date()
            return (min(value, today) - timedelta(days=1 + look_back // 86400)).isoformat()
    except OverflowError:
        return None
    return column.dialect.raw(value - look_back) if isinstance(value, int) else None


def _before(codec: Codec, moment: datetime) -> Plain:
    """A time in the form of the column; before the hour that clocks show twice, where they do."""
    if isinstance(codec, Moment) and not codec.names_zone and codec.zone.key != "UTC":
        moment -= _SHIFT
    try:
        return codec.write(moment)
    except ValueError:
        return codec.write(moment - _SHIFT)
