"""Comparing in full: for a node that stayed away for longer than its peer keeps deletions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from tasks.database.deciding.deleting import kept_alive
from tasks.database.engine.node import Node
from tasks.database.records.manifest import ModelPayload
from tasks.database.records.record import SyncRecord
from tasks.database.records.result import ConflictEntry, DatabaseResult
from tasks.database.storages.guard import Toll
from tasks.database.storages.referred import References
from tasks.database.storages.storage import ArrivalStorage
from tasks.database.storages.view import Cursor, PeerView

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
        node: Node,
        view: PeerView,
        received_at: int,
        result: DatabaseResult,
        toll: Toll,
        keep_alive: Callable[[str, SyncRecord, int], SyncRecord],
    ) -> bool:
        """Delete what the peer had once and has no longer. What it was never sent stays, and what that refers to.

        `keep_alive` is told of such a record, by model, with the stamp of its deletion, and gives it a newer life.

        Raises:
            MassChangeError: that is too much.
        """
        storage, labels = node.storage, node.graph.sync_order()
        deletes = {label: self._others(storage, label, view) for label in labels}
        references = References(storage, deletes)
        kept = {(label, key): deletes[label].pop(key) for label, key in references.kept()[0]}
        if toll.watches:
            _count(storage, deletes, toll)
        toll.check(node.node_id, storage, more=False)
        _keep(storage, kept, keep_alive, result)
        wrote = False
        for label in reversed(labels):
            keys = references.children_first(label, deletes[label])
            for some in _chunks(keys):
                failed = set(
                    storage.delete_many(label, {key: deletes[label][key] for key in some}, received_at) or ()
                )
                result.deleted[label].extend(key for key in some if key not in failed)
                wrote = True
        return wrote

    def _others(self, storage: ArrivalStorage, label: str, view: PeerView) -> dict[str, int]:
        """What is to be deleted, with the stamps of that."""
        confirmed = self.confirmed.get(label, set())
        found: dict[str, int] = {}
        for some in _chunks([key for key in storage.get_keys(label) if key not in confirmed]):
            for key, record in storage.get_records(label, some).items():
                if view.knows_record(label, record):
                    found[key] = max(self.purged, record.newest)
        return found


def _keep(
    storage: ArrivalStorage,
    kept: Mapping[tuple[str, str], int],
    keep_alive: Callable[[str, SyncRecord, int], SyncRecord],
    result: DatabaseResult,
) -> None:
    """Give these records a newer life than the stamps of their deletions."""
    entries: list[ConflictEntry] = []
    for (label, key), stamp in kept.items():
        for local in storage.get_records(label, [key]).values():
            record = keep_alive(label, local, stamp)
            storage.upsert_many(label, {key: record})
            result.applied[label].append(key)
            entries.append(kept_alive(label, local, record))
    result.conflict_log.extend(entries)
    if entries and (keep := getattr(storage, "keep_conflicts", None)) is not None:
        keep(entries)


def _count(storage: ArrivalStorage, deletes: Mapping[str, Iterable[str]], toll: Toll) -> None:
    for label, keys in deletes.items():
        for some in _chunks(list(keys)):
            for record in storage.get_records(label, some).values():
                toll.delete(label, record)


def _chunks(keys: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(keys), CHUNK):
        yield keys[start : start + CHUNK]
