"""Tasks divided among two Redis servers, with a beat and a worker for each."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from config import load_settings
from config.shards import shard_of
from sandbox.notion import Sandbox
from tests.acceptance.office import FAST, PATIENCE
from tests.harness import ProbeSpec, Process, RedisServer, Stack, eventually, free_port
from worker import rate_limit
from worker.lock import RedisSyncLock
from worker.redis_client import connect_url
from worker.web.resources import Resources

pytestmark = pytest.mark.processes

MakeStack = Callable[..., Stack]

NAMES = [f"task-{number}" for number in range(20)]
#: Two tasks of each server.
OWN = [[name for name in NAMES if shard_of(name, 2) == number][:2] for number in range(2)]
ALL = [*OWN[0], *OWN[1]]
LEASE = 2.0


@pytest.fixture
def second(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path / "second") as server:
        yield server


@pytest.fixture
def stack(make_stack: MakeStack, second: RedisServer) -> Stack:
    return divided(make_stack, second, *(ProbeSpec(name, every=1) for name in ALL))


def divided(make_stack: MakeStack, second: RedisServer, *specs: ProbeSpec, **env: str) -> Stack:
    return make_stack(*specs, lease_seconds=LEASE, env={"LOCKSTEP_REDIS_SHARDS": second.url, **env})


def serve(stack: Stack, number: int) -> tuple[Process, Process]:
    worker = stack.worker(*FAST, ready=False, LOCKSTEP_SHARD=str(number))
    beat = stack.beat(ready=False, LOCKSTEP_SHARD=str(number))
    worker.wait_for_line(r" ready\.$", timeout=PATIENCE)
    beat.wait_for_line(r"beat: Starting", timeout=PATIENCE)
    return worker, beat


def scheduled(server: RedisServer) -> set[str]:
    with connect_url(server.url) as client:
        return {str(name) for name in client.hkeys("lockstep:schedule")} - {"lockstep.prune"}


def locked(server: RedisServer) -> set[str]:
    """Tasks of which a run has held its lock there, now or before."""
    with connect_url(server.url) as client:
        fences = [str(key) for key in client.scan_iter(match="lockstep:{*}:fence")]
    return {key.partition("{")[2].partition("}")[0] for key in fences} - {"lockstep.prune"}


def told(stack: Stack, *arguments: str, code: int | None = 0) -> dict[str, Any]:
    command = stack.lockstep(*arguments, "--json", name=f"cli-{len(stack._processes)}")
    ended = command.wait_exit(timeout=PATIENCE)
    assert code is None or ended == code, command.tail()
    found: dict[str, Any] = json.loads(command.output())
    return found


def syncs(stack: Stack, name: str, row: str) -> None:
    stack.sides(name).notion.create(Name=row, Done=False)
    eventually(stack.sides(name).equal, PATIENCE, f"{name} to be in step")


def test_each_task_runs_at_its_own_server_and_what_is_dead_stops_only_its_own(
    stack: Stack, second: RedisServer
) -> None:
    port = free_port()
    web = stack.run([sys.executable, "-m", "worker.web", "--host=127.0.0.1", f"--port={port}"], name="web")
    processes = [serve(stack, number) for number in range(2)]
    for name in ALL:
        syncs(stack, name, "first")
    for number, server in enumerate((stack.redis, second)):
        assert scheduled(server) == locked(server) == set(OWN[number])
        pids = {run.pid for name in OWN[number] for run in stack.sides(name).runs()}
        assert pids == {processes[number][0].pid}

    def all_well() -> bool:
        return httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=30).status_code == 200

    web.wait_for_line("Uvicorn running", timeout=PATIENCE)
    eventually(all_well, PATIENCE)
    status = told(stack, "status")
    assert [(each["shard"], each["schedulers"], each["workers"]) for each in status["shards"]] == [
        (0, 1, 1),
        (1, 1, 1),
    ]
    assert {row["task"]: row["shard"] for row in status["tasks"]} == {name: shard_of(name, 2) for name in ALL}
    assert (status["differences"], status["troubles"]) == ([], [])

    second.kill()
    runs = {name: len(stack.history(name)) for name in OWN[0]}
    eventually(lambda: all(len(stack.history(name)) > runs[name] + 1 for name in OWN[0]), PATIENCE)
    before = {name: len(stack.history(name)) for name in OWN[1]}
    for name in OWN[0]:
        syncs(stack, name, "second")
    assert {name: len(stack.history(name)) for name in OWN[1]} == before
    where = second.url.rpartition("@")[2].removeprefix("redis://").removesuffix("/0")
    status = told(stack, "status", code=None)
    assert f"shard 1: Redis at {where} does not answer" in status["running_unknown"]
    assert status["shards"][0]["workers"] == 1
    assert status["shards"][1]["workers"] is None
    findings = told(stack, "doctor", code=None)["findings"]
    failed = [one for one in findings if one["state"] == "failed"]
    assert [(one["subject"], one["check"]) for one in failed] == [("Redis of shard 1", "redis")]
    health = httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=30)
    assert health.status_code == 503
    assert health.json()["redis"] == health.json()["scheduler"] == health.json()["workers"] == "ok"
    assert health.json()["redis_1"] == "unreachable"
    assert httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=30).status_code == 200

    second.start()
    for name in OWN[1]:
        syncs(stack, name, "third")
    eventually(all_well, PATIENCE)
    for process in [web, *processes[0], *processes[1]]:
        assert process.running, process.tail()
        assert "Traceback" not in process.output(), process.output()


def test_without_the_server_that_all_share_the_others_go_on(stack: Stack) -> None:
    processes = [*serve(stack, 0), *serve(stack, 1)]
    for name in (OWN[0][0], OWN[1][0]):
        syncs(stack, name, "first")
    stack.redis.kill()
    syncs(stack, OWN[1][0], "second")
    run = stack.lockstep("run", OWN[1][1])
    stack.sides(OWN[1][1]).notion.create(Name="by hand", Done=False)
    run.wait_exit(timeout=PATIENCE)
    eventually(stack.sides(OWN[1][1]).equal, PATIENCE)
    assert "shard 0: Redis at" in told(stack, "status", code=None)["running_unknown"]
    stack.redis.start()
    syncs(stack, OWN[0][0], "third")
    for process in processes:
        assert process.running, process.tail()
        assert "Traceback" not in process.output(), process.output()


def test_a_server_that_nobody_serves_is_told(stack: Stack, second: RedisServer) -> None:
    serve(stack, 0)
    syncs(stack, OWN[0][0], "milk")
    stack.sides(OWN[1][0]).notion.create(Name="milk", Done=False)

    def missing() -> set[str]:
        findings = told(stack, "doctor", code=None)["findings"]
        return {
            f"{one['text']} {one['mend']}"
            for one in findings
            if one["check"] in ("scheduler", "workers") and one["state"] == "failed"
        }

    where = second.url.rpartition("@")[2].removeprefix("redis://").removesuffix("/0")
    wanted = {
        f"Shard 1 ({where}): no scheduler lives, so nothing is started by schedule. "
        "Start it: LOCKSTEP_SHARD=1 celery -A worker beat, or lockstep up",
        f"Shard 1 ({where}): no worker lives, so nothing is run. "
        "Start one: LOCKSTEP_SHARD=1 celery -A worker worker, or lockstep up",
    }
    # All have just been started, each at its time, and what is missing may be about to come.
    eventually(lambda: missing() == wanted, 100, "the doctor to miss beat and worker")
    assert stack.history(OWN[1][0]) == []


def test_commands_and_the_web_process_find_the_server_of_a_task(stack: Stack, second: RedisServer) -> None:
    name = OWN[1][0]
    stack.sides(name).notion.create(Name="milk", Done=False)
    run = stack.lockstep("run", name)
    assert run.wait_exit(timeout=PATIENCE) == 0, run.tail()
    assert stack.sides(name).equal()
    assert (locked(stack.redis), locked(second)) == (set(), {name})

    with connect_url(second.url) as client:
        lock = RedisSyncLock(client, lease_seconds=60)
        lock.acquire(name, session_id="held")
        busy = stack.lockstep("run", name, name="busy")
        busy.wait_exit(timeout=PATIENCE)
        assert "held" in busy.output() or "busy" in busy.output(), busy.tail()
        assert stack.history(name)[0].status == "skipped"
        unlock = stack.lockstep("unlock", name, "--force", name="unlock")
        assert unlock.wait_exit(timeout=PATIENCE) == 0, unlock.tail()
        assert RedisSyncLock(client, lease_seconds=60).holders() == []
        lock.close()

    os.environ.update(stack.env())
    resources = Resources.of(load_settings())
    for task in (name, OWN[0][0]):
        resources.send(task, f"message of {task}", 60)
    for server, task in ((stack.redis, OWN[0][0]), (second, name)):
        with connect_url(server.url) as client:
            (message,) = client.lrange("celery", 0, -1)
            assert json.loads(str(message))["headers"]["task"] == f"sync.{task}"
    resources.close()


def test_all_servers_share_the_budget_of_a_token(make_stack: MakeStack, second: RedisServer) -> None:
    with Sandbox() as notion:
        env = {
            "LOCKSTEP_TASKS": "tests.worker.rate_limit.asking_tasks",
            "NOTION_BASE_URL": notion.url,
            "NOTION_TOKEN": "ntn_0123456789abcdefghij",
            "LOCKSTEP_NOTION_RATE": "50",
        }
        names = [own[0] for own in OWN]
        stack = divided(make_stack, second, *(ProbeSpec(name, every=3600) for name in names), **env)
        for number in range(2):
            serve(stack, number)
        with connect_url(stack.redis.url) as client, connect_url(second.url) as other:

            def tasks() -> set[str]:
                return {name for use in rate_limit.budgets(client) for name in use.tasks}

            eventually(lambda: tasks() == set(names), PATIENCE, "both tasks in one budget")
            (use,) = rate_limit.budgets(client)
            assert use.processes == 2
            assert rate_limit.budgets(other) == []


def test_a_task_that_moves_is_not_written_by_two(make_stack: MakeStack, second: RedisServer) -> None:
    """The number of servers is changed under a run, which is against the page: its fence in the database holds."""
    name = OWN[1][0]
    stack = make_stack(ProbeSpec(name, every=1), lease_seconds=LEASE)
    for number in range(12):
        stack.sides(name).notion.create(Name=f"row {number}", Done=False)
    other = stack.sides(name).other
    old_worker, old_beat = stack.worker(*FAST), stack.beat()
    other.be_slow(after=0.5)
    eventually(other.writes, PATIENCE)
    assert scheduled(stack.redis) == {name}
    stack._env["LOCKSTEP_REDIS_SHARDS"] = second.url
    new_worker, _ = serve(stack, 1)
    eventually(lambda: new_worker.pid in {run.pid for run in stack.sides(name).runs()}, PATIENCE)
    other.be_slow()
    eventually(stack.sides(name).equal, PATIENCE)
    assert other.duplicates("title") == {}
    assert len(other.rows()) == 12

    # In the order of the page: the old ones are stopped, and beat lets the entry go where it was.
    for process in (old_beat, old_worker):
        process.terminate()
        process.wait_exit()
    serve(stack, 0)
    eventually(lambda: scheduled(stack.redis) == set(), PATIENCE, "the old place to be cleaned")
    assert scheduled(second) == {name}
    syncs(stack, name, "afterwards")


def test_a_worker_skips_what_belongs_elsewhere(stack: Stack, second: RedisServer) -> None:
    """Such as a message that was left behind when the number of servers was changed."""
    name = OWN[1][0]
    worker = stack.worker(*FAST, LOCKSTEP_SHARD="0")
    os.environ.update(stack.env(), LOCKSTEP_REDIS_SHARDS="")
    resources = Resources.of(load_settings())
    resources.send(name, "left behind", 60)
    resources.close()
    worker.wait_for_line(
        f"Task '{name}': a message was skipped, the task belongs to shard 1, and this worker serves 0"
    )
    assert stack.history(name) == []


def test_processes_that_cannot_know_their_server_are_refused(stack: Stack, second: RedisServer) -> None:
    for process in (stack.worker(ready=False), stack.beat(ready=False)):
        assert process.wait_exit(timeout=PATIENCE) == 2, process.tail()
        assert "LOCKSTEP_SHARD is not set" in process.output()
        assert "Traceback" not in process.output()
    # One server under two addresses.
    alias = stack.redis.url.replace("127.0.0.1", "localhost")
    assert alias != stack.redis.url
    serve(stack, 0)
    twice = stack.beat(ready=False, LOCKSTEP_REDIS_SHARDS=alias, LOCKSTEP_SHARD="1")
    assert twice.wait_exit(timeout=PATIENCE) == 2, twice.tail()
    assert "the Redis of shard 1 is that of shard 0 as well" in twice.output()


def test_up_starts_a_beat_and_a_worker_for_each(stack: Stack) -> None:
    up = stack.lockstep("up", "--no-web", "--no-flower", name="up")
    for name in ALL:
        syncs(stack, name, "milk")
    up.signal(signal.SIGINT)
    assert up.wait_exit(timeout=PATIENCE) == 0, up.tail()
    assert "worker-0, beat-0, worker-1 and beat-1 have ended" in up.output()
