"""What is held of a peer, together with what has come from it since."""

from __future__ import annotations

from collections.abc import Iterable

from tasks.database.records.manifest import ModelPayload
from tasks.database.records.record import SyncRecord
from tasks.database.records.ties import Stamped, beats
from tasks.database.storages.peer import Held


def freshen(
    fresh: dict[str, dict[str, Iterable[str]]],
    label: str,
    key: str,
    record: SyncRecord,
    held: Held,
    *,
    came: bool,
) -> None:
    """What was new in a held record is still new, whatever has come for it since."""
    names = held.fresh.get(label, {}).get(key)
    new = fresh.setdefault(label, {})
    if not came and names is not None:
        new[key] = names
    elif came and key in new:
        new[key] = sorted({*new[key], *(record.data if names is None else names)})


def joined(held: ModelPayload, payload: ModelPayload) -> ModelPayload:
    """What was held, as far as what came now does not replace it."""
    records, deletes = dict(held.records), dict(held.deletes)
    for key, record in payload.records.items():
        before = records.get(key)
        # Where the peer's record has grown newer it is whole: what it was before may have been deleted between.
        if before is not None and record.newest <= before.newest:
            data = {**before.data, **record.data}
            timestamps = {**before.timestamps, **record.timestamps}
            for name, value in before.data.items():
                old = Stamped(before.timestamps.get(name, 0), value)
                new = Stamped(record.timestamps.get(name, 0), record.data.get(name))
                if beats(old, new) or (name not in record.data and old.stamp > new.stamp):
                    data[name], timestamps[name] = value, old.stamp
            record = SyncRecord(key, data, timestamps)  # noqa: PLW2901  the two as one
        if deletes.get(key, -1) < record.newest:
            deletes.pop(key, None)
            records[key] = record
    for key, stamp in payload.deletes.items():
        if key not in records or records[key].newest <= stamp:
            records.pop(key, None)
            deletes[key] = max(stamp, deletes.get(key, 0))
    return ModelPayload(payload.model_label, records, deletes)
