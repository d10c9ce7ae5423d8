"""A mapping that a person is offered: what means the same, then what is called the same, as far as it can be bound."""

from __future__ import annotations

from collections.abc import Mapping as Values
from contextlib import suppress
from dataclasses import replace

from tasks.errors import TaskDefinitionError
from tasks.mapping.binding import bind
from tasks.mapping.mapping import Mapped, Pair
from tasks.mapping.reading import usual_pairs
from tasks.sides import Attribute, End, Labels
from tasks.sides.ends import UNLABELLED


def propose(left: Values[str, Attribute], right: Values[str, Attribute]) -> tuple[Pair, ...]:
    """The pairs to begin with: those of one meaning, both ways; then those of one name, also one way.

    Args:
        left: what the left side has.
        right: what the right side has.
    """
    pairs = [pair for pair in usual_pairs(left, right) if is_bound(pair, left, right)]
    taken = {end: {pair.at(end) for pair in pairs} for end in End}
    by_name = {_plain(name): name for name in right if name not in taken[End.RIGHT]}
    for name in left:
        other = by_name.get(_plain(name))
        if name in taken[End.LEFT] or other is None:
            continue
        pair = directed(Pair(name, other), left, right)
        if pair is not None:
            pairs.append(pair)
            del by_name[_plain(name)]
    return tuple(pairs)


def directed(pair: Pair, left: Values[str, Attribute], right: Values[str, Attribute]) -> Pair | None:
    """The pair both ways where that can be, else the way that can; `None` where neither can.

    Args:
        pair: whose attributes both sides have.
        left: what the left side has.
        right: what the right side has.
    """
    ways = (pair, *(replace(pair, only_to=end) for end in (End.RIGHT, End.LEFT)))
    return next((way for way in ways if is_bound(way, left, right)), None)


def is_bound(pair: Pair, left: Values[str, Attribute], right: Values[str, Attribute]) -> bool:
    """Whether a pair can be kept in step as it is."""
    with suppress(TaskDefinitionError):
        bind([pair], left, right)
        return True
    return False


def met(
    pair: Pair, left: Values[str, Attribute], right: Values[str, Attribute], labels: Labels = UNLABELLED
) -> Mapped:
    """A pair with its converter, and what becomes of its values.

    Raises:
        TaskDefinitionError: it cannot be kept in step; with the mend.
    """
    return bind([pair], left, right, labels).by_name[pair.name]


def _plain(name: str) -> str:
    return "".join(sign for sign in name.casefold() if sign.isalnum())
