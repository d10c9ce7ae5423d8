"""The web process as the Procfile starts it, with a real worker and no beat."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from sandbox.notion import Behaviour, Sandbox
from tasks.services.notion.api.webhooks import SIGNATURE_HEADER, sign
from tests.harness.process import Process, eventually
from tests.harness.sides import ProbeSpec
from tests.harness.stack import ROOT, Stack
from tests.worker.alarms.conftest import receiving
from worker.machine.redis_server import free_port
from worker.redis_client import connect_url
from worker.store import RunRecord
from worker.web.webhooks.handshake import HandshakeWindow
from worker.web.webhooks.wakeups import Pace

from .conftest import DATA_SOURCE, SECRET, TOKEN, event

pytestmark = pytest.mark.processes


def web(stack: Stack, *, name: str = "web", port: int = 0, **env: str) -> tuple[Process, str]:
    """The process of the Procfile's line and its address; of a free port for 0."""
    port = port or free_port()
    lines = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
    command = lines["web"].replace("exec python", f"exec {shlex.quote(sys.executable)}")
    process = stack.run(
        ["/bin/sh", "-c", command.replace("0.0.0.0", "127.0.0.1")], name=name, PORT=str(port), **env
    )
    return process, f"http://127.0.0.1:{port}"


def test_two_hundred_events_make_a_worker_run_once_or_twice(tmp_path: Path) -> None:
    specs = ProbeSpec(name="rows", every=3600), ProbeSpec(name="limited", every=3600, total=2)
    env = {
        "LOCKSTEP_TASKS": "tests.worker.web.woken_tasks",
        "NOTION_WEBHOOK_SECRET": SECRET.get_secret_value(),
    }
    with receiving() as told, Stack(tmp_path, *specs, env=env) as stack:
        halted = RunRecord(run_id="h", task="limited", status="halted", reason="it would delete 9 of 9")
        stack._store.runs.enter(replace(halted, finished_at=halted.started_at))
        alerts = {"ALERT_URLS": f"json://{told.address}/alerts"}
        stack.worker(**alerts)
        process, url = web(stack, **alerts)
        process.wait_for_line("Uvicorn running", timeout=40)
        assert httpx.get(f"{url}/healthz", timeout=30).json()["status"] == "ok"
        stack.sides("rows").notion.create(Name="milk", Done=False)

        def deliver(_: int) -> int:
            content = json.dumps(event()).encode()
            headers = {SIGNATURE_HEADER: sign(SECRET, content)}
            return http.post(f"{url}/webhooks/notion", content=content, headers=headers).status_code

        began = time.monotonic()
        with ThreadPoolExecutor(8) as pool, httpx.Client(timeout=60) as http:
            assert set(pool.map(deliver, range(200))) == {200}
        seconds = time.monotonic() - began
        eventually(stack.sides("rows").equal, 40, "both sides to be equal")
        time.sleep(4)
        # One more for each time that the machine is too slow to deliver the burst within the longest wait.
        assert 1 <= len(stack.sides("rows").notion.runs()) <= 2 + seconds // Pace().longest
        assert not stack.sides("limited").notion.runs()
        # Both processes look for alarms, and one of them tells.
        assert eventually(lambda: [each["title"] for each in told.messages], 40) == [
            "Lockstep: halted of limited, critical"
        ]
        metrics = httpx.get(f"{url}/metrics", timeout=30).text
        assert 'lockstep_alarm{kind="halted",severity="critical",task="limited"} 1.0' in metrics
        assert re.search(r'lockstep_runs_total{result="succeeded",task="rows"} [1-9]', metrics)
        refused = httpx.post(f"{url}/webhooks/notion", content=b"x" * 500_000, timeout=30)
        assert refused.status_code == 413
        process.terminate()
        assert process.wait_exit(timeout=20) in (0, -15)
        assert "Traceback" not in process.output()
        assert SECRET.get_secret_value() not in process.output()


def test_the_operator_opens_the_window_for_a_handshake(tmp_path: Path) -> None:
    with Stack(tmp_path) as stack:
        process, url = web(stack)
        process.wait_for_line("Uvicorn running", timeout=40)
        offer = json.dumps({"verification_token": TOKEN}).encode()
        assert httpx.post(f"{url}/webhooks/notion", content=offer, timeout=30).status_code == 403
        operator(stack, "open", "open_window()")
        assert httpx.post(f"{url}/webhooks/notion", content=offer, timeout=30).status_code == 200
        assert json.loads(operator(stack, "show", "show(as_json=True)"))["token"] == TOKEN
        assert TOKEN in operator(stack, "show-text", "show(as_json=False)")
        operator(stack, "close", "close()")
        assert json.loads(operator(stack, "show-again", "show(as_json=True)"))["token"] is None
        assert TOKEN not in process.output()


def test_a_subscription_of_the_sandbox_from_the_handshake_to_the_run(tmp_path: Path) -> None:
    specs = ProbeSpec(name="rows", every=3600)
    with (
        Sandbox() as sandbox,
        Stack(tmp_path, specs, env={"LOCKSTEP_TASKS": "tests.worker.web.woken_tasks"}) as stack,
    ):
        ada = sandbox.person("Ada")
        other = ada.create_data_source("Other", {})
        shown = ada.request("GET", f"data_sources/{other}")
        sandbox.put([shown | {"id": DATA_SOURCE}])
        process, url = web(stack)
        process.wait_for_line("Uvicorn running", timeout=40)
        with connect_url(stack.redis.url) as client:
            window = HandshakeWindow(client)
            window.open()
            subscription = sandbox.webhooks.subscribe(f"{url}/webhooks/notion")
            shown_to_operator = window.token()
        assert shown_to_operator is not None
        token = shown_to_operator.get_secret_value()
        sandbox.webhooks.verify(subscription.id, token)
        process.terminate()
        process.wait_exit(timeout=20)
        port = int(url.rsplit(":", 1)[1])
        process, _ = web(stack, name="web-again", port=port, NOTION_WEBHOOK_SECRET=token)
        process.wait_for_line("Uvicorn running", timeout=40)
        stack.worker()
        sandbox.webhooks.behaviour = Behaviour(delay=0.5, duplicate=1, reorder=True)
        ada.create_page(other, {})
        eventually(lambda: len(sandbox.webhooks.deliveries()) >= 4, 30, "events of a row of no task")
        stack.sides("rows").notion.create(Name="milk", Done=False)
        assert not stack.sides("rows").notion.runs()
        ada.create_page(DATA_SOURCE, {})
        eventually(stack.sides("rows").equal, 60, "both sides to be equal")
        assert {delivery.status for delivery in sandbox.webhooks.deliveries()} == {200}
        assert token not in process.output()


def operator(stack: Stack, name: str, call: str) -> str:
    """What a command of `lockstep webhooks` prints."""
    program = f"from worker.cli.processes import webhooks; raise SystemExit(int(webhooks.{call}))"
    process = stack.run([sys.executable, "-c", program], name=name)
    assert process.wait_exit(timeout=30) == 0, process.tail()
    return process.output()


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"REDIS_URL": ""}, "REDIS_URL is not set"),
        ({"NOTION_WEBHOOK_SECRET": "short"}, "NOTION_WEBHOOK_SECRET is not the token"),
    ],
)
def test_a_wrong_setting_is_told_in_one_line(tmp_path: Path, env: dict[str, str], words: str) -> None:
    with Stack(tmp_path) as stack:
        process, _ = web(stack, **env)
        assert process.wait_exit(timeout=30) != 0
        lines = process.output().splitlines()
        assert any(words in line for line in lines)
        assert "Traceback" not in process.output()
    assert os.environ.get("NOTION_WEBHOOK_SECRET") is None
