"""A worker works for months: nothing is kept of a run that has ended."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.harness import MakeStack, ProbeSpec, eventually, stacks
from tests.worker.pool.test_stops_under_load import load

#: Runs before the first look, which fill what is filled once, and those between the looks.
BEFORE, BETWEEN = 40, 80
#: Whose objects are counted: what is kept of a run holds some of them, and no statement that is put into words does.
OF_RUNS = ("worker.", "tasks.", "celery.", "kombu.", "vine.", "_asyncio.", "concurrent.")


@pytest.mark.processes
@pytest.mark.parametrize(
    ("pool", "ends"),
    [("task_pool", "well"), ("task_pool", "an error"), ("task_pool", "a fault"), ("prefork", "well")],
)
def test_a_worker_grows_by_no_run(tmp_path: Path, pool: str, ends: str) -> None:
    tasks = {"LOCKSTEP_TASKS": "tests.worker.pool.counting_tasks", "PROBE_TASKS": "[]", "COUNTING_ENDS": ends}
    with stacks(tmp_path, lease_seconds=30, **tasks) as make:
        counts = objects_of_runs(make, pool)
    grown = counts[-1]
    grown.subtract(counts[BEFORE])
    more = {name: number for name, number in grown.items() if name.startswith(OF_RUNS)}
    kept = {
        name: number for name, number in more.items() if number >= BETWEEN / 2
    }  # the run before may be ending
    assert not kept


def objects_of_runs(make: MakeStack, pool: str) -> list[Counter[str]]:
    stack = make(ProbeSpec("counting", every=3600))
    options = [] if pool == "task_pool" else ["--pool", pool]
    stack.worker("--without-mingle", "--concurrency=1", *options)
    lines = stack.directory / "sides" / "objects.jsonl"
    for done in range(1, BEFORE + BETWEEN + 1):
        load(stack, 1)
        eventually(lambda done=done: lines.exists() and len(lines.read_text().splitlines()) == done, 20)  # type: ignore[misc]
    return [Counter(json.loads(line)) for line in lines.read_text().splitlines()]
