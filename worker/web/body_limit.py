"""Bodies that are larger or slower than a group of routes takes are refused, also without a stated length."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from worker.web.groups import MAX_BODY

#: Seconds that a body may take to arrive.
ARRIVAL = 30.0


class BodyLimit:
    """ASGI middleware.

    Args:
        app: what is behind it.
        limits: bytes by the beginning of the path; the longest one that fits counts.
        arrival: seconds that a body may take to arrive.
    """

    def __init__(self, app: ASGIApp, limits: Mapping[str, int], arrival: float = ARRIVAL) -> None:
        self._app = app
        self._limits = sorted(limits.items(), key=lambda limit: -len(limit[0]))
        self._arrival = arrival

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        await self._app(scope, self._limited(scope, receive), send)

    def _limited(self, scope: Scope, receive: Receive) -> Receive:
        limit = next((size for path, size in self._limits if scope["path"].startswith(path)), MAX_BODY)
        too_large = HTTPException(413, f"a body may have {limit} bytes at most")
        stated = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        received = 0
        complete = False
        give_up_at = time.monotonic() + self._arrival

        async def limited() -> Message:
            nonlocal received, complete
            if complete:  # what still comes is the end of the connection, and may take its time
                return await receive()
            if stated.isdigit() and int(stated) > limit:
                raise too_large
            try:
                async with asyncio.timeout(max(give_up_at - time.monotonic(), 0)):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, "the body did not arrive in time") from None
            received += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            if received > limit:
                raise too_large
            return message

        return limited
