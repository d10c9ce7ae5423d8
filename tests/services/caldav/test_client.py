"""The login, when many requests begin at once."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import SecretStr

from tasks.errors import SideError
from tasks.services.caldav import CalDAVClient
from tasks.services.caldav.radicale_server import RadicaleServer
from tests.services.caldav.test_faults import http, scripted


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


DIGEST = 'WWW-Authenticate: Digest realm="cal", qop="auth", nonce="abc", opaque="o"'


@pytest.mark.parametrize(
    ("challenges", "login"),
    [
        (['WWW-Authenticate: Basic realm="a, b"'], "Basic YW5uYTpzZWNyZXQ="),
        (["WWW-Authenticate: Negotiate", "WWW-Authenticate: basic realm=x"], "Basic YW5uYTpzZWNyZXQ="),
        (['WWW-Authenticate: Negotiate, Basic realm="x"'], "Basic YW5uYTpzZWNyZXQ="),
        (["WWW-Authenticate: Bearer"], "Bearer secret"),
        ([], "Basic YW5uYTpzZWNyZXQ="),
        (['WWW-Authenticate: Basic realm="x"', DIGEST], 'Digest username="anna", realm="cal"'),
    ],
)
async def test_the_login_has_the_form_that_the_server_asks_for(challenges: list[str], login: str) -> None:
    asks = http("401 Unauthorized", "", *challenges)
    put = [asks, *([asks] if "Digest" in login else []), http("204 Done")]
    async with (
        scripted(PUT=put) as (server, _),
        CalDAVClient(server.url, "anna", SecretStr("secret")) as client,
    ):
        for _ in range(2):
            assert (await client.request("PUT", server.url, "text")).status == 204
    sent = [headers.get("authorization") or "" for _, _, headers in server.requests]
    assert sent[0] == ""
    assert all(one.startswith(login) for one in sent[-2:])
    assert len(sent) == (4 if "Digest" in login else 3)  # from then on the login goes along at once


@pytest.mark.parametrize(
    ("challenge", "told"),
    [
        ("Negotiate", "other than basic, digest or bearer: negotiate"),
        ('Digest realm="x", nonce="n", qop="auth-int"', "not understood"),
        ('Digest realm="x", nonce="n", algorithm="none"', "not understood"),
        ("Digest realm", "not understood"),
        ('Digest realm="x"', "broke off"),
    ],
)
async def test_a_login_of_an_unknown_form_is_told(challenge: str, told: str) -> None:
    asks = http("401 Unauthorized", "", f"WWW-Authenticate: {challenge}")
    async with (
        scripted(GET=[asks]) as (server, _),
        CalDAVClient(server.url, "anna", SecretStr("secret")) as client,
    ):
        with pytest.raises(SideError, match=told):
            await client.request("GET", server.url)
