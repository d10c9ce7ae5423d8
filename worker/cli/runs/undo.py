"""`lockstep undo`: take back what a run wrote."""

from __future__ import annotations

from collections.abc import Mapping

from config import get_settings
from tasks.engine.report import Order
from tasks.engine.views import SideView
from tasks.journal.contract import Base
from tasks.merge import End, Plan, Policy
from tasks.merge import undo as inverse
from worker.cli.context import find_run, open_store
from worker.cli.runs.run import carry_out, foresee, prepare
from worker.telling.exit_codes import ExitCode
from worker.telling.failures import CommandError


def undo(run_id: str, *, dry_run: bool, ids: bool = False, as_json: bool) -> ExitCode:
    """Bring back what a run replaced, where it still is as the run left it."""
    with open_store(get_settings()) as store:
        record = find_run(store, run_id)
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
