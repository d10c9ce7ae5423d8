"""The two ends of a soak: rows with a worker's pace, a plain service that fails, and the task between them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import httpx

from tasks.services.notion.api.client import NotionClient
from tasks.services.notion.api.throttle import LocalThrottle
from tasks.sides import Attribute, Kind
from tasks.two_way import TwoWay
from tests.tasks.services.notion.plain_service import Keyed, PlainSide
from tests.tasks.services.notion.wired import Wire


class Meddlers(Protocol):
    """Those who get in between."""

    async def meanwhile(self, method: str, path: str) -> None:
        """Do something while a request is on its way."""

    def disturb(self, kind: str) -> None:
        """Let a plain service fail before it does what it was asked for."""


class Paced(Keyed):
    """Rows with a worker's pace, on which people get in between."""

    town: Meddlers
    budget: LocalThrottle

    def make_client(self) -> NotionClient:
        self.wire = Wire()
        self.wire.happens = self.on_the_way
        return NotionClient(self.secret, base_url=self.url, throttle=self.budget, transport=self.wire)

    async def on_the_way(
        self, request: httpx.Request, onwards: Callable[[], Awaitable[httpx.Response]]
    ) -> httpx.Response:
        # What a query is told while rows are written counts for some seconds, in which nobody is looked for again.
        writes = any(method == "PATCH" or path == "/v1/pages" for method, path in self.wire.sent)
        if not (writes and request.url.path.endswith("/query")):
            await self.town.meanwhile(request.method, request.url.path)
        return await onwards()


class Disturbed(PlainSide):
    """A plain service that fails now and then when it is listed."""

    town: Meddlers

    def describe(self) -> dict[str, Attribute]:
        # Both sides pair by the column of keys, not by their titles.
        return {**super().describe(), "key": Attribute(Kind.TEXT)}

    async def list(self) -> Any:
        self.town.disturb("list")
        return await super().list()


class SoakTask(TwoWay):
    """Between rows and a plain service, or the rows of two data sources."""

    def __init__(self, rows: Paced, there: Disturbed | Paced, attrs: Mapping[str, str]) -> None:
        super().__init__("rows", rows, there, attrs)
        self.ends = (rows, there)
        #: The other side's attributes by those of the rows.
        self.attrs = attrs
