"""In which fields two records are not the same: found once, and asked by all that decide on them."""

from __future__ import annotations

from tasks.database.records.record import SyncRecord
from tasks.database.records.ties import same


def differing(one: SyncRecord, other: SyncRecord) -> list[str]:
    """The fields of the one that have another value or stamp in the other, or are not there."""
    stamps, known, there = one.timestamps, other.timestamps, other.data
    return [
        name
        for name, value in one.data.items()
        if stamps.get(name, 0) != known.get(name, 0)
        or name not in there
        or (value != there[name] and not same(value, there[name]))
    ]
