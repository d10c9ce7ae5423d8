"""A message that has expired is discarded aloud: by name, and by how much it came too late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.harness import ProbeSpec, stacks
from tests.worker.broker.test_bad_messages import message
from worker.redis_client import connect_url

pytestmark = pytest.mark.processes


def test_a_message_that_has_expired_is_told_by_name_and_measure(tmp_path: Path) -> None:
    with stacks(tmp_path, lease_seconds=1.5) as make:
        stack = make(ProbeSpec(every=60))
        expired = (datetime.now(UTC) - timedelta(seconds=90)).isoformat()
        with connect_url(stack.redis.url) as client:
            client.lpush(
                "celery", message([[], {}, {}], headers__task="sync.probe", headers__expires=expired)
            )
        process = stack.worker("--without-mingle", "--without-gossip")
        process.wait_for_line("A message for sync.probe was discarded")
        assert "it expired 9" in process.output()
        assert stack.history() == []
