"""Children whose foreign key follows another value of their parent than its key: `ON UPDATE CASCADE` and its like.

What the database changes in them while a peer's row is written is no edit that somebody made now. It has the stamp of
the change that brought it about, so that it loses against whatever is newer, and goes to the peers like an edit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from tasks.database.records.record import SyncRecord
from tasks.database.sql.tables import foreign, schema
from tasks.database.sql.tables.foreign import ForeignKey
from tasks.database.sql.tables.synced_table import SyncedTable

_records = schema.records
_Read = Callable[[SyncedTable, Sequence[str]], dict[str, SyncRecord]]


def is_followed(tables: Iterable[SyncedTable], parent: SyncedTable) -> bool:
    """Whether a foreign key leads to another column of a table than its identity."""
    return any(
        key.target_fullname.rpartition(".")[0] == parent.table.fullname
        and key.target_fullname.rpartition(".")[2] != parent.identity
        for child in tables
        for column in child.table.c
        for key in column.foreign_keys
    )


@dataclass
class Followers:
    """The children of records that are about to be written."""

    connection: sa.Connection
    read: _Read
    #: By foreign key: the child's record as it was, and the key of its parent.
    before: list[tuple[ForeignKey, dict[str, SyncRecord], dict[str, str]]] = field(default_factory=list)

    def note(self, keys: Iterable[ForeignKey], parents: Sequence[Any]) -> None:
        """Remember what they refer to."""
        for key in keys:
            if key.on_update in {"NO ACTION", "RESTRICT"}:
                continue
            parent_of = {
                key.child.key_out(child): key.parent.key_out(parent)
                for parent, child in self.connection.execute(foreign.referring(key, parents))
            }
            if parent_of:
                self.before.append((key, self.read(key.child, list(parent_of)), parent_of))

    def stamp(self, written: Mapping[str, SyncRecord]) -> None:
        """Stamp what has changed in them since; it gets its place like an edit."""
        for key, before, parent_of in self.before:
            for name, record in self.read(key.child, list(before)).items():
                parent = written.get(parent_of[name])
                changed = {
                    column: max(
                        parent.timestamps.get(target, 0) if parent else 0,
                        # Where a user's trigger has edits captured meanwhile, the record's own is of now.
                        before[name].timestamps.get(column, 0) + 1,
                    )
                    for column, target in key.pairs
                    if record.data[column] != before[name].data[column]
                }
                if changed:
                    self._keep(key.child, name, record, changed)

    def _keep(self, table: SyncedTable, name: str, record: SyncRecord, changed: dict[str, int]) -> None:
        here = (_records.c.model == table.label, _records.c.key == table.stored_key(name))
        pending = self.connection.scalar(sa.select(_records.c.pending).where(*here)) or {}
        stamps = {**record.timestamps, **changed}
        self.connection.execute(
            sa.update(_records)
            .where(*here)
            .values(
                stamps=stamps,
                newest=max(stamps.values()),
                pending={**pending, **changed},
                place=None,
            )
        )
