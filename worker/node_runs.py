"""A run of a database node, in the words of the history."""

from __future__ import annotations

from datetime import UTC, datetime

from tasks.database.clock import COUNTER_BITS
from tasks.database.exceptions import SyncError
from tasks.database.sync import DatabaseSync, LostValue
from tasks.errors import SideError
from tasks.merge import Conflict, Plan, Side
from tasks.outcome import Outcome
from tasks.run import RunReport
from worker.store import SqlJournal
from worker.store.conflicts import ConflictRecord

#: How the rules of nodes' conflicts begin.
_RULE = "node: "


async def run_node(task: DatabaseSync, journal: SqlJournal | None) -> RunReport:
    """Sync a node with its peer once; values that lost a conflict go to the ledger.

    Args:
        task: the node.
        journal: keeps the ledger; none for a dry run, which changes neither node.

    Raises:
        SideError: the run could not end.
    """
    try:
        done = await task.run(dry_run=journal is None)
    except SyncError as error:
        raise SideError(str(error)) from error
    if journal is not None:
        for lost in done.lost:
            await journal.keep_conflict(as_conflict(lost))
    outcome = Outcome(failures=[] if done.status == "succeeded" else list(done.notes))
    outcome.counts.update(done.counts)
    return RunReport("planned" if journal is None else done.status, done.reason, Plan(), outcome)


def as_conflict(lost: LostValue) -> Conflict:
    """A line of the ledger: what stayed stands under Notion's column, what lost under the other side's."""
    return Conflict(
        notion_id=lost.model_label,
        other_id=lost.key,
        attribute=lost.field_name or None,
        base=None,
        notion=lost.kept,
        other=lost.lost,
        notion_edited=_moment(lost.kept_timestamp),
        other_edited=_moment(lost.lost_timestamp),
        winner=Side.NOTION,
        rule=f"{_RULE}{lost.rule}"[:40],
        reason=f"{lost.field_name or 'the record'} edited on two nodes",
    )


def is_of_a_node(record: ConflictRecord) -> bool:
    """Whether a line of the ledger is of a database node."""
    return record.rule.startswith(_RULE)


def _moment(stamp: int) -> datetime | None:
    """The time in a hybrid logical clock's stamp."""
    return datetime.fromtimestamp((stamp >> COUNTER_BITS) / 1000, UTC) if stamp else None
