"""What a task says of its merge, in the words of the merge."""

from __future__ import annotations

from tasks.conflict_modes import checked_modes
from tasks.merge import Policy
from tasks.sync_task import overrides
from tasks.sync_task.task import SyncTask


def policy_of(task: SyncTask, *, scope_changed: bool = False) -> Policy:
    """How a task wants its sides brought together.

    Raises:
        TaskDefinitionError: a mode of a single attribute does not fit.
    """
    modes = checked_modes(task.name, task.attr_map, task.conflict_modes)
    return Policy(
        attributes=tuple(task.attr_map),
        mode=task.conflict_mode.value,
        granularity=max(task.notion_granularity, task.other_granularity),
        modes={name: mode.value for name, mode in modes.items()},
        resolver=task.resolver,
        by_method=overrides.of(task, "resolve_conflict"),
        edit_beats_delete=task.edit_beats_delete,
        lossy=task.lossy,
        scope_changed=scope_changed,
        delete_share=task.delete_share,
        change_share=task.change_share,
        handful=task.handful,
    )


def forms_of(task: SyncTask) -> dict[str, str]:
    """What each attribute is mapped to and in which form it is compared; another one makes its base void."""
    forms = task.attr_forms()
    return {name: f"{other} {forms.get(name, '')}".strip() for name, other in task.attr_map.items()}
