"""Storages that offer only the least, made to offer everything.

What they do not keep (when tombstones came, the clock's bound) is kept under node ids of its own among their
checkpoints. That is right at any size, and quick enough for some ten thousand records.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from tasks.database.record import SyncRecord
from tasks.database.storage import ArrivalStorage, DatabaseSyncStorage, Place, Tombstone

#: Node ids that no node may have.
RESERVED = "~"
_TOMBSTONES, _CLOCK, _NODES = "~tombstones", "~clock", "~nodes"


def complete(storage: DatabaseSyncStorage) -> ArrivalStorage:
    """The storage itself where it offers everything, or a wrapper that does."""
    return storage if isinstance(storage, ArrivalStorage) else PlainStorage(storage)


class PlainStorage:
    """Wraps a storage that offers only `DatabaseSyncStorage`. Tombstones are never dropped."""

    def __init__(self, storage: DatabaseSyncStorage) -> None:
        self._storage = storage

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
        found = self._storage.get_changed_since(model_label, timestamp)
        return _page(found, lambda record: record.sync_field_last_modified, timestamp, limit, after_key)

    def get_records(self, model_label: str, keys: Collection[str]) -> dict[str, SyncRecord]:
        """As the storage."""
        return self._storage.get_records(model_label, keys)

    def get_keys(self, model_label: str) -> list[str]:
        """The keys of all records."""
        return sorted({*self._storage.get_changed_since(model_label, 0)})

    def upsert_many(self, model_label: str, records: dict[str, SyncRecord]) -> set[str]:
        """As the storage."""
        return set(self._storage.upsert_many(model_label, records) or ())

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
        """As the storage; when they came is noted."""
        skipped = self._storage.delete_many(model_label, deletes)
        if received_at:
            arrivals = self._noted(_TOMBSTONES, model_label, {})
            arrivals.update({key: [stamp, received_at] for key, stamp in deletes.items()})
            self._note(_TOMBSTONES, model_label, arrivals)
        return set(skipped) if isinstance(skipped, Iterable) else set()

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

    def _all(self, model_label: str) -> dict[str, Tombstone]:
        arrivals = self._noted(_TOMBSTONES, model_label, {})
        found: dict[str, Tombstone] = {}
        deletes = self._storage.get_deletes_since(model_label, 0)
        live = self._storage.get_records(model_label, list(deletes)) if deletes else {}
        for key, stamp in deletes.items():
            if key in live:  # made again; not every storage drops the tombstone then
                continue
            noted = arrivals.get(key)
            found[key] = Tombstone(stamp, noted[1] if noted and noted[0] == stamp else 0)
        return found

    def _noted(self, node_id: str, name: str, default: Any) -> Any:
        return self.get_after_keys(node_id).get(name, default)

    def _note(self, node_id: str, name: str, value: Any) -> None:
        notes = {**self.get_after_keys(node_id), name: value}
        self._storage.save_checkpoint(node_id, self._storage.get_checkpoint(node_id), notes)


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
