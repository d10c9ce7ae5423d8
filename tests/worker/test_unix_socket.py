"""A Redis that listens on a Unix socket only serves all processes."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import httpx
import pytest

from tests.harness import ProbeSpec, RedisServer, Stack, eventually, free_port
from worker.machine.redis_server import find_server
from worker.redis_client import connect_url

pytestmark = pytest.mark.processes


def test_everything_runs_over_a_socket(tmp_path: Path) -> None:
    # Paths of sockets must be short.
    with tempfile.TemporaryDirectory(prefix="Lockstep-") as short:
        socket = Path(short) / "redis.sock"
        url = f"unix://:pa%2Fss@{socket}?db=2"
        unused = RedisServer(tmp_path / "unused", port=free_port())
        with Stack(tmp_path, ProbeSpec(every=1), redis=unused, env={"REDIS_URL": url}) as stack:
            options = ["--port", "0", "--unixsocket", str(socket), "--requirepass", "pa/ss", "--save", ""]
            stack.run([find_server(), *options], name="redis")
            eventually(socket.exists)
            worker, beat = stack.worker(), stack.beat()
            flower = stack.celery("flower", "--address=127.0.0.1", f"--port={free_port()}", name="flower")
            port = free_port()
            web = stack.run([sys.executable, "-m", "uvicorn", "worker.web:app", f"--port={port}"], name="web")
            web.wait_for_line("Uvicorn running")
            eventually(lambda: [run.status for run in stack.history()][-1:] == ["succeeded"])
            status = stack.lockstep("status", name="status")
            assert status.wait_exit() == 0, status.tail()
            health = httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=30, trust_env=False)
            assert health.json()["status"] == "ok"
            flower.wait_for_line("Connected to redis")
            for process in (worker, beat, flower, web):
                assert process.running, process.tail()
                assert "Traceback" not in process.output(), process.tail()
                assert "pa/ss" not in process.output()
                assert "pa%2Fss" not in process.output()
            with connect_url(url) as client:
                assert client.exists("lockstep:schedule")
