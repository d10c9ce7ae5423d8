"""Comparing in full: for a node that stayed away for longer than its peer keeps deletions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tasks.database.graph import DependencyGraph
from tasks.database.manifest import ModelPayload
from tasks.database.result import DatabaseResult
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
    ) -> bool:
        """Delete what the peer had once and has no longer. What it was never sent stays."""
        wrote = False
        for label in reversed(graph.sync_order()):
            confirmed = self.confirmed.get(label, set())
            keys = [key for key in storage.get_keys(label) if key not in confirmed]
            for start in range(0, len(keys), CHUNK):
                records = storage.get_records(label, keys[start : start + CHUNK])
                deletes = {
                    key: max(self.purged, record.newest)
                    for key, record in records.items()
                    if view.knows_record(label, record)
                }
                if deletes:
                    failed = set(storage.delete_many(label, deletes, received_at) or ())
                    result.deleted[label].extend(key for key in deletes if key not in failed)
                    wrote = True
        return wrote
