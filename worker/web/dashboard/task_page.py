"""One task: how it goes, what waits for a person, what it keeps in step, and its runs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from tasks.engine.naming import tell
from tasks.object_task import ObjectTask
from tasks.pairing import Pairing
from tasks.scheduled import Scheduled
from tasks.sides import End, Labels
from worker.standing.doings import done
from worker.store import RunRecord
from worker.store.tables.plans import does_something
from worker.telling.done import heading
from worker.web.dashboard.glance import RECENT
from worker.web.dashboard.plan_lines import LONGEST, lines_of
from worker.web.dashboard.sparkline import sparkline
from worker.web.dashboard.visit import Visit

#: Runs, and other things, of which the newest are shown.
RUNS, HELD, CONFLICTS = 40, 100, 10


@dataclass(frozen=True, slots=True)
class Kept:
    """A pair of attributes that are kept in step."""

    left: str
    right: str
    #: An arrow, and the same in words.
    arrow: str
    way: str
    #: Whose value stays where both changed it, if that is said of this pair.
    mode: str


async def task_page(visit: Visit) -> Response:
    """How a task goes."""
    desk, name = visit.desk, visit.request.path_params["name"]
    task = desk.task(name)
    look = await desk.glance.look()
    row = next(row for row in look.status.rows if row.standing.name == name)
    labels = desk.labels(name)
    plans, held, conflicts, runs, total = await asyncio.to_thread(
        lambda: (
            desk.store.plans.list(name),
            desk.store.memories.held(name),
            desk.store.conflicts.list(name, CONFLICTS),
            desk.store.runs.list(name, RUNS, skipped=False),
            desk.store.runs.count(name),
        )
    )
    sides = (labels.left, labels.right)
    return visit.show(
        "task.html",
        task=task,
        row=row,
        heads=[heading(label) for label in sides],
        plans=[
            (kept, lines_of(kept.plan), len(kept.plan.actions) - LONGEST)
            for kept in plans
            if kept.applied_at is None and does_something(kept.plan)
        ],
        held=[
            (one, tell(one.reason, dict.fromkeys(zip(sides, one.pair, strict=True), one.name)))
            for one in held[:HELD]
        ],
        held_more=max(0, len(held) - HELD),
        conflicts=conflicts,
        pairs=pairs_of(task),
        rules=rules_of(task),
        runs=[(run.told(), done(run, labels)) for run in runs],
        runs_more=max(0, total - len(runs)),
        picture=sparkline(look.recent.get(name, ()), RECENT),
        differences=[text for of, text in look.status.differences if of == name],
    )


async def plan_page(visit: Visit) -> Response:
    """What the next run would do; nothing is written."""
    desk, name = visit.desk, visit.request.path_params["name"]
    record = await desk.orders.foresee(desk.task(name))
    return visit.show("plan.html", **told_plan(record))


def told_plan(record: RunRecord) -> dict[str, Any]:
    """What a page about a dry run says."""
    plan = record.plan
    if plan is None:
        raise RuntimeError("a dry run ended without a plan")
    return {
        "name": record.task,
        "plan": plan,
        "lines": lines_of(plan),
        "more": max(0, len(plan.actions) - LONGEST),
        "halts": record.told().reason,
    }


def pairs_of(task: Scheduled) -> Sequence[Kept]:
    """Which attribute goes to which, as far as that is known before the sides are asked."""
    if not isinstance(task, ObjectTask):
        return []
    pairing = task.pairing()
    labels = pairing.labels
    known = {pair.name: pair for pair in pairing.pairs or ()} if isinstance(pairing, Pairing) else {}
    found = []
    for left, right in pairing.names_at(End.RIGHT).items():
        pair = known.get(left)
        only = pair.only_to if pair is not None else None
        arrow, way = _WAYS[only]
        found.append(Kept(left, right, arrow, way.format(labels[only] if only else ""), _mode(pair, labels)))
    return found


_WAYS = {None: ("⇄", "both ways"), End.LEFT: ("←", "only to {}"), End.RIGHT: ("→", "only to {}")}


def _mode(pair: object, labels: Labels) -> str:
    mode = getattr(pair, "mode", None)
    return {"left": labels.left, "right": labels.right}.get(mode or "", mode or "")


def rules_of(task: Scheduled) -> Sequence[tuple[str, str]]:
    """What else it says, in words."""
    if not isinstance(task, ObjectTask):
        return []
    labels = task.pairing().labels
    stays = {
        "newer": "the newer edit stays",
        "notion": f"{labels.left} stays",
        "other": f"{labels.right} stays",
        "error": "nobody's value stays: a person decides",
    }[task.conflict_mode.value]
    edit = "the edit wins" if task.edit_beats_delete else "the deletion wins"
    return [("Both changed one attribute", stays), ("One deleted what the other edited", edit)]
