"""A database node as a task: it reports like any other one."""

from __future__ import annotations

from typing import Any

from tasks.database import DatabaseEngine, DependencyGraph, HybridLogicalClock, MemoryStorage, MemoryTransport
from tasks.journal.ledger import LedgerEntry
from tasks.journal.state import State
from tasks.journal.state_journal import StateJournal
from tasks.node_task import NodeTask

M = "m"


class Ledger(StateJournal):
    """Keeps what lost."""

    def __init__(self) -> None:
        super().__init__(State())
        self.kept: list[LedgerEntry] = []

    async def keep_conflict(self, entry: LedgerEntry) -> None:
        self.kept.append(entry)


class Pair:
    """An office that answers, and a laptop that asks it."""

    def __init__(self) -> None:
        self.time_ms = 1_700_000_000_000
        clocks = [HybridLogicalClock(lambda: self.time_ms) for _ in range(2)]
        self.office, self.laptop = (MemoryStorage(clock) for clock in clocks)
        graph = DependencyGraph({M: set()})
        self.answering = DatabaseEngine(self.office, graph, clocks[0], "office")
        self.before_answer: Any = lambda: None
        self.engine = DatabaseEngine(
            self.laptop, graph, clocks[1], "laptop", transport=MemoryTransport(self.process)
        )

    def process(self, manifest: Any) -> Any:
        answer = self.answering.process(manifest)
        self.before_answer()
        return answer


async def test_a_scheduled_node_reports_like_a_run() -> None:
    pair = Pair()
    pair.office.edit(M, "1", x="old")
    pair.engine.sync()
    pair.office.edit(M, "1", x="theirs")
    pair.time_ms += 1000
    pair.laptop.edit(M, "1", x="ours")
    task = NodeTask("nodes", pair.engine).run_every(seconds=30)
    assert str(task.plan_schedule) == "every 30 s"
    planned = await task.run(Ledger(), dry_run=True)
    assert (planned.status, bool(planned.foreseen)) == ("planned", True)
    report = await task.run(Ledger())
    assert (report.status, dict(report.outcome.counts)) == ("succeeded", {"pushed": 1})


async def test_conflicts_of_a_node_are_counted_and_kept_like_those_of_objects() -> None:
    pair = Pair()
    pair.laptop.edit(M, "1", x="old")
    task, ledger = NodeTask("nodes", pair.engine), Ledger()
    await task.run(ledger)

    def meanwhile() -> None:
        pair.before_answer = lambda: None
        pair.time_ms += 1000
        pair.laptop.edit(M, "1", x="ours")

    pair.office.edit(M, "1", x="theirs")
    pair.before_answer = meanwhile
    reports = [await task.run(ledger) for _ in range(2)]
    (entry,) = ledger.kept
    assert [(one.where, one.id, one.value) for one in entry.stayed] == [("laptop", "1", "ours")]
    assert [(one.where, one.id, one.value) for one in entry.lost] == [("office", "1", "theirs")]
    assert (entry.model, entry.attribute, entry.why) == (
        M, "x", "x edited on laptop and office; that of laptop stays",
    )  # fmt: skip
    assert entry.first.edited is not None
    assert entry.second.edited is not None
    assert entry.first.edited > entry.second.edited
    assert sum(report.outcome.conflicts for report in reports) == 1
    assert not any("conflicts" in report.outcome.counts for report in reports)
    assert {report.status for report in reports} == {"succeeded"}


async def test_a_dry_run_keeps_nothing() -> None:
    pair = Pair()
    pair.laptop.edit(M, "1", x="new")
    ledger = Ledger()
    assert (await NodeTask("nodes", pair.engine).run(ledger, dry_run=True)).status == "planned"
    assert pair.office.get_records(M, {"1"}) == {}
    assert ledger.kept == []
