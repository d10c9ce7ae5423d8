"""A copy in memory of what a configured task maps, to be checked without touching its real sides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tasks.errors import TaskDefinitionError
from tasks.object_task import ObjectTask
from tasks.sync_task.overrides import STEPS
from tasks.sync_task.task import SyncTask, wrote
from tasks.testing.copies.memory import MemoryTask
from tasks.testing.copies.two_sides import CopyOfTwo
from tasks.testing.invariants import Invariant
from tasks.testing.task.coverage import own_methods
from tasks.testing.task.samples import KINDS
from tasks.two_way import TwoWay

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

#: Why no method of the task is called.
SEALED = "it may reach the real sides"

#: What a copy says nothing of, as it has its own.
_OF_THE_COPY: Mapping[Invariant, str] = {
    Invariant.CONTRACT: "no method of the task is called, as it may reach the real sides",
    Invariant.STABLE_IDS: "the ids are the copy's; notion_id and other_id are not called",
    Invariant.CLOCKS: "the clocks are the copy's; notion_timestamp and other_timestamp are not called",
    Invariant.DELTAS: "the copy lists in full; notion_changes and other_changes are not called",
}

#: What a copy without the task's conversions says nothing of either.
_WITHOUT_CONVERSIONS: Mapping[Invariant, str] = {
    Invariant.FIXPOINT: "values are kept as they are; to_dict, creates and updates of the task are not called",
    Invariant.STATE_LOSS: "objects are paired as the copy does it; notion_hash and other_hash are not called",
}


#: What a copy of two sides says nothing of.
_OF_SIDES: Mapping[Invariant, str] = {
    Invariant.CONTRACT: "no method of the sides is called, as it may reach the services",
    Invariant.STABLE_IDS: "the ids are the copy's",
    Invariant.CLOCKS: "the clocks are the copy's",
    Invariant.DELTAS: "the copy lists in full",
    Invariant.FIXPOINT: "values go through the mapping, and not through what the sides make of them",
    Invariant.STATE_LOSS: "objects are paired by the title, as the copy does it",
}


@dataclass(frozen=True, slots=True)
class MemoryCopy:
    """How a task's copies are made, and what they are tried with."""

    make: Callable[[], ObjectTask]
    values: Mapping[str, Sequence[Any]]
    key: str
    #: What of the task is tried.
    tried: Sequence[str]
    #: The invariants of which the copy says nothing about the task, and why.
    untried: Mapping[Invariant, str]
    #: The methods of the task, of which none is called, and why.
    uncalled: Mapping[str, str]
    #: What the copy leaves out or takes for granted.
    notes: Sequence[str] = field(default=())


def advance(task: ObjectTask, time: timedelta) -> None:
    """Let time pass for a copy."""
    if isinstance(task, MemoryTask | CopyOfTwo):
        task.advance(time)


def mapping_of(task: ObjectTask) -> MemoryCopy:
    """The copy of a task. None of the task's methods is called but its resolver and what it declares lossy."""
    if isinstance(task, TwoWay):
        return _two_sides(task)
    if isinstance(task, SyncTask):
        return _plain(task)
    raise TaskDefinitionError(f"task {task.name!r} is of a kind of its own, of which no copy can be made")


def _copy(
    task: SyncTask,
    make: Callable[[], MemoryTask],
    values: Mapping[str, Sequence[Any]],
    key: str,
    notes: Sequence[str],
) -> MemoryCopy:
    """The copy, with what is tried by it and what is not."""
    tried = ["attr_map", "conflict modes", *_rules(task)]
    untried = {**_OF_THE_COPY, **_WITHOUT_CONVERSIONS}
    steps = [name for name in ("sync", *STEPS) if wrote(task, name)]
    if steps:
        why = f"the copy is synced as tasks without steps of their own are; {', '.join(steps)} of the task: not called"
        untried = {**dict.fromkeys(Invariant, why), **untried}
    if wrote(task, "resolve_conflict"):
        notes = [
            *notes,
            "resolve_conflict of the task itself is not called: conflict modes decide in the copy",
        ]
    return MemoryCopy(
        make, values, key, tuple(tried), untried, dict.fromkeys(own_methods(task), SEALED), tuple(notes)
    )


def _two_sides(task: TwoWay) -> MemoryCopy:
    notes = ["attributes of which only the service knows the kind are taken to be of the kind across"]
    if task.pairs is None:
        notes.append("the attributes are chosen at the first contact: the usual ones are taken here")
    sample = CopyOfTwo(task)
    pairs = sample.pairs or ()
    tried = ["the mapping", "conflict modes", *_rules(task)]
    key = pairs[0].left
    return MemoryCopy(
        lambda: CopyOfTwo(task),
        {},
        key,
        tuple(tried),
        _OF_SIDES,
        {},
        (*notes, f"objects are paired by {key!r}"),
    )


def _rules(task: ObjectTask) -> list[str]:
    """What else of a task's rules is tried."""
    return [
        *(["resolver"] if task.resolver is not None else []),
        *(["what is declared lossy"] if task.lossy else []),
    ]


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
    return _copy(task, make, values, key, notes)


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
