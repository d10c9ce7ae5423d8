"""How many links a task has, and how many of these are out of sight: counted along, as a count of rows would take the
longer the more there are. And a word by which others see that they are not the same ones any more.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, bindparam, func, select, update

from tasks.journal.contract import Numbers
from worker.store import schema

# Made once: SQLAlchemy takes longer to build such a statement than SQLite takes to carry it out.
_ADD = (
    update(schema.node)
    .where(schema.node.c.id == bindparam("of_task"))
    .values(
        linked=func.coalesce(schema.node.c.linked, 0) + bindparam("more"),
        lull=bindparam("lull"),
        pairing=bindparam("pairing"),
    )
)
_PAIRING = select(schema.node.c.pairing).where(schema.node.c.id == bindparam("of_task"))
_NUMBERS = select(schema.node.c.linked, schema.node.c.parked).where(schema.node.c.id == bindparam("of_task"))


def numbers_in(linked: int | None, parked: str | None) -> Counter[str]:
    """How many links there are by their absence, as the row of a node says."""
    numbers = Counter[str](json.loads(parked) if parked else {})
    numbers[""] = (linked or 0) - numbers.total()
    return +numbers


def counted(connection: Connection, task: str) -> Counter[str]:
    """The same of a task."""
    row = connection.execute(_NUMBERS, {"of_task": task}).first()
    return Counter() if row is None else numbers_in(row.linked, row.parked)


def fresh() -> dict[str, Any]:
    """Of a node whose pairs are others from now on: what its own lull went by is past, and so is what others saw."""
    return {"lull": None, "pairing": uuid4().hex}


def pairing_of(connection: Connection, task: str) -> str:
    """A word that is another one once any pair of a task was linked, came apart or came back."""
    return connection.scalar(_PAIRING, {"of_task": task}) or ""


def renew(connection: Connection, task: str) -> None:
    """Note that pairs of a task are others, though not more or fewer."""
    _note(connection, task, fresh())


def count_along(connection: Connection, task: str, more: Numbers) -> None:
    """Note that there are so many links more."""
    if not any(more.values()):
        return
    if any(number for absence, number in more.items() if absence):
        numbers = counted(connection, task)
        numbers.update(more)
        _note(connection, task, {"parked": _parked(numbers)})
    connection.execute(_ADD, {"of_task": task, "more": sum(more.values()), **fresh()})


def count_anew(connection: Connection, task: str) -> None:
    """Count the links row by row, and note how many there are."""
    parked = schema.link.c.parked
    query = select(parked, func.count()).where(schema.link.c.task == task).group_by(parked)
    numbers = Counter({absence or "": number for absence, number in connection.execute(query)})
    _note(connection, task, {"linked": numbers.total(), "parked": _parked(numbers), **fresh()})


def _note(connection: Connection, task: str, values: Mapping[str, object]) -> None:
    connection.execute(update(schema.node).where(schema.node.c.id == task).values(values))


def _parked(numbers: Numbers) -> str | None:
    out = {absence: number for absence, number in sorted(numbers.items()) if absence and number}
    return json.dumps(out) if out else None
