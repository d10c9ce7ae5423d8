"""A Redis user with no more rights than the documented ones runs everything."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import httpx
import pytest
import redis

from tests.harness import ProbeSpec, RedisServer, Stack, eventually, free_port
from worker.redis_client import connect_url

pytestmark = pytest.mark.processes

SETTINGS = Path(__file__).parents[3] / "docs" / "settings.md"
PASSWORD = "a/b#c"


def documented(user: str) -> list[str]:
    """The words of the line in the documentation that makes the user."""
    text = SETTINGS.read_text("utf-8")
    found = re.search(rf"^ +(ACL SETUSER {user} .*(?:\n +[^A\s].*)*)$", text, re.MULTILINE)
    assert found
    return found[1].replace("<password>", PASSWORD).split()


@contextmanager
def guarded(directory: Path, binary: str | None = None) -> Iterator[tuple[RedisServer, redis.Redis]]:
    """A server with the documented users and none without a login, and a client that may do everything."""
    with RedisServer(directory / "redis", binary=binary) as server, connect_url(server.url) as first:
        first.execute_command("ACL", "SETUSER", "operator", "on", ">word", "~*", "&*", "+@all")
        with redis.Redis(
            port=server.port, username="operator", password="word", decode_responses=True
        ) as operator:
            for user in ("lockstep", "onlooker", "default"):
                operator.execute_command(*documented(user))
            with pytest.raises(redis.AuthenticationError):
                redis.Redis(port=server.port).ping()
            yield server, operator


def url_of(user: str, server: RedisServer) -> str:
    return f"redis://{user}:a%2Fb%23c@127.0.0.1:{server.port}/0"


def test_who_only_looks_sees_and_changes_nothing(tmp_path: Path) -> None:
    with guarded(tmp_path) as (server, operator):
        env = {"REDIS_URL": url_of("lockstep", server)}
        with Stack(tmp_path, ProbeSpec(every=60), redis=server, env=env) as stack:
            stack.sides().other.be_slow(listing=60)
            stack.worker()
            stack.beat()
            eventually(lambda: operator.exists("lockstep:{probe}:lock"))
            looking = url_of("onlooker", server)

            looks = count()

            def phase() -> str:
                name = f"status{next(looks)}"
                status = stack.lockstep("status", "--json", name=name, REDIS_URL=looking)
                assert status.wait_exit() == 0, status.tail()
                (task,) = json.loads(status.output())["tasks"]
                return str(task["running"]["phase"])

            assert eventually(phase) in {"open", "list"}  # a phase is shown once it lasts
            message = json.dumps({"headers": {"task": "sync.probe", "id": "1"}})
            with redis.Redis.from_url(looking) as onlooker:
                for command in (
                    ("LPUSH", "celery", message),
                    ("HSET", "lockstep:schedule", "probe", "{}"),
                    ("DEL", "lockstep:{probe}:lock"),
                    ("EVAL", "return redis.call('DEL', KEYS[1])", 1, "lockstep:{probe}:lock"),
                    ("PUBLISH", "/0.celery.pidbox", "{}"),
                    ("SUBSCRIBE", "/0.celeryev/worker.heartbeat"),
                    ("FLUSHDB",),
                    ("CONFIG", "GET", "dir"),
                ):
                    with pytest.raises(redis.ResponseError, match=r"(?i)permission|can't run this command"):
                        onlooker.execute_command(*command)


def test_the_documented_rights_are_enough(tmp_path: Path) -> None:
    with guarded(tmp_path) as (server, operator):
        operator.acl_log_reset()
        env = {"REDIS_URL": url_of("lockstep", server)}
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
