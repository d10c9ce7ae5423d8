"""One row as it was read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tasks.services.sql.values import Raw


@dataclass(frozen=True, slots=True)
class Row:
    """What the database gave of a row: it is found again by its key, and still the same while it shows the same."""

    key: tuple[Raw, ...]
    #: By column, of those that are read.
    raws: Mapping[str, Raw]

    @property
    def id(self) -> str:
        """The key as a text."""
        return id_of(self.key)


def id_of(key: Sequence[Raw]) -> str:
    """A key as a text: its only part, or all of them as JSON."""
    parts = [_part(part) for part in key]
    return parts[0] if len(parts) == 1 else json.dumps(parts, ensure_ascii=False)


def _part(raw: Raw) -> str:
    return raw.hex() if isinstance(raw, bytes) else str(raw)


def key_of(obj_id: str, parts: int) -> tuple[str, ...] | None:
    """The parts of a key, as texts; `None` where the text names no row of such a key."""
    if parts == 1:
        return (obj_id,)
    try:
        found = json.loads(obj_id)
    except ValueError:
        return None
    fits = isinstance(found, list) and len(found) == parts and all(isinstance(part, str) for part in found)
    return tuple(found) if fits else None
