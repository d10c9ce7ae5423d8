"""Which states there are: each by itself, and by random facts against rules that are written here anew."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.schedule import Schedule
from worker.alarms import Alarm, Facts, Kind, Limits, Login, Severity, judge
from worker.alarms.judging import LEAST
from worker.signs import SCHEDULER, WORKER, Definition, Sign, Signs
from worker.standing import InRedis, Next, Standing, State, Status, TaskRow
from worker.store import RunRecord
from worker.store.tables.pauses import Pause
from worker.store.tables.plans import WaitingPlan

EXAMPLES = int(os.environ.get("LOCKSTEP_EXAMPLES", "150"))
NOW = datetime(2026, 11, 28, 20, 0, tzinfo=UTC)
HOURLY = Schedule(timedelta(hours=1))
LIMITS = Limits()


def ago(**times: float) -> datetime:
    return NOW - timedelta(**times)


def sign(kind: str, *, seconds: float = 3, **more: Any) -> Sign:
    seen = ago(seconds=seconds)
    tasks = {"milk": Definition.of(HOURLY)}
    made = Sign(kind, kind, "celery@x", "x", 7, seen, seen - timedelta(days=9), seconds, tasks=tasks)
    return replace(made, **{"concurrency": 4, **more})


WELL = Signs((sign(SCHEDULER),), (sign(WORKER),))


def run(started_at: datetime, status: str = "succeeded", **more: Any) -> RunRecord:
    return RunRecord(
        run_id="r",
        task="milk",
        status=status,
        started_at=started_at,
        message_id="m",
        **{"reason": "", **more},
    )


def facts(
    *runs: RunRecord,
    signs: Signs | None = WELL,
    quarantined: int = 0,
    plans: Any = (),
    paused: bool = False,
    **more: Any,
) -> Facts:
    succeeded = next((one for one in runs if one.status == "succeeded"), None)
    known = Standing(
        name="milk",
        schedule=HOURLY,
        started=runs[0] if runs else None,
        ended=runs[0] if runs else None,
        succeeded=succeeded,
        first=runs[-1].started_at if runs and succeeded is None else None,
        pause=Pause(task="milk", since=NOW, by="anna") if paused else None,
    )
    row = TaskRow(
        standing=known, state=State.SYNCED, lag=None, last=None, next=Next(), session=None, left_out=0,
        links=0, conflicts=0, held=quarantined, quarantined=quarantined,
    )  # fmt: skip
    trouble = "Redis does not answer" if signs is None else None
    status = Status(
        rows=[row], present=InRedis(signs=signs, trouble=trouble), gone={}, pruned=None, overbooked=None,
        differences=[], refusal=None, troubles=[],
    )  # fmt: skip
    return Facts(**{"now": NOW, "status": status, "queued": 0, "plans": plans, **more})


def kinds(given: Facts, limits: Limits = LIMITS) -> list[str]:
    return sorted(judge(given, limits).alarms)


def test_nothing_is_wrong_where_all_goes_well() -> None:
    judged = judge(facts(run(ago(minutes=20))), LIMITS)
    assert judged.alarms == {}
    assert judged.unknown == frozenset()


def test_a_task_that_has_not_succeeded_for_so_many_periods() -> None:
    failed = run(ago(minutes=5), "failed", reason="no calendar today")
    assert kinds(facts(failed, run(ago(hours=2.9)))) == []
    (alarm,) = judge(facts(failed, run(ago(hours=3.1))), LIMITS).alarms.values()
    assert (alarm.key, alarm.severity) == ("stale:milk", Severity.CRITICAL)
    assert alarm.text == (
        "milk is to run every 1 h and has not succeeded since 2026-11-28 16:54 UTC: failed, no calendar today."
    )
    assert kinds(facts(failed, run(ago(hours=3.1))), Limits(periods=4)) == []
    assert kinds(facts(failed, run(ago(hours=3.1)), paused=True)) == []


def test_what_says_why_is_told_alone_while_its_runs_come_to_their_ends() -> None:
    old = run(ago(days=3))
    conflicts = run(ago(minutes=5), "conflicts", reason="1 attribute")
    assert kinds(facts(conflicts, old)) == ["conflicts:milk"]
    assert kinds(facts(replace(conflicts, started_at=ago(hours=5)), old)) == ["conflicts:milk", "stale:milk"]
    left = run(ago(minutes=5), "failed", counts={"in_step": 4})
    assert kinds(facts(left, old, quarantined=2)) == ["quarantine:milk"]
    assert kinds(facts(replace(left, counts={}), old, quarantined=2)) == ["quarantine:milk", "stale:milk"]


def test_a_halted_plan_names_what_lets_it_through() -> None:
    plan = WaitingPlan("abc123", "milk", "it would delete 40 of 50", NOW)
    halted = run(ago(minutes=5), "halted", reason="it would delete 40 of 50")
    (alarm,) = judge(facts(halted, plans=[plan]), LIMITS).alarms.values()
    assert alarm.key == "halted:milk"
    assert "lockstep apply abc123" in alarm.mend
    (without,) = judge(facts(halted), LIMITS).alarms.values()
    assert "lockstep plan milk" in without.mend
    answering = replace(plan, task="laptop", answering=True)
    assert kinds(facts(run(NOW), plans=[answering])) == ["halted:laptop"]
    assert kinds(facts(run(NOW), plans=[replace(answering, answering=False)])) == []  # no task any more


def test_a_token_is_told_before_it_expires() -> None:
    def told(**left: float) -> list[Alarm]:
        login = Login("milk", "GitHub", NOW + timedelta(**left))
        return list(judge(facts(run(NOW), logins=[login]), LIMITS).alarms.values())

    assert told(days=15) == []
    (soon,) = told(days=13)
    assert (soon.key, soon.severity) == ("login:milk:GitHub", Severity.WARNING)
    assert [one.severity for one in told(hours=20)] == [Severity.CRITICAL]
    assert "has expired" in told(hours=-1)[0].text


def test_a_queue_that_grows_is_measured_by_what_the_workers_can_make() -> None:
    assert kinds(facts(run(NOW), queued=8)) == []
    assert kinds(facts(run(NOW), queued=9)) == ["queue"]
    more = Signs(WELL.schedulers, (sign(WORKER, concurrency=32),))
    assert kinds(facts(run(NOW), queued=9, signs=more)) == []


@pytest.mark.parametrize(
    ("signs", "told"),
    [
        (Signs((sign(SCHEDULER, seconds=300),), (sign(WORKER),)), ["scheduler"]),
        (Signs((sign(SCHEDULER),), (sign(WORKER, seconds=300),)), ["workers"]),
        (Signs((sign(SCHEDULER),), (sign(WORKER, takes=False),)), ["workers"]),
        (None, ["redis"]),
    ],
)
def test_the_one_cause_is_told_and_not_what_follows_from_it(signs: Signs | None, told: list[str]) -> None:
    judged = judge(facts(run(ago(days=9)), signs=signs, queued=None if signs is None else 999), LIMITS)
    assert sorted(judged.alarms) == told
    assert {Kind.STALE, Kind.QUEUE} <= judged.unknown


def test_of_a_database_that_is_away_nothing_else_is_said() -> None:
    judged = judge(Facts(now=NOW, status=None, refusal="connection refused"), LIMITS)
    assert sorted(judged.alarms) == ["database"]
    assert judged.unknown == frozenset(Kind) - {Kind.DATABASE}


REACHED: Counter[str] = Counter()

moments = st.timedeltas(timedelta(0), timedelta(days=2)).map(lambda age: NOW - age)
runs = st.builds(
    lambda at, status, counts: run(at, status, counts=counts),
    moments,
    st.sampled_from(["succeeded", "failed", "conflicts", "incomplete", "halted", "abandoned"]),
    st.sampled_from([{}, {"in_step": 3}]),
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    history=st.lists(runs, max_size=4),
    quarantined=st.integers(0, 2),
    waiting=st.booleans(),
    beat=st.floats(0, 900),
    worker=st.floats(0, 900),
    queued=st.one_of(st.none(), st.integers(0, 20)),
    periods=st.integers(1, 40),
    paused=st.booleans(),
)
def test_by_random_facts(
    history: list[RunRecord], quarantined: int, waiting: bool, beat: float, worker: float, queued: int | None,
    periods: int, paused: bool,
) -> None:  # fmt: skip
    history = sorted(history, key=lambda one: one.started_at, reverse=True)
    signs = Signs((sign(SCHEDULER, seconds=beat),), (sign(WORKER, seconds=worker),))
    plans = [WaitingPlan("p", "milk", "too much", NOW)] if waiting else []
    given = facts(
        *history, signs=signs, quarantined=quarantined, plans=plans, queued=queued,
        paused=paused,
    )  # fmt: skip
    judged = judge(given, Limits(periods=periods))
    told = {alarm.kind for alarm in judged.alarms.values()}
    REACHED.update(told)
    REACHED["nothing"] += not told
    # Each alarm stands under its own key, and of no kind that cannot be judged.
    assert all(key == alarm.key and alarm.text and alarm.mend for key, alarm in judged.alarms.items())
    assert not told & judged.unknown
    assert (Kind.SCHEDULER in told) == (beat > 60)
    assert (Kind.WORKERS in told) == (worker > 60)
    last = history[0] if history else None
    assert (Kind.QUARANTINE in told) == (quarantined > 0 and not paused)
    assert (Kind.HALTED in told) == (
        not paused and (waiting or (last is not None and last.status == "halted"))
    )
    assert (Kind.CONFLICTS in told) == (not paused and last is not None and last.status == "conflicts")
    someone = beat <= 60 and worker <= 60
    if Kind.STALE in told:
        limit = max(periods * timedelta(hours=1), LEAST)
        assert someone
        assert not paused
        assert not any(one.status == "succeeded" and NOW - one.started_at <= limit for one in history)
    elif someone and beat <= 30 and not paused and not told & {Kind.HALTED, Kind.CONFLICTS, Kind.QUARANTINE}:
        began = NOW - timedelta(days=9)
        good = [one.started_at for one in history if one.status == "succeeded"]
        assert NOW - max(good, default=began) <= max(periods * timedelta(hours=1), LEAST)


def test_random_facts_reached_everything() -> None:
    expected = {
        Kind.STALE, Kind.HALTED, Kind.CONFLICTS, Kind.QUARANTINE, Kind.SCHEDULER, Kind.WORKERS, Kind.QUEUE, "nothing",
    }  # fmt: skip
    assert expected <= {name for name, count in REACHED.items() if count}
