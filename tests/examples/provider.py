"""A provider of calendars as it is known to be, around a real CalDAV server: its paths, its redirects, its login."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote

import httpx

_MULTISTATUS = (
    '<?xml version="1.0" encoding="utf-8"?><D:multistatus xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">'
    "<D:response><D:href>{path}</D:href><D:propstat><D:prop>{props}</D:prop><D:status>HTTP/1.1 200 OK</D:status>"
    "</D:propstat></D:response></D:multistatus>"
)
_PRINCIPAL = "<D:current-user-principal><D:href>{}</D:href></D:current-user-principal>"
_HOME = "<C:calendar-home-set><D:href>{}</D:href></C:calendar-home-set>"
_HOP = {"host", "connection", "content-length", "authorization", "accept-encoding", "transfer-encoding"}


def basic(username: str, password: str) -> str:
    """The header of a login."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


@dataclass
class Provider:
    """What a provider does with a request before its calendars are asked. A port of this machine is its host."""

    #: Where the real server has the calendars: its address and their folder there.
    upstream: str
    inside: str
    #: The login there, if it wants one.
    auth: httpx.Auth | None
    #: Their folder here.
    outside: str
    #: Whether a header lets in, and what is said to who is not let in.
    lets_in: Callable[[str], bool]
    challenge: str = 'Basic realm="calendars"'
    #: Where `/.well-known/caldav` leads; empty: nowhere.
    well_known: str = ""
    #: Paths that tell the principal, the principal's path, and the address of the calendars that it tells.
    starts: tuple[str, ...] = ()
    principal: str = ""
    home: str = ""
    seen: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        handler = type("Handler", (_Handler,), {"provider": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._client = httpx.Client(trust_env=False, timeout=60, auth=self.auth)
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._client.close()

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> httpx.Response:
        """What it says to a request."""
        self.seen.append(f"{method} {path}")
        if self.well_known and path == "/.well-known/caldav":
            return httpx.Response(301, headers={"Location": self.well_known})
        if not self.lets_in(headers.get("authorization", "")):
            return httpx.Response(401, headers={"WWW-Authenticate": self.challenge})
        if method == "PROPFIND" and path in self.starts:
            return _told(path, _PRINCIPAL.format(self.principal))
        if method == "PROPFIND" and path == self.principal:
            return _told(path, _HOME.format(self.home or self.outside))
        if not unquote(path).startswith(self.outside):
            return httpx.Response(404 if method == "PROPFIND" else 405)
        return self._passed_on(method, unquote(path), headers, body)

    def _passed_on(self, method: str, path: str, headers: dict[str, str], body: bytes) -> httpx.Response:
        inner, outer = self.inside.encode(), self.outside.encode()
        quoted = outer.replace(b"@", b"%40")
        kept = {name: value for name, value in headers.items() if name not in _HOP}
        answer = self._client.request(
            method,
            self.upstream + path.replace(self.outside, self.inside, 1),
            headers=kept,
            content=body.replace(b">" + outer, b">" + inner).replace(b">" + quoted, b">" + inner),
        )
        told = {
            name: value for name, value in answer.headers.items() if name in ("etag", "content-type", "dav")
        }
        return httpx.Response(
            answer.status_code, headers=told, content=answer.content.replace(b">" + inner, b">" + outer)
        )


def _told(path: str, props: str) -> httpx.Response:
    return httpx.Response(
        207,
        headers={"Content-Type": "application/xml"},
        content=_MULTISTATUS.format(path=path, props=props).encode(),
    )


class _Handler(BaseHTTPRequestHandler):
    provider: Provider
    protocol_version = "HTTP/1.1"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):  # any method
            return self._serve
        raise AttributeError(name)

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.provider.answer(self.command, self.path, headers, body)
        self.send_response(answer.status_code)
        for name, value in answer.headers.items():
            if name not in ("content-length", "transfer-encoding"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, *_: Any) -> None:
        """Nothing."""
