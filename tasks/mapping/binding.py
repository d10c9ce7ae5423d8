"""Binding pairs to what the sides have."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as Values
from typing import Any

from tasks.errors import TaskDefinitionError
from tasks.mapping.mapping import Mapped, Mapping, Pair
from tasks.sides import Attribute, End, Labels


def pairs_of(mapping: Values[str, Any], ends: Values[str, End]) -> tuple[Pair, ...]:
    """The pairs that a person wrote."""
    return tuple(
        Pair(left, right if isinstance(right, str) else right["to"]) for left, right in mapping.items()
    )


def usual_pairs(left: Values[str, Attribute], right: Values[str, Attribute]) -> tuple[Pair, ...]:
    """The pairs of attributes of one meaning."""
    by_meaning = {attribute.meaning: name for name, attribute in right.items() if attribute.meaning}
    return tuple(
        Pair(name, by_meaning[attribute.meaning])
        for name, attribute in left.items()
        if attribute.meaning in by_meaning
    )


def bind(
    pairs: Iterable[Pair],
    left: Values[str, Attribute],
    right: Values[str, Attribute],
    labels: Labels,
    constants: Values[End, Values[str, Any]] | None = None,
) -> Mapping:
    """The pairs with their converters."""
    if not (pairs := tuple(pairs)):
        raise TaskDefinitionError("nothing is mapped, so there is nothing to keep in step")
    return Mapping((Mapped(pair) for pair in pairs), constants)
