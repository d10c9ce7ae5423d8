"""One run: what it wrote, and why it ended as it did."""

from __future__ import annotations

import asyncio

from starlette.responses import Response

from worker.standing.doings import ORDERED, done, notes_of, written
from worker.telling.numbers import some
from worker.web.dashboard.visit import RefusedError, Visit

#: Writes that a page shows.
LONGEST = 500


async def run_page(visit: Visit) -> Response:
    """What a run did."""
    store, run_id = visit.desk.store, visit.request.path_params["run_id"]
    found = await asyncio.to_thread(store.runs.find, run_id)
    if len(found) != 1:
        days = visit.desk.resources.settings.keep_runs_days
        raise RefusedError(404, f"There is no run {run_id!r}; runs are kept for {some(days, 'day')}.")
    run = found[0]
    effects = await asyncio.to_thread(store.effects.of_run, run.run_id)
    labels = visit.desk.labels(run.task)
    writes = [written(one, labels) for one in effects[:LONGEST]]
    told = run.told()
    return visit.show(
        "run.html",
        run=told,
        notes=notes_of(told),
        ordered=ORDERED,
        done=done(run, labels),
        writes=writes,
        more=max(0, len(effects) - LONGEST),
        is_defined=run.task in visit.desk.resources.tasks,
    )
