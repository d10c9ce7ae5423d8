from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.processes


def start(
    command: list[str], project: Path, environment: dict[str, str], *options: str
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*command, "sandbox", "notion", "--port", "0", *options],
        cwd=project,
        env={**environment, "PYTHONPATH": str(Path(__file__).parents[4])},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ask(process: subprocess.Popen[str], printed: dict[str, str]) -> Any:
    """Wait for the address and ask who we are."""
    assert process.stdout is not None
    for line in process.stdout:
        printed.update([line.strip().split("  ", 1)] if "  " in line else [])
        if line.startswith("NOTION_BASE_URL"):
            url = line.split()[1]
        if line.startswith("Data"):
            break
    headers = {"Authorization": "Bearer anything", "Notion-Version": "2025-09-03"}
    for _ in range(100):
        try:
            with urllib.request.urlopen(
                urllib.request.Request(f"{url}/v1/users/me", headers=headers)
            ) as answer:
                return json.load(answer)
        except urllib.error.URLError:
            if process.poll() is not None:
                break
            time.sleep(0.1)
    raise AssertionError("the workspace does not answer")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_workspace_is_served_until_told_to_stop(
    command: list[str], project: Path, environment: dict[str, str], how: signal.Signals
) -> None:
    process = start(command, project, environment, "--data", "notion.db", "--rate-limit", "2.5")
    printed: dict[str, str] = {}
    try:
        assert ask(process, printed)["object"] == "user"
        url = printed["NOTION_BASE_URL"].strip()
        assert printed["In a browser"].strip() == f"{url}/"
        assert printed["Back door"].split()[0] == f"{url}/_sandbox/"
        with urllib.request.urlopen(f"{url}/_sandbox/rate_limit") as answer:
            assert json.load(answer)["rate_limit"]["per_second"] == 2.5
        process.send_signal(how)
        output, _ = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, output
    assert "Traceback" not in output
    assert (project / "notion.db").exists()


def test_a_port_in_use(lockstep: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = lockstep("sandbox", "notion", "--port", str(port))
    assert done.returncode == 5
    assert done.stderr.startswith(f"lockstep: The Notion workspace cannot listen on 127.0.0.1:{port} (")
    assert len(done.stderr.splitlines()) == 1


def test_a_file_that_is_no_workspace(lockstep: Any) -> None:
    done = lockstep("sandbox", "notion", "--port", "0", "--data", "lockstep.toml")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "lockstep.toml" in done.stderr
    assert "Traceback" not in done.stderr
