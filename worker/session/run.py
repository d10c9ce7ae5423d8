"""One run of one task, from lock to release."""

from __future__ import annotations

import asyncio
import logging
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
from worker.errors import RedisUnavailableError
from worker.lock import NodeBusyError, SyncLock
from worker.session.body import plan_only, stopped_at_first, with_care
from worker.session.local_state import import_local_state
from worker.session.restored import Marks
from worker.store import RunRecord, SqlJournal, Store
from worker.store.tables.fences import fence_of
from worker.store.tables.plans import does_something

log = logging.getLogger(__name__)

#: Notes that are kept of one run; the counts tell of all.
NOTES = 100

#: Tasks, by `id`, with a run in this process that has not ended yet, though it may have lost its lock.
_at_work: set[int] = set()

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

    A foreseen failure does not raise: it is the record's status and reason. A busy node, a message that ran
    before and a total that is reached give a skipped run.

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
    try:
        last_fence = await asyncio.to_thread(_last_fence, task.name, store, marks)
        await uninterrupted(
            asyncio.to_thread(lock.acquire, task.name, session_id=run_id, last_fence=last_fence)
        )
    except NodeBusyError as busy:
        return await _skip(store, record, str(busy))
    except RedisUnavailableError:  # it may have taken the lock all the same, which nobody would release
        lock.disclaim(task.name, run_id)
        raise
    except asyncio.CancelledError:  # the lock may have been taken before the cancellation got through
        await uninterrupted(asyncio.to_thread(_free, lock, record, "cancelled"))
        raise
    if id(task) in _at_work:  # both would use the clients that the task holds
        await uninterrupted(asyncio.to_thread(_free, lock, record, "skipped"))
        return await _skip(store, record, "its last run in this process lost its lock and has not ended yet")
    held = replace(record, fence=lock.fence(run_id))
    session = _Session(task, store, lock, held, progress, order or Order(), marks)
    _at_work.add(id(task))
    try:
        return await session.run()
    finally:
        _at_work.discard(id(task))


def _last_fence(node: str, store: Store, marks: Marks) -> int:
    """The largest one that was given, as far as is known: an older copy of the database knows less."""
    return max(store.runs.last_fence(node), fence_of(marks.reached(node)))


async def _skip(store: Store, record: RunRecord, reason: str) -> RunRecord:
    skipped = replace(record, status="skipped", reason=reason, finished_at=datetime.now(UTC))
    await uninterrupted(asyncio.to_thread(store.runs.enter, skipped))
    log.info("Task %r: run skipped, %s.", record.task, reason)
    return skipped


@dataclass(slots=True)
class _Session:
    """A run that holds its node's lock."""

    task: Scheduled
    store: Store
    lock: SyncLock
    record: RunRecord
    watcher: Progress
    order: Order
    marks: Marks
    phase: str = ""
    phases: set[asyncio.Future[None]] = field(default_factory=set)

    async def run(self) -> RunRecord:
        try:
            refused = await uninterrupted(asyncio.to_thread(self._enter))
        except BaseException:
            await uninterrupted(self._release("cancelled"))
            raise
        if refused is not None:
            await uninterrupted(self._release("skipped"))
            return await _skip(self.store, self.record, refused)
        log.info("Task %r: run %s started.", self.task.name, self.record.run_id)
        try:
            self.record = await self._body()
        except asyncio.CancelledError as cancelled:
            reason = str(cancelled.args[0]) if cancelled.args else "cancelled"
            status = "failed" if TIME_LIMIT in reason else "cancelled"
            await uninterrupted(self._finish(self._ended(status, reason)))
            raise
        await uninterrupted(self._finish(self.record))
        return self.record

    def _enter(self) -> str | None:
        """Enter the run into the history, or say why it may not run. The lock is held, so nobody comes between."""
        if self.order.plan_id is not None:
            refused = self.store.plans.refusal(self.task.name, self.order.plan_id)
            if refused is not None:
                return refused
        total = self.task.plan_schedule.total if self.record.kind is None else None
        reached = self.marks.reached(self.task.name)
        refused = self.store.runs.start(self.record, total, reached)
        if refused is None:
            self.marks.keep(self.task.name, self.record.fence, ended=False)
        return refused

    def _check_lock(self) -> None:
        self.lock.check(self.record.run_id)

    def _approve(self) -> bool:
        """Let the plan of the order through, if it has one."""
        plan_id = self.order.plan_id
        return plan_id is None or self.store.plans.take(self.task.name, plan_id, self.record.run_id)

    async def _body(self) -> RunRecord:
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
            return await asyncio.to_thread(self._reported, await work)
        except asyncio.CancelledError:
            if not lost.is_set():
                raise
            return self._ended("abandoned", "lost its lock: the lease ran out before it could be renewed")
        except LockLostError as error:
            return self._ended("abandoned", str(error))
        except TaskError as error:
            log.error("Task %r: %s", self.task.name, error)  # noqa: TRY400  its message is made for people
            return self._ended("failed", str(error))
        except (Exception, SystemExit) as error:
            log.exception("Task %r: run failed unexpectedly.", self.task.name)
            return self._ended("failed", f"{type(error).__name__}: {error}")

    async def _work(self) -> RunReport:
        journal = SqlJournal(self.store, self.task.name, self.record.run_id, self.record.fence)
        order = self.order
        if (path := self.task.state_path) is not None:
            await uninterrupted(asyncio.to_thread(import_local_state, path, self.store, self.record))
            stopped = await stopped_at_first(self.task, self.store, journal, order)
            if stopped is not None:
                return stopped
            order = await with_care(self.task, self.store, order)
        report = await self.task.run(
            journal,
            check_lock=self._check_lock,
            progress=self._progress,
            order=replace(order, approve=self._approve),
        )
        if order.careful and order.planner is None and report.status not in ("halted", "skipped"):
            await asyncio.to_thread(self.store.runs.careful_no_more, self.task.name)
        return report

    def _progress(self, phase: str, done: int, total: int) -> None:
        self.watcher(phase, done, total)
        if phase != self.phase:
            self.phase = phase
            told = asyncio.ensure_future(asyncio.to_thread(self._tell_phase, phase))
            self.phases.add(told)
            told.add_done_callback(self.phases.discard)

    def _tell_phase(self, phase: str) -> None:
        """Let others see the phase; whether the lock still holds is for the keeper to say, not for this."""
        try:
            self.lock.update_phase(self.record.run_id, phase)
        except (LockLostError, RedisUnavailableError) as error:
            log.warning("Task %r: phase %r could not be shown: %s", self.task.name, phase, error)

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
        elif self.order.planner is None:
            self.store.plans.expire(self.task.name)
        record = self._ended(report.status, reason)
        notes = [*outcome.failures, *outcome.skipped, *outcome.notes][:NOTES]
        counts = {kind: count for kind, count in counts.items() if count}
        return replace(
            record, counts=counts, notes=notes, names=mentioned(outcome.names, [record.reason, *notes])
        )

    def _ended(self, status: str, reason: str) -> RunRecord:
        return replace(self.record, status=status, reason=reason, finished_at=datetime.now(UTC))

    async def _finish(self, record: RunRecord) -> None:
        self.record = record
        level = logging.INFO if record.status == "succeeded" and not record.reason else logging.WARNING
        log.log(level, "Task %r: run %s %s. %s", record.task, record.run_id, record.status, record.reason)
        try:
            await asyncio.to_thread(self._enter_end, record)
        finally:
            await self._release(record.status)

    def _enter_end(self, record: RunRecord) -> None:
        self.store.runs.finish(record)
        self.marks.keep(record.task, record.fence, ended=True)

    async def _release(self, status: str) -> None:
        if self.phases:
            await asyncio.wait(self.phases)
        await asyncio.to_thread(_free, self.lock, self.record, status)


def _free(lock: SyncLock, record: RunRecord, status: str) -> None:
    """Release the node; where Redis cannot be reached, the lock tries it again until its lease is over."""
    result = {"counts": dict(record.counts), "reason": record.reason}
    try:
        lock.release(record.run_id, status, result)
    except RedisUnavailableError as error:
        log.warning(
            "Task %r: the lock could not be released yet (%s); it is tried again until its lease is over.",
            record.task,
            error,
        )


__all__ = ["run_session", "silent"]
