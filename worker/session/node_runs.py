"""A run of a database node, in the words of the history."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tasks.database.clock import COUNTER_BITS
from tasks.database.exceptions import MassChangeError, SyncError
from tasks.database.sync import DatabaseSync, LostValue
from tasks.engine.outcome import Outcome
from tasks.engine.report import Order, RunReport
from tasks.errors import SideError
from tasks.merge import Action, Change, Conflict, Delete, End, Plan, Update, plan_digest
from worker.store import SqlJournal
from worker.store.tables.conflicts import ConflictRecord

#: How the rules of nodes' conflicts begin.
_RULE = "node: "


async def run_node(task: DatabaseSync, journal: SqlJournal | None, order: Order | None = None) -> RunReport:
    """Sync a node with its peer once; values that lost a conflict go to the ledger.

    Args:
        task: the node.
        journal: keeps the ledger; none for a dry run, which changes neither node.
        order: names the plan that a person lets through, if there is one.

    Raises:
        SideError: the run could not end.
    """
    order = order or Order()

    def approve(error: MassChangeError) -> bool:
        return plan_digest(plan_of(error)) == order.plan_id and order.approve()

    try:
        done = await task.run(dry_run=journal is None, approve=approve)
    except MassChangeError as error:
        moved = f"this is not plan {order.plan_id} any more: " if order.plan_id and error.changes else ""
        outcome = Outcome()
        for change in error.changes:
            outcome.counts[change.kind.verb] += change.number
        status = "planned" if journal is None else "halted"
        return RunReport(status, f"{moved}{error}", plan_of(error), outcome)
    except SyncError as error:
        raise SideError(str(error)) from error
    if journal is not None:
        for lost in done.lost:
            await journal.keep_conflict(as_conflict(lost))
    outcome = Outcome(failures=[] if done.status == "succeeded" else list(done.notes))
    outcome.counts.update(done.counts)
    return RunReport("planned" if journal is None else done.status, done.reason, Plan(), outcome)


def plan_of(error: MassChangeError) -> Plan:
    """What a guard of a node halted, as a plan: a line for each row that it shows, and one for all that there are."""
    actions: list[Action] = []
    for change in error.changes:
        label, verb, name = change.kind
        reason = f"{verb} on the node"
        for lost in change.examples:
            about: dict[str, Any] = {"side": End.RIGHT, "left_id": label, "right_id": lost.key}
            if verb == "delete":
                actions.append(Delete(**about, values=lost.old, reason=reason))
            else:
                changes = {name: Change(lost.old, lost.new)}
                actions.append(Update(**about, changes=changes, source={}, reason=reason))
        if change.number > len(change.examples):
            rest = f"{label}: {change.number} rows in all"
            all_of_it = {"all": change.digest}
            actions.append(
                Update(
                    side=End.RIGHT,
                    left_id=label,
                    right_id=rest,
                    changes={},
                    source=all_of_it,
                    reason=reason,
                )
            )
    return Plan(tuple(actions))


def as_conflict(lost: LostValue) -> Conflict:
    """A line of the ledger: what stayed stands on the left, what lost on the right."""
    return Conflict(
        left_id=lost.model_label,
        right_id=lost.key,
        attribute=lost.field_name or None,
        base=None,
        left=lost.kept,
        right=lost.lost,
        left_edited=_moment(lost.kept_timestamp),
        right_edited=_moment(lost.lost_timestamp),
        winner=End.LEFT,
        rule=f"{_RULE}{lost.rule}"[:40],
        reason=f"{lost.field_name or 'the record'} edited on two nodes",
    )


def is_of_a_node(record: ConflictRecord) -> bool:
    """Whether a line of the ledger is of a database node."""
    return record.rule.startswith(_RULE)


def _moment(stamp: int) -> datetime | None:
    """The time in a hybrid logical clock's stamp."""
    return datetime.fromtimestamp((stamp >> COUNTER_BITS) / 1000, UTC) if stamp else None
