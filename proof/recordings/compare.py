"""What two answers differ in, ids, times, addresses and request ids aside."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

_ASIDE = frozenset({"request_id", "public_url", "next_url", "expiry_time", "upload_url", "complete_url"})
_TIMES = frozenset({"created_time", "last_edited_time", "expires_at"})
#: Keys that came without a new version: older answers of the same version lack them. They are empty by default.
_ADDED = frozenset({"is_archived", "is_locked", "is_inline", "in_trash", "description", "icon"})
#: Keys that errors have only sometimes.
_SOMETIMES = frozenset({"additional_data"})
#: The name of the integration, which messages have told for some years only.
_NAMED = re.compile(r'(?<=with your integration) "[^"]*"')
_ADDRESS = re.compile(r"https://(www\.notion\.so|app\.notion\.com|prod-files-secure\S*)/\S*")


def normal(value: Any, key: str = "", inside: str = "") -> Any:
    """A form in which two answers that agree are equal."""
    if isinstance(value, list):
        return [normal(item, key) for item in value]
    if isinstance(value, dict):
        return {
            name: normal(part, name, key)
            for name, part in value.items()
            if name not in _ASIDE and not (name == "url" and ("object" in value or key == "file"))
        }
    if key in _TIMES and isinstance(value, str):
        return "(time)"
    if key == "next_cursor":
        return value is not None
    if key.endswith("id") and isinstance(value, str):
        return unquote(value)
    if isinstance(value, str):
        value = _NAMED.sub("", value) if key == "message" else value
        return _ADDRESS.sub("(address)", value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def differences(ours: Any, theirs: Any, path: str = "") -> list[str]:
    """Places at which two normal answers differ, ours first."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        found = []
        for key in sorted(ours.keys() | theirs.keys()):
            if key not in ours:
                found.append(f"{path}.{key}: missing, recorded {_short(theirs[key])}")
            elif key not in theirs and (key in _SOMETIMES or (key in _ADDED and not ours[key])):
                continue
            elif key not in theirs:
                found.append(f"{path}.{key}: {_short(ours[key])}, not recorded")
            else:
                found += differences(ours[key], theirs[key], f"{path}.{key}")
        return found
    if isinstance(ours, list) and isinstance(theirs, list):
        if len(ours) != len(theirs):
            return [f"{path}: {len(ours)} elements, recorded {len(theirs)}"]
        return [
            line
            for index, (left, right) in enumerate(zip(ours, theirs, strict=True))
            for line in differences(left, right, f"{path}[{index}]")
        ]
    if type(ours) is type(theirs) and ours == theirs:
        return []
    return [f"{path}: {_short(ours)}, recorded {_short(theirs)}"]


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 120 else text[:117] + "..."
