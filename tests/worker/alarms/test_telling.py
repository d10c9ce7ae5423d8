"""What is told to whom, with a real database, a real Redis and receivers that really listen: once, and in the end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from sqlalchemy import text

from config import Settings, load_settings
from config.redaction import redactor_for
from worker.alarms import Alarm, Judged, Kind, Severity
from worker.alarms.delivery import Delivery
from worker.alarms.evaluator import Evaluator
from worker.alarms.judging import unwritable
from worker.alarms.ledger import ATTEMPTS, CLAIMED, FIRST_PAUSE, Ledger
from worker.alarms.sinks import Sink, SinkError, sinks_of
from worker.alarms.unwritable import Unwritable
from worker.store import Store

from .conftest import Receiver

NOW = datetime(2026, 11, 28, 20, 0, tzinfo=UTC)
STALE = Alarm(
    Kind.STALE, Severity.CRITICAL, "milk has not succeeded.", "lockstep history milk shows why", "milk"
)
HALTED = Alarm(Kind.HALTED, Severity.CRITICAL, "milk was halted.", "lockstep apply abc", "milk")
QUARANTINE = Alarm(
    Kind.QUARANTINE, Severity.WARNING, "milk leaves out 2 objects.", "lockstep held milk", "milk"
)


def judged(*alarms: Alarm) -> Judged:
    return Judged({alarm.key: alarm for alarm in alarms})


def settings_for(*receivers: Receiver, **more: Any) -> Settings:
    urls = " ".join(f"json://me:s3cret-pass@{receiver.address}/t0ken1234567" for receiver in receivers)
    return load_settings(redis_url="redis://127.0.0.1:1/0", alert_urls=urls or None, **more)


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


class Process:
    """What one process does with each look, at the clock's time."""

    def __init__(self, store: Store, sinks: list[Sink], clock: Clock) -> None:
        self.store, self.sinks, self.clock = store, sinks, clock
        self.delivery = Delivery(sinks, clock)

    def look(self, *alarms: Alarm) -> int:
        ledger = Ledger(self.store)
        ledger.look(judged(*alarms), self.sinks, self.clock())
        return self.delivery.deliver(ledger)


def titles(receiver: Receiver) -> list[str]:
    return [message["title"] for message in receiver.messages]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", "postgresql"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Store]]:
    """Opens the same fresh database again and again, as several processes do."""
    url = f"sqlite:///{tmp_path / 'alerts.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres")
    with ExitStack() as stack:

        def open_store() -> Store:
            made = Store(url)
            stack.callback(made.close)
            made.migrate()
            return made

        first = open_store()
        with first.write() as connection:
            connection.execute(text("DELETE FROM alert"))
            connection.execute(text("DELETE FROM alert_message"))
        yield open_store


def test_one_state_from_its_begin_to_its_end_over_restarts(
    opened: Callable[[], Store], receiver: Receiver, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    for minutes in range(0, 3 * 1440, 360):
        clock.now = NOW + timedelta(minutes=minutes)
        # A process of its own each time: nothing but the database knows what was told.
        sinks, faults = sinks_of(settings_for(receiver))
        assert faults == []
        Process(opened(), sinks, clock).look(STALE)
    clock.now += timedelta(hours=1)
    sinks, _ = sinks_of(settings_for(receiver))
    for _ in range(2):
        Process(opened(), sinks, clock).look()
    assert titles(receiver) == [
        "Lockstep: stale of milk, critical",
        "Lockstep: stale of milk, still",
        "Lockstep: stale of milk, still",
        "Lockstep: stale of milk, over",
    ]
    first, *_, last = receiver.messages
    assert first["message"] == "milk has not succeeded. lockstep history milk shows why."
    assert first["type"] == "failure"
    assert last["message"] == "Over, after 3 days: milk has not succeeded."
    assert last["type"] == "success"
    levels = [record.levelname for record in caplog.records if record.name.startswith("worker.alarms")]
    assert levels == ["ERROR", "ERROR", "ERROR", "WARNING"]
    (past,) = Ledger(opened()).past(10)
    assert (past.alarm.key, past.over_at) == ("stale:milk", clock.now)
    assert Ledger(opened()).open() == []


def test_several_that_look_at_once_tell_it_once(
    opened: Callable[[], Store], receiver: Receiver, clock: Clock
) -> None:
    """Four processes race, without any lease between them, through begin, again and over of three states."""
    processes = [Process(opened(), sinks_of(settings_for(receiver))[0], clock) for _ in range(4)]
    failures: list[BaseException] = []

    def race(*alarms: Alarm) -> None:
        gate = threading.Barrier(len(processes))

        def go(process: Process) -> None:
            try:
                gate.wait()
                process.look(*alarms)
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=go, args=(process,)) for process in processes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    lines: list[str] = []
    for round_, alarms in enumerate([(STALE,), (STALE, HALTED), (STALE, HALTED), (QUARANTINE,), ()]):
        clock.now = NOW + round_ * timedelta(hours=25)
        race(*alarms)
        race(*alarms)
    assert failures == []
    for message in receiver.messages:
        lines += message["message"].splitlines()
    told = sorted(line.partition(" (since")[0].partition(". ")[0].rstrip(".") for line in lines)
    assert told == sorted(
        [
            "milk has not succeeded", "milk has not succeeded", "milk was halted", "milk has not succeeded",
            "milk was halted", "Over, after 3 days: milk has not succeeded", "Over, after 2 days: milk was halted",
            "milk leaves out 2 objects", "Over, after 25 h: milk leaves out 2 objects",
        ]
    )  # fmt: skip


def test_one_that_fails_is_tried_again_and_holds_up_no_other(
    opened: Callable[[], Store],
    receivers: Callable[[], Receiver],
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    good, bad, hanging = receivers(), receivers(), receivers()
    bad.status = 503
    hanging.release.clear()
    settings = settings_for(good, bad, hanging)
    sinks, _ = sinks_of(settings)
    process = Process(opened(), sinks, clock)
    thread = threading.Thread(target=process.look, args=(STALE,))
    thread.start()
    for _ in range(200):
        if good.got:
            break
        thread.join(0.05)
    assert titles(good) == ["Lockstep: stale of milk, critical"]
    hanging.release.set()
    thread.join()
    assert (len(good.got), len(bad.got), len(hanging.got)) == (1, 0, 1)
    said = " ".join(record.getMessage() for record in caplog.records)
    assert "Alerts do not reach JSON (" in said
    assert "503" in said
    for secret in ("s3cret-pass", "t0ken1234567"):
        assert secret not in said
        assert secret not in repr(sinks)
    # Not before its time; and then by another process.
    assert Process(opened(), sinks, clock).look(STALE) == 0
    bad.status = 200
    clock.now += FIRST_PAUSE
    assert Process(opened(), sinks_of(settings)[0], clock).look(STALE) == 1
    assert (len(good.got), len(bad.got), len(hanging.got)) == (1, 1, 1)


def test_what_was_not_sent_before_it_was_over_is_not_sent_after_it(
    opened: Callable[[], Store], receiver: Receiver, clock: Clock
) -> None:
    receiver.status = 500
    process = Process(opened(), sinks_of(settings_for(receiver))[0], clock)
    process.look(HALTED)
    receiver.status = 200
    clock.now += timedelta(hours=1)
    process.look()
    assert titles(receiver) == ["Lockstep: halted of milk, over"]
    assert Process(opened(), process.sinks, clock).look() == 0


def test_a_process_that_dies_while_it_sends_leaves_it_to_another(
    opened: Callable[[], Store], receiver: Receiver, clock: Clock
) -> None:
    sinks, _ = sinks_of(settings_for(receiver))
    ledger = Ledger(opened())
    ledger.look(judged(STALE), sinks, clock())
    (claimed,) = ledger.due(sinks[-1].name, clock())
    assert claimed.alert.alarm == STALE
    assert Ledger(opened()).due(sinks[-1].name, clock()) == []  # it is somebody's
    clock.now += CLAIMED
    assert Process(opened(), sinks, clock).look(STALE) == 2  # the log, and this one


def test_it_is_given_up_in_the_end(store: Store, clock: Clock) -> None:
    class Deaf:
        name = label = "deaf"

        def __init__(self) -> None:
            self.tried = 0

        def takes(self, kind: Kind) -> bool:
            return True

        def send(self, messages: Any) -> None:
            self.tried += 1
            raise SinkError("nobody there")

    deaf = Deaf()
    process = Process(store, [deaf], clock)
    Ledger(store).look(judged(STALE), [deaf], clock())
    for _ in range(2 * ATTEMPTS):
        process.delivery.deliver(Ledger(store))
        clock.now += timedelta(hours=1)
    assert deaf.tried == ATTEMPTS
    assert list(Ledger(store).unsent().values()) == [["nobody there"]]


def test_no_secret_of_an_address_is_in_what_is_said() -> None:
    settings = load_settings(
        alert_urls="tgram://123456789:AAbbcc_ddEEff0011/12315544/, mailto://me:pw-of-me-1@example.com",
        ping="https://hc-ping.com/9c6a4f4e-0000-4000-8000-1234567890ab",
    )
    line = (
        "POST https://api.telegram.org/bot123456789:AAbbcc_ddEEff0011/send by pw-of-me-1; "
        "https://hc-ping.com/9c6a4f4e-0000-4000-8000-1234567890ab/start"
    )
    told = redactor_for(settings).text(line)
    for secret in ("123456789", "AAbbcc_ddEEff0011", "pw-of-me-1", "9c6a4f4e"):
        assert secret not in told
    assert "s3cret" not in repr(settings_for())


def test_an_address_that_nobody_knows_is_told_without_it() -> None:
    sinks, faults = sinks_of(load_settings(alert_urls="carrier-pigeon://loft-12345678/"))
    assert [sink.name for sink in sinks] == ["log"]
    (fault,) = faults
    assert "carrier-pigeon://" in fault
    assert "loft" not in fault


def test_a_database_that_takes_no_writes_is_told_by_way_of_redis(
    client: redis.Redis, receiver: Receiver, clock: Clock
) -> None:
    sinks, _ = sinks_of(settings_for(receiver))
    alarm = unwritable("no space left")
    states = [Unwritable(client, sinks) for _ in range(3)]
    for seconds in (0, 30, 60, 90, 119):
        for state in states:
            state.goes_on(alarm, NOW + timedelta(seconds=seconds))
    assert receiver.got == []
    for seconds in (121, 150, 4000):
        for state in states:
            state.goes_on(alarm, NOW + timedelta(seconds=seconds))
    for state in states:
        state.over(alarm, NOW + timedelta(hours=2))
    assert titles(receiver) == ["Lockstep: database, critical", "Lockstep: database, over"]
    assert "no space left" in receiver.messages[0]["message"]


def test_processes_take_turns(client: redis.Redis, store: Store) -> None:
    evaluators = [Evaluator(settings_for(), {}, client, []) for _ in range(3)]
    assert [each.take_turn() for each in evaluators] == [True, False, False]
    client.delete("lockstep:alarms:turn")
    assert [each.take_turn() for each in evaluators[::-1]] == [True, False, False]
