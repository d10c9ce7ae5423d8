"""One budget of requests per Notion token, shared by all workers through Redis; while Redis is away, each keeps to its
own part.
"""

from __future__ import annotations

import os
import socket
import uuid

import redis

from config import get_settings
from tasks.services.notion.api.throttle import Throttle, spending, use_throttles
from worker.rate_limit.shared import SharedThrottle
from worker.rate_limit.slots import Slots
from worker.rate_limit.use import BudgetUse, TaskUse
from worker.redis_client import connect, impatient

__all__ = ["BudgetUse", "SharedThrottle", "Slots", "TaskUse", "budgets", "share", "spending", "unshare"]

#: Part of what Notion grants that is used: the rest is for the unevenness of the way there.
PORTION = 0.97
#: Requests that may be sent at once after a quiet time. With `PORTION` of 3 a second, no 60 seconds see more
#: than the 180 requests that Notion grants.
BURST = 5
#: Seconds to wait for an answer of Redis before the process goes on by itself.
PATIENCE = 1.0


_slots: Slots | None = None


def share(client: redis.Redis, *, rate: float | None = None) -> None:
    """Let this process draw its requests to Notion from the budgets that all processes share from now on.

    Args:
        client: of the Redis that they share; the connections made here are others of the same kind.
        rate: requests per second that Notion grants a token; by default the setting's.
    """
    global _slots  # noqa: PLW0603 - one budget per process is the point
    granted = get_settings().notion_rate if rate is None else rate
    used = granted * PORTION
    sharer = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
    slots = _slots = Slots(impatient(client, PATIENCE), rate=used, burst=BURST, sharer=sharer)

    def make(budget: str) -> Throttle:
        return SharedThrottle(budget, slots, rate=used)

    use_throttles(make)


def unshare() -> None:
    """Let this process keep budgets of its own again; safe to repeat."""
    global _slots  # noqa: PLW0603
    use_throttles(None)
    if _slots is not None:
        _slots.close()
        _slots = None


def budgets(client: redis.Redis | None = None) -> list[BudgetUse]:
    """The use of every token's budget in the last minute, by all processes.

    Args:
        client: of the Redis that they share; by default one for the settings.

    Raises:
        redis.RedisError: Redis does not answer.
        SettingsError: no Redis is configured.
    """
    own = client or connect(get_settings())
    try:
        return Slots(own, rate=1, burst=1, sharer="").use()
    finally:
        if client is None:
            own.close()
