"""Which actions of a plan follow each other, and which go side by side."""

from __future__ import annotations

from tasks.merge import Action, Adopt, Agree, Park, Skip, Update, pair_of


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
    return all(isinstance(action, Adopt | Agree | Park | Skip) for action in group)
