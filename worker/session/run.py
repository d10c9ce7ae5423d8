"""One run of one task, from lock to release."""

from __future__ import annotations

import asyncio
import logging
import threading
import uuid
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from tasks.engine.naming import mentioned
from tasks.engine.report import Order, RunReport
from tasks.engine.sync import Progress
from tasks.errors import LockLostError, TaskError
from tasks.scheduled import Scheduled
from tasks.uninterrupted import uninterrupted
from worker.alarms.pings import PINGER
from worker.errors import RedisUnavailableError
from worker.lock import NodeBusyError, SyncLock
from worker.session.body import Prepared, plan_only, prepared
from worker.session.phases import Phases
from worker.session.renamed import first_run
from worker.session.restored import Marks, Step
from worker.session.turns import OF_FILE, OF_SERVER, Line, in_turn
from worker.store import RunRecord, SqlJournal, Store
from worker.store.tables.fences import fence_of
from worker.store.tables.pauses import Pause, pause_and_fence
from worker.store.tables.plans import does_something
from worker.telling.done import done_in_words

log = logging.getLogger(__name__)

#: Notes that are kept of one run; the counts tell of all.
NOTES = 100

#: Tasks, by `id`, with a run in this process that has not ended yet, though it may have lost its lock.
_at_work: dict[int, _Session] = {}
_guard = threading.Lock()

#: How a pool says in the cancellation's message that a run took too long.
TIME_LIMIT = "time limit"


def silent(phase: str, done: int, total: int) -> None:
    """A progress that nobody watches."""


async def run_session(
    task: Scheduled,
    *,
    store: Store,
    lock: SyncLock,
    progress: Progress = silent,
    message_id: str | None = None,
    dry_run: bool = False,
    order: Order | None = None,
    kind: str | None = None,
) -> RunRecord:
    """Run a task once under its node's lock and enter it in the history.

    A foreseen failure does not raise: it is the record's status and reason. A busy node, a message that ran before or
    is of a task that is paused, and a total that is reached give a skipped run.

    Args:
        task: what is synced; its name is the node.
        store: holds links, bases and history.
        lock: keeps one session per node.
        progress: told of phase, done and total.
        message_id: the queue's id of the message that asks for this run; it runs once.
        dry_run: only plan; nothing is written, and neither lock nor history is touched.
        order: what else than an ordinary run is asked for.
        kind: how such a run is called in the history: `apply`, `undo` or `restore`.

    Raises:
        asyncio.CancelledError: the run was cancelled; that is entered first.
        StoreError: the history cannot be written.
        RedisUnavailableError: the lock cannot be asked for; nothing was started.
    """
    marks = Marks(store, lock)
    if dry_run:
        return await plan_only(task, store, progress, order or Order(), marks)
    run_id = uuid.uuid4().hex
    record = RunRecord(run_id=run_id, task=task.name, status="running", message_id=message_id, kind=kind)
    session = _Session(task, store, lock, record, progress, order or Order(), marks)
    try:
        return await session.run()
    finally:
        session.leave()


def _pause_if_failing(task: Scheduled, store: Store) -> None:
    limit = task.plan_schedule.pause_after
    pause = None if limit is None else store.pauses.after_failures(task.name, limit)
    if pause is not None:
        log.error(
            "Task %r is paused, %s. When that is mended: lockstep resume %s", task.name, pause.why, task.name
        )


@dataclass(slots=True)
class _Session:
    """A run from the taking of its node's lock to its release.

    What asks database and lock is done in one go in one thread, at the begin and at the end: to go to a thread and
    back takes as long as a query.
    """

    task: Scheduled
    store: Store
    lock: SyncLock
    record: RunRecord
    watcher: Progress
    order: Order
    marks: Marks
    #: Whether the node's lock is held, and whether the run is in the history.
    held: bool = False
    entered: bool = False
    #: What the work starts from.
    prepared: Prepared | None = None
    #: How far the task had come before, and comes with this run.
    reached: int = 0
    step: Step | None = None
    #: Seconds for which writes of a former run may still be on their way.
    overlap: float = 0.0
    phases: Phases = field(init=False)

    def __post_init__(self) -> None:
        self.phases = Phases(self.lock, self.task.name, self.record.run_id, self.watcher)

    @property
    def at_once(self) -> int:
        """How many runs begin, and how many end, at the same time in this process."""
        return OF_SERVER if self.store.file is None else OF_FILE

    async def run(self) -> RunRecord:
        try:
            refused = await in_turn(Line.BEGIN, self.at_once, self._begin)
        except asyncio.CancelledError as cancelled:  # it may have begun before the cancellation got through
            if self.entered:
                await uninterrupted(self._finish(self._cut_off(cancelled)))
            elif self.held:
                await uninterrupted(asyncio.to_thread(self._free, "cancelled"))
            raise
        if refused is not None:
            log.info("Task %r: run skipped, %s.", self.record.task, refused.reason)
            return refused
        log.info("Task %r: run %s started.", self.task.name, self.record.run_id)
        if self.record.kind is None:
            PINGER.started(self.task.ping, self.record)
        try:
            outcome = await self._body()
        except asyncio.CancelledError as cancelled:
            await uninterrupted(self._finish(self._cut_off(cancelled)))
            raise
        await uninterrupted(self._finish(outcome))
        return self.record

    def leave(self) -> None:
        """Let another run of the task begin in this process."""
        with _guard:
            if _at_work.get(id(self.task)) is self:
                del _at_work[id(self.task)]

    # -- its begin, in a thread ---------------------------------------------------------------------------

    def _begin(self) -> RunRecord | None:
        """Take the lock and enter the run; or enter it as skipped, and give that.

        Raises:
            StoreError: the history cannot be written.
            RedisUnavailableError: the lock cannot be asked for; nothing was started.
        """
        task, run_id = self.task.name, self.record.run_id
        pause, fence = self._stand()
        if pause is not None:
            return self._skip(str(pause))
        try:
            # An older copy of the database knows a smaller fence than was given.
            self.reached = self.marks.reached(task)
            last_fence = max(fence, fence_of(self.reached))
            self.lock.acquire(task, session_id=run_id, last_fence=last_fence)
        except NodeBusyError as busy:
            return self._skip(str(busy))
        except RedisUnavailableError:  # it may have taken the lock all the same, which nobody would release
            self.lock.disclaim(task, run_id)
            raise
        self.held = True
        if not self._is_alone():  # both would use the clients that the task holds
            self._free("skipped")
            return self._skip("its last run in this process lost its lock and has not ended yet")
        try:
            self.record = replace(self.record, fence=self.lock.fence(run_id))
            refused, restored_at = self._enter()
        except BaseException:
            self._free("cancelled")
            raise
        if refused is not None:
            self._free("skipped")
            return self._skip(refused)
        self.entered = True
        self.step = Step(self.marks, task, self.record.fence)
        if not self.reached:  # from now on it is known that there is something to miss
            self.step.begin()
        self.prepared = prepared(self.task, self.store, self.record, self.order, restored_at, self.step)
        return None

    def _stand(self) -> tuple[Pause | None, int]:
        """The pause that holds for a run that nobody asked for by hand, and the last fence that is known."""
        asked_by_hand = self.record.message_id is None
        if not asked_by_hand:
            # Runs that were lost with their workers had nobody to do it at their end.
            _pause_if_failing(self.task, self.store)
        with self.store.read() as connection:
            pause, fence = pause_and_fence(connection, self.task.name)
            return None if asked_by_hand else pause, fence

    def _is_alone(self) -> bool:
        with _guard:
            return _at_work.setdefault(id(self.task), self) is self

    def _enter(self) -> tuple[str | None, datetime | None]:
        """Enter the run into the history, or say why it may not run; and since when the database is an older copy.

        The lock is held, so nobody comes between.
        """
        if self.order.plan_id is not None:
            refused = self.store.plans.refusal(self.task.name, self.order.plan_id)
            if refused is not None:
                return refused, None
        total = self.task.plan_schedule.total if self.record.kind is None else None
        begun = self.store.runs.begin(self.record, total, self.reached)
        if begun.refused is None and begun.unended is not None:
            self._expect_writes_of(begun.unended)
        return begun.refused, begun.restored_at

    def _expect_writes_of(self, former: str) -> None:
        """Where the lock cannot know of a former run, it may be alive: the fence ends it before its next write."""
        self.overlap = self.lock.overlap(self.record.run_id, former)
        if self.overlap:
            log.warning(
                "Task %r: Redis has forgotten its last run, which may still be going on: it writes no more, and what "
                "it has sent already is waited for (%.0f s).",
                self.task.name,
                self.overlap,
            )

    def _skip(self, reason: str) -> RunRecord:
        skipped = replace(self.record, status="skipped", reason=reason, finished_at=datetime.now(UTC))
        self.store.runs.enter(skipped)
        return skipped

    # -- its work -----------------------------------------------------------------------------------------

    def _check_lock(self) -> None:
        self.lock.check(self.record.run_id)

    def _approve(self) -> bool:
        """Let the plan of the order through, if it has one."""
        plan_id = self.order.plan_id
        return plan_id is None or self.store.plans.take(self.task.name, plan_id, self.record.run_id)

    async def _body(self) -> RunReport | RunRecord:
        """The work itself, as a task of its own that the loss of the lock cancels."""
        work = asyncio.ensure_future(self._work())
        loop = asyncio.get_running_loop()
        lost = asyncio.Event()

        def lose() -> None:
            lost.set()
            work.cancel()

        def tell() -> None:
            with suppress(RuntimeError):  # the loop has ended, and the run with it
                loop.call_soon_threadsafe(lose)

        self.lock.on_lost(self.record.run_id, tell)
        try:
            return await work
        except asyncio.CancelledError:
            if not lost.is_set():
                raise
            return self._ended("abandoned", "lost its lock: the lease ran out before it could be renewed")
        except (Exception, SystemExit) as error:
            return self._failed(error)

    def _failed(self, error: BaseException) -> RunRecord:
        """The end of a run that an error ended."""
        if isinstance(error, LockLostError):
            return self._ended("abandoned", str(error))
        if isinstance(error, TaskError):
            log.error("Task %r: %s", self.task.name, error)
            return self._ended("failed", str(error))
        log.error("Task %r: run failed unexpectedly.", self.task.name, exc_info=error)
        return self._ended("failed", f"{type(error).__name__}: {error}")

    def _cut_off(self, cancelled: asyncio.CancelledError) -> RunRecord:
        """The end of a run that was cancelled."""
        reason = str(cancelled.args[0]) if cancelled.args else "cancelled"
        return self._ended("failed" if TIME_LIMIT in reason else "cancelled", reason)

    async def _work(self) -> RunReport:
        prepared, step = self.prepared, self.step
        assert prepared is not None and step is not None  # noqa: S101, PT018  the run was entered
        if prepared.error is not None:
            raise prepared.error
        if self.overlap:
            await asyncio.sleep(self.overlap)
        journal = SqlJournal(
            self.store, self.task.name, self.record.run_id, self.record.fence, prepared.base, step.begin
        )
        order = prepared.order
        if prepared.former_names:
            stopped = await first_run(self.task, self.store, journal, prepared.former_names)
            if stopped is not None:
                return stopped
        report = await self.task.run(
            journal,
            check_lock=self._check_lock,
            progress=self.phases.progress,
            order=replace(order, approve=self._approve),
        )
        if order.careful and order.planner is None and report.status not in ("halted", "skipped"):
            await asyncio.to_thread(self.store.runs.careful_no_more, self.task.name)
        return report

    def _reported(self, report: RunReport) -> RunRecord:
        outcome = report.outcome
        if report.status == "skipped":
            return self._ended("skipped", report.reason)
        counts = dict(outcome.counts)
        counts |= {"in_step": report.plan.in_step, "conflicts": outcome.conflicts}
        counts |= {"failed": len(outcome.failures), "left": len(outcome.skipped)}
        reason = report.reason
        if report.status == "halted":
            counts = {f"planned_{kind}": count for kind, count in report.foreseen.items()}
            if self.order.planner is None and does_something(report.plan):
                plan_id = self.store.plans.keep(self.task.name, report.plan, reason, self.record.run_id)
                reason += f". To let just this through: lockstep apply {plan_id}"
        record = self._ended(report.status, reason)
        notes = [*outcome.failures, *outcome.skipped, *outcome.notes][:NOTES]
        counts = {kind: count for kind, count in counts.items() if count}
        return replace(
            record,
            counts=counts,
            notes=notes,
            names=mentioned(outcome.names, [record.reason, *notes]),
            expires=report.expires,
        )

    def _ended(self, status: str, reason: str) -> RunRecord:
        return replace(self.record, status=status, reason=reason, finished_at=datetime.now(UTC))

    # -- its end, in a thread -----------------------------------------------------------------------------

    async def _finish(self, outcome: RunReport | RunRecord) -> None:
        await self.phases.over()
        await in_turn(Line.END, self.at_once, self._end, outcome)

    def _end(self, outcome: RunReport | RunRecord) -> None:
        """Enter how the run ended, and release the node.

        Raises:
            StoreError: the history cannot be written; the node is released all the same.
        """
        record = outcome if isinstance(outcome, RunRecord) else self._judged(outcome)
        self.record = record
        level = logging.INFO if record.status == "succeeded" and not record.reason else logging.WARNING
        log.log(level, "Task %r: run %s %s", record.task, record.run_id, _in_a_sentence(record, outcome))
        if record.kind is None:
            PINGER.ended(self.task.ping, record)
        went_through = isinstance(outcome, RunReport) and outcome.status not in ("halted", "skipped")
        try:
            self.store.runs.finish(record, went_through=went_through and self.order.planner is None)
            if self.step is not None:
                self.step.end()
            if record.kind is None:
                _pause_if_failing(self.task, self.store)
        finally:
            self._free(record.status)

    def _judged(self, report: RunReport) -> RunRecord:
        try:
            return self._reported(report)
        except Exception as error:
            return self._failed(error)

    def _free(self, status: str) -> None:
        """Release the node; where Redis cannot be reached, the lock tries it again until its lease is over."""
        record, self.held = self.record, False
        result = {"counts": dict(record.counts), "reason": record.reason}
        try:
            self.lock.release(record.run_id, status, result)
        except RedisUnavailableError as error:
            log.warning(
                "Task %r: the lock could not be released yet (%s); it is tried again until its lease is over.",
                record.task,
                error,
            )


def _in_a_sentence(record: RunRecord, outcome: RunReport | RunRecord) -> str:
    """How a run ended and what it did, for whoever reads the log."""
    took = "" if record.seconds is None else f" in {record.seconds:.1f} s"
    sides = outcome.plan.labels if isinstance(outcome, RunReport) else None
    done = done_in_words(record.counts, sides) if sides else ""
    return f"{record.status}{took}{f': {done}' if done else ''}. {record.reason}".rstrip()


__all__ = ["run_session", "silent"]
