"""Links with their bases, and open intents."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from tasks.errors import ItemError, StateError
from tasks.journal.contract import Base
from tasks.merge import ID, End, Intent, Link
from tasks.values.canonical import dump, load
from worker.store import schema
from worker.store.database import Database
from worker.store.tables.memory import Memories

# Made once: SQLAlchemy takes longer to build such a statement than SQLite takes to carry it out.
_UPDATE = update(schema.link).where(
    schema.link.c.task == bindparam("of_task"), schema.link.c.left_id == bindparam("of_id")
)
_INSERT = insert(schema.link)
_BEGIN = insert(schema.intent)
_SETTLE = delete(schema.intent).where(
    schema.intent.c.task == bindparam("of_task"), schema.intent.c.key == bindparam("of_key")
)


#: Ids that one query asks for; SQLite takes so many variables in every version.
_IDS_AT_ONCE = 500

_LINK = (
    schema.link.c.left_id,
    schema.link.c.right_id,
    schema.link.c.left_values,
    schema.link.c.right_values,
    schema.link.c.parked,
)


class Links:
    """Reading and writing the tables `link` and `intent`."""

    def __init__(self, store: Database) -> None:
        self._store = store

    def count(self, task: str) -> int:
        """How many pairs of a task are linked."""
        with self._store.read() as connection:
            query = select(func.count()).select_from(schema.link).where(schema.link.c.task == task)
            return int(connection.scalar(query) or 0)

    def tasks(self) -> set[str]:
        """The names of all tasks that have links or open intents."""
        with self._store.read() as connection:
            found = (select(table.c.task).distinct() for table in (schema.link, schema.intent))
            return {name for query in found for name in connection.scalars(query)}

    def find(self, task: str, end: End, ids: Collection[ID]) -> list[Link]:
        """The links of these objects of a side; those without a link are left out.

        Raises:
            StateError: a row cannot be read.
        """
        place = schema.link.c.left_id if end is End.LEFT else schema.link.c.right_id
        wanted = list(dict.fromkeys(ids))
        rows: list[Any] = []
        with self._store.read() as connection:
            for start in range(0, len(wanted), _IDS_AT_ONCE):
                some = wanted[start : start + _IDS_AT_ONCE]
                query = select(*_LINK).where(schema.link.c.task == task, place.in_(some))
                rows += connection.execute(query).all()
        with _told_rows(task):
            return [_link(row) for row in rows]

    def load(self, task: str) -> Base:
        """All links and open intents of a task.

        Raises:
            StateError: a row cannot be read; nothing may be concluded from the others then.
        """
        link, intent = schema.link.c, schema.intent.c
        with self._store.read() as connection:
            links = connection.execute(select(*_LINK).where(link.task == task)).all()
            intents = connection.execute(
                select(
                    intent.key,
                    intent.side,
                    intent.source_id,
                    intent["values"],
                    intent.target_id,
                    intent.answered,
                    intent.begun_at,
                    intent.hash,
                ).where(intent.task == task)
            ).all()
        with _told_rows(task):
            return Base(
                [_link(row) for row in links],
                [_intent(row) for row in intents],
                Memories(self._store).load(task),
            )

    # -- inside a transaction of the journal ----------------------------------------------------------------

    @staticmethod
    def put(connection: Connection, task: str, link: Link, run_id: str) -> None:
        """Keep a link with its base.

        Raises:
            ItemError: the right object is linked with another left one already.
        """
        row = {
            "right_id": link.right_id,
            "left_values": dump(dict(link.left)),
            "right_values": dump(dict(link.right)),
            "updated_at": datetime.now(UTC),
            "run_id": run_id,
            "parked": ",".join(sorted(link.parked)) or None,
        }
        try:
            if connection.execute(_UPDATE, {**row, "of_task": task, "of_id": link.left_id}).rowcount == 0:
                connection.execute(_INSERT, {**row, "task": task, "left_id": link.left_id})
        except IntegrityError as error:
            raise ItemError(f"{link.right_id} is linked with another object already") from error

    @staticmethod
    def forget(connection: Connection, task: str, attributes: Sequence[str]) -> None:
        """Drop attributes from the bases of all links of a task."""
        table = schema.link.c
        rows = connection.execute(
            select(table.left_id, table.left_values, table.right_values).where(table.task == task)
        ).all()
        for left_id, left, right in rows:
            bases = _values(left), _values(right)
            if not any(name in base for base in bases for name in attributes):
                continue
            kept = [dump({name: base[name] for name in base if name not in attributes}) for base in bases]
            connection.execute(
                update(schema.link)
                .where(table.task == task, table.left_id == left_id)
                .values(left_values=kept[0], right_values=kept[1])
            )

    @staticmethod
    def drop(connection: Connection, task: str, link: Link) -> None:
        """Forget a link."""
        table = schema.link.c
        connection.execute(
            delete(schema.link).where(
                table.task == task, table.left_id == link.left_id, table.right_id == link.right_id
            )
        )

    @staticmethod
    def begin(connection: Connection, task: str, intent: Intent, run_id: str) -> None:
        """Keep an intent."""
        Links.settle(connection, task, [intent.key])
        connection.execute(
            _BEGIN,
            {
                "task": task,
                "key": intent.key,
                "side": intent.side.value,
                "source_id": intent.source_id,
                "target_id": intent.target_id,
                "answered": intent.answered or None,
                "hash": intent.hash or None,
                "values": dump(dict(intent.values)),
                "begun_at": intent.begun_at or datetime.now(UTC),
                "run_id": run_id,
            },
        )

    @staticmethod
    def settle(connection: Connection, task: str, keys: Sequence[str]) -> None:
        """Close intents."""
        for key in keys:
            connection.execute(_SETTLE, {"of_task": task, "of_key": key})


@contextmanager
def _told_rows(task: str) -> Iterator[None]:
    """Tell of rows that cannot be read, with the mend."""
    try:
        yield
    except (StateError, ValueError) as error:
        raise StateError(
            f"task {task!r}: a row of table link or intent cannot be read ({error}). Nothing was synced. "
            "Restore the database from a backup: the next run then shows what it would do before it writes. Or "
            "delete the rows of this task: the next run links both sides anew by their content and deletes nothing"
        ) from error


def _link(row: Any) -> Link:
    return Link(
        row.left_id, row.right_id, _values(row.left_values), _values(row.right_values), _sides(row.parked)
    )


def _intent(row: Any) -> Intent:
    return Intent(
        row.key,
        End(row.side),
        row.source_id,
        _values(row._mapping["values"]),
        row.target_id,
        bool(row.answered),
        row.begun_at,
        row.hash or "",
    )


def _sides(text: str | None) -> frozenset[End]:
    return frozenset(End(name) for name in text.split(",")) if text else frozenset()


def _values(text: str) -> dict[str, Any]:
    values = load(text)
    if not isinstance(values, dict):
        raise StateError(f"a stored value cannot be read: {text[:40]!r} has no attributes")
    return values
