"""Tokens that are made of what a user allowed once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tasks.errors import SideError, TaskDefinitionError
from tasks.services.caldav import (
    CalDAVClient,
    Todos,
)
from tasks.services.caldav.server import oauth
from tasks.services.caldav.server.oauth import TokenFile
from tests.tasks.services.caldav.scripted import Scripted, http, scripted


@pytest.fixture(autouse=True)
def no_tokens() -> Iterator[None]:
    """Nothing is known from another test."""
    oauth._fresh.clear()
    yield
    oauth._fresh.clear()


def given(token: str, lasts: Any = 3600) -> str:
    return http("200 OK", json.dumps({"access_token": token, "expires_in": lasts, "token_type": "Bearer"}))


def token_file(folder: Path, server: Scripted | None = None, **others: Any) -> Path:
    path = folder / "token.json"
    user = {"client_id": "id", "client_secret": "s3cret-client", "refresh_token": "s3cret-refresh", **others}
    path.write_text(
        json.dumps({**user, "token_uri": f"http://127.0.0.1:{server.port}/token"} if server else user)
    )
    return path


def logins(server: Scripted) -> list[tuple[str, str]]:
    return [(method, headers.get("authorization", "")) for method, _, headers in server.requests]


async def test_a_token_is_made_once_and_kept_for_its_time(tmp_path: Path) -> None:
    async with scripted(POST=[given("one"), given("two")], PROPFIND=[http("207 Multi-Status")]) as (
        server,
        _,
    ):
        for _ in range(2):
            async with CalDAVClient(server.url, tokens=TokenFile(token_file(tmp_path, server))) as client:
                await client.request("PROPFIND", server.url)
    assert logins(server) == [("POST", ""), ("PROPFIND", "Bearer one"), ("PROPFIND", "Bearer one")]


async def test_one_that_is_at_its_end_is_replaced(tmp_path: Path) -> None:
    answers = [given("one", oauth.MARGIN_SECONDS), given("two")]
    async with (
        scripted(POST=answers, PROPFIND=[http("207 Multi-Status")]) as (server, _),
        CalDAVClient(server.url, tokens=TokenFile(token_file(tmp_path, server))) as client,
    ):
        for _ in range(2):
            await client.request("PROPFIND", server.url)
    assert [login for method, login in logins(server) if method != "POST"] == ["Bearer one", "Bearer two"]


async def test_one_that_is_refused_is_replaced_once(tmp_path: Path) -> None:
    refused = http("401 Unauthorized", "", "WWW-Authenticate: Bearer")
    async with (
        scripted(POST=[given("one"), given("two")], PUT=[refused, http("204 Done"), refused]) as (server, _),
        CalDAVClient(server.url, tokens=TokenFile(token_file(tmp_path, server))) as client,
    ):
        assert (await client.request("PUT", server.url, "text")).status == 204
        with pytest.raises(SideError, match="refused the token"):
            await client.request("PUT", server.url, "text")
    puts = [login for method, login in logins(server) if method == "PUT"]
    assert puts == ["Bearer one", "Bearer two", "Bearer two", "Bearer two"]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (http("400 Bad Request", '{"error": "invalid_grant"}'), r"\(invalid_grant\): .* allow it anew"),
        (http("401 Unauthorized", "<html>"), r"\(401\): .* allow it anew"),
        (http("503 Busy"), "status 503; the next run tries again"),
        (http("200 OK", "[]"), "gives no new token"),
        (given("one", "long"), "gives no new token"),
        ("drop", "cannot be reached for a new token"),
    ],
)
async def test_no_token_is_told_with_the_mend_and_without_secrets(
    tmp_path: Path, answer: str, why: str
) -> None:
    async with scripted(POST=[answer]) as (server, _):
        tokens = TokenFile(token_file(tmp_path, server))
        async with CalDAVClient(server.url, tokens=tokens) as client:
            with pytest.raises(SideError, match=why) as caught:
                await client.request("PROPFIND", server.url)
        assert "s3cret" not in f"{caught.value}{vars(client)}{vars(tokens)}"
    assert [method for method, _ in logins(server)] == ["POST"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "cannot be read: No such file"),
        ("{", "JSON is missing or wrong"),
        ('{"client_id": "s3cret"}', "client_secret, refresh_token is missing or wrong"),
        (
            '{"client_id": "i", "client_secret": "s3cret", "refresh_token": "r", "token_uri": "http://a.example/"}',
            "token_uri must begin with https://",
        ),
    ],
)
async def test_a_file_that_is_none_is_told_when_a_run_begins(
    tmp_path: Path, content: str | None, why: str
) -> None:
    path = tmp_path / "token.json"
    if content is not None:
        path.write_text(content)
    side = Todos("https://cal.example/c/", token_file=path)
    with pytest.raises(TaskDefinitionError, match=why) as caught:
        await side.open()
    await side.close()
    assert "s3cret" not in str(caught.value)


def test_there_is_one_login(tmp_path: Path) -> None:
    for others in ({"password": "p", "token": "t"}, {"token": "t", "token_file": tmp_path / "x"}):
        with pytest.raises(TaskDefinitionError, match="give one of password, token and token_file"):
            Todos("https://cal.example/c/", username="anna", **others)
