"""What Notion says to one process when it is overrun holds for all, by the whole way of a request."""

from __future__ import annotations

import asyncio
import time

import pytest
import redis
from pydantic import SecretStr

from sandbox.notion import Sandbox
from tasks.errors import SideError
from tasks.services.notion import NotionClient
from worker import rate_limit
from worker.rate_limit import SharedThrottle, Slots
from worker.redis_client import impatient

TOKEN = SecretStr("ntn_test")


def notion(url: str, client: redis.Redis, budget: str, sharer: str, *, patience: float = 60) -> NotionClient:
    """The client of one process."""
    slots = Slots(impatient(client, 1.0), rate=50, burst=5, sharer=sharer)
    throttle = SharedThrottle(budget, slots, rate=50)
    return NotionClient(TOKEN, base_url=url, throttle=throttle, patience=patience, default_pause=1.0)


@pytest.mark.parametrize("status", [429, 529])
@pytest.mark.parametrize("retry_after", [1, None])
async def test_all_processes_pause(
    client: redis.Redis, budget: str, status: int, retry_after: int | None
) -> None:
    with Sandbox() as sandbox:
        sandbox.workspace.faults.add({"status": status, "retry_after": retry_after})
        async with (
            notion(sandbox.url, client, budget, "one") as one,
            notion(sandbox.url, client, budget, "two") as two,
        ):
            began = time.monotonic()
            hit = asyncio.create_task(one.read("users/me", subject="one"))
            while not any(use.name == budget and use.pauses for use in rate_limit.budgets(client)):
                assert time.monotonic() - began < 30
                await asyncio.sleep(0.01)
            await two.read("users/me", subject="two")
            assert time.monotonic() - began >= 0.9
            await hit


async def test_a_pause_of_minutes_ends_requests_that_have_not_that_time(
    client: redis.Redis, budget: str
) -> None:
    with Sandbox() as sandbox:
        sandbox.workspace.faults.add({"status": 429, "retry_after": 300})
        async with (
            notion(sandbox.url, client, budget, "one", patience=0.5) as one,
            notion(sandbox.url, client, budget, "two", patience=0.5) as two,
        ):
            with pytest.raises(SideError, match="asks to wait 300 s"):
                await one.read("users/me", subject="one")
            with pytest.raises(SideError, match="rate limit let no request through"):
                await two.read("users/me", subject="two")
    (use,) = (use for use in rate_limit.budgets(client) if use.name == budget)
    assert 280 < use.paused_for <= 300
