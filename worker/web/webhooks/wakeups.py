"""Tasks that are to run soon because something changed: one run for a burst of events, and one at a time."""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from importlib import resources as files

import redis
from kombu.exceptions import OperationalError
from sqlalchemy import exists, select

from worker.errors import RedisUnavailableError, StoreError
from worker.lock.redis_store import RedisLockStore
from worker.store import schema
from worker.web.resources import Resources

log = logging.getLogger(__name__)

PREFIX = "lockstep:webhooks"
#: Seconds for which an event is known; Notion repeats one for about a day.
KNOWN = 2 * 24 * 3600


@dataclass(frozen=True)
class Pace:
    """How fast events become runs, in seconds."""

    #: After the last event of a burst.
    quiet: float = 2.0
    #: After its first one at the latest.
    longest: float = 10.0
    #: Between two looks at a task whose last wake-up waits in the queue, or whose node is busy.
    look: float = 2.0
    #: Until another process takes over what one has taken and not settled.
    lease: float = 30.0
    #: Between two looks for what other processes left behind.
    idle: float = 30.0
    #: Until the next attempt when Redis, the database or the broker does not answer.
    retry: float = 5.0


class Wakeups:
    """The wake-ups of all tasks, in Redis; any number of web processes may share them.

    A wake-up is a message like those of beat, but it is not counted: tasks with a total are never woken.
    """

    def __init__(self, resources: Resources, pace: Pace | None = None, *, prefix: str = PREFIX) -> None:
        self._resources = resources
        self._pace = pace or Pace()
        self._prefix = prefix
        #: By the numbers of the Redis servers.
        self._locks = [RedisLockStore(client) for client in resources.clients]
        self._news = asyncio.Event()
        self._stop = asyncio.Event()
        self._note, self._take, self._settle = (
            resources.redis.register_script(_source(name)) for name in ("note", "take", "settle")
        )

    def wakeable(self) -> list[str]:
        """Tasks that events may wake: those that run without end."""
        return [name for name, task in self._resources.tasks.items() if task.plan_schedule.total is None]

    async def note(self, event_id: str, tasks: Collection[str]) -> bool:
        """Wake these tasks soon; False when the event is known already.

        Raises:
            redis.RedisError: Redis does not answer; nothing is noted.
        """
        fresh = await asyncio.to_thread(self._note_once, event_id, tasks)
        self._news.set()
        return fresh

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[None]:
        """Send what is due for as long as the block lasts."""
        self._stop.clear()
        work = asyncio.create_task(self._send_until_stopped())
        try:
            yield
        finally:
            self._stop.set()
            self._news.set()
            await work

    async def _send_until_stopped(self) -> None:
        well = True
        while not self._stop.is_set():
            self._news.clear()
            try:
                wait = await asyncio.to_thread(self.send_due)
                if not well:
                    log.info("Tasks can be woken again.")
                well = True
            except (redis.RedisError, RedisUnavailableError, StoreError, OperationalError) as error:
                if well:
                    log.warning("Tasks cannot be woken, the schedule goes on without: %s", error)
                well, wait = False, self._pace.retry
            except Exception:
                log.exception("A task cannot be woken.")
                wait = self._pace.retry
            if self._stop.is_set():
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._news.wait()

    def send_due(self) -> float:
        """Send every wake-up that is due; gives the seconds until the next look.

        Raises:
            redis.RedisError: Redis does not answer.
            RedisUnavailableError: the same.
            StoreError: the database does not answer.
            OperationalError: the message cannot be sent.
        """
        while True:
            task, pending, number = self._take(
                [self._key("due"), self._key("sent")], [_milliseconds(self._pace.lease)]
            )
            if not task:
                idle = self._pace.idle
                return idle if int(number) < 0 else min(max(int(number) / 1000, 0.01), idle)
            try:
                self._look_at(str(task), str(pending), int(number))
            except (redis.RedisError, RedisUnavailableError, OperationalError) as error:
                if self._resources.shard_of(str(task)) == 0:  # of the Redis that holds all wake-ups
                    raise
                log.warning("Task %r cannot be woken, the others can: %s", task, error)
                self._settled(str(task), int(number), "later", _milliseconds(self._pace.idle))

    def _look_at(self, task: str, pending: str, lease: int) -> None:
        scheduled = self._resources.tasks.get(task)
        if scheduled is None or scheduled.plan_schedule.total is not None:
            self._settled(task, lease, "drop")
            return
        if (pending and not self._has_begun(json.loads(pending)["message"])) or self._is_busy(task):
            self._settled(task, lease, "later", _milliseconds(self._pace.look))
            return
        # When the next run of the schedule is due, this one is not needed any more.
        every = scheduled.plan_schedule.every
        expires = every.total_seconds() if every else self._pace.lease
        message = str(uuid.uuid4())
        self._resources.send(task, message, expires)
        log.info("Task %r: woken by an event.", task)
        self._settled(task, lease, "sent", message, _milliseconds(expires))

    def _note_once(self, event_id: str, tasks: Collection[str]) -> bool:
        pace = self._pace
        keys = [f"{self._prefix}:event:{event_id}", self._key("due"), self._key("first")]
        times = [KNOWN, _milliseconds(pace.quiet), _milliseconds(pace.longest)]
        return bool(self._note(keys, [*times, *tasks]))

    def _settled(self, task: str, lease: int, how: str, *more: str | int) -> None:
        keys = [self._key(name) for name in ("due", "sent", "first")]
        self._settle(keys, [task, lease, how, *more])

    def _has_begun(self, message_id: str) -> bool:
        """Whether a worker has taken the message; a run that was skipped counts."""
        with self._resources.store.read() as connection:
            found = connection.scalar(select(exists().where(schema.run.c.message_id == message_id)))
        return bool(found)

    def _is_busy(self, task: str) -> bool:
        """Whether a run is under way; it may have listed before the event, so another one follows it."""
        holder = self._locks[self._resources.shard_of(task)].holder(task)
        return holder is not None and holder.live

    def _key(self, name: str) -> str:
        return f"{self._prefix}:{name}"


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _source(name: str) -> str:
    return (files.files("worker.web.webhooks") / f"wake_{name}.lua").read_text("utf-8")
