"""When two values mean the same, by the kit's own judgement: it shares no code with the engine's."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from numbers import Number
from typing import Any

from tasks.values.file import File
from tasks.values.lossy import Lossy

SIDES = ("notion", "other")


def across(side: str) -> str:
    """The opposite side."""
    return "other" if side == "notion" else "notion"


def form(value: Any) -> Any:
    """A form that is equal for values that mean the same, and can be a key.

    Raises:
        TypeError: a value of this type cannot be kept in step.
    """
    if isinstance(value, Enum):
        return form(value.value)
    if isinstance(value, bool):
        return "bool", value
    if isinstance(value, int | float | Decimal):
        return "number", "nan" if math.isnan(value) else value
    if isinstance(value, datetime) and value.utcoffset() is not None:
        return "instant", value.astimezone(UTC)
    if isinstance(value, File):
        return "file", value.name, value.content
    if isinstance(value, list | tuple):
        return "list", tuple(form(part) for part in value)
    if isinstance(value, set | frozenset):
        return "set", frozenset(form(part) for part in value)
    if isinstance(value, Mapping):
        return "map", frozenset((key, form(part)) for key, part in value.items())
    if isinstance(value, Number):
        raise TypeError(f"a number of type {type(value).__name__}")
    hash(value)
    return type(value).__name__, value


def alike(one: Any, two: Any) -> bool:
    """Whether two values mean the same."""
    return bool(form(one) == form(two))


def is_blank(value: Any) -> bool:
    """Whether a value says nothing."""
    return value is None or (hasattr(value, "__len__") and len(value) == 0)


def agree(lossy: Mapping[str, Lossy], attribute: str, notion: Any, other: Any) -> bool:
    """Whether what both sides show of an attribute is the same, as far as the coarser side can show it."""
    if alike(notion, other) or (is_blank(notion) and is_blank(other)):
        return True
    one = lossy.get(attribute)
    return one is not None and alike(one.show(notion), one.show(other))
