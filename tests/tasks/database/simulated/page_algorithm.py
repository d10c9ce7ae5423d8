"""A plain model of the algorithm that the reference page shows, to see that a test can tell the two apart.

It is the page's way of one checkpoint for both directions, in the fewest words; no part of it is used elsewhere.
"""

from __future__ import annotations

from typing import Any

from tasks.database import DatabaseResult, MemoryStorage, ModelPayload, SyncManifest, SyncRecord


class PageEngine:
    """One checkpoint decides both what is sent and what was received; only the server merges."""

    def __init__(
        self,
        storage: MemoryStorage,
        graph: Any,
        clock: Any,
        node_id: str,
        *,
        transport: Any = None,
        batch_size: int | None = None,
    ) -> None:
        self.storage, self.graph, self.clock, self.node_id = storage, graph, clock, node_id
        self.transport, self.batch_size = transport, batch_size

    def process(self, incoming: SyncManifest) -> tuple[SyncManifest, DatabaseResult]:
        result, now = DatabaseResult(), self.clock.now()
        came = {payload.model_label: payload for payload in incoming.payloads}
        payloads: list[ModelPayload] = []
        for label in self.graph.sync_order():
            payload = came.get(label, ModelPayload(label))
            changed = self.storage.get_changed_since(label, incoming.checkpoint)
            deletes = self.storage.get_deletes_since(label, incoming.checkpoint)
            local = self.storage.get_records(label, list({**payload.records, **payload.deletes}))
            answer = ModelPayload(
                label,
                {key: r for key, r in changed.items() if key not in payload.records},
                {key: stamp for key, stamp in deletes.items() if key not in payload.records},
            )
            for key, remote in payload.records.items():
                merged = self._merged(label, local.get(key), remote, incoming.checkpoint, result)
                if merged is not remote:
                    answer.records[key] = merged
                merged.received_at = now
                self.storage.upsert_many(label, {key: merged})
            for key, stamp in payload.deletes.items():
                if key not in local or local[key].newest <= stamp:
                    self.storage.delete_many(label, {key: stamp})
            payloads.append(answer)
        stamps = [r.sync_field_last_modified for p in payloads for r in p.records.values()]
        checkpoint = max([incoming.checkpoint, *stamps])
        if not any(p.records or p.deletes for p in [*incoming.payloads, *payloads]):
            checkpoint = max(checkpoint, now)
        return SyncManifest(self.node_id, checkpoint, payloads=payloads), result

    def _merged(
        self,
        label: str,
        local: SyncRecord | None,
        remote: SyncRecord,
        checkpoint: int,
        result: DatabaseResult,
    ) -> SyncRecord:
        if local is None or local.sync_field_last_modified <= checkpoint:
            return remote
        if local.data != remote.data:
            result.conflicts[label].append(local.key)
        data, stamps = dict(local.data), dict(local.timestamps)
        for name, value in remote.data.items():
            if remote.timestamps.get(name, 0) > stamps.get(name, 0):
                data[name], stamps[name] = value, remote.timestamps[name]
        return SyncRecord(local.key, data, stamps)

    def sync(self, dry_run: bool = False) -> DatabaseResult:
        result, after = DatabaseResult(), dict[str, tuple[int, str]]()
        for _ in range(50):
            checkpoint = self.storage.get_checkpoint(self.node_id)
            payloads: list[ModelPayload] = []
            more, next_after = False, dict[str, tuple[int, str]]()
            for label in self.graph.sync_order():
                changed = self.storage.get_changed_since(label, checkpoint, after_key=after.get(label))
                keys = list(changed)[: self.batch_size]
                if len(keys) < len(changed):
                    more, next_after[label] = True, (changed[keys[-1]].sync_field_last_modified, keys[-1])
                deletes = self.storage.get_deletes_since(label, checkpoint)
                payloads.append(ModelPayload(label, {key: changed[key] for key in keys}, deletes))
                result.pushed[label].extend(keys)
            manifest = SyncManifest(self.node_id, checkpoint, payloads=payloads, has_more=more)
            response = self.transport.exchange(manifest)
            after = next_after
            if dry_run:
                break
            for payload in response.payloads:
                self.storage.upsert_many(payload.model_label, payload.records)
                self.storage.delete_many(payload.model_label, payload.deletes)
            self.storage.save_checkpoint(self.node_id, response.checkpoint)
            if not more and not any(p.records or p.deletes for p in [*payloads, *response.payloads]):
                break
        return result
