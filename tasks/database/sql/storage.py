"""Named tables of the user's own database as the storage of a node."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from tasks.database.record import WHOLE, SyncRecord
from tasks.database.sql import capture, lookups, placing, schema
from tasks.database.sql.bookkeeping import Bookkeeping
from tasks.database.sql.codec import ValueRefusedError
from tasks.database.sql.connection import Database, Work
from tasks.database.sql.restamping import Restamping
from tasks.database.sql.rows import JsonTexts, Note, write_notes, write_rows
from tasks.database.sql.tables import SyncedTable
from tasks.database.sql.writing import write_each, write_in_exchange
from tasks.database.storage import Place, Tombstone
from tasks.errors import TaskDefinitionError

#: Records that one statement names at most.
CHUNK = 2_000

_records = schema.records


class SQLAlchemyStorage(Restamping, Bookkeeping):
    """`ArrivalStorage` on SQLite or PostgreSQL. Calls outside `transaction()` are transactions of their own.

    Args:
        database: the node's database, an engine or an address.
        tables: what is synced.

    Raises:
        TaskDefinitionError: two tables have one label, or the address cannot be used.
    """

    def __init__(self, database: Database | sa.Engine | str, tables: Sequence[SyncedTable]) -> None:
        super().__init__(
            database if isinstance(database, Database) else Database(database),
            [table.label for table in tables],
        )
        self.tables = {table.label: table for table in tables}
        if len(self.tables) != len(tables):
            raise TaskDefinitionError("two synced tables have the same label")
        #: Why records were refused last, by model and key. It never quotes a value.
        self.refusals: dict[tuple[str, str], str] = {}

    def prepare(self, *, triggers: bool = True) -> None:
        """Make Lockstep's own tables, and capture the edits of all tables from now on.

        Without `triggers` only programs that use `Synced` (see `tasks.database.sql.orm`) are captured.
        """
        self.make_tables()
        for table in self.tables.values():
            if not triggers:
                capture.adopt(self.database, table)
            elif not capture.installed(self.database, table):
                capture.install(self.database, table)

    def make_tables(self) -> None:
        """Make Lockstep's own tables where they are missing."""
        with self.database.work() as work:
            schema.create(work.connection)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All calls of this thread within it are kept together, or not at all; one at a time in all processes.

        Raises:
            NodeDatabaseError: the database cannot be reached or is too busy.
        """
        with self.database.work() as work:
            placing.lock_node(work)
            yield

    def hold(self, node_id: str) -> None:
        """Let nobody else process this database's node before the transaction ends."""
        with self.database.work() as work:
            placing.lock_node(work)

    def horizon(self, now: int) -> int:
        """Give all that is visible a place; return one above it, which is at least `now`.

        Nobody else can give any before the transaction ends.
        """
        with self.database.work() as work:
            return placing.place_all(work, now)

    def close(self) -> None:
        """Close all connections."""
        self.database.close()

    # --- what there is -----------------------------------------------------------------------------------

    def get_changed_since(
        self,
        model_label: str,
        timestamp: int,
        limit: int | None = None,
        after_key: Place | None = None,
    ) -> dict[str, SyncRecord]:
        """Living records with a place above `timestamp`, in the order of place and key, at most `limit`."""
        table = self._table(model_label)
        # One statement: a page is as long as it can be, and no row is newer than its stamps.
        columns = lookups.columns(table).select_from(
            _records.join(table.table, table.key_column == lookups.identity_of_key(table))
        )
        query = self._placed(table, timestamp, limit, after_key, columns).where(_records.c.deleted.is_(None))
        with self.database.work() as work:
            return self._fetch(work, table, query)

    def get_deletes_since(self, model_label: str, timestamp: int) -> dict[str, int]:
        """The stamps of all tombstones that came after `timestamp`."""
        return {key: stone.stamp for key, stone in self.get_deletes_page(model_label, timestamp).items()}

    def get_deletes_page(
        self, model_label: str, timestamp: int, limit: int | None = None, after_key: Place | None = None
    ) -> dict[str, Tombstone]:
        """As `get_changed_since`, for tombstones."""
        table = self._table(model_label)
        columns = sa.select(_records.c.key, _records.c.deleted, _records.c.received_at)
        query = self._placed(table, timestamp, limit, after_key, columns).where(
            _records.c.deleted.is_not(None)
        )
        with self.database.work() as work:
            rows = work.connection.execute(query).all()
        return {table.key_out(key): Tombstone(deleted, received) for key, deleted, received in rows}

    def _placed(
        self,
        table: SyncedTable,
        timestamp: int,
        limit: int | None,
        after_key: Place | None,
        columns: sa.Select[Any],
    ) -> sa.Select[Any]:
        place, key = _records.c.place, _records.c.key
        behind: sa.ColumnElement[bool] = place > timestamp
        if after_key is not None and after_key[0] > timestamp:
            stamp, last = after_key
            # Compared as one, and alone: many changes may have the same place, and so the index leads to the
            # next of them.
            after = sa.tuple_(sa.literal(stamp, sa.BigInteger), sa.literal(_sortable(table.stored_key(last))))
            behind = sa.tuple_(place, key) > after
        # That it is not NULL SQLite does not see in a comparison of two columns at once.
        query = columns.where(_records.c.model == table.label, behind, place.is_not(None))
        return query.order_by(place, key).limit(limit)

    def get_records(self, model_label: str, keys: Collection[str]) -> dict[str, SyncRecord]:
        """Living records of these keys. Within `transaction()` nobody else can change them before its end."""
        table = self._table(model_label)
        with self.database.work() as work:
            found = self._read(work, table, list(keys), lock=True)
            work.absent.setdefault(model_label, set()).update(set(keys) - found.keys())
            return found

    def get_tombstones(self, model_label: str, keys: Collection[str]) -> dict[str, Tombstone]:
        """The tombstones of these keys that are there."""
        table = self._table(model_label)
        found: dict[str, Tombstone] = {}
        with self.database.work() as work:
            possible = [table.stored_key(key) for key in keys if table.can_be_key(key)]
            for some in _chunks(possible):
                query = lookups.tombstones(self.database.dialect, model_label, some)
                for key, stamp, received_at in work.connection.execute(query):
                    found[table.key_out(key)] = Tombstone(stamp, received_at)
        return found

    def get_keys(self, model_label: str) -> Iterator[str]:
        """The keys of all records, in their own order."""
        table = self._table(model_label)
        last = ""
        while True:
            query = (
                sa.select(_records.c.key)
                .where(
                    _records.c.model == model_label,
                    _records.c.deleted.is_(None),
                    _records.c.key > last,
                )
                .order_by(_records.c.key)
                .limit(CHUNK)
            )
            with self.database.work() as work:
                keys = work.connection.scalars(query).all()
            if not keys:
                return
            yield from map(table.key_out, keys)
            last = keys[-1]

    def _read(
        self, work: Work, table: SyncedTable, keys: Sequence[str], *, lock: bool
    ) -> dict[str, SyncRecord]:
        found: dict[str, SyncRecord] = {}
        for some in _chunks(keys):
            found |= self._fetch(work, table, lookups.records(table, _keys_in(table, some), lock=lock))
        return found

    def _fetch(self, work: Work, table: SyncedTable, query: sa.Select[Any]) -> dict[str, SyncRecord]:
        found: dict[str, SyncRecord] = {}
        stamps, arrivals = JsonTexts(), JsonTexts()
        for row in work.connection.execute(query).all():
            key = table.key_out(row[0])
            came = arrivals.load(row[3])
            came.setdefault(
                WHOLE, 0
            )  # a captured edit came with its stamp, wherever its record was placed since
            found[key] = SyncRecord(key, table.data_of(row[4:]), stamps.load(row[1]), row[2] or 0, came)
        return found

    # --- what is written ---------------------------------------------------------------------------------

    def upsert_many(self, model_label: str, records: Mapping[str, SyncRecord]) -> set[str]:
        """Write records whole, in place of tombstones too; return the keys of those that cannot be written.

        Nothing of it is captured as an edit made here.
        """
        return self._upsert(self._table(model_label), records, frozenset())

    def upsert_without(
        self, model_label: str, records: Mapping[str, SyncRecord], parents: Collection[str]
    ) -> set[str]:
        """As `upsert_many`, with the foreign keys to these models left empty for now, and without their stamps."""
        table = self._table(model_label)
        targets = {self.tables[label].table.fullname for label in parents if label in self.tables}
        empty = frozenset(
            column.name
            for column in table.table.c
            if any(key.target_fullname.rpartition(".")[0] in targets for key in column.foreign_keys)
        )
        return self._upsert(table, records, empty)

    def _upsert(
        self, table: SyncedTable, records: Mapping[str, SyncRecord], empty: frozenset[str]
    ) -> set[str]:
        rows: dict[str, dict[str, Any]] = {}
        refused: dict[str, str] = {}
        emptied: dict[str, set[str]] = {}
        for key, record in records.items():
            try:
                rows[key] = table.row_of(key, record.data)
            except ValueRefusedError as error:
                refused[key] = str(error)
                continue
            if empty:
                emptied[key] = {name for name in empty if rows[key].get(name) is not None}
                rows[key].update(dict.fromkeys(emptied[key]))
        with self.database.work() as work:
            absent = work.absent.setdefault(table.label, set())
            forms: dict[tuple[bool, tuple[str, ...]], list[str]] = {}
            for key, row in rows.items():
                forms.setdefault((key in absent, tuple(row)), []).append(key)
            with self._quietly(work):
                for (new, names), keys in forms.items():

                    def write(some: Sequence[str], new: bool = new, names: Sequence[str] = names) -> None:
                        values = [tuple(rows[key].values()) for key in some]
                        write_rows(work.connection, table, names, values, new=new)

                    failed = dict(write_each(work.connection, keys, write))
                    if not new and len(failed) > 1:
                        for key in self._exchange(work, table, names, list(failed), write):
                            del failed[key]
                    refused.update(failed)
            written = {key: records[key] for key in rows if key not in refused}
            self._note(work, table, written, emptied)
            absent.difference_update(written)  # in place: another set would be nobody's
        self._refuse(table, records, refused)
        return set(refused)

    def _exchange(
        self,
        work: Work,
        table: SyncedTable,
        names: Collection[str],
        keys: Sequence[str],
        write: Callable[[Sequence[str]], None],
    ) -> list[str]:
        """Write records that have exchanged unique values, of which none can be written before the other."""
        empty = dict.fromkeys(table.unique_fields.intersection(names))
        if not empty or not empty.keys().isdisjoint(lookups.referred(work.connection, table)):
            return []

        def clear(some: Sequence[str]) -> None:
            for part in _chunks(some):
                among = lookups.among(table, _keys_in(table, part))
                work.connection.execute(sa.update(table.table).where(among).values(empty))

        return write_in_exchange(work.connection, keys, clear, write)

    def _note(
        self,
        work: Work,
        table: SyncedTable,
        records: Mapping[str, SyncRecord],
        emptied: Mapping[str, set[str]],
    ) -> None:
        """Keep what is known of records that were written; what was left empty is older than anything."""
        known = set(table.fields)
        here = known | {WHOLE}
        stamp_texts, arrival_texts = JsonTexts(), JsonTexts()
        notes: list[Note] = []
        for key, record in records.items():
            stamps, arrivals, received_at = record.timestamps, record.arrivals, record.received_at
            left_out = emptied.get(key, ())
            if left_out or not stamps.keys() <= known:
                stamps = {name: at for name, at in stamps.items() if name in known and name not in left_out}
            if WHOLE not in arrivals:
                arrivals = {WHOLE: received_at, **arrivals}
            if not arrivals.keys() <= here:
                arrivals = {name: at for name, at in arrivals.items() if name in here}
            newest = max(stamps.values(), default=0)
            notes.append(
                Note(
                    model=table.label,
                    key=table.stored_key(key),
                    stamps=stamp_texts.dump(stamps),
                    newest=newest,
                    received_at=received_at,
                    arrivals=arrival_texts.dump(arrivals),
                    place=max(newest, received_at),
                    deleted=None,
                )
            )
        write_notes(work.connection, notes)

    def delete_many(self, model_label: str, deletes: Mapping[str, int], received_at: int = 0) -> set[str]:
        """Delete records and keep tombstones, also of what was never here; return the keys that were refused.

        What the database deletes with a record, by `ON DELETE CASCADE`, is captured like an edit made here.
        """
        table = self._table(model_label)
        refused = {key: "no key of this table" for key in deletes if not table.can_be_key(key)}
        keys = [key for key in deletes if key not in refused]
        with self.database.work() as work:

            def bury(some: Sequence[str]) -> None:
                self._bury(work, table, {key: deletes[key] for key in some}, received_at)

            refused.update(write_each(work.connection, keys, bury))
        self._refuse(table, deletes, refused)
        return set(refused)

    def _bury(self, work: Work, table: SyncedTable, deletes: Mapping[str, int], received_at: int) -> None:
        # The tombstones come first: so the triggers know these deletions from those that follow from them.
        write_notes(
            work.connection,
            [
                Note(
                    table.label, table.stored_key(key), "{}", at, received_at, "{}", max(at, received_at), at
                )
                for key, at in deletes.items()
            ],
        )
        for some in _chunks(list(deletes)):
            work.connection.execute(sa.delete(table.table).where(lookups.among(table, _keys_in(table, some))))
        work.absent.setdefault(table.label, set()).update(deletes)

    def _refuse(self, table: SyncedTable, keys: Collection[str], refused: Mapping[str, str]) -> None:
        for key in keys:
            self.refusals.pop((table.label, key), None)
        self.refusals.update({(table.label, key): reason for key, reason in refused.items()})

    @contextmanager
    def _quietly(self, work: Work) -> Iterator[None]:
        """What is written within is not captured."""
        if self.database.dialect == "postgresql":
            on, off = "SET LOCAL lockstep.applying = 'on'", "SET LOCAL lockstep.applying = 'off'"
        else:
            on, off = "UPDATE lockstep_node SET applying = 1", "UPDATE lockstep_node SET applying = 0"
        with work.connection.begin_nested():  # an error takes the first statement back, too
            work.connection.exec_driver_sql(on)
            yield
            work.connection.exec_driver_sql(off)

    def _table(self, model_label: str) -> SyncedTable:
        try:
            return self.tables[model_label]
        except KeyError:
            raise TaskDefinitionError(f"table {model_label!r} is not synced by this node") from None


def _keys_in(table: SyncedTable, keys: Sequence[str]) -> list[Any]:
    """The identities of keys; what no record of the table can be called is left out."""
    found: list[Any] = []
    for key in keys:
        try:
            found.append(table.key_in(key))
        except ValueRefusedError:
            continue
    return found


def _sortable(key: str) -> str:
    """A place between keys, whatever a peer says: a text that every database takes."""
    return key.encode("utf-8", "replace").decode().replace("\x00", "\x01")


def _chunks(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]
