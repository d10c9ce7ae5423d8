from __future__ import annotations

import itertools

import pytest
import redis

from worker.rate_limit import Slots

_names = (f"budget-test-{number}" for number in itertools.count())


@pytest.fixture
def budget() -> str:
    """A budget of this test only."""
    return next(_names)


class FakeClock:
    """Microseconds that go on when a test says so."""

    def __init__(self) -> None:
        self.now = 1_800_000_000_000_000

    def __call__(self) -> int:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += round(seconds * 1_000_000)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def slots(client: redis.Redis, clock: FakeClock) -> Slots:
    """Ten requests per second, up to three at once, by the fake clock."""
    return Slots(client, rate=10, burst=3, sharer="one", clock=clock)
