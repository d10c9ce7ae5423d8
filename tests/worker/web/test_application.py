"""What every route of the web process shares: health, limits, errors without the inside."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest
import redis
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from config import load_settings
from tests.harness.refusing import refusing_writes
from worker.machine.redis_server import RedisServer
from worker.redis_client import connect_url
from worker.store import Store
from worker.web.application import make_app
from worker.web.body_limit import BodyLimit
from worker.web.groups import RouteGroup
from worker.web.health import KEPT, health
from worker.web.resources import Resources

from .conftest import Serve, serve_app

#: Where no task is scheduled.
NOT_NEEDED = {"scheduler": "not needed", "workers": "not needed"}


def resources(client: redis.Redis, store: Store) -> Resources:
    settings = load_settings(redis_url="redis://127.0.0.1:1/0")
    return Resources(settings, client, store, {}, lambda task, message, expires: None)


def test_health_tells_what_is_reached(serve: Serve) -> None:
    answer = httpx.get(f"{serve().url}/healthz")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok", "redis": "ok", "database": "ok", "scheduler": "starting", "workers": "starting",
    }  # fmt: skip


def test_health_tells_what_is_not_reached_and_nothing_else(store: Store, tmp_path: Path) -> None:
    with (
        RedisServer(tmp_path / "redis") as server,
        connect_url(server.url) as client,
        ExitStack() as stack,
    ):
        url = serve_app(make_app(resources(client, store), [health]), stack)
        server.stop()
        answer = httpx.get(f"{url}/healthz", timeout=30)
    assert answer.status_code == 503
    assert answer.json() == {"status": "unwell", "redis": "unreachable", "database": "ok"} | NOT_NEEDED


def test_a_database_that_is_away_is_told_of(client: redis.Redis) -> None:
    away = Store("postgresql+psycopg://somebody:hidden@127.0.0.1:1/nothing")
    with ExitStack() as stack:
        url = serve_app(make_app(resources(client, away), [health]), stack)
        answer = httpx.get(f"{url}/healthz", timeout=30)
    assert answer.status_code == 503
    assert answer.json()["database"] == "unreachable"
    assert "hidden" not in answer.text


def test_a_database_and_a_redis_that_only_read_are_told_of(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        RedisServer(tmp_path / "redis") as server,
        connect_url(server.url) as client,
        ExitStack() as stack,
    ):
        url = serve_app(make_app(resources(client, store), [health]), stack)
        client.replicaof("127.0.0.1", "1")
        with refusing_writes(tmp_path / "lockstep.db"):
            for _ in range(2):
                answer = httpx.get(f"{url}/healthz", timeout=30)
                time.sleep(KEPT)
        assert answer.status_code == 503
        told = {"status": "unwell", "redis": "unreachable", "database": "unreachable"}
        assert answer.json() == told | NOT_NEEDED
        lines = [record.message for record in caplog.records if record.levelname == "ERROR"]
        assert len(lines) == 2
        assert any("database or disk is full" in line for line in lines)
        client.replicaof("NO", "ONE")
        assert httpx.get(f"{url}/healthz", timeout=30).status_code == 200


def test_errors_are_json_and_tell_nothing_of_the_inside(client: redis.Redis, store: Store) -> None:
    def fail(_: Request) -> JSONResponse:
        raise RuntimeError("the inside")

    def group(_: Resources) -> RouteGroup:
        return RouteGroup("/", [Route("/fail", fail)])

    with ExitStack() as stack:
        url = serve_app(make_app(resources(client, store), [group]), stack)
        answers = [
            httpx.get(f"{url}/fail"),
            httpx.get(f"{url}/nowhere"),
            httpx.post(f"{url}/fail"),
        ]
    assert [answer.status_code for answer in answers] == [500, 404, 405]
    for answer in answers:
        assert answer.json()["error"]["status"] == answer.status_code
        assert "inside" not in answer.text


def test_each_group_has_its_own_limit_and_its_background(client: redis.Redis, store: Store) -> None:
    seen: list[str] = []

    @asynccontextmanager
    async def background() -> AsyncIterator[None]:
        seen.append("begun")
        yield
        seen.append("ended")

    async def length(request: Request) -> JSONResponse:
        return JSONResponse(len(await request.body()))

    def small(_: Resources) -> RouteGroup:
        return RouteGroup("/small", [Route("/small", length, methods=["POST"])], max_body=10)

    def large(_: Resources) -> RouteGroup:
        routes = [Route("/large/{id}", length, methods=["POST"])]
        return RouteGroup("/large", routes, max_body=1_000_000, background=background)

    with ExitStack() as stack:
        url = serve_app(make_app(resources(client, store), [small, large]), stack)
        assert seen == ["begun"]
        assert httpx.post(f"{url}/small", content=b"x" * 10).json() == 10
        assert httpx.post(f"{url}/small", content=b"x" * 11).status_code == 413
        assert httpx.post(f"{url}/large/1", content=b"x" * 900_000).json() == 900_000
    assert seen == ["begun", "ended"]


async def test_a_body_that_does_not_arrive_is_given_up() -> None:
    async def read(scope: object, receive: object, send: object) -> None:
        await Request(scope, receive).body()  # type: ignore[arg-type]

    async def never() -> dict[str, object]:
        await asyncio.Event().wait()
        return {}

    scope = {"type": "http", "path": "/", "headers": [], "method": "POST"}
    limited = BodyLimit(read, {}, arrival=0.05)  # type: ignore[arg-type]
    with pytest.raises(Exception, match="did not arrive in time"):
        await limited(scope, never, never)  # type: ignore[arg-type]


def test_a_connection_that_breaks_off_harms_nobody(serve: Serve) -> None:
    server = serve()
    port = int(server.url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port)) as broken:
        broken.sendall(b"POST /webhooks/notion HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{")
    assert httpx.get(f"{server.url}/healthz").status_code == 200
