"""Answers to writes that Radicale does not give but other servers do."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from tasks.errors import ItemError, OutcomeUnknownError, PreconditionError, SideError
from tasks.services.caldav.entries.todo import TODOS
from tasks.services.caldav.server import client
from tests.tasks.services.caldav.scripted import DROP, GONE, found, http, multistatus, scripted


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (DROP, OutcomeUnknownError),
        (http("500 Failed"), OutcomeUnknownError),
        (http("412 Precondition Failed"), PreconditionError),
        (http("404 Not Found"), PreconditionError),
        (http("403 Forbidden"), ItemError),
        (http("413 Too Large"), ItemError),
        (http("507 Insufficient Storage"), ItemError),
        (http("301 Moved", "", "Location: /elsewhere/"), SideError),
        (http("401 Unauthorized", "", 'WWW-Authenticate: Basic realm="x"'), SideError),
    ],
)
async def test_what_a_refused_write_means(answer: str, error: type[Exception]) -> None:
    (todo,) = TODOS.read(TODOS.new("a", {}), href="", etag='"1"').entries
    async with scripted(PUT=[answer], REPORT=[multistatus()]) as (server, calendar):
        todo = replace(todo, href=server.url + "a.ics")
        with pytest.raises(error) as caught:
            await calendar.update(todo, {"summary": "new"})
        assert type(caught.value) is error
    assert [method for method, _, _ in server.requests].count("PUT") == 1
    assert server.requests[0][2]["if-match"] == '"1"'


async def test_a_create_is_conditional_and_finds_what_lies_elsewhere() -> None:
    conflict = http(
        "409 Conflict",
        '<D:error xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><C:no-uid-conflict/></D:error>',
        "Content-Type: application/xml",
    )
    async with scripted(PUT=[conflict], REPORT=[multistatus(found("/cal/moved.ics", "k"))]) as (
        server,
        calendar,
    ):
        todo = await calendar.create("k", {"summary": "x"})
    assert todo.href.endswith("/cal/moved.ics")
    assert server.requests[0][2]["if-none-match"] == "*"
    async with scripted(PUT=[conflict], REPORT=[multistatus()]) as (server, calendar):
        with pytest.raises(ItemError, match="no-uid-conflict"):
            await calendar.create("k", {"summary": "x"})


@pytest.mark.parametrize("etag", ["", 'ETag: W/"2"'])
async def test_without_a_strong_etag_the_stored_todo_is_read(etag: str) -> None:
    created = http("201 Created", "", *([etag] if etag else []))
    async with scripted(PUT=[created], REPORT=[multistatus(found("/cal/k.ics", "k", '"3"'))]) as (
        _,
        calendar,
    ):
        todo = await calendar.create("k", {"summary": "x"})
    assert todo.etag == '"3"'
    assert todo.values["summary"] == "k"  # the server's word, not what was sent


@pytest.mark.parametrize("etag", ["", 'W/"1"'])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_without_a_strong_etag_the_text_is_compared_right_before(etag: str, method: str) -> None:
    """Also where the server makes the time stamp anew at each reading, as some do."""
    old, edited = (found("/cal/a.ics", "a", etag).replace("SUMMARY:a", f"SUMMARY:{s}") for s in ("a", "b"))
    again = re.sub("DTSTAMP:.*", "DTSTAMP:20360101T000000Z", old)
    for now, written in ((again, True), (edited, False), (GONE, False)):
        done = {"PUT": [http("204 Done")], "DELETE": [http("204 Done")]}
        async with scripted(REPORT=[multistatus(old), multistatus(now), multistatus(old)], **done) as (
            server,
            calendar,
        ):
            (todo,) = await calendar.read_all()
            write = calendar.delete(todo) if method == "DELETE" else calendar.update(todo, {"priority": 1})
            if written:
                await write
            else:
                with pytest.raises(PreconditionError, match="changed on the server meanwhile"):
                    await write
        sent = [headers for sent, _, headers in server.requests if sent == method]
        assert len(sent) == written
        assert not any("if-match" in headers for headers in sent)


@pytest.mark.parametrize("status", ["412 Precondition Failed", "404 Not Found", "410 Gone"])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_a_todo_that_did_not_change_and_is_refused_as_changed_is_a_failure(
    status: str, method: str
) -> None:
    listed = multistatus(found("/cal/a.ics", "a"))
    async with scripted(REPORT=[listed], **{method: [http(status)]}) as (_, calendar):
        (todo,) = await calendar.read_all()
        with pytest.raises(ItemError, match=f"refuses to change it .status {status[:3]}") as caught:
            await (calendar.delete(todo) if method == "DELETE" else calendar.update(todo, {"summary": "new"}))
        assert type(caught.value) is ItemError


async def test_a_deletion_that_is_said_and_not_done_is_a_failure() -> None:
    stays = found("/cal/a.ics", "a")
    (text,) = re.findall("(?s)<C:calendar-data>(.*)</C:calendar-data>", stays)
    async with scripted(
        REPORT=[multistatus(stays)], DELETE=[http("204 Done")], GET=[http("200 OK", text)]
    ) as (_, calendar):
        (todo,) = await calendar.read_all()
        with pytest.raises(ItemError, match="shows it still"):
            await calendar.delete(todo)


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        (
            '<d:error xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns"><s:sabredav-version>4</s:sabredav-version>'
            "<s:exception>Sabre\\DAV\\X</s:exception><s:message>This calendar takes no VTODO</s:message></d:error>",
            "application/xml",
            "This calendar takes no VTODO",
        ),
        (
            '<D:error xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">'
            "<C:supported-calendar-component/></D:error>",
            "application/xml",
            "supported-calendar-component",
        ),
        ("Too long:\n a title may have 20 letters", "text/plain", "Too long: a title may have 20 letters"),
        (
            "<html><head><title>x</title></head><body><h1>415</h1>No &amp; never</body></html>",
            "text/html",
            "415 No & never",
        ),
        ("<broken", "application/xml", ""),
        ("x" * 5000, "text/plain", "x" * 200 + "…"),
    ],
)
async def test_a_refusal_is_told_in_the_servers_words(body: str, kind: str, said: str) -> None:
    for status in ("415 Unsupported", "403 Forbidden"):
        async with scripted(PUT=[http(status, body, f"Content-Type: {kind}")], REPORT=[multistatus()]) as (
            _,
            calendar,
        ):
            with pytest.raises(ItemError) as caught:
                await calendar.create("k", {"summary": "x"})
        assert said in str(caught.value)
        assert "exception" not in str(caught.value)


@pytest.mark.parametrize("location", ["Location: /cal/renamed.ics", "Location: renamed.ics", ""])
async def test_a_server_that_names_new_files_itself(location: str) -> None:
    there = multistatus(found("/cal/renamed.ics", "k"))
    reports = [multistatus(GONE), there]  # under its own name it is not there
    async with scripted(PUT=[http("201 Created", "", *filter(None, [location]))], REPORT=reports) as (
        _,
        calendar,
    ):
        todo = await calendar.create("k", {"summary": "k"})
    assert todo.href.endswith("/cal/renamed.ics")


async def test_what_was_taken_and_is_not_shown_has_an_open_outcome() -> None:
    async with scripted(PUT=[http("201 Created", "", 'ETag: "1"')], REPORT=[multistatus()]) as (_, calendar):
        with pytest.raises(OutcomeUnknownError, match="does not show it"):
            await calendar.create("k", {"summary": "k"})


async def test_a_busy_server_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "SHORTEST_WAIT_SECONDS", 0.01)
    busy = http("503 Busy", "", "Retry-After: 0")
    checks: list[int] = []
    stored = multistatus(found("/cal/k.ics", "k"))
    async with scripted(PUT=[busy, busy, http("201 Created", "", 'ETag: "1"')], REPORT=[stored]) as (
        _,
        calendar,
    ):
        calendar.client.before_write = lambda: checks.append(1)
        assert (await calendar.create("k", {"summary": "x"})).etag == '"1"'
    assert len(checks) == 3  # the lock is looked at again after each wait
    monkeypatch.setattr(client, "LONGEST_WAIT_SECONDS", 0.02)
    async with scripted(PUT=[http("429 Too Many", "", "Retry-After: 3600")]) as (_, calendar):
        with pytest.raises(SideError, match="busy"):
            await calendar.create("k", {"summary": "x"})
