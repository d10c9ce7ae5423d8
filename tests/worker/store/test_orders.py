"""What people ordered for tasks: pauses, and other times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tasks.schedule import Schedule
from worker.store import RunRecord, Store
from worker.store.tables.pauses import Pause
from worker.store.tables.timings import Timing

NOW = datetime.now(UTC)


def failed(store: Store, number: int, status: str = "failed", **values: object) -> None:
    started = NOW + timedelta(seconds=number)
    store.runs.enter(
        RunRecord(run_id=f"r{number}", task="milk", status=status, started_at=started, **values)  # type: ignore[arg-type]
    )


def test_a_pause_is_kept_as_it_was_said(store: Store) -> None:
    pause = Pause(task="milk", since=NOW, by="ann@office", why="moving", until=NOW + timedelta(hours=2))
    store.pauses.keep(pause)
    assert store.pauses.of("milk") == pause
    assert store.pauses.all() == {"milk": pause}
    another = Pause(task="milk", since=NOW, by="bob@office")
    store.pauses.keep(another)
    assert store.pauses.all() == {"milk": another}
    assert store.pauses.end("milk") == another
    assert store.pauses.all() == {}
    assert store.pauses.end("milk") is None
    assert store.pauses.of("eggs") is None


def test_failures_count_in_a_row_since_the_last_pause(store: Store) -> None:
    failed(store, 1)
    failed(store, 2, "halted")
    failed(store, 3, "skipped")
    failed(store, 4, "succeeded", kind="apply")
    assert store.pauses.after_failures("milk", 3) is None
    failed(store, 5, "abandoned")
    made = store.pauses.after_failures("milk", 3)
    assert made is not None
    assert made.by_itself
    assert store.pauses.after_failures("milk", 3) is None  # told once
    store.pauses.keep(Pause(task="milk", since=NOW, by="ann", until=NOW + timedelta(seconds=6)))
    failed(store, 7)
    failed(store, 8, "incomplete")
    failed(store, 9)
    assert store.pauses.after_failures("milk", 2) is None


def test_times_go_over_what_is_defined_while_they_fit(store: Store) -> None:
    store.timings.keep("milk", {"every": "10m", "jitter": "5m"}, "ann")
    timing = store.timings.all()["milk"]
    hourly = Schedule(timedelta(hours=1), 3, pause_after=2)
    assert timing.over(hourly) == Schedule(
        timedelta(minutes=10), 3, pause_after=2, jitter=timedelta(minutes=5)
    )
    assert timing.over(Schedule()) == Schedule()  # it runs once by now
    wrong = Timing(task="milk", said={"jitter": "2h"}, at=NOW, by="ann")
    assert wrong.over(hourly) == hourly
    assert store.timings.drop("milk")
    assert not store.timings.drop("milk")
    assert store.timings.all() == {}
