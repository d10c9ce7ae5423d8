"""The tables. A change here needs a migration in `migrations/versions`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

from config.redaction import redacted
from tasks.merge import Name


class Moment(TypeDecorator[datetime]):
    """A time with its zone, kept as UTC; SQLite keeps no zone by itself."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC; a time without a zone is refused."""
        if value is not None and value.tzinfo is None:
            raise ValueError("a stored time needs a zone")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From the database, with the zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _name() -> tuple[Column[str], Column[str]]:
    """What people call an object; none where that is not known."""
    return Column("title", Text), Column("address", Text)


#: One row per pair of linked objects. The values are JSON with types kept (`tasks.values.canonical`).
link = Table(
    "link",
    metadata,
    Column("task", String(200), primary_key=True),
    Column("left_id", String(400), primary_key=True),
    Column("right_id", String(400), nullable=False),
    Column("left_values", Text, nullable=False),
    Column("right_values", Text, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("run_id", String(64), nullable=False),
    Column("parked", String(20)),  # sides, with a comma between; none: neither
    UniqueConstraint("task", "right_id"),
)

#: Writes that were begun; a row goes when their outcome is known.
intent = Table(
    "intent",
    metadata,
    Column("task", String(200), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("side", String(10), nullable=False),
    Column("source_id", String(400), nullable=False),
    Column("target_id", String(400)),  # none: a create
    Column("answered", Boolean),  # none: no
    Column("hash", Text),
    Column("values", Text, nullable=False),
    Column("begun_at", Moment, nullable=False),
    Column("run_id", String(64), nullable=False),
)

#: The history: every run that started, and those that were skipped.
run = Table(
    "run",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("task", String(200), nullable=False),
    Column("message_id", String(200)),
    Column("kind", String(10)),  # none: an ordinary run
    Column("status", String(20), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("counts", Text, nullable=False, default="{}"),
    Column("notes", Text, nullable=False, default="[]"),
    Column("fence", BigInteger, nullable=False, default=0),
    Column("host", String(255), nullable=False, default=""),
    Column("pid", Integer, nullable=False, default=0),
    Column("started_at", Moment, nullable=False),
    Column("finished_at", Moment),
    Column("undo_pruned_at", Moment),  # none: what it replaced is kept, if it wrote anything
    Column("names", Text),  # of the objects that reason and notes are about; none: of no one
    Index("ix_run_task_started", "task", "started_at"),
    Index("ix_run_message", "message_id"),
)

#: The ledger: both values of every conflict, whoever won.
conflict = Table(
    "conflict",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("task", String(200), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("run_id", String(64), nullable=False),
    Column("at", Moment, nullable=False),
    Column("left_id", String(400), nullable=False),
    Column("right_id", String(400), nullable=False),
    Column("attribute", String(400)),  # none: delete against edit
    Column("base", Text, nullable=False),
    Column("left_value", Text, nullable=False),
    Column("right_value", Text, nullable=False),
    Column("left_edited", Moment),
    Column("right_edited", Moment),
    Column("winner", String(10)),
    Column("rule", String(40), nullable=False),
    Column("taken", String(10)),  # the side whose value a person brought back
    Column("taken_at", Moment),
    *_name(),
    UniqueConstraint("task", "fingerprint"),
)

#: The highest fencing token that wrote for a node: an older session is refused. How many of its runs that count
#: towards a total are not in the history any more. And whether an older copy of the database was put in its place.
node = Table(
    "node",
    metadata,
    Column("id", String(200), primary_key=True),
    Column("fence", BigInteger, nullable=False),
    Column("runs_pruned", Integer),  # none: 0
    Column("restored_at", Moment),  # when an older copy was noticed; none: no run has to be careful
)

#: What is remembered of a task as a whole (`tasks.journal.contract.Memory`).
memory = Table(
    "memory",
    metadata,
    Column("task", String(200), primary_key=True),
    Column("forms", Text, nullable=False),
    Column("scope", Text),
    Column("cursors", Text, nullable=False),
    Column("own", Text),  # what the task itself remembers; none: nothing
)

#: Objects that a run had to leave as they were; empty ids where there is no record on that side.
held = Table(
    "held",
    metadata,
    Column("task", String(200), primary_key=True),
    Column("left_id", String(400), primary_key=True),
    Column("right_id", String(400), primary_key=True),
    Column("reason", Text, nullable=False),
    Column("content", String(64), nullable=False),
    Column("failures", Integer, nullable=False),
    Column("since", Moment, nullable=False),
    Column("next_try", Moment, nullable=False),
    *_name(),
)

#: Plans that a guard halted. Of those of one task that were not applied, only the newest is kept.
plan = Table(
    "plan",
    metadata,
    Column("task", String(200), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("run_id", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("actions", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("applied_at", Moment),
    Column("applied_by", String(64)),  # the run
)

#: Before-images: what each write of a run replaced.
effect = Table(
    "effect",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("task", String(200), nullable=False),
    Column("run_id", String(64), nullable=False),
    Column("at", Moment, nullable=False),
    Column("kind", String(10), nullable=False),
    Column("side", String(10), nullable=False),
    Column("target_id", String(400)),
    Column("source_id", String(400)),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    *_name(),
    Index("ix_effect_run", "run_id"),
    Index("ix_effect_at", "at"),
)

#: The tables whose rows belong to a task, by its name in `task`.
OF_TASKS = (link, intent, run, conflict, memory, held, plan, effect)


def name_columns(name: Name) -> dict[str, str | None]:
    """A name as it is kept."""
    return {"title": storable(name.title) or None, "address": storable(name.address) or None}


def name_of(row: Any) -> Name:
    """The name in a row."""
    return Name(row.title or "", row.address or "")


def storable(text: str) -> str:
    """What is said of a run or an object: without secrets, and as every database takes it.

    An error may quote a token, a NUL or half a surrogate pair.
    """
    return redacted(text).replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()
