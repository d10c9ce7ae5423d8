from __future__ import annotations

from datetime import timedelta

import pytest

from tasks import Schedule, TaskDefinitionError
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
