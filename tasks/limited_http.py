"""A client whose answers have a size: a few bytes of gzip can be made to unpack to more than there is memory."""

from __future__ import annotations

import zlib
from typing import Any

import httpx

from tasks import server_clock

#: Bytes of one answer at most, as it is sent and unpacked. Services answer with some megabytes at most.
ANSWER_MAX = 64 * 1024 * 1024

_GZIP = 31  # zlib's name for the format with gzip's header


class LimitedClient(httpx.AsyncClient):
    """An `httpx.AsyncClient` that reads no answer beyond `answer_max` bytes, and follows no redirect.

    What is larger raises `httpx.DecodingError`, as does a packing that was not asked for.
    """

    def __init__(self, *, answer_max: int = ANSWER_MAX, **options: Any) -> None:
        super().__init__(**options, follow_redirects=False, event_hooks={"response": [server_clock.heed]})
        self._answer_max = answer_max

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """As httpx, with the answer read."""
        request.headers["accept-encoding"] = "gzip"
        answer = await super().send(request, **{**options, "stream": True, "follow_redirects": False})
        try:
            content = await self._read(answer, request)
        finally:
            await answer.aclose()
        headers = [
            (name, value)
            for name, value in answer.headers.multi_items()
            if name.lower() not in {"content-encoding", "content-length", "transfer-encoding"}
        ]
        return httpx.Response(answer.status_code, headers=headers, content=content, request=request)

    async def _read(self, answer: httpx.Response, request: httpx.Request) -> bytes:
        packing = answer.headers.get("content-encoding", "identity").strip().lower()
        if packing not in {"identity", "gzip", ""}:
            raise httpx.DecodingError("the answer is packed in a way that was not asked for", request=request)
        unpacker = zlib.decompressobj(wbits=_GZIP) if packing == "gzip" else None
        content = bytearray()
        try:
            async for part in answer.aiter_raw():
                room = self._answer_max - len(content)
                content += part if unpacker is None else unpacker.decompress(part, room + 1)
                if len(content) > self._answer_max:
                    raise httpx.DecodingError(
                        f"the answer is larger than {self._answer_max} bytes", request=request
                    )
        except zlib.error:
            raise httpx.DecodingError("the answer cannot be unpacked", request=request) from None
        if unpacker is not None and content and not unpacker.eof:
            raise httpx.DecodingError("the answer is cut off", request=request)
        return bytes(content)
