"""Steps of a sync that a task wrote itself: called in a run, with the run's journal behind them.

A step gets a `State` and returns one. What it writes by way of `super()` goes through the merge and into the
journal at once; what it changed in the state itself goes into the journal when it returns.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import product
from typing import Any

from tasks.engine.adapter import Adapter
from tasks.engine.apply import Applier
from tasks.engine.outcome import Outcome
from tasks.engine.proofs import batches
from tasks.engine.reading import read_side, view_of
from tasks.engine.running import Running
from tasks.engine.views import SideView
from tasks.errors import TaskDefinitionError
from tasks.journal.contract import Base, Memory, Proof
from tasks.journal.ledger import LedgerEntry
from tasks.journal.state import State
from tasks.journal.state_changes import state_of
from tasks.journal.state_journal import StateJournal
from tasks.journal.state_links import base_of
from tasks.merge import Action, Effect, Intent, Link, Plan, Policy
from tasks.sides import ID, End
from tasks.sync_task.parts import PARTS, keeps_rest
from tasks.values.canonical import same

#: The steps in the order of a run: method, and the part of a plan that it stands for.
STEPS = {
    "initial_sync": "links",
    "sync_notion_deleted": "notion_deleted",
    "sync_other_deleted": "other_deleted",
    "sync_notion_created": "notion_created",
    "sync_other_created": "other_created",
    "sync_state_changes": "changes",
}


class Overrides:
    """What a subclass has written itself of the steps of a sync."""

    def __init__(self, task: Any, page: type) -> None:
        self.task = task
        #: The class whose methods are no task's own.
        self._page = page

    def has(self, method: str) -> bool:
        """Whether the task wrote this method itself."""
        return getattr(type(self.task), method) is not getattr(self._page, method)

    @property
    def any(self) -> bool:
        """Whether it wrote any of them."""
        return self.whole or bool(self.steps) or self.has("resolve_conflict")

    @property
    def whole(self) -> bool:
        """Whether it does all of a run itself."""
        return self.has("sync")

    @property
    def steps(self) -> set[str]:
        """The steps that it does itself, but for `sync` as a whole."""
        return {step for step in STEPS if self.has(step)}

    def resolve(self, left: Any, right: Any, name: str) -> Any:
        """The task's own word on an attribute."""
        return self.task.resolve_conflict(left, right, name, self.task.attr_map[name])

    async def sync(
        self, running: Running, base: Base, policy: Policy, clock: Callable[[], datetime]
    ) -> tuple[Outcome, Memory]:
        """Let the task's own `sync` do the run; gives what came of it, and what is to be remembered of it."""
        context = Context(self.task, running, base, policy, clock, clock())
        await context.call("sync", context.state if base.links or base.intents else None)
        memory = context.memory or base.memory
        if context.looked == set(End) and not context.outcome.failures:
            memory = replace(memory, scope=running.scope())  # what it leaves out is known by now
        return context.outcome, memory

    async def apply(
        self, applier: Applier, plan: Plan, running: Running, base: Base, listed_at: datetime
    ) -> None:
        """Carry out a plan part by part; the parts that the task wrote itself are left to it."""
        views = dict(applier.views)
        context = Context(
            self.task, running, base, applier.policy, applier.clock, listed_at, views, is_planned=True
        )

        def there(side: End) -> dict[ID, Any]:
            return context.still_there(side, views[side].objects)

        own = self.steps - {"initial_sync"} if base.links else self.steps
        await context.confirm(settle=plan.void)

        async def carry_out(actions: Sequence[Action]) -> None:
            applier.keep_in(StepJournal(context.state, context))
            await applier.run(replace(plan, actions=tuple(actions), void=()), base_of(context.state).links)

        rest = list(plan.actions)
        for step, part in STEPS.items():
            keep = PARTS[part] if step != "initial_sync" or step in own else keeps_rest
            mine, rest = [one for one in rest if keep(one)], [one for one in rest if not keep(one)]
            if step not in own:
                await carry_out(mine)
                continue
            match step:
                case "initial_sync":
                    await context.call(step, there(End.LEFT), there(End.RIGHT))
                case "sync_notion_created":
                    await context.call(step, context.state, there(End.LEFT))
                case "sync_other_created":
                    await context.call(step, context.state, there(End.RIGHT))
                case _:
                    await context.call(step, context.state, there(End.LEFT), there(End.RIGHT))
        await carry_out(rest)
        applier.outcome.add(context.outcome)


@dataclass(slots=True)
class Context:
    """The run from which steps of a task are called."""

    task: Any
    running: Running
    base: Base
    #: The rules of this run.
    policy: Policy
    clock: Callable[[], datetime]
    #: When the listings began, at the earliest: they show no more than what was there then.
    listed_at: datetime
    #: What it has read of both sides; empty where the task lists them itself, and a step has not had to.
    views: dict[End, SideView] = field(default_factory=dict)
    #: Whether all of it was planned, and held against the guards, before the first step.
    is_planned: bool = False
    #: What would be remembered of what the task's own `sync` left to ours, and the ends of which a step of ours saw to
    #: missing objects.
    memory: Memory | None = None
    looked: set[End] = field(default_factory=set)
    #: The pairs that were agreed on in this run, by the ids of either end, and the objects whose pairs came to their
    #: end: what was read of them is as it was before.
    agreed: dict[End, dict[ID, Link]] = field(default_factory=lambda: {end: {} for end in End})
    gone: dict[End, set[ID]] = field(default_factory=lambda: {end: set() for end in End})
    outcome: Outcome = field(default_factory=Outcome)
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    #: What the run's journal holds by now, as a state.
    kept: StateJournal = field(init=False)
    #: The pairs as they were before it.
    before: Mapping[tuple[ID, ID], Link] = field(init=False)

    def __post_init__(self) -> None:
        self.kept = StateJournal(state_of(self.base))
        self.before = {(link.left_id, link.right_id): link for link in self.base.links}

    @property
    def state(self) -> State:
        """A copy of what is kept by now."""
        return self.kept.state.model_copy(deep=True)

    async def call(self, method: str, *args: Any) -> None:
        """Call a step, and keep what it agreed on.

        Raises:
            TaskDefinitionError: it does not return a state.
        """
        token = current.set(self)
        try:
            after = await self.running.caller.apart(getattr(self.task, method), *args)
        finally:
            current.reset(token)
        if not isinstance(after, State):
            raise TaskDefinitionError(
                f"task {self.task.name!r}: {method} must return a State, not {type(after).__name__}"
            )
        before = {link.left_id: link for link in base_of(self.kept.state).links}
        now = {link.left_id: link for link in base_of(after).links}
        dropped = [
            Proof(drop=link)
            for left_id, link in before.items()
            if left_id not in now or now[left_id].right_id != link.right_id
        ]
        fresh = [Proof(put=link) for left_id, link in now.items() if before.get(left_id) != link]
        for proofs in batches((*dropped, *fresh), self.running.journal.batch):
            await self.confirm_all(proofs)

    async def confirm(self, **changes: Any) -> None:
        """Keep a change in the run's journal."""
        await self.confirm_all([Proof(**changes)])

    async def confirm_all(self, proofs: Sequence[Proof]) -> None:
        """Keep what is known of several pairs in the run's journal."""
        await self.running.journal.confirm_all(proofs)
        await self.kept.confirm_all(proofs)
        for proof, end in product(proofs, End):
            if proof.drop is not None:
                self.gone[end].add(proof.drop.id_on(end))
                self.agreed[end].pop(proof.drop.id_on(end), None)
            if proof.put is not None:
                self.gone[end].discard(proof.put.id_on(end))
                self.agreed[end][proof.put.id_on(end)] = proof.put

    def still_there(self, end: End, objects: Mapping[ID, Any]) -> dict[ID, Any]:
        """Those of the objects of a side that this run has not seen to their end."""
        return {one: obj for one, obj in objects.items() if one not in self.gone[end]}

    async def view(self, adapter: Adapter, objects: Mapping[ID, Any] | None) -> SideView:
        """A side as a step is given it, with what this run knows of it; `None` stands for all that is there."""
        end = adapter.end
        if objects is None and end not in self.views:
            self.views[end] = await read_side(adapter)
        given = self.views[end].objects if objects is None else objects
        view = await view_of(adapter, list(self.still_there(end, given).values()))
        records = {
            one: replace(record, values={**record.values, **self._written(end, one)})
            for one, record in view.snapshot.records.items()
        }
        snapshot = replace(view.snapshot, records=records)
        if end in self.views:
            listed = self.views[end].snapshot
            unreadable = {one: why for one, why in listed.unreadable.items() if not snapshot.has(one)}
            hashes = {one: known for one, known in listed.unreadable_hashes.items() if one in unreadable}
            snapshot = replace(
                snapshot,
                partial=snapshot.partial or listed.partial,
                unreadable={**snapshot.unreadable, **unreadable},
                unreadable_hashes={**snapshot.unreadable_hashes, **hashes},
            )
        return replace(view, snapshot=snapshot)

    def _written(self, end: End, obj_id: ID) -> Mapping[str, Any]:
        """What an object shows by now of what was agreed on in this run."""
        link = self.agreed[end].get(obj_id)
        if link is None:
            return {}
        before = self.before.get((link.left_id, link.right_id))
        base = {} if before is None else before.base_on(end)
        now = link.base_on(end)
        return {name: value for name, value in now.items() if name not in base or not same(base[name], value)}


class StepJournal(StateJournal):
    """The state that a step works on; every change goes into the run's journal first."""

    def __init__(self, state: State, context: Context) -> None:
        super().__init__(state)
        self._context = context
        self.batch = context.running.journal.batch

    async def begin(self, intent: Intent | None, effect: Effect | None = None) -> None:
        """Keep it in both."""
        await self._context.running.journal.begin(intent, effect)
        await self._context.kept.begin(intent, effect)
        await super().begin(intent, effect)

    async def confirm_all(self, proofs: Sequence[Proof]) -> None:
        """Keep it in both."""
        await self._context.confirm_all(proofs)
        await super().confirm_all(proofs)

    async def keep_conflict(self, entry: LedgerEntry) -> None:
        """The run's ledger has it."""
        await self._context.running.journal.keep_conflict(entry)

    async def remember(self, memory: Memory, *, forget: Sequence[str] = ()) -> None:
        """Left to the run as a whole, to which it is told."""
        self._context.memory = memory


#: The run in which a step is called; none where it is called by itself.
current: ContextVar[Context | None] = ContextVar("current", default=None)
