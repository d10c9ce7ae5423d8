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
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
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


def _version(place: str) -> tuple[Column[Any], ...]:
    """What one place had in a conflict."""
    return (
        Column(f"{place}_where", Text, nullable=False),
        Column(f"{place}_id", String(400), nullable=False),
        Column(f"{place}_value", Text, nullable=False),
        Column(f"{place}_edited", Moment),
        Column(f"{place}_stayed", Boolean, nullable=False),
    )


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
    Column("parked", String(20)),  # sides, and `apart`, with a comma between; none: neither
    Column("shape", String(16)),  # of the base of a pair that is settled; none: each run looks at it
    UniqueConstraint("task", "right_id"),
    Index("ix_link_task_shape", "task", "shape"),
    Index(
        "ix_link_out_of_sight",
        "task",
        sqlite_where=text("parked IS NOT NULL"),
        postgresql_where=text("parked IS NOT NULL"),
    ),
)

#: To which objects the bases of links refer, by their end and id: that of the link is its left object's.
reference = Table(
    "reference",
    metadata,
    Column("task", String(200), primary_key=True),
    Column("side", String(10), primary_key=True),
    Column("object_id", String(400), primary_key=True),
    Column("left_id", String(400), primary_key=True),
    Index("ix_reference_task_left", "task", "left_id"),
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

#: The ledger: both versions of everything that was in conflict, whichever stayed.
conflict = Table(
    "conflict",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("task", String(200), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("run_id", String(64), nullable=False),
    Column("at", Moment, nullable=False),
    Column("model", String(400), nullable=False),  # empty: no record of a database, but an object
    Column("attribute", String(400)),  # none: delete against edit
    Column("base", Text, nullable=False),
    *_version("first"),
    *_version("second"),
    Column("rule", String(40), nullable=False),
    Column("why", Text, nullable=False),  # empty: an older version has not said
    Column("taken", String(10)),  # `first` or `second`: the version that a person brought back
    Column("taken_at", Moment),
    Column("done_at", Moment),  # when a person marked it as seen; none: nobody did
    Column("done_by", Text),
    *_name(),
    UniqueConstraint("task", "fingerprint"),
)

#: The highest fencing token that wrote for a node: an older session is refused. How many of its runs that count
#: towards a total are not in the history any more. And whether an older copy of the database was put in its place, and
#: how many pairs it has linked: a count of rows would take the longer the more there are. And that a run which knew
#: all of them had nothing to do (`tasks.journal.contract.Lull`), until anything of a pair is kept.
node = Table(
    "node",
    metadata,
    Column("id", String(200), primary_key=True),
    Column("fence", BigInteger, nullable=False),
    Column("runs_pruned", Integer),  # none: 0
    Column("restored_at", Moment),  # when an older copy was noticed; none: no run has to be careful
    Column("linked", Integer),  # none: 0
    Column("parked", Text),  # how many of them are out of sight, JSON by `link.parked`; none: none
    Column("lull", Text),  # none: each run that needs it looks at all pairs
    Column(
        "pairing", String(32)
    ),  # another one once its pairs are others; none: they are those of an early version
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
    Column("rejected_at", Moment),  # none: nobody did
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

#: Pauses, also that which ended last.
pause = Table(
    "pause",
    metadata,
    Column("task", String(200), primary_key=True),
    Column("since", Moment, nullable=False),
    Column("by", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("until", Moment),  # none: until somebody resumes the task
    Column("ended_at", Moment),  # none: nobody did
)

#: Times that were set in the place of those that a task's definition says.
timing = Table(
    "timing",
    metadata,
    Column("task", String(200), primary_key=True),
    Column("said", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("by", Text, nullable=False),
)

#: How often what happened in runs, for as long as the database lasts: what is pruned of the history stays counted.
tally = Table(
    "tally",
    metadata,
    Column("task", String(200), primary_key=True),
    Column("name", String(100), primary_key=True),
    Column("value", Float, nullable=False),
)

#: States that a person must hear of, from their begin to their end (`worker.alarms`).
alert = Table(
    "alert",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("key", String(500), nullable=False),
    Column("open_key", String(500), unique=True),  # the key while it is open; none: it is over
    Column("kind", String(20), nullable=False),
    Column("task", String(200)),  # none: it is about all of them
    Column("severity", String(10), nullable=False),
    Column("text", Text, nullable=False),
    Column("mend", Text, nullable=False),
    Column("began_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),  # when it was so last
    Column("told_at", Moment),  # none: it has not lasted long enough yet
    Column("over_at", Moment),
    Index("ix_alert_over_at", "over_at"),
)

#: One message of an alert to one of those who are to hear; a row is claimed before it is sent.
alert_message = Table(
    "alert_message",
    metadata,
    Column("alert_id", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),  # 0: its begin; after that how often it was told again
    Column("stage", String(10), nullable=False),
    Column("sink", String(40), primary_key=True),
    Column("attempts", Integer, nullable=False),
    Column("next_try", Moment),  # none: it is sent, or given up
    Column("sent_at", Moment),
    Column("error", Text, nullable=False, default=""),
    Index("ix_alert_message_next_try", "next_try"),
)

#: The tables whose rows belong to a task, by its name in `task`.
OF_TASKS = (link, intent, run, conflict, memory, held, plan, effect, pause, timing)


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
