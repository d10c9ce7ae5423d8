"""Comparing in full: for a node that stayed away for longer than its peer keeps deletions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from tasks.database.guard import Toll
from tasks.database.manifest import ModelPayload
from tasks.database.node import Node
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

    def delete_others(
        self, node: Node, view: PeerView, received_at: int, result: DatabaseResult, toll: Toll
    ) -> bool:
        """Delete what the peer had once and has no longer. What it was never sent stays.

        Raises:
            MassChangeError: that is too much.
        """
        storage, labels = node.storage, node.graph.sync_order()
        others = {label: self._others(storage, view, label, toll) for label in labels}
        toll.check(node.node_id, storage, more=False)
        wrote = False
        for label in reversed(labels):
            for start in range(0, len(others[label]), CHUNK):
                deletes = dict(others[label][start : start + CHUNK])
                failed = set(storage.delete_many(label, deletes, received_at) or ())
                result.deleted[label].extend(key for key in deletes if key not in failed)
                wrote = True
        return wrote

    def _others(
        self, storage: ArrivalStorage, view: PeerView, label: str, toll: Toll
    ) -> list[tuple[str, int]]:
        """What is to be deleted, with the stamps of that."""
        confirmed = self.confirmed.get(label, set())
        keys = [key for key in storage.get_keys(label) if key not in confirmed]
        found: list[tuple[str, int]] = []
        for start in range(0, len(keys), CHUNK):
            for key, record in storage.get_records(label, keys[start : start + CHUNK]).items():
                if view.knows_record(label, record):
                    found.append((key, max(self.purged, record.newest)))
                    if toll.watches:
                        toll.delete(label, record)
        return found
