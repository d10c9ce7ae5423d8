"""The throttle of a budget that many processes share through Redis."""

from __future__ import annotations

import asyncio
import logging
import threading
import time

import redis

from tasks.clock import boot_seconds
from tasks.services.notion.api.throttle import LocalThrottle, Turnstiles, spender
from tasks.waits import wait
from worker.rate_limit.slots import Answer, Slots, Ticket

#: Seconds between two attempts while Redis does not answer.
RETRY = 2.0
#: Processes that a budget is divided by while Redis does not answer and never told how many there are.
SHARERS = 4

log = logging.getLogger(__name__)


class SharedThrottle:
    """`Throttle` whose budget lies in Redis.

    A request takes a slot and waits for it. Each task has one slot at a time, so slots go round between tasks
    however many requests each of them has. While Redis does not answer, the process keeps to its own part of
    the budget.

    Args:
        budget: its name.
        slots: the budgets in Redis.
        rate: requests per second of the whole budget.
        retry: seconds between two attempts while Redis does not answer.
    """

    def __init__(self, budget: str, slots: Slots, *, rate: float, retry: float = RETRY) -> None:
        self._budget = budget
        self._slots = slots
        self._rate = rate
        self._retry = retry
        self._turnstiles = Turnstiles()
        #: Held while Redis is asked: one connection is enough, and one request finds out for all.
        self._asking = threading.Lock()
        self._lock = threading.Lock()
        #: The following are by `boot_seconds`.
        self._paused_until = 0.0
        self._ask_again_at = 0.0
        self._sharers = SHARERS - 1
        #: This process's own part of the budget, while Redis does not answer.
        self._own_part: LocalThrottle | None = None

    async def acquire(self) -> None:
        """Wait for a slot, and for the end of a pause, also one that begins meanwhile."""
        began = time.monotonic()
        name = spender.get()
        async with self._turnstiles.passage(name):
            ticket: Ticket | None = None
            while True:
                answer = await asyncio.to_thread(self._draw, name, ticket, time.monotonic() - began)
                if answer is None:
                    if await self._acquire_own_part():
                        return
                    continue
                if answer.granted:
                    return
                ticket = answer.ticket
                await wait(answer.wait)

    async def pause(self, seconds: float) -> None:
        """Let no process send for so many seconds; a longer pause that is under way stays."""
        with self._lock:
            self._paused_until = max(self._paused_until, boot_seconds() + seconds)
            own_part = self._own_part
        if own_part is not None:
            await own_part.pause(seconds)
        await asyncio.to_thread(self._pause, seconds)

    def _draw(self, name: str, ticket: Ticket | None, waited: float) -> Answer | None:
        """Ask Redis for a slot; `None` while it does not answer."""
        with self._asking:
            with self._lock:
                now = boot_seconds()
                if now < self._ask_again_at:
                    return None
                left = max(self._paused_until - now, 0.0)
            try:
                answer = self._slots.draw(self._budget, name, ticket=ticket, pause=left, waited=waited)
            except redis.RedisError as error:
                self._lost(error)
                return None
            self._found(answer, asked_at=now)
            return answer

    def _pause(self, seconds: float) -> None:
        with self._asking:
            try:
                self._slots.pause(self._budget, seconds)
            except redis.RedisError as error:
                self._lost(error)  # Redis learns of the pause with the next request

    async def _acquire_own_part(self) -> bool:
        with self._lock:
            own_part = self._own_part
        if own_part is None:  # Redis has answered somebody else meanwhile
            return False
        await own_part.acquire()
        return True

    def _lost(self, error: redis.RedisError) -> None:
        with self._lock:
            now = boot_seconds()
            self._ask_again_at = now + self._retry
            if self._own_part is not None:
                return
            # One more than there were: another may have come since.
            rate = self._rate / (self._sharers + 1)
            self._own_part = LocalThrottle(rate, burst=1)
            self._own_part.pause_now(self._paused_until - now)
        log.warning(
            "Redis does not answer, so this process keeps to %.2f requests per second to Notion: %s",
            rate,
            error,
        )

    def _found(self, answer: Answer, *, asked_at: float) -> None:
        with self._lock:
            # Reckoned from before the question: never later than Redis means, so that it is no news there.
            self._paused_until = max(self._paused_until, asked_at + answer.pause)
            self._sharers = answer.sharers
            self._ask_again_at = 0.0
            if self._own_part is None:
                return
            self._own_part = None
        log.info("Redis answers again; all processes share one budget of requests to Notion.")
