"""In which order objects are made that refer to each other."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tasks.merge import ID, Action, Create, End
from tasks.values.references import References

Group = list[Action]


def parents_first(
    groups: Sequence[Group], attributes: Collection[str]
) -> tuple[list[Group], list[list[int]]]:
    """The groups so that what is made comes after what it refers to, and for each, the places of those it waits for.

    All else stays in its order. In a cycle one object is made before what it refers to.

    Args:
        groups: the actions of single pairs.
        attributes: the names of those that refer to objects of the same task.
    """
    made: dict[tuple[End, ID], int] = {}
    for number, group in enumerate(groups):
        made |= {(one.side, one.source_id): number for one in group if isinstance(one, Create)}
    wanted = [_referred(group, attributes, made) if attributes else [] for group in groups]
    order: list[int] = []
    place: dict[int, int] = {}
    begun: set[int] = set()
    for first in range(len(groups)):
        stack = [] if first in begun else [first]
        while stack:
            number = stack[-1]
            begun.add(number)
            rest = [one for one in wanted[number] if one not in begun]
            if rest:
                stack.append(rest[0])
                continue
            stack.pop()
            place[number] = len(order)
            order.append(number)
    waits = [[place[one] for one in wanted[number] if place[one] < at] for at, number in enumerate(order)]
    return [groups[number] for number in order], waits


def _referred(group: Group, attributes: Collection[str], made: dict[tuple[End, ID], int]) -> list[int]:
    found = (
        made[action.side, one]
        for action in group
        if isinstance(action, Create)
        for name in attributes
        if isinstance(value := action.source.get(name), References)
        for one in value.alone
        if (action.side, one) in made
    )
    return list(dict.fromkeys(found))
