"""Strangers who send much, or nothing, while others want to be served."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import psutil
import pytest
import redis
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.harness.process import Process, eventually
from tests.harness.stack import Stack
from worker.store import Store
from worker.web.application import make_app
from worker.web.body_limit import IN_FLIGHT
from worker.web.groups import RouteGroup
from worker.web.resources import Resources

from .conftest import serve_app
from .test_application import resources
from .test_processes import web

MIB = 1024 * 1024


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Process, str]]:
    with Stack(tmp_path) as stack:
        process, url = web(stack)
        process.wait_for_line("Uvicorn running", timeout=60)
        yield process, url


def connect(url: str) -> socket.socket:
    address = httpx.URL(url)
    return socket.create_connection((address.host, address.port or 80), timeout=30)


def memory(process: Process) -> int:
    return sum(
        each.memory_info().rss
        for each in [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    )


@pytest.mark.processes
def test_bodies_of_strangers_are_not_waited_for(served: tuple[Process, str]) -> None:
    process, url = served
    assert httpx.get(f"{url}/healthz", timeout=60).status_code == 200
    before, grown = memory(process), 0
    body = b"x" * MIB
    with ExitStack() as stack:
        sockets = [stack.enter_context(connect(url)) for _ in range(40)]
        for each in sockets:
            head = f"POST /nodes/none/sync HTTP/1.1\r\nhost: h\r\ncontent-length: {16 * MIB}\r\n\r\n"
            each.sendall(head.encode())
        for _ in range(15):
            for each in sockets:
                with suppress(OSError):
                    each.sendall(body)
            grown = max(grown, memory(process) - before)
        assert httpx.get(f"{url}/healthz", timeout=60).status_code == 200
    assert grown < 60 * MIB


@pytest.mark.processes
def test_headers_that_never_end_are_not_waited_for(served: tuple[Process, str]) -> None:
    _, url = served
    with ExitStack() as stack:
        silent = [stack.enter_context(connect(url)) for _ in range(600)]
        for each in silent:
            with suppress(OSError):  # some had to make room for others
                each.sendall(b"POST /webhooks/notion HTTP/1.1\r\nhost: h\r\nx-a: ")
        again = stack.enter_context(connect(url))
        again.sendall(b"GET /nowhere HTTP/1.1\r\nhost: h\r\n\r\n")
        assert again.recv(65536).startswith(b"HTTP/1.1 404")
        again.sendall(b"GET /nowhere HTTP/1.1\r\nhost: ")  # as silent, after a request that was in order
        began = time.monotonic()
        assert httpx.get(f"{url}/healthz", timeout=60).status_code == 200
        assert time.monotonic() - began < 8

        def ended(each: socket.socket) -> bool:
            each.setblocking(False)
            try:
                return each.recv(65536) == b""
            except BlockingIOError:
                return False
            except OSError:
                return True

        left = [*silent, again]

        def all_ended() -> bool:
            left[:] = [each for each in left if not ended(each)]
            return not left

        eventually(all_ended, 20)
        assert httpx.get(f"{url}/healthz", timeout=60).status_code == 200


def test_all_bodies_together_have_a_limit(client: redis.Redis, store: Store) -> None:
    async def read(request: Request) -> JSONResponse:
        return JSONResponse(len(await request.body()))

    def group(_: Resources) -> RouteGroup:
        return RouteGroup("/large", [Route("/large", read, methods=["POST"])], max_body=16 * MIB)

    with ExitStack() as stack:
        url = serve_app(make_app(resources(client, store), [group]), stack)
        head = f"POST /large HTTP/1.1\r\nhost: h\r\ncontent-length: {16 * MIB}\r\n\r\n".encode()
        held = [stack.enter_context(connect(url)) for _ in range(IN_FLIGHT // (16 * MIB))]
        for each in held:
            each.sendall(head + b"x" * (16 * MIB - 1))
        eventually(lambda: httpx.post(f"{url}/large", content=b"x" * 1000).status_code == 503)
        refused = httpx.post(f"{url}/large", content=b"x" * 1000)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        for each in held:
            each.sendall(b"x")
            assert each.recv(65536).startswith(b"HTTP/1.1 200")
        assert httpx.post(f"{url}/large", content=b"x" * 1000).json() == 1000
