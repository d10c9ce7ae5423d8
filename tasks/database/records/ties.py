"""Which of two values of one field stays: the newer edit, and in a tie the value that says more.

Pure, and the same on every node: a total order of (stamp, value), of which every node keeps the largest. So it makes
no difference in what order nodes hear of each other.
"""

from __future__ import annotations

import json
from json.encoder import encode_basestring_ascii as quoted
from typing import Any, NamedTuple

_encode = json.JSONEncoder(sort_keys=True, ensure_ascii=True, default=str).encode

_SIMPLE = frozenset({type(None), bool, int})

#: The stamp of what was there before anybody captured. It is no edit, nor is a field without a stamp (0): a
#: column's default, or a column that came later. Every edit is newer, one that empties the field as well.
UNKNOWN_TIME = 1


class Stamped(NamedTuple):
    """A value of a field, and when it was edited."""

    stamp: int
    value: Any


def edited(stamp: int) -> bool:
    """Whether a field with this stamp was ever edited, as far as anybody knows."""
    return stamp > UNKNOWN_TIME


def tied(one: int, other: int) -> bool:
    """Whether two stamps say nothing of which value is newer."""
    return one == other or not (edited(one) or edited(other))


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal, as JSON can tell."""
    if one == other:
        return True
    return not (_is_simple(one) and _is_simple(other)) and canonical(one) == canonical(other)


def canonical(value: Any) -> str:
    """A text that equal values have in common, and by which all nodes put values in the same order."""
    return quoted(value) if value.__class__ is str else _encode(_plain(value))


def larger(one: Any, other: Any) -> bool:
    """Whether `one` wins a tie against `other`, on whatever node it is asked: a value wins over an empty one."""
    return not same(one, other) and _weight(one) > _weight(other)


def beats(one: Stamped, other: Stamped) -> bool:
    """Whether `one` stays where the other is known as well.

    Of what was never edited, a value stays instead of an empty one, and one that somebody wrote instead of a default.
    """
    if edited(one.stamp) or edited(other.stamp):
        return one.stamp > other.stamp or (one.stamp == other.stamp and larger(one.value, other.value))
    if same(one.value, other.value):
        return one.stamp > other.stamp
    ours, theirs = _weight(one.value), _weight(other.value)
    return (ours[0], one.stamp, ours[1]) > (theirs[0], other.stamp, theirs[1])


def is_nothing(found: Stamped) -> bool:
    """Whether nothing is lost with it: a NULL that nobody wrote."""
    return found.value is None and not edited(found.stamp)


def is_empty(value: Any) -> bool:
    """Whether a value says nothing."""
    return value is None or value in ("", [], {})


def _weight(value: Any) -> tuple[int, str]:
    """NULL is less than what is merely empty, and that less than any other value."""
    return (0 if value is None else 1 if is_empty(value) else 2, canonical(value))


def _is_simple(value: Any) -> bool:
    """Whether another such value has the same text only where it is equal."""
    kind = value.__class__
    return kind in _SIMPLE or (kind is str and value.isascii())


def _plain(value: Any) -> Any:
    """The value with each number written in one way: 1, 1.0 and true are equal, and so are their texts."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, bool) or (isinstance(value, float) and value.is_integer()):
        return int(value)
    return value
