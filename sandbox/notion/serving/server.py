"""Runs the workspace as a server: in the foreground, or in a thread beside a test."""

from __future__ import annotations

import socket
import sqlite3
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any

import uvicorn

from sandbox.notion.requests.call import Limits
from sandbox.notion.requests.counters import Counters
from sandbox.notion.requests.hosts import Hosts
from sandbox.notion.requests.rate_limit import RateLimit, RateLimiter
from sandbox.notion.serving.app import app
from sandbox.notion.serving.errors import SandboxError
from sandbox.notion.state.clock import Clock
from sandbox.notion.state.index_lag import LaggingIndex
from sandbox.notion.state.store import Store
from sandbox.notion.webhooks import Sender
from sandbox.notion.workspace.background import Background
from sandbox.notion.workspace.faults import Faults
from sandbox.notion.workspace.person import Person
from sandbox.notion.workspace.workspace import Workspace
from sandbox.served import Served


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # asyncio sets TCP_NODELAY by it
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(512)
    except OSError as error:
        listener.close()
        raise SandboxError(
            f"The Notion sandbox cannot listen on {host}:{port} ({error.strerror}); choose another port"
        ) from None
    return listener


def _hosts(host: str, listener: socket.socket, others: Iterable[str]) -> Hosts:
    try:
        return Hosts.of(host, int(listener.getsockname()[1]), others)
    except ValueError as error:
        listener.close()
        raise SandboxError(f"The Notion sandbox cannot be asked under that name: {error}") from None


def _server(
    path: Path | None,
    tokens: Collection[str] | None,
    hosts: Hosts,
    limits: Limits | None = None,
    rate_limit: RateLimit | None = None,
) -> tuple[Workspace, uvicorn.Server]:
    try:
        application = app(path, tokens=tokens, limits=limits, rate_limit=rate_limit, hosts=hosts)
    except sqlite3.Error as error:
        raise SandboxError(f"The Notion sandbox cannot use {path} as its database: {error}") from None
    config = uvicorn.Config(
        application,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=3,
    )
    workspace: Workspace = application.state.workspace
    return workspace, uvicorn.Server(config)


def serve(
    port: int,
    path: Path | None,
    host: str = "127.0.0.1",
    *,
    tokens: Collection[str] | None = None,
    rate_limit: RateLimit | None = None,
    hosts: Iterable[str] = (),
    announce: Callable[[], None] = lambda: None,
) -> None:
    """Serve a workspace until the process is told to stop. A None `path` keeps it in memory.

    Args:
        hosts: further names under which it answers, as `name` or `name:port`.
        announce: called when the workspace is open and its port held.

    Raises:
        SandboxError: The port is taken, the file is no database of a workspace, or a name is none.
    """
    listener = _listen(host, port)
    with listener:
        workspace, server = _server(path, tokens, _hosts(host, listener, hosts), rate_limit=rate_limit)
        workspace.files_at = f"http://{'localhost' if host in ('0.0.0.0', '::') else host}:{port}"  # noqa: S104
        announce()
        server.run(sockets=[listener])


class Sandbox(Served):
    """A workspace served from a thread on a free port, for tests and demos.

    `url` is the base of the API, `store` what is behind it, `workspace` its clock and faults.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        tokens: Collection[str] | None = None,
        limits: Limits | None = None,
        rate_limit: RateLimit | None = None,
        hosts: Iterable[str] = (),
    ) -> None:
        listener = _listen(host, port)
        known = _hosts(host, listener, hosts)
        self._workspace, server = _server(path, tokens, known, limits, rate_limit)
        super().__init__(
            server, listener, "notion-sandbox", SandboxError("The Notion sandbox did not start.")
        )
        self.port = int(listener.getsockname()[1])
        self.url = f"http://{host}:{self.port}"
        self._workspace.files_at = self.url

    @property
    def workspace(self) -> Workspace:
        """The workspace that is served."""
        return self._workspace

    def person(self, who: str | None = None) -> Person:
        """Somebody who works in the app: by name, by id, or the person who is always there."""
        return Person(self.workspace, who)

    def put(self, objects: Iterable[dict[str, Any]]) -> None:
        """Store objects as answers of the API show them; `ApiError` for one that is not like that."""
        self.workspace.put(objects)

    @property
    def clock(self) -> Clock:
        """The time of the workspace."""
        return self.workspace.clock

    @property
    def faults(self) -> Faults:
        """What goes wrong with the next requests."""
        return self.workspace.faults

    @property
    def index(self) -> LaggingIndex:
        """What queries and searches know."""
        return self.workspace.index

    @property
    def rate_limiter(self) -> RateLimiter:
        """How many requests a token may send."""
        return self.workspace.rate_limiter

    @property
    def counters(self) -> Counters:
        """The requests that the API has had."""
        return self.workspace.counters

    @property
    def background(self) -> Background:
        """What goes on after requests were answered."""
        return self.workspace.background

    @property
    def webhooks(self) -> Sender:
        """Who is told of changes, and how."""
        return self.workspace.webhooks

    @property
    def store(self) -> Store:
        """What the workspace holds."""
        return self.workspace.store
