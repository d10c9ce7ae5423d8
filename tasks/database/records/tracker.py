"""Which fields of an object were changed since it was loaded."""

from __future__ import annotations

import copy
from typing import Any

_MUTABLE_TYPES = (dict, list, set, bytearray)


class FieldUpdateTracker:
    """Keeps what an object's fields were, to tell which are dirty."""

    def __init__(self) -> None:
        self._original: dict[str, Any] = {}

    def get_dirty(self, current: dict[str, Any]) -> set[str]:
        """The fields that are new or have another value than at the last snapshot."""
        missing = object()
        return {
            name
            for name, value in current.items()
            if (before := self._original.get(name, missing)) is missing or before != value
        }

    def snapshot(self, fields: dict[str, Any]) -> None:
        """Take these values as the ones that are not dirty; mutable ones are copied."""
        self._original = {
            name: copy.deepcopy(value) if isinstance(value, _MUTABLE_TYPES) else value
            for name, value in fields.items()
        }
