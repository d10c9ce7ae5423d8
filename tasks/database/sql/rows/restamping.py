"""Stamps of a clock that was far ahead, found and taken back (see `tasks.database.engine.restamp`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from tasks.database.records.record import WHOLE
from tasks.database.sql.rows.reading import comparable, fetched
from tasks.database.sql.tables import placing, schema
from tasks.database.sql.tables.connection import Database
from tasks.database.sql.tables.statement import Statement
from tasks.database.sql.tables.synced_table import SyncedTable
from tasks.database.storages.unsent import is_plain_key

#: Rows that are read at once.
CHUNK = 1000

_records, _clock = schema.records.c, schema.clock.c
_RESTAMPED = Statement("SELECT at, above FROM lockstep_restamped")


class Restamping:
    """The part of the storage that is `RestampableStorage`."""

    database: Database
    tables: Mapping[str, SyncedTable]

    def get_last_place(self) -> int:
        """The last place that a peer may have been told of."""
        with self.database.work() as work:
            return placing.last_place(work)

    def get_stamps_above(self, model_label: str, stamp: int) -> Iterator[tuple[str, dict[str, int]]]:
        """Keys of records and tombstones with a stamp above this one, each with all its stamps by field."""
        table, last = self.tables[model_label], ""
        while True:
            query = (
                sa.select(_records.key, _records.stamps, _records.deleted)
                .where(
                    _records.model == model_label,
                    _records.newest > stamp,
                    _records.key > comparable(self.database.dialect, last),
                )
                .order_by(_records.key)
                .limit(CHUNK)
                .with_for_update()
            )
            with self.database.work() as work:
                rows = fetched(work.connection, query)
            for key, stamps, deleted in rows:
                if not is_plain_key(key):
                    continue  # it goes to no peer
                yield table.key_out(key), dict(stamps) if deleted is None else {WHOLE: deleted}
            if len(rows) < CHUNK:
                return
            last = rows[-1][0]

    def get_newest_up_to(self, stamp: int) -> int:
        """The largest stamp of all records and tombstones that have none above this one."""
        query = sa.select(sa.func.max(_records.newest)).where(
            _records.model.in_(list(self.tables)), _records.newest <= stamp
        )
        with self.database.work() as work:
            return int(work.connection.scalar(query) or 0)

    def restamp(self, model_label: str, stamps: Mapping[str, Mapping[str, int]]) -> None:
        """Give these fields other stamps; what they are of gets its place when the next exchange begins."""
        table = self.tables[model_label]
        changes = {table.stored_key(key): changed for key, changed in stamps.items()}
        with self.database.work() as work:
            query = sa.select(_records.key, _records.stamps, _records.pending, _records.deleted).where(
                _records.model == model_label, _records.key.in_(changes)
            )
            rows = [_changed(row, changes[row.key]) for row in work.connection.execute(query)]
            update = sa.update(schema.records).where(
                _records.model == model_label, _records.key == sa.bindparam("of")
            )
            work.connection.execute(
                update.values({name: sa.bindparam(name) for name in rows[0] if name != "of"}), rows
            )

    def send_again(self, model_label: str, keys: Sequence[str], place: int) -> None:
        """Let living records come to this place in the order of arrival, as if all of them were new."""
        table = self.tables[model_label]
        stored = [comparable(self.database.dialect, table.stored_key(key)) for key in keys]
        with self.database.work() as work:
            for start in range(0, len(stored), CHUNK):
                some = _records.key.in_(stored[start : start + CHUNK])
                work.connection.execute(
                    sa.update(schema.records)
                    .where(_records.model == model_label, some, _records.deleted.is_(None))
                    .values(place=place, received_at=place, arrivals={WHOLE: place}, pending=sa.null())
                )

    def get_restamped(self) -> dict[int, int]:
        """When stamps were taken back, and above which."""
        with self.database.work() as work:
            return {int(at): int(above) for at, above in _RESTAMPED.run(work.connection)}

    def save_restamped(self, at: int, above: int) -> None:
        """Keep that stamps `above` this one were taken back `at` this place."""
        with self.database.work() as work:
            work.connection.execute(sa.insert(schema.restamped).values(at=at, above=above))

    def lower_clock_bound(self, bound: int) -> None:
        """Set the clock's bound back, where it is higher."""
        with self.database.work() as work:
            work.connection.execute(sa.update(schema.clock).where(_clock.bound > bound).values(bound=bound))


def _changed(row: Any, changed: Mapping[str, int]) -> dict[str, Any]:
    """A row of what is known, with these stamps, and as if it had just been captured."""
    pending = dict(row.pending or {})
    if row.deleted is not None:
        stamps, deleted, newest = {}, changed[WHOLE], changed[WHOLE]
        pending = {WHOLE: newest}
    else:
        stamps, deleted = {**row.stamps, **changed}, None
        newest = max(stamps.values())
        pending = {WHOLE: newest} if WHOLE in pending else {**pending, **changed}
    return {
        "of": row.key,
        "stamps": stamps,
        "newest": newest,
        "deleted": deleted,
        "pending": pending,
        "place": None,
    }
