"""Requests to Notion under faults, over real connections to a server that misbehaves by a script."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from pydantic import SecretStr

from tasks.errors import ItemError, LockLostError, OutcomeUnknownError, SideError
from tasks.services.notion.api.answers import RefusedError
from tasks.services.notion.api.client import NotionClient, Settled
from tasks.services.notion.api.throttle import LocalThrottle
from tests.tasks.services.notion.scripted_server import (
    Drop,
    Hang,
    Reply,
    ScriptedServer,
    error,
    scripted_server,
)

TOKEN = "ntn_do_not_show_me"

Call = Callable[[NotionClient], Awaitable[dict[str, Any]]]


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with scripted_server() as running:
        yield running


def client_of(url: str, **options: Any) -> NotionClient:
    settings: dict[str, Any] = {
        "throttle": LocalThrottle(rate=1000, burst=1000),
        "first_delay": 0.01,
        "default_pause": 0.05,
        "timeout": 0.3,
        "patience": 10,
        **options,
    }
    return NotionClient(SecretStr(TOKEN), base_url=url, **settings)


async def read(client: NotionClient) -> dict[str, Any]:
    return await client.read("pages/1", subject="page 1")


async def query(client: NotionClient) -> dict[str, Any]:
    return await client.query("data_sources/1/query", {"page_size": 100}, subject="data source 1")


async def update(client: NotionClient) -> dict[str, Any]:
    return await client.set("pages/1", {"properties": {"a": 1}}, subject="page 1")


async def create(client: NotionClient) -> dict[str, Any]:
    return await client.create("pages", {"properties": {}}, subject="new page")


REPEATED: list[Call] = [read, query, update]
ALL: list[Call] = [*REPEATED, create]

PAGE = {"object": "page", "id": "1"}
DONE = Reply(200, PAGE)
UNANSWERED = [
    pytest.param(Drop(), id="dropped"),
    pytest.param(Hang(), id="timeout"),
    pytest.param(error(500, "internal_server_error"), id="500"),
    pytest.param(Reply(502, "<html>Bad gateway</html>"), id="502-html"),
    pytest.param(error(503, "service_unavailable"), id="503"),
    pytest.param(error(504, "gateway_timeout"), id="504"),
    pytest.param(Reply(200, "<html>hello</html>"), id="200-html"),
    pytest.param(Reply(200, []), id="200-array"),
]


async def test_what_is_sent(server: ScriptedServer) -> None:
    async with client_of(server.url) as client:
        await update(client)
    (sent,) = server.requests
    assert (sent.method, sent.path, sent.body) == ("PATCH", "/v1/pages/1", {"properties": {"a": 1}})
    assert sent.headers["notion-version"] == "2026-03-11"
    assert sent.headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("address", ["{}", "{}/", "{}/v1", "{}/v1/"])
async def test_forms_of_the_address(server: ScriptedServer, address: str) -> None:
    async with client_of(address.format(server.url)) as client:
        await read(client)
    assert server.requests[0].path == "/v1/pages/1"


@pytest.mark.parametrize("fault", UNANSWERED)
@pytest.mark.parametrize("call", REPEATED)
async def test_what_may_be_repeated_is_repeated(server: ScriptedServer, call: Call, fault: Reply) -> None:
    server.will(fault, fault, DONE)
    async with client_of(server.url) as client:
        assert await call(client) == PAGE
    assert len(server.requests) == 3


@pytest.mark.parametrize("fault", [*UNANSWERED, pytest.param(error(529, "service_overload"), id="529")])
async def test_a_create_without_an_answer_is_never_sent_again(server: ScriptedServer, fault: Reply) -> None:
    server.will(fault, DONE)
    async with client_of(server.url) as client:
        with pytest.raises(OutcomeUnknownError, match="new page: Notion did not confirm"):
            await create(client)
    assert len(server.requests) == 1


@pytest.mark.parametrize("call", ALL)
async def test_a_conflict_was_not_saved_and_is_sent_again(server: ScriptedServer, call: Call) -> None:
    server.will(error(409, "conflict_error"), DONE)
    async with client_of(server.url) as client:
        assert await call(client) == PAGE
    assert len(server.requests) == 2


async def test_a_lasting_conflict_concerns_its_object_only(server: ScriptedServer) -> None:
    server.will(*[error(409, "conflict_error")] * 3)
    async with client_of(server.url, repeats=2) as client:
        with pytest.raises(ItemError, match="page 1: not saved") as caught:
            await update(client)
    assert not isinstance(caught.value, OutcomeUnknownError)


async def test_a_lasting_fault_ends_the_run_for_a_read_and_the_object_for_a_write(
    server: ScriptedServer,
) -> None:
    server.will(*[error(500, "internal_server_error")] * 6)
    async with client_of(server.url, repeats=2) as client:
        with pytest.raises(SideError, match=r"page 1: Notion at http.* does not answer \(500"):
            await read(client)
        assert len(server.requests) == 3
        with pytest.raises(OutcomeUnknownError, match="page 1: Notion did not confirm the write"):
            await update(client)
    assert len(server.requests) == 6


# -- the rate limit ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ALL)
@pytest.mark.parametrize("in_body", [False, True], ids=["header", "body"])
async def test_the_pause_that_notion_asks_for_is_kept(
    server: ScriptedServer, call: Call, in_body: bool
) -> None:
    limited = error(429, "rate_limited", Retry_After="1")
    if in_body:
        limited = error(429, "rate_limited")
        limited.body["additional_data"] = {"retry_after": 1}
    server.will(limited, DONE)
    async with client_of(server.url) as client:
        assert await call(client) == PAGE
    assert server.times[1] - server.times[0] >= 0.99


async def test_the_pause_may_be_given_as_a_date_by_the_servers_clock(server: ScriptedServer) -> None:
    now = datetime(2031, 5, 1, 12, tzinfo=UTC)
    date, until = (format_datetime(moment, usegmt=True) for moment in (now, now + timedelta(seconds=1)))
    server.will(error(429, "rate_limited", Date=date, Retry_After=until), DONE)
    async with client_of(server.url) as client:
        await read(client)
    assert 0.99 <= server.times[1] - server.times[0] < 5


async def test_without_a_time_the_default_pause_is_kept(server: ScriptedServer) -> None:
    server.will(error(429, "rate_limited"), error(429, "rate_limited", Retry_After="soon"), DONE)
    async with client_of(server.url, default_pause=0.4) as client:
        await read(client)
    assert server.times[1] - server.times[0] >= 0.39
    assert server.times[2] - server.times[1] >= 0.39


async def test_one_pause_holds_for_everybody_with_the_budget(server: ScriptedServer) -> None:
    server.will(error(429, "rate_limited", Retry_After="1"))
    throttle = LocalThrottle(rate=1000, burst=1000)
    async with (
        client_of(server.url, throttle=throttle) as one,
        client_of(server.url, throttle=throttle) as two,
    ):
        first = asyncio.create_task(read(one))
        await server.asked.wait()
        await asyncio.sleep(0.1)
        await read(two)
        await first
    assert min(server.times[1:]) - server.times[0] >= 0.99


async def test_a_pause_longer_than_the_patience_ends_the_run(server: ScriptedServer) -> None:
    server.will(error(429, "rate_limited", Retry_After="900"))
    async with client_of(server.url, patience=600) as client:
        with pytest.raises(SideError, match=r"Notion is overrun \(429\), and it asks to wait 900 s.*600 s"):
            await read(client)
    assert len(server.requests) == 1


async def test_a_mistaken_header_does_not_stop_a_worker_for_days(server: ScriptedServer) -> None:
    pauses: list[float] = []

    class Noting(LocalThrottle):
        async def pause(self, seconds: float) -> None:
            pauses.append(seconds)

    server.will(error(429, "rate_limited", Retry_After="99999999"), DONE)
    async with client_of(server.url, throttle=Noting()) as client:
        with pytest.raises(SideError, match="asks to wait"):
            await read(client)
    assert pauses == [3600]


async def test_waiting_for_a_turn_ends_with_the_patience(server: ScriptedServer) -> None:
    throttle = LocalThrottle(rate=1000, burst=1)
    await throttle.pause(60)
    async with client_of(server.url, throttle=throttle, patience=0.2) as client:
        with pytest.raises(SideError, match="rate limit let no request through"):
            await read(client)
    assert server.requests == []


SAVED = Reply(
    503,
    error(503, "service_unavailable").body
    | {"additional_data": {"committed_resource_id": "3839ce7b-60a4-802c-b152-000ba814957b"}},
)


async def test_what_was_made_though_the_answer_came_too_late_is_read(server: ScriptedServer) -> None:
    server.will(SAVED, DONE)
    async with client_of(server.url) as client:
        assert await create(client) == PAGE
    assert [(request.method, request.path) for request in server.requests] == [
        ("POST", "/v1/pages"),
        ("GET", "/v1/pages/3839ce7b-60a4-802c-b152-000ba814957b"),
    ]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(SAVED, error(404, "object_not_found"), id="not found"),
        pytest.param(SAVED, error(401, "unauthorized"), id="refused"),
        pytest.param(
            Reply(503, SAVED.body | {"additional_data": {"committed_resource_id": "../users"}}),
            DONE,
            id="no id",
        ),
    ],
)
async def test_what_is_not_shown_may_have_been_made(
    server: ScriptedServer, first: Reply, second: Reply
) -> None:
    server.will(first, second)
    async with client_of(server.url) as client:
        with pytest.raises(OutcomeUnknownError):
            await create(client)
    assert [request.method for request in server.requests].count("POST") == 1


async def test_a_value_that_was_set_too_late_is_set_again(server: ScriptedServer) -> None:
    server.will(SAVED, DONE)
    async with client_of(server.url) as client:
        assert await update(client) == PAGE
    assert [request.method for request in server.requests] == ["PATCH", "PATCH"]


# -- refusals -----------------------------------------------------------------------------------------------


async def test_a_wrong_token(server: ScriptedServer) -> None:
    server.will(error(401, "unauthorized", "API token is invalid."))
    async with client_of(server.url) as client:
        with pytest.raises(SideError, match="Notion refuses the token: check NOTION_TOKEN"):
            await read(client)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("message", "mend"),
    [
        (
            "API token is invalid.",
            "It is expired, revoked, replaced by a newer one or not whole: take the present",
        ),
        ("This token has expired.", "It is expired: take"),
        ("Token was revoked.", "It is revoked: take"),
    ],
)
async def test_what_became_of_the_token(server: ScriptedServer, message: str, mend: str) -> None:
    server.will(error(401, "unauthorized", message))
    async with client_of(server.url) as client:
        with pytest.raises(SideError, match=mend) as caught:
            await read(client)
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    ("call", "needed"), [(read, "read"), (query, "read"), (update, "update"), (create, "insert")]
)
async def test_a_missing_capability(server: ScriptedServer, call: Call, needed: str) -> None:
    server.will(error(403, "restricted_resource", "Insufficient permissions."))
    async with client_of(server.url) as client:
        with pytest.raises(SideError, match=f"capability to {needed} content"):
            await call(client)


@pytest.mark.parametrize("call", [create, update])
async def test_a_workspace_that_is_out_of_blocks_concerns_what_would_be_made(
    server: ScriptedServer, call: Call
) -> None:
    reply = error(403, "restricted_resource", "The workspace has reached its block limit.")
    server.will(Reply(403, reply.body | {"additional_data": {"block_limit": {"limit": 1000}}}))
    async with client_of(server.url) as client:
        with pytest.raises(RefusedError, match=r"out of blocks.*upgrade its plan") as caught:
            await call(client)
    assert (caught.value.status, len(server.requests)) == (403, 1)


def limited(reason: str, seconds: str, *, in_body: bool = False) -> Reply:
    """429 for a reason."""
    reply = error(429, "rate_limited", "You have been rate limited.")
    details = {"rate_limit_reason": reason} | ({"retry_after": seconds} if in_body else {})
    headers = {} if in_body else {"retry-after": seconds}
    return Reply(429, reply.body | {"additional_data": details}, headers)


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("public_api_request_rate_limit", "limit of requests of this integration is reached"),
        (
            "public_api_space_request_rate_limit",
            "of the workspace, which all of its integrations share, is reached",
        ),
        ("public_api_endpoint_rate_limit", "limit of requests of this kind is reached"),
        ("something new", "Notion is overrun"),
    ],
)
async def test_whose_limit_it_is_is_told(
    server: ScriptedServer, reason: str, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "tasks.services.notion.api.client")
    server.will(limited(reason, "0"), DONE, DONE)
    async with client_of(server.url) as client:
        assert await read(client) == PAGE
        assert words in caplog.text
        server.script.clear()
        server.will(limited(reason, "900", in_body=True))
        with pytest.raises(SideError, match=rf"{words} \(429\), and it asks to wait 900 s"):
            await read(client)


async def test_an_integration_that_is_shut_out_does_not_wait(server: ScriptedServer) -> None:
    server.will(limited("public_api_request_blocked", "5"))
    async with client_of(server.url) as client:
        with pytest.raises(SideError, match=r"shut this integration out .* ask Notion's support"):
            await read(client)
    assert len(server.requests) == 1


class Paused(LocalThrottle):
    """Notes the pauses, and waits for none."""

    def __init__(self) -> None:
        super().__init__(1000, 1000)
        self.pauses: list[float] = []

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)


async def test_a_limit_of_one_kind_of_request_pauses_no_other(server: ScriptedServer) -> None:
    throttle = Paused()
    server.will(limited("public_api_endpoint_rate_limit", "0.3"), DONE)
    async with client_of(server.url, throttle=throttle) as client:
        assert await query(client) == PAGE
    assert throttle.pauses == []
    assert server.times[1] - server.times[0] >= 0.3


def bot(workspace: str) -> Reply:
    return Reply(200, {"object": "user", "type": "bot", "bot": {"workspace_id": workspace}})


async def test_tokens_of_one_workspace_pause_together(server: ScriptedServer) -> None:
    """Each learns of which workspace it is when it meets the limit of that for the first time."""
    space = "public_api_space_request_rate_limit"
    ours, theirs, elsewhere = Paused(), Paused(), Paused()
    for throttle, workspace in ((ours, "w1"), (theirs, "w1"), (elsewhere, "w2")):
        async with client_of(server.url, throttle=throttle) as client:
            server.will(limited(space, "7"), bot(workspace), DONE)
            assert await read(client) == PAGE
    assert [request.path for request in server.requests[:3]] == ["/v1/pages/1", "/v1/users/me", "/v1/pages/1"]
    assert (ours.pauses, theirs.pauses, elsewhere.pauses) == ([7], [7], [7])
    async with client_of(server.url, throttle=theirs) as client:
        server.will(limited(space, "9"), DONE)
        await read(client)
        server.will(limited("public_api_request_rate_limit", "3"), DONE)
        await read(client)
    assert (ours.pauses, theirs.pauses, elsewhere.pauses) == ([7, 9], [7, 9, 3], [7])
    assert [request.path for request in server.requests].count("/v1/users/me") == 3


@pytest.mark.parametrize(
    "answer", [error(500, "internal_server_error"), Reply(200, {"object": "user", "bot": []}), Drop()]
)
async def test_a_workspace_that_is_not_told_keeps_no_request_back(
    server: ScriptedServer, answer: Reply | Drop
) -> None:
    throttle = Paused()
    async with client_of(server.url, throttle=throttle) as client:
        server.will(limited("public_api_space_request_rate_limit", "1"), answer, DONE)
        assert await read(client) == PAGE
    assert throttle.pauses == [1]


@pytest.mark.parametrize(("status", "code"), [(400, "validation_error"), (404, "object_not_found")])
@pytest.mark.parametrize("call", ALL)
async def test_a_refusal_concerns_its_object_only(
    server: ScriptedServer, call: Call, status: int, code: str
) -> None:
    server.will(error(status, code, "Title is expected to be title."))
    async with client_of(server.url) as client:
        with pytest.raises(RefusedError, match="Title is expected to be title") as caught:
            await call(client)
    assert isinstance(caught.value, ItemError)
    assert (caught.value.status, caught.value.code) == (status, code)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "reply", [Reply(404, "<html>"), Reply(403, "<html>"), Reply(302, "moved"), Reply(200, {"ok": True})]
)
async def test_a_server_that_is_not_notion(server: ScriptedServer, reply: Reply) -> None:
    server.will(reply)
    async with client_of(server.url) as client:
        with pytest.raises(SideError, match=r"answers, but not as Notion does.*check NOTION_BASE_URL"):
            await read(client)


@pytest.mark.parametrize("call", ALL)
async def test_no_server_at_the_address(call: Call) -> None:
    with socket.socket() as taken:  # bound and not listening: nobody else gets the port meanwhile
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        async with client_of(url, repeats=2) as client:
            with pytest.raises(SideError, match=f"Notion cannot be reached at {url}.*NOTION_BASE_URL"):
                await call(client)


@pytest.mark.parametrize("address", ["", "api.notion.com", "ftp://x", "http://", "http://[", "http://u:pw@x"])
def test_an_address_that_is_none(address: str) -> None:
    with pytest.raises(SideError, match="NOTION_BASE_URL") as caught:
        NotionClient(SecretStr(TOKEN), base_url=address)
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize("token", [None, "", "  ", "ntn_a b", "ntn_ä", "ntn_a\nb"])
def test_a_token_that_is_none(token: str | None) -> None:
    with pytest.raises(SideError, match="NOTION_TOKEN") as caught:
        NotionClient(None if token is None else SecretStr(token))
    assert "ntn" not in str(caught.value)


@pytest.mark.parametrize("fault", [*UNANSWERED, error(401, "unauthorized"), error(400, "validation_error")])
async def test_the_token_is_in_no_message_log_or_repr(
    server: ScriptedServer, fault: Reply, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(0)
    server.will(*[fault] * 2)
    async with client_of(server.url, repeats=1) as client:
        with pytest.raises(Exception, match=r"Notion|No") as caught:
            await read(client)
        shown = [repr(client), str(caught.value), repr(caught.value), caplog.text, *capfd.readouterr()]
    assert not any(TOKEN in text for text in shown)


# -- before a write -----------------------------------------------------------------------------------------


async def test_every_sending_of_a_write_is_composed_anew(server: ScriptedServer) -> None:
    server.will(Drop(), error(429, "rate_limited", Retry_After="0"), DONE)
    made = 0

    async def compose() -> dict[str, Any]:
        nonlocal made
        made += 1
        return {"n": made}

    async with client_of(server.url) as client:
        await client.set("pages/1", compose, subject="page 1")
    assert [request.body for request in server.requests] == [{"n": 1}, {"n": 2}, {"n": 3}]


async def test_a_settled_write_is_not_sent(server: ScriptedServer) -> None:
    async def compose() -> Settled:
        return Settled({"id": "as it is"})

    async with client_of(server.url) as client:
        assert await client.set("pages/1", compose, subject="page 1") == {"id": "as it is"}
    assert server.requests == []


@pytest.mark.parametrize("call", [update, create])
async def test_a_lost_lock_stops_a_write_that_waited(server: ScriptedServer, call: Call) -> None:
    server.will(error(429, "rate_limited", Retry_After="0"))
    checks = 0

    def check() -> None:
        nonlocal checks
        checks += 1
        if checks > 1:
            raise LockLostError("lost")

    async with client_of(server.url) as client:
        client.before_write = check
        with pytest.raises(LockLostError):
            await call(client)
        assert len(server.requests) == 1
        await read(client)
