"""A real HTTP server that misbehaves by a script, for what a well-behaved one never does."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Reply:
    status: int = 200
    body: Any = field(default_factory=lambda: {"object": "page"})
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Drop:
    """Take the request and close the connection without an answer."""


@dataclass(frozen=True)
class Hang:
    """Take the request and never answer."""


def error(status: int, code: str, message: str = "No.", **headers: str) -> Reply:
    body = {"object": "error", "status": status, "code": code, "message": message}
    return Reply(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


class ScriptedServer:
    """Answers one request after the other by the script, and when that is at its end with an empty page."""

    def __init__(self) -> None:
        self.script: deque[Reply | Drop | Hang] = deque()
        self.requests: list[Request] = []
        self.times: list[float] = []
        self.asked = asyncio.Event()
        self.url = ""

    def will(self, *actions: Reply | Drop | Hang) -> None:
        self.script.extend(actions)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self.serve_one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)
        }
        raw = await reader.readexactly(int(headers.get("content-length", 0)))
        self.requests.append(Request(method, path, headers, json.loads(raw) if raw else None))
        self.times.append(asyncio.get_running_loop().time())
        self.asked.set()
        match self.script.popleft() if self.script else Reply():
            case Drop():
                return False
            case Hang():
                await asyncio.sleep(3600)
                return False
            case Reply(status, body, more):
                content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
                kind = "text/html" if isinstance(body, str) else "application/json; charset=utf-8"
                lines = [f"HTTP/1.1 {status} X", f"Content-Type: {kind}", f"Content-Length: {len(content)}"]
                lines += [f"{name}: {value}" for name, value in more.items()]
                writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + content)
                await writer.drain()
                return True


@asynccontextmanager
async def scripted_server() -> AsyncIterator[ScriptedServer]:
    server = ScriptedServer()
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(server.handle(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    listening = await asyncio.start_server(connected, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listening.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
