"""The login, when many requests begin at once."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress

import pytest
from pydantic import SecretStr

from tasks.errors import SideError
from tasks.services.caldav import (
    CalDAVClient,
)
from tasks.services.caldav.radicale_server import RadicaleServer
from tests.tasks.services.caldav.test_faults import http, scripted


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
    greeting = [asks, *([asks] if "Digest" in login else []), http("207 Multi-Status")]
    async with (
        scripted(PROPFIND=greeting, PUT=[http("204 Done")]) as (server, _),
        CalDAVClient(server.url, "anna", SecretStr("secret")) as client,
    ):
        for _ in range(2):
            assert (await client.request("PUT", server.url, "text")).status == 204
    sent = [(method, headers.get("authorization") or "") for method, _, headers in server.requests]
    assert sent[0] == ("PROPFIND", "")
    # No write is refused for its login: its answer may be lost then, and with it what became of it.
    assert [method for method, _ in sent].count("PUT") == 2
    assert all(one.startswith(login) for method, one in sent if method == "PUT")
    assert len(sent) == (5 if "Digest" in login else 3)


async def test_a_server_that_refuses_unread_bodies_loses_no_write() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next((int(n) for n in re.findall(r"content-length: (\d+)", head, re.IGNORECASE)), 0)
        if "authorization" not in head.lower():
            reset = length > 0  # what lies unread when a socket is closed makes a reset of it
            writer.write(b"" if reset else http("401 Unauthorized", "", "WWW-Authenticate: Basic").encode())
        else:
            await reader.readexactly(length)
            writer.write(http("204 Done", "", "Connection: close").encode())
        with suppress(ConnectionError):
            await writer.drain()
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/cal/"
    async with listener, CalDAVClient(url, "anna", SecretStr("secret")) as client:
        writes = (client.request("PUT", f"{url}{number}.ics", "text") for number in range(20))
        assert {answer.status for answer in await asyncio.gather(*writes)} == {204}


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


async def test_a_token_is_sent_at_once_and_never_shown() -> None:
    async with (
        scripted(PROPFIND=[http("207 Multi-Status"), http("401 Unauthorized")]) as (server, _),
        CalDAVClient(server.url, token=SecretStr("s3cret-token")) as client,
    ):
        await client.request("PROPFIND", server.url)
        with pytest.raises(SideError, match="refused the token") as caught:
            await client.request("PROPFIND", server.url)
    assert [headers["authorization"] for *_, headers in server.requests] == ["Bearer s3cret-token"] * 2
    assert "s3cret" not in f"{caught.value}{client!r}{vars(client)}{vars(client.login)}"


@pytest.mark.parametrize(
    ("challenge", "sent"),
    [
        ("WWW-Authenticate: Basic realm=x", ["Basic"]),
        (DIGEST, ["Basic", "", "Digest"]),
        ("WWW-Authenticate: Bearer", ["Basic", "Bearer"]),
    ],
)
async def test_a_login_known_from_before_is_sent_at_once(challenge: str, sent: list[str]) -> None:
    asks, done = http("401 Unauthorized", "", challenge), http("207 Multi-Status")
    async with (
        scripted(PROPFIND=[*[asks] * (len(sent) - 1), done]) as (server, _),
        CalDAVClient(server.url, "anna", SecretStr("secret")) as client,
    ):
        client.login.assume("basic")
        assert (await client.request("PROPFIND", server.url, "text")).status == 207
    logins = [headers.get("authorization", "") for *_, headers in server.requests]
    assert [login.partition(" ")[0] for login in logins] == sent


async def test_a_login_known_from_before_that_is_refused_is_not_repeated() -> None:
    asks = http("401 Unauthorized", "", "WWW-Authenticate: Basic realm=x")
    async with (
        scripted(PROPFIND=[asks]) as (server, _),
        CalDAVClient(server.url, "anna", SecretStr("wrong")) as client,
    ):
        client.login.assume("basic")
        with pytest.raises(
            SideError,
            match="refused user 'anna': check CALDAV_USERNAME and CALDAV_PASSWORD, or what its table says",
        ):
            await client.request("PROPFIND", server.url)
    assert len(server.requests) == 1
