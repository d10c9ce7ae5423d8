"""`lockstep plans` and `lockstep apply`: plans that a guard halted, and how one is let through."""

from __future__ import annotations

from config import get_settings
from tasks.run import Order
from worker.cli.context import open_store
from worker.cli.exit_codes import ExitCode
from worker.cli.failures import CommandError
from worker.cli.output import console, moment, print_json, printable, table
from worker.cli.plan_view import plan_json, plan_summary, plan_table
from worker.cli.run import carry_out, prepare
from worker.store import Store
from worker.store.plans import KeptPlan


def plans(plan_id: str | None, *, as_json: bool) -> ExitCode:
    """List the kept plans, or show one whole."""
    with open_store(get_settings()) as store:
        found = store.plans.list() if plan_id is None else [_find(store, plan_id)]
    if as_json:
        print_json([_data(kept) for kept in found])
        return ExitCode.OK
    screen = console()
    if plan_id is not None:
        screen.print(plan_table(found[0].plan))
        screen.print(f"{printable(found[0].task)}: {plan_summary(found[0].plan)}", soft_wrap=True)
        screen.print(printable(found[0].reason), soft_wrap=True)
    elif not found:
        screen.print("No plan is kept: no guard has halted a run.")
    else:
        rows = [
            (
                kept.id,
                kept.task,
                moment(kept.at),
                str(len(kept.plan.writes)),
                f"applied {moment(kept.applied_at)}" if kept.applied_at else "waits",
                kept.reason,
            )
            for kept in found
        ]
        screen.print(table(("Plan", "Task", "Made", "Writes", "State", "Reason"), rows, folded=("Reason",)))
    return ExitCode.OK


def apply(plan_id: str, *, as_json: bool) -> ExitCode:
    """Let one plan through, if both sides are still as it was made for."""
    with open_store(get_settings()) as store:
        kept = _find(store, plan_id)
        settings, task = prepare(kept.task)
        order = Order(plan_id=kept.id, approve=lambda: store.plans.take(kept.task, kept.id))
        return carry_out(task, settings, store, order=order, kind="apply", as_json=as_json)


def _find(store: Store, plan_id: str) -> KeptPlan:
    found = store.plans.find(plan_id)
    if not found:
        raise CommandError(f"there is no plan {plan_id!r}: `lockstep plans` lists those that are kept")
    if len(found) > 1:
        names = ", ".join(f"{kept.id} of {kept.task}" for kept in found)
        raise CommandError(f"{plan_id!r} may be {names}: give more of its letters")
    return found[0]


def _data(kept: KeptPlan) -> dict[str, object]:
    return {
        "plan_id": kept.id,
        "task": kept.task,
        "run_id": kept.run_id,
        "reason": kept.reason,
        "at": kept.at,
        "applied_at": kept.applied_at,
        "plan": plan_json(kept.plan),
    }
