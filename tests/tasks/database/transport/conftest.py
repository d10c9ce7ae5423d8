from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from tasks.database.records.manifest import ModelPayload, SyncManifest
from tasks.database.records.record import SyncRecord
from tasks.database.transport.server import ServedNode, node_routes
from tasks.database.transport.signing import PeerKey

KEYS = {
    "laptop": PeerKey(secret="laptop's own long secret"),
    "phone": PeerKey(token="phone's own long token"),
    "ein Gerät": PeerKey(secret="a third and long secret"),
}


def manifest(node_id: str = "laptop", **data: object) -> SyncManifest:
    record = SyncRecord("1", {"name": "Ada", **data}, {"name": 5})
    return SyncManifest(node_id, 3, payloads=[ModelPayload("person", {"1": record})])


class Office:
    """A node whose answer is what it was asked."""

    def __init__(self) -> None:
        self.asked: list[SyncManifest] = []
        self.error: BaseException | None = None
        self.served = ServedNode(self.process, {"person"}, KEYS)

    def process(self, incoming: SyncManifest) -> SyncManifest:
        self.asked.append(incoming)
        if self.error is not None:
            raise self.error
        return SyncManifest("office", incoming.checkpoint + 1, payloads=incoming.payloads)

    def app(self) -> Starlette:
        found = {"office": self.served}
        return Starlette(routes=[*node_routes(found.get, sent_max=100_000, json_max=400_000)])


@pytest.fixture
def office() -> Office:
    return Office()


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """Serves an application on a free port; gives its address."""
    with contextlib.ExitStack() as stack:

        def start(app: ASGIApp, **tls: Any) -> str:
            listening = stack.enter_context(socket.socket(proto=socket.IPPROTO_TCP))
            listening.bind(("127.0.0.1", 0))
            server = uvicorn.Server(
                uvicorn.Config(app, log_level="error", lifespan="off", timeout_graceful_shutdown=1, **tls)
            )
            thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
            thread.start()
            stack.callback(thread.join, 20)
            stack.callback(setattr, server, "should_exit", True)
            return f"{'https' if tls else 'http'}://127.0.0.1:{listening.getsockname()[1]}"

        yield start
