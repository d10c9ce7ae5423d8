"""One run of one task: list both sides, plan, guard, apply, remember."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from tasks.engine.apply import Applier
from tasks.engine.calls import calls
from tasks.engine.changes import Since, read_changes, read_rests
from tasks.engine.first_sync import knowing, note_what_is_there, with_what_was_there
from tasks.engine.known import Known
from tasks.engine.naming import named, names_in
from tasks.engine.planning import planned
from tasks.engine.reading import BaseOf, read_side
from tasks.engine.referring import learned
from tasks.engine.remembering import memory_after
from tasks.engine.report import Order, RunReport, missed_by, odd_values, report_of
from tasks.engine.running import Running, opened, without
from tasks.engine.stillness import Words, lull_after, lull_now, lull_renewed, moves, words_of_others
from tasks.engine.sync import OwnSteps, Progress, Sync, silent
from tasks.engine.titles import titled
from tasks.engine.told import Remembered, remember_told
from tasks.engine.views import SideView, ask_for_made, ask_for_missing
from tasks.journal.contract import Base, Journal, Lull
from tasks.merge import (
    ID,
    Halt,
    Link,
    Plan,
    Policy,
    Values,
    brings_together,
    check_guards,
    left_out,
    may_be_there,
    plan_digest,
)
from tasks.sides import End
from tasks.sides import check_lock as lock_check

#: Links and records that are planned right in the event loop: another thread would cost as much.
FEW = 50


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
        async with opened(sync, journal, caller, check_lock) as (running, known):
            report = await _Run(running, known, progress, order).carry_out()
            return replace(report, expires=_expires(sync))


def _expires(sync: Sync) -> Mapping[str, datetime]:
    """When the logins of the sides expire, as far as that is known."""
    found = {sync.labels[end]: sync.sides[end].login_expires for end in End}
    return {label: at for label, at in found.items() if at is not None}


async def run_part(running: Running, journal: Journal, clock: Callable[[], datetime]) -> RunReport:
    """The ordinary way of a run, asked for by the task's own `sync` from inside a run, by whose clock it goes."""
    known = await Known.all_of(journal)
    part = _Run(replace(running, journal=journal), known, silent, Order(clock=clock))
    return await part.carry_out(own_sync=False)


@dataclass(slots=True)
class _Run:
    """What is done once the sides are open."""

    running: Running
    known: Known
    progress: Progress
    order: Order
    #: Whether both sides said what changed, and nothing had.
    quiet: bool = field(default=False, init=False)
    #: When they were asked.
    listed_at: datetime = field(default=datetime.min, init=False)
    #: The lull in which they were, of a task whose objects move without a change; and what others said before.
    lull: Lull | None = field(default=None, init=False)
    words: Words = field(default_factory=dict, init=False)

    @property
    def _journal(self) -> Journal:
        return self.running.journal

    async def carry_out(self, *, own_sync: bool = True) -> RunReport:
        self.progress("list", 0, len(End))
        policy = await self._comparable()
        ordinary = self.order.planner is None and not self.order.dry_run
        own = self.running.sync.own
        if own is not None and own.whole and own_sync and ordinary:
            self.progress("apply", 0, 0)
            await self.known.load_all()
            return await self._by_own_sync(own, self.known.base, policy)
        stepwise = own is not None and bool(own.steps)
        full = bool(self.order.planner or self.order.plan_id or self.order.careful or stepwise)
        # A listing of changes does not show what another scope leaves out.
        full = full or policy.scope_changed or policy.wants_all
        views, plan, halt = await self._plan(policy, full=full)
        links = self.known.base.links
        doubtful = halt is not None or brings_together(plan, links) or may_be_there(plan, policy)
        if doubtful and not all(view.full for view in views.values()):
            views, plan, halt = await self._plan(policy, full=True)  # in doubt, look at everything
        if self.order.dry_run:
            return RunReport("planned", halt.reason if halt else "", plan)
        asks = self.order.plan_id is not None  # whether it may be carried out
        refused = await asyncio.to_thread(self._refused, plan, halt) if asks else self._refused(plan, halt)
        if refused is not None:
            return refused
        return await self._apply(views, plan, policy)

    async def _apply(self, views: dict[End, SideView], plan: Plan, policy: Policy) -> RunReport:
        base, now = self.known.base, self.order.clock()
        if self.order.planner is not None:
            held = left_out(plan, {side: view.snapshot for side, view in views.items()}, now)
            if held:
                await self._journal.remember(replace(base.memory, held=(*base.memory.held, *held)))
        elif policy.is_first:
            base = await note_what_is_there(self._journal, base, views, policy)
        applier = Applier(self.running, views, policy, progress=self.progress, clock=self.order.clock)
        applier.bases.are_all, applier.bases.rest = self.known.is_whole, base.rest
        applier.go_on_from(base.intents)
        own = self.running.sync.own
        if own is not None and own.steps and self.order.planner is None:
            await own.apply(applier, plan, self.running, base, self.listed_at)
        else:
            await applier.run(plan, base.links, follow=self.order.planner is None)
        outcome = applier.outcome
        outcome.names |= names_in(plan)
        if self.order.planner is None:
            memory = memory_after(self.running, base, views, plan, outcome, self.order.clock())
            memory = with_what_was_there(memory, base, policy, applier.bases.links.values())
            await remember_told(applier.writer.columns, plan, memory, self._columns, self._journal)
            for side in End:
                outcome.missed += missed_by(plan.labels[side], views[side].snapshot)
            outcome.missed += odd_values(plan)
            if not memory.held:
                await self._note_lull(policy, plan, applier.bases.links.values())
        return report_of(plan, outcome)

    async def _note_lull(self, policy: Policy, plan: Plan, links: Collection[Link]) -> None:
        """Let the next runs know where they need not look at every link, though objects move without a change."""
        lull = None
        if not self.known.is_whole:
            if self.lull is not None and plan.actions:  # what was kept of these ended it
                lull = lull_renewed(self.lull, policy, links, self.listed_at)
        elif self.quiet and self.running.sync.own is None and moves(self.running, policy):
            lull = lull_after(self.running, self.known.base, policy, self.words, plan, self.listed_at)
        if lull is not None:
            await self._journal.keep_lull(lull)

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

    async def _comparable(self) -> Policy:
        """The policy; attributes that are mapped or compared otherwise now lose their base first."""
        memory, forms, scope = self.known.base.memory, self.running.mapping.forms, self.running.scope()
        scope_changed = memory.scope not in (None, scope)
        policy = self.running.sync.policy(self.running.mapping, scope_changed=scope_changed)
        policy = knowing(memory, policy, name=self.order.dry_run)
        if memory.forms == forms:
            return policy
        await self.known.load_all()  # before any of it is forgotten
        known = memory.forms
        stale = [name for name in forms if known is not None and known.get(name) != forms[name]]
        stale += [name for name in known or () if name not in forms]
        # The cursors would hide what has to be compared anew.
        scope = scope if memory.scope is None else memory.scope
        memory = replace(memory, forms=forms, scope=scope, cursors={})
        if not self.order.dry_run:
            await self._journal.remember(memory, forget=stale)
        self.known.base = without(replace(self.known.base, memory=memory), stale)
        return policy

    async def _plan(self, policy: Policy, *, full: bool) -> tuple[dict[End, SideView], Plan, Halt | None]:
        listed_at = self.order.clock()
        views = await self._read_both(policy, full=full, now=listed_at)
        base, columns = self.known.base, self._columns
        views = {end: columns.edited_by_people(view) for end, view in views.items()}
        if self.order.planner is None:
            views = await read_rests(views, base.links)
            if not self.known.is_whole and any(view.full for view in views.values()):
                return await self._plan(policy, full=True)  # a listing is compared with every link
            views = await ask_for_missing(views, base.links, policy, base.count)
            base = replace(base, intents=await ask_for_made(views, base.intents))
        base, views = await learned(self.running, self.known, base, views)
        self.progress("plan", 0, 0)
        records = len(base.links) + sum(len(view.snapshot.records) for view in views.values())
        if self.order.planner is None and records <= FEW:
            plan = self._planned(base, views, policy, listed_at)
        else:
            plan = await asyncio.to_thread(self._planned, base, views, policy, listed_at)
        title = self.running.sync.title_of(self.running.mapping)
        told = (*self.running.mapping.told, *policy.told, *plan.told)
        plan = replace(await named(plan, views, base.links, title), told=told)
        plan = await titled(plan, self.running, base, views)
        return views, plan, check_guards(plan, base.count - base.apart, policy) or self._doubt(plan)

    @property
    def _columns(self) -> Remembered:
        """What is known of the status columns."""
        return Remembered((self.known.base.memory.own or {}).get("columns"))

    def _doubt(self, plan: Plan) -> Halt | None:
        doubted = self.order.careful and self.order.planner is None and plan.writes
        return Halt(self.order.careful) if doubted else None

    def _planned(
        self, base: Base, views: Mapping[End, SideView], policy: Policy, listed_at: datetime
    ) -> Plan:
        if self.order.planner is not None:
            return replace(self.order.planner(base, views, policy), labels=policy.labels)
        snapshots = {side: view.snapshot for side, view in views.items()}
        return planned(self.running, base, snapshots, policy, listed_at=listed_at, now=self.order.clock())

    async def _read_both(self, policy: Policy, *, full: bool, now: datetime) -> dict[End, SideView]:
        """Both listings at once; the first error ends the other one."""
        read = 0
        adapters, known, mapping = self.running.adapters, self.known, self.running.mapping
        cursors = {
            end: cursor
            for end, cursor in known.base.memory.cursors.items()
            if not full and now - cursor.listed_at < self.running.sync.full_listing_every
        }
        self.quiet, self.listed_at = False, now
        # Time takes objects out of a window, and another task links what this one refers to, without a change.
        moving = moves(self.running, policy)
        self.words = await words_of_others(self.running)
        self.lull = self._lull(policy, now) if moving and len(cursors) == len(End) else None
        if len(cursors) < len(End) or (moving and self.lull is None):
            await known.load_all()
        else:
            await known.load_unsettled(mapping.names, self._columns.told)

        async def read_one(end: End) -> SideView | Since:
            nonlocal read
            cursor = cursors.get(end)
            since = cursor and await read_changes(adapters[end], known.base, cursor.value)
            if since is None:
                await known.load_all()
            found = since or await read_side(adapters[end], self._base_of(end))
            read += 1
            self.progress("list", read, len(End))
            return found

        listings = [asyncio.ensure_future(read_one(end)) for end in End]
        try:
            found = dict(zip(End, await asyncio.gather(*listings), strict=True))
        except BaseException:
            for listing in listings:
                listing.cancel()
            await asyncio.gather(*listings, return_exceptions=True)
            raise
        self.quiet = all(isinstance(one, Since) and not one.ids for one in found.values())
        changes = {end: one for end, one in found.items() if isinstance(one, Since)}
        await known.load({end: one.ids for end, one in changes.items()})
        if not known.are_linked({end: one.shown for end, one in changes.items()}):
            await known.load_out_of_sight()  # what is new may be made in the place of one of these
        links = known.base.links
        return {end: one.view(links) if isinstance(one, Since) else one for end, one in found.items()}

    def _base_of(self, end: End) -> BaseOf | None:
        """What is remembered of a side's objects; nothing where another's plan or steps may ask for any of them."""
        own = self.running.sync.own
        if self.order.planner is not None or (own is not None and own.steps):
            return None

        def base_of(obj_id: ID) -> Values | None:
            link = self.known.get(end, obj_id)
            return None if link is None else link.base_on(end)

        return base_of

    def _lull(self, policy: Policy, now: datetime) -> Lull | None:
        ordinary = self.order.planner is None and self.running.sync.own is None and not self.known.is_whole
        return lull_now(self.running, self.known.base, policy, self.words, now) if ordinary else None

    async def _by_own_sync(self, own: OwnSteps, base: Base, policy: Policy) -> RunReport:
        """The task's own `sync` decides everything; what it agreed on becomes the base."""
        outcome, memory = await own.sync(self.running, base, policy, self.order.clock)
        # Of what it did beyond our own way no cursor knows.
        memory = replace(memory, cursors=base.memory.cursors, own=self.running.remembered())
        await self._journal.remember(memory)
        return report_of(Plan(), outcome)


__all__ = ["Halt", "run", "run_part"]
