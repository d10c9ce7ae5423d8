"""Pings arrive in order, with counts and reason and no titles, and neither block nor fail anybody."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from typing import Any

import pytest
import redis

from config import SettingsError, load_settings
from tasks.merge import Name
from worker.alarms.heartbeat import KEY, heartbeat
from worker.alarms.pings import Ping, Pinger
from worker.signs import SCHEDULER, WORKER, Life
from worker.store import RunRecord

from .conftest import Receiver

RUN = uuid.uuid4().hex


def record(status: str, **more: Any) -> RunRecord:
    return RunRecord(run_id=RUN, task="milk", status=status, **more)


def test_a_run_pings_its_start_and_its_end(receiver: Receiver) -> None:
    address, rid = f"http://{receiver.address}/{uuid.uuid4()}", f"?rid={uuid.UUID(RUN)}"
    pinger = Pinger()
    path = "/" + address.rpartition("/")[2]
    names = {("Notion", "p1"): Name("Very private")}
    for ended in (
        record("succeeded", counts={"linked": 2, "left_created": 1}),
        record("failed", reason="p1 in Notion: no calendar today", names=names),
        record("incomplete", reason="2 left"),
        record("skipped", reason="busy"),
    ):
        pinger.started(address, record("running"))
        pinger.ended(address, ended)
    pinger.flush(10)
    assert receiver.got == [
        (f"{path}/start{rid}", ""),
        (f"{path}{rid}", "succeeded\nleft_created 1, linked 2"),
        (f"{path}/start{rid}", ""),
        (f"{path}/fail{rid}", "failed\np1 in Notion: no calendar today"),
        (f"{path}/start{rid}", ""),
        (f"{path}{rid}", "incomplete\n2 left"),
        (f"{path}/start{rid}", ""),
    ]


def test_who_does_not_answer_holds_up_nobody(receivers: Callable[[], Receiver]) -> None:
    hanging = receivers()
    hanging.release.clear()
    pinger = Pinger()
    for _ in range(300):  # more than may wait
        pinger.send(Ping(f"http://{hanging.address}/check", ""))
    assert hanging.got == []  # all were taken while the first one was not answered yet
    hanging.release.set()
    pinger.flush(60)
    assert 100 < len(hanging.got) < 300


def test_that_none_arrives_is_told_once_without_the_address(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    pinger, secret = Pinger(), "5c1f0f7e-1111-4222-8333-444455556666"
    for _ in range(3):
        pinger.send(Ping(f"http://127.0.0.1:1/{secret}", "/start"))
    pinger.flush(60)
    lines = [each.getMessage() for each in caplog.records if each.name.startswith("worker")]
    assert len(lines) == 1
    assert lines[0] == "Pings do not arrive: the service of the address: ConnectError"


def test_beat_pings_for_the_whole_while_both_live(client: redis.Redis) -> None:
    sent: list[Ping] = []
    beats = [heartbeat("http://check", sent.append) for _ in range(2)]

    def look() -> Ping:
        client.delete(KEY)
        for beat in beats:
            beat(client)
        return sent[-1]

    assert look().signal == "/fail"
    Life(SCHEDULER, client, tasks={}).give()
    assert look() == Ping("http://check", "/fail", "no worker takes messages")
    Life(WORKER, client, tasks={}).give()
    assert look() == Ping("http://check", "", "1 scheduler, 1 worker")
    assert len(sent) == 3  # one for both beats


@pytest.mark.parametrize(
    "address", ["hc-ping.com/abc", "ftp://hc-ping.com/abc", "https://hc-ping.com/abc?rid=1"]
)
def test_what_is_no_address_of_a_check_is_refused(address: str) -> None:
    with pytest.raises(SettingsError, match="LOCKSTEP_PING"):
        load_settings(ping=address)
