"""A worker that is told to stop while its runs only wait stops at once, and their messages go back to the queue."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from config import load_settings
from config.celery import celery_settings
from tests.harness import MakeStack, Stack, eventually, stacks
from worker.lock.redis_store import RedisLockStore
from worker.redis_client import connect_url

pytestmark = pytest.mark.processes

TASKS = 60
#: Seconds that runs get to end by themselves, and that a stop may take on a busy machine: far less.
SOFT, LONGEST = 300, 60
#: `WAITS_FOR` says for what each run waits: requests of one token's budget, or to send a request again.
MODULE = f"""
import os
from pathlib import Path
from pydantic import SecretStr
from tasks.services.notion.api.throttle import throttle_for
from tasks.waits import wait
from tests.tasks.sync_task.seed_style import Services, ToDos

class Waiting(ToDos):
    async def get_notion_objects(self):
        with Path("began").open("a") as file:
            file.write(self.name + "\\n")
        kind = os.environ["WAITS_FOR"]
        if kind == "budget":
            for _ in range(20):
                await throttle_for(SecretStr("token")).acquire()
        elif kind == "delay":
            await wait(3600)
        with Path("done").open("a") as file:
            file.write(self.name + "\\n")
        return []

for number in range({TASKS}):
    Waiting(Services(), f"task-{{number}}").run_every(hours=1).schedule()
"""


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    def made(make: MakeStack) -> Stack:
        stack = make()
        (stack.directory / "cwd" / "own_tasks.py").write_text(MODULE)
        return stack

    with stacks(tmp_path, lease_seconds=60, LOCKSTEP_TASKS="own_tasks") as make:
        yield made(make)


def noted(stack: Stack, name: str) -> list[str]:
    path = stack.directory / "cwd" / name
    return path.read_text().splitlines() if path.exists() else []


def send(stack: Stack) -> dict[str, str]:
    """A message for each task; gives the task of each message."""
    sent = {}
    with Celery("sender", set_as_current=False) as app:
        app.conf.update(celery_settings(load_settings(redis_url=stack.redis.url)), task_send_sent_event=False)
        with app.producer_or_acquire() as producer:
            for number in range(TASKS):
                task = f"sync.task-{number}"
                sent[app.send_task(task, producer=producer, expires=3600).id] = task
    return sent


def queued(stack: Stack) -> list[dict[str, Any]]:
    with connect_url(stack.redis.url) as client:
        assert not client.hgetall("unacked")
        return [json.loads(text)["headers"] for text in client.lrange("celery", 0, -1)]


@pytest.mark.timeout(400)
@pytest.mark.parametrize("remap", ["SIGQUIT", ""], ids=["cancels", "waits"])
@pytest.mark.parametrize("kind", ["budget", "delay"])
def test_runs_that_only_wait_end_at_once_and_run_elsewhere(stack: Stack, kind: str, remap: str) -> None:
    sent = send(stack)
    options = (f"--concurrency={TASKS}", "--", f"worker.soft_shutdown_timeout={SOFT}")
    worker = stack.worker(*options, REMAP_SIGTERM=remap, WAITS_FOR=kind)
    eventually(lambda: len(noted(stack, "began")) == TASKS, 60)
    asked_at = time.monotonic()
    worker.terminate()
    while worker.running and time.monotonic() < asked_at + LONGEST:
        time.sleep(0.05)
    assert worker.returncode == 0, worker.tail()
    assert "Traceback" not in worker.output(), worker.tail()
    with connect_url(stack.redis.url) as client:
        assert not RedisLockStore(client).holders()
    done = noted(stack, "done")
    back = queued(stack)
    assert len(back) + len(done) == TASKS
    assert Counter(head["id"] for head in back) == {head["id"]: 1 for head in back}
    assert all(sent[head["id"]] == head["task"] and head["expires"] for head in back)
    assert len(back) > TASKS / 2

    stack.worker("--concurrency=4", WAITS_FOR="nothing")
    eventually(lambda: len(noted(stack, "done")) == TASKS, 60)
    assert Counter(noted(stack, "done")) == {f"task-{number}": 1 for number in range(TASKS)}
    ends = Counter(run.status for number in range(TASKS) for run in stack.history(f"task-{number}"))
    eventually(lambda: stack.history(noted(stack, "done")[-1])[0].status == "succeeded")
    assert ends["cancelled"] == len(back)


@pytest.mark.timeout(200)
def test_runs_that_wait_for_their_turn_to_begin_go_back_unrun(stack: Stack) -> None:
    """Nobody is asked for a lock while Redis is busy, so all but a few stand in line."""
    send(stack)
    with connect_url(stack.redis.url) as client:
        worker = stack.worker(
            f"--concurrency={TASKS}",
            "--",
            f"worker.soft_shutdown_timeout={SOFT}",
            REMAP_SIGTERM="SIGQUIT",
            WAITS_FOR="delay",
        )
        eventually(lambda: len(noted(stack, "began")) > 0, 60)
        worker.terminate()  # amid the begin of them all
        eventually(lambda: not worker.running, LONGEST)
        assert worker.returncode == 0, worker.tail()
        assert "Traceback" not in worker.output(), worker.tail()
        assert not RedisLockStore(client).holders()
    assert len({head["id"] for head in queued(stack)}) == len(queued(stack)) == TASKS
    assert not noted(stack, "done")
