"""By which values objects are the same thing, and where new ones are made."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from tasks.errors import TaskDefinitionError
from tasks.mapping import Mapping as Attributes
from tasks.mapping.case import quoted
from tasks.merge import Match
from tasks.policies.words import Words, listed, shown, towards, unknown
from tasks.schedule import read_period
from tasks.sides import Attribute, End, Kind, Labels

_FORM = (
    'match: it is a list of mapped attributes, such as ["Name", "due"], or { by = ["Name"], fold = false }'
)
_UNFIT = (Kind.OPAQUE, Kind.FILE)


def read_match(said: Any, wrong: list[str]) -> Match | None:
    """What `match` says; its attributes are not looked up yet."""
    fold = True
    if isinstance(said, Mapping):
        wrong += [unknown("match", str(key), ("by", "fold")) for key in said if key not in ("by", "fold")]
        fold = said.get("fold", True)
        if not isinstance(fold, bool):
            wrong.append("match.fold: it is true or false")
        said = said.get("by")
    names = (said,) if isinstance(said, str) else said
    if not isinstance(names, list | tuple) or not names or not all(isinstance(one, str) for one in names):
        wrong.append(_FORM)
        return None
    return Match(tuple(dict.fromkeys(names)), fold is True)


def bind_match(match: Match, described: Mapping[End, Mapping[str, Attribute]], mapping: Attributes) -> Match:
    """The match with its attributes as the merge calls them.

    Raises:
        TaskDefinitionError: one is not mapped, or cannot be compared.
    """
    names = []
    for said in match.attributes:
        name = said if said in mapping.names else next(iter(mapping.named(End.RIGHT, [said])), said)
        if name not in mapping.names:
            raise TaskDefinitionError(f"match: {said!r} is not mapped; there are {quoted(mapping.names)}")
        for end in End:
            known = described[end].get(mapping.name_at(end, name))
            if known is not None and known.kind in _UNFIT:
                raise TaskDefinitionError(
                    f"match: {said!r} is of the kind {known.kind}, by which nothing is found"
                )
        if any(name in mapping.defaults[end] for end in End):
            raise TaskDefinitionError(
                f"match: {said!r} has a default, with which a new object differs from its source: leave one of them out"
            )
        names.append(name)
    return Match(tuple(dict.fromkeys(names)), match.fold, mapping.lossy)


def read_creates(key: str, said: Any, ends: Words, only_to: End | None, wrong: list[str]) -> frozenset[End]:
    """The ends at which new objects are made, as `create` or `first_sync` says."""
    words = [f"to_{word}" for word in shown(ends)]
    end = towards(said, "to_", ends) if isinstance(said, str) else None
    if end is not None and only_to is end.opposite:
        wrong.append(f"{key}: nothing is made in the source of a mirror")
    if end is not None:
        return frozenset({end})
    if said not in ("both", "neither"):
        wrong.append(f"{key}: it is one of {listed(['both', *words, 'neither'])}")
    return frozenset(End) if said == "both" else frozenset()


def read_spares(said: Any, ends: Words, only_to: End | None, wrong: list[str]) -> frozenset[End]:
    """The ends of which nothing is made across that was there before the first sync."""
    makes = read_creates("first_sync", said, ends, only_to, wrong)
    return frozenset(end.opposite for end in End if end not in makes)


def read_settle(said: Any, wrong: list[str]) -> timedelta:
    """How long an object must have been left alone, as `settle` says."""
    try:
        return read_period(said)
    except ValueError as error:
        wrong.append(f"settle: {error}")
        return timedelta(0)


def tell_matching(
    match: Match | None, creates: frozenset[End], spares: frozenset[End], settle: timedelta, labels: Labels
) -> list[str]:
    """What follows, in sentences."""
    told = []
    if match is not None:
        how = "whatever their case and spaces" if match.fold else "to the letter"
        told.append(
            f"objects without a link are the same thing where {' and '.join(match.attributes)} are equal, {how}"
        )
    told += [f"nothing new is made in {labels[end]}" for end in End if end not in creates]
    told += [
        f"nothing is made in {labels[end.opposite]} of what {labels[end]} had before the first sync"
        for end in End
        if end in spares
    ]
    if settle:
        told.append(f"what was edited in the last {int(settle.total_seconds())} s waits for a later run")
    return told
