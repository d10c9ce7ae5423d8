"""Storages that offer only the least, made to offer everything.

What they do not keep (when tombstones and single fields came, the clock's bound) is kept under node ids of its own
among their checkpoints. That is right at any size, and quick enough for some ten thousand records.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from tasks.database.records.record import SyncRecord
from tasks.database.records.result import ConflictEntry
from tasks.database.storages.storage import ArrivalStorage, DatabaseSyncStorage, Place, Tombstone

#: Node ids that no node may have.
RESERVED = "~"
_TOMBSTONES, _ARRIVALS, _CLOCK, _NODES = "~tombstones", "~arrivals", "~clock", "~nodes"


def complete(storage: DatabaseSyncStorage) -> ArrivalStorage:
    """The storage itself where it offers everything, or a wrapper that does."""
    return storage if isinstance(storage, ArrivalStorage) else PlainStorage(storage)


class PlainStorage:
    """Wraps a storage that offers only `DatabaseSyncStorage`. Tombstones are never dropped.

    Of a record it need not keep more than `key`, `data`, `timestamps` and `received_at`.
    """

    def __init__(self, storage: DatabaseSyncStorage) -> None:
        self._storage = storage
        #: Why a record could not be written or deleted last, where the storage says so.
        self.refusals: Mapping[tuple[str, str], str] = getattr(storage, "refusals", {})

    def keep_conflicts(self, entries: list[ConflictEntry]) -> None:
        """As the storage, where it keeps any."""
        keep = getattr(self._storage, "keep_conflicts", None)
        if keep is not None:
            keep(entries)

    def horizon(self, now: int) -> int:
        """`now`; the storage has to stamp and write its edits at once."""
        return now

    def get_checkpoint(self, node_id: str) -> int:
        """As the storage."""
        return self._storage.get_checkpoint(node_id)

    def get_after_keys(self, node_id: str) -> dict[str, Any]:
        """As the storage."""
        return dict(self._storage.get_after_keys(node_id) or {})

    def save_checkpoint(self, node_id: str, timestamp: int, after_keys: dict[str, Any] | None = None) -> None:
        """As the storage; the node becomes known."""
        self._storage.save_checkpoint(node_id, timestamp, after_keys)
        nodes = set(self._noted(_NODES, "nodes", []))
        if node_id not in nodes:
            self._note(_NODES, "nodes", sorted({*nodes, node_id}))

    def get_changed_since(
        self, model_label: str, timestamp: int, limit: int | None = None, after_key: Place | None = None
    ) -> dict[str, SyncRecord]:
        """As the storage, put into order here: how it reads an `after_key` is its own affair."""
        found = self._with_arrivals(model_label, self._storage.get_changed_since(model_label, timestamp))
        return _page(found, lambda record: record.sync_field_last_modified, timestamp, limit, after_key)

    def get_records(self, model_label: str, keys: Collection[str]) -> dict[str, SyncRecord]:
        """As the storage."""
        return self._with_arrivals(model_label, self._storage.get_records(model_label, keys))

    def get_keys(self, model_label: str) -> list[str]:
        """The keys of all records."""
        return sorted({*self._storage.get_changed_since(model_label, 0)})

    def count(self, model_label: str, most: int | None = None) -> int:
        """How many records there are."""
        return len(self._storage.get_changed_since(model_label, 0))

    def upsert_many(self, model_label: str, records: dict[str, SyncRecord]) -> set[str]:
        """As the storage; when single fields came is noted, where that is not when their record came."""
        refused = set(self._storage.upsert_many(model_label, records) or ())
        notes = self._noted(_ARRIVALS, model_label, {})
        changed = {
            key: dict(record.arrivals) if _came_apart(record) else None
            for key, record in records.items()
            if key not in refused and (key in notes or _came_apart(record))
        }
        if changed:
            notes = {key: arrivals for key, arrivals in {**notes, **changed}.items() if arrivals is not None}
            self._note(_ARRIVALS, model_label, notes)
        return refused

    def upsert_without(
        self, model_label: str, records: dict[str, SyncRecord], parents: Collection[str]
    ) -> set[str]:
        """As `upsert_many`: what cannot be written is tried again."""
        return self.upsert_many(model_label, records)

    def get_tombstones(self, model_label: str, keys: Collection[str]) -> dict[str, Tombstone]:
        """The tombstones of these keys."""
        if not keys:
            return {}
        found = self._all(model_label)
        return {key: found[key] for key in keys if key in found}

    def get_deletes_since(self, model_label: str, timestamp: int) -> dict[str, int]:
        """As the storage."""
        return self._storage.get_deletes_since(model_label, timestamp)

    def get_deletes_page(
        self, model_label: str, timestamp: int, limit: int | None = None, after_key: Place | None = None
    ) -> dict[str, Tombstone]:
        """Tombstones by arrival and key."""
        return _page(self._all(model_label), lambda t: t.arrival, timestamp, limit, after_key)

    def delete_many(self, model_label: str, deletes: dict[str, int], received_at: int = 0) -> set[str]:
        """As the storage; when they came is noted. What it keeps without a word is told as refused."""
        skipped = self._storage.delete_many(model_label, deletes)
        refused = set(skipped) if isinstance(skipped, Iterable) else set[str]()
        left = self._storage.get_records(model_label, list(deletes)) if deletes else {}
        # Some take a record that came late for one that was edited late, and their own word for the last.
        late = {key: r.sync_field_last_modified for key, r in left.items() if r.newest <= deletes[key]}
        if late:
            self._storage.delete_many(model_label, late)
            left = self._storage.get_records(model_label, list(left))
        refused |= left.keys()
        notes = {
            key: [late.get(key, at), received_at, at] for key, at in deletes.items() if key not in refused
        }
        if notes and (received_at or late):
            self._note(_TOMBSTONES, model_label, {**self._noted(_TOMBSTONES, model_label, {}), **notes})
        return refused

    def get_clock_bound(self) -> int:
        """The stamp above which the node's clock has given none out."""
        return self._storage.get_checkpoint(_CLOCK)

    def save_clock_bound(self, bound: int) -> None:
        """Keep a clock's bound."""
        self._storage.save_checkpoint(_CLOCK, bound)

    def get_nodes(self) -> Mapping[str, int]:
        """All node ids that have a checkpoint, with it."""
        return {node_id: self.get_checkpoint(node_id) for node_id in self._noted(_NODES, "nodes", [])}

    def forget_node(self, node_id: str) -> None:
        """Set the node's checkpoint back; it stays known."""
        self._storage.save_checkpoint(node_id, 0, {})
        self._note(_NODES, "nodes", [known for known in self.get_nodes() if known != node_id])

    def purge_tombstones(self, arrival: int) -> int:
        """Nothing: the storage offers no way to drop them."""
        return 0

    def get_purged(self) -> int:
        """0: none were dropped."""
        return 0

    def _with_arrivals(self, model_label: str, found: Mapping[str, SyncRecord]) -> dict[str, SyncRecord]:
        """The records with what was noted of their fields. The later of that and a field's own edit holds."""
        notes = self._noted(_ARRIVALS, model_label, {}) if found else {}
        if notes.keys().isdisjoint(found):
            return dict(found)
        return {
            key: replace(record, arrivals=dict(notes[key]))
            if key in notes and not record.arrivals
            else record
            for key, record in found.items()
        }

    def _all(self, model_label: str) -> dict[str, Tombstone]:
        arrivals = self._noted(_TOMBSTONES, model_label, {})
        found: dict[str, Tombstone] = {}
        deletes = self._storage.get_deletes_since(model_label, 0)
        live = self._storage.get_records(model_label, list(deletes)) if deletes else {}
        for key, stamp in deletes.items():
            if key in live:  # made again; not every storage drops the tombstone then
                continue
            noted = arrivals.get(key)
            found[key] = Tombstone(noted[-1], noted[1]) if noted and noted[0] == stamp else Tombstone(stamp)
        return found

    def _noted(self, node_id: str, name: str, default: Any) -> Any:
        return self.get_after_keys(node_id).get(name, default)

    def _note(self, node_id: str, name: str, value: Any) -> None:
        notes = {**self.get_after_keys(node_id), name: value}
        self._storage.save_checkpoint(node_id, self._storage.get_checkpoint(node_id), notes)


def _came_apart(record: SyncRecord) -> bool:
    """Whether some fields came at another time than the record as a whole."""
    return any(came != record.received_at for came in record.arrivals.values())


def _page(
    found: Mapping[str, Any],
    arrival: Any,
    timestamp: int,
    limit: int | None,
    after_key: Place | None,
) -> dict[str, Any]:
    places = sorted((arrival(value), key) for key, value in found.items())
    later = [place for place in places if place[0] > timestamp and (after_key is None or place > after_key)]
    return {key: found[key] for _, key in later[:limit]}
