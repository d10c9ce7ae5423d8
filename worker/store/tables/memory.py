"""What is remembered of a task as a whole, and the objects that a run had to leave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, delete, exists, insert, select

from config.redaction import redacted
from tasks.journal.contract import Base, Cursor, Lull, Memory
from tasks.merge import End, Held
from tasks.values.canonical import dump, load
from worker.store import schema
from worker.store.database import Database
from worker.store.tables.numbers import numbers_in
from worker.store.tables.one_row import TASK, beside

_OUTLINE_OF: Select[Any] = select(
    *(schema.memory.c[name] for name in ("forms", "scope", "cursors", "own")),
    *(schema.node.c[name] for name in ("linked", "parked", "lull")),
    exists().where(schema.held.c.task == TASK.c.task).label("holds"),
    exists().where(schema.intent.c.task == TASK.c.task).label("intends"),
).select_from(beside(schema.memory))
_HELD = select(schema.held).order_by(
    schema.held.c.failures.desc(), schema.held.c.since, schema.held.c.left_id
)
_HELD_OF = _HELD.where(schema.held.c.task == bindparam("of_task"))


def load_outline(connection: Connection, task: str) -> tuple[Base, bool]:
    """What is remembered of a task, without links and intents; the links are counted. And whether it has intents.

    Raises:
        StateError: a row cannot be read.
    """
    row = connection.execute(_OUTLINE_OF, {"of_task": task}).one()
    held = [_held(each) for each in connection.execute(_HELD_OF, {"of_task": task})] if row.holds else []
    lull = None if row.lull is None else Lull(**load(row.lull))
    base = Base(memory=_memory(row, held), others=numbers_in(row.linked, row.parked), lull=lull)
    return base, bool(row.intends)


def _memory(row: Row[Any], held: Sequence[Held]) -> Memory:
    if row.forms is None:
        return Memory(held=held)
    cursors = {End(side): Cursor(**cursor) for side, cursor in load(row.cursors).items()}
    own = None if row.own is None else load(row.own)
    return Memory(load(row.forms), row.scope, cursors, held, own)


def _held(row: Row[Any]) -> Held:
    return Held(
        (row.left_id, row.right_id),
        redacted(row.reason),
        row.content,
        row.failures,
        row.since,
        row.next_try,
        schema.name_of(row),
    )


class Memories:
    """Reading and writing the tables `memory` and `held`."""

    def __init__(self, store: Database) -> None:
        self._store = store

    def load(self, task: str) -> Memory:
        """What is remembered of a task.

        Raises:
            StateError: a row cannot be read.
        """
        with self._store.read() as connection:
            return load_outline(connection, task)[0].memory

    def held(self, task: str | None = None) -> Sequence[Held]:
        """The objects that are held, of one task or of all; those that failed most often first."""
        return [held for _, held in self.held_by_task(task)]

    def held_by_task(self, task: str | None = None) -> list[tuple[str, Held]]:
        """The same, each with its task's name."""
        query = _HELD if task is None else _HELD.where(schema.held.c.task == task)
        with self._store.read() as connection:
            return [(row.task, _held(row)) for row in connection.execute(query)]

    def release(self, task: str, object_id: str | None = None) -> int:
        """Let held objects be tried again in the next run: one by either id, or all; how many there were."""
        table = schema.held.c
        one = table.task == task
        if object_id is not None:
            one &= (table.left_id == object_id) | (table.right_id == object_id)
        with self._store.write() as connection:
            released = connection.execute(delete(schema.held).where(one)).rowcount
            if released:  # what was held is not in any listing of changes
                connection.execute(
                    schema.memory.update().where(schema.memory.c.task == task).values(cursors=dump({}))
                )
        return released

    @staticmethod
    def remember(connection: Connection, task: str, memory: Memory) -> None:
        """Replace what is remembered of a task."""
        connection.execute(delete(schema.memory).where(schema.memory.c.task == task))
        connection.execute(delete(schema.held).where(schema.held.c.task == task))
        connection.execute(
            insert(schema.memory).values(
                task=task,
                forms=dump(memory.forms),
                scope=memory.scope,
                own=None if memory.own is None else dump(memory.own),
                cursors=dump(
                    {
                        side.value: {"value": cursor.value, "listed_at": cursor.listed_at}
                        for side, cursor in memory.cursors.items()
                    }
                ),
            )
        )
        if memory.held:
            connection.execute(
                insert(schema.held),
                [
                    {
                        "task": task,
                        "left_id": held.pair[0],
                        "right_id": held.pair[1],
                        "reason": schema.storable(held.reason),
                        "content": held.content,
                        "failures": held.failures,
                        "since": held.since,
                        "next_try": held.next_try,
                        **schema.name_columns(held.name),
                    }
                    for held in memory.held
                ],
            )
