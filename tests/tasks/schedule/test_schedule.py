from __future__ import annotations

import re
from datetime import timedelta

import pytest

from tasks import Schedule, TaskDefinitionError
from tasks.schedule import checked
from tests.tasks.sync_task.seed_style import Services, ToDos


def test_a_schedule_without_anything_runs_once() -> None:
    assert Schedule() == Schedule(None, 1)
    assert Schedule(timedelta(seconds=5)).total is None


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (Schedule(), "once"),
        (Schedule(total=3), "3 times"),
        (Schedule(timedelta(hours=1, minutes=30)), "every 1 h 30 min"),
        (Schedule(timedelta(seconds=1.5), 2), "every 1.5 s, 2 times"),
        (Schedule(timedelta(days=2)), "every 48 h"),
    ],
)
def test_a_schedule_in_words(schedule: Schedule, words: str) -> None:
    assert str(schedule) == words


@pytest.mark.parametrize("seconds", [0, -1])
def test_a_period_must_be_positive(seconds: int) -> None:
    with pytest.raises(TaskDefinitionError, match=f"longer than zero, this one is {seconds} s"):
        ToDos(Services()).run_every(seconds=seconds)
    with pytest.raises(TaskDefinitionError, match="longer than zero"):
        ToDos(Services()).run_every()


@pytest.mark.parametrize("times", [0, -2])
def test_a_total_must_be_positive(times: int) -> None:
    with pytest.raises(TaskDefinitionError, match=f"at least once, not {times} times"):
        ToDos(Services()).in_total(times)


def test_the_methods_of_a_task_make_its_schedule_in_any_order() -> None:
    hour = timedelta(hours=1)
    assert ToDos(Services()).plan_schedule == Schedule(None, 1)
    assert ToDos(Services()).run_once().plan_schedule == Schedule(None, 1)
    assert ToDos(Services()).run_every(hours=1).plan_schedule == Schedule(hour, None)
    assert ToDos(Services()).run_every(minutes=60).in_total(2).plan_schedule == Schedule(hour, 2)
    assert ToDos(Services()).in_total(2).run_every(seconds=3600).plan_schedule == Schedule(hour, 2)
    assert ToDos(Services()).in_total(4).plan_schedule == Schedule(None, 4)
    assert ToDos(Services()).run_every(hours=1).run_once().plan_schedule == Schedule(None, 1)
    everything = timedelta(hours=1, minutes=2, seconds=3)
    assert ToDos(Services()).run_every(1, 2, 3).plan_schedule == Schedule(everything)


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (Schedule(cron="0 9 * * mon-fri"), "at 09:00 on Monday through Friday (UTC)"),
        (
            Schedule(cron="*/5 * * * *", timezone="Europe/Berlin", quiet=("22:00-06:00", "sun")),
            "every fifth minute of every hour (Europe/Berlin), not 22:00-06:00 nor sun",
        ),
        (
            Schedule(timedelta(hours=1), 3, jitter=timedelta(minutes=2), catch_up="skip"),
            "every 1 h, 3 times, up to 2 min later, left out if missed",
        ),
    ],
)
def test_times_in_words(schedule: Schedule, words: str) -> None:
    assert str(schedule) == words
    assert Schedule.of(schedule.said()) == schedule


def test_the_parts_of_a_schedule_may_be_said_in_any_order() -> None:
    made = (
        ToDos(Services())
        .quiet("22:00-06:00", timezone="Europe/Berlin")
        .jitter(seconds=30)
        .pause_after(5)
        .in_total(9)
        .catch_up("skip")
        .cron("0 9 * * mon-fri", timezone="Europe/Berlin")
    )
    assert made.plan_schedule == Schedule(
        total=9,
        cron="0 9 * * mon-fri",
        timezone="Europe/Berlin",
        jitter=timedelta(seconds=30),
        quiet=("22:00-06:00",),
        catch_up="skip",
        pause_after=5,
    )
    assert made.run_every(hours=1).plan_schedule.cron is None
    assert made.cron("0 9 * * *").plan_schedule.every is None
    with pytest.raises(
        TaskDefinitionError, match="a task has one, not both 'Europe/Berlin' and 'Asia/Tokyo'"
    ):
        made.quiet("12:00-13:00", timezone="Asia/Tokyo")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"cron": "0 9 * *"}, "has 4 fields, not 5: write minute, hour,"),
        ({"cron": "61 * * * *"}, "the minute '61' cannot be read: it takes 0 to 59"),
        ({"cron": "0 9 * * mo-fri"}, "the day of the week 'mo-fri' cannot be read: did you mean 'mon'?"),
        ({"cron": "0 9 * jann *"}, "the month 'jann' cannot be read: did you mean 'jan'?"),
        ({"cron": "0 0 30 2 *"}, "never comes"),
        (
            {"cron": "0 9 * * *", "timezone": "Europe/Berln"},
            "did you mean 'Europe/Berlin'?",
        ),
        ({"cron": "0 9 * * *", "timezone": "../etc"}, "no time zone '../etc'"),
        ({"every": "5m", "cron": "0 9 * * *"}, "every and cron do not go together"),
        ({"every": "5m", "jitter": "6m"}, "jitter: 6 min is longer than the period of 5 min"),
        ({"in_total": 2, "jitter": "6m"}, "jitter goes with every or cron only"),
        ({"every": "5m", "timezone": "Asia/Tokyo"}, "timezone goes with cron or quiet"),
        ({"every": "5m", "quiet": ["22-6"]}, "'22-6' says no hours: write \"22:00-06:00\""),
        ({"every": "5m", "quiet": ["mon-frj 12:00-13:00"]}, "there is no day 'frj', did you mean 'fri'?"),
        ({"every": "5m", "quiet": ["25:00-06:00"]}, "there is no time 25:00"),
        ({"every": "5m", "quiet": ["06:00-06:00"]}, "ends when it begins"),
        ({"every": "5m", "quiet": ["mon-sun"]}, "all of the week is quiet"),
        ({"every": "5m", "catch_up": "skp"}, "catch_up: 'skp' is none, did you mean 'skip'?"),
        ({"in_total": 1, "catch_up": "skip"}, 'catch_up = "skip" goes with every or cron only'),
        ({"every": "5m", "pause_after": 0}, "pause_after: at least one failure, not 0"),
        ({"cron": "0 23 * * *", "quiet": ["22:00-06:00"], "catch_up": "skip"}, "it would never run"),
    ],
)
def test_a_mistake_is_one_clear_message(words: dict[str, object], message: str) -> None:
    with pytest.raises(TaskDefinitionError, match=re.escape(message)) as caught:
        checked(Schedule.of(words))
    assert "\n" not in str(caught.value)
