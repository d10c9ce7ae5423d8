"""Celery's thread pool with the powers of its process pool, for tasks that wait for a coroutine."""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading
from collections.abc import Callable
from concurrent import futures
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from celery.concurrency import thread
from celery.concurrency.base import apply_target
from celery.exceptions import SoftTimeLimitExceeded

from worker.pool.event_loop import (
    LAST_SECONDS,
    TIME_LIMIT,
    Call,
    EventLoop,
    close_process_loop,
    process_loop,
    watched_by,
)
from worker.pool.holds import tell_hold
from worker.pool.limits import Ending, Limits

log = logging.getLogger(__name__)


class JobTerminated(BaseException):
    """Takes a job out of Celery's tracer, which then neither acknowledges its message nor enters a result."""


REASONS = {
    Ending.GIVEN_BACK: "cancelled: the worker was told to end while it only waited; its message is in the queue again",
    Ending.SOFT_LIMIT: TIME_LIMIT,
    Ending.HARD_LIMIT: TIME_LIMIT,
    Ending.TERMINATED: "cancelled: it was revoked, or the worker was told to end",
}


class Job:
    """One message at work in a thread; for Celery, its result to be."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.ending: Ending | None = None
        #: Whether its message is to be put into the queue again.
        self.is_given_back = False
        self.limits: Limits | None = None
        self._call: Call[Any] | None = None
        self._done = False
        # Signal handlers cancel in the main thread, which may be in here already.
        self._guard = threading.RLock()

    def submitted(self, future: Future[Any]) -> None:
        """A thread works on it."""
        self._future = future

    def wait(self, timeout: float | None = None) -> None:
        """Wait until its thread has ended with it, for `timeout` seconds at most."""
        futures.wait([self._future], timeout)

    def get(self, timeout: float | None = None) -> None:
        """As `wait`; the outcome goes to Celery by callbacks.

        Raises:
            TimeoutError: it has not ended in time.
        """
        self._future.result(timeout)

    def started(self, call: Call[Any]) -> None:
        """It waits for a coroutine from now on."""
        with self._guard:
            self._call = call
            if self.ending is not None:
                self._cancel(self.ending)

    def replacement(self) -> BaseException | None:
        """What its thread raises when the coroutine was cancelled."""
        if self.ending is None:
            return None
        return SoftTimeLimitExceeded() if self.ending is Ending.SOFT_LIMIT else JobTerminated()

    def held(self, seconds: float, *, over: bool) -> None:
        """Its coroutine holds the loop for that long by now, or did until now."""
        if self.limits is not None:
            self.limits.held(seconds, over=over)

    def end(self, ending: Ending) -> bool:
        """Cancel it; False when it is over, or was cancelled for a stronger reason."""
        with self._guard:
            if self._done or (self.ending is not None and self.ending >= ending):
                return False
            self.ending = ending
            self._cancel(ending)
            return True

    def finish(self) -> bool:
        """It has an outcome for Celery; False when Celery was given one before."""
        with self._guard:
            self._done = True
            return self.ending in {None, Ending.GIVEN_BACK, Ending.SOFT_LIMIT}

    def end_if(self, only_waits: Callable[[asyncio.Task[Any]], bool]) -> None:
        """Cancel it if it only waits, for its message to be given back."""

        def may_end(task: asyncio.Task[Any]) -> bool:
            with self._guard:
                if self._done or self.ending is not None or not only_waits(task):
                    return False
                self.ending, self.is_given_back = Ending.GIVEN_BACK, True
                return True

        with self._guard:
            if self._call is not None:
                self._call.cancel_if(may_end, REASONS[Ending.GIVEN_BACK])

    def terminate(self, signal: int | None = None) -> None:
        """Cancel it; called by a request, like that of a process."""
        self.end(Ending.TERMINATED)

    def _cancel(self, ending: Ending) -> None:
        if self._call is not None:
            patience = None if ending is Ending.SOFT_LIMIT else LAST_SECONDS
            self._call.cancel(REASONS[ending], give_up_after=patience)


class TaskPool(thread.TaskPool):
    """Threads that share one event loop.

    A soft limit cancels the job's coroutine and raises `SoftTimeLimitExceeded` in the task; a hard limit, a
    revocation and a shutdown cancel it as well and take the job out of Celery's hands. Tasks must use
    `worker.pool.event_loop.run`; what a task does outside of it is not cancelled. Time in which another job's coroutine
    holds the loop counts for no limit.
    """

    executor: ThreadPoolExecutor
    #: Puts a message into the queue again, by its id.
    give_back: Callable[[str], None]

    def on_start(self) -> None:
        """Start the loop."""
        self._numbers = itertools.count(1)
        self._jobs: dict[int, Job] = {}
        self._loop: EventLoop = process_loop()
        self._loop.watch(tell_hold)

    def on_apply(  # type: ignore[override]  # the base takes any arguments
        self,
        target: Callable[..., Any],
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
        callback: Callable[..., Any] | None = None,
        accept_callback: Callable[..., Any] | None = None,
        timeout_callback: Callable[..., Any] | None = None,
        soft_timeout: float | None = None,
        timeout: float | None = None,
        correlation_id: str = "",
        **_: Any,
    ) -> Job:
        """Give a message to a thread."""
        job = Job(next(self._numbers))
        limits = (
            soft_timeout or self.options.get("soft_timeout"),
            timeout or self.options.get("timeout"),
        )

        def give_result(result: Any) -> None:
            if job.finish() and callback is not None:
                callback(result)

        def expire(ending: Ending, seconds: float) -> None:
            if job.end(ending) and timeout_callback is not None:
                # Celery stores the failure now, which may take a while.
                self._loop.apart(timeout_callback, ending is Ending.SOFT_LIMIT, seconds)

        def work() -> None:
            job.limits = Limits(self._loop.loop, *limits, expire)
            job.limits.start()
            try:
                with watched_by(job):
                    apply_target(
                        target,
                        args or (),
                        kwargs,
                        give_result,
                        accept_callback,
                        pid=job.number,
                        propagate=(JobTerminated,),
                    )
            except JobTerminated:
                log.info("Job %d was cancelled.", job.number)
                if job.is_given_back:
                    self.give_back(correlation_id)
            except Exception:
                log.exception("Job %d could not be ended properly.", job.number)
            finally:
                job.finish()
                job.limits.cancel()

        future = self.executor.submit(work)
        job.submitted(future)
        self._jobs[job.number] = job
        future.add_done_callback(lambda _: self._jobs.pop(job.number, None))
        return job

    @property
    def running(self) -> int:
        """How many jobs have not ended."""
        return len(self._jobs)

    def take_no_more(self) -> None:
        """Take no job from now on, and drop those that no thread works on yet; their messages go back."""
        self.executor.shutdown(wait=False, cancel_futures=True)

    def end_waiting(self) -> None:
        """Cancel the jobs of which nothing is under way, and have their messages given back."""
        for job in list(self._jobs.values()):
            job.end_if(self._loop.only_waits)

    def cancel_all(self) -> None:
        """Cancel all jobs."""
        for job in list(self._jobs.values()):
            job.end(Ending.TERMINATED)

    def terminate_job(self, pid: int, signal: int | None = None) -> None:
        """Cancel the job of this number, which Celery takes for a process id."""
        job = self._jobs.get(pid)
        if job is not None:
            job.end(Ending.TERMINATED)

    def on_stop(self) -> None:
        """Wait until all jobs have ended, then end the loop."""
        super().on_stop()
        close_process_loop()

    def on_terminate(self) -> None:
        """Cancel all jobs."""
        self.cancel_all()
        self.take_no_more()
