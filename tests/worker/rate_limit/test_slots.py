"""The arithmetic of slots, by the real script and a clock of the tests."""

from __future__ import annotations

import heapq
import itertools
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from worker.rate_limit import Slots

from .conftest import FakeClock

RATE, BURST = 10, 3
_names = (f"property-{number}" for number in itertools.count())


def test_slots_lie_at_even_distances_and_nothing_is_saved_up_at_first(
    slots: Slots, clock: FakeClock, budget: str
) -> None:
    waits = [slots.draw(budget, "a").wait for _ in range(5)]
    assert waits == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])


def test_a_quiet_time_earns_a_burst_and_no_more(slots: Slots, clock: FakeClock, budget: str) -> None:
    slots.draw(budget, "a")
    clock.advance(3600)
    waits = [slots.draw(budget, "a").wait for _ in range(5)]
    assert waits == pytest.approx([0, 0, 0, 0.1, 0.2])


def test_a_ticket_is_good_for_its_slot_and_costs_no_other(
    slots: Slots, clock: FakeClock, budget: str
) -> None:
    slots.draw(budget, "a")
    waiting = slots.draw(budget, "a")
    early = slots.draw(budget, "a", ticket=waiting.ticket)
    assert not early.granted
    assert early.ticket == waiting.ticket
    clock.advance(waiting.wait)
    assert slots.draw(budget, "a", ticket=waiting.ticket).granted
    assert slots.draw(budget, "a").wait == pytest.approx(0.1)


def test_a_pause_voids_tickets_and_nothing_is_saved_up_in_it(
    slots: Slots, clock: FakeClock, budget: str
) -> None:
    slots.draw(budget, "a")
    waiting = slots.draw(budget, "a")
    slots.pause(budget, 90)
    clock.advance(waiting.wait)
    again = slots.draw(budget, "a", ticket=waiting.ticket)
    assert not again.granted
    assert again.wait == pytest.approx(90 - waiting.wait)
    assert again.pause == pytest.approx(again.wait)
    assert slots.draw(budget, "b").wait == pytest.approx(again.wait + 0.1)


def test_a_shorter_pause_changes_nothing(slots: Slots, clock: FakeClock, budget: str) -> None:
    slots.pause(budget, 60)
    waiting = slots.draw(budget, "a")
    slots.pause(budget, 1)
    clock.advance(60)
    assert slots.draw(budget, "a", ticket=waiting.ticket).granted


def test_a_pause_that_redis_has_lost_comes_back_with_who_knows_of_it(
    slots: Slots, client: redis.Redis, budget: str
) -> None:
    slots.pause(budget, 60)
    client.flushall()
    assert slots.draw(budget, "a", pause=42).wait == pytest.approx(42)
    assert slots.draw(budget, "b").wait == pytest.approx(42.1)


def test_nothing_is_saved_up_when_redis_has_lost_everything(
    slots: Slots, clock: FakeClock, client: redis.Redis, budget: str
) -> None:
    waiting = [slots.draw(budget, "a") for _ in range(3)]
    client.flushall()
    clock.advance(0.2)
    waits = [slots.draw(budget, "a", ticket=each.ticket).wait for each in waiting]
    assert waits == pytest.approx([0, 0.1, 0.2])


def test_a_slot_that_was_slept_through_is_lost(slots: Slots, clock: FakeClock, budget: str) -> None:
    slots.draw(budget, "a")
    frozen = [slots.draw(budget, "a") for _ in range(5)]
    clock.advance(3600)
    granted = [slots.draw(budget, "a", ticket=each.ticket).granted for each in frozen]
    assert granted == [True, True, True, False, False]


def test_a_clock_that_is_set_back_keeps_nobody_waiting(slots: Slots, clock: FakeClock, budget: str) -> None:
    slots.draw(budget, "a")
    slots.pause(budget, 30)
    clock.advance(-3600)
    assert slots.draw(budget, "a").wait == pytest.approx(30)
    assert slots.draw(budget, "b").wait == pytest.approx(30.1)


def test_budgets_do_not_touch_each_other(slots: Slots, budget: str) -> None:
    slots.pause(budget, 60)
    assert slots.draw(f"{budget}-other", "a").granted


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("arrive"), st.integers(1, 8)),
            st.tuples(st.just("pass"), st.floats(0.001, 2)),
            st.tuples(st.just("pause"), st.floats(0.01, 5)),
            st.tuples(st.just("flush"), st.just(0)),
        ),
        max_size=25,
    )
)
def test_however_requests_come_no_time_sees_more_than_the_budget(
    client: redis.Redis, steps: list[tuple[str, Any]]
) -> None:
    clock = FakeClock()
    slots = Slots(client, rate=RATE, burst=BURST, sharer="one", clock=clock)
    budget = next(_names)
    sent: list[int] = []
    paused_until = 0
    waiting: list[tuple[int, int, Any]] = []
    numbers = itertools.count()

    def ask(ticket: Any) -> None:
        left = max(paused_until - clock.now, 0) / 1_000_000
        answer = slots.draw(budget, "a", ticket=ticket, pause=left)
        if answer.granted:
            assert clock.now >= paused_until - 100_001  # what the script takes for no news
            sent.append(clock.now)
        else:
            heapq.heappush(
                waiting, (clock.now + round(answer.wait * 1_000_000), next(numbers), answer.ticket)
            )

    def go_on_until(end: int) -> None:
        while waiting and waiting[0][0] <= end:
            at, _, ticket = heapq.heappop(waiting)
            clock.now = max(clock.now, at)
            ask(ticket)
        clock.now = end

    arrived = 0
    for kind, amount in steps:
        match kind:
            case "arrive":
                arrived += amount
                for _ in range(amount):
                    ask(None)
            case "pass":
                go_on_until(clock.now + round(amount * 1_000_000))
            case "pause":
                slots.pause(budget, amount)
                paused_until = max(paused_until, clock.now + round(amount * 1_000_000))
            case "flush":
                client.flushall()
                clock.now += 100  # epochs are told apart by when they began
    go_on_until(clock.now + 60_000_000)
    assert len(sent) == arrived
    flushes = sum(kind == "flush" for kind, _ in steps)
    for first in range(len(sent)):
        for last in range(first, len(sent)):
            seconds = (sent[last] - sent[first]) / 1_000_000
            assert last - first + 1 <= RATE * seconds + BURST * (1 + flushes) + 0.001
