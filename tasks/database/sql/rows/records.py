"""Records of the user's tables, as they are read: by their keys, and by their places in the order of arrival."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import sqlalchemy as sa

from tasks.database.records.record import WHOLE, SyncRecord
from tasks.database.sql.rows.reading import comparable, compared, fetched
from tasks.database.sql.tables import foreign, lookups, pages, schema
from tasks.database.sql.tables.bulk import objects_of
from tasks.database.sql.tables.connection import Database, Work
from tasks.database.sql.tables.synced_table import SyncedTable
from tasks.database.sql.values.codec import ValueRefusedError
from tasks.database.storages.storage import Place, Reference, Tombstone
from tasks.database.storages.unsent import BadRecord
from tasks.errors import TaskDefinitionError

#: Records that one statement names at most.
CHUNK = 2_000

_NO_ROW = "no row is found by its key: it is of another type than the column, or was removed unseen"
_NO_KEY = "its key is empty"

_records = schema.records


class Records:
    """The part of the storage that reads records."""

    database: Database
    tables: Mapping[str, SyncedTable]

    def get_changed_since(
        self,
        model_label: str,
        timestamp: int,
        limit: int | None = None,
        after_key: Place | None = None,
    ) -> dict[str, SyncRecord]:
        """Living records with a place above `timestamp`, in the order of place and key, at most `limit`."""
        table = self._table(model_label)
        query, values = self._page(table, pages.living, timestamp, limit, after_key)
        with self.database.work() as work:
            return self._fetch(work, table, query, values)

    def get_deletes_since(self, model_label: str, timestamp: int) -> dict[str, int]:
        """The stamps of all tombstones that came after `timestamp`."""
        return {key: stone.stamp for key, stone in self.get_deletes_page(model_label, timestamp).items()}

    def get_deletes_page(
        self, model_label: str, timestamp: int, limit: int | None = None, after_key: Place | None = None
    ) -> dict[str, Tombstone]:
        """As `get_changed_since`, for tombstones."""
        table = self._table(model_label)
        query, values = self._page(table, pages.buried, timestamp, limit, after_key)
        with self.database.work() as work:
            rows = fetched(work.connection, query, values)
        return {table.key_out(key): Tombstone(deleted, received) for key, deleted, received in rows}

    def _page(
        self,
        table: SyncedTable,
        made: Callable[..., sa.Select[Any]],
        timestamp: int,
        limit: int | None,
        after_key: Place | None,
    ) -> tuple[sa.Select[Any], dict[str, Any]]:
        """The query of a page, and its values."""
        values: dict[str, Any] = {"stamp": timestamp}
        after: type | None = None
        if after_key is not None and after_key[0] > timestamp:
            key = compared(self.database.dialect, table.stored_key(after_key[1]))
            values, after = {"stamp": after_key[0], "key": key}, type(key)
        if limit is not None:
            values["most"] = limit
        return made(table, after, limited=limit is not None), values

    def get_records(self, model_label: str, keys: Collection[str]) -> dict[str, SyncRecord]:
        """Living records of these keys. Within `transaction()` nobody else can change them before its end."""
        table = self._table(model_label)
        with self.database.work() as work:
            found = self._read(work, table, list(keys), lock=True)
            work.absent.setdefault(model_label, set()).update(set(keys) - found.keys())
            return found

    def read(self, model_label: str, keys: Collection[str]) -> dict[str, SyncRecord]:
        """As `get_records`, of which nobody is kept from changing them.

        What is in the table, and nothing is known of, has no stamps.
        """
        with self.database.work() as work:
            return self._read(work, self._table(model_label), list(keys), lock=False)

    def get_tombstones(self, model_label: str, keys: Collection[str]) -> dict[str, Tombstone]:
        """The tombstones of these keys that are there."""
        table = self._table(model_label)
        found: dict[str, Tombstone] = {}
        with self.database.work() as work:
            possible = [table.stored_key(key) for key in possible_keys(table, keys)]
            for some in chunks(possible):
                query = lookups.tombstones(self.database.dialect, model_label, some)
                for key, stamp, received_at in work.connection.execute(query):
                    found[table.key_out(key)] = Tombstone(stamp, received_at)
        return found

    def get_keys(self, model_label: str) -> Iterator[str]:
        """The keys of all records, in their own order."""
        table = self._table(model_label)
        last = ""
        while True:
            after = comparable(self.database.dialect, last)
            query = (
                sa.select(_records.c.key)
                .where(
                    _records.c.model == model_label,
                    _records.c.deleted.is_(None),
                    _records.c.key > after,
                )
                .order_by(_records.c.key)
                .limit(CHUNK)
            )
            with self.database.work() as work:
                keys = [key for (key,) in fetched(work.connection, query)]
            if not keys:
                return
            yield from map(table.key_out, keys)
            last = keys[-1]

    def _read(
        self, work: Work, table: SyncedTable, keys: Sequence[str], *, lock: bool
    ) -> dict[str, SyncRecord]:
        found: dict[str, SyncRecord] = {}
        for some in chunks(keys):
            query, values = lookups.records(table, keys_in(table, some), lock=lock)
            found |= self._fetch(work, table, query, values)
        return found

    def _fetch(
        self, work: Work, table: SyncedTable, query: sa.Select[Any], values: Mapping[str, Any] | None = None
    ) -> dict[str, SyncRecord]:
        found: dict[str, SyncRecord] = {}
        rows = fetched(work.connection, query, values)
        end = 4 + len(table.fields)
        stamps, arrivals = (objects_of([row[at] for row in rows]) for at in (1, 3))
        contents = table.data_of_all([row[4:end] for row in rows])
        for row, edited, came, data in zip(rows, stamps, arrivals, contents, strict=True):
            # A captured edit came with its stamp, wherever its record was placed since.
            came.setdefault(WHOLE, 0)
            times = edited, row[2] or 0, came
            if row[0] is None:
                key = table.key_out(row[end])
                found[key] = BadRecord(key, dict.fromkeys(edited), *times, reason=_NO_ROW)
                continue
            key = table.key_out(row[0])
            found[key] = (
                SyncRecord(key, data, *times) if key else BadRecord(key, data, *times, reason=_NO_KEY)
            )
        return found

    def get_references(self, model_label: str, keys: Collection[str]) -> Iterator[Reference]:
        """All living records of synced tables that refer to these by a foreign key among synced columns."""
        table = self._table(model_label)
        with self.database.work() as work:
            for key in foreign.keys_to(work.connection, self.tables.values(), table):
                for some in chunks(keys_in(table, list(keys))):
                    for parent, child in work.connection.execute(foreign.referring(key, some)):
                        yield Reference(
                            key.child.label, key.child.key_out(child), model_label, table.key_out(parent)
                        )

    def _table(self, model_label: str) -> SyncedTable:
        try:
            return self.tables[model_label]
        except KeyError:
            raise TaskDefinitionError(f"table {model_label!r} is not synced by this node") from None


def keys_in(table: SyncedTable, keys: Sequence[str]) -> list[Any]:
    """The identities of keys; what no record of the table can be called is left out."""
    with suppress(ValueRefusedError):
        return table.keys_in(keys)
    found: list[Any] = []
    for key in keys:
        try:
            found.append(table.key_in(key))
        except ValueRefusedError:
            continue
    return found


def possible_keys(table: SyncedTable, keys: Collection[str]) -> list[str]:
    """Those of the keys that a record of the table can have."""
    some = list(keys)
    with suppress(ValueRefusedError):
        table.keys_in(some)
        return some
    return [key for key in some if table.can_be_key(key)]


def chunks(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """The items in parts that one statement can name."""
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]
