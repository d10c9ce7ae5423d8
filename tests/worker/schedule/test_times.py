"""Entries that run at times of the calendar, not in quiet hours, at times that were set, or not at all for now."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis

from tasks.schedule import Schedule
from tests.worker.schedule.conftest import MakeBeat
from worker.redis_client import connect_url
from worker.schedule.claims import KEY, At, Claims
from worker.store import Store
from worker.store.tables.pauses import Pause

Queued = Callable[[], list[dict[str, Any]]]
Ran = Callable[..., None]
MINUTES = timedelta(minutes=1)


def took_turn(client: redis.Redis, entry: str, ago: timedelta) -> float:
    """Its last turn was taken so long ago."""
    last = round((datetime.now(UTC) - ago).timestamp() * 1000)
    state = {"claim": last, "last": last, "pending": 0, "by": "", "finished": -1}
    client.hset(KEY, entry, json.dumps(state))
    return last / 1000


def at_noon_far_off() -> str:
    """A time of the calendar that neither was in the last hours, nor comes in the next ones."""
    return f"0 {(datetime.now(UTC).hour + 12) % 24} * * *"


def quiet_now(*, quiet: bool = True) -> tuple[str, ...]:
    """Hours in which it is now, or in which it is not."""
    now = datetime.now(UTC) + timedelta(hours=0 if quiet else 12)
    begin, end = now - timedelta(hours=2), now + timedelta(hours=2)
    return (f"{begin:%H:%M}-{end:%H:%M}",)


def test_a_time_of_the_calendar_is_taken_once_by_two_beats(
    beat: MakeBeat, queued: Queued, client: redis.Redis
) -> None:
    took_turn(client, "milk", 90 * MINUTES)
    entry = {"plan": Schedule(cron="30 * * * *")}
    one, two = beat(milk=entry), beat(milk=entry)
    one.turn()
    two.turn()
    assert len(queued()) == 1
    took_turn(client, "milk", 90 * MINUTES)  # more than one turn was missed: it is made up for once
    beat(milk=entry).turn()
    beat(milk=entry).turn()
    assert len({headers["id"] for headers in queued()}) == len(queued()) == 2


def test_a_task_that_never_ran_waits_for_its_first_time(
    beat: MakeBeat, queued: Queued, client: redis.Redis
) -> None:
    beat(milk={"plan": Schedule(cron=at_noon_far_off())}).turn()
    assert queued() == []
    known = Claims(client).last()["milk"]
    client.flushall()
    beat(milk={"plan": Schedule(cron=at_noon_far_off())}).turn()
    assert queued() == []
    assert Claims(client).last()["milk"] >= known


def test_a_lost_redis_takes_times_from_the_history(beat: MakeBeat, queued: Queued, ran: Ran) -> None:
    now = datetime.now(UTC)
    ran("milk", started_at=now - 61 * MINUTES)
    ran("eggs", started_at=now)
    hourly = (
        {"plan": Schedule(cron=f"{now.minute} * * * *")}
        if now.second > 2
        else {"plan": Schedule(cron="* * * * *")}
    )
    beat(milk=hourly, eggs={"plan": Schedule(cron=at_noon_far_off())}).turn()
    assert [headers["task"] for headers in queued()] == ["sync.milk"]


def test_a_clock_that_was_set_back_leaves_the_calendar_as_it_is(
    beat: MakeBeat, queued: Queued, client: redis.Redis
) -> None:
    took_turn(client, "milk", -365 * 24 * 60 * MINUTES)
    beat(milk={"plan": Schedule(cron=at_noon_far_off())}).turn()
    assert queued() == []
    assert Claims(client).last()["milk"] <= datetime.now(UTC) + MINUTES


def test_what_was_missed_is_left_out_where_it_says_so(
    beat: MakeBeat, queued: Queued, client: redis.Redis
) -> None:
    for name in ("once", "skip", "soon"):
        took_turn(client, name, 25 * 60 * MINUTES)
    took_turn(client, "soon", 10 * MINUTES + timedelta(seconds=20))  # late, but not missed
    every = 10 * MINUTES
    beat(
        once={"plan": Schedule(every)},
        skip={"plan": Schedule(every, catch_up="skip")},
        soon={"plan": Schedule(every, catch_up="skip")},
    ).turn()
    assert sorted(headers["task"] for headers in queued()) == ["sync.once", "sync.soon"]


def test_nothing_is_started_in_quiet_hours(beat: MakeBeat, queued: Queued, client: redis.Redis) -> None:
    plans = {
        "period": Schedule(MINUTES, quiet=quiet_now()),
        "calendar": Schedule(cron="* * * * *", quiet=quiet_now()),
        "once": Schedule(quiet=quiet_now()),
        "awake": Schedule(MINUTES, quiet=quiet_now(quiet=False)),
        "new": Schedule(MINUTES, quiet=quiet_now()),
    }
    for name in ("period", "calendar", "awake"):
        took_turn(client, name, 5 * MINUTES)
    beat(
        **{name: {"plan": plan, "periodic": plan.recurs, "total": plan.total} for name, plan in plans.items()}
    ).turn()
    assert [headers["task"] for headers in queued()] == ["sync.awake"]


def test_jitter_puts_a_start_off_alike_for_all_beats(
    beat: MakeBeat, queued: Queued, client: redis.Redis
) -> None:
    names = [f"task-{number}" for number in range(40)]
    for name in names:
        took_turn(client, name, 15 * MINUTES)
    plan = {"plan": Schedule(10 * MINUTES, jitter=10 * MINUTES)}
    beat(**dict.fromkeys(names, plan)).turn()
    first = {headers["task"] for headers in queued()}
    beat(**dict.fromkeys(names, plan)).turn()
    assert len(queued()) == len(first)
    assert 5 < len(first) < 35


def test_a_turn_that_was_found_for_another_run_is_not_taken(client: redis.Redis) -> None:
    claims = Claims(client)
    last = took_turn(client, "milk", 10 * MINUTES)
    stale = claims.ask("milk", every=60, token="a", last=last - 600, turn=At(last + 1))
    assert (stale.granted, stale.last, stale.wait) == (False, last, 0)
    early = claims.ask("milk", every=60, token="a", last=last, turn=At(last + 900))
    assert not early.granted
    assert early.wait == pytest.approx(300, abs=5)
    missed = claims.ask("milk", every=60, token="a", last=last, turn=At(last + 1, last + 2))
    assert not missed.granted
    assert missed.last > last
    time.sleep(0.01)  # a turn is later than the one before it, by Redis' milliseconds
    given = claims.ask("milk", every=60, token="b", last=missed.last, turn=At(missed.last))
    again = claims.ask("milk", every=60, token="b", last=missed.last, turn=At(missed.last))
    assert given.granted
    assert again.granted
    assert given.message_id == again.message_id  # its answer was lost: the same claim
    other = claims.ask("milk", every=60, token="c", last=missed.last, turn=At(missed.last))
    assert not other.granted


def test_what_is_paused_is_not_started_until_it_is_resumed(
    beat: MakeBeat, queued: Queued, client: redis.Redis, store: Store
) -> None:
    store.pauses.keep(Pause(task="milk", since=datetime.now(UTC), by="Ann", why="moving"))
    over = datetime.now(UTC) - MINUTES
    store.pauses.keep(Pause(task="eggs", since=over - MINUTES, by="Ann", until=over))
    took_turn(client, "milk", 30 * MINUTES)
    entries = {"milk": {"every": 600}, "eggs": {"every": 600}, "once": {"periodic": False, "total": 1}}
    store.pauses.keep(Pause(task="once", since=datetime.now(UTC), by="Ann"))
    beat(**entries).turn()
    assert [headers["task"] for headers in queued()] == ["sync.eggs"]
    assert store.pauses.end("milk") is not None
    assert store.pauses.end("milk") is None
    assert store.pauses.end("once") is not None
    beat(**entries).turn()
    assert sorted(headers["task"] for headers in queued()) == ["sync.eggs", "sync.milk", "sync.once"]


def test_times_that_are_set_are_taken_over_by_a_beat_that_runs(
    beat: MakeBeat, queued: Queued, client: redis.Redis, store: Store
) -> None:
    took_turn(client, "milk", 30 * MINUTES)
    clock = [1000.0]
    one = beat(
        {"clock": lambda: clock[0]},
        milk={"plan": Schedule(60 * MINUTES), "every": 3600},
        eggs={"every": 3600},
    )
    one.turn()
    assert len(queued()) == 1  # eggs, for the first time
    store.timings.keep("milk", {"every": "10m"}, "Ann")
    clock[0] += 6
    one.turn()
    assert [headers["task"] for headers in queued()] == ["sync.eggs", "sync.milk"]
    assert one.scheduler.entries["milk"].every == 600
    store.timings.keep("milk", {"cron": at_noon_far_off()}, "Ann")
    clock[0] += 6
    one.turn()
    assert str(one.scheduler.entries["milk"].timing.cron) == at_noon_far_off()
    store.timings.drop("milk")
    clock[0] += 6
    one.turn()
    assert one.scheduler.entries["milk"].every == 3600
    assert len(queued()) == 2
    assert one.scheduler.entries["milk"].last is not None


def test_a_total_stays_exact_at_times_that_are_set(
    beat: MakeBeat, queued: Queued, store: Store, ran: Ran, client: redis.Redis
) -> None:
    plan = Schedule(60 * MINUTES, 2)
    store.timings.keep("milk", {"every": "10m"}, "Ann")
    ran("milk")
    took_turn(client, "milk", 30 * MINUTES)
    beat(milk={"plan": plan, "total": 2}).turn()
    assert len(queued()) == 1
    ran("milk")
    took_turn(client, "milk", 30 * MINUTES)
    beat(milk={"plan": plan, "total": 2}).turn()
    assert len(queued()) == 1


def test_a_redis_that_is_away_keeps_no_change_from_being_taken_over_later(
    beat: MakeBeat, client: redis.Redis, store: Store, server: Any
) -> None:
    clock = [1000.0]
    one = beat({"clock": lambda: clock[0]}, milk={"plan": Schedule(60 * MINUTES), "every": 3600})
    one.turn()
    store.timings.keep("milk", {"every": "10m"}, "Ann")
    server.stop()
    clock[0] += 6
    one.turn()
    assert one.scheduler.entries["milk"].every == 3600
    server.start()
    clock[0] += 6
    one.turn()
    assert one.scheduler.entries["milk"].every == 600
    with connect_url(server.url) as again:
        assert again.hexists(KEY, "milk")
