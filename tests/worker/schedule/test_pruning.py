"""Beat sends the run that prunes, once a day and once for all beats, and a worker carries it out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tasks.scheduled import PRUNE
from tests.harness import MakeStack, ProbeSpec, eventually, stacks
from worker.redis_client import connect_url
from worker.store import RunRecord, Store

pytestmark = pytest.mark.processes


@pytest.fixture
def make(tmp_path: Path) -> Iterator[MakeStack]:
    with stacks(tmp_path, lease_seconds=30) as make:
        yield make


def test_two_beats_and_workers_prune_once_a_day(make: MakeStack) -> None:
    stack = make(ProbeSpec(every=2))
    store = Store(f"sqlite:///{stack.state_dir / 'lockstep.db'}")
    store.migrate()
    long_ago = datetime.now(UTC) - timedelta(days=60)
    for number in range(1200):
        store.runs.enter(
            RunRecord(run_id=f"old {number}", task="probe", status="skipped", started_at=long_ago)
        )
    workers = [stack.worker("--without-mingle", "--without-gossip") for _ in range(2)]
    beats = [stack.beat() for _ in range(2)]

    def pruned() -> RunRecord:
        (run,) = stack.history(PRUNE)
        assert run.status == "succeeded", run
        return run

    run = eventually(pruned, 30)
    assert run.counts == {"skipped": 1200}
    assert not [each for each in store.runs.list("probe", 2000) if each.run_id.startswith("old")]
    eventually(lambda: any("Pruned: 1200 skipped runs." in each.output() for each in workers), 10)
    with connect_url(stack.redis.url) as client:
        client.flushall()  # the history tells when it ran last
    for beat in beats:
        beat.kill()
    stack.beat()
    before = len(stack.history())
    eventually(lambda: len(stack.history()) >= before + 3, 30)
    assert [each.run_id for each in stack.history(PRUNE)] == [run.run_id]
    store.close()
