"""The tables that Lockstep keeps beside the user's own ones."""

# ruff: noqa: S608  names and texts are quoted; values never come from a peer

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()

#: One row: what the database knows of itself as a node. Its lock serialises exchanges.
node = Table(
    "lockstep_node",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    #: Not 0 while a remote change is applied, and 1 where nothing of it is captured. Nobody else sees it: SQLite has
    #: one writer at a time.
    Column("applying", Integer, nullable=False, server_default=text("0")),
    #: The last place in the node's order of arrival that a peer may have been told of.
    Column("horizon", BigInteger, nullable=False, server_default=text("0")),
    #: Tombstones of up to this place may have been dropped.
    Column("purged", BigInteger, nullable=False, server_default=text("0")),
)

#: One row: no stamp of this node's clock is above it, also not after a restart.
clock = Table(
    "lockstep_clock",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("bound", BigInteger, nullable=False, server_default=text("0")),
)

#: The longest key of a record.
KEY_MAX = 400

_Json = JSON().with_variant(JSONB(), "postgresql")


def _index(name: str, where: str, *columns: str) -> Index:
    part = text(where)
    return Index(f"lockstep_records_{name}", "model", *columns, sqlite_where=part, postgresql_where=part)


def _key() -> Column[str]:
    """A record's key, in one order on every database."""
    return Column(
        "key", String(KEY_MAX).with_variant(String(KEY_MAX, collation="C"), "postgresql"), nullable=False
    )


#: One row per record that lives or ever lived: its stamps, and when it last changed in this node's own order.
records = Table(
    "lockstep_records",
    metadata,
    Column("model", String(200), nullable=False),
    _key(),
    Column("stamps", _Json, nullable=False),
    #: The largest stamp of the record, its tombstone's included.
    Column("newest", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False, server_default=text("0")),
    #: When single fields came here, where that is not the time of their edit.
    Column("arrivals", _Json, nullable=False, server_default=text("'{}'")),
    #: The place in the order of arrival; NULL: captured, and not placed yet.
    Column("place", BigInteger),
    #: The fields that were captured and not placed yet, with their stamps; "" stands for all.
    Column("pending", _Json),
    #: The tombstone's stamp; NULL: the record lives.
    Column("deleted", BigInteger),
    PrimaryKeyConstraint("model", "key"),
    # Apart, or a page of the few tombstones would be looked for among all that live.
    _index("living", "place IS NOT NULL AND deleted IS NULL", "place", "key"),
    _index("buried", "place IS NOT NULL AND deleted IS NOT NULL", "place", "key"),
    _index("pending", "place IS NULL"),
)

#: Rows that a statement may be about to replace, until it is done.
replaced = Table("lockstep_replaced", metadata, Column("model", String(200)), Column("key", String(KEY_MAX)))

#: When stamps of a clock that was far ahead were taken back: a place in the node's order of arrival, and above which.
restamped = Table(
    "lockstep_restamped",
    metadata,
    Column("at", BigInteger, primary_key=True, autoincrement=False),
    Column("above", BigInteger, nullable=False),
)

#: How far a node has got with a peer, and where it goes on after a restart.
checkpoints = Table(
    "lockstep_checkpoints",
    metadata,
    Column("node_id", String(400), primary_key=True),
    Column("stamp", BigInteger, nullable=False),
    Column("after_keys", Text, nullable=False, server_default=text("'{}'")),
)

#: What rows were when edits of their table ceased to be captured: their values and stamps by field.
unwatched = Table(
    "lockstep_unwatched",
    metadata,
    Column("model", String(200), nullable=False),
    _key(),
    Column("fields", _Json, nullable=False),
    Column("stamps", _Json, nullable=False),
    PrimaryKeyConstraint("model", "key"),
)

#: Conflicts that this node resolved, with both values.
conflicts = Table(
    "lockstep_conflicts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("model", String(200), nullable=False),
    Column("key", String(KEY_MAX), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("source", String(40), nullable=False),
    Column("entry", Text, nullable=False),
)

#: Requests that were signed before, until their time is over.
nonces = Table(
    "lockstep_nonces",
    metadata,
    Column("node_id", String(KEY_MAX), primary_key=True),
    Column("nonce", String(64), primary_key=True),
    Column("until", BigInteger, nullable=False, index=True),
)


def create(connection: Connection) -> None:
    """Make what is missing; several processes may do so at once."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7345109183)")
    metadata.create_all(connection)
    for table in (node, clock):
        connection.exec_driver_sql(f"INSERT INTO {table.name} (id) VALUES (1) ON CONFLICT (id) DO NOTHING")
