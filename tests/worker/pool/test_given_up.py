"""A run that does not end at its hard limit has failed, in every pool: it counts, and is not made again for ever."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import MakeStack, stacks

pytestmark = pytest.mark.processes

FAST = ("--without-mingle", "--concurrency=2")
LIMITS = {"LOCKSTEP_SOFT_TIME_LIMIT": "1", "LOCKSTEP_TIME_LIMIT": "3", "LOCKSTEP_RETRY_SECONDS": "1"}
TASKS = {"LOCKSTEP_TASKS": "tests.worker.pool.blocking_tasks", "PROBE_TASKS": "[]"}


@pytest.fixture
def make(tmp_path: Path) -> Iterator[MakeStack]:
    with stacks(tmp_path, lease_seconds=1, **TASKS, **LIMITS) as make:
        yield make


@pytest.mark.parametrize("blocks", ["function", "coroutine"])
@pytest.mark.parametrize("pool", ["pool", "prefork"])
def test_it_counts_as_a_failure(make: MakeStack, pool: str, blocks: str) -> None:
    stack = make(BLOCKING=json.dumps({"blocker": [blocks, 8, 1]}))
    worker = stack.worker(*FAST, *([] if pool == "pool" else ["--pool", pool]))
    beat = stack.beat()
    beat.wait_for_line("'blocker': all 1 runs are done", timeout=40)
    # Long enough for what was lost to be sent again, and for a blocked thread of the default pool to end.
    time.sleep(4)
    # One more may have come due before the first began on a busy machine.
    runs = [run for run in stack.history("blocker") if run.status != "skipped"]
    assert [run.status for run in runs] == ["failed"], runs
    assert "time limit" in runs[0].reason
    assert runs[0].finished_at is not None
    assert "Traceback" not in worker.output(), worker.tail()
