"""Comparing in full: for a node that stayed away for longer than its peer keeps deletions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from tasks.database.deleting import kept_alive
from tasks.database.graph import DependencyGraph
from tasks.database.manifest import ModelPayload
from tasks.database.record import SyncRecord
from tasks.database.referred import References
from tasks.database.result import ConflictEntry, DatabaseResult
from tasks.database.storage import ArrivalStorage
from tasks.database.view import Cursor, PeerView

#: Records that are looked at at once.
CHUNK = 1000


@dataclass
class FullCompare:
    """Collects the keys that the peer has, while it sends everything.

    Args:
        purged: the peer's own stamp up to which it has dropped tombstones.
        before: what was received before; it stays what is kept until the comparison has ended.
    """

    purged: int
    before: Cursor
    received: Cursor = field(default_factory=Cursor)
    confirmed: dict[str, set[str]] = field(default_factory=dict)

    def confirm(self, payloads: Iterable[ModelPayload]) -> None:
        """The peer has these records, or has just been sent them."""
        for payload in payloads:
            self.confirmed.setdefault(payload.model_label, set()).update(payload.records)

    def spare(self, keys: Mapping[str, Iterable[str]]) -> None:
        """The peer has these as well, and cannot send them."""
        for label, some in keys.items():
            self.confirmed.setdefault(label, set()).update(some)

    def delete_others(
        self,
        storage: ArrivalStorage,
        graph: DependencyGraph,
        view: PeerView,
        received_at: int,
        result: DatabaseResult,
        keep_alive: Callable[[str, SyncRecord, int], SyncRecord],
    ) -> bool:
        """Delete what the peer had once and has no longer. What it was never sent stays, and what that refers to.

        `keep_alive` is told of such a record, by model, with the stamp of its deletion, and gives it a newer life.
        """
        deletes = {label: self._others(storage, label, view) for label in graph.sync_order()}
        references = References(storage, deletes)
        entries: list[ConflictEntry] = []
        for label, key in references.kept()[0]:
            stamp = deletes[label].pop(key)
            for local in storage.get_records(label, [key]).values():
                record = keep_alive(label, local, stamp)
                storage.upsert_many(label, {key: record})
                result.applied[label].append(key)
                entries.append(kept_alive(label, local, record))
        result.conflict_log.extend(entries)
        if entries and (keep := getattr(storage, "keep_conflicts", None)) is not None:
            keep(entries)
        wrote = False
        for label in reversed(graph.sync_order()):
            keys = references.children_first(label, deletes[label])
            for start in range(0, len(keys), CHUNK):
                some = {key: deletes[label][key] for key in keys[start : start + CHUNK]}
                failed = set(storage.delete_many(label, some, received_at) or ())
                result.deleted[label].extend(key for key in some if key not in failed)
                wrote = True
        return wrote

    def _others(self, storage: ArrivalStorage, label: str, view: PeerView) -> dict[str, int]:
        confirmed = self.confirmed.get(label, set())
        keys = [key for key in storage.get_keys(label) if key not in confirmed]
        found: dict[str, int] = {}
        for start in range(0, len(keys), CHUNK):
            for key, record in storage.get_records(label, keys[start : start + CHUNK]).items():
                if view.knows_record(label, record):
                    found[key] = max(self.purged, record.newest)
        return found
