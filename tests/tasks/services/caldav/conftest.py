from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TypeAlias
from uuid import uuid4

import pytest
from pydantic import SecretStr

from tasks.services.caldav import (
    TODOS,
    CalDAVClient,
    Calendar,
)
from tasks.services.caldav.radicale_server import RadicaleServer
from tests.tasks.services.caldav.xandikos_server import XandikosServer, xandikos_server

Server: TypeAlias = RadicaleServer | XandikosServer


@pytest.fixture(scope="session")
def radicale() -> Iterator[RadicaleServer]:
    with RadicaleServer() as server:
        yield server


@pytest.fixture(scope="session")
def xandikos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[XandikosServer]:
    with xandikos_server(tmp_path_factory.mktemp("xandikos")) as server:
        yield server


@pytest.fixture(params=["radicale", "xandikos"])
def server(request: pytest.FixtureRequest) -> Server:
    """Each of the real servers."""
    found: Server = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def calendar_url(radicale: RadicaleServer) -> str:
    """An empty calendar that asks for a login."""
    return radicale.make_calendar(f"todos-{uuid4().hex[:8]}")


@pytest.fixture
async def calendar(server: Server) -> AsyncIterator[Calendar]:
    """An empty calendar on each of the servers."""
    password = SecretStr(server.password) if server.password is not None else None
    url = server.make_calendar(f"todos-{uuid4().hex[:8]}")
    async with CalDAVClient(url, server.username, password) as client:
        yield Calendar(client, TODOS)
