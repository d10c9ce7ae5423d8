"""Values as a person reads them in a finding."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any


def shown(value: Any) -> str:
    """A value, short and with its kind still to be seen."""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="minutes" if not value.second else "seconds")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, tuple | list):
        return f"({', '.join(shown(part) for part in value)})"
    return repr(value)


def listed(values: Mapping[str, Any]) -> str:
    """Some values with their names."""
    return ", ".join(f"{name}={shown(value)}" for name, value in values.items())
