"""What a person decides: each is a form of a page, and does what a command of `lockstep` does."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime

from starlette.responses import Response

from tasks.engine.report import Order
from tasks.object_task import ObjectTask
from tasks.sides import End
from worker.session.taking import taking
from worker.store import RunRecord
from worker.store.tables.pauses import Pause
from worker.store.tables.plans import KeptPlan, does_something
from worker.web.dashboard import conflict_pages
from worker.web.dashboard.visit import RefusedError, Visit, go_to

#: Seconds after which a message is void that no worker took, for a task without a period.
VOID_AFTER = 3600.0


async def run_now(visit: Visit) -> Response:
    """Ask a worker to run a task, by a message like those of beat."""
    resources, name = visit.desk.resources, visit.request.path_params["name"]
    every = visit.desk.task(name).plan_schedule.every
    expires = every.total_seconds() if every else VOID_AFTER
    await asyncio.to_thread(resources.send, name, str(uuid.uuid4()), max(expires, 60.0))
    return go_to("tasks", name, said="asked")


async def pause(visit: Visit) -> Response:
    """Start a task by schedule no more, until somebody resumes it."""
    name = visit.parameter("name")
    visit.desk.task(name)
    made = Pause(task=name, since=datetime.now(UTC), by=_whoever(visit))
    await asyncio.to_thread(visit.desk.store.pauses.keep, made)
    visit.desk.glance.forget()
    return go_to("tasks", name, said="paused")


async def resume(visit: Visit) -> Response:
    """Start it by its schedule again."""
    name = visit.parameter("name")
    visit.desk.task(name)
    ended = await asyncio.to_thread(visit.desk.store.pauses.end, name)
    visit.desk.glance.forget()
    return go_to("tasks", name, said="resumed" if ended is not None else "not-paused")


async def retry(visit: Visit) -> Response:
    """Let held objects be tried again by the next run: one by its id, or all."""
    name = visit.request.path_params["name"]
    visit.desk.task(name)
    released = await asyncio.to_thread(
        visit.desk.store.memories.release, name, visit.form.get("object") or None
    )
    return go_to("tasks", name, said="released" if released else "none-held")


async def approve(visit: Visit) -> Response:
    """Let a halted plan through, if both sides are still as it was made for."""
    desk, name, kept = visit.desk, visit.request.path_params["name"], await _waiting(visit)
    if kept.answering:
        await asyncio.to_thread(desk.store.plans.allow, name, kept.id)
        return go_to("tasks", name, said="let-through")
    record = await desk.orders.carry_out(desk.task(name), Order(plan_id=kept.id), "apply")
    return _after(record, name)


async def reject(visit: Visit) -> Response:
    """Say that a halted plan is not to be let through."""
    name, kept = visit.request.path_params["name"], await _waiting(visit)
    await asyncio.to_thread(visit.desk.store.plans.reject, name, kept.id)
    return go_to("tasks", name, said="rejected")


async def take(visit: Visit) -> Response:
    """Make both sides show what one of them had in a conflict."""
    desk, record = visit.desk, await conflict_pages.find(visit)
    task = desk.task(record.task)
    if not isinstance(task, ObjectTask) or visit.form.get("side") not in set(End):
        raise RefusedError(400, "Say which side's value is to be taken.")
    side = End(visit.form["side"])

    def note(ended: RunRecord) -> None:
        if ended.status == "succeeded":
            desk.store.conflicts.take(record.id, side)

    ended = await desk.orders.carry_out(task, taking(record, side), "restore", then=note)
    if ended is not None and ended.status == "succeeded":
        return go_to("conflicts", record.id)
    return _after(ended, record.task)


async def done(visit: Visit) -> Response:
    """Mark a conflict as seen; nothing is written to any side."""
    record = await conflict_pages.find(visit)
    marked = await asyncio.to_thread(visit.desk.store.conflicts.mark_done, record.id, _whoever(visit))
    visit.desk.glance.forget()
    return go_to("conflicts", record.id, said="seen" if marked else "seen-before")


def _whoever(visit: Visit) -> str:
    """Who asks for it, as others know them."""
    name = visit.visitor.name if visit.visitor is not None and visit.visitor.name else "somebody"
    return f"{name}, on the dashboard"


async def _waiting(visit: Visit) -> KeptPlan:
    """The plan that the address names, which waits.

    Raises:
        RefusedError: there is none, or it was let through.
    """
    name, plan_id = visit.request.path_params["name"], visit.request.path_params["plan_id"]
    visit.desk.task(name)
    found = await asyncio.to_thread(visit.desk.store.plans.list, name)
    kept = next((one for one in found if one.id == plan_id), None)
    if kept is None:
        raise RefusedError(409, f"Plan {plan_id} is not kept any more: a newer run has taken its place.")
    if kept.applied:
        raise RefusedError(409, f"Plan {plan_id} {kept.applied}.")
    if not does_something(kept.plan):
        raise RefusedError(409, f"Plan {plan_id} is empty: there is nothing to let through.")
    return kept


def _after(record: RunRecord | None, task: str) -> Response:
    if record is None:
        return go_to("tasks", task, said="under-way")
    return go_to("runs", record.run_id)
