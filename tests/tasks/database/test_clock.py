from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.database import HybridLogicalClock, MemoryStorage
from tasks.database.exceptions import ClockDriftError, InvalidParameterError
from tasks.database.records.clock import COUNTER_BITS
from tasks.database.records.record import STAMP_MAX

MS = 1_700_000_000_000


class Wall:
    def __init__(self, ms: int = MS) -> None:
        self.ms = ms

    def __call__(self) -> int:
        return self.ms


@given(st.lists(st.one_of(st.integers(-10_000, 10_000), st.just("now"), st.integers(MS, MS + 5000).map(str))))
def test_stamps_grow_whatever_the_wall_clock_does(steps: list[int | str]) -> None:
    wall = Wall()
    clock = HybridLogicalClock(wall)
    last = 0
    for step in steps:
        if isinstance(step, int):
            wall.ms += step
            continue
        stamp = clock.now() if step == "now" else clock.receive(int(step) << COUNTER_BITS)
        assert stamp > last
        assert stamp >> COUNTER_BITS >= wall.ms
        if step != "now":
            assert stamp > int(step) << COUNTER_BITS
        last = stamp


@given(st.lists(st.integers(0, 2), min_size=1, max_size=40), st.integers(0, 50))
def test_stamps_are_as_near_to_the_wall_clock_as_their_number_allows(ticks: list[int], events: int) -> None:
    """Nothing is ahead of the largest wall clock by more than the events that had to share a millisecond."""
    wall = Wall()
    clock = HybridLogicalClock(wall)
    for tick in ticks:
        wall.ms += tick
        stamp = clock.now()
        assert stamp >> COUNTER_BITS == wall.ms
        assert stamp & 0xFFFF <= len(ticks)


def test_a_full_counter_goes_on_in_the_next_millisecond() -> None:
    clock = HybridLogicalClock(Wall())
    clock.receive((MS << COUNTER_BITS) | 0xFFFF)
    assert clock.now() == ((MS + 1) << COUNTER_BITS) + 1


def test_stamps_grow_over_a_restart_with_the_wall_clock_moved_back() -> None:
    wall, storage = Wall(), MemoryStorage()
    clock = HybridLogicalClock(wall, storage)
    stamps = []
    for _ in range(30):
        wall.ms += 700
        stamps.append(clock.now())
    stamps.append(clock.receive((wall.ms + 60_000) << COUNTER_BITS))
    wall.ms -= 3_600_000
    assert HybridLogicalClock(wall, storage).now() > max(stamps)


def test_the_bound_is_written_rarely() -> None:
    writes: list[int] = []

    class Counting(MemoryStorage):
        def save_clock_bound(self, bound: int) -> None:
            writes.append(bound)
            super().save_clock_bound(bound)

    wall = Wall()
    clock = HybridLogicalClock(wall, Counting())
    for _ in range(5000):
        wall.ms += 1
        clock.now()
    assert len(writes) == 1
    assert clock.now() < writes[0]


def test_the_far_future_is_refused_and_leaves_no_trace() -> None:
    clock = HybridLogicalClock(Wall(), drift_max_ms=1000)
    before = clock.peek()
    with pytest.raises(ClockDriftError, match="2000 ms ahead"):
        clock.receive((MS + 2000) << COUNTER_BITS)
    assert clock.peek() == before
    clock.receive((MS + 1000) << COUNTER_BITS)


def test_the_past_is_never_refused_and_sending_never_fails() -> None:
    wall = Wall()
    clock = HybridLogicalClock(wall, drift_max_ms=1000)
    clock.receive(1)
    wall.ms -= 86_400_000
    assert clock.now() > MS << COUNTER_BITS


@pytest.mark.parametrize("wrong", [-1, STAMP_MAX, 1.5, True, "1"])
def test_what_is_no_stamp_is_refused(wrong: object) -> None:
    with pytest.raises(InvalidParameterError):
        HybridLogicalClock(Wall()).receive(wrong)  # type: ignore[arg-type]


def test_threads_never_get_the_same_stamp() -> None:
    clock, found = HybridLogicalClock(Wall()), list[int]()

    def take() -> None:
        mine = [clock.now() for _ in range(500)]
        assert mine == sorted(mine)
        found.extend(mine)

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 2000
