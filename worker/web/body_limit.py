"""Bodies that are larger or slower than a group of routes takes, or too many at once, are refused."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from worker.web.groups import MAX_BODY

#: Seconds that a body may take to arrive.
ARRIVAL = 30.0
#: Bytes of all bodies that a process holds at once.
IN_FLIGHT = 64 * 1024 * 1024


@dataclass(slots=True)
class _Held:
    """Bytes that were received of one body."""

    size: int = 0


class BodyLimit:
    """ASGI middleware.

    Args:
        app: what is behind it.
        limits: bytes, or what gives them, by the beginning of the path; the longest one that fits counts.
        arrival: seconds that a body may take to arrive.
        in_flight: bytes of all bodies together, each counted until its request is answered.
    """

    def __init__(
        self,
        app: ASGIApp,
        limits: Mapping[str, int | Callable[[], int]],
        arrival: float = ARRIVAL,
        in_flight: int = IN_FLIGHT,
    ) -> None:
        self._app = app
        self._limits = sorted(limits.items(), key=lambda limit: -len(limit[0]))
        self._arrival = arrival
        self._left = in_flight

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        held = _Held()
        try:
            await self._app(scope, self._limited(scope, receive, held), send)
        finally:
            self._left += held.size

    def _limited(self, scope: Scope, receive: Receive, held: _Held) -> Receive:
        found = next((size for path, size in self._limits if scope["path"].startswith(path)), MAX_BODY)
        limit = found if isinstance(found, int) else found()
        too_large = HTTPException(413, f"a body may have {limit} bytes at most")
        stated = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        complete = False
        give_up_at = time.monotonic() + self._arrival

        async def limited() -> Message:
            nonlocal complete
            if complete:  # what still comes is the end of the connection, and may take its time
                return await receive()
            if stated.isdigit() and int(stated) > limit:
                raise too_large
            try:
                async with asyncio.timeout(max(give_up_at - time.monotonic(), 0)):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, "the body did not arrive in time") from None
            size = len(message.get("body", b""))
            held.size += size
            self._left -= size
            complete = not message.get("more_body", False)
            if held.size > limit:
                raise too_large
            if self._left < 0:
                raise HTTPException(503, "too much is being received: try again later", {"retry-after": "1"})
            return message

        return limited
