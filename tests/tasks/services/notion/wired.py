"""A data source as a side, on a network on which things happen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import Any

import httpx
from pydantic import SecretStr

from tasks.services.notion import DataSource
from tasks.services.notion.api.client import NotionClient
from tasks.services.notion.api.throttle import LocalThrottle
from tasks.services.notion.pages.page import Page
from tests.tasks.services.notion.conftest import NO_TLS, TOKEN


class Wire(httpx.AsyncBaseTransport):
    """The network, with what happens on the way."""

    def __init__(self) -> None:
        self.inner = httpx.AsyncHTTPTransport(verify=NO_TLS)
        self.sent: list[tuple[str, str]] = []
        #: Called with each request and the way to send it on.
        self.happens: (
            Callable[[httpx.Request, Callable[[], Awaitable[httpx.Response]]], Awaitable[Any]] | None
        ) = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.sent.append((request.method, request.url.path))

        async def onwards() -> httpx.Response:
            response = await self.inner.handle_async_request(request)
            await response.aread()
            return response

        response = await (self.happens(request, onwards) if self.happens is not None else onwards())
        return _unread(response)

    async def aclose(self) -> None:
        await self.inner.aclose()


def _unread(response: httpx.Response) -> httpx.Response:
    """A response as it comes from a network, which nobody has read yet."""
    headers = {name: value for name, value in response.headers.items() if name != "content-encoding"}
    return httpx.Response(response.status_code, headers=headers, stream=httpx.ByteStream(response.content))


class Wired(DataSource):
    """A data source of which some properties are synced."""

    def __init__(
        self, url: str, source: str, attrs: Collection[str] = (), token: str = TOKEN, **options: Any
    ) -> None:
        super().__init__(source, **options)
        self.attrs = list(attrs)
        self.url, self.secret = url, SecretStr(token)
        self.wire = Wire()

    def make_client(self) -> NotionClient:
        self.wire = Wire()
        return NotionClient(
            self.secret,
            base_url=self.url,
            throttle=LocalThrottle(1000, 1000),
            first_delay=0.01,
            repeats=3,
            transport=self.wire,
        )

    async def learn(self) -> None:
        """Look at the columns, as a run does when it begins."""
        await self.describe()
        await self.check(self.attrs)

    async def make(self, **values: Any) -> Page:
        """A new row."""
        return await self.create("", values)
