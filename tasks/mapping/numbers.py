"""Numbers, whole numbers, priorities, yes and no."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

from tasks.mapping.case import Case, Found
from tasks.mapping.converter import Way
from tasks.mapping.words import ENDED
from tasks.sides import State
from tasks.values.opaque import Opaque


def number(value: Any) -> Any:
    """A number as it is compared: the same for what is written in decimals and what is kept as a double.

    `Opaque` for one that no double comes near to, such as infinity.

    Raises:
        TypeError: it is none.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise TypeError("no number")
    try:
        near = float(value)
    except (OverflowError, ValueError):
        near = math.inf
    if not math.isfinite(near):
        return Opaque("a number that others cannot hold", odd=True)
    if isinstance(value, Decimal) and Decimal(repr(near)) == value:
        return int(near) if near.is_integer() and abs(near) < 2**53 else near
    return value


def whole(value: Any) -> Any:
    """A whole number; `Opaque` for one that is not."""
    value = number(value)
    if value is None or isinstance(value, Opaque):
        return value
    return int(value) if value == int(value) else Opaque("a number that is not whole", odd=True)


def priority(value: Any) -> Any:
    """A priority of a number, of which 0 is none; `Opaque` for a number that is none."""
    value = number(value)
    if isinstance(value, Opaque):
        return value
    if value and value not in range(1, 10):
        return Opaque("a number that is no priority from 1 to 9", odd=True)
    return int(value) if value else None


def answer(value: Any) -> bool:
    """Yes or no; nothing is no.

    Raises:
        TypeError: it is neither.
    """
    if value is None or isinstance(value, bool):
        return bool(value)
    return bool(number(value))  # also one that others cannot hold


def _ended(value: Any) -> bool:
    return value is not None and State(value) in ENDED


def _state(value: Any, current: Any = None) -> State:
    return State.OPEN if value is None else State(value)


def _digit(common: Any, current: Any) -> int | None:
    return None if common is None else int(common)


NUMBER = Way(number)
WHOLE = Way(whole)
PRIORITY = Way(priority)
RANK = Way(priority, coarse=True)
ANSWER = Way(answer)
DIGIT = Way(answer, _digit, coarse=True)
STATE = Way(_state, _state)
TICKED = Way(_ended, lambda done, current: State.DONE if done else State.OPEN, coarse=True)


def both(first: Way, second: Way) -> Any:
    """The rule that brings two ends together, whatever their options and names."""
    return lambda case: _met(case, first, second)


def _met(case: Case, first: Way, second: Way) -> Found:
    return Found(case.ways(first, second))
