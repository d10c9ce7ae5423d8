"""The state of a task as rows that leave one database and come into another one, of whatever kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby, islice
from typing import Any

from sqlalchemy import Column, Connection, Table, delete, func, insert, select
from sqlalchemy.exc import IntegrityError

from tasks.errors import StateError
from tasks.values.canonical import load
from worker.store import schema
from worker.store.database import Database
from worker.store.migrating import newest_version
from worker.store.state_lines import Head, Row, StateFileError
from worker.store.tables.fences import keep_in_mind, take_fence
from worker.store.tables.links import Links
from worker.store.tables.numbers import count_anew
from worker.store.tables.run_record import RAN
from worker.store.tables.runs import ordinary_runs, set_pruned

#: What a task has for itself once it linked anything.
_STATE = (schema.link, schema.intent, schema.held)
#: What a state takes the place of, and what is only added to that which is there: of history and ledger nothing is ever
#: dropped, and what a person has set here counts.
_REPLACED = (*_STATE, schema.memory, schema.plan)
_ADDED = (schema.pause, schema.timing, schema.run, schema.effect, schema.conflict, schema.tally)
#: In the order in which they are written. Runs come before what they wrote.
TABLES = (*_REPLACED, *_ADDED)
_BY_NAME = {table.name: table for table in TABLES}
#: Which columns tell that a row is there already; a write of a run goes with its run.
_KEYS = {
    schema.pause: "task",
    schema.timing: "task",
    schema.run: "id",
    schema.effect: "run_id",
    schema.conflict: "fingerprint",
    schema.tally: "name",
}

#: Stands for the runs that count towards a total and are not in the history any more.
_PRUNED = "pruned"

#: Columns that hold values as `tasks.values.canonical` keeps them.
_VALUES = {
    schema.link: ("left_values", "right_values"),
    schema.intent: ("values",),
    schema.memory: ("forms", "cursors", "own"),
    schema.conflict: ("base", "first_value", "second_value"),
}

_AT_ONCE = 500
#: Why a run does not go on that was under way.
CUT_OFF = "was under way when the state of its task was exported"


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a state, by table: how many rows are new, and how many were there already."""

    new: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)


def export_of(connection: Connection, task: str, lockstep: str) -> tuple[Head, Iterator[tuple[str, Row]]]:
    """All that is kept of a task, row by row, as long as the transaction lasts (`Database.snapshot`)."""
    numbers = {table.name: _count(connection, table, task) for table in TABLES}
    kept = {name: number for name, number in numbers.items() if number}
    return Head(task, lockstep, newest_version(), datetime.now(UTC), kept), _rows(connection, task)


def state_of(store: Database, task: str) -> Counter[str]:
    """How many rows a state would take the place of, by table; none before the task linked anything."""
    with store.read() as connection:
        return _state(connection, task)


def _state(connection: Connection, task: str) -> Counter[str]:
    return +Counter({table.name: _count(connection, table, task) for table in _STATE})


def under_way(connection: Connection, task: str) -> bool:
    """Whether a run of a task is entered that has not ended."""
    run = schema.run.c
    query = select(run.id).where(run.task == task, run.status == "running").limit(1)
    return connection.execute(query).first() is not None


def _rows(connection: Connection, task: str) -> Iterator[tuple[str, Row]]:
    pruned = connection.scalar(select(schema.node.c.runs_pruned).where(schema.node.c.id == task))
    if pruned:
        yield _PRUNED, {"runs": pruned}
    for table in TABLES:
        query = select(*_columns(table)).where(table.c.task == task).order_by(*table.primary_key.columns)
        for row in connection.execute(query.execution_options(yield_per=_AT_ONCE)).mappings():
            yield table.name, {name: _plain(value) for name, value in row.items()}


def _columns(table: Table) -> list[Column[Any]]:
    """What of a table means the same in another database: not the task, nor a number that a database gives."""
    return [column for column in table.columns if column.name != "task" and column.autoincrement is not True]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def take_in(
    store: Database,
    task: str,
    fence: int,
    head: Head,
    rows: Iterable[tuple[str, Row]],
    *,
    replace: bool,
) -> Taken:
    """Make rows the state of a task, in one transaction.

    Its next run is a careful one (`worker.session.restored`): nobody knows what happened since they were written.

    Args:
        store: where they go.
        task: whose they are from now on.
        fence: of the lock that is held; older sessions write no more.
        head: what they say of themselves.
        rows: as `export_of` gave them; when reading them fails, nothing was changed.
        replace: whether they take the place of a state that is there.

    Raises:
        StateFileError: there is a state already, or the rows are none.
        LockLostError: another session has taken the task over.
    """
    if head.tables > newest_version():
        raise StateFileError(
            f"Lockstep {head.lockstep} wrote it with tables of version {head.tables}, and these are of "
            f"{newest_version()}: install that version or a newer one"
        )
    with store.write() as connection:
        take_fence(connection, task, fence)
        if not replace and _state(connection, task):
            raise StateFileError(f"{task!r} has a state already")
        before = ordinary_runs(connection, task)
        for table in (*_REPLACED, schema.reference):
            connection.execute(delete(table).where(table.c.task == task))
        try:
            taken, exported = _insert(connection, task, head, rows)
        except IntegrityError as error:
            raise StateFileError("two of its rows are about the same thing") from error
        _keep_total(connection, task, max(before, exported))
        count_anew(connection, task)
        Links.look_through(connection, task)
        keep_in_mind(connection, task, datetime.now(UTC))
    return taken


def _insert(
    connection: Connection, task: str, head: Head, rows: Iterable[tuple[str, Row]]
) -> tuple[Taken, int]:
    """Insert them; gives what came of it, and how many runs of theirs count towards a total."""
    taken, exported = Taken(), 0
    there = {table: _there(connection, task, table) for table in _ADDED}
    there[schema.effect] = there[schema.run]
    for name, some in groupby(rows, lambda part: part[0]):
        if name == _PRUNED:
            exported += sum(_number(row) for _, row in some)
            continue
        table = _BY_NAME.get(name)
        if table is None:
            raise StateFileError(f"there is no table {name!r} in this version of Lockstep")
        while batch := [{"task": task, **_checked(table, row)} for _, row in islice(some, _AT_ONCE)]:
            if table is schema.run:
                exported += sum(row["status"] in RAN and row["kind"] is None for row in batch)
                _refuse_runs_of_others(connection, task, batch)
                batch = [{**row, **_end(row, head.at)} for row in batch]
            key = _KEYS.get(table)
            fresh = [row for row in batch if key is None or row[key] not in there[table]]
            taken.known[name] += len(batch) - len(fresh)
            taken.new[name] += len(fresh)
            if fresh:
                connection.execute(insert(table), fresh)
    return Taken(+taken.new, +taken.known), exported


def _there(connection: Connection, task: str, table: Table) -> frozenset[Any]:
    return frozenset(connection.scalars(select(table.c[_KEYS[table]]).where(table.c.task == task)))


def _refuse_runs_of_others(connection: Connection, task: str, runs: Sequence[Row]) -> None:
    run = schema.run.c
    ids = [row["id"] for row in runs]
    others = select(run.task).where(run.id.in_(ids), run.task != task).limit(1)
    if (other := connection.scalar(others)) is not None:
        raise StateFileError(
            f"its runs are in this database already, of {other!r}: two tasks with the same links would each do what "
            "the other did; if it is the same task under another name, lockstep rename"
        )


def _end(run: Row, at: datetime) -> Row:
    """What is another thing in another place: a run that was under way has no end there."""
    if run["status"] != "running":
        return {}
    return {"status": "abandoned", "reason": CUT_OFF, "finished_at": at}


def _keep_total(connection: Connection, task: str, total: int) -> None:
    """Let no run be forgotten that counted towards a total here or there, nor one be counted twice."""
    set_pruned(connection, task, 0)
    set_pruned(connection, task, max(0, total - ordinary_runs(connection, task)))


def _number(row: Row) -> int:
    number = row.get("runs")
    if not isinstance(number, int) or number < 0:
        raise StateFileError("the number of its former runs cannot be read")
    return number


def _checked(table: Table, row: Row) -> dict[str, Any]:
    """A row as the table takes it; what an older version did not know is left empty.

    Raises:
        StateFileError: it is not such a row.
    """
    columns = {column.name: column for column in _columns(table)}
    if unknown := row.keys() - columns.keys():
        raise StateFileError(f"table {table.name} has no column {min(unknown)!r}")
    try:
        made = {name: _value(column, row) for name, column in columns.items()}
        for name in _VALUES.get(table, ()):
            if made[name] is not None:
                load(made[name])
    except (ValueError, StateError) as error:
        raise StateFileError(f"a row of table {table.name} cannot be read: {error}") from error
    return made


def _value(column: Column[Any], row: Mapping[str, Any]) -> Any:
    default = None if column.default is None else getattr(column.default, "arg", None)
    value = row.get(column.name, default)
    if value is None:
        if column.nullable:
            return None
        raise ValueError(f"{column.name} is missing")
    if isinstance(column.type, schema.Moment):
        value = datetime.fromisoformat(value) if isinstance(value, str) else value
        if not isinstance(value, datetime) or value.tzinfo is None:
            raise ValueError(f"{column.name} is no time")
    elif type(value) is not (kind := column.type.python_type):
        raise ValueError(f"{column.name} is no {kind.__name__}")
    return value


def _count(connection: Connection, table: Table, task: str) -> int:
    query = select(func.count()).select_from(table).where(table.c.task == task)
    return int(connection.scalar(query) or 0)
