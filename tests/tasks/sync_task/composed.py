"""What a `sync` of a task's own does that calls the steps one after the other."""

from __future__ import annotations

from typing import Any

from tasks import State, SyncTask


def by_steps(task: SyncTask, state: State | None, ours: dict[str, Any], theirs: dict[str, Any]) -> State:
    if state is None:
        state = task.initial_sync(ours, theirs)
    state = task.sync_notion_deleted(state, ours, theirs)
    state = task.sync_other_deleted(state, ours, theirs)
    state = task.sync_notion_created(state, ours)
    state = task.sync_other_created(state, theirs)
    return task.sync_state_changes(state, ours, theirs)
