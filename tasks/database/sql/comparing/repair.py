"""What `compare` finds, put into order, so that the next sync mends it and nothing is lost on the way.

Nothing here changes a row of a table. Rows that a node knows nothing of become edits of now; rows that only one
node has, or that differ, are sent again by both, and so decided as any conflict: what loses is in the ledger.
A row that is gone unseen on one node comes back from the other, unless it is said that it was deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice

import sqlalchemy as sa

from tasks.database.records.clock import COUNTER_BITS, wall_ms
from tasks.database.records.record import WHOLE
from tasks.database.sql.comparing.compare import Difference, Kind, differences
from tasks.database.sql.comparing.walking import present
from tasks.database.sql.storage import SQLAlchemyStorage
from tasks.database.sql.tables import schema
from tasks.database.sql.tables.bulk import JsonTexts, Note, write_notes

#: Rows that are put into order in one transaction.
CHUNK = 100

_records = schema.records


class Step(StrEnum):
    """What is done with a row on one node, in this order."""

    #: It is sent again, as if all of it were new.
    SEND_AGAIN = "send_again"
    #: It becomes an edit of now.
    MAKE_KNOWN = "make_known"
    #: It was deleted, as the next sync tells the other.
    BURY = "bury"
    #: The node forgets that it had it, and gets it from the other.
    FETCH_BACK = "fetch_back"
    #: It is held, or has no key: it is to be mended by hand first.
    LEAVE = "leave"


@dataclass
class Repair:
    """How many rows of a table are put into order on each of the two, and how."""

    label: str
    first: dict[Step, int] = field(default_factory=dict)
    second: dict[Step, int] = field(default_factory=dict)


def repair(first: SQLAlchemyStorage, second: SQLAlchemyStorage, *, bury: bool, dry_run: bool) -> list[Repair]:
    """Put all tables that both sync into order.

    Args:
        first, second: the two nodes, whose edits are captured.
        bury: rows that are gone unseen on one node were deleted; else they come back from the other.
        dry_run: only say what would be done.
    """
    return [
        _repair(first, second, label, bury=bury, dry_run=dry_run)
        for label in sorted(first.tables.keys() & second.tables.keys())
    ]


def _repair(
    first: SQLAlchemyStorage, second: SQLAlchemyStorage, label: str, *, bury: bool, dry_run: bool
) -> Repair:
    told = Repair(label)
    sides = ((first, told.first), (second, told.second))
    # What is found is read to its end of each page before anything of it is written.
    found = differences(first, second, label)
    while some := list(islice(found, CHUNK)):
        steps = _steps(first, second, label, some, bury=bury)
        for (storage, counts), wanted in zip(sides, steps, strict=True):
            for step in Step:
                if count := _take(storage, label, step, wanted.get(step, ()), dry_run=dry_run):
                    counts[step] = counts.get(step, 0) + count
    return told


def _steps(
    first: SQLAlchemyStorage,
    second: SQLAlchemyStorage,
    label: str,
    found: Sequence[Difference],
    *,
    bury: bool,
) -> tuple[dict[Step, list[str]], dict[Step, list[str]]]:
    """What is to be done on the first node, and on the second."""
    here: dict[Step, list[str]] = {}
    there: dict[Step, list[str]] = {}
    gone = [one.key for one in found if one.kind in (Kind.GONE_IN_FIRST, Kind.GONE_IN_SECOND)]
    of_others = present(first, label, gone) | present(second, label, gone)
    for one in found:
        in_first = one.kind.endswith("_in_first")
        mine, others = (here, there) if in_first else (there, here)
        if one.held or one.kind in (Kind.UNNAMED_IN_FIRST, Kind.UNNAMED_IN_SECOND):
            mine.setdefault(Step.LEAVE, []).append(one.key)
        elif one.kind is Kind.DIFFERENT:
            for side in (here, there):
                side.setdefault(Step.SEND_AGAIN, []).append(one.key)
        elif one.kind in (Kind.MISSING_IN_FIRST, Kind.MISSING_IN_SECOND):
            others.setdefault(Step.SEND_AGAIN, []).append(one.key)
        elif one.kind in (Kind.UNKNOWN_IN_FIRST, Kind.UNKNOWN_IN_SECOND):
            mine.setdefault(Step.MAKE_KNOWN, []).append(one.key)
        elif bury or one.key not in of_others:
            mine.setdefault(Step.BURY, []).append(one.key)
        else:
            mine.setdefault(Step.FETCH_BACK, []).append(one.key)
    return here, there


def _take(storage: SQLAlchemyStorage, label: str, step: Step, keys: Sequence[str], *, dry_run: bool) -> int:
    """Do it with all of which it is still so; return how many these are."""
    if step is Step.LEAVE or not keys:
        return len(keys)
    with nullcontext() if dry_run else storage.transaction():
        # Within a transaction nobody else can change these rows.
        rows = storage.read(label, keys) if dry_run else storage.get_records(label, keys)
        if step is Step.SEND_AGAIN:
            due = [key for key in keys if key in rows and rows[key].timestamps]
        elif step is Step.MAKE_KNOWN:
            due = [key for key in keys if key in rows and not rows[key].timestamps]
        else:
            due = [key for key in keys if key not in rows]
        if not dry_run:
            _do(storage, label, step, due)
    return len(due)


def _do(storage: SQLAlchemyStorage, label: str, step: Step, keys: Sequence[str]) -> None:
    place = storage.horizon(wall_ms() << COUNTER_BITS)
    if step is Step.SEND_AGAIN:
        storage.send_again(label, keys, place)
    elif step is Step.FETCH_BACK:
        _forget(storage, label, keys)
    else:
        _note(storage, label, keys, place, deleted=step is Step.BURY)


def _note(storage: SQLAlchemyStorage, label: str, keys: Iterable[str], place: int, *, deleted: bool) -> None:
    """Keep that these were made, or deleted, unseen: newer than all that was known of them here."""
    table, texts = storage.tables[label], JsonTexts()
    stored = [table.stored_key(key) for key in keys]
    with storage.database.work() as work:
        query = sa.select(_records.c.key, _records.c.newest).where(
            _records.c.model == label, _records.c.key.in_(stored)
        )
        if deleted:
            query = query.where(_records.c.deleted.is_(None))
        newest = {key: int(stamp) for key, stamp in work.connection.execute(query)}
        if deleted:
            stored = [key for key in stored if key in newest]
        notes = []
        for key in stored:
            # A deletion whose time nobody knows is older than whatever was edited elsewhere since.
            stamp = (
                newest.get(key, 0) + 1 if deleted else max(newest.get(key, 0) + 1, wall_ms() << COUNTER_BITS)
            )
            stamps = {} if deleted else dict.fromkeys(table.fields, stamp)
            at = max(place, stamp)
            arrivals = {} if deleted else {WHOLE: at}
            notes.append(
                Note(
                    label,
                    key,
                    texts.dump(stamps),
                    stamp,
                    at,
                    texts.dump(arrivals),
                    at,
                    stamp if deleted else None,
                )
            )
        write_notes(work.connection, notes)


def _forget(storage: SQLAlchemyStorage, label: str, keys: Iterable[str]) -> None:
    stored = [storage.tables[label].stored_key(key) for key in keys]
    with storage.database.work() as work:
        work.connection.execute(
            sa.delete(_records).where(
                _records.c.model == label, _records.c.deleted.is_(None), _records.c.key.in_(stored)
            )
        )
