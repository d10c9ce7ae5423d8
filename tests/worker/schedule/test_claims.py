"""Claims against a real Redis, whatever order beats ask in."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from worker.machine.redis_server import RedisServer
from worker.redis_client import connect_url
from worker.schedule.claims import KEY, Claim, Claims


def ask(claims: Claims, token: str = "a", every: float = 60, **more: float | None) -> Claim:
    return claims.ask("milk", every=every, token=token, **more)  # type: ignore[arg-type]


def state(client: redis.Redis) -> dict[str, float]:
    return json.loads(client.hget(KEY, "milk"))


@pytest.fixture
def claims(client: redis.Redis) -> Claims:
    return Claims(client, resend_after=0.2)


@pytest.fixture
def age(client: redis.Redis) -> Callable[[float], None]:
    """Let the entry's state grow older by so many seconds."""

    def grow(seconds: float) -> None:
        changed = state(client)
        changed["last"] -= seconds * 1000
        changed["pending"] -= seconds * 1000 if changed["pending"] else 0
        client.hset(KEY, "milk", json.dumps(changed))

    return grow


def test_the_first_run_is_due_at_once(claims: Claims) -> None:
    assert ask(claims).granted


def test_a_run_that_the_history_knows_is_waited_for(claims: Claims) -> None:
    claim = ask(claims, last=time.time() - 20)
    assert not claim.granted
    assert claim.wait == pytest.approx(40, abs=1)
    assert ask(claims, last=time.time() - 61).granted


def test_the_next_one_is_due_a_period_later(claims: Claims, age: Callable[[float], None]) -> None:
    first = ask(claims)
    claims.sent(first)
    again = ask(claims, "b")
    assert not again.granted
    assert again.wait == pytest.approx(60, abs=1)
    age(59)
    assert not ask(claims, "b").granted
    age(1)
    second = ask(claims, "b")
    assert second.granted
    assert second.number > first.number
    assert second.message_id != first.message_id


def test_a_changed_period_keeps_the_last_run(claims: Claims, age: Callable[[float], None]) -> None:
    claims.sent(ask(claims, every=3600))
    age(100)
    assert not ask(claims, "b", every=120).granted
    assert ask(claims, "b", every=90).granted


def test_a_repeated_attempt_gets_the_same_claim(claims: Claims) -> None:
    """As when the answer was lost and the client asked again."""
    assert ask(claims).number == ask(claims).number
    assert ask(claims).granted


def test_what_was_not_sent_is_sent_by_another(claims: Claims) -> None:
    first = ask(claims)
    early = ask(claims, "b")
    assert not early.granted
    assert early.wait <= 0.2
    time.sleep(0.25)
    taken_over = ask(claims, "b")
    assert taken_over.granted
    assert taken_over.message_id == first.message_id
    assert not ask(claims, "c").granted
    claims.sent(first)
    time.sleep(0.25)
    assert not ask(claims, "c").granted


def test_a_late_confirmation_does_not_touch_the_next_claim(
    claims: Claims, age: Callable[[float], None], client: redis.Redis
) -> None:
    first = ask(claims)
    age(60)
    ask(claims, "b")
    claims.sent(first)
    assert state(client)["pending"] > 0


def test_an_entry_without_period_is_due_when_its_run_has_finished(claims: Claims) -> None:
    claims.sent(ask(claims, finished=0))
    assert not ask(claims, "b", finished=0).granted
    second = ask(claims, "b", finished=1)
    assert second.granted
    claims.sent(second)
    assert not ask(claims, "c", finished=1).granted


def test_numbers_grow_over_a_loss_of_the_data(claims: Claims, client: redis.Redis) -> None:
    first = ask(claims)
    time.sleep(0.002)
    client.flushall()
    assert ask(claims).number > first.number


def test_a_clock_that_was_set_back_delays_by_one_period(claims: Claims, age: Callable[[float], None]) -> None:
    claims.sent(ask(claims))
    age(-7200)
    assert ask(claims, "b").wait <= 60
    age(60)
    assert ask(claims, "b").granted


def test_entries_that_are_gone_leave(claims: Claims, client: redis.Redis) -> None:
    ask(claims)
    claims.ask("bread", every=60, token="a")
    known = claims.known(["milk"])
    assert list(known) == ["milk"]
    assert known["milk"].pending
    assert known["milk"].age < 5
    assert client.hkeys(KEY) == ["milk"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["ask", "sent", "crash", "age", "flush"]), st.integers(0, 2)), max_size=40
    )
)
def test_whatever_beats_do_no_run_is_claimed_twice_or_lost(
    steps: list[tuple[str, int]], client: redis.Redis
) -> None:
    """Three beats ask, send, die with their claim, wait; and Redis is emptied."""
    client.flushall()
    claims = Claims(client, resend_after=10)
    attempts = dict.fromkeys(range(3), 0)
    held: dict[int, Claim] = {}
    granted: dict[int, float] = {}
    offset = 0.0  # seconds that have passed for the entry
    started = time.time()
    for step, who in steps:
        now = time.time() - started + offset
        if step == "ask" and who not in held:
            claim = ask(
                claims,
                f"{who}-{attempts[who]}",
                last=started - offset + max(granted.values()) if granted else None,
            )
            if claim.granted:
                if claim.number not in granted:
                    assert all(now - at >= 59 for at in granted.values())
                    assert all(claim.number > number for number in granted)
                    granted[claim.number] = now
                held[who] = claim
        elif step == "sent" and who in held:
            claims.sent(held.pop(who))
            attempts[who] += 1
        elif step == "crash":
            held.pop(who, None)
            attempts[who] += 1
        elif step == "age" and client.exists(KEY):
            changed = state(client)
            changed["last"] -= 25_000
            changed["pending"] -= 25_000 if changed["pending"] else 0
            client.hset(KEY, "milk", json.dumps(changed))
            offset += 25
        elif step == "flush":
            client.flushall()
    # After all of this, an unsent claim is still found, or the next run comes in its time.
    if client.exists(KEY):
        changed = state(client)
        changed["last"] -= 60_000
        client.hset(KEY, "milk", json.dumps(changed))
    assert ask(claims, "last").granted


def test_racing_beats_claim_each_run_once(server: RedisServer, client: redis.Redis) -> None:
    granted: list[int] = []
    until = time.monotonic() + 1.5

    def race(who: int) -> None:
        from worker.redis_client import connect_url

        with connect_url(server.url) as own:
            mine = Claims(own)
            attempt = 0
            while time.monotonic() < until:
                claim = mine.ask("race", every=0.05, token=f"{who}-{attempt}")
                if claim.granted:
                    granted.append(claim.number)
                    mine.sent(claim)
                    attempt += 1

    threads = [threading.Thread(target=race, args=(who,)) for who in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(granted) == len(set(granted))
    assert 10 < len(granted) <= 31


def test_a_renamed_entry_goes_to_the_redis_of_its_new_name(
    claims: Claims, client: redis.Redis, own_redis: RedisServer
) -> None:
    assert ask(claims).granted
    with connect_url(own_redis.url) as other:
        there = Claims(other)
        claims.rename("milk", "bread", there)
        assert client.hgetall(KEY) == {}
        assert set(there.last()) == {"bread"}
        # What is scheduled there by that name already has its own word on it.
        before = other.hget(KEY, "bread")
        assert ask(claims).granted
        claims.rename("milk", "bread", there)
        assert other.hget(KEY, "bread") == before
