"""Named tables of the user's own database as the storage of a node."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from tasks.database.beside import Beside
from tasks.database.record import WHOLE, SyncRecord
from tasks.database.sql import capture, foreign, lookups, placing, reading_back, schema, sequences
from tasks.database.sql.bookkeeping import Bookkeeping
from tasks.database.sql.codec import ValueRefusedError
from tasks.database.sql.connection import Database, Work
from tasks.database.sql.followers import Followers, is_followed
from tasks.database.sql.following import Following
from tasks.database.sql.linked import parents_first
from tasks.database.sql.outside import beside_file
from tasks.database.sql.reading import comparable, fetched
from tasks.database.sql.restamping import Restamping
from tasks.database.sql.rows import How, JsonTexts, Note, notes_of, write_notes, write_rows
from tasks.database.sql.tables import SyncedTable
from tasks.database.sql.writing import RowsRefusedError, write_each, write_in_exchange
from tasks.database.storage import Place, Reference, Tombstone
from tasks.database.unsent import BadRecord
from tasks.errors import TaskDefinitionError

#: Records that one statement names at most.
CHUNK = 2_000

_NO_ROW = "no row is found by its key: it is of another type than the column, or was removed unseen"
_NO_KEY = "its key is empty"

_records = schema.records


class SQLAlchemyStorage(Following, Restamping, Bookkeeping):
    """`ArrivalStorage` on SQLite or PostgreSQL. Calls outside `transaction()` are transactions of their own.

    Args:
        database: the node's database, an engine or an address.
        tables: what is synced.
        beside: keeps outside of the database how far it was; without it, a file beside that of an SQLite database.

    Raises:
        TaskDefinitionError: two tables have one label, or the address cannot be used.
    """

    def __init__(
        self,
        database: Database | sa.Engine | str,
        tables: Sequence[SyncedTable],
        *,
        beside: Beside | None = None,
    ) -> None:
        super().__init__(
            database if isinstance(database, Database) else Database(database),
            [table.label for table in tables],
        )
        self.tables = {table.label: table for table in tables}
        if len(self.tables) != len(tables):
            raise TaskDefinitionError("two synced tables have the same label")
        self.beside = beside or beside_file(self.database.engine)
        #: Keys and texts that not every database can keep do not travel.
        self.plain_text = True
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
        self.look_anew()

    def make_tables(self) -> None:
        """Make Lockstep's own tables where they are missing."""
        with self.database.work() as work:
            schema.create(work.connection)
        self.look_anew()

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
        columns = lookups.columns(table).add_columns(_records.c.key)
        columns = columns.select_from(_records.outerjoin(table.table, lookups.is_key_of(table)))
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
            rows = fetched(work.connection, query)
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
            last_key = comparable(self.database.dialect, table.stored_key(last))
            after = sa.tuple_(sa.literal(stamp, sa.BigInteger), last_key)
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
        for some in _chunks(keys):
            found |= self._fetch(work, table, lookups.records(table, _keys_in(table, some), lock=lock))
        return found

    def _fetch(self, work: Work, table: SyncedTable, query: sa.Select[Any]) -> dict[str, SyncRecord]:
        found: dict[str, SyncRecord] = {}
        stamps, arrivals = JsonTexts(), JsonTexts()
        end = 4 + len(table.fields)
        for row in fetched(work.connection, query):
            came = arrivals.load(row[3])
            came.setdefault(
                WHOLE, 0
            )  # a captured edit came with its stamp, wherever its record was placed since
            times = stamps.load(row[1]), row[2] or 0, came
            if row[0] is None:
                key = table.key_out(row[end])
                found[key] = BadRecord(key, dict.fromkeys(times[0]), *times, reason=_NO_ROW)
                continue
            key = table.key_out(row[0])
            data = table.data_of(row[4:end])
            found[key] = (
                SyncRecord(key, data, *times) if key else BadRecord(key, data, *times, reason=_NO_KEY)
            )
        return found

    def get_references(self, model_label: str, keys: Collection[str]) -> Iterator[Reference]:
        """All living records of synced tables that refer to these by a foreign key among synced columns."""
        table = self._table(model_label)
        with self.database.work() as work:
            for key in foreign.keys_to(work.connection, self.tables.values(), table):
                for some in _chunks(_keys_in(table, list(keys))):
                    for parent, child in work.connection.execute(foreign.referring(key, some)):
                        yield Reference(
                            key.child.label, key.child.key_out(child), model_label, table.key_out(parent)
                        )

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
            watched = reading_back.is_watched(work, table)
            in_place = watched or table.in_place
            before = self._read(work, table, list(rows), lock=False) if in_place else {}
            edited: dict[str, dict[str, int]] = {}
            forms = _forms(rows, before, rows if in_place else absent)
            followers = self._followers(work, table, [key for key in rows if key not in absent])
            # Whatever else a trigger of the user's does is an edit made here; what it did to these rows is read back.
            with self._writing(work, captured=watched):
                for how, names, keys in forms:

                    def write(some: Sequence[str], how: How = how, names: Sequence[str] = names) -> None:
                        values = [tuple(rows[key].values()) for key in some]
                        write_rows(work.connection, table, names, values, how=how)
                        if not watched and table.doubtful.isdisjoint(names):
                            return
                        sent = {key: records[key] for key in some}
                        found = self._read(work, table, some, lock=False)
                        verdict = reading_back.judge(table, sent, emptied, before, found, watched=watched)
                        if verdict.refused:
                            raise RowsRefusedError(verdict.refused)
                        edited.update(verdict.edited)

                    def settle(some: Sequence[str]) -> tuple[Sequence[str], Mapping[str, str]]:
                        references = foreign.keys_from(work.connection, self.tables.values(), table)
                        return parents_first(work.connection, references, {key: rows[key] for key in some})

                    failed = dict(write_each(work.connection, keys, write, settle))
                    if how is not How.NEW and len(failed) > 1:
                        for key in self._exchange(work, table, names, list(failed), write):
                            del failed[key]
                    refused.update(failed)
            written = {key: records[key] for key in rows if key not in refused}
            write_notes(work.connection, notes_of(table, written, emptied))
            if made_here := {key: stamps for key, stamps in edited.items() if key in written}:
                self.restamp(table.label, made_here)
            if any(how is not How.UPDATED for how, _, _ in forms):
                sequences.move_on(work, table, [row for key, row in rows.items() if key in written])
            if followers is not None:
                followers.stamp(written)
            absent.difference_update(written)  # in place: another set would be nobody's
        self._refuse(table, records, refused)
        return set(refused)

    def _followers(self, work: Work, table: SyncedTable, keys: Sequence[str]) -> Followers | None:
        """Those that a foreign key may change with what is written; None: no key does so."""
        if not keys or not is_followed(self.tables.values(), table):
            return None
        followers = Followers(work.connection, lambda child, some: self._read(work, child, some, lock=True))
        for some in _chunks(_keys_in(table, keys)):
            followers.note(foreign.keys_to(work.connection, self.tables.values(), table), some)
        return followers

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

    def delete_many(self, model_label: str, deletes: Mapping[str, int], received_at: int = 0) -> set[str]:
        """Delete records and keep tombstones, also of what was never here; return the keys that were refused.

        What the database itself deletes with a record, by way of tables that are not synced, is captured like an
        edit made here.
        """
        table = self._table(model_label)
        refused = {key: "no key of this table" for key in deletes if not table.can_be_key(key)}
        keys = [key for key in deletes if key not in refused]
        with self.database.work() as work:

            def bury(some: Sequence[str]) -> None:
                self._bury(work, table, {key: deletes[key] for key in some}, received_at)

            if keys:
                with self._writing(work, captured=True):
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
        identities = _keys_in(table, list(deletes))
        if self.database.dialect == "sqlite" and foreign.refers_to_itself(work.connection, table):
            # One by one, in their order: a long chain would go deeper than SQLite follows it.
            self._delete_each(work, table, identities)
        else:
            for some in _chunks(identities):
                work.connection.execute(sa.delete(table.table).where(lookups.among(table, some)))
        kept: list[str] = []
        if reading_back.is_watched(work, table):
            for names in _chunks(list(deletes)):
                kept += self._read(work, table, names, lock=False)
        if kept:
            raise RowsRefusedError(
                dict.fromkeys(kept, "it is still there: a trigger or rule of the table keeps it")
            )
        work.absent.setdefault(table.label, set()).update(deletes)

    @staticmethod
    def _delete_each(work: Work, table: SyncedTable, identities: Sequence[Any]) -> None:
        key = sa.type_coerce(table.key_column, sa.types.NullType())
        named = sa.bindparam("key", type_=sa.types.NullType())
        one = sa.delete(table.table).where(key == named)
        if table.loose_keys:
            one = one.where(sa.collate(key, "BINARY") == named)
        work.connection.execute(one, [{"key": identity} for identity in identities])

    def _refuse(self, table: SyncedTable, keys: Collection[str], refused: Mapping[str, str]) -> None:
        for key in keys:
            self.refusals.pop((table.label, key), None)
        self.refusals.update({(table.label, key): reason for key, reason in refused.items()})

    @contextmanager
    def _writing(self, work: Work, *, captured: bool) -> Iterator[None]:
        """A peer's changes are written within, as users' triggers can see; what else it does is `captured`."""
        if self.database.dialect == "postgresql":
            asleep = "off" if captured else "on"
            on = f"SET LOCAL lockstep.applying = 'on'; SET LOCAL lockstep.asleep = '{asleep}'"
            off = "SET LOCAL lockstep.applying = 'off'; SET LOCAL lockstep.asleep = 'off'"
        else:
            on = f"UPDATE lockstep_node SET applying = {2 if captured else 1}"  # noqa: S608
            off = "UPDATE lockstep_node SET applying = 0"
        with work.connection.begin_nested():  # an error takes the first statement back, too
            work.connection.exec_driver_sql(on)
            yield
            work.connection.exec_driver_sql(off)

    def _table(self, model_label: str) -> SyncedTable:
        try:
            return self.tables[model_label]
        except KeyError:
            raise TaskDefinitionError(f"table {model_label!r} is not synced by this node") from None


def _forms(
    rows: Mapping[str, Mapping[str, Any]], there: Collection[str], absent: Collection[str]
) -> list[tuple[How, tuple[str, ...], list[str]]]:
    """The keys of rows that one statement can write, how, and of which columns."""
    kinds = {
        How.UPDATED: [key for key in rows if key in there],
        How.NEW: [key for key in rows if key in absent and key not in there],
        How.EITHER: [key for key in rows if key not in absent and key not in there],
    }
    found: list[tuple[How, tuple[str, ...], list[str]]] = []
    for how, keys in kinds.items():
        by_names: dict[tuple[str, ...], list[str]] = {}
        for key in keys:
            by_names.setdefault(tuple(rows[key]), []).append(key)
        found += [(how, names, some) for names, some in by_names.items()]
    return found


def _keys_in(table: SyncedTable, keys: Sequence[str]) -> list[Any]:
    """The identities of keys; what no record of the table can be called is left out."""
    found: list[Any] = []
    for key in keys:
        try:
            found.append(table.key_in(key))
        except ValueRefusedError:
            continue
    return found


def _chunks(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]
