"""What a peer sent, as it is written into the user's tables: records and deletions, and what is known of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from tasks.database.records.record import SyncRecord
from tasks.database.sql.rows import reading_back
from tasks.database.sql.rows.followers import Followers, is_followed
from tasks.database.sql.rows.linked import parents_first
from tasks.database.sql.rows.records import Records, chunks, keys_in
from tasks.database.sql.rows.restamping import Restamping
from tasks.database.sql.rows.writing import RowsRefusedError, write_each, write_in_exchange
from tasks.database.sql.tables import foreign, lookups, schema, sequences
from tasks.database.sql.tables.bulk import How, Note, notes_of, write_notes, write_rows
from tasks.database.sql.tables.connection import Work
from tasks.database.sql.tables.synced_table import SyncedTable
from tasks.database.sql.values.codec import ValueRefusedError

_records = schema.records


class Changes(Records, Restamping):
    """The part of the storage that writes."""

    tables: Mapping[str, SyncedTable]
    #: Why records were refused last, by model and key. It never quotes a value.
    refusals: dict[tuple[str, str], str]

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
        for some in chunks(keys_in(table, keys)):
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
            for part in chunks(some):
                among = lookups.among(table, keys_in(table, part))
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
        identities = keys_in(table, list(deletes))
        if self.database.dialect == "sqlite" and foreign.refers_to_itself(work.connection, table):
            # One by one, in their order: a long chain would go deeper than SQLite follows it.
            self._delete_each(work, table, identities)
        else:
            for some in chunks(identities):
                work.connection.execute(sa.delete(table.table).where(lookups.among(table, some)))
        kept: list[str] = []
        if reading_back.is_watched(work, table):
            for names in chunks(list(deletes)):
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
