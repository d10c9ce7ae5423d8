"""One run of one task: list both sides, plan, guard, apply, remember."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from tasks.engine.apply import Applier
from tasks.engine.calls import calls
from tasks.engine.changes import read_view
from tasks.engine.naming import named, names_in
from tasks.engine.remembering import memory_after
from tasks.engine.report import Order, RunReport, missed_by, odd_values, report_of
from tasks.engine.running import Running, opened, without
from tasks.engine.sync import OwnSteps, Progress, Sync, silent
from tasks.engine.views import SideView, ask_for_missing
from tasks.journal.contract import Base, Journal
from tasks.merge import (
    Halt,
    Plan,
    Policy,
    await_listing,
    check_guards,
    hold_back,
    left_out,
    make_plan,
    plan_digest,
)
from tasks.sides import End
from tasks.sides import check_lock as lock_check


async def run(
    sync: Sync,
    journal: Journal,
    *,
    check_lock: Callable[[], None] = lambda: None,
    progress: Progress = silent,
    order: Order | None = None,
    dry_run: bool = False,
) -> RunReport:
    """Bring both sides of a task together once.

    Args:
        sync: what is kept in step.
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
    async with calls(sync.name) as caller:
        progress("open", 0, 0)
        async with opened(sync, journal, caller, check_lock) as (running, base):
            return await _Run(running, progress, order).carry_out(base)


async def run_part(running: Running, journal: Journal) -> RunReport:
    """The ordinary way of a run, asked for by the task's own `sync` from inside a run."""
    part = _Run(replace(running, journal=journal), silent, Order())
    return await part.carry_out(await journal.load(), own_sync=False)


@dataclass(slots=True)
class _Run:
    """What is done once the sides are open."""

    running: Running
    progress: Progress
    order: Order

    @property
    def _journal(self) -> Journal:
        return self.running.journal

    async def carry_out(self, base: Base, *, own_sync: bool = True) -> RunReport:
        self.progress("list", 0, len(End))
        base, policy = await self._comparable(base)
        ordinary = self.order.planner is None and not self.order.dry_run
        own = self.running.sync.own
        if own is not None and own.whole and own_sync and ordinary:
            self.progress("apply", 0, 0)
            return await self._by_own_sync(own, base)
        stepwise = own is not None and bool(own.steps)
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
        return await self._apply(base, views, plan, policy)

    async def _apply(
        self, base: Base, views: Mapping[End, SideView], plan: Plan, policy: Policy
    ) -> RunReport:
        now = self.order.clock()
        if self.order.planner is not None:
            held = left_out(plan, {side: view.snapshot for side, view in views.items()}, now)
            if held:
                await self._journal.remember(replace(base.memory, held=(*base.memory.held, *held)))
        applier = Applier(self.running, views, policy, progress=self.progress, clock=self.order.clock)
        applier.writer.begun = {
            (intent.side, intent.source_id): intent.key for intent in base.intents if intent.target_id is None
        }
        own = self.running.sync.own
        if own is not None and own.steps and self.order.planner is None:
            await own.apply(applier, plan, self.running, base)
        else:
            await applier.run(plan, base.links)
        outcome = applier.outcome
        outcome.names |= names_in(plan)
        if self.order.planner is None:
            memory = memory_after(self.running, base, views, plan, outcome, self.order.clock())
            await self._journal.remember(memory)
            for side in End:
                outcome.missed += missed_by(plan.labels[side], views[side].snapshot)
            outcome.missed += odd_values(plan)
        return report_of(plan, outcome)

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
            return RunReport("skipped", f"{moved}{left}: lockstep run {self.running.sync.name}", plan)
        if not self.order.approve():
            return RunReport("skipped", f"plan {wanted} was let through before; nothing was written", plan)
        return None

    async def _comparable(self, base: Base) -> tuple[Base, Policy]:
        """What is remembered, without the base of attributes that are mapped or compared otherwise now."""
        memory, forms, scope = base.memory, self.running.mapping.forms, self.running.scope()
        scope_changed = memory.scope not in (None, scope)
        policy = self.running.sync.policy(self.running.mapping, scope_changed=scope_changed)
        if memory.forms == forms:
            return base, policy
        known = memory.forms
        stale = [name for name in forms if known is not None and known.get(name) != forms[name]]
        stale += [name for name in known or () if name not in forms]
        # The cursors would hide what has to be compared anew.
        scope = scope if memory.scope is None else memory.scope
        memory = replace(memory, forms=forms, scope=scope, cursors={})
        if not self.order.dry_run:
            await self._journal.remember(memory, forget=stale)
        return without(replace(base, memory=memory), stale), policy

    async def _plan(
        self, base: Base, policy: Policy, *, full: bool
    ) -> tuple[dict[End, SideView], Plan, Halt | None]:
        listed_at = self.order.clock()
        views = await self._read_both(base, full=full, now=listed_at)
        if self.order.planner is None:
            views = await ask_for_missing(views, base.links)
        self.progress("plan", 0, 0)
        plan = await asyncio.to_thread(self._planned, base, views, policy, listed_at)
        title = self.running.sync.title_of(self.running.mapping)
        plan = replace(await named(plan, views, base.links, title), told=self.running.mapping.told)
        return views, plan, check_guards(plan, len(base.links), policy) or self._doubt(plan)

    def _doubt(self, plan: Plan) -> Halt | None:
        doubted = self.order.careful and self.order.planner is None and plan.writes
        return Halt(self.order.careful) if doubted else None

    def _planned(
        self, base: Base, views: Mapping[End, SideView], policy: Policy, listed_at: datetime
    ) -> Plan:
        if self.order.planner is not None:
            return replace(self.order.planner(base, views, policy), labels=policy.labels)
        snapshots = {side: view.snapshot for side, view in views.items()}
        plan = make_plan(base.links, snapshots[End.LEFT], snapshots[End.RIGHT], policy, base.intents)
        settling = {end: side.settling for end, side in self.running.sync.sides.items()}
        plan = await_listing(plan, base.intents, settling, listed_at)
        return hold_back(plan, base.memory.held, snapshots, self.order.clock())

    async def _read_both(self, base: Base, *, full: bool, now: datetime) -> dict[End, SideView]:
        """Both listings at once; the first error ends the other one."""
        read = 0
        adapters = self.running.adapters

        async def read_one(end: End) -> SideView:
            nonlocal read
            cursor = base.memory.cursors.get(end)
            old = cursor is None or now - cursor.listed_at >= self.running.sync.full_listing_every
            view = await read_view(adapters[end], base, full=full or old)
            read += 1
            self.progress("list", read, len(End))
            return view

        listings = [asyncio.ensure_future(read_one(end)) for end in End]
        try:
            views = await asyncio.gather(*listings)
        except BaseException:
            for listing in listings:
                listing.cancel()
            await asyncio.gather(*listings, return_exceptions=True)
            raise
        return dict(zip(End, views, strict=True))

    async def _by_own_sync(self, own: OwnSteps, base: Base) -> RunReport:
        """The task's own `sync` decides everything; what it agreed on becomes the base."""
        outcome = await own.sync(self.running, base)
        await self._journal.remember(replace(base.memory, own=self.running.remembered()))
        missed = outcome.missed
        return RunReport("incomplete" if missed else "succeeded", "; ".join(missed), Plan(), outcome)


__all__ = ["Halt", "run", "run_part"]
