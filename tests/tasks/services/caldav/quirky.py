"""A CalDAV server with ways of its own: a real radicale, behind something that changes what goes in and out."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx

from tasks.services.caldav.radicale_server import RadicaleServer

_DATA = re.compile(r"(<[\w:]*calendar-data[^>]*>)(.*?)(</[\w:]*calendar-data>)", re.DOTALL)
_RESPONSE = re.compile(r"<(?:\w+:)?response>.*?</(?:\w+:)?response>", re.DOTALL)


@dataclass
class Message:
    """A request or an answer."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    status: int = 0

    @property
    def text(self) -> str:
        return self.body.decode()

    @text.setter
    def text(self, text: str) -> None:
        self.body = text.encode()

    @property
    def is_query(self) -> bool:
        return self.method == "REPORT" and b"calendar-query" in self.body

    def responses(self, change: Callable[[str], str]) -> None:
        """Change each response of a multistatus."""
        self.text = _RESPONSE.sub(lambda found: change(found[0]), self.text)

    def data(self, change: Callable[[str], str]) -> None:
        """Change each to-do in a multistatus."""
        self.text = _DATA.sub(lambda found: found[1] + change(found[2]) + found[3], self.text)


Asked = Callable[[Message], "Message | None"]
Answered = Callable[[Message, Message], None]


@dataclass
class Quirky:
    """What it changes may be set while it runs."""

    radicale: RadicaleServer
    #: May change a request, or answer it.
    asked: Asked = lambda request: None
    #: May change an answer.
    answered: Answered = lambda request, answer: None
    requests: list[Message] = field(default_factory=list)
    port: int = 0

    def at(self, url: str) -> str:
        """An address of the radicale, here."""
        return f"http://127.0.0.1:{self.port}{urlsplit(url).path}"

    def writes(self) -> list[str]:
        return [one.method for one in self.requests if one.method in ("PUT", "DELETE")]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                first, *rest = head.strip().split("\r\n")
                method, path, _ = first.split(" ", 2)
                headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in rest)}
                body = await reader.readexactly(int(headers.pop("content-length", 0)))
                answer = await self._answer(Message(method, path, headers, body))
                lines = [f"HTTP/1.1 {answer.status} Status"]
                lines += [f"{name}: {value}" for name, value in answer.headers.items()]
                lines += [f"content-length: {len(answer.body)}", "", ""]
                writer.write("\r\n".join(lines).encode() + answer.body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, request: Message) -> Message:
        self.requests.append(request)
        answer = self.asked(request)
        if answer is None:
            kept = {
                k: v for k, v in request.headers.items() if k not in ("host", "connection", "accept-encoding")
            }
            url = f"{self.radicale.url.rstrip('/')}{request.path}"
            async with httpx.AsyncClient(trust_env=False) as http:
                got = await http.request(request.method, url, content=request.body, headers=kept)
            dropped = ("content-length", "connection", "transfer-encoding", "content-encoding")
            headers = {k.lower(): v for k, v in got.headers.items() if k.lower() not in dropped}
            answer = Message(request.method, request.path, headers, got.content, got.status_code)
        self.answered(request, answer)
        return answer


@asynccontextmanager
async def quirky(radicale: RadicaleServer) -> AsyncIterator[Quirky]:
    server = Quirky(radicale)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()


def not_found(request: Message) -> Message:
    return Message(request.method, request.path, {}, b"", 404)
