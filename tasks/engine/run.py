"""One run of one task: list both sides, plan, guard, apply, remember."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

from tasks.engine.apply import Applier
from tasks.engine.calls import Calls, calls
from tasks.engine.changes import read_view
from tasks.engine.naming import named, names_in
from tasks.engine.outcome import Outcome
from tasks.engine.snapshots import Adapter, SideView, ask_for_missing
from tasks.journal.contract import Base, Cursor, Journal, Memory
from tasks.merge import (
    Halt,
    Held,
    Plan,
    Policy,
    Side,
    Skip,
    Snapshot,
    asked_again,
    await_listing,
    check_guards,
    content_of,
    failed_again,
    hold_back,
    left_again,
    left_out,
    make_plan,
    pair_of,
    plan_digest,
)
from tasks.sync_task import overrides
from tasks.sync_task.policy import forms_of, policy_of
from tasks.sync_task.task import Progress, SyncTask
from tasks.sync_task.task import check_lock as lock_check


@dataclass(frozen=True, slots=True)
class RunReport:
    """How a run ended."""

    #: `succeeded`, `failed`, `conflicts`, `incomplete`, `halted`, `planned`, or `skipped` where nothing halts, but
    #: the plan that was to be carried out is not the one to make now. Incomplete is a run that did all it could,
    #: while a side did not list everything or named objects that cannot be read.
    status: str
    #: Why it did not succeed, or what it had to leave out; empty when there is nothing to say.
    reason: str
    plan: Plan
    outcome: Outcome = field(default_factory=Outcome)


class Planner(Protocol):
    """Makes the plan of a run that is no ordinary sync, from both sides listed in full."""

    def __call__(self, base: Base, views: Mapping[Side, SideView], policy: Policy) -> Plan:
        """What is to be done."""
        ...


@dataclass(frozen=True, slots=True)
class Order:
    """What a run is to do, and how far it may go."""

    #: Stop before anything is written.
    dry_run: bool = False
    #: Carry out this plan, by its digest, whatever a guard says of it, and no other one.
    plan_id: str | None = None
    #: Asked right before that: whether it may be let through still.
    approve: Callable[[], bool] = lambda: True
    #: Instead of the ordinary merge.
    planner: Planner | None = None
    #: Why a plan that writes is to be let through by a person first, whatever it is; empty: it need not be.
    careful: str = ""
    #: The time by which failed objects are tried again.
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)


def silent(phase: str, done: int, total: int) -> None:
    """A progress that nobody watches."""


async def run_task(
    task: SyncTask,
    journal: Journal,
    *,
    check_lock: Callable[[], None] = lambda: None,
    progress: Progress = silent,
    order: Order | None = None,
    dry_run: bool = False,
) -> RunReport:
    """Bring both sides of a task together once.

    Args:
        task: what is synced.
        journal: where links, intents and conflicts are kept.
        check_lock: raises `LockLostError` when this run may not write any more; called before every write.
        progress: told of the phases `open`, `list`, `plan` and `apply`.
        order: what else than an ordinary run is asked for.
        dry_run: the same as an order with `dry_run`.

    Raises:
        TaskError: the run could not be carried to its end; all that was confirmed is kept.
    """
    order = replace(order or Order(), dry_run=dry_run or (order is not None and order.dry_run))
    lock_check.set(check_lock)
    async with calls(task.name) as caller:
        progress("open", 0, 0)
        try:
            await caller.call(Side.NOTION, task.open)
            base = await journal.load()
            synced = {link.notion_id: link.notion for link in base.links}
            await caller.call(Side.NOTION, task.recall, base.memory.own, synced)
            pairs = {link.other_id: link.notion_id for link in base.links}
            await caller.call(Side.NOTION, task.recall_pairs, pairs)
            await caller.call(Side.NOTION, task.check)
            run = _Run(task, journal, caller, check_lock, progress, order)
            return await run.carry_out(base)
        finally:
            await caller.call(Side.NOTION, task.close)


async def run_part(task: SyncTask, journal: Journal, context: overrides.Context) -> RunReport:
    """The ordinary way of a run, asked for by the task's own `sync` from inside a run."""
    run = _Run(task, journal, context.caller, context.check_lock, silent, Order())
    report = await run.carry_out(await journal.load(), own_sync=False)
    context.outcome.add(report.outcome)
    return report


@dataclass(slots=True)
class _Run:
    """A run whose sides are open."""

    task: SyncTask
    journal: Journal
    caller: Calls
    check_lock: Callable[[], None]
    progress: Progress
    order: Order

    async def carry_out(self, base: Base, *, own_sync: bool = True) -> RunReport:
        self.progress("list", 0, len(Side))
        base, policy = await self._comparable(base)
        ordinary = self.order.planner is None and not self.order.dry_run
        if own_sync and ordinary and overrides.of(self.task, "sync"):
            return await self._by_own_sync(base)
        stepwise = overrides.steps_of(self.task)
        full = bool(self.order.planner or self.order.plan_id or self.order.careful or stepwise)
        # A listing of changes does not show what another scope leaves out.
        views, plan, halt = await self._plan(base, policy, full=full or policy.scope_changed)
        if halt is not None and not all(view.full for view in views.values()):
            views, plan, halt = await self._plan(base, policy, full=True)  # in doubt, look at everything
        if self.order.dry_run:
            return RunReport("planned", halt.reason if halt else "", plan)
        refused = await asyncio.to_thread(self._refused, plan, halt)
        if refused is not None:
            return refused
        if self.order.planner is not None:
            snapshots = {side: view.snapshot for side, view in views.items()}
            held = left_out(plan, snapshots, self.order.clock())
            if held:
                kept = replace(base.memory, held=(*base.memory.held, *held))
                await self.journal.remember(kept)
        applier = self._applier(views)
        applier.begun = {
            (intent.side, intent.source_id): intent.key for intent in base.intents if intent.target_id is None
        }
        links = {(link.notion_id, link.other_id): link for link in base.links}
        if stepwise and self.order.planner is None:
            await overrides.apply_stepwise(applier, plan, self.context(base, views), stepwise)
        else:
            await applier.run(plan, links)
        outcome = applier.outcome
        outcome.names |= names_in(plan)
        if self.order.planner is None:
            await self.journal.remember(self._memory(base, views, plan, outcome))
            outcome.missed += [line for side in Side for line in _missed(views[side].snapshot)]
            outcome.missed += _odd(plan)
        return _report(plan, outcome)

    def _refused(self, plan: Plan, halt: Halt | None) -> RunReport | None:
        """The end of a run whose plan is not carried out."""
        wanted = self.order.plan_id
        if wanted is None:
            return RunReport("halted", halt.reason, plan) if halt else None
        if plan_digest(plan) != wanted:
            moved = f"a side has moved since plan {wanted} was made; nothing was written. "
            if halt is not None:
                return RunReport("halted", f"{moved}Now {halt.reason}", plan)
            left = "What is to be done now halts no run" if plan.writes else "There is nothing left to write"
            return RunReport("skipped", f"{moved}{left}: lockstep run {self.task.name}", plan)
        if not self.order.approve():
            return RunReport("skipped", f"plan {wanted} was let through before; nothing was written", plan)
        return None

    async def _comparable(self, base: Base) -> tuple[Base, Policy]:
        """What is remembered, without the base of attributes that are mapped or compared otherwise now."""
        memory, forms = base.memory, forms_of(self.task)
        policy = policy_of(self.task, scope_changed=memory.scope not in (None, self.task.scope()))
        if memory.forms == forms:
            return base, policy
        known = memory.forms
        stale = [name for name in forms if known is not None and known.get(name) != forms[name]]
        stale += [name for name in known or () if name not in forms]
        # The cursors would hide what has to be compared anew.
        scope = self.task.scope() if memory.scope is None else memory.scope
        memory = replace(memory, forms=forms, scope=scope, cursors={})
        if not self.order.dry_run:
            await self.journal.remember(memory, forget=stale)
        return overrides.without(replace(base, memory=memory), stale), policy

    async def _plan(
        self, base: Base, policy: Policy, *, full: bool
    ) -> tuple[dict[Side, SideView], Plan, Halt | None]:
        listed_at = self.order.clock()
        views = await self._read_both(base, full=full, now=listed_at)
        if self.order.planner is None:
            views = await ask_for_missing(views, base.links)
        self.progress("plan", 0, 0)
        plan = await asyncio.to_thread(self._planned, base, views, policy, listed_at)
        plan = await named(plan, views, base.links)
        return views, plan, check_guards(plan, len(base.links), policy) or self._doubt(plan)

    def _doubt(self, plan: Plan) -> Halt | None:
        doubted = self.order.careful and self.order.planner is None and plan.writes
        return Halt(self.order.careful) if doubted else None

    def _planned(
        self, base: Base, views: Mapping[Side, SideView], policy: Policy, listed_at: datetime
    ) -> Plan:
        if self.order.planner is not None:
            return self.order.planner(base, views, policy)
        snapshots = {side: view.snapshot for side, view in views.items()}
        plan = make_plan(base.links, snapshots[Side.NOTION], snapshots[Side.OTHER], policy, base.intents)
        settling = {Side.NOTION: self.task.notion_settling, Side.OTHER: self.task.other_settling}
        plan = await_listing(plan, base.intents, settling, listed_at)
        return hold_back(plan, base.memory.held, snapshots, self.order.clock())

    async def _read_both(self, base: Base, *, full: bool, now: datetime) -> dict[Side, SideView]:
        """Both listings at once; the first error ends the other one."""
        read = 0

        async def read_one(side: Side) -> SideView:
            nonlocal read
            cursor = base.memory.cursors.get(side)
            old = cursor is None or now - cursor.listed_at >= self.task.full_listing_every
            view = await read_view(Adapter(self.task, side, self.caller), base, full=full or old)
            read += 1
            self.progress("list", read, len(Side))
            return view

        listings = [asyncio.ensure_future(read_one(side)) for side in Side]
        try:
            views = await asyncio.gather(*listings)
        except BaseException:
            for listing in listings:
                listing.cancel()
            await asyncio.gather(*listings, return_exceptions=True)
            raise
        return dict(zip(Side, views, strict=True))

    def _applier(self, views: Mapping[Side, SideView]) -> Applier:
        adapters = {side: Adapter(self.task, side, self.caller) for side in Side}
        return Applier(
            adapters,
            views,
            self.journal,
            check_lock=self.check_lock,
            progress=self.progress,
            clock=self.order.clock,
        )

    def context(self, base: Base, views: Mapping[Side, SideView] | None) -> overrides.Context:
        """What the task's own steps work with while they are called from this run."""
        return overrides.Context(self.task, self.journal, self.caller, self.check_lock, base, views or {})

    async def _by_own_sync(self, base: Base) -> RunReport:
        """The task's own `sync` decides everything; what it agreed on becomes the base."""
        context = self.context(base, None)
        self.progress("apply", 0, 0)
        await overrides.call_sync(context)
        await self.journal.remember(replace(base.memory, own=self.task.remembered()))
        missed = context.outcome.missed
        return RunReport("incomplete" if missed else "succeeded", "; ".join(missed), Plan(), context.outcome)

    def _memory(self, base: Base, views: Mapping[Side, SideView], plan: Plan, outcome: Outcome) -> Memory:
        """What the next run is to know, now that this one came to its end."""
        now = self.order.clock()
        snapshots = {side: view.snapshot for side, view in views.items()}
        before = {held.pair: held for held in base.memory.held}
        held: dict[tuple[str, str], Held] = {}
        for pair, reason in outcome.left.items():
            known = before.get(pair)
            content = content_of(pair, snapshots)
            waiting = known is not None and known.next_try > now and known.content == content
            again = asked_again if pair in outcome.unclear else left_again
            held[pair] = known if waiting and known else again(known, pair, reason, content, now)
        for pair, reason in outcome.failed.items():
            held[pair] = failed_again(before.get(pair), pair, reason, content_of(pair, snapshots), now)
        names = {pair_of(action): action.name for action in plan.actions if action.name}
        named_now = (replace(one, name=names.get(one.pair, one.name)) for one in held.values())
        cursors = {}
        for side, view in views.items():
            known_cursor = base.memory.cursors.get(side)
            if view.cursor is not None and (view.full or known_cursor is not None):
                listed_at = now if view.full or known_cursor is None else known_cursor.listed_at
                cursors[side] = Cursor(view.cursor, listed_at)
        complete = all(view.snapshot.partial is None for view in views.values())
        scope = self.task.scope() if complete or base.memory.scope is None else base.memory.scope
        return Memory(base.memory.forms, scope, cursors, tuple(named_now), self.task.remembered())


def _report(plan: Plan, outcome: Outcome) -> RunReport:
    if outcome.failures:
        return RunReport("failed", _first_of(outcome.failures), plan, outcome)
    if outcome.held:
        some = "1 object is" if outcome.held == 1 else f"{outcome.held} objects are"
        first = next(skip.reason for skip in plan.of(Skip) if skip.failing)
        return RunReport("failed", f"{some} left out after failures: {first}", plan, outcome)
    if outcome.unresolved:
        attributes = "1 attribute" if outcome.unresolved == 1 else f"{outcome.unresolved} attributes"
        return RunReport("conflicts", f"{attributes} edited on both sides and left as before", plan, outcome)
    if outcome.missed:
        return RunReport("incomplete", "; ".join(outcome.missed), plan, outcome)
    return RunReport("succeeded", _first_of(outcome.notes), plan, outcome)


def _first_of(lines: Sequence[str]) -> str:
    """The first of several lines, and how many more there are."""
    more = len(lines) - 1
    return "".join(lines[:1]) + (f" (and {more} more)" if more > 0 else "")


def _odd(plan: Plan) -> list[str]:
    """A line on the objects of which a value cannot be read."""
    odd = [skip for skip in plan.of(Skip) if skip.odd]
    if not odd:
        return []
    some = "1 object has a value" if len(odd) == 1 else f"{len(odd)} objects have values"
    which = "" if len(odd) == 1 else "the first is "
    return [f"{some} that cannot be read: {which}{odd[0].side.label} {odd[0].id}, {odd[0].reason}"]


def _missed(snapshot: Snapshot) -> Iterator[str]:
    """What a side did not show, in a line each."""
    side, unreadable = snapshot.side.label, snapshot.unreadable
    if snapshot.partial:
        yield (
            f"the listing of {side} is partial ({snapshot.partial}), so nothing new was made there and no deletion "
            "there was carried across"
        )
    if unreadable:
        first = min(unreadable)
        one = len(unreadable) == 1
        some, them, which = (
            ("1 object", "it", "") if one else (f"{len(unreadable)} objects", "them", "the first is ")
        )
        yield f"{some} of {side} cannot be read, and nothing is done to {them}: {which}{first}, {unreadable[first]}"


__all__ = ["Halt", "Order", "Planner", "RunReport", "Skip", "policy_of", "run_task"]
