"""The steps of a sync as methods of a task, from state to state.

They go the way of every run, through the same merge and execution, each with the part of the plan that its
name says. The steps are plain functions; they may be called from a coroutine too, and then block it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from tasks.apply import Applier, Outcome
from tasks.calls import Calls, calls
from tasks.errors import TaskError
from tasks.file_journal import base_of, change_state
from tasks.journal import Base
from tasks.merge import (
    Action,
    Adopt,
    Agree,
    Conflict,
    Create,
    Delete,
    Intent,
    Link,
    Plan,
    Record,
    Side,
    Unlink,
    Update,
    make_plan,
    resolve,
)
from tasks.run import policy_of, run_task, silent
from tasks.snapshots import Adapter, view_of
from tasks.state import ID, State

if TYPE_CHECKING:
    from tasks.sync_task import SyncTask

T = TypeVar("T")


class StateJournal:
    """A journal that keeps everything in a `State` in memory."""

    def __init__(self, state: State) -> None:
        self.state = state.model_copy(deep=True)

    async def load(self) -> Base:
        """The state in the words of the merge."""
        return base_of(self.state)

    async def begin(self, intent: Intent) -> None:
        """Keep an intent."""
        change_state(self.state, begin=intent)

    async def confirm(
        self, *, put: Link | None = None, drop: Link | None = None, settle: Sequence[str] = ()
    ) -> None:
        """Keep what a write proved."""
        change_state(self.state, put=put, drop=drop, settle=settle)

    async def keep_conflict(self, conflict: Conflict) -> None:
        """The caller of a step holds both values; there is no ledger here."""


class StepError(TaskError):
    """A step could not be carried out for some objects.

    Attributes:
        state: what was agreed on before and around them.
    """

    def __init__(self, message: str, state: State) -> None:
        super().__init__(message)
        self.state = state


def sync(task: SyncTask, state: State | None) -> State:
    """List both sides, bring them together, and return the new state."""

    async def whole() -> State:
        journal = StateJournal(state or State())
        report = await run_task(task, journal)
        if report.status != "succeeded":
            raise StepError(f"task {task.name!r}: {report.reason}", journal.state)
        return journal.state

    return _blocking(whole())


def step(
    task: SyncTask,
    state: State,
    notion_objs: Mapping[ID, Any],
    other_objs: Mapping[ID, Any],
    keep: Callable[[Action], bool],
) -> State:
    """Carry out those actions of the plan for which `keep` is true."""

    async def part() -> State:
        journal = StateJournal(state)
        async with calls(task.name) as caller:
            outcome = await _apply_part(task, caller, journal, (notion_objs, other_objs), keep)
        if outcome.failures or outcome.unresolved:
            reason = outcome.failures[0] if outcome.failures else "an attribute was edited on both sides"
            raise StepError(f"task {task.name!r}: {reason}", journal.state)
        return journal.state

    return _blocking(part())


async def _apply_part(
    task: SyncTask,
    caller: Calls,
    journal: StateJournal,
    objects: tuple[Mapping[ID, Any], Mapping[ID, Any]],
    keep: Callable[[Action], bool],
) -> Outcome:
    adapters = {side: Adapter(task, side, caller) for side in Side}
    views = {
        side: await view_of(adapters[side], list(objs.values()))
        for side, objs in zip(Side, objects, strict=True)
    }
    base = await journal.load()
    notion, other = (views[side].snapshot for side in Side)
    plan = make_plan(base.links, notion, other, policy_of(task), base.intents)
    part = Plan(tuple(filter(keep, plan.actions)))
    applier = Applier(adapters, views, journal, check_lock=lambda: None, progress=silent)
    return await applier.run(part, {(link.notion_id, link.other_id): link for link in base.links})


def keeps_deleted(side: Side) -> Callable[[Action], bool]:
    """The actions that follow from deletions on a side."""

    def keep(action: Action) -> bool:
        match action:
            case Delete():
                return action.side is side.opposite
            case Create():
                return action.side is side and action.instead_of is not None
            case Conflict(attribute=None):
                return action.winner is side.opposite
        return isinstance(action, Unlink)

    return keep


def keeps_created(side: Side) -> Callable[[Action], bool]:
    """The actions that follow from new objects on a side."""

    def keep(action: Action) -> bool:
        return isinstance(action, Create) and action.side is side.opposite and action.instead_of is None

    return keep


def keeps_changes(action: Action) -> bool:
    """The actions that follow from edits of linked objects."""
    return isinstance(action, Update | Agree) or (
        isinstance(action, Conflict) and action.attribute is not None
    )


def keeps_links(action: Action) -> bool:
    """The actions of a first sync that creates nothing."""
    return isinstance(action, Adopt) or keeps_changes(action)


#: The parts of a plan that the steps carry out.
PARTS: dict[str, Callable[[Action], bool]] = {
    "links": keeps_links,
    "changes": keeps_changes,
    "notion_created": keeps_created(Side.NOTION),
    "other_created": keeps_created(Side.OTHER),
    "notion_deleted": keeps_deleted(Side.NOTION),
    "other_deleted": keeps_deleted(Side.OTHER),
}


def resolve_conflict(task: SyncTask, notion_obj: Any, other_obj: Any, notion_attr: str) -> Any:
    """Decide one attribute by the task's conflict mode, write the side that lost, return what stays.

    Raises:
        StepError: the mode is `ConflictMode.ERROR`, or an object cannot be read; neither side is written.
    """

    async def decide() -> Any:
        async with calls(task.name) as caller:
            adapters = {side: Adapter(task, side, caller) for side in Side}
            objects = {Side.NOTION: notion_obj, Side.OTHER: other_obj}
            records = {side: await _record_of(adapters[side], objects[side]) for side in Side}
            policy = policy_of(task)
            conflict = resolve(
                notion_attr, None, policy.mode, policy.granularity, records[Side.NOTION], records[Side.OTHER]
            )
            if conflict.winner is None:
                raise StepError(f"task {task.name!r}: {conflict.reason}", State())
            loser = adapters[conflict.winner.opposite]
            value = records[conflict.winner].values[notion_attr]
            ((name, value),) = loser.native({notion_attr: value}).items()
            await loser.call("update_obj", objects[loser.side], name, value)
            return value

    return _blocking(decide())


async def _record_of(adapter: Adapter, obj: Any) -> Record:
    snapshot = (await view_of(adapter, [obj])).snapshot
    for record in snapshot.records.values():
        return record
    reason = next(iter(snapshot.unreadable.values()), snapshot.partial)
    raise StepError(
        f"task {adapter.task.name!r}: {adapter.side.label}'s object cannot be read: {reason}", State()
    )


def _blocking(work: Coroutine[Any, Any, T]) -> T:
    """Carry out a coroutine to its end, in a loop of its own, also where one is running already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    answers: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(asyncio.run(work))
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="lockstep-step")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return answers[0]
