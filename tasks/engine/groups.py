"""Which actions of a plan follow each other, and which go side by side."""

from __future__ import annotations

from collections.abc import Collection

from tasks.merge import (
    Action,
    Adopt,
    Agree,
    Create,
    Delete,
    Mark,
    Park,
    Restore,
    Skip,
    Spare,
    Update,
    Withdraw,
    pair_of,
)
from tasks.sides import End
from tasks.values.file import holds_files

_QUIET = frozenset({Adopt, Agree, Park, Skip, Spare})


def independent(failed: Action, action: Action) -> bool:
    """Whether an action may follow one that failed: an update of other attributes, on the other side."""
    return (
        isinstance(failed, Update)
        and isinstance(action, Update)
        and not action.intents
        and not failed.changes.keys() & action.changes.keys()
    )


def by_pair(actions: tuple[Action, ...]) -> list[list[Action]]:
    """The actions in groups that must follow each other."""
    groups: dict[tuple[str, str], list[Action]] = {}
    for action in actions:
        groups.setdefault(pair_of(action), []).append(action)
    return list(groups.values())


def is_quiet(group: list[Action]) -> bool:
    """Whether a group asks nothing of a service, but only changes what is remembered."""
    return _QUIET.issuperset(map(type, group))


def makes_only(group: list[Action]) -> bool:
    """Whether a group makes a new object of values that are at hand, and reads nothing for it."""
    (first, *rest) = group
    return (
        not rest
        and isinstance(first, Create)
        and first.instead_of is None
        and not any(map(holds_files, first.values.values()))
    )


def writes_any(group: list[Action], attributes: Collection[str]) -> bool:
    """Whether a group writes one of these attributes of an object that is there."""
    return any(isinstance(one, Update) and not one.changes.keys().isdisjoint(attributes) for one in group)


def written_first(group: list[Action]) -> End:
    """The side that a group writes first, by which it waits for its turn."""
    ends = (
        one.side for one in group if isinstance(one, Create | Update | Delete | Mark | Withdraw | Restore)
    )
    return next(ends, End.LEFT)
