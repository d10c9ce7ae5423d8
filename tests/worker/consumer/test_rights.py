"""A Redis user with no more rights than the documented ones runs everything."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import httpx
import pytest

from tests.harness import ProbeSpec, RedisServer, Stack, eventually, free_port
from worker.redis_client import connect_url

pytestmark = pytest.mark.processes

SETTINGS = Path(__file__).parents[3] / "docs" / "settings.md"
PASSWORD = "a/b#c"


def documented() -> list[str]:
    """The words of the line in the documentation that makes the user."""
    found = re.search(r"^ +(ACL SETUSER lockstep .*(?:\n +.*)*)$", SETTINGS.read_text("utf-8"), re.MULTILINE)
    assert found
    return found[1].replace("<password>", PASSWORD).split()


def test_the_documented_rights_are_enough(tmp_path: Path) -> None:
    with RedisServer(tmp_path / "redis") as server, connect_url(server.url) as operator:
        operator.execute_command(*documented())
        url = f"redis://lockstep:a%2Fb%23c@127.0.0.1:{server.port}/0"
        env = {"REDIS_URL": url}
        with Stack(tmp_path, ProbeSpec(every=1), ProbeSpec("once", total=1), redis=server, env=env) as stack:
            first, _, second = stack.worker(), stack.beat(), stack.worker()
            flower = stack.celery("flower", "--address=127.0.0.1", f"--port={free_port()}", name="flower")
            port = free_port()
            stack.run([sys.executable, "-m", "uvicorn", "worker.web:app", f"--port={port}"], name="web")
            for task in ("probe", "once"):
                eventually(
                    lambda task=task: [run.status for run in stack.history(task)][-1:] == ["succeeded"]
                )  # type: ignore[misc]
            assert stack.lockstep("run", "probe", name="run").wait_exit() in {0, 4}
            status = stack.lockstep("status", name="status")
            assert status.wait_exit() == 0, status.tail()
            health = eventually(lambda: answer(f"http://127.0.0.1:{port}/healthz"))
            assert health["status"] == "ok", health
            flower.wait_for_line("Connected to redis")
            assert "Failed to capture" not in flower.output(), flower.tail()
            # A worker that ends while a run is under way puts its last events and its locks in order.
            first.terminate()
            assert first.wait_exit() == 0, first.tail()
            assert second.running
            for process in (first, second):
                assert "Redis fails" not in process.output(), process.tail()
        denied = {str(entry["object"]).lower() for entry in operator.acl_log()}
        # The library gives its name and version where it may.
        assert {each for each in denied if not each.startswith("client")} == set()


def answer(url: str) -> dict[str, str]:
    try:
        found: dict[str, str] = httpx.get(url, timeout=10, trust_env=False).json()
    except httpx.TransportError:
        return {}
    return found
