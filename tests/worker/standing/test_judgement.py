"""What is said of an installation: when the next run is, what is overdue, who is missing, and by which exit code."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tasks.schedule import Schedule
from worker.signs import SCHEDULER, WORKER, Definition, Sign, Signs
from worker.standing.judgement import (
    Next,
    Standing,
    State,
    Trouble,
    differences,
    is_overdue,
    lag_of,
    next_run,
    of_task,
    state_of,
    unattended,
    worst,
)
from worker.store import RunRecord
from worker.store.tables.run_record import RAN
from worker.telling.exit_codes import CheckCode, ExitCode

NOW = datetime(2026, 11, 28, 20, 0, tzinfo=UTC)
HOURLY = Schedule(timedelta(hours=1))
READ = {"milk": Definition.of(HOURLY, "a")}


def ago(**times: float) -> datetime:
    return NOW - timedelta(**times)


def sign(kind: str, *, seconds: float = 3, up: float = 86_400, **more: Any) -> Sign:
    seen = ago(seconds=seconds)
    made = Sign(
        kind, f"{kind}{more}", "celery@x", "x", 7, seen, seen - timedelta(seconds=up), seconds, tasks=READ
    )
    return replace(made, **more)


BEAT, WORKING = sign(SCHEDULER), sign(WORKER)
WELL = Signs((BEAT,), (WORKING,))
NOBODY = Signs()


def run(started_at: datetime, status: str = "succeeded", *, by_hand: bool = False, **more: Any) -> RunRecord:
    message = None if by_hand else "m"
    return RunRecord(
        run_id="r", task="milk", status=status, started_at=started_at, message_id=message, **more
    )


def milk(started: RunRecord | None = None, schedule: Schedule = HOURLY, **more: Any) -> Standing:
    return Standing(name="milk", schedule=schedule, started=started, ended=started, **more)


@pytest.mark.parametrize(
    ("signs", "why"),
    [
        (None, "unknown"),
        (NOBODY, "no scheduler"),
        (Signs((sign(SCHEDULER, seconds=3600),), (WORKING,)), "no scheduler"),
        (Signs((sign(SCHEDULER, ended=True),), (WORKING,)), "no scheduler"),
        (Signs((replace(BEAT, tasks={}),), (WORKING,)), "not in the schedule"),
        (Signs((BEAT,)), "no worker"),
        (Signs((BEAT,), (sign(WORKER, seconds=3600),)), "no worker"),
        (Signs((BEAT,), (replace(WORKING, takes=False),)), "no worker takes it"),
    ],
)
def test_there_is_no_next_run_that_nobody_will_start(signs: Signs | None, why: str) -> None:
    assert next_run(milk(run(ago(minutes=20))), signs, NOW) == Next(None, why)


def test_the_next_run_is_that_of_the_schedule_which_the_scheduler_has() -> None:
    started = milk(run(ago(minutes=20)))
    assert next_run(started, WELL, NOW) == Next(NOW + timedelta(minutes=40))
    # It has read another period, and its last turn was left out since the worker was busy.
    faster = Signs(
        (replace(BEAT, tasks={"milk": Definition.of(Schedule(timedelta(minutes=30)))}),), (WORKING,)
    )
    assert next_run(started, faster, NOW) == Next(NOW + timedelta(minutes=10))
    assert next_run(replace(started, claimed=ago(minutes=5)), faster, NOW) == Next(
        NOW + timedelta(minutes=25)
    )
    assert next_run(milk(), WELL, NOW) == Next(NOW)
    assert next_run(milk(run(ago(days=3))), WELL, NOW) == Next(NOW)
    # What it has read is not known any more.
    unknown = Signs((replace(BEAT, tasks=None),), (WORKING,))
    assert next_run(started, unknown, NOW) == Next(NOW + timedelta(minutes=40))
    assert next_run(milk(schedule=Schedule(None, 1), ran=1), WELL, NOW) == Next(None, "ended")


@pytest.mark.parametrize(
    ("task", "signs", "overdue"),
    [
        # Where nothing was ever started, and where all is run by hand or by cron, nothing is late.
        (milk(), NOBODY, False),
        (milk(run(ago(days=9), by_hand=True)), NOBODY, False),
        (milk(run(ago(days=9), by_hand=True)), None, False),
        # A scheduler started it last, and then there was none any more.
        (milk(run(ago(hours=1, minutes=59))), NOBODY, False),
        (milk(run(ago(hours=2, minutes=1))), NOBODY, True),
        (milk(run(ago(hours=2, minutes=1))), None, True),
        (milk(run(ago(hours=2, minutes=1)), running=True), NOBODY, False),
        (milk(run(ago(hours=2, minutes=1)), Schedule(timedelta(hours=1), 5), ran=5), NOBODY, False),
        # One lives that has it: it is late whoever made the last run, but not before the scheduler could.
        (milk(run(ago(hours=2, minutes=1), by_hand=True)), WELL, True),
        (milk(run(ago(minutes=50))), WELL, False),
        (milk(run(ago(days=9))), Signs((sign(SCHEDULER, up=60),), (WORKING,)), False),
        (milk(), WELL, True),
        (milk(), Signs((sign(SCHEDULER, up=60),), (WORKING,)), False),
        # It has another period than the file.
        (
            milk(run(ago(hours=9))),
            Signs((replace(BEAT, tasks={"milk": Definition.of(Schedule(timedelta(hours=8)))}),), (WORKING,)),
            False,
        ),
        # It has not read it: that is told otherwise.
        (milk(run(ago(days=9), by_hand=True)), Signs((replace(BEAT, tasks={}),), (WORKING,)), False),
    ],
)
def test_what_is_overdue(task: Standing, signs: Signs | None, overdue: bool) -> None:
    assert is_overdue(task, signs, NOW) is overdue


def test_a_short_period_is_late_after_five_minutes() -> None:
    fast = Schedule(timedelta(seconds=5))
    signs = Signs((replace(BEAT, tasks={"milk": Definition.of(fast)}),), (WORKING,))
    assert not is_overdue(milk(run(ago(minutes=4)), fast), signs, NOW)
    assert is_overdue(milk(run(ago(minutes=6)), fast), signs, NOW)


@pytest.mark.parametrize(
    ("signs", "missing"),
    [
        (NOBODY, []),
        (WELL, []),
        (Signs((), (WORKING,)), []),
        (Signs((sign(SCHEDULER, seconds=61),), (WORKING,)), ["scheduler"]),
        (Signs((sign(SCHEDULER, seconds=61, ended=True),), (WORKING,)), ["scheduler"]),
        (Signs((sign(SCHEDULER, seconds=20, ended=True),), (WORKING,)), []),  # being restarted
        (Signs((sign(SCHEDULER, seconds=61), BEAT), (WORKING,)), []),
        (Signs((BEAT,), (sign(WORKER, seconds=61),)), ["worker"]),
        (Signs((BEAT,), (sign(WORKER, seconds=20, ended=True),)), []),
        (Signs((BEAT,), (replace(WORKING, takes=False),)), ["worker"]),
        (Signs((BEAT,), (replace(WORKING, takes=False, stopping=True),)), []),
        (Signs((BEAT,)), ["worker"]),
        # All is started again after a night: one of them is there before the other.
        (Signs((sign(SCHEDULER, up=5),), (sign(WORKER, seconds=9999, ended=True),)), []),
        (Signs((sign(SCHEDULER, seconds=9999),), (sign(WORKER, up=5),)), []),
        (Signs((sign(SCHEDULER, seconds=9999),), (sign(WORKER, up=5), WORKING)), ["scheduler"]),
        (Signs((sign(SCHEDULER, up=20),)), []),  # about to start
        (Signs((sign(SCHEDULER, seconds=99),), (sign(WORKER, seconds=99),)), ["scheduler", "worker"]),
    ],
)
def test_who_is_missed(signs: Signs, missing: list[str]) -> None:
    found = unattended(signs, NOW)
    assert [trouble.text.split()[1] for trouble in found] == missing
    assert {trouble.code for trouble in found} <= {ExitCode.UNATTENDED}


def test_where_scheduler_and_workers_have_read_something_else() -> None:
    here = {"milk": Definition.of(HOURLY, "a"), "new": Definition.of(HOURLY, "n")}
    assert differences(READ, WELL) == []
    assert differences(here, WELL) == [
        ("new", "not known to worker celery@x: restart it"),
        ("new", "the scheduler does not have it: restart it"),
    ]
    assert differences({}, WELL) == [("milk", "not defined here, but the scheduler has it: restart it")]
    faster = {"milk": Definition.of(Schedule(timedelta(minutes=5)), "b")}
    assert differences(faster, WELL) == [
        ("milk", "changed since worker celery@x read it: restart it"),
        ("milk", "runs every 5 min here, but the scheduler has every 1 h: restart it"),
    ]
    two = Signs(
        (BEAT, replace(BEAT, name="y", tasks=faster)), tuple(replace(WORKING, name=name) for name in "abcd")
    )
    assert differences(faster, two) == [
        ("milk", "changed since workers a, b, c and 1 more read it: restart them"),
        ("milk", "runs every 5 min here, but the scheduler celery@x (pid 7) has every 1 h: restart it"),
    ]
    gone = Signs((sign(SCHEDULER, ended=True),), (sign(WORKER, seconds=99),))
    assert differences(faster, gone) == []
    assert differences(faster, Signs((replace(BEAT, tasks=None),), (replace(WORKING, tasks=None),))) == []


@pytest.mark.parametrize(
    ("status", "code", "check"),
    [
        ("succeeded", ExitCode.OK, None),
        ("failed", ExitCode.FAILED, CheckCode.CRITICAL),
        ("abandoned", ExitCode.FAILED, CheckCode.CRITICAL),
        ("incomplete", ExitCode.FAILED, CheckCode.WARNING),
        ("halted", ExitCode.HALTED, CheckCode.CRITICAL),
        ("conflicts", ExitCode.HALTED, CheckCode.WARNING),
    ],
)
def test_the_last_run_decides(status: str, code: ExitCode, check: CheckCode | None) -> None:
    found = of_task(milk(run(ago(minutes=5), status, reason="this")), WELL, NOW)
    assert worst(found) is code
    assert [each.check for each in found] == ([] if check is None else [check])
    assert all(each.text == f"milk: {status}, this" for each in found)


def test_the_worst_decides_the_exit_code() -> None:
    codes = [ExitCode.HALTED, ExitCode.FAILED, ExitCode.UNATTENDED, ExitCode.UNAVAILABLE]
    assert worst([]) is ExitCode.OK
    for number in range(1, 5):
        assert worst(Trouble("", code) for code in codes[:number]) is codes[number - 1]


@pytest.mark.parametrize(
    ("task", "signs", "word"),
    [
        (milk(), NOBODY, State.NEVER),
        (milk(), WELL, State.LATE),
        (milk(running=True), WELL, State.RUNNING),
        (milk(run(ago(minutes=5))), WELL, State.SYNCED),
        (milk(run(ago(minutes=5)), running=True), WELL, State.RUNNING),
        (milk(run(ago(minutes=5), "failed"), running=True), WELL, State.FAILED),
        (milk(run(ago(minutes=5), "abandoned")), WELL, State.FAILED),
        (milk(run(ago(minutes=5), "halted")), WELL, State.HALTED),
        (milk(run(ago(minutes=5), "conflicts")), WELL, State.CONFLICTS),
        (milk(run(ago(minutes=5), "incomplete")), WELL, State.INCOMPLETE),
        (milk(run(ago(hours=5))), WELL, State.LATE),
        (milk(run(ago(hours=5), "failed")), WELL, State.LATE),
        (milk(run(ago(hours=5)), Schedule(timedelta(hours=1), total=3), ran=3), WELL, State.ENDED),
        (milk(run(ago(hours=5), by_hand=True)), NOBODY, State.SYNCED),
        (milk(run(ago(minutes=5))), None, State.SYNCED),
    ],
)
def test_a_word_says_how_a_task_goes(task: Standing, signs: Signs | None, word: State) -> None:
    assert state_of(task, signs, NOW) is word


def test_every_end_of_a_run_has_its_word() -> None:
    for status in (*RAN, "abandoned"):
        assert state_of(milk(run(ago(minutes=5), status)), WELL, NOW) is not State.NEVER


def test_the_lag_counts_from_the_start_of_the_last_run_that_left_nothing() -> None:
    assert lag_of(milk(run(ago(minutes=5), "failed")), NOW) is None
    good = run(ago(minutes=20), finished_at=ago(minutes=12))
    assert lag_of(milk(run(ago(minutes=5), "incomplete"), succeeded=good), NOW) == timedelta(minutes=20)
    assert lag_of(milk(succeeded=run(NOW + timedelta(seconds=9))), NOW) == timedelta(0), "clocks differ"
