from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest
from pydantic import SecretStr

from tasks.services.caldav import CalDAVClient, TodoCalendar
from tasks.services.caldav.radicale_server import RadicaleServer


@pytest.fixture(scope="session")
def radicale() -> Iterator[RadicaleServer]:
    with RadicaleServer() as server:
        yield server


@pytest.fixture
def calendar_url(radicale: RadicaleServer) -> str:
    return radicale.make_calendar(f"todos-{uuid4().hex[:8]}")


@pytest.fixture
async def calendar(radicale: RadicaleServer, calendar_url: str) -> AsyncIterator[TodoCalendar]:
    async with CalDAVClient(calendar_url, radicale.username, SecretStr(radicale.password)) as client:
        yield TodoCalendar(client)
