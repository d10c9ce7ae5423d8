"""Under which names a server answers, so that no web site that points its name to this machine gets in."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.notion.requests.errors import ApiError

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_HTTP = 80


@dataclass(frozen=True)
class Hosts:
    """Names with the port they are asked at; None for any port."""

    names: frozenset[tuple[str, int | None]]
    #: The port at which every address will do, as the server listens on all of them; a site cannot be named so.
    addresses_at: int | None = None

    @classmethod
    def of(cls, host: str, port: int | None, others: Iterable[str] = ()) -> Hosts:
        """Loopback names and the address that is listened on, and others: `name` for any port, or `name:port`.

        Raises:
            ValueError: One of the others is no name.
        """
        names = {(name, port) for name in (*_LOOPBACK, host.strip("[]").lower())}
        for other in others:
            name, at = _split(other)
            if not name:
                raise ValueError(f'"{other}" is no host name; write it as name or name:port')
            names.add((name, at))
        return cls(frozenset(names), port if host in ("0.0.0.0", "::") else None)  # noqa: S104

    def include(self, host: str) -> bool:
        """Whether a Host header is one of them."""
        name, given = _split(host)
        port = _HTTP if given is None else given
        if {(name, port), (name, None)} & self.names:
            return True
        return self.addresses_at == port and _is_address(name)

    def own(self, origin: str) -> bool:
        """Whether an Origin header names a page of this server."""
        parts = urlsplit(origin)
        return parts.scheme in ("http", "https") and self.include(parts.netloc)


def _split(host: str) -> tuple[str, int | None]:
    """Name and port of a Host header; no name where it is none."""
    if any(sign in host for sign in "/@?#\\ "):
        return "", None
    try:
        parts = urlsplit(f"//{host}")
        name, port = parts.hostname or "", parts.port
    except ValueError:
        return "", None
    return ("", None) if host.endswith(":") else (name, port)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


class OnlyUnder:
    """An application that answers under these names only, and to web pages only to its own."""

    def __init__(self, app: ASGIApp, hosts: Hosts) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer 421 for another name and 403 for another site's page."""
        if scope["type"] == "http":
            refusal = self._refusal(Headers(scope=scope))
            if refusal is not None:
                answer = JSONResponse(refusal.body(str(uuid.uuid4())), refusal.status)
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _refusal(self, headers: Headers) -> ApiError | None:
        given = headers.getlist("host")
        if len(given) != 1 or not self._hosts.include(given[0]):
            return ApiError(
                421,
                "restricted_resource",
                "The Notion sandbox does not answer under this host name; start it with --allow-host NAME if it"
                " should.",
            )
        if any(not self._hosts.own(origin) for origin in headers.getlist("origin")):
            message = "The Notion sandbox is not open to the pages of other sites."
            return ApiError(403, "restricted_resource", message)
        return None
