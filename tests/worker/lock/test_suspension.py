"""A machine that is suspended while a session holds its node."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import pytest

from tasks.errors import LockLostError
from tests.harness import eventually
from worker.lock import MemoryLockStore, SyncLock
from worker.lock.store import Beat


class Counting(MemoryLockStore):
    """Counts the beats that arrive."""

    beats = 0

    def beat(self, beats: Sequence[Beat]) -> list[bool]:
        self.beats += 1
        return super().beat(beats)


class Machine:
    """Whose clock runs on while it sleeps; what waits does not notice."""

    slept = 0.0

    def now(self) -> float:
        return time.monotonic() + self.slept


def test_a_short_one_costs_no_lease() -> None:
    """The beat that became due meanwhile is sent at once, not after the rest of its wait."""
    machine, store = Machine(), Counting()
    lock = SyncLock(store, lease_seconds=600, clock=machine.now)
    session = lock.acquire("books")
    time.sleep(0.3)
    assert store.beats == 0
    machine.slept += 300  # half a lease; the next beat was 200 s away
    eventually(lambda: store.beats == 1, 10)
    lock.check(session)
    lock.close()


def test_a_long_one_is_known_at_once() -> None:
    machine = Machine()
    lock = SyncLock(MemoryLockStore(), lease_seconds=600, clock=machine.now)
    session = lock.acquire("books")
    told = threading.Event()
    lock.on_lost(session, told.set)
    time.sleep(0.3)
    machine.slept += 3600
    with pytest.raises(LockLostError, match="stood still"):
        lock.check(session)
    assert told.wait(10)
    lock.close()
