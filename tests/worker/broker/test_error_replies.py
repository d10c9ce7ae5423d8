"""A Redis that answers with errors for a while: a worker and a beat wait for it, as for one that is away."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from tests.harness import ProbeSpec, Process, Stack, eventually
from tests.worker.pool.test_stops_under_load import load
from worker.redis_client import connect_url

pytestmark = pytest.mark.processes

#: Seconds that a fault lasts.
LASTS = 1.5

Fault = Callable[[redis.Redis, Stack], None]


def unblock(client: redis.Redis, stack: Stack) -> None:
    for each in client.client_list():
        if each["cmd"].startswith("brpop"):
            client.execute_command("CLIENT", "UNBLOCK", each["id"], "ERROR")


def replicate(client: redis.Redis, stack: Stack) -> None:
    client.replicaof("127.0.0.1", "1")


def replicate_nothing(client: redis.Redis, stack: Stack) -> None:
    client.config_set("replica-serve-stale-data", "no")
    client.replicaof("127.0.0.1", "1")


def promote(client: redis.Redis, stack: Stack) -> None:
    client.config_set("replica-serve-stale-data", "yes")
    client.replicaof("NO", "ONE")


def fail_to_save(client: redis.Redis, stack: Stack) -> None:
    (stack.redis.directory / "dump.rdb").mkdir()
    client.config_set("save", "3600 1")
    client.bgsave()
    eventually(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err")


def save(client: redis.Redis, stack: Stack) -> None:
    (stack.redis.directory / "dump.rdb").rmdir()
    client.config_set("save", "")


def set_acl(*rules: str) -> Fault:
    return lambda client, _: client.execute_command("ACL", "SETUSER", "default", *rules)


def fill(client: redis.Redis, stack: Stack) -> None:
    client.config_set("maxmemory", 1)


def empty(client: redis.Redis, stack: Stack) -> None:
    client.config_set("maxmemory", 0)


def lock_out(client: redis.Redis, stack: Stack) -> None:
    client.config_set("requirepass", "another")
    client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")


def let_in(client: redis.Redis, stack: Stack) -> None:
    client.execute_command("ACL", "SETUSER", "default", "nopass")


def shut_out(client: redis.Redis, stack: Stack) -> None:
    client.config_set("maxclients", 1)
    disconnect(client, stack)


def open_up(client: redis.Redis, stack: Stack) -> None:
    client.config_set("maxclients", 10_000)


def disconnect(client: redis.Redis, stack: Stack) -> None:
    client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    client.execute_command("CLIENT", "KILL", "TYPE", "pubsub", "SKIPME", "yes")


def nothing(client: redis.Redis, stack: Stack) -> None:
    pass


FAULTS: dict[str, tuple[Fault, Fault]] = {
    "UNBLOCKED": (unblock, nothing),
    "READONLY": (replicate, promote),
    "MASTERDOWN": (replicate_nothing, promote),
    "MISCONF": (fail_to_save, save),
    "NOPERM brpop": (set_acl("-brpop"), set_acl("+brpop")),
    "NOPERM keys": (set_acl("resetkeys"), set_acl("allkeys")),
    "NOPERM scripts": (set_acl("-eval", "-evalsha"), set_acl("+eval", "+evalsha")),
    "NOPERM channels": (set_acl("resetchannels"), set_acl("allchannels")),
    "NOPERM all": (set_acl("-@all"), set_acl("+@all")),
    "OOM": (fill, empty),
    "NOAUTH": (lock_out, let_in),
    "max clients": (shut_out, open_up),
    "killed connections": (disconnect, nothing),
}


@contextmanager
def operator(stack: Stack) -> Iterator[redis.Redis]:
    """A client whose rights no fault takes away."""
    with connect_url(stack.redis.url) as first:
        first.execute_command("ACL", "SETUSER", "operator", "on", ">word", "~*", "&*", "+@all")
    with redis.Redis(port=stack.redis.port, username="operator", password="word") as client:
        yield client


def runs(stack: Stack) -> int:
    return sum(run.status == "succeeded" for run in stack.history())


def assert_well(*processes: Process) -> None:
    for process in processes:
        assert process.running, process.tail()
        assert "CRITICAL" not in process.output(), process.output()[-6000:]
        assert "Traceback" not in process.output(), process.output()[-6000:]


def test_errors_of_every_kind_are_waited_for(tmp_path: Path) -> None:
    with Stack(tmp_path, ProbeSpec(every=1)) as stack, operator(stack) as client:
        worker, beat = stack.worker(), stack.beat()
        eventually(lambda: runs(stack) > 0)
        for name, (fault, mend) in FAULTS.items():
            fault(client, stack)
            if mend is not nothing:
                time.sleep(LASTS)
            mend(client, stack)
            seen = runs(stack)
            eventually(lambda seen=seen: runs(stack) > seen, 15, f"runs after {name}")  # type: ignore[misc]
            assert_well(worker, beat)


@pytest.mark.parametrize("name", ["READONLY", "MASTERDOWN", "NOPERM brpop", "OOM", "NOAUTH", "max clients"])
def test_at_start_as_well(tmp_path: Path, name: str) -> None:
    fault, mend = FAULTS[name]
    with Stack(tmp_path, ProbeSpec(every=1)) as stack, operator(stack) as client:
        fault(client, stack)
        worker, beat = stack.worker(ready=False), stack.beat(ready=False)
        worker.wait_for_line("Redis fails, the worker waits|Cannot connect to redis")
        time.sleep(LASTS)
        assert_well(worker, beat)
        mend(client, stack)
        eventually(lambda: runs(stack) > 1, 20)
        assert_well(worker, beat)


@pytest.mark.parametrize("pool", ["pool", "prefork"])
def test_a_full_redis_amid_work_is_told_in_a_line(tmp_path: Path, pool: str) -> None:
    """Runs end, messages are taken and acknowledged, events are sent, all at that moment."""
    with Stack(tmp_path, *[ProbeSpec(f"p{number}", every=3600) for number in range(6)]) as stack:
        for spec in stack.specs:
            stack.sides(spec.name).other.be_slow(listing=0.3)
        load(stack, 100)
        worker = stack.worker(*([] if pool == "pool" else ["--pool=prefork"]))
        with operator(stack) as client:
            eventually(lambda: worker.output().count("] succeeded in") > 20, 20)
            fill(client, stack)
            time.sleep(6)
            empty(client, stack)
            worker.wait_for_line("Redis serves the worker again", timeout=30)
        assert_well(worker)
        told = [
            line
            for line in worker.output().splitlines()
            if re.search(r"(WARNING|ERROR) (celery|kombu|worker\.broker\.outage)", line)
        ]
        assert len(told) == 1, told
        assert "Redis fails, the worker waits until it serves again" in told[0]
