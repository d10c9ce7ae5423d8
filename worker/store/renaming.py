"""A task that gets another name and keeps what is remembered of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from sqlalchemy import Connection, Table, delete, func, select, update

from worker.errors import WorkerError
from worker.store import schema
from worker.store.database import Database
from worker.store.tables.fences import take_fence
from worker.store.tables.numbers import fresh
from worker.telling.numbers import some

#: What a task has for itself once it synced anything. A run that was halted, its plan, and what was remembered before
#: anything was linked make no state.
_STATE = (schema.link, schema.intent, schema.held, schema.conflict, schema.effect)


class RenameRefusedError(WorkerError):
    """A task cannot get another name; nothing was changed."""


def kept_of(store: Database, task: str) -> Counter[str]:
    """How many rows are kept of a task, by table."""
    with store.read() as connection:
        return Counter(
            {table.name: count for table in schema.OF_TASKS if (count := _count(connection, table, task))}
        )


def rename(
    store: Database, old: str, new: str, fences: Mapping[str, int], move_files: Callable[[], None]
) -> None:
    """Give all that is kept of a task to another name, in one transaction.

    Args:
        store: where it is kept.
        old: its name until now.
        new: its name from now on.
        fences: of the locks that are held of both names; older sessions of either write no more.
        move_files: moves what is kept in files; when that fails nothing was changed.

    Raises:
        RenameRefusedError: the new name has links of its own.
        LockLostError: another session has taken one of them over.
    """
    with store.write() as connection:
        for name in (old, new):
            take_fence(connection, name, fences[name])
        refuse_state(connection, new)
        # Of a first run under the new name, which halted because of the old one.
        for table in (schema.plan, schema.memory, schema.pause, schema.timing):
            connection.execute(delete(table).where(table.c.task == new))
        for table in (*schema.OF_TASKS, schema.reference):
            connection.execute(update(table).where(table.c.task == old).values(task=new))
        node = schema.node.c
        pruned = connection.scalar(select(func.sum(node.runs_pruned)).where(node.id.in_((old, new))))
        linked, parked = connection.execute(select(node.linked, node.parked).where(node.id == old)).one()
        connection.execute(
            update(schema.node)
            .where(node.id == new)
            .values(runs_pruned=pruned, linked=linked, parked=parked, **fresh())
        )
        # The old name's fence stays: a session that lost its lock must not begin it anew.
        connection.execute(
            update(schema.node)
            .where(node.id == old)
            .values(runs_pruned=None, linked=None, parked=None, **fresh())
        )
        move_files()


def refuse_state(connection: Connection, task: str) -> None:
    """See to it that no two states are mixed.

    Raises:
        RenameRefusedError: the task has links or other state of its own.
    """
    own = {table.name: _count(connection, table, task) for table in _STATE}
    if any(own.values()):
        told = ", ".join(f"{some(number, 'row')} of table {name}" for name, number in own.items() if number)
        raise RenameRefusedError(
            f"{task!r} has a state of its own ({told}): what is kept of both cannot be mixed; nothing was changed"
        )


def _count(connection: Connection, table: Table, task: str) -> int:
    query = select(func.count()).select_from(table).where(table.c.task == task)
    return int(connection.scalar(query) or 0)
