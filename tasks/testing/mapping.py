"""A copy in memory of what a configured task maps, to be checked without touching its real sides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tasks import overrides
from tasks.notion_caldav import NotionCalDAV
from tasks.sync_task import SyncTask
from tasks.testing.memory import MemoryTask
from tasks.testing.samples import KINDS
from tasks.testing.todo_memory import USUAL_COLUMNS, MemoryTodos

#: The kind of value behind the words with which a task names the form or type of an attribute.
_WORDS = {
    "datetime": "time",
    "date": "time",
    "due": "time",
    "number": "number",
    "int": "number",
    "float": "number",
    "checkbox": "tick",
    "bool": "tick",
    "multi_select": "tags",
    "tags": "tags",
    "people": "tags",
    "relation": "tags",
}

#: Methods that a copy does not have: they may reach the real sides.
_OWN = (
    "sync",
    "initial_sync",
    "sync_notion_created",
    "sync_other_created",
    "sync_notion_deleted",
    "sync_other_deleted",
    "sync_state_changes",
    "resolve_conflict",
)


@dataclass(frozen=True, slots=True)
class MemoryCopy:
    """How a task's copies are made, and what they are tried with."""

    make: Callable[[], MemoryTask]
    values: Mapping[str, Sequence[Any]]
    key: str
    #: What the copy leaves out or takes for granted.
    notes: Sequence[str] = field(default=())


def advance(task: SyncTask, time: timedelta) -> None:
    """Let time pass for a copy."""
    if isinstance(task, MemoryTask):
        task.advance(time)


def mapping_of(task: SyncTask) -> MemoryCopy:
    """The copy of a task. None of the task's methods is called but its resolver and what it declares lossy."""
    copy = _todos(task) if isinstance(task, NotionCalDAV) else _plain(task)
    own = [name for name in _OWN if overrides.of(task, name)]
    if own:
        left_out = f"{', '.join(own)} of the task itself may reach the real sides and are left out"
        return MemoryCopy(copy.make, copy.values, copy.key, (*copy.notes, left_out))
    return copy


def _todos(task: NotionCalDAV) -> MemoryCopy:
    held = vars(task)
    notes = ["columns are taken to have usual types, and select columns the options that `values` names"]
    attr_map = dict(task.attr_map)
    if held.get("_choose_columns"):
        attr_map = dict(USUAL_COLUMNS)
        notes = ["the columns are chosen at the first contact: the usual ones are taken here"]
    doubled = [name for name, attr in attr_map.items() if attr == "completed"]
    if doubled and "status" in attr_map.values():
        del attr_map[doubled[0]]
        notes.append(f"{doubled[0]!r} shows the same as the status and is left out")
    meanings = held.get("_values", {})

    def make() -> MemoryTodos:
        twin = MemoryTodos(task.name, attr_map, task.conflict_mode, meanings=meanings)
        twin.take_policies(task)
        return twin

    sample = make()
    tried = {name: sample.tried(name) for name in attr_map if len(sample.tried(name)) > 1}
    return MemoryCopy(make, tried, sample.key, tuple(notes))


def _plain(task: SyncTask) -> MemoryCopy:
    kinds = {attribute: _kind_of(task, attribute) for attribute in task.attr_map}
    key = next(
        (name for name, kind in kinds.items() if kind in (None, "text") and name not in task.lossy),
        next(iter(kinds)),
    )
    taken = [name for name, kind in kinds.items() if kind is None and name != key]
    notes = [f"objects are paired by {key!r}"]
    if taken:
        notes.append(f"the task does not say what {', '.join(taken)} hold: texts are tried")

    def make() -> MemoryTask:
        twin = MemoryTask(task.name, task.attr_map, task.conflict_mode, key=key)
        twin.take_policies(task)
        return twin

    values = {name: KINDS[kind or "text"] for name, kind in kinds.items() if name != key}
    return MemoryCopy(make, values, key, tuple(notes))


def _kind_of(task: SyncTask, attribute: str) -> str | None:
    """The kind of value that a task says an attribute to hold, by its declarations; `None` where it does not."""
    types = vars(task).get("_property_types") or {}
    words = types.get(attribute, ())
    for word in (words,) if isinstance(words, str) else words:
        if word in _WORDS:
            return _WORDS[word]
    lossy = task.lossy.get(attribute)
    if lossy is not None:
        moment = datetime(2026, 3, 2, 9, 30, 15, tzinfo=UTC)
        try:
            return "time" if lossy.show(moment) != moment else None
        except (AttributeError, TypeError, ValueError):  # it shows something else than times
            return None
    return None
