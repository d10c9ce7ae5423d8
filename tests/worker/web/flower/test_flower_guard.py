"""Whom Flower lets in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.harness import ProbeSpec, Process, Stack, eventually, free_port

pytestmark = pytest.mark.processes

LOGIN = httpx.BasicAuth("me", "secret-word")


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with Stack(tmp_path, ProbeSpec(every=60)) as stack:
        yield stack


def flower(stack: Stack, *arguments: str, **env: str) -> tuple[Process, str]:
    port = free_port()
    process = stack.celery("flower", f"--port={port}", *arguments, name="flower", **env)
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            return httpx.get(f"{url}/healthcheck", timeout=5).status_code > 0
        except httpx.TransportError:
            return False

    eventually(answers, 30)
    return process, url


def test_with_a_login_every_page_asks_for_it(stack: Stack) -> None:
    _, url = flower(stack, FLOWER_BASIC_AUTH="me:secret-word")
    for path in ("/metrics", "/workers", "/api/tasks", "/tasks", "/broker"):
        assert httpx.get(f"{url}{path}", timeout=30).status_code == 401, path
        assert httpx.get(f"{url}{path}", timeout=30, auth=("me", "wrong")).status_code == 401, path
    for path in ("/metrics", "/workers"):
        assert httpx.get(f"{url}{path}", timeout=30, auth=LOGIN).status_code == 200, path
    proxied = {"host": "flower.example.org"}
    assert httpx.get(f"{url}/workers", timeout=30, auth=LOGIN, headers=proxied).status_code == 200


def test_without_one_it_serves_this_machine_by_its_own_names_only(stack: Stack) -> None:
    """An empty login counts as none, in the file of settings too."""
    (stack.directory / "cwd" / ".env").write_text("FLOWER_BASIC_AUTH=\n")
    _, url = flower(stack, "--address=127.0.0.1")
    port = url.rpartition(":")[2]
    for path in ("/workers", "/metrics", "/healthcheck", "/static/css/flower.css", "/nowhere"):
        for foreign in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "10.0.0.1", ""):
            answer = httpx.get(f"{url}{path}", timeout=30, headers={"host": foreign})
            assert answer.status_code in {400, 403}, (path, foreign)
    for own in (f"127.0.0.1:{port}", f"localhost:{port}", "LOCALHOST", f"[::1]:{port}"):
        for path in ("/workers", "/metrics"):
            assert httpx.get(f"{url}{path}", timeout=30, headers={"host": own}).status_code == 200, own


@pytest.mark.parametrize("address", [[], ["--address=0.0.0.0"], ["--address=::"]])
@pytest.mark.parametrize("login", [{}, {"FLOWER_BASIC_AUTH": ""}])
def test_it_does_not_open_to_everybody_without_a_login(
    stack: Stack, address: list[str], login: dict[str, str]
) -> None:
    process = stack.celery("flower", f"--port={free_port()}", *address, name="flower", **login)
    assert process.wait_exit(40) == 2
    (line,) = [line for line in process.output().splitlines() if "lockstep:" in line]
    assert line.startswith("lockstep: Flower would let in everybody who reaches ")
    assert "set FLOWER_BASIC_AUTH=user:password, or let it listen on this machine only" in line
    assert "Traceback" not in process.output()
