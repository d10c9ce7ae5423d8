from __future__ import annotations

import json
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
import uvicorn
from pydantic import SecretStr
from starlette.types import ASGIApp

from config import load_settings
from tasks.services.notion.api.webhooks import SIGNATURE_HEADER, sign
from tests.harness.probe_tasks import ProbeTask
from tests.harness.sides import ProbeSpec
from tests.harness.stores import new_store
from worker.machine.redis_server import RedisServer
from worker.redis_client import connect_url
from worker.store import Store
from worker.web.application import make_app
from worker.web.health import health
from worker.web.resources import Resources
from worker.web.webhooks.endpoint import webhooks
from worker.web.webhooks.wakeups import Pace

SECRET = SecretStr("secret_0123456789abcdefghij")
#: What a new subscription hands over.
TOKEN = "secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl"
DATA_SOURCE = "38b9ce7b-60a4-810a-a3e0-d0c7fde33f0c"
OTHER_SOURCE = "7a1de2f4-1111-4222-8333-444455556666"
FAST = Pace(quiet=0.15, longest=0.6, look=0.1, lease=5, idle=0.5, retry=0.2)


@pytest.fixture
def client(shared_redis: RedisServer) -> Iterator[redis.Redis]:
    with connect_url(shared_redis.url) as connected:
        connected.flushall()
        yield connected


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = new_store(tmp_path / "lockstep.db")
    yield made
    made.close()


def probe(directory: Path, name: str, data_source: str, **spec: Any) -> ProbeTask:
    task = ProbeTask(ProbeSpec(name=name, **spec), directory)
    task.data_source = data_source  # type: ignore[attr-defined]
    if spec.get("every"):
        task.run_every(seconds=spec["every"])
    if spec.get("total"):
        task.in_total(spec["total"])
    return task


@dataclass
class Server:
    """An application behind a real uvicorn, with what it asked workers for."""

    url: str
    resources: Resources
    #: (task, message id, seconds until void)
    sent: list[tuple[str, str, float]] = field(default_factory=list)
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60))

    def post(self, content: bytes, signature: str | None = None, **headers: str) -> httpx.Response:
        given = {} if signature is None else {SIGNATURE_HEADER: signature}
        return self.http.post(f"{self.url}/webhooks/notion", content=content, headers=given | headers)

    def deliver(self, event: dict[str, Any]) -> httpx.Response:
        """As Notion does it."""
        content = json.dumps(event).encode()
        return self.post(content, sign(SECRET, content))


Serve = Callable[..., Server]


def serve_app(app: ASGIApp, stack: ExitStack) -> str:
    """The address of a server for as long as the stack lasts."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=3))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)

    def stop() -> None:
        server.should_exit = True
        thread.join(20)
        listener.close()

    thread.start()
    stack.callback(stop)
    give_up_at = time.monotonic() + 30
    while not server.started:
        assert thread.is_alive()
        assert time.monotonic() < give_up_at
        time.sleep(0.01)
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def serve(client: redis.Redis, store: Store, tmp_path: Path) -> Iterator[Serve]:
    """Serves webhooks for three tasks: one that runs without end, one of another source, one with a total."""
    with ExitStack() as stack:

        def start(*, secret: SecretStr | None = SECRET, redis_client: redis.Redis = client) -> Server:
            tasks = [
                probe(tmp_path, "rows", DATA_SOURCE, every=60),
                probe(tmp_path, "elsewhere", OTHER_SOURCE, every=60),
                probe(tmp_path, "limited", DATA_SOURCE, every=60, total=3),
            ]
            settings = load_settings(
                redis_url="redis://127.0.0.1:1/0",
                notion_webhook_secret=secret and secret.get_secret_value(),
            )
            sent: list[tuple[str, str, float]] = []

            def send(task: str, message: str, expires: float) -> None:
                sent.append((task, message, expires))

            resources = Resources(settings, redis_client, store, {task.name: task for task in tasks}, send)
            app = make_app(resources, [health, lambda resources: webhooks(resources, FAST)])
            server = Server(serve_app(app, stack), resources, sent)
            stack.callback(server.http.close)
            return server

        yield start


def event(
    kind: str = "page.properties_updated", *, source: str = DATA_SOURCE, **changes: Any
) -> dict[str, Any]:
    """An event of a row of `source`, as Notion words it."""
    made: dict[str, Any] = {
        "id": str(uuid.uuid4()),
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "workspace_id": str(uuid.uuid4()),
        "subscription_id": str(uuid.uuid4()),
        "integration_id": str(uuid.uuid4()),
        "type": kind,
        "authors": [{"id": str(uuid.uuid4()), "type": "person"}],
        "attempt_number": 1,
        "api_version": "2025-09-03",
        "entity": {"id": str(uuid.uuid4()), "type": "page"},
        "data": {
            "parent": {"id": str(uuid.uuid4()), "type": "database", "data_source_id": source},
            "updated_properties": ["XGe%40"],
        },
    }
    return made | changes
