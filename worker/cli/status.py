"""`lockstep status`, `history` and `tasks`: what is defined, what ran, what runs."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.text import Text

from config import Settings, get_settings
from tasks.registry import load_tasks
from tasks.scheduled import PRUNE, Scheduled
from tasks.sync_task import SyncTask
from worker import rate_limit
from worker.claims import Claims
from worker.cli.context import HOW_TO_DEFINE, known_task, open_store
from worker.cli.exit_codes import ExitCode
from worker.cli.failures import explain
from worker.cli.machine import reachable_redis
from worker.cli.output import console, duration, moment, print_json, printable, status_text, table, tell_rest
from worker.errors import RedisUnavailableError, StoreError
from worker.holds import Held, Holds
from worker.lock import RedisSyncLock, SessionRecord
from worker.overbooking import measure, periods_of
from worker.pruning import in_words
from worker.rate_limit import BudgetUse
from worker.store import RAN, RunRecord, Store

#: For how long it is shown that a task held a worker's event loop.
HOLDS_SHOWN = timedelta(days=1)


def tasks(*, as_json: bool) -> ExitCode:
    """List what is registered."""
    found = load_tasks(get_settings()).values()
    if as_json:
        print_json([_describe(task) for task in found])
    elif not found:
        console().print(f"No task is defined: {HOW_TO_DEFINE}.", soft_wrap=True)
    else:
        rows = [
            (
                task.name,
                str(task.plan_schedule),
                _kind(task),
                task.conflict_mode.value if isinstance(task, SyncTask) else "-",
                ", ".join(task.attr_map) if isinstance(task, SyncTask) else "-",
            )
            for task in found
        ]
        console().print(
            table(
                ("Task", "Schedule", "Kind", "Conflicts", "Attributes"), rows, folded=("Kind", "Attributes")
            )
        )
    return ExitCode.OK


def history(name: str, *, limit: int, as_json: bool) -> ExitCode:
    """List the runs of one task, the newest first."""
    settings = get_settings()
    with open_store(settings) as store:
        known_task(name, settings, store)
        runs, total = store.runs.list(name, limit), store.runs.count(name)
    if as_json:
        print_json([run.to_json() for run in runs])
    elif not runs:
        console().print(f"{name} has not run yet.")
    else:
        rows = [
            (
                run.run_id[:8],
                moment(run.started_at),
                status_text(run.status),
                duration(run.seconds),
                f"{run.kind}: {_done(run)}" if run.kind else _done(run),
                f"{run.host} ({run.pid})",
                run.reason,
            )
            for run in runs
        ]
        console().print(
            table(
                ("Run", "Started", "Status", "Took", "Done", "Host (pid)", "Reason"),
                rows,
                folded=("Done", "Reason"),
            )
        )
        tell_rest(len(runs), total)
    return ExitCode.OK


def status(*, as_json: bool) -> ExitCode:
    """Show every task with its last, its next and its present run."""
    settings = get_settings()
    known = load_tasks(settings)
    running, budgets, left_out, holds, trouble = _in_redis(settings)
    overbooked = measure(left_out, periods_of(known.values()))
    with open_store(settings) as store:
        latest = store.runs.latest()
        rows = [
            _state(task, latest.get(name), running.get(name), left_out.get(name, 0), store)
            for name, task in known.items()
        ]
        gone = _gone(store, set(latest) - set(known))
        pruned = latest.get(PRUNE)
        refusal = _refusal(store)
    if as_json:
        print_json(
            {
                "tasks": rows,
                "not_defined_any_more": list(gone),
                "pruned": pruned and pruned.to_json(),
                "overbooked": overbooked and asdict(overbooked),
                "budgets": [budget.to_json() for budget in budgets],
                "holds": [held.to_json() for held in holds if held.task in known],
                "running_unknown": trouble,
                "database_refuses": refusal,
            }
        )
    else:
        _show(rows, gone)
        if pruned is not None:
            told = in_words(pruned.counts) if pruned.status == "succeeded" else pruned.reason
            console().print(
                f"Pruned last {moment(pruned.started_at)}: {pruned.status}, {printable(told)}", soft_wrap=True
            )
        for budget in budgets:
            console().print(_told(budget), soft_wrap=True)
        if overbooked is not None:
            console().print(printable(str(overbooked)), soft_wrap=True)
        for held in holds:
            if held.task in known and held.at > datetime.now(UTC) - HOLDS_SHOWN:
                console().print(printable(str(held)), soft_wrap=True)
    if trouble is not None:
        console(stderr=True).print(f"What runs now is not known: {trouble}", soft_wrap=True)
    if refusal is not None:
        console(stderr=True).print(f"No run can be made or entered: {refusal}", soft_wrap=True)
    return ExitCode.OK if trouble is None and refusal is None else ExitCode.UNAVAILABLE


def _refusal(store: Store) -> str | None:
    """Why the database takes no writes; then what is shown is old, since no run can be entered."""
    try:
        store.prove_writable()
    except StoreError as error:
        return str(error)
    return None


def _gone(store: Store, names: set[str]) -> dict[str, int]:
    """How many pairs are linked of each task that is not defined any more but was."""
    return {name: store.links.count(name) for name in sorted(names - {PRUNE})}


def _in_redis(
    settings: Settings,
) -> tuple[dict[str, SessionRecord], list[BudgetUse], dict[str, int], list[Held], str | None]:
    """The sessions that hold nodes now, the use of Notion's budgets, how many turns of which entry were left out,
    which tasks held a worker's event loop; and why all that could not be read, if so.
    """
    try:
        client = reachable_redis(settings)
        if client is None:
            return {}, [], {}, [], None
        lock = RedisSyncLock(client, lease_seconds=settings.lease_seconds)
        try:
            running = {record.node_id: record for record in lock.holders() if record.live}
            holds = list(Holds(client).all().values())
            return running, rate_limit.budgets(client), Claims(client).left_out(), holds, None
        finally:
            lock.close()
            client.close()
    except RedisUnavailableError as error:
        return {}, [], {}, [], str(error)
    except Exception as error:
        explained = explain(error)
        if explained is None:
            raise
        return {}, [], {}, [], explained[0]


def _told(use: BudgetUse) -> str:
    """The use of one token's budget in a line."""
    parts = [
        f"Notion, token {use.name[:8]}: {use.requests:.0f} requests in the last minute, "
        f"{use.share:.0%} of its {use.rate:.1f} a second, from {use.processes} "
        f"process{'' if use.processes == 1 else 'es'}; they waited {duration(use.waited)}"
    ]
    if use.paused_for > 0:
        parts.append(f"Notion has asked everybody to wait {duration(use.paused_for)} more")
    return "; ".join(parts)


def _state(
    task: Scheduled, last: RunRecord | None, session: SessionRecord | None, left_out: int, store: Store
) -> dict[str, Any]:
    ran = store.runs.count_finished(task.name)
    held = store.memories.held(task.name)
    return {
        "task": task.name,
        "schedule": str(task.plan_schedule),
        "runs": ran,
        "last_run": last and last.to_json(),
        "next_run": _next_run(task, store.runs.last_started(task.name), ran),
        "turns_left_out": left_out,
        "running": session
        and {
            "session_id": session.session_id,
            "phase": session.phase,
            "host": session.host,
            "pid": session.pid,
            "started_at": session.started_at,
            "beat_at": session.beat_at,
        },
        "links": store.links.count(task.name),
        "conflicts": store.conflicts.count(task.name),
        "held": len(held),
        "quarantined": sum(one.quarantined for one in held),
    }


def _next_run(task: Scheduled, last_started: datetime | None, ran: int) -> datetime | None:
    """When the next run is due, if beat runs; `None` when there is none any more."""
    schedule = task.plan_schedule
    if schedule.total is not None and ran >= schedule.total:
        return None
    now = datetime.now(UTC)
    if last_started is None or schedule.every is None:
        return now
    return max(now, last_started + schedule.every)


def _show(rows: list[dict[str, Any]], gone: dict[str, int]) -> None:
    screen = console()
    if not rows:
        screen.print(f"No task is defined: {HOW_TO_DEFINE}.", soft_wrap=True)
        return
    columns = (
        "Task",
        "Schedule",
        "State",
        "Last run",
        "Next run",
        "Running now",
        "Runs",
        "Links",
        "Conflicts",
        "Held",
    )
    screen.print(table(columns, [_row(row) for row in rows], folded=("Task", "Running now")))
    for row in rows:
        last = row["last_run"]
        if last and last["reason"]:
            screen.print(f"{row['task']}: {printable(last['reason'])}", soft_wrap=True)
    if gone:
        told = ", ".join(f"{name} ({links} links)" if links else name for name, links in gone.items())
        screen.print(f"Not defined any more, with runs in the history: {told}", soft_wrap=True)
    if any(gone.values()):
        screen.print(
            "A task that got another name keeps its links by: lockstep rename OLD NEW", soft_wrap=True
        )


def _row(row: dict[str, Any]) -> tuple[str | Text, ...]:
    last, session, due = row["last_run"], row["running"], row["next_run"]
    when = "ended" if due is None else "due" if due <= datetime.now(UTC) else moment(due)
    now = f"{session['phase'] or 'start'} on {session['host']} ({session['pid']})" if session else "-"
    return (
        row["task"],
        row["schedule"],
        status_text(last["status"]) if last else "never ran",
        moment(datetime.fromisoformat(last["started_at"])) if last else "-",
        when,
        now,
        str(row["runs"]),
        str(row["links"]),
        str(row["conflicts"]),
        str(row["held"]),
    )


def _describe(task: Scheduled) -> dict[str, Any]:
    schedule = task.plan_schedule
    return {
        "task": task.name,
        "schedule": str(schedule),
        "every_seconds": schedule.every and schedule.every.total_seconds(),
        "total": schedule.total,
        "kind": _kind(task),
        "conflict_mode": task.conflict_mode.value if isinstance(task, SyncTask) else None,
        "attr_map": task.attr_map if isinstance(task, SyncTask) else None,
    }


def _kind(task: Scheduled) -> str:
    return f"{type(task).__module__}.{type(task).__qualname__}"


def _done(run: RunRecord) -> str:
    if run.status not in RAN:
        return ""
    return (
        ", ".join(f"{kind.replace('_', ' ')} {number}" for kind, number in run.counts.items() if number)
        or "nothing"
    )
