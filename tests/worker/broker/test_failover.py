"""A Redis that sentinels watch: the primary is killed, the replica takes its place, and all goes on by itself."""

from __future__ import annotations

import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from tests.harness import ProbeSpec, Process, RedisServer, Stack, eventually, free_port
from tests.harness.sentinels import Watched
from worker.lock.redis_store import RedisLockStore
from worker.redis_client import connect_url

SENTINEL_PASSWORD = "asked-for-by-sentinels"

pytestmark = pytest.mark.processes


def installation(directory: Path, watched: Watched, *specs: ProbeSpec, lease_seconds: float = 3.0) -> Stack:
    unused = RedisServer(directory / "unused", port=free_port())
    env = {"REDIS_URL": watched.url}
    return Stack(directory, *specs, redis=unused, lease_seconds=lease_seconds, env=env)


def goes_on(stack: Stack, name: str) -> None:
    """What is made on one side from now on reaches the other one."""
    stack.sides().notion.create(Name=name, Done=False)
    eventually(lambda: name in [row.attrs["title"] for row in stack.sides().other.rows()], 20)


def check_nothing_was_doubled(stack: Stack) -> None:
    """Each message ran once, no two runs went on at once, and nothing was made twice."""
    ran = [run for run in stack.history() if run.status != "skipped"]
    assert set(Counter(run.message_id for run in ran).values()) == {1}
    fences = [run.fence for run in ran]
    assert fences == sorted(fences, reverse=True)
    assert len(set(fences)) == len(fences)
    seen = stack.sides().notion.runs()
    for one, other in pairwise(seen):
        assert one.closed is not None
        assert one.closed <= other.opened
    assert not stack.sides().other.duplicates("title")


def check_is_well(process: Process, *secrets: str) -> None:
    assert process.running, process.tail()
    assert "Traceback" not in process.output(), process.tail()
    assert not [secret for secret in secrets if secret in process.output()]


def test_worker_beat_web_and_flower_follow_the_primary(tmp_path: Path) -> None:
    """Twice: back to the first server, which has come back as a replica meanwhile."""
    with (
        Watched(tmp_path / "redis", sentinels=3, password=SENTINEL_PASSWORD) as watched,
        installation(tmp_path, watched, ProbeSpec(every=1)) as stack,
    ):
        worker, beat = stack.worker(), stack.beat()
        port = free_port()
        web = stack.run([sys.executable, "-m", "uvicorn", "worker.web:app", f"--port={port}"], name="web")
        flower = stack.celery("flower", "--address=127.0.0.1", f"--port={free_port()}", name="flower")
        web.wait_for_line("Uvicorn running")
        flower.wait_for_line("Connected to sentinel")
        goes_on(stack, "before")

        watched.sentinels[0].kill()
        watched.lose_primary()
        goes_on(stack, "after the first")

        watched.primary.start()
        first, second = watched.primary, watched.replica
        watched.primary, watched.replica = second, first
        eventually(watched.in_step, 30)
        watched.lose_primary()
        goes_on(stack, "after the second")

        def is_well() -> bool:
            answer = httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=30, trust_env=False)
            return bool(answer.json()["status"] == "ok")

        eventually(is_well, 20)
        status = stack.lockstep("status", name="status")
        assert status.wait_exit() == 0, status.tail()
        for process in (worker, beat, web, flower):
            check_is_well(process, first.password, SENTINEL_PASSWORD)
        with connect_url(first.url) as now_primary:
            assert now_primary.exists("lockstep:schedule")
        beat.terminate()
        worker.terminate()
        worker.wait_exit(30)
        check_nothing_was_doubled(stack)


def test_a_run_whose_lease_was_not_copied_writes_no_more(tmp_path: Path) -> None:
    """The new primary gives its node away while it works. What it had begun is not made again by the next one."""
    with (
        Watched(tmp_path / "redis", down_after=2000) as watched,
        installation(tmp_path, watched, ProbeSpec(every=1), lease_seconds=20) as stack,
    ):
        stack.worker()
        stack.worker()
        beat = stack.beat()
        goes_on(stack, "before")
        with connect_url(watched.replica.url) as replica:
            beat.stop()
            eventually(lambda: watched.in_step() and RedisLockStore(replica).holder("probe") is None)
        stack.sides().other.be_slow(after=2)
        for number in range(150):
            stack.sides().notion.create(Name=f"row {number}", Done=False)
        watched.stop_copying()
        beat.cont()
        before = len(stack.sides().other.writes())
        eventually(lambda: len(stack.sides().other.writes()) > before, 20)
        watched.lose_primary()

        # By the database before a write, or by a heartbeat, whichever comes first.
        eventually(lambda: "abandoned" in [run.status for run in stack.history()], 30)
        stack.sides().other.be_slow()
        eventually(stack.sides().equal, 30)
        assert not stack.sides().other.duplicates("title")
        assert not stack.sides().notion.duplicates("Name")
