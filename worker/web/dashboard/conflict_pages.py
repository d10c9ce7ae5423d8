"""The ledger: what both sides had, and which stayed."""

from __future__ import annotations

import asyncio

from starlette.responses import Response

from tasks.object_task import ObjectTask
from tasks.sides import End
from worker.store.tables.conflicts import ConflictRecord
from worker.telling.done import heading
from worker.web.dashboard.visit import RefusedError, Visit

#: Conflicts that the list shows.
LISTED = 200


async def conflicts(visit: Visit) -> Response:
    """The newest conflicts."""
    store = visit.desk.store
    found, total = await asyncio.to_thread(
        lambda: (store.conflicts.list(None, LISTED), store.conflicts.count())
    )
    return visit.show(
        "conflicts.html",
        conflicts=[(one, word_for(one)) for one in found],
        more=max(0, total - len(found)),
    )


async def conflict(visit: Visit) -> Response:
    """One conflict, side by side with what both had agreed on."""
    record = await find(visit)
    entry = record.entry
    ends = []
    for end in End:
        version = entry.at(end)
        taken = record.taken is end
        stands = taken if record.taken is not None else version.stayed
        can = not entry.model and (entry.attribute is not None or version.value is not None)
        ends.append((end.value, heading(version.where), version, stands, taken, can))
    task = visit.desk.resources.tasks.get(record.task)
    return visit.show(
        "conflict.html",
        record=record,
        entry=entry,
        ends=ends,
        word=word_for(record),
        can_take=isinstance(task, ObjectTask) and not entry.model,
        is_defined=task is not None,
    )


async def find(visit: Visit) -> ConflictRecord:
    """The conflict that the address names.

    Raises:
        RefusedError: there is none.
    """
    number = int(visit.request.path_params["number"])
    record = await asyncio.to_thread(visit.desk.store.conflicts.find, number)
    if record is None:
        raise RefusedError(404, f"There is no conflict {number}.")
    return record


def word_for(record: ConflictRecord) -> str:
    """What became of it."""
    if record.taken is not None:
        return "brought back"
    return "open" if record.entry.open else "settled"
