"""What a check really tried: which of a task's own methods it called, and which invariants it could see break."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

from tasks.object_task import ObjectTask
from tasks.sync_task.overrides import STEPS
from tasks.sync_task.task import SyncTask, wrote
from tasks.testing.equality import SIDES
from tasks.testing.histories.instrument import CRASHES, FaultKind
from tasks.testing.invariants import Invariant

#: What each side of a task can have, after `notion_` or `other_`.
_OF_A_SIDE = (
    "id",
    "hash",
    "timestamp",
    "to_dict",
    "create_obj",
    "create_keyed",
    "update_obj",
    "update_attrs",
    "delete_obj",
    "restore_obj",
    "is_gone",
    "changes",
    "get_obj",
    "obj_title",
    "obj_address",
)

#: All methods that a run calls where a task writes them itself.
METHODS = (
    "open",
    "check",
    "close",
    *(f"get_{side}_objects" for side in SIDES),
    *(f"{side}_{name}" for name in _OF_A_SIDE for side in SIDES),
    "sync",
    *STEPS,
    "resolve_conflict",
)

#: Methods in whose place another one is called, where the task has that.
_IN_PLACE_OF = {"update_obj": "update_attrs", "create_obj": "create_keyed"}

#: Invariants that can only be seen to break where one of these was met.
_NEEDED: Mapping[Invariant, tuple[tuple[str, ...], str]] = {
    Invariant.PROOF_FIRST: (
        tuple(kind.value for kind in FaultKind if kind not in CRASHES),
        "no write failed in what was played; play more histories",
    ),
    Invariant.CRASH: (
        tuple(kind.value for kind in CRASHES),
        "no crash struck in what was played; play more histories",
    ),
    Invariant.PARTIAL: (
        ("partial listing",),
        "no listing was partial in what was played; play more histories",
    ),
    Invariant.ISOLATION: (
        ("object refused",),
        "no object was refused in what was played; play more histories",
    ),
    Invariant.DRY_RUN: (("runs that were dry",), "no run was dry in what was played; play more histories"),
}


def own_methods(task: ObjectTask) -> tuple[str, ...]:
    """The methods that a task, or a class that it builds on, wrote."""
    return tuple(name for name in METHODS if wrote(task, name)) if isinstance(task, SyncTask) else ()


def counting(make_task: Callable[[], ObjectTask], calls: Counter[str]) -> Callable[[], ObjectTask]:
    """Make tasks of which every call of an own method is counted."""

    def make() -> ObjectTask:
        task = make_task()
        kind = type(task)
        twin = type(kind.__name__, (kind,), {"__module__": kind.__module__})
        for name in own_methods(task):
            setattr(twin, name, _counted(task, twin, name, calls))
        task.__class__ = twin
        return task

    return make


def _counted(task: ObjectTask, twin: type[ObjectTask], name: str, calls: Counter[str]) -> Any:
    def raw(self: Any) -> Any:
        return getattr(super(twin, self), name)

    async def inline(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        calls[name] += 1
        return await raw(self)(*args, **kwargs)

    def plain(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        calls[name] += 1
        return raw(self)(*args, **kwargs)

    def pages(self: Any, /) -> Iterator[Any]:
        calls[name] += 1
        yield from raw(self)()

    async def later_pages(self: Any, /) -> AsyncIterator[Any]:
        calls[name] += 1
        async for page in raw(self)():
            yield page

    own = getattr(task, name)
    if inspect.isasyncgenfunction(own):
        return later_pages
    if inspect.isgeneratorfunction(own):
        return pages
    return inline if inspect.iscoroutinefunction(own) else plain


def uncalled(
    task: ObjectTask, calls: Mapping[str, int], skipped: Mapping[str, str], *, ended: bool
) -> dict[str, str]:
    """The own methods of a task that were not called, and why not.

    Args:
        task: the task.
        calls: how often each method was called.
        skipped: why checks left methods out.
        ended: whether a finding ended the check before its time.
    """
    why = {}
    for name in own_methods(task):
        if calls.get(name):
            continue
        side, _, what = name.partition("_")
        instead = f"{side}_{_IN_PLACE_OF[what]}" if what in _IN_PLACE_OF else ""
        if name in skipped:
            why[name] = skipped[name]
        elif calls.get(instead):
            why[name] = f"{instead} is called in its place"
        else:
            why[name] = "the check ended before" if ended else "nothing that was played led to a call"
    return why


def untried(
    calls: Mapping[str, int],
    struck: Mapping[str, int],
    uncalled: Mapping[str, str],
    *,
    histories: int,
    contract: bool,
    ended: bool,
) -> dict[Invariant, str]:
    """The invariants that could not be seen to break, and why not.

    Args:
        calls: how often each method was called.
        struck: how often each kind of fault struck, and how often runs were dry.
        uncalled: the methods of the task that were not called, and why.
        histories: how many were played.
        contract: whether the methods were tried one by one.
        ended: whether a finding ended the check before its time.
    """
    why = {}
    offered = [name for name in (f"{side}_changes" for side in SIDES) if name in calls or name in uncalled]
    if not any(calls.get(name) for name in offered) and not struck.get("changes read"):
        why[Invariant.DELTAS] = (
            "; ".join(f"{name}: {uncalled[name]}" for name in offered)
            or "no side offers changes since a cursor"
        )
    if ended:
        return why
    if not contract:
        why[Invariant.CONTRACT] = "the methods were not tried one by one, as one history alone was asked for"
    if not histories:
        rest = [one for one in Invariant if one is not Invariant.CONTRACT and one not in why]
        return why | dict.fromkeys(rest, "no history was played")
    for one, (kinds, reason) in _NEEDED.items():
        if not any(struck.get(kind) for kind in kinds):
            why[one] = reason
    return why
