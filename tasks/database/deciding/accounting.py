"""What became of the records of one exchange: for the run, for the ledger, and for the peer."""

from __future__ import annotations

import json
from dataclasses import dataclass

from tasks.database.deciding.exchange import Exchange
from tasks.database.records.manifest import ModelPayload
from tasks.database.records.record import SyncRecord
from tasks.database.records.result import ConflictEntry, DatabaseResult


@dataclass
class Accounting:
    """Tells it, when everything is written.

    Args:
        exchange: what was done.
        result: what is told of the run.
        writes: whether anything was changed.
        retried: the keys that were held before.
        told: the conflicts that were told while their records were held.
    """

    exchange: Exchange
    result: DatabaseResult
    writes: bool
    retried: dict[str, set[str]]
    told: dict[str, dict[str, list[str]]]

    def account(self) -> list[ConflictEntry]:
        """Tell what became of each record, and what the peer has to hear; return the conflicts."""
        conflicts: list[ConflictEntry] = []
        refusals = getattr(self.exchange.storage, "refusals", {}) if self.writes else {}
        for label, outcome in self.exchange.outcomes.items():
            payload, failed = self.exchange.incoming[label], self.exchange.unwritten.get(label, set())
            for key in sorted(failed):
                plain = "it could not be deleted" if key in outcome.to_delete else "it could not be written"
                self.exchange.hold(
                    label,
                    key,
                    refusals.get((label, key), plain),
                    record=payload.records.get(key),
                    stamp=payload.deletes.get(key, 0),
                )
            known = self.exchange.known[label]
            self._tell(
                "created", label, [key for key in outcome.to_upsert if key in outcome.created_keys], failed
            )
            self._tell(
                "applied", label, [key for key in outcome.to_upsert if key in outcome.applied_keys], failed
            )
            self._tell("deleted", label, [key for key in outcome.to_delete if key in known], failed)
            self._tell("compatible", label, outcome.compatible_keys, failed)
            self._tell("conflicts", label, outcome.conflict_keys, failed)
            log = self._new(label, [*self.exchange.before.get(label, []), *outcome.conflict_log], failed)
            conflicts += log
            partly = self.exchange.partly.get(label, set())
            self.exchange.applied.wrote |= bool(
                (outcome.to_upsert.keys() | outcome.to_delete.keys()) - failed | partly
            )
            records = {k: r for k, r in outcome.response_records.items() if k not in failed}
            deletes = {k: stamp for k, stamp in outcome.response_deletes.items() if k not in failed}
            held = [key for at, key in self.exchange.applied.problems if at == label]
            waiting = {key for at, key in self.exchange.applied.waiting if at == label}
            if released := self.retried.get(label, set()).difference(held):
                self.exchange.applied.released = True
                records |= self.exchange.storage.get_records(label, sorted(released))
                gone = self.exchange.storage.get_tombstones(label, sorted(released.difference(records)))
                deletes |= {key: tombstone.stamp for key, tombstone in gone.items()}
            self._tell_beside(
                label,
                [
                    key
                    for key in held
                    if key in self.exchange.arrived.get(label, ())
                    and key not in partly
                    and key not in waiting
                ],
                records,
                deletes,
            )
            if records or deletes:
                self.exchange.applied.response[label] = ModelPayload(label, records, deletes)
        self.result.conflict_log.extend(conflicts)
        return conflicts

    def _tell_beside(
        self, label: str, held: list[str], records: dict[str, SyncRecord], deletes: dict[str, int]
    ) -> None:
        """Tell the peer what is here instead of what is held, as far as it does not know."""
        if not held:
            return
        here = self.exchange.storage.get_records(label, held)
        records |= {key: r for key, r in here.items() if not self.exchange.view.knows_record(label, r)}
        gone = self.exchange.storage.get_tombstones(label, [key for key in held if key not in here])
        unknown = {key: t for key, t in gone.items() if not self.exchange.view.knows_tombstone(label, key, t)}
        deletes |= {key: tombstone.stamp for key, tombstone in unknown.items()}

    def _new(self, label: str, log: list[ConflictEntry], failed: set[str]) -> list[ConflictEntry]:
        """The conflicts that were not told before: what is held meets the same one at every try."""
        new: list[ConflictEntry] = []
        for entry in log:
            key = entry.conflict.key
            mark, told = _mark_of(entry), self.told.get(label, {}).get(key, [])
            if mark not in told:
                new.append(entry)
            if key in failed:
                self.exchange.applied.held.told.setdefault(label, {})[key] = (
                    [*told, mark] if mark not in told else told
                )
        return new

    def _tell(self, kind: str, label: str, keys: list[str], failed: set[str]) -> None:
        good = [key for key in keys if key not in failed]
        if good:
            getattr(self.result, kind)[label].extend(good)


def _mark_of(entry: ConflictEntry) -> str:
    """Names a conflict by its stamps."""
    conflict = entry.conflict
    fields = [(c.field_name, c.local_timestamp, c.remote_timestamp) for c in conflict.field_conflicts]
    records = [record.newest for record in (conflict.local, conflict.remote) if record and not fields]
    return json.dumps([str(conflict.conflict_type), fields, records])
