"""The login, when many requests begin at once."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import SecretStr

from tasks.errors import SideError
from tasks.services.caldav import CalDAVClient
from tasks.services.caldav.radicale_server import RadicaleServer


async def test_first_requests_may_come_together(radicale: RadicaleServer, calendar_url: str) -> None:
    async with CalDAVClient(calendar_url, radicale.username, SecretStr(radicale.password)) as client:
        answers = await asyncio.gather(*(client.request("PROPFIND", client.url) for _ in range(8)))
    assert {answer.status for answer in answers} == {207}


async def test_a_wrong_password_is_told_to_each_of_them(radicale: RadicaleServer, calendar_url: str) -> None:
    async with CalDAVClient(calendar_url, radicale.username, SecretStr("wrong")) as client:
        requests = (client.request("PROPFIND", client.url) for _ in range(3))
        answers = await asyncio.gather(*requests, return_exceptions=True)
    assert all(isinstance(answer, SideError) for answer in answers)
    with pytest.raises(SideError, match="refused user"):
        raise answers[0]
