"""The order of tables, by their foreign keys."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.database.records.graph import DependencyGraph
from tasks.database.sql.tables.synced_table import SyncedTable


def graph_of(tables: Sequence[SyncedTable]) -> DependencyGraph:
    """Parents before children. Foreign keys that may be empty are filled in afterwards where there is a circle.

    Raises:
        CircularDependencyError: tables need each other, and none of the foreign keys may be empty.
    """
    labels = {table.table.fullname: table.label for table in tables}
    needed: dict[str, set[str]] = {table.label: set() for table in tables}
    optional: dict[str, set[str]] = {table.label: set() for table in tables}
    for table in tables:
        for column in table.table.c:
            for key in column.foreign_keys:
                parent = labels.get(key.target_fullname.rpartition(".")[0])
                if parent is not None and parent != table.label:
                    (optional if column.nullable else needed)[table.label].add(parent)
    edges = {label: needed[label] | optional[label] for label in needed}
    deferred = {
        label: circular
        for label, parents in optional.items()
        if (circular := {each for each in parents - needed[label] if _leads(edges, each, label)})
    }
    return DependencyGraph(edges, deferred)


def _leads(edges: dict[str, set[str]], start: str, end: str) -> bool:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        label = waiting.pop()
        if label == end:
            return True
        if label not in seen:
            seen.add(label)
            waiting += edges[label]
    return False
