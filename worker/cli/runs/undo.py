"""`lockstep undo`: take back what a run wrote."""

from __future__ import annotations

from collections.abc import Mapping

from config import get_settings
from tasks.engine.report import Order
from tasks.engine.views import SideView
from tasks.journal.contract import Base
from tasks.merge import End, Plan, Policy
from tasks.merge import undo as inverse
from worker.cli.context import open_store
from worker.cli.runs.run import carry_out, foresee, prepare
from worker.store import RunRecord, Store
from worker.telling.exit_codes import ExitCode
from worker.telling.failures import CommandError


def undo(run_id: str, *, dry_run: bool, ids: bool = False, as_json: bool) -> ExitCode:
    """Bring back what a run replaced, where it still is as the run left it."""
    with open_store(get_settings()) as store:
        record = _find(store, run_id)
        effects = store.effects.of_run(record.run_id)
        if record.undo_pruned_at is not None:
            raise CommandError(
                f"run {record.run_id[:8]} of {record.task!r} cannot be undone: what it replaced was pruned "
                f"{record.undo_pruned_at:%Y-%m-%d}; LOCKSTEP_KEEP_UNDO_DAYS is {get_settings().keep_undo_days}"
            )
        if not effects:
            raise CommandError(
                f"run {record.run_id[:8]} of {record.task!r} wrote nothing: there is nothing to undo"
            )
        settings, task = prepare(record.task)

        def planner(base: Base, views: Mapping[End, SideView], policy: Policy) -> Plan:
            return inverse(effects, base.links, {side: view.snapshot for side, view in views.items()}, policy)

        if dry_run:
            return foresee(task, store, order=Order(planner=planner), ids=ids, as_json=as_json)
        return carry_out(task, settings, store, order=Order(planner=planner), kind="undo", as_json=as_json)


def _find(store: Store, run_id: str) -> RunRecord:
    if not run_id:
        raise CommandError("the run's id is empty: `lockstep history NAME` lists the runs of a task")
    found = store.runs.find(run_id)
    if len(found) != 1:
        raise CommandError(
            f"there is no run {run_id!r}: `lockstep history NAME` lists the runs of a task, for "
            f"{get_settings().keep_runs_days} days"
            if not found
            else f"more than one run begins with {run_id!r}: give more of its letters"
        )
    return found[0]
