"""`lockstep plans` and `lockstep apply`: plans that a guard halted, and how one is let through."""

from __future__ import annotations

import difflib

from config import Settings, get_settings
from tasks.engine.report import Order
from tasks.merge import Action, pair_of
from tasks.registry import load_tasks
from worker.cli.called import Called, labels
from worker.cli.context import known_task, open_store
from worker.cli.runs.plan_view import plan_json, plan_summary, plan_table
from worker.cli.runs.run import carry_out, prepare
from worker.store import Store
from worker.store.tables.plans import PLAN_ID_LENGTH, KeptPlan, does_something
from worker.telling.exit_codes import ExitCode
from worker.telling.failures import CommandError
from worker.telling.numbers import some
from worker.telling.screen import console, moment, near_moment, print_json, say
from worker.telling.tables import table

#: Objects that the list names of each plan.
NAMED = 3


def plans(plan_id: str | None, *, task: str | None = None, ids: bool = False, as_json: bool) -> ExitCode:
    """List the kept plans, or show one whole."""
    settings = get_settings()
    with open_store(settings) as store:
        found = store.plans.list(task) if plan_id is None else [_find(store, plan_id, task, settings)]
        if plan_id is None and task is not None and not found:
            known_task(task, settings, store)
    if as_json:
        print_json([_data(kept) for kept in found])
        return ExitCode.OK
    screen = console()
    if plan_id is not None:
        (kept,) = found
        screen.print(plan_table(kept.plan, ids=ids))
        say(f"{kept.task}: {plan_summary(kept.plan, kept.applied)}", screen)
        say(kept.reason, screen)
    elif not found:
        say("No plan is kept: no guard has halted a run.", screen)
    else:
        rows = [
            (
                kept.id,
                kept.task,
                near_moment(kept.at),
                str(len(kept.plan.writes)),
                _state(kept),
                _first(kept),
                kept.reason,
            )
            for kept in found
        ]
        columns = ("Plan", "Task", "Halted", "Writes", "State", "Objects", "Reason")
        screen.print(table(columns, rows, folded=("Objects", "Reason")))
    return ExitCode.OK


def apply(plan_id: str, *, task: str | None = None, as_json: bool) -> ExitCode:
    """Let one plan through, if both sides are still as it was made for."""
    with open_store(get_settings()) as store:
        kept = _find(store, plan_id, task, get_settings())
        if kept.applied:
            raise CommandError(_done(kept, store), ExitCode.SKIPPED)
        if not does_something(kept.plan):
            raise CommandError(
                f"plan {kept.id} of {kept.task!r} is empty: there is nothing to let through", ExitCode.SKIPPED
            )
        if kept.answering:
            return _allow(kept, store, as_json=as_json)
        settings, found = prepare(kept.task)
        return carry_out(found, settings, store, order=Order(plan_id=kept.id), kind="apply", as_json=as_json)


def reject(plan_id: str, *, task: str | None = None, as_json: bool) -> ExitCode:
    """Note that one plan is not to be let through, as the dashboard does."""
    with open_store(get_settings()) as store:
        kept = _find(store, plan_id, task, get_settings())
        if kept.applied or not store.plans.reject(kept.task, kept.id):
            raise CommandError(_done(kept, store), ExitCode.SKIPPED)
    if as_json:
        print_json({"plan_id": kept.id, "task": kept.task, "rejected": True})
    else:
        say(
            f"{kept.task}: plan {kept.id} is rejected, and nothing of it was written. The next run plans anew, and "
            "halts again as long as both sides are as they were."
        )
    return ExitCode.OK


def _allow(kept: KeptPlan, store: Store, *, as_json: bool) -> ExitCode:
    """Let through what a node was asked to do by its peer, which asks again by itself."""
    if not store.plans.allow(kept.task, kept.id):
        raise CommandError(f"plan {kept.id} of {kept.task!r} was let through before", ExitCode.SKIPPED)
    if as_json:
        print_json({"plan_id": kept.id, "task": kept.task, "let_through": True})
    else:
        say(f"{kept.task}: plan {kept.id} is let through when the peer asks again.")
    return ExitCode.OK


def _find(store: Store, plan_id: str, task: str | None, settings: Settings) -> KeptPlan:
    """The plan whose id begins like this.

    Raises:
        CommandError: there is none, or more than one.
    """
    if not plan_id:
        raise CommandError("the plan's id is empty: `lockstep plans` lists those that are kept")
    found = [kept for kept in store.plans.find(plan_id) if task in (None, kept.task)]
    found = [kept for kept in found if kept.id == plan_id] or found
    if not found:
        raise CommandError(_no_plan(store, plan_id, task, settings))
    if len(found) > 1:
        names = ", ".join(f"{kept.id} of {kept.task}" for kept in found)
        more = "say --task NAME" if len({kept.id for kept in found}) == 1 else "give more of its letters"
        raise CommandError(f"{plan_id!r} may be {names}: {more}")
    return found[0]


def _no_plan(store: Store, plan_id: str, task: str | None, settings: Settings) -> str:
    """That there is no such plan, and which one may be meant or what became of it."""
    of_task = f" of task {task!r}" if task is not None else ""
    others = store.plans.find(plan_id)
    if others:
        return f"plan {others[0].id} is of task {others[0].task!r}, not{of_task}"
    kept = store.plans.list(task)
    meant = [one.id for one in kept if one.task == plan_id and not one.applied]
    meant = meant or difflib.get_close_matches(plan_id, [one.id for one in kept], n=1)
    if meant:
        return f"there is no plan {plan_id!r}{of_task}: did you mean {meant[0]!r}?"
    run = store.runs.that_kept(plan_id) if len(plan_id) == PLAN_ID_LENGTH else None
    if run is not None:
        return (
            f"plan {plan_id!r} of {run.task!r} is not kept any more: since run {run.run_id[:8]} made it, another "
            f"run went through or halted with another plan; `lockstep plans` lists those that are kept"
        )
    if plan_id in load_tasks(settings):
        return f"there is no plan {plan_id!r}, and no plan of that task waits: give a plan's id, not a task's name"
    return (
        f"there is no plan {plan_id!r}{of_task}: `lockstep plans` lists those that are kept; plans that were "
        f"applied are kept for {some(settings.keep_plans_days, 'day')}"
    )


def _done(kept: KeptPlan, store: Store) -> str:
    """That a plan was applied, and what that means for what is left of it."""
    said = f"plan {kept.id} of {kept.task!r} {kept.applied}"
    if kept.answering:
        return said if kept.applied_by else f"{said}: it waits for the peer to ask again"
    by = store.runs.find(kept.applied_by) if kept.applied_by else []
    if by and by[0].status == "running":
        return f"{said}, which is at it still"
    if by and by[0].status != "succeeded":
        return (
            f"{said}, which ended as {by[0].status}: lockstep run {kept.task} goes on with what is left, and halts "
            "with a new plan if that is too much still"
        )
    return f"{said}: there is nothing more to let through"


def _first(kept: KeptPlan) -> str:
    """Some of the objects that a plan would write, by their titles."""
    writes: list[Action] = list(kept.plan.writes)
    objects = dict.fromkeys(Called(pair_of(action), action.name) for action in writes)
    titles = [label.plain for label in labels(list(objects)[:NAMED])]
    return ", ".join(titles) + (" …" if len(objects) > NAMED else "")


def _state(kept: KeptPlan) -> str:
    if not kept.applied_at:
        return "waits" if kept.rejected_at is None else f"rejected {moment(kept.rejected_at)}"
    if kept.answering:
        return f"{'used' if kept.applied_by else 'let through'} {moment(kept.applied_at)}"
    by = f" by {kept.applied_by[:8]}" if kept.applied_by else ""
    return f"applied {moment(kept.applied_at)}{by}"


def _data(kept: KeptPlan) -> dict[str, object]:
    return {
        "plan_id": kept.id,
        "task": kept.task,
        "run_id": kept.run_id,
        "reason": kept.reason,
        "at": kept.at,
        "applied_at": kept.applied_at,
        "applied_by": kept.applied_by,
        "rejected_at": kept.rejected_at,
        "plan": plan_json(kept.plan),
    }
