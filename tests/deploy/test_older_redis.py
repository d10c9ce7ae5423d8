"""A Redis that is put back from an older copy, as docs/backup.md has it: no total is exceeded, and runs go on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.harness import ProbeSpec, Stack, eventually

pytestmark = pytest.mark.processes
TOTAL = 4


def test_an_older_copy_of_redis_makes_no_run_too_many(tmp_path: Path) -> None:
    with Stack(tmp_path, ProbeSpec(every=1), ProbeSpec("some", every=1, total=TOTAL)) as stack:

        def done(task: str) -> int:
            return sum(run.status == "succeeded" for run in stack.history(task))

        worker, beat = stack.worker(), stack.beat()
        eventually(lambda: done("some") >= 1, 20)
        stack.redis.stop()
        copy = tmp_path / "copy"
        shutil.copytree(stack.redis.directory, copy)
        stack.redis.start()
        eventually(lambda: done("some") == TOTAL, 30)
        stack.sides().notion.create(Name="milk", Done=False)
        eventually(stack.sides().equal, 20)
        stack.redis.stop()
        shutil.rmtree(stack.redis.directory)
        shutil.copytree(copy, stack.redis.directory)
        stack.redis.start()
        before = done("probe")
        stack.sides().notion.create(Name="bread", Done=False)
        eventually(lambda: done("probe") >= before + 3, 30)
        assert stack.sides().equal()
        assert done("some") == TOTAL
        assert {run.status for run in stack.history()} <= {"succeeded", "skipped", "running"}
        assert worker.running, worker.tail()
        assert beat.running, beat.tail()
