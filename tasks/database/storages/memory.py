"""A storage in memory: for tests, for trying things out, and as the plainest example."""

from __future__ import annotations

import copy
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from tasks.database.exceptions import InvalidParameterError
from tasks.database.records.clock import HybridLogicalClock
from tasks.database.records.record import STAMP_MAX, WHOLE, SyncRecord
from tasks.database.records.result import ConflictEntry
from tasks.database.storages.storage import Place, Tombstone


class MemoryStorage:
    """Keeps records, tombstones and checkpoints of one node. All methods may be called from any thread.

    Args:
        clock: stamps what `edit` and `remove` change; it must be the engine's.
    """

    def __init__(self, clock: HybridLogicalClock | None = None) -> None:
        self.clock = clock
        self._guard = threading.RLock()
        self._records: dict[str, dict[str, SyncRecord]] = {}
        self._tombstones: dict[str, dict[str, Tombstone]] = {}
        self._checkpoints: dict[str, tuple[int, dict[str, Any]]] = {}
        self._purged = 0
        self._conflicts: list[ConflictEntry] = []
        self._bound = 0
        #: The last place in the order of arrival.
        self._place = 0
        self._restamped: dict[int, int] = {}
        self._depth = 0

    # -- what a user of the database does -------------------------------------------------------------------

    def edit(self, model_label: str, key: str, **fields: Any) -> SyncRecord:
        """Create a record or change fields of one, now."""
        with self._guard:
            stamp = self._now()
            old = self._of(model_label).get(key)
            record = SyncRecord(
                key,
                {**(old.data if old else {"id": key}), **copy.deepcopy(fields)},
                {**(old.timestamps if old else {"id": stamp}), **dict.fromkeys(fields, stamp)},
                received_at=old.received_at if old else 0,
                arrivals=dict(old.arrivals) if old else {},
            )
            self._place_anew(record, stamp, fields if old else [WHOLE])
            self._put(model_label, record)
            return record

    def _place_anew(self, record: SyncRecord, stamp: int, fields: Iterable[str]) -> None:
        """Where the clock was set back, what is edited now does not come before what peers were told of."""
        if stamp <= self._place:
            self._place += 1
            record.move(self._place, fields)

    def remove(self, model_label: str, key: str) -> None:
        """Delete a record, now."""
        with self._guard:
            stamp = self._now()
            late = stamp <= self._place
            self._place += late
            self.delete_many(model_label, {key: stamp}, self._place if late else 0)

    def _now(self) -> int:
        if self.clock is None:
            raise InvalidParameterError(
                "this MemoryStorage was made without a clock, so it cannot stamp edits"
            )
        return self.clock.now()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Nobody else reads or writes meanwhile; an error undoes everything, but the clock's bound may only grow."""
        with self._guard:
            before = None if self._depth else self._kept()
            self._depth += 1
            try:
                yield
            except BaseException:
                if before is not None:
                    self._records, self._tombstones, self._checkpoints, *others = before
                    self._purged, self._conflicts, self._restamped, bound = others
                    self._bound = max(self._bound, bound)
                raise
            finally:
                self._depth -= 1

    def _kept(self) -> tuple[Any, ...]:
        """What is there now; records and tombstones are only ever replaced, never changed in place."""
        return (
            {label: dict(records) for label, records in self._records.items()},
            {label: dict(tombstones) for label, tombstones in self._tombstones.items()},
            dict(self._checkpoints),
            self._purged,
            list(self._conflicts),
            dict(self._restamped),
            self._bound,
        )

    # -- records and tombstones -----------------------------------------------------------------------------

    def get_records(self, model_label: str, keys: Collection[str]) -> dict[str, SyncRecord]:
        """The records of these keys that are there."""
        with self._guard:
            records = self._of(model_label)
            return {key: _copied(records[key]) for key in keys if key in records}

    def get_keys(self, model_label: str) -> list[str]:
        """The keys of all records."""
        with self._guard:
            return sorted(self._of(model_label))

    def count(self, model_label: str, most: int | None = None) -> int:
        """How many records there are."""
        with self._guard:
            return len(self._of(model_label))

    def get_changed_since(
        self, model_label: str, timestamp: int, limit: int | None = None, after_key: Place | None = None
    ) -> dict[str, SyncRecord]:
        """Records that came after `timestamp`, by arrival and key."""
        with self._guard:
            places = [(r.sync_field_last_modified, key) for key, r in self._of(model_label).items()]
            chosen = _page(places, timestamp, limit, after_key)
            return {key: _copied(self._records[model_label][key]) for _, key in chosen}

    def upsert_many(self, model_label: str, records: dict[str, SyncRecord]) -> set[str]:
        """Write records whole; all can be written."""
        with self._guard:
            for record in records.values():
                self._put(model_label, _copied(record))
        return set()

    def upsert_without(
        self, model_label: str, records: dict[str, SyncRecord], parents: Collection[str]
    ) -> set[str]:
        """As `upsert_many`: there are no foreign keys here."""
        return self.upsert_many(model_label, records)

    def send_again(self, model_label: str, keys: Collection[str], place: int) -> None:
        """Let records come to this place in the order of arrival, as if all of them were new."""
        for record in self.get_records(model_label, keys).values():
            self._put(model_label, replace(record, received_at=place, arrivals={WHOLE: place}))

    def get_tombstones(self, model_label: str, keys: Collection[str]) -> dict[str, Tombstone]:
        """The tombstones of these keys that are there."""
        with self._guard:
            tombstones = self._tombstones.get(model_label, {})
            return {key: tombstones[key] for key in keys if key in tombstones}

    def get_deletes_since(self, model_label: str, timestamp: int) -> dict[str, int]:
        """The stamps of tombstones that came after `timestamp`."""
        page = self.get_deletes_page(model_label, timestamp)
        return {key: tombstone.stamp for key, tombstone in page.items()}

    def get_deletes_page(
        self, model_label: str, timestamp: int, limit: int | None = None, after_key: Place | None = None
    ) -> dict[str, Tombstone]:
        """Tombstones that came after `timestamp`, by arrival and key."""
        with self._guard:
            tombstones = self._tombstones.get(model_label, {})
            places = [(tombstone.arrival, key) for key, tombstone in tombstones.items()]
            return {key: tombstones[key] for _, key in _page(places, timestamp, limit, after_key)}

    def delete_many(self, model_label: str, deletes: dict[str, int], received_at: int = 0) -> set[str]:
        """Delete records and keep tombstones; all can be deleted."""
        with self._guard:
            for key, stamp in deletes.items():
                self._of(model_label).pop(key, None)
                self._tombstones.setdefault(model_label, {})[key] = Tombstone(stamp, received_at)
        return set()

    def purge_tombstones(self, arrival: int, stamp_max: int = STAMP_MAX) -> int:
        """Drop the tombstones that came at or before this place and have no larger stamp than `stamp_max`."""
        with self._guard:
            dropped = 0
            for label, tombstones in self._tombstones.items():
                kept = {key: t for key, t in tombstones.items() if t.arrival > arrival or t.stamp > stamp_max}
                dropped += len(tombstones) - len(kept)
                self._tombstones[label] = kept
            if dropped:
                self._purged = max(self._purged, arrival)
            return dropped

    def get_purged(self) -> int:
        """The largest stamp up to which tombstones may have been dropped."""
        return self._purged

    def _of(self, model_label: str) -> dict[str, SyncRecord]:
        return self._records.setdefault(model_label, {})

    def _put(self, model_label: str, record: SyncRecord) -> None:
        self._of(model_label)[record.key] = record
        self._tombstones.get(model_label, {}).pop(record.key, None)

    @property
    def conflicts(self) -> list[ConflictEntry]:
        """All conflicts that this node resolved, oldest first."""
        return list(self._conflicts)

    def keep_conflicts(self, entries: list[ConflictEntry]) -> None:
        """Keep resolved conflicts together with what they decided."""
        with self._guard:
            self._conflicts.extend(entries)

    # -- checkpoints and clock ------------------------------------------------------------------------------

    def horizon(self, now: int) -> int:
        """A place above all that were given; edits are stamped and written at once."""
        with self._guard:
            self._place = max(now, self._place + 1)
            return self._place

    def get_checkpoint(self, node_id: str) -> int:
        """The checkpoint that was saved last; 0 where there is none."""
        with self._guard:
            return self._checkpoints.get(node_id, (0, {}))[0]

    def get_after_keys(self, node_id: str) -> dict[str, Any]:
        """The JSON values that were saved with it."""
        with self._guard:
            return copy.deepcopy(self._checkpoints.get(node_id, (0, {}))[1])

    def save_checkpoint(self, node_id: str, timestamp: int, after_keys: dict[str, Any] | None = None) -> None:
        """Keep a checkpoint and what belongs to it."""
        with self._guard:
            self._checkpoints[node_id] = (timestamp, copy.deepcopy(after_keys or {}))

    def get_nodes(self) -> Mapping[str, int]:
        """All node ids that have a checkpoint, with it."""
        with self._guard:
            return {node_id: stamp for node_id, (stamp, _) in sorted(self._checkpoints.items())}

    def forget_node(self, node_id: str) -> None:
        """Drop a node's checkpoint."""
        with self._guard:
            self._checkpoints.pop(node_id, None)

    def get_last_place(self) -> int:
        """The last place in the order of arrival."""
        return self._place

    # -- a clock that was ahead -----------------------------------------------------------------------------

    def get_stamps_above(self, model_label: str, stamp: int) -> Iterator[tuple[str, dict[str, int]]]:
        """Keys of records and tombstones with a stamp above this one, each with all its stamps by field."""
        with self._guard:
            found = [
                (key, dict(r.timestamps)) for key, r in self._of(model_label).items() if r.newest > stamp
            ]
            tombstones = self._tombstones.get(model_label, {})
            found += [(key, {WHOLE: t.stamp}) for key, t in tombstones.items() if t.stamp > stamp]
        yield from found

    def get_newest_up_to(self, stamp: int) -> int:
        """The largest stamp of all that have none above this one."""
        with self._guard:
            stamps = [r.newest for records in self._records.values() for r in records.values()]
            stamps += [t.stamp for tombstones in self._tombstones.values() for t in tombstones.values()]
            return max((each for each in stamps if each <= stamp), default=0)

    def restamp(self, model_label: str, stamps: Mapping[str, Mapping[str, int]]) -> None:
        """Give these fields other stamps, and what they are of a new place."""
        with self._guard:
            self._place += 1
            for key, changed in stamps.items():
                if WHOLE in changed:
                    self._tombstones[model_label][key] = Tombstone(changed[WHOLE], self._place)
                    continue
                record = _copied(self._records[model_label][key])
                record.timestamps |= changed
                record.move(self._place, changed)
                self._records[model_label][key] = record

    def get_restamped(self) -> dict[int, int]:
        """When stamps were taken back, and above which."""
        return dict(self._restamped)

    def save_restamped(self, at: int, above: int) -> None:
        """Keep that stamps `above` this one were taken back `at` this place."""
        self._restamped[at] = above

    def lower_clock_bound(self, bound: int) -> None:
        """Set the clock's bound back, where it is higher."""
        self._bound = min(self._bound, bound)

    def get_clock_bound(self) -> int:
        """The stamp above which the node's clock has given none out."""
        return self._bound

    def save_clock_bound(self, bound: int) -> None:
        """Keep a clock's bound."""
        self._bound = max(self._bound, bound)


def _page(places: list[Place], timestamp: int, limit: int | None, after_key: Place | None) -> list[Place]:
    later = [place for place in places if place[0] > timestamp and (after_key is None or place > after_key)]
    later.sort()
    return later[:limit]


def _copied(record: SyncRecord) -> SyncRecord:
    return replace(
        record,
        data=copy.deepcopy(record.data),
        timestamps=dict(record.timestamps),
        arrivals=dict(record.arrivals),
    )
