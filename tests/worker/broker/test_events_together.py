"""Events of runs that come within a moment are sent in one message, and none stays behind."""

from __future__ import annotations

from typing import Any

import pytest
from kombu.asynchronous.timer import Timer

from worker.broker import consumer as consumers
from worker.broker.consumer import EVENTS_TOGETHER, Consumer


class Sender:
    """Celery's dispatcher, as far as the consumer knows it."""

    def __init__(self) -> None:
        self.waiting = 0
        self.sent: list[int] = []

    def flush(self) -> None:
        if self.waiting:
            self.sent.append(self.waiting)
        self.waiting = 0


class Stand:
    """A consumer whose clock and timers are the test's."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(consumers.time, "monotonic", lambda: self.now)
        self.sender, self.timer = Sender(), Timer()
        self.consumer: Any = Consumer.__new__(Consumer)
        self.consumer._sent_at = self.consumer._due = -1.0
        self.consumer.event_dispatcher, self.consumer.timer = self.sender, self.timer

    def event(self) -> None:
        self.sender.waiting += 1
        self.consumer._flush_events()

    def planned(self) -> list[Any]:
        return [scheduled.entry for scheduled in self.timer.queue]

    def passes(self, seconds: float) -> None:
        """The time passes, and what is planned comes."""
        self.now += seconds
        entries = self.planned()
        self.timer.clear()
        for entry in entries:
            entry()


@pytest.fixture
def stand(monkeypatch: pytest.MonkeyPatch) -> Stand:
    return Stand(monkeypatch)


def test_the_first_goes_at_once_and_those_after_it_together(stand: Stand) -> None:
    for _ in range(10):
        stand.event()
    assert stand.sender.sent == [1]
    assert len(stand.planned()) == 1
    stand.passes(EVENTS_TOGETHER)
    assert stand.sender.sent == [1, 9]
    assert not stand.planned()


def test_each_moment_has_one_message(stand: Stand) -> None:
    for _ in range(3):
        for _ in range(5):
            stand.event()
        stand.passes(EVENTS_TOGETHER)
    assert stand.sender.sent == [1, 4, 5, 5]
    assert stand.sender.waiting == 0


def test_what_was_planned_and_is_forgotten_goes_with_the_next(stand: Stand) -> None:
    stand.event()
    stand.event()
    stand.timer.clear()  # as Celery does at a lost connection
    stand.now += EVENTS_TOGETHER
    stand.event()
    assert stand.sender.sent == [1, 2]
    stand.event()
    assert len(stand.planned()) == 1
