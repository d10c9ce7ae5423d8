"""The steps of a sync as methods of a task, from state to state.

They go the way of every run, through the same merge and execution, each with the part of the plan that its
name says. The steps are plain functions; they may be called from a coroutine too, and then block it.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from tasks.engine.apply import Applier
from tasks.engine.calls import Calls, calls
from tasks.engine.naming import named
from tasks.engine.outcome import Outcome
from tasks.engine.parts import PARTS
from tasks.engine.run import run_part, run_task, silent
from tasks.engine.snapshots import Adapter, ask_for_missing, view_of
from tasks.errors import TaskError
from tasks.journal.state import ID, State
from tasks.journal.state_journal import StateJournal
from tasks.merge import (
    Action,
    Adopt,
    Agree,
    Conflict,
    Link,
    Plan,
    Record,
    Side,
    Update,
    make_plan,
    pair_of,
    resolve,
)
from tasks.sync_task.overrides import Context, StepJournal, current
from tasks.sync_task.policy import policy_of

if TYPE_CHECKING:
    from tasks.sync_task.task import SyncTask

T = TypeVar("T")


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
    context = current.get()

    async def whole() -> State:
        if context is None:
            journal = StateJournal(state or State())
            report = await run_task(task, journal)
        else:
            journal = StepJournal(state or State(), context)
            report = await run_part(task, journal, context)
        if report.status not in ("succeeded", "incomplete"):
            raise StepError(f"task {task.name!r}: {report.reason}", journal.state)
        return journal.state

    return _blocking(whole(), context)


def step(
    task: SyncTask,
    state: State,
    notion_objs: Mapping[ID, Any],
    other_objs: Mapping[ID, Any],
    keep: Callable[[Action], bool],
) -> State:
    """Carry out those actions of the plan for which `keep` is true."""

    context = current.get()

    async def part() -> State:
        journal = StateJournal(state) if context is None else StepJournal(state, context)
        async with _caller(task, context) as caller:
            outcome = await _apply_part(task, caller, journal, (notion_objs, other_objs), keep, context)
        if outcome.failures or outcome.unresolved:
            reason = outcome.failures[0] if outcome.failures else "an attribute was edited on both sides"
            raise StepError(f"task {task.name!r}: {reason}", journal.state)
        return journal.state

    return _blocking(part(), context)


async def _apply_part(
    task: SyncTask,
    caller: Calls,
    journal: StateJournal,
    objects: tuple[Mapping[ID, Any], Mapping[ID, Any]],
    keep: Callable[[Action], bool],
    context: Context | None,
) -> Outcome:
    adapters = {side: Adapter(task, side, caller) for side in Side}
    views = {
        side: await view_of(adapters[side], list(objs.values()))
        for side, objs in zip(Side, objects, strict=True)
    }
    base = await journal.load()
    views = await ask_for_missing(views, base.links)
    notion, other = (views[side].snapshot for side in Side)
    plan = make_plan(base.links, notion, other, policy_of(task), base.intents)
    plan = await named(plan, views, base.links)
    part = Plan(tuple(_linked_only(filter(keep, plan.actions), base.links)))
    check_lock = context.check_lock if context is not None else lambda: None
    applier = Applier(adapters, views, journal, check_lock=check_lock, progress=silent)
    outcome = await applier.run(part, {(link.notion_id, link.other_id): link for link in base.links})
    if context is not None:
        context.outcome.add(outcome)
    return outcome


def _linked_only(actions: Iterable[Action], links: Sequence[Link]) -> Iterator[Action]:
    """The actions without those that build on a link which another step is to make."""
    linked = {(link.notion_id, link.other_id) for link in links}
    for action in actions:
        if isinstance(action, Adopt):
            linked.add(pair_of(action))
        if not isinstance(action, Update | Agree | Conflict) or pair_of(action) in linked:
            yield action


@asynccontextmanager
async def _caller(task: SyncTask, context: Context | None) -> AsyncIterator[Calls]:
    """The run's own caller, or one for this step alone."""
    if context is not None:
        yield context.caller
        return
    async with calls(task.name) as caller:
        yield caller


def resolve_conflict(task: SyncTask, notion_obj: Any, other_obj: Any, notion_attr: str) -> Any:
    """Decide one attribute by the task's conflict mode, write the side that lost, return what stays.

    Raises:
        StepError: the mode is `ConflictMode.ERROR`, or an object cannot be read; neither side is written.
    """

    context = current.get()

    async def decide() -> Any:
        async with _caller(task, context) as caller:
            adapters = {side: Adapter(task, side, caller) for side in Side}
            objects = {Side.NOTION: notion_obj, Side.OTHER: other_obj}
            records = {side: await _record_of(adapters[side], objects[side]) for side in Side}
            policy = replace(policy_of(task), by_method=False)
            conflict, value = resolve(notion_attr, None, policy, records[Side.NOTION], records[Side.OTHER])
            if conflict.unresolved:
                raise StepError(f"task {task.name!r}: {conflict.reason}", State())
            if conflict.winner is not None:
                value = records[conflict.winner].values[notion_attr]
            for side in Side:
                if side is not conflict.winner:
                    adapter, old = adapters[side], records[side].values[notion_attr]
                    ((name, sent),) = adapter.native(
                        {notion_attr: policy.carried(notion_attr, value, old, side)}
                    ).items()
                    task.before_write()
                    await adapter.call("update_obj", objects[side], name, sent)
            return value

    return _blocking(decide(), context)


async def _record_of(adapter: Adapter, obj: Any) -> Record:
    snapshot = (await view_of(adapter, [obj])).snapshot
    for record in snapshot.records.values():
        return record
    reason = next(iter(snapshot.unreadable.values()), snapshot.partial)
    raise StepError(
        f"task {adapter.task.name!r}: {adapter.side.label}'s object cannot be read: {reason}", State()
    )


def _blocking(work: Coroutine[Any, Any, T], context: Context | None) -> T:
    """Carry out a coroutine to its end: in the loop of the run that asks, else in a loop of its own.

    In a coroutine of that very loop it takes a loop of its own too, and blocks.
    """
    try:
        running: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
    except RuntimeError:
        running = None
    if running is None:
        if context is not None:
            return asyncio.run_coroutine_threadsafe(work, context.loop).result()
        return asyncio.run(work)
    answers: list[T] = []
    errors: list[BaseException] = []
    here = contextvars.copy_context()

    def run() -> None:
        try:
            answers.append(here.run(asyncio.run, work))
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="lockstep-step")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return answers[0]


__all__ = ["PARTS", "StateJournal", "StepError", "resolve_conflict", "step", "sync"]
