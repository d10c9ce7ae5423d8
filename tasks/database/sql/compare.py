"""Whether two databases hold the same, record by record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from tasks.database.sql.storage import SQLAlchemyStorage

#: Records that are compared at once.
CHUNK = 1_000


@dataclass
class TableComparison:
    """How a table of two nodes compares, with the keys of what does not."""

    label: str
    equal: int = 0
    different: list[str] = field(default_factory=list)
    #: On the second node only.
    missing_in_first: list[str] = field(default_factory=list)
    #: On the first node only.
    missing_in_second: list[str] = field(default_factory=list)

    @property
    def alike(self) -> bool:
        """Whether both hold the same."""
        return not (self.different or self.missing_in_first or self.missing_in_second)


def compare(first: SQLAlchemyStorage, second: SQLAlchemyStorage) -> list[TableComparison]:
    """All tables that both sync, in alphabetical order. Memory does not grow with what is equal.

    Edits made meanwhile may show as differences.
    """
    return [_compare(first, second, label) for label in sorted(first.tables.keys() & second.tables.keys())]


def _compare(first: SQLAlchemyStorage, second: SQLAlchemyStorage, label: str) -> TableComparison:
    found = TableComparison(label)
    both: list[str] = []
    fields = [name for name in first.tables[label].fields if name in second.tables[label].fields]

    def settle() -> None:
        one, other = first.get_records(label, both), second.get_records(label, both)
        for key in both:
            here, there = one.get(key), other.get(key)
            if here is None or there is None:
                continue  # deleted meanwhile
            if all(here.data.get(name) == there.data.get(name) for name in fields):
                found.equal += 1
            else:
                found.different.append(key)
        both.clear()

    for key, here, there in _paired(iter(first.get_keys(label)), iter(second.get_keys(label))):
        if here and there:
            both.append(key)
            if len(both) >= CHUNK:
                settle()
        else:
            (found.missing_in_second if here else found.missing_in_first).append(key)
    settle()
    return found


def _paired(first: Iterator[str], second: Iterator[str]) -> Iterator[tuple[str, bool, bool]]:
    """The keys of two sorted listings, and which of them has each."""
    one, other = next(first, None), next(second, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one < other):
            assert one is not None  # noqa: S101  the loop would have ended
            yield one, True, False
            one = next(first, None)
        elif one is None or other < one:
            yield other, False, True
            other = next(second, None)
        else:
            yield one, True, True
            one, other = next(first, None), next(second, None)


def shown(keys: list[str], limit: int = 20) -> str:
    """The first keys, for a person."""
    more = len(keys) - limit
    return ", ".join(islice(keys, limit)) + (f" and {more} more" if more > 0 else "")
