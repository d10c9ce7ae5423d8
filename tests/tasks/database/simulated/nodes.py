"""One simulated node: a storage that can crash at any call, and a wall clock of its own."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tasks.database import (
    DatabaseEngine,
    DependencyGraph,
    HybridLogicalClock,
    MemoryStorage,
    PayloadReconciler,
    SyncRecord,
)
from tasks.database.storages.beside import MemoryBeside
from tests.tasks.database.simulated import guarded

MODELS = ("item", "note")
GRAPH = {"item": set(), "note": {"item"}}


class Crash(BaseException):
    """The node's process has died."""


class CrashingStorage(MemoryStorage):
    """Dies before or after the call at which the fuse has burnt down; refuses poisoned records."""

    def __init__(self) -> None:
        super().__init__()
        self.fuse = -1
        self.after = False
        self.calls = 0
        self.plain_text = True
        self.poisoned: set[tuple[str, str]] = set()
        self.refused = 0
        self.beside = MemoryBeside()

    def _burn(self) -> bool:
        self.calls += 1
        if self.fuse < 0:
            return False
        self.fuse -= 1
        return self.fuse < 0

    def upsert_many(self, model_label: str, records: dict[str, SyncRecord]) -> set[str]:
        bad = {key for key in records if (model_label, key) in self.poisoned}
        self.refused += len(bad)
        super().upsert_many(model_label, {key: r for key, r in records.items() if key not in bad})
        return bad


def _crashing(name: str) -> Any:
    plain = getattr(CrashingStorage, name)

    def call(self: CrashingStorage, *args: Any, **kwargs: Any) -> Any:
        ends = self._burn()
        if ends and not self.after:
            raise Crash
        answer = plain(self, *args, **kwargs)
        if ends:
            raise Crash
        return answer

    return call


for _name in (
    "get_checkpoint",
    "get_after_keys",
    "save_checkpoint",
    "get_changed_since",
    "get_deletes_page",
    "get_records",
    "get_tombstones",
    "upsert_many",
    "delete_many",
    "send_again",
    "keep_conflicts",
    "horizon",
    "save_clock_bound",
    "restamp",
    "lower_clock_bound",
):
    setattr(CrashingStorage, _name, _crashing(_name))


class Node:
    """A node of the world."""

    storage_class: Any = CrashingStorage

    def __init__(self, world: Any, name: str, skew_ms: int, resolver: Any, batch: dict[str, Any]) -> None:
        self.world, self.name, self.skew_ms = world, name, skew_ms
        self.resolver, self.batch = resolver, batch
        self.guard = guarded.guard(world)
        self.storage = self.storage_class()
        self.start()

    def start(self) -> None:
        """As after a crash: all that was in memory is gone."""
        self.storage.fuse = -1
        self.clock = HybridLogicalClock(wall=lambda: self.world.time_ms + self.skew_ms)
        self.storage.clock = self.clock
        self.server = self.engine()

    def engine(self, transport: Any = None, peer_id: str | None = None) -> DatabaseEngine:
        return DatabaseEngine(
            self.engine_storage(),
            DependencyGraph(GRAPH),
            self.clock,
            self.name,
            transport=transport,
            peer_id=peer_id,
            reconciler=PayloadReconciler(self.resolver()) if self.resolver else None,
            guard=self.guard,
            **self.batch,
        )

    def engine_storage(self) -> Any:
        """The storage as the engine sees it."""
        return self.storage

    def kept(self) -> Any:
        """What is kept of exchanges."""
        return self.storage._checkpoints

    def shown(self, label: str, key: str) -> dict[str, Any] | None:
        record = self.storage._records.get(label, {}).get(key)
        return None if record is None else dict(record.data)

    def put_row(self, label: str, record: SyncRecord) -> None:
        """A row that was there from the start."""
        self.storage.upsert_many(label, {record.key: record})

    def stamps(self) -> dict[tuple[str, str], dict[str, int]]:
        """All stamps of records by field; a tombstone's is under ""."""
        found = {
            (label, key): dict(r.timestamps)
            for label in MODELS
            for key, r in self.storage._records.get(label, {}).items()
        }
        return found | {
            (label, key): {"": t.stamp}
            for label in MODELS
            for key, t in self.storage._tombstones.get(label, {}).items()
        }

    def state(self) -> dict[str, dict[str, Any]]:
        return {
            label: {
                key: (r.data, r.timestamps) for key, r in sorted(self.storage._records.get(label, {}).items())
            }
            for label in MODELS
        }


Reach = Counter[str]
