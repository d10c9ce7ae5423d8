"""`lockstep status NAME`: all about one task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tasks.engine.naming import tell
from tasks.merge import Held
from worker.cli.called import Called, labels
from worker.cli.context import labels_of
from worker.cli.status.view import next_in_words, of_budget, state_text
from worker.rate_limit import BudgetUse
from worker.standing import Status, TaskRow, Trouble, worst
from worker.standing.doings import done
from worker.store import RunRecord, Store
from worker.store.tables.plans import WaitingPlan
from worker.telling.exit_codes import ExitCode
from worker.telling.numbers import some
from worker.telling.screen import duration, moment, near_moment, printable, status_text
from worker.telling.spans import ago, rough
from worker.telling.tables import Rows, table

#: Runs and held objects that are shown.
RUNS, HELD = 5, 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """What is known of one task."""

    row: TaskRow
    #: The newest runs that were not skipped.
    runs: Sequence[RunRecord]
    held: Sequence[Held]
    #: Halted plans that wait for a person.
    plans: Sequence[WaitingPlan]
    #: Those of tokens with which it sent requests in the last minutes.
    budgets: Sequence[BudgetUse]
    #: Of this task, and of all of them.
    troubles: Sequence[Trouble]
    #: Where scheduler and workers have read something else.
    differences: Sequence[str]

    @property
    def code(self) -> ExitCode:
        """That of the worst."""
        return worst(self.troubles)

    def to_json(self) -> dict[str, Any]:
        """For scripts."""
        return self.row.to_json() | {
            "last_runs": [run.to_json() for run in self.runs],
            "held_objects": [
                {
                    "left_id": one.pair[0] or None,
                    "right_id": one.pair[1] or None,
                    "title": one.name.title or None,
                    "reason": one.reason,
                    "failures": one.failures,
                    "next_try": one.next_try,
                }
                for one in self.held
            ],
            "halted_plans": [{"plan_id": one.id, "reason": one.reason, "at": one.at} for one in self.plans],
            "budgets": [one.to_json() for one in self.budgets],
            "differences": list(self.differences),
            "troubles": [{"text": one.text, "exit_code": int(one.code)} for one in self.troubles],
            "exit_code": int(self.code),
        }


def gather(found: Status, name: str, store: Store) -> Detail:
    """What there is to know of one task, among all that is known."""
    return Detail(
        row=next(row for row in found.rows if row.standing.name == name),
        runs=store.runs.list(name, RUNS, skipped=False),
        held=store.memories.held(name),
        plans=[one for one in store.plans.waiting() if one.task == name],
        budgets=[use for use in found.present.budgets if name in use.tasks],
        troubles=[one for one in found.troubles if one.task in (None, name)],
        differences=[text for of, text in found.differences if of == name],
    )


def detail_of(one: Detail) -> RenderableType:
    """All about a task, as a screen shows it."""
    block = Table.grid(padding=(0, 2, 0, 0))
    block.add_column(no_wrap=True, style="bold")
    block.add_column(overflow="fold")
    block.add_row("Task", one.row.standing.name)
    for name, text in _fields(one):
        block.add_row(name, text if isinstance(text, Text) else Text(printable(text)))
    parts: list[RenderableType] = [block]
    if one.held:
        parts += [Text(), _held(one)]
    if one.runs:
        parts += [Text(), _runs(one)]
    return Group(*parts)


def _fields(one: Detail) -> Iterator[tuple[str, str | Text]]:
    row, standing = one.row, one.row.standing
    yield "State", state_text(row.state)
    if row.session is not None:
        session = row.session
        where = f"{session.host} ({session.pid})"
        yield "Running now", f"{session.phase or 'start'} since {moment(session.started_at)} on {where}"
    if row.shard is not None:
        yield "Shard", str(row.shard)
    succeeded = standing.succeeded
    yield (
        "Last success",
        "never" if succeeded is None else f"{moment(succeeded.started_at)}, {ago(succeeded.started_at)}",
    )
    if row.lag is not None:
        yield "Lag", f"{rough(row.lag)}: every edit older than this is on both sides, or in the ledger"
    yield "Schedule", str(standing.schedule)
    due = row.next.at
    soon = f", {ago(due)}" if due is not None and due > datetime.now(UTC) else ""
    yield "Next run", f"{next_in_words(row)}{soon}"
    if standing.pause is not None:
        yield "Paused", f"{standing.pause}. lockstep resume {standing.name}"
    yield "Links", f"{row.links}, after {some(standing.ran, 'run')}"
    if row.conflicts:
        yield "Conflicts", f"{row.conflicts}: lockstep conflicts {standing.name}"
    if row.held:
        quarantined = f", {row.quarantined} of them quarantined" if row.quarantined else ""
        yield "Held", f"{row.held}{quarantined}: lockstep held {standing.name}"
    for plan in one.plans:
        yield (
            "Halted",
            f"{plan.reason if plan.id in plan.reason else f'{plan.reason} lockstep plans {plan.id}'}",
        )
    for use in one.budgets:
        part = use.tasks[standing.name]
        yield "Budget", f"{of_budget(use)}; this task: {part.requests:.0f}, waited {duration(part.waited)}"
    for text in one.differences:
        yield "Differs", text
    for trouble in one.troubles:
        yield "Trouble", trouble.text


def _held(one: Detail) -> Rows:
    name, sides = one.row.standing.name, labels_of(one.row.standing.name)
    shown = one.held[:HELD]
    called = [Called(each.pair, each.name, task=name) for each in shown]
    rows = [
        (
            label,
            tell(
                each.reason, dict.fromkeys(zip((sides.left, sides.right), each.pair, strict=True), each.name)
            ),
            near_moment(each.next_try),
        )
        for each, label in zip(shown, labels(called), strict=True)
    ]
    return table(("Held", "Reason", "Next try"), rows, folded=("Held", "Reason"))


def _runs(one: Detail) -> Rows:
    sides = labels_of(one.row.standing.name)
    rows = [
        (
            run.run_id[:8],
            near_moment(run.started_at),
            status_text(run.status),
            duration(run.seconds),
            done(run, sides) or "-",
            run.told().reason or "-",
        )
        for run in one.runs
    ]
    columns = ("Run", "Started", "Status", "Took", "Done", "Reason")
    return table(columns, rows, folded=columns[4:], spare=("Reason",))
