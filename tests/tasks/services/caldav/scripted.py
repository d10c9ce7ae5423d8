"""A CalDAV server that gives the answers of a script."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tasks.services.caldav import (
    TODOS,
    CalDAVClient,
    Calendar,
)

DROP = "drop"


HANG = "hang"


@dataclass
class Scripted:
    """Gives each method's answers in turn, the last one for ever, and remembers the requests."""

    answers: dict[str, list[str | bytes]]
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/cal/"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                first, *rest = head.split("\r\n")
                method, path, _ = first.split(" ", 2)
                headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in rest if line)}
                await reader.readexactly(int(headers.get("content-length", 0)))
                self.requests.append((method, path, headers))
                queue = self.answers.get(method, [http("404 Not Found")])
                answer = queue.pop(0) if len(queue) > 1 else queue[0]
                if answer == DROP:
                    break
                if answer == HANG:
                    continue
                writer.write(answer if isinstance(answer, bytes) else answer.encode())
                await writer.drain()
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def scripted(**answers: list[str | bytes]) -> AsyncIterator[tuple[Scripted, Calendar]]:
    server = Scripted(answers)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        async with CalDAVClient(server.url) as made:
            yield server, Calendar(made, TODOS)
    finally:
        listener.close()


def http(status: str, body: str = "", *headers: str) -> str:
    length = len(body.encode())
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, f"Content-Length: {length}", "", body])


def multistatus(*responses: str) -> str:
    inner = "".join(f"<D:response>{response}</D:response>" for response in responses)
    return http(
        "207 Multi-Status",
        '<?xml version="1.0"?><D:multistatus xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">'
        f"{inner}</D:multistatus>",
        "Content-Type: application/xml; charset=utf-8",
    )


def found(href: str, uid: str, etag: str = '"1"') -> str:
    return (
        f"<D:href>{href}</D:href><D:propstat><D:prop><D:getetag>{etag}</D:getetag>"
        f"<C:calendar-data>{TODOS.new(uid, {'summary': uid})}</C:calendar-data></D:prop>"
        "<D:status>HTTP/1.1 200 OK</D:status></D:propstat>"
    )


def bare(href: str, status: str = "404 Not Found") -> str:
    return (
        f'<D:href>{href}</D:href><D:propstat><D:prop><D:getetag>"1"</D:getetag></D:prop>'
        "<D:status>HTTP/1.1 200 OK</D:status></D:propstat><D:propstat><D:prop><C:calendar-data/></D:prop>"
        f"<D:status>HTTP/1.1 {status}</D:status></D:propstat>"
    )


GONE = "<D:href>/cal/b.ics</D:href><D:status>HTTP/1.1 404 Not Found</D:status>"


EMPTY = "<D:href>/cal/b.ics</D:href><D:propstat><D:prop/><D:status>HTTP/1.1 200 OK</D:status></D:propstat>"
