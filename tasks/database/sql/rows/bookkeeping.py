"""What a node's database knows beside its records: checkpoints, the clock's bound, and how old tombstones are."""

# ruff: noqa: S608  constants of this module

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Iterable
from typing import Any

import sqlalchemy as sa

from tasks.database.records.conflict import ConflictType, FieldConflict, RecordConflict, ResolutionSource
from tasks.database.records.record import STAMP_MAX, SyncRecord
from tasks.database.records.result import ConflictEntry
from tasks.database.sql.tables import placing, schema
from tasks.database.sql.tables.connection import Database
from tasks.database.sql.tables.statement import Statement

_checkpoints, _records = schema.checkpoints.c, schema.records

_GET_CHECKPOINT = Statement("SELECT stamp, after_keys FROM lockstep_checkpoints WHERE node_id = :node_id")
_SAVE_CHECKPOINT = Statement(
    "INSERT INTO lockstep_checkpoints (node_id, stamp, after_keys) VALUES (:node_id, :stamp, :after_keys) "
    "ON CONFLICT (node_id) DO UPDATE SET stamp = excluded.stamp, after_keys = excluded.after_keys"
)
_LIVING = "FROM lockstep_records WHERE model = :model AND deleted IS NULL"
_COUNT = Statement(f"SELECT count(*) {_LIVING}")
_COUNT_SOME = Statement(f"SELECT count(*) FROM (SELECT 1 {_LIVING} ORDER BY key LIMIT :most) living")
_GET_BOUND = Statement("SELECT bound FROM lockstep_clock")
_SAVE_BOUND = Statement("UPDATE lockstep_clock SET bound = :bound WHERE bound < :bound")
_GET_PURGED = Statement("SELECT purged FROM lockstep_node")


class Bookkeeping:
    """The part of the storage that needs no table of the user's."""

    def __init__(self, database: Database, labels: Collection[str]) -> None:
        self.database = database
        self.labels = list(labels)

    def get_checkpoint(self, node_id: str) -> int:
        """The checkpoint that was saved last; 0 before."""
        return self._checkpoint(node_id)[0]

    def get_after_keys(self, node_id: str) -> dict[str, Any]:
        """The JSON values that were saved with it."""
        found: dict[str, Any] = json.loads(self._checkpoint(node_id)[1])
        return found

    def _checkpoint(self, node_id: str) -> tuple[int, str]:
        with self.database.work() as work:
            found = work.checkpoints.get(node_id)
            if found is None:
                row = _GET_CHECKPOINT.run(work.connection, {"node_id": node_id}).first()
                found = (0, "{}") if row is None else (int(row[0]), row[1])
                if work.locked:
                    work.checkpoints[node_id] = found
            return found

    def save_checkpoint(self, node_id: str, timestamp: int, after_keys: dict[str, Any] | None = None) -> None:
        """Keep both; without `after_keys` there are none any more."""
        kept = json.dumps(after_keys or {})
        row = {"node_id": node_id, "stamp": timestamp, "after_keys": kept}
        with self.database.work() as work:
            _SAVE_CHECKPOINT.run(work.connection, row)
            if work.locked:
                work.checkpoints[node_id] = (timestamp, kept)

    def get_nodes(self) -> dict[str, int]:
        """All node ids that have a checkpoint, with it."""
        with self.database.work() as work:
            rows = work.connection.execute(sa.select(_checkpoints.node_id, _checkpoints.stamp))
            return {node_id: int(stamp) for node_id, stamp in rows}

    def forget_node(self, node_id: str) -> None:
        """Drop a node's checkpoint and what belongs to it."""
        with self.database.work() as work:
            work.connection.execute(sa.delete(schema.checkpoints).where(_checkpoints.node_id == node_id))
            work.checkpoints.pop(node_id, None)

    def get_clock_bound(self) -> int:
        """The stamp above which the node's clock has given none out."""
        with self.database.work() as work:
            return int(_GET_BOUND.run(work.connection).scalar() or 0)

    def save_clock_bound(self, bound: int) -> None:
        """Keep the bound; it only ever grows, also when the transaction around it is undone."""
        with self.database.work() as work:
            work.clock_bound = max(work.clock_bound, bound)
            _SAVE_BOUND.run(work.connection, {"bound": bound})

    def purge_tombstones(self, arrival: int, stamp_max: int = STAMP_MAX) -> int:
        """Drop the tombstones that came at or before this place and have no larger stamp; return how many."""
        node = schema.node
        with self.database.work() as work:
            gone = work.connection.execute(
                sa.delete(_records).where(_records.c.deleted <= stamp_max, _records.c.place <= arrival)
            ).rowcount
            if gone:
                work.connection.execute(sa.update(node).where(node.c.purged < arrival).values(purged=arrival))
            return gone

    def get_purged(self) -> int:
        """The largest place up to which tombstones may have been dropped."""
        with self.database.work() as work:
            return int(_GET_PURGED.run(work.connection).scalar() or 0)

    def count(self, model_label: str, most: int | None = None) -> int:
        """How many records of a model live; no more than `most` are counted."""
        with self.database.work() as work:
            if most is None:
                return int(_COUNT.run(work.connection, {"model": model_label}).scalar() or 0)
            some = {"model": model_label, "most": most}
            return int(_COUNT_SOME.run(work.connection, some).scalar() or 0)

    def oldest_after(self, place: int, without: Collection[int] = ()) -> int | None:
        """The stamp of the oldest change behind a place, or not placed yet; None: there is none.

        What was received `without` these stamps of arrival is meant: it came from the peer itself.
        """
        behind = sa.select(sa.func.min(_records.c.newest)).where(
            _records.c.model.in_(self.labels),
            _records.c.place > place,
            _records.c.received_at.not_in(list(without)),
        )
        # Each has an index, which leads to what is behind the place and to nothing else.
        queries = (
            behind.where(_records.c.deleted.is_(None)),
            behind.where(_records.c.deleted.is_not(None)),
        )
        with self.database.work() as work:
            found = [placing.oldest_due(work), *map(work.connection.scalar, queries)]
            return min((int(stamp) for stamp in found if stamp is not None), default=None)

    def keep_conflicts(self, entries: Iterable[ConflictEntry]) -> None:
        """Keep resolved conflicts together with what they decided."""
        rows = [
            {
                "model": entry.conflict.model_label,
                "key": entry.conflict.key,
                "kind": str(entry.conflict.conflict_type),
                "source": str(entry.resolution_source),
                "entry": json.dumps(
                    {**dataclasses.asdict(entry.conflict), "kept": _kept(entry)}, default=str
                ),
            }
            for entry in entries
        ]
        if rows:
            with self.database.work() as work:
                work.connection.execute(sa.insert(schema.conflicts), rows)

    @property
    def conflicts(self) -> list[ConflictEntry]:
        """All conflicts that this node resolved, oldest first."""
        table = schema.conflicts
        with self.database.work() as work:
            rows = work.connection.execute(
                sa.select(table.c.source, table.c.entry).order_by(table.c.id)
            ).all()
        return [
            ConflictEntry(_conflict(data), ResolutionSource(source), _record(data.get("kept")))
            for source, data in ((source, json.loads(entry)) for source, entry in rows)
        ]


def _kept(entry: ConflictEntry) -> dict[str, Any] | None:
    return None if entry.kept is None else dataclasses.asdict(entry.kept)


def _conflict(data: dict[str, Any]) -> RecordConflict:
    sides = {name: _record(data[name]) for name in ("local", "remote")}
    fields = [FieldConflict(**each) for each in data["field_conflicts"]]
    kind = ConflictType(data["conflict_type"])
    return RecordConflict(data["key"], data["model_label"], kind, fields, sides["local"], sides["remote"])


def _record(data: dict[str, Any] | None) -> SyncRecord | None:
    if data is None:
        return None
    made = {field.name for field in dataclasses.fields(SyncRecord) if field.init}
    return SyncRecord(**{name: value for name, value in data.items() if name in made})
