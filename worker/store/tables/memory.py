"""What is remembered of a task as a whole, and the objects that a run had to leave."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select

from config.redaction import redacted
from tasks.journal.contract import Cursor, Memory
from tasks.merge import End, Held
from tasks.values.canonical import dump, load
from worker.store import schema
from worker.store.database import Database


class Memories:
    """Reading and writing the tables `memory` and `held`."""

    def __init__(self, store: Database) -> None:
        self._store = store

    def load(self, task: str) -> Memory:
        """What is remembered of a task.

        Raises:
            StateError: a row cannot be read.
        """
        memory = schema.memory.c
        with self._store.read() as connection:
            row = connection.execute(
                select(memory.forms, memory.scope, memory.cursors, memory.own).where(memory.task == task)
            ).first()
        if row is None:
            return Memory(held=self.held(task))
        cursors = {End(side): Cursor(**cursor) for side, cursor in load(row.cursors).items()}
        own = None if row.own is None else load(row.own)
        return Memory(load(row.forms), row.scope, cursors, self.held(task), own)

    def held(self, task: str | None = None) -> Sequence[Held]:
        """The objects that are held, of one task or of all; those that failed most often first."""
        return [held for _, held in self.held_by_task(task)]

    def held_by_task(self, task: str | None = None) -> list[tuple[str, Held]]:
        """The same, each with its task's name."""
        table = schema.held.c
        query = select(schema.held).order_by(table.failures.desc(), table.since, table.left_id)
        if task is not None:
            query = query.where(table.task == task)
        with self._store.read() as connection:
            return [
                (
                    row.task,
                    Held(
                        (row.left_id, row.right_id),
                        redacted(row.reason),
                        row.content,
                        row.failures,
                        row.since,
                        row.next_try,
                        schema.name_of(row),
                    ),
                )
                for row in connection.execute(query)
            ]

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
