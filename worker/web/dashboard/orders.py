"""What a person orders is carried out here, as the command line does it: one run under the node's lock.

The queue carries no orders: its messages say which task is to run and nothing else.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from tasks.engine.report import Order
from tasks.errors import TaskError
from tasks.scheduled import Scheduled
from worker import rate_limit
from worker.lock import MemorySyncLock, RedisSyncLock
from worker.lock.redis_store import RedisLockStore
from worker.session.run import run_session
from worker.store import RunRecord
from worker.telling.exit_codes import ExitCode
from worker.telling.failures import CommandError
from worker.web.resources import Resources

log = logging.getLogger(__name__)

#: Seconds that a page waits for a run; it goes on afterwards, and the history tells how it ended.
PATIENCE = 20.0
#: Seconds that a page waits for a plan, which is in no history.
PLANNING = 120.0
#: Seconds that an order waits for a run that is under way, and between two looks whether it is.
FREE_WITHIN, LOOK = 30.0, 0.2
#: Seconds that orders have to come to an end with the process.
ENDING = 15.0

Session = Callable[[Scheduled], Coroutine[Any, Any, RunRecord]]


class Orders:
    """The orders of this process, one for each task at a time."""

    def __init__(self, resources: Resources, *, patience: float = PATIENCE) -> None:
        self._resources = resources
        self._patience = patience
        lease = resources.settings.lease_seconds
        #: By the numbers of the Redis servers.
        self._locks = [RedisSyncLock(client, lease_seconds=lease) for client in resources.clients]
        self._holders = [RedisLockStore(client) for client in resources.clients]
        #: What is under way, and how it is ended early.
        self._under_way: dict[str, asyncio.Future[RunRecord]] = {}
        self._cancels: dict[str, Callable[[], None]] = {}

    async def carry_out(
        self,
        task: Scheduled,
        order: Order,
        kind: str,
        *,
        then: Callable[[RunRecord], None] = lambda record: None,
    ) -> RunRecord | None:
        """Make a run of a task; `None` where it has not ended yet when patience has.

        Args:
            task: whose run it is.
            order: what it is to do.
            kind: how it is called in the history.
            then: called when it has ended, before anybody is told.

        Raises:
            CommandError: another order of the task is under way.
            StoreError: the history cannot be written.
            RedisUnavailableError: the lock cannot be asked for.
        """

        async def session(task: Scheduled) -> RunRecord:
            await self._free(task.name)
            lock = self._locks[self._resources.shard_of(task.name)]
            record = await run_session(task, store=self._resources.store, lock=lock, order=order, kind=kind)
            await asyncio.to_thread(then, record)
            return record

        return await self._begin(task, session, self._patience)

    async def foresee(self, task: Scheduled) -> RunRecord:
        """Plan a run of a task; nothing is written.

        Raises:
            CommandError: another order of the task is under way, or the plan takes too long.
            TaskError: it cannot be planned.
        """

        async def session(task: Scheduled) -> RunRecord:
            return await run_session(task, store=self._resources.store, lock=MemorySyncLock(), dry_run=True)

        record = await self._begin(task, session, PLANNING)
        if record is None:
            self._cancels[task.name]()
            raise CommandError(
                f"The plan was not ready within {PLANNING:g} s: `lockstep plan {task.name}` takes the time it needs."
            )
        return record

    @asynccontextmanager
    async def accepted(self) -> AsyncIterator[None]:
        """Let orders come to their ends when the block ends."""
        rate_limit.share(self._resources.redis, rate=self._resources.settings.notion_rate)
        try:
            yield
        finally:
            for cancel in list(self._cancels.values()):
                cancel()
            if self._under_way:
                await asyncio.wait(list(self._under_way.values()), timeout=ENDING)
            rate_limit.unshare()
            for lock in self._locks:
                lock.close()

    async def _begin(self, task: Scheduled, session: Session, patience: float) -> RunRecord | None:
        name = task.name
        if name in self._under_way:
            raise CommandError(
                f"Something else that was ordered of {name!r} is under way here: wait until it has ended.",
                ExitCode.SKIPPED,
            )
        future = asyncio.ensure_future(asyncio.to_thread(self._in_own_loop, task, session))
        self._under_way[name] = future

        def end(ended: asyncio.Future[RunRecord]) -> None:
            self._under_way.pop(name, None)
            if not ended.cancelled() and (error := ended.exception()) is not None:
                log.warning("Task %r: what was ordered has ended with an error: %s", name, error)

        future.add_done_callback(end)
        try:
            return await asyncio.wait_for(asyncio.shield(future), patience)
        except TimeoutError:
            return None

    def _in_own_loop(self, task: Scheduled, session: Session) -> RunRecord:
        """A run in a loop of its own: what blocks there holds up no page and no peer."""

        async def cancellable() -> RunRecord:
            loop, work = asyncio.get_running_loop(), asyncio.ensure_future(session(task))

            def cancel() -> None:
                loop.call_soon_threadsafe(work.cancel)

            self._cancels[task.name] = cancel
            try:
                return await work
            except asyncio.CancelledError:
                raise _CancelledError(f"what was ordered of {task.name!r} was cancelled") from None
            finally:
                del self._cancels[task.name]

        with rate_limit.spending(task.name):
            return asyncio.run(cancellable())

    async def _free(self, name: str) -> None:
        """Wait a while for the end of a run that is under way: each attempt to run beside it is in the history."""
        give_up_at = time.monotonic() + FREE_WITHIN
        holders = self._holders[self._resources.shard_of(name)]
        while time.monotonic() < give_up_at:
            holder = await asyncio.to_thread(holders.holder, name)
            if holder is None or not holder.live:
                return
            await asyncio.sleep(LOOK)


class _CancelledError(TaskError):
    """The process ends, or nobody waits any more."""
