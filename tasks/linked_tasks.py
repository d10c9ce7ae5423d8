"""The task by whose links references go across, where that is another one than the one that carries them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tasks.errors import TaskDefinitionError
from tasks.mapping import Pair
from tasks.nearest import nearest
from tasks.scheduled import Scheduled, all_tasks
from tasks.sides import Attribute, End, Side

_NOTHING_KNOWN: Mapping[End, Mapping[str, Attribute]] = {end: {} for end in End}


def turned(
    pair: Pair,
    sides: Mapping[End, Side],
    described: Mapping[End, Mapping[str, Attribute]] = _NOTHING_KNOWN,
    tasks: Iterable[Scheduled] = all_tasks,
) -> bool:
    """Whether the ends of the task that a pair names by `links` stand the other way round.

    Args:
        pair: what refers to other objects.
        sides: the sides of its own task.
        described: what these have, as far as that is known.
        tasks: all that there are.

    Raises:
        TaskDefinitionError: there is no such task, or it links other objects than those that are referred to.
    """
    known = {task.name: task for task in tasks}
    said = f"the mapping of {pair.left!r} has links = {pair.links!r}"
    other = known.get(pair.links or "")
    if other is None:
        raise TaskDefinitionError(f"{said}, but no sync has this name: {nearest(pair.links or '', known)}")
    theirs: Mapping[End, Side] = getattr(other, "sides", {})
    for turn in (False, True):
        if theirs and all(
            _fits(sides[end], _places(pair, end, described), theirs[end.opposite if turn else end])
            for end in End
        ):
            return turn
    has = " and ".join(theirs[end].full_label for end in End) if theirs else "no two services"
    wanted = " and ".join(f"what {pair.at(end)!r} of {sides[end].full_label} refers to" for end in End)
    raise TaskDefinitionError(f"{said}, which keeps {has} in step; it has to be the sync that links {wanted}")


def _places(pair: Pair, end: End, described: Mapping[End, Mapping[str, Attribute]]) -> tuple[str, ...]:
    attribute = described[end].get(pair.at(end))
    return () if attribute is None else attribute.refers_to


def _fits(here: Side, places: tuple[str, ...], there: Side) -> bool:
    """Whether a side has what another one refers to; what neither says is taken on trust."""
    if not (isinstance(there, type(here)) or isinstance(here, type(there))):
        return False
    return not places or not there.places or not set(places).isdisjoint(there.places)


def check_links(tasks: Iterable[Scheduled]) -> None:
    """Make sure that each task which another one names by `links` is there, and has its services.

    Raises:
        TaskDefinitionError: one is not.
    """
    all_of_them = list(tasks)
    for task in all_of_them:
        pairs: Iterable[Pair] = getattr(task, "pairs", None) or ()
        for pair in pairs:
            if pair.links not in (None, task.name):
                try:
                    turned(pair, getattr(task, "sides", {}), tasks=all_of_them)
                except TaskDefinitionError as error:
                    raise TaskDefinitionError(f"task {task.name!r}: {error}") from None
