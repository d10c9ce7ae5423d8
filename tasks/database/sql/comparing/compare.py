"""Whether the tables of two databases hold the same, and whether each node knows what its tables hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from tasks.database.records.ties import same
from tasks.database.sql.comparing import walking
from tasks.database.sql.storage import SQLAlchemyStorage
from tasks.database.storages.peer import PeerState
from tasks.database.storages.plain import RESERVED

#: Rows of one kind that are named; the count tells of all.
NAMED_MAX = 1_000


class Kind(StrEnum):
    """What is wrong with a row."""

    #: Both have it, with other values.
    DIFFERENT = "different"
    #: Only the other has it.
    MISSING_IN_FIRST = "missing_in_first"
    MISSING_IN_SECOND = "missing_in_second"
    #: It is in the table, and the node knows nothing of it: it was made while nothing was captured.
    UNKNOWN_IN_FIRST = "unknown_in_first"
    UNKNOWN_IN_SECOND = "unknown_in_second"
    #: The node knows it, and it is not in the table: it was removed while nothing was captured.
    GONE_IN_FIRST = "gone_in_first"
    GONE_IN_SECOND = "gone_in_second"
    #: Its key is none that a record can have.
    UNNAMED_IN_FIRST = "unnamed_in_first"
    UNNAMED_IN_SECOND = "unnamed_in_second"


@dataclass(frozen=True)
class Difference:
    """One row that is not as it should be."""

    kind: Kind
    key: str
    #: Those with other values.
    fields: tuple[str, ...] = ()
    #: Why it is held on one of the two, where it is.
    held: str = ""


@dataclass
class Found:
    """All rows of one kind, and the first of them by name."""

    count: int = 0
    rows: list[Difference] = field(default_factory=list)

    def add(self, one: Difference) -> None:
        """Count one more."""
        self.count += 1
        if len(self.rows) < NAMED_MAX:
            self.rows.append(one)


@dataclass
class TableComparison:
    """How a table of two nodes compares."""

    label: str
    equal: int = 0
    found: dict[Kind, Found] = field(default_factory=lambda: {kind: Found() for kind in Kind})

    @property
    def different(self) -> list[str]:
        """The first keys of rows with other values."""
        return [one.key for one in self.found[Kind.DIFFERENT].rows]

    @property
    def alike(self) -> bool:
        """Whether both hold the same, and know it."""
        return not any(found.count for found in self.found.values())


def compare(first: SQLAlchemyStorage, second: SQLAlchemyStorage) -> list[TableComparison]:
    """All tables that both sync, in alphabetical order. Memory grows neither with the tables nor with what differs.

    Edits made meanwhile, and those that no sync has carried yet, show as differences.
    """
    compared: list[TableComparison] = []
    for label in sorted(first.tables.keys() & second.tables.keys()):
        table = TableComparison(label)
        for one in differences(first, second, label, table):
            table.found[one.kind].add(one)
        compared.append(table)
    return compared


def differences(
    first: SQLAlchemyStorage, second: SQLAlchemyStorage, label: str, table: TableComparison | None = None
) -> Iterator[Difference]:
    """What differs in one table, as it is found; `table` counts what is equal."""
    held = {**_held(second, label), **_held(first, label)}
    fields = [name for name in first.tables[label].fields if name in second.tables[label].fields]

    def found(kind: Kind, key: str, names: tuple[str, ...] = ()) -> Difference:
        return Difference(kind, key, names, held.get(key, ""))

    for page in walking.pages(first, label):
        named = [row for row in page if row.named]
        others = second.read(label, [row.key for row in named])
        for row in page:
            if not row.named:
                yield found(Kind.UNNAMED_IN_FIRST, row.key)
                continue
            other = others.get(row.key)
            if other is None:
                yield found(Kind.MISSING_IN_SECOND, row.key)
            elif names := tuple(name for name in fields if not same(row.data[name], other.data[name])):
                yield found(Kind.DIFFERENT, row.key, names)
            elif table is not None:
                table.equal += 1
            if not row.known:
                yield found(Kind.UNKNOWN_IN_FIRST, row.key)
    for page in walking.pages(second, label):
        there = walking.present(first, label, [row.key for row in page if row.named])
        for row in page:
            if not row.named:
                yield found(Kind.UNNAMED_IN_SECOND, row.key)
                continue
            if row.key not in there:
                yield found(Kind.MISSING_IN_FIRST, row.key)
            if not row.known:
                yield found(Kind.UNKNOWN_IN_SECOND, row.key)
    for storage, gone, unnamed in (
        (first, Kind.GONE_IN_FIRST, Kind.UNNAMED_IN_FIRST),
        (second, Kind.GONE_IN_SECOND, Kind.UNNAMED_IN_SECOND),
    ):
        for keys in walking.rowless(storage, label):
            yield from (found(gone, key) for key in keys)
        for _ in range(walking.without_key(storage, label)):
            yield Difference(unnamed, "")


def _held(storage: SQLAlchemyStorage, label: str) -> dict[str, str]:
    """Why records of a table are held on a node, by key."""
    states = (PeerState.load(storage, name) for name in storage.get_nodes() if not name.startswith(RESERVED))
    return {one.key: one.reason for state in states for one in state.all_held() if one.model == label}
