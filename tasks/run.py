"""One run of one task: list both sides, plan, guard, apply."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from tasks.apply import Applier, Outcome
from tasks.calls import calls
from tasks.journal import Journal
from tasks.merge import Halt, Plan, Policy, Side, Skip, check_guards, make_plan
from tasks.snapshots import Adapter, SideView, read_side
from tasks.sync_task import Progress, SyncTask
from tasks.sync_task import check_lock as lock_check


@dataclass(frozen=True, slots=True)
class RunReport:
    """How a run ended."""

    #: `succeeded`, `failed`, `conflicts`, `halted` or `planned`.
    status: str
    #: Why it did not succeed, or what it had to leave out; empty when there is nothing to say.
    reason: str
    plan: Plan
    outcome: Outcome = field(default_factory=Outcome)


def silent(phase: str, done: int, total: int) -> None:
    """A progress that nobody watches."""


async def run_task(
    task: SyncTask,
    journal: Journal,
    *,
    check_lock: Callable[[], None] = lambda: None,
    progress: Progress = silent,
    dry_run: bool = False,
) -> RunReport:
    """Bring both sides of a task together once.

    Args:
        task: what is synced.
        journal: where links, intents and conflicts are kept.
        check_lock: raises `LockLostError` when this run may not write any more; called before every write.
        progress: told of the phases `open`, `list`, `plan` and `apply`.
        dry_run: stop before anything is written.

    Raises:
        TaskError: the run could not be carried to its end; all that was confirmed is kept.
    """
    lock_check.set(check_lock)
    async with calls(task.name) as caller:
        adapters = {side: Adapter(task, side, caller) for side in Side}
        progress("open", 0, 0)
        try:
            await caller.call(Side.NOTION, task.open)
            await caller.call(Side.NOTION, task.check)
            progress("list", 0, 2)
            base = await journal.load()
            views = await _read_both(adapters, progress)
            progress("plan", 0, 0)
            plan = await asyncio.to_thread(
                make_plan,
                base.links,
                views[Side.NOTION].snapshot,
                views[Side.OTHER].snapshot,
                policy_of(task),
                base.intents,
            )
            halt = check_guards(plan, len(base.links))
            if dry_run:
                return RunReport("planned", halt.reason if halt else "", plan)
            if halt is not None:
                return RunReport("halted", halt.reason, plan)
            links = {(link.notion_id, link.other_id): link for link in base.links}
            applier = Applier(adapters, views, journal, check_lock=check_lock, progress=progress)
            return _report(plan, await applier.run(plan, links), views)
        finally:
            await caller.call(Side.NOTION, task.close)


def policy_of(task: SyncTask) -> Policy:
    """How a task wants its sides brought together."""
    return Policy(
        attributes=tuple(task.attr_map),
        mode=task.conflict_mode.value,
        granularity=max(task.notion_granularity, task.other_granularity),
    )


async def _read_both(adapters: dict[Side, Adapter], progress: Progress) -> dict[Side, SideView]:
    """Both listings at once; the first error ends the other one."""
    read = 0

    async def read_one(side: Side) -> SideView:
        nonlocal read
        view = await read_side(adapters[side])
        read += 1
        progress("list", read, len(Side))
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


def _report(plan: Plan, outcome: Outcome, views: dict[Side, SideView]) -> RunReport:
    if outcome.failures:
        more = len(outcome.failures) - 1
        reason = outcome.failures[0] + (f" (and {more} more)" if more else "")
        return RunReport("failed", reason, plan, outcome)
    if outcome.unresolved:
        attributes = "1 attribute" if outcome.unresolved == 1 else f"{outcome.unresolved} attributes"
        return RunReport("conflicts", f"{attributes} edited on both sides and left as before", plan, outcome)
    partial = [
        f"the listing of {side.label} is partial ({view.snapshot.partial}), so nothing new was made there and no "
        "deletion there was carried across"
        for side, view in views.items()
        if view.snapshot.partial
    ]
    return RunReport("succeeded", "; ".join(partial), plan, outcome)


__all__ = ["Halt", "RunReport", "Skip", "policy_of", "run_task"]
