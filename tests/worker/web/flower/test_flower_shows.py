"""What Flower tells of runs and of the schedule."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from celery import Celery

from config import load_settings
from config.celery import celery_settings
from tests.harness import MakeStack, ProbeSpec, Stack, eventually, free_port, stacks

pytestmark = pytest.mark.processes


@pytest.fixture
def make(tmp_path: Path) -> Iterator[MakeStack]:
    with stacks(tmp_path, lease_seconds=30) as make:
        yield make


def flower(stack: Stack) -> str:
    port = free_port()
    env = {"FLOWER_UNAUTHENTICATED_API": "true"}
    stack.celery("flower", f"--port={port}", "--address=127.0.0.1", name="flower", **env)
    url = f"http://127.0.0.1:{port}"
    eventually(lambda: get(url, "/healthcheck"), 30)
    return url


def get(url: str, path: str) -> str:
    try:
        answer = httpx.get(f"{url}{path}", timeout=20, trust_env=False)
    except httpx.TransportError:
        return ""
    return answer.text if answer.status_code == 200 else ""


def metric(url: str, name: str) -> float | None:
    found = re.search(rf"^{re.escape(name)} (\S+)$", get(url, "/metrics"), re.MULTILINE)
    return None if found is None else float(found[1])


def send(stack: Stack, times: int) -> None:
    app = Celery("sender", set_as_current=False)
    app.conf.update(celery_settings(load_settings(redis_url=stack.redis.url)))
    for _ in range(times):
        app.send_task("sync.probe")
    app.close()


@pytest.mark.parametrize("pool", ["pool", "prefork"])
def test_a_skipped_run_is_no_success(make: MakeStack, pool: str) -> None:
    stack = make(ProbeSpec(every=3600))
    stack.sides().other.be_slow(listing=3)
    url = flower(stack)
    worker = stack.worker("--without-mingle", *([] if pool == "pool" else ["--pool=prefork", "-c3"]))
    send(stack, 3)

    def states() -> Counter[str]:
        tasks = httpx.get(f"{url}/api/tasks", timeout=20, trust_env=False).json()
        return Counter(task["state"] for task in tasks.values())

    eventually(lambda: states() == {"SUCCESS": 1, "SKIPPED": 2}, 30)
    told = [task["result"] for task in httpx.get(f"{url}/api/tasks", timeout=20).json().values()]
    assert sum("is busy" in result for result in told) == 2
    name = f'task="sync.probe",type="task-skipped",worker="{worker.name.replace("worker-", "w")}@'
    assert name in get(url, "/metrics")
    eventually(lambda: Counter(run.status for run in stack.history()) == {"succeeded": 1, "skipped": 2})


def test_metrics_tell_of_an_overbooked_schedule(make: MakeStack) -> None:
    stack = make(ProbeSpec("one", every=1), ProbeSpec("two", every=4))
    url = flower(stack)
    assert metric(url, "lockstep_schedule_overbooked") == 0
    assert metric(url, "lockstep_schedule_due_runs_per_second") == 1.25
    assert metric(url, "lockstep_schedule_made_runs_per_second") == 1.25
    beat = stack.beat()  # nobody works
    eventually(lambda: metric(url, "lockstep_schedule_overbooked") == 1, 20)
    eventually(lambda: (metric(url, 'lockstep_task_turns_left_out{task="one"}') or 0) >= 3, 20)
    eventually(lambda: metric(url, "lockstep_schedule_late_tasks") == 2, 20)
    made = metric(url, "lockstep_schedule_made_runs_per_second")
    assert made is not None
    assert made < 1.25
    stack.worker("--without-mingle")
    eventually(lambda: metric(url, "lockstep_schedule_overbooked") == 0, 30)
    stack.redis.stop()
    eventually(lambda: "flower_" in get(url, "/metrics"))  # Flower's own are still there
    assert metric(url, "lockstep_schedule_overbooked") is None
    assert beat.running
