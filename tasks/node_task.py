"""A database node as a task: run by its schedule, guarded and told like any other one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from tasks.database.engine.engine import DatabaseEngine
from tasks.database.exceptions import MassChangeError, SyncAbortedError, SyncError
from tasks.database.records.clock import COUNTER_BITS
from tasks.database.records.conflict import ResolutionSource
from tasks.database.records.lost import LostValue, lost_in
from tasks.database.records.result import DatabaseResult
from tasks.database.sql.declared import NodeTable, open_node, read_nodes
from tasks.engine.naming import title_in
from tasks.engine.outcome import Outcome
from tasks.engine.report import Order, RunReport
from tasks.engine.sync import Progress, silent
from tasks.errors import SideError
from tasks.journal.contract import Journal
from tasks.journal.ledger import LedgerEntry, Version
from tasks.journal.state import State
from tasks.journal.state_journal import StateJournal
from tasks.merge import Action, Change, Delete, End, Name, Plan, Update, plan_digest
from tasks.schedule.waiting import Started, wait_for_turn
from tasks.scheduled import Scheduled

#: Lines that are kept of one run.
NOTES = 100

#: Whether a person lets through what a run would destroy.
Approve = Callable[[MassChangeError], bool]


class NodeTask(Scheduled):
    """Runs a node's engine by the schedule.

    Args:
        name: names the task in status and history.
        engine: the node's engine, with a transport.
    """

    def __init__(self, name: str, engine: DatabaseEngine) -> None:
        super().__init__(name)
        self._engine = engine

    async def __call__(self) -> None:
        """Run as scheduled in this process.

        Raises:
            TaskError: a run could not end, or something could not be applied.
        """
        runs = 0
        last: Started | None = None
        while self.plan_schedule.total is None or runs < self.plan_schedule.total:
            last = await wait_for_turn(self.plan_schedule, last, self.name)
            done = await self.run(StateJournal(State()))
            runs += 1
            if done.status != "succeeded":
                raise SyncAbortedError(f"task {self.name!r}: {done.reason}")

    async def run(
        self,
        journal: Journal,
        *,
        check_lock: Callable[[], None] = lambda: None,
        progress: Progress = silent,
        order: Order | None = None,
        dry_run: bool = False,
    ) -> RunReport:
        """Sync once with the peer; values that lost a conflict go to the ledger.

        The node keeps by itself what its next run needs, and has its own lock, so `check_lock` is asked only at the
        begin.

        Raises:
            SideError: the run could not end.
            TaskDefinitionError: a table or column is not there.
        """
        order = order or Order()
        dry_run = dry_run or order.dry_run
        check_lock()
        progress("sync", 0, 0)

        def approve(error: MassChangeError) -> bool:
            return plan_digest(plan_of(error)) == order.plan_id and order.approve()

        try:
            result, peer = await asyncio.to_thread(self._sync, dry_run, approve)
        except MassChangeError as error:
            return _halted(error, order, dry_run=dry_run)
        except SyncError as error:
            raise SideError(str(error)) from error
        if not dry_run:
            for lost in lost_in(result):
                await journal.keep_conflict(as_entry(lost, self.node_id, peer))
        return _report(result, dry_run=dry_run)

    @property
    def node_id(self) -> str:
        """The node's name among all nodes."""
        return self._engine.node_id

    def _sync(self, dry_run: bool, approve: Approve) -> tuple[DatabaseResult, str]:
        """Sync once, in a thread of its own; with the peer's name."""
        result = self._engine.sync(dry_run, approve=approve)
        return result, self._engine.peer


class DeclaredNode(NodeTask):
    """A node that asks its peer, as its `[[node]]` table says. Its database is opened when a run begins, not before."""

    def __init__(self, table: NodeTable) -> None:
        Scheduled.__init__(self, table.name)
        self.table = table
        self.runs(table.timing)

    @property
    def node_id(self) -> str:
        """The node's name among all nodes."""
        return self.table.name

    def _sync(self, dry_run: bool, approve: Approve) -> tuple[DatabaseResult, str]:
        node = open_node(self.table, prepare=not dry_run)
        try:
            result = node.engine.sync(dry_run, approve=approve)
            return result, node.engine.peer
        finally:
            node.close()


def declare_nodes(tables: Iterable[Mapping[str, Any]]) -> list[DeclaredNode]:
    """The nodes that ask a peer, scheduled.

    Every table is read before the first node is scheduled.

    Raises:
        TaskDefinitionError: a table says something wrong, or a task has the node's name.
    """
    asking = [DeclaredNode(table) for table in read_nodes(tables) if table.peer is not None]
    return [node.schedule() for node in asking]


def _report(result: DatabaseResult, *, dry_run: bool) -> RunReport:
    """How a run ended that came to its end."""
    counts = result.counts()
    outcome = Outcome(failures=result.errors[:NOTES], conflicts=counts.pop("conflicts", 0))
    outcome.counts.update(counts)
    if dry_run:
        return RunReport("planned", _first_of(result), Plan(), outcome)
    return RunReport("succeeded" if result.ok else "failed", _first_of(result), Plan(), outcome)


def _first_of(result: DatabaseResult) -> str:
    if result.ok:
        return ""
    return f"{len(result.errors)} records do not get through; the first: {result.errors[0]}"


def _halted(error: MassChangeError, order: Order, *, dry_run: bool) -> RunReport:
    """The end of a run that would have destroyed too much on this node."""
    moved = f"this is not plan {order.plan_id} any more: " if order.plan_id and error.changes else ""
    outcome = Outcome()
    for change in error.changes:
        outcome.counts[change.kind.verb] += change.number
    return RunReport("planned" if dry_run else "halted", f"{moved}{error}", plan_of(error), outcome)


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


def as_entry(lost: LostValue, here: str, peer: str) -> LedgerEntry:
    """A line of the ledger, where two nodes stand for the two sides."""
    nodes = {
        ResolutionSource.LOCAL: here,
        ResolutionSource.REMOTE: peer,
        ResolutionSource.MERGED: f"{here} and {peer}",
    }
    kept, other = nodes[lost.kept_of], nodes[lost.lost_of]
    if lost.field_name:
        how = "a resolver's value" if lost.kept_of == ResolutionSource.MERGED else f"that of {kept}"
        why = f"{lost.field_name} edited on {here} and {peer}; {how} stays"
    elif lost.kept is None:
        why = f"deleted on {kept}, edited on {other}; the deletion stays"
    else:
        why = f"deleted on {other}, edited on {kept}; the record stays"
    return LedgerEntry(
        first=Version(kept, lost.key, lost.kept, _moment(lost.kept_timestamp), stayed=True),
        second=Version(other, lost.key, lost.lost, _moment(lost.lost_timestamp), stayed=False),
        model=lost.model_label,
        attribute=lost.field_name or None,
        base=None,
        rule=lost.rule,
        why=why,
        name=Name(title_in(lost.record)),
    )


def _moment(stamp: int) -> datetime | None:
    """The time in a hybrid logical clock's stamp."""
    return datetime.fromtimestamp((stamp >> COUNTER_BITS) / 1000, UTC) if stamp else None
