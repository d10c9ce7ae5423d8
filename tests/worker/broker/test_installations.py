"""Two installations that are given one Redis by mistake: the second is refused, before it takes a message."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness import ProbeSpec, RedisServer, Stack, eventually
from worker.broker.installation import KEY
from worker.redis_client import connect_url
from worker.store import Store
from worker.store.tables.installation import installation_of

pytestmark = pytest.mark.processes


def test_a_second_installation_is_refused(tmp_path: Path) -> None:
    with (
        RedisServer(tmp_path / "redis") as server,
        Stack(tmp_path / "first", ProbeSpec(every=1), redis=server) as first,
        Stack(tmp_path / "second", ProbeSpec("other", every=1), redis=server) as second,
    ):
        worker, beat = first.worker(), first.beat()
        eventually(first.history)
        for process in (second.worker(ready=False), second.beat(ready=False)):
            assert process.wait_exit() == 2, process.tail()
            assert "REDIS_URL is the Redis of another installation" in process.output()
            assert "Traceback" not in process.output()
        assert second.history("other") == []
        seen = len(first.history())
        eventually(lambda: len(first.history()) > seen)
        assert worker.running
        assert beat.running
        assert "thrown away" not in worker.output()
        # Both mends that the message names.
        beat.terminate()
        worker.terminate()
        beat.wait_exit()
        worker.wait_exit()
        apart = server.url.removesuffix("0") + "1"
        assert second.worker(REDIS_URL=apart).running
        with connect_url(server.url) as client:
            client.delete(KEY)
        assert second.worker().running


def test_a_database_keeps_its_number(tmp_path: Path) -> None:
    numbers = set()
    for name in ("one", "one", "two"):
        store = Store(f"sqlite:///{tmp_path / name}.db")
        store.migrate()
        numbers.add(installation_of(store))
        store.prove_writable()
        numbers.add(installation_of(store))
        store.close()
    assert len(numbers) == 2
