"""`celery -A worker …` as people start it: what is refused, what a run looks like from outside."""

from __future__ import annotations

import base64
import json
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from config import load_settings
from config.celery import celery_settings
from tests.harness import MakeStack, ProbeSpec, Process, Stack, eventually, free_port, stacks

pytestmark = pytest.mark.processes

FAST = ("--without-mingle", "--without-gossip")


@pytest.fixture
def make(tmp_path: Path) -> Iterator[MakeStack]:
    with stacks(tmp_path, lease_seconds=2) as make:
        yield make


def send(stack: Stack, name: str = "probe") -> None:
    app = Celery("sender", set_as_current=False)
    app.conf.update(celery_settings(load_settings(redis_url=stack.redis.url)))
    app.send_task(f"sync.{name}")
    app.close()


@pytest.mark.parametrize(
    ("commands", "env", "said"),
    [
        (["worker", "beat", "flower"], {"REDIS_URL": ""}, "lockstep: REDIS_URL is not set: "),
        (["beat"], {"LOCKSTEP_LOG_LEVEL": "loud"}, "lockstep: LOCKSTEP_LOG_LEVEL is 'LOUD': "),
        (["worker"], {"LOCKSTEP_TASKS": "nowhere"}, "lockstep: LOCKSTEP_TASKS names 'nowhere'"),
        (["flower"], {"PROBE_TASKS": '[{}, {"every": 1}]'}, "two tasks are named 'probe'"),
        (["beat"], {"PROBE_TASKS": '[{"total": 0}]'}, "runs at least once, not 0 times"),
    ],
)
def test_a_mistake_is_one_line(make: MakeStack, commands: list[str], env: dict[str, str], said: str) -> None:
    stack = make()
    for process in [stack.celery(command, name=command, **env) for command in commands]:
        assert process.wait_exit() == 2
        lines = [line for line in process.output().splitlines() if line]
        assert len(lines) == 1, process.tail()
        assert said in lines[0]


@pytest.mark.parametrize("command", ["worker", "beat"])
def test_a_database_that_cannot_be_used(make: MakeStack, command: str) -> None:
    stack = make()
    process = stack.celery(
        command, name=command, DATABASE_URL="postgresql://user:private-pass@127.0.0.1:1/name"
    )
    assert process.wait_exit() == 5
    assert "lockstep: the database " in process.output()
    assert "Traceback" not in process.output()
    assert "private-pass" not in process.output()


def test_importing_the_package_loads_and_connects_nothing(make: MakeStack) -> None:
    code = "import worker, sys; print('celery' in sys.modules, 'redis' in sys.modules)"
    process = make().run([sys.executable, "-c", code], name="import", afresh=True, REDIS_URL="")
    assert process.wait_exit() == 0
    assert process.output() == "False False\n"


@pytest.mark.parametrize("pool", ["threads of ours", "prefork"])
def test_every_pool_runs_syncs(make: MakeStack, pool: str) -> None:
    stack = make(ProbeSpec(every=1))
    stack.sides().notion.create(Name="milk", Done=False)
    options = [] if pool == "threads of ours" else ["--pool", pool]
    worker = stack.worker(*FAST, *options)
    stack.beat()
    eventually(stack.sides().equal, 20)
    worker.wait_for_line(r"Task sync\.probe\[.*succeeded")
    found = "(prefork)" if pool == "prefork" else "32 (task_pool)"
    assert found in worker.output()
    assert (stack.history()[-1].pid == worker.pid) is (pool != "prefork")


@pytest.mark.parametrize("pool", ["pool", "prefork", "threads"])
def test_the_soft_limit_fails_a_run_and_frees_its_node(make: MakeStack, pool: str) -> None:
    stack = make(ProbeSpec(every=60), LOCKSTEP_SOFT_TIME_LIMIT="1", LOCKSTEP_TIME_LIMIT="10")
    stack.sides().other.be_slow(listing=60)
    worker = stack.worker(*FAST, *([] if pool == "pool" else ["--pool", pool]))
    send(stack)
    worker.wait_for_line(r"ERROR.*Task 'probe': the run was cancelled by its time limit of 1 s", timeout=20)
    (run,) = eventually(lambda: [run for run in stack.history() if run.finished_at], 5)
    assert run.status == "failed"
    assert "time limit" in run.reason
    assert stack.sides().runs()[0].closed is not None
    stack.sides().other.be_slow()
    send(stack)
    eventually(lambda: stack.history()[0].status == "succeeded", 10)
    assert "Traceback" not in worker.output(), worker.tail()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--pool=solo"], "--pool: solo knows no time limits"),
        (["-P", "solo"], "--pool: solo knows no time limits"),
        (["--autoscale=8,2"], "--autoscale is for --pool prefork"),
        (["--pool=threads", "--autoscale=8,2"], "--autoscale is for --pool prefork"),
    ],
)
def test_a_pool_that_cannot_run_syncs_is_refused_in_a_line(
    make: MakeStack, options: list[str], told: str
) -> None:
    worker = make(ProbeSpec(every=60)).worker(*FAST, *options, ready=False)
    assert worker.wait_exit() == 2, worker.tail()
    (line,) = [line for line in worker.output().splitlines() if line.startswith("lockstep: ")]
    assert line.startswith(f"lockstep: {told}")
    assert "Traceback" not in worker.output()


def test_a_worker_told_to_quit_cancels_its_runs(make: MakeStack) -> None:
    stack = make(ProbeSpec(every=60))
    stack.sides().other.be_slow(listing=60)
    worker = stack.worker(*FAST, "--", "worker.soft_shutdown_timeout=1", REMAP_SIGTERM="SIGQUIT")
    send(stack)
    eventually(stack.history, 10)
    begun = time.monotonic()
    worker.signal(signal.SIGTERM)
    worker.wait_exit(15)
    assert 0.9 < time.monotonic() - begun < 8
    (run,) = stack.history()
    assert run.status == "cancelled"
    assert stack.sides().runs()[0].closed is not None
    assert "Traceback" not in worker.output()
    stack.sides().other.be_slow()
    stack.worker(*FAST)
    send(stack)
    eventually(lambda: stack.history()[0].status == "succeeded", 10)  # the node is free at once


def test_a_failed_run_is_a_failed_task_and_a_busy_one_is_not(make: MakeStack) -> None:
    stack = make(ProbeSpec(every=60))
    worker = stack.worker(*FAST)
    stack.sides().other.refuse("no calendar today")
    send(stack)
    worker.wait_for_line(r"sync\.probe\[.*SyncRunFailed\('other: no calendar today'\)")
    stack.sides().other.refuse()
    stack.sides().other.be_slow(listing=1.5)
    seen = len(worker.output())
    send(stack)
    send(stack)
    worker.wait_for_line(r"sync\.probe\[.*succeeded .*skipped: node .*probe.* is busy", after=seen)
    worker.wait_for_line(r"sync\.probe\[.*succeeded in [\d.]+s$", after=seen)
    assert "Traceback" not in worker.output()


def test_lines_are_json_where_that_is_set(make: MakeStack) -> None:
    stack = make(ProbeSpec(every=60), LOCKSTEP_LOG_FORMAT="json", LOCKSTEP_LOG_LEVEL="INFO")
    process = stack.celery("--quiet", "beat", name="beat")
    process.wait_for_line("beat: Starting")
    entries = [json.loads(line) for line in process.output().splitlines() if line.startswith("{")]
    assert {entry["level"] for entry in entries} == {"INFO"}


class Flower:
    """A Flower with a password, and its API."""

    def __init__(self, stack: Stack) -> None:
        self.port = free_port()
        self.process: Process = stack.celery("flower", f"--port={self.port}", name="flower")
        eventually(lambda: self.status("/healthcheck") == 200, 30)

    def open(self, path: str, user: str | None = "me:secret-word") -> Any:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}")
        if user is not None:
            request.add_header("Authorization", "Basic " + base64.b64encode(user.encode()).decode())
        return urllib.request.urlopen(request, timeout=5)

    def status(self, path: str, user: str | None = "me:secret-word") -> int:
        try:
            with self.open(path, user) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def tasks(self) -> list[dict[str, Any]]:
        with self.open("/api/tasks") as answer:
            return list(json.load(answer).values())


def test_flower_shows_live_progress(make: MakeStack) -> None:
    """With the password of the settings file, which Flower does not read itself."""
    stack = make(ProbeSpec(every=60))
    (stack.directory / "cwd" / "lockstep.toml").write_text('flower_basic_auth = "me:secret-word"\n')
    flower = Flower(stack)
    assert flower.status("/workers", None) == 401
    assert flower.status("/workers", "me:wrong") == 401
    for number in range(12):
        stack.sides().notion.create(Name=f"row {number}", Done=False)
    stack.sides().other.be_slow(after=0.8)
    stack.worker(*FAST)
    send(stack)

    def seen() -> set[str]:
        results.update(str(task["result"]) for task in flower.tasks() if task["name"] == "sync.probe")
        return {result for result in results if "/12" in result}

    results: set[str] = set()
    eventually(seen, 15)
    eventually(lambda: [task for task in flower.tasks() if task["state"] == "SUCCESS"], 15)
    (task,) = flower.tasks()
    assert "'status': 'succeeded'" in task["result"]
