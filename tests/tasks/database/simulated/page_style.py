"""A node whose storage is written to the page: its eight methods, and four fields of a record."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager
from typing import Any

from tasks.database import ConflictEntry, DatabaseEngine, SyncRecord
from tasks.database.storages.plain import PlainStorage, complete
from tests.tasks.database.simulated.nodes import CrashingStorage, Node


def four_fields(records: dict[str, SyncRecord]) -> dict[str, SyncRecord]:
    """The records as such a storage keeps them."""
    return {
        key: SyncRecord(r.key, dict(r.data), dict(r.timestamps), r.received_at) for key, r in records.items()
    }


class PageStyleStorage:
    """Has only the page's methods; some such storages take their own word for the last where a record came late."""

    def __init__(self, inner: CrashingStorage, *, stubborn: bool) -> None:
        self._inner, self._stubborn = inner, stubborn

    def get_checkpoint(self, node_id: str) -> int:
        return self._inner.get_checkpoint(node_id)

    def get_after_keys(self, node_id: str) -> dict[str, Any]:
        return self._inner.get_after_keys(node_id)

    def save_checkpoint(self, node_id: str, timestamp: int, after_keys: dict[str, Any] | None = None) -> None:
        self._inner.save_checkpoint(node_id, timestamp, after_keys)

    def get_changed_since(
        self, model_label: str, timestamp: int, limit: int | None = None, after_key: Any = None
    ) -> dict[str, SyncRecord]:
        return four_fields(self._inner.get_changed_since(model_label, timestamp, limit))

    def get_deletes_since(self, model_label: str, timestamp: int) -> dict[str, int]:
        return self._inner.get_deletes_since(model_label, timestamp)

    def get_records(self, model_label: str, keys: Collection[str]) -> dict[str, SyncRecord]:
        return four_fields(self._inner.get_records(model_label, keys))

    def upsert_many(self, model_label: str, records: dict[str, SyncRecord]) -> set[str]:
        return self._inner.upsert_many(model_label, four_fields(records))

    def delete_many(self, model_label: str, deletes: dict[str, int]) -> None:
        if self._stubborn:
            here = self._inner.get_records(model_label, list(deletes))
            deletes = {
                key: at
                for key, at in deletes.items()
                if key not in here or here[key].sync_field_last_modified <= at
            }
        self._inner.delete_many(model_label, deletes)

    def keep_conflicts(self, entries: list[ConflictEntry]) -> None:
        """The ledger, which a storage may have beside the page's methods."""
        self._inner.keep_conflicts(entries)

    def transaction(self) -> AbstractContextManager[None]:
        return self._inner.transaction()


class PageStyleNode(Node):
    """Its users edit the same tables; the engine sees them through such a storage."""

    def start(self) -> None:
        self.page_storage = PageStyleStorage(self.storage, stubborn=self.name in {"n1", "n3"})
        assert isinstance(complete(self.page_storage), PlainStorage)
        super().start()

    def engine(self, transport: Any = None, peer_id: str | None = None) -> DatabaseEngine:
        self.world.reach["page_style"] += transport is not None
        return super().engine(transport, peer_id)

    def engine_storage(self) -> Any:
        return self.page_storage

    def kept(self) -> Any:
        """The bound of the clock is moved on by a dry run, too: nothing else knows of stamps that were given."""
        return {name: kept for name, kept in self.storage._checkpoints.items() if name != "~clock"}
