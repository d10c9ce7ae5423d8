"""The steps of a sync as methods of a task, from state to state.

They go the way of every run, through the same merge and execution, each with the part of the plan that its
name says. The steps are plain functions; they may be called from a coroutine too, and then block it.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, TypeVar

from tasks.engine.adapter import Adapter
from tasks.engine.apply import Applier
from tasks.engine.calls import calls
from tasks.engine.naming import named
from tasks.engine.outcome import Outcome
from tasks.engine.planning import planned
from tasks.engine.reading import view_of
from tasks.engine.run import run_part
from tasks.engine.running import Running
from tasks.engine.views import SideView, ask_for_missing
from tasks.errors import TaskError
from tasks.journal.state import State
from tasks.journal.state_journal import StateJournal
from tasks.merge import (
    Action,
    Adopt,
    Agree,
    Conflict,
    Delete,
    Link,
    Park,
    Plan,
    Record,
    Update,
    check_guards,
    make_plan,
    pair_of,
    resolve,
)
from tasks.object_task import ObjectTask
from tasks.sides import ID, End
from tasks.sync_task.overrides import Context, StepJournal, current
from tasks.sync_task.parts import PARTS

T = TypeVar("T")

#: The ends for whose missing objects the steps see.
_DELETED = {"notion_deleted": End.LEFT, "other_deleted": End.RIGHT}


class StepError(TaskError):
    """A step could not be carried out for some objects.

    Attributes:
        state: what was agreed on before and around them.
    """

    def __init__(self, message: str, state: State) -> None:
        super().__init__(message)
        self.state = state


def sync(task: ObjectTask, state: State | None) -> State:
    """List both sides, bring them together, and return the new state."""
    context = current.get()

    async def whole() -> State:
        if context is None:
            journal = StateJournal(state or State())
            report = await task.run(journal)
        else:
            journal = StepJournal(state or State(), context)
            report = await run_part(context.running, journal, context.clock)
            context.outcome.add(report.outcome)
        told = (
            ("succeeded", "incomplete")
            if context is None
            else ("succeeded", "incomplete", "failed", "conflicts")
        )
        if report.status not in told:  # of what failed in a run the run tells
            raise StepError(f"task {task.name!r}: {report.reason}", journal.state)
        return journal.state

    return _blocking(whole(), context)


def step(
    task: ObjectTask,
    state: State,
    notion_objs: Mapping[ID, Any] | None,
    other_objs: Mapping[ID, Any] | None,
    part: str,
) -> State:
    """Carry out a part of the plan, by its name in `PARTS`.

    Of a side of which the step is given no objects it knows what the run knows, where there is a run.
    """

    context = current.get()

    async def carried_out() -> State:
        journal = StateJournal(state) if context is None else StepJournal(state, context)
        async with _running(task, context, journal) as running:
            outcome = await _apply_part(running, (notion_objs, other_objs), part, context)
        if context is not None:  # the run tells of what failed, and goes on with the rest
            context.outcome.add(outcome)
        elif outcome.failures or outcome.unresolved:
            reason = outcome.failures[0] if outcome.failures else "an attribute was edited on both sides"
            raise StepError(f"task {task.name!r}: {reason}", journal.state)
        return journal.state

    return _blocking(carried_out(), context)


async def _apply_part(
    running: Running,
    objects: tuple[Mapping[ID, Any] | None, Mapping[ID, Any] | None],
    part: str,
    context: Context | None,
) -> Outcome:
    adapters, sync = running.adapters, running.sync
    views = {end: await _view(adapters[end], objs, context) for end, objs in zip(End, objects, strict=True)}
    base = await running.journal.load()
    policy = context.policy if context is not None else sync.policy(running.mapping)
    views = await ask_for_missing(views, base.links, policy)
    snapshots = {end: view.snapshot for end, view in views.items()}
    if context is None:
        applier = Applier(running, views, policy)
        plan = make_plan(base.links, snapshots[End.LEFT], snapshots[End.RIGHT], policy, base.intents)
    else:
        applier = Applier(running, views, policy, clock=context.clock)
        base = replace(context.base, links=base.links, intents=base.intents)
        plan = planned(running, base, snapshots, policy, listed_at=context.listed_at, now=context.clock())
    plan = await named(plan, views, base.links, sync.title_of(running.mapping))
    applier.go_on_from(base.intents if context is None else context.base.intents)
    actions: Iterable[Action] = filter(PARTS[part], plan.actions)
    composed = None if context is None or context.is_planned else context
    if composed is not None and part in _DELETED:
        composed.looked.add(_DELETED[part])
        actions = (one for one in plan.actions if PARTS[part](one) or isinstance(one, Park))
    wanted = Plan(tuple(_linked_only(actions, base.links)), labels=plan.labels)
    if composed is not None:
        # That a side lists nothing matters where something is deleted: other steps may be given a few objects.
        guarded = replace(wanted, listed=plan.listed) if wanted.of(Delete) else wanted
        halt = check_guards(guarded, len(base.links), policy)
        if halt is not None:
            raise StepError(f"task {sync.name!r}: {halt.reason}", composed.state)
    return await applier.run(wanted, base.links)


async def _view(adapter: Adapter, objects: Mapping[ID, Any] | None, context: Context | None) -> SideView:
    if context is not None:
        return await context.view(adapter, objects)
    return await view_of(adapter, list((objects or {}).values()))


def _linked_only(actions: Iterable[Action], links: Sequence[Link]) -> Iterator[Action]:
    """The actions without those that build on a link which another step is to make."""
    linked = {(link.left_id, link.right_id) for link in links}
    for action in actions:
        if isinstance(action, Adopt):
            linked.add(pair_of(action))
        if not isinstance(action, Update | Agree | Conflict) or pair_of(action) in linked:
            yield action


@asynccontextmanager
async def _running(
    task: ObjectTask, context: Context | None, journal: StateJournal
) -> AsyncIterator[Running]:
    """The run's own sides, or those of this step alone."""
    if context is not None:
        yield replace(context.running, journal=journal)
        return
    sync = task.pairing()
    async with calls(task.name) as caller:
        yield Running(sync, sync.mapped({}), journal, caller, lambda: None)


def resolve_conflict(task: ObjectTask, notion_obj: Any, other_obj: Any, notion_attr: str) -> Any:
    """Decide one attribute by the task's conflict mode, write the side that lost, return what stays.

    Raises:
        StepError: the mode is `ConflictMode.ERROR`, or an object cannot be read; neither side is written.
    """

    context = current.get()

    async def decide() -> Any:
        async with _running(task, context, StateJournal(State())) as running:
            adapters = running.adapters
            objects = {End.LEFT: notion_obj, End.RIGHT: other_obj}
            records = {end: await _record_of(adapters[end], objects[end]) for end in End}
            policy = replace(running.sync.policy(running.mapping), by_method=False)
            conflict, value = resolve(notion_attr, None, policy, records[End.LEFT], records[End.RIGHT])
            if conflict.unresolved:
                raise StepError(f"task {task.name!r}: {conflict.reason}", State())
            if conflict.winner is not None:
                value = records[conflict.winner].values[notion_attr]
            for end in End:
                if end is not conflict.winner:
                    old = records[end].values[notion_attr]
                    adapters[end].side.before_write()
                    sent = policy.carried(notion_attr, value, old, end)
                    await adapters[end].update_one(objects[end], notion_attr, sent)
            return value

    return _blocking(decide(), context)


async def _record_of(adapter: Adapter, obj: Any) -> Record:
    snapshot = (await view_of(adapter, [obj])).snapshot
    for record in snapshot.records.values():
        return record
    reason = next(iter(snapshot.unreadable.values()), snapshot.partial)
    raise StepError(f"task {adapter.task!r}: {adapter.label}'s object cannot be read: {reason}", State())


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
