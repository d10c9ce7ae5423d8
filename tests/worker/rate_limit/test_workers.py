"""Workers and single runs draw their requests from one budget, in the name of their task."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.notion import Sandbox
from tests.harness.process import eventually
from tests.harness.sides import ProbeSpec
from tests.harness.stack import Stack
from worker import rate_limit
from worker.redis_client import connect_url

pytestmark = pytest.mark.processes

TOKEN = "ntn_0123456789abcdefghij"


def test_a_worker_and_a_single_run_share_a_budget(tmp_path: Path) -> None:
    with Sandbox() as notion:
        env = {
            "LOCKSTEP_TASKS": "tests.worker.rate_limit.asking_tasks",
            "NOTION_BASE_URL": notion.url,
            "NOTION_TOKEN": TOKEN,
            "LOCKSTEP_NOTION_RATE": "50",
        }
        specs = ProbeSpec(name="scheduled", every=3600), ProbeSpec(name="by hand", every=3600)
        with Stack(tmp_path, *specs, env=env) as stack, connect_url(stack.redis.url) as client:
            single = stack.lockstep("run", "by hand")
            assert single.wait_exit(timeout=40) == 0, single.tail()
            (use,) = rate_limit.budgets(client)
            assert set(use.tasks) == {"by hand"}
            stack.worker()
            stack.beat()
            eventually(lambda: "scheduled" in rate_limit.budgets(client)[0].tasks, 40, "a scheduled run")
            (use,) = rate_limit.budgets(client)
            assert use.processes == 2
            assert use.rate == pytest.approx(50 * rate_limit.PORTION, abs=0.1)
            everything = [client.dump(key) for key in client.scan_iter() if "budget" in str(key)]
            assert everything
            assert TOKEN not in repr(everything) + repr(client.keys("*"))
