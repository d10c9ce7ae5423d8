"""Answers that radicale does not give but other servers do."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from tasks.errors import ItemError, OutcomeUnknownError, PreconditionError, SideError
from tasks.services.caldav import CalDAVClient, TodoCalendar, client
from tasks.services.caldav.todo import new_todo, read_resource

DROP = "drop"
HANG = "hang"


@dataclass
class Scripted:
    """Gives each method's answers in turn, the last one for ever, and remembers the requests."""

    answers: dict[str, list[str | bytes]]
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/cal/"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                first, *rest = head.split("\r\n")
                method, path, _ = first.split(" ", 2)
                headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in rest if line)}
                await reader.readexactly(int(headers.get("content-length", 0)))
                self.requests.append((method, path, headers))
                queue = self.answers.get(method, [http("404 Not Found")])
                answer = queue.pop(0) if len(queue) > 1 else queue[0]
                if answer == DROP:
                    break
                if answer == HANG:
                    continue
                writer.write(answer if isinstance(answer, bytes) else answer.encode())
                await writer.drain()
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def scripted(**answers: list[str | bytes]) -> AsyncIterator[tuple[Scripted, TodoCalendar]]:
    server = Scripted(answers)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        async with CalDAVClient(server.url) as made:
            yield server, TodoCalendar(made)
    finally:
        listener.close()


def http(status: str, body: str = "", *headers: str) -> str:
    length = len(body.encode())
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, f"Content-Length: {length}", "", body])


def multistatus(*responses: str) -> str:
    inner = "".join(f"<D:response>{response}</D:response>" for response in responses)
    return http(
        "207 Multi-Status",
        '<?xml version="1.0"?><D:multistatus xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">'
        f"{inner}</D:multistatus>",
        "Content-Type: application/xml; charset=utf-8",
    )


def found(href: str, uid: str, etag: str = '"1"') -> str:
    return (
        f"<D:href>{href}</D:href><D:propstat><D:prop><D:getetag>{etag}</D:getetag>"
        f"<C:calendar-data>{new_todo(uid, {'summary': uid})}</C:calendar-data></D:prop>"
        "<D:status>HTTP/1.1 200 OK</D:status></D:propstat>"
    )


def bare(href: str, status: str = "404 Not Found") -> str:
    return (
        f'<D:href>{href}</D:href><D:propstat><D:prop><D:getetag>"1"</D:getetag></D:prop>'
        "<D:status>HTTP/1.1 200 OK</D:status></D:propstat><D:propstat><D:prop><C:calendar-data/></D:prop>"
        f"<D:status>HTTP/1.1 {status}</D:status></D:propstat>"
    )


async def test_an_answer_that_was_cut_short_is_partial() -> None:
    cut = "<D:href>/cal/</D:href><D:status>HTTP/1.1 507 Insufficient Storage</D:status>"
    async with scripted(REPORT=[multistatus(found("/cal/a.ics", "a"), cut)]) as (_, calendar):
        listing = await calendar.read_all()
    assert [todo.uid for todo in listing] == ["a"]
    assert listing.partial is not None
    assert "cut its answer short" in listing.partial


async def test_missing_content_is_asked_for_again() -> None:
    answers = [
        multistatus(found("/cal/a.ics", "a"), bare("/cal/b.ics")),
        multistatus(found("/cal/b.ics", "b")),
    ]
    async with scripted(REPORT=answers) as (server, calendar):
        listing = await calendar.read_all()
    assert [todo.uid for todo in listing] == ["a", "b"]
    assert listing.partial is None
    assert len(server.requests) == 2


GONE = "<D:href>/cal/b.ics</D:href><D:status>HTTP/1.1 404 Not Found</D:status>"
EMPTY = "<D:href>/cal/b.ics</D:href><D:propstat><D:prop/><D:status>HTTP/1.1 200 OK</D:status></D:propstat>"


@pytest.mark.parametrize("first", [bare("/cal/b.ics"), GONE, EMPTY])
@pytest.mark.parametrize(
    "second",
    [
        multistatus(),
        multistatus(bare("/cal/b.ics", "500 Failed")),
        http("415 Not Known"),
    ],
)
@pytest.mark.parametrize("third", ["404 Not Found", "403 Forbidden", "500 Failed", "302 Found"])
async def test_what_is_named_and_not_given_is_there_until_it_is_named_no_more(
    first: str, second: str, third: str
) -> None:
    a = found("/cal/a.ics", "a")
    reports = [multistatus(a, first), second, multistatus(a), multistatus()]
    get = [http(third), http("404 Not Found")]
    async with scripted(REPORT=reports, GET=get, PUT=[http("201 Created")]) as (server, calendar):
        listing = await calendar.read_all()
        assert [todo.uid for todo in listing] == ["a"]
        assert listing.partial is None
        assert "b.ics came without content" in listing.unreadable["b"]
        assert not await calendar.is_gone("b")
        assert not await calendar.is_gone("linked, and in a file of another name perhaps")
        with pytest.raises(PreconditionError, match=r"may be there already, in b\.ics"):
            await calendar.create("k", {"summary": "new"})
        assert "PUT" not in [method for method, _, _ in server.requests]
        listing = await calendar.read_all()
        assert not listing.unreadable
        assert await calendar.is_gone("b")


async def test_content_is_also_asked_for_by_a_plain_request() -> None:
    reports = [multistatus(found("/cal/a.ics", "a"), bare("/cal/b.ics")), multistatus(GONE)]
    plain = http("200 OK", new_todo("odd name", {"summary": "b"}), "Content-Type: text/calendar")
    async with scripted(REPORT=reports, GET=[plain]) as (_, calendar):
        listing = await calendar.read_all()
    assert [(todo.uid, todo.etag) for todo in listing] == [("a", '"1"'), ("odd name", '"1"')]
    assert not listing.unreadable


async def test_what_was_read_before_stands_for_what_it_held_then() -> None:
    a, b = found("/cal/a.ics", "a"), found("/cal/odd.ics", "b")
    reports = [
        multistatus(a, b),
        multistatus(a, bare("/cal/odd.ics")),
        multistatus(GONE),
        multistatus(),
        multistatus(found("/cal/k.ics", "k")),
    ]
    async with scripted(REPORT=reports, PUT=[http("201 Created")]) as (_, calendar):
        await calendar.read_all()
        listing = await calendar.read_all()
        assert set(listing.unreadable) == {"b"}
        assert not await calendar.is_gone("b")
        assert await calendar.is_gone("c")  # not in a.ics, and not in odd.ics either
        assert (await calendar.create("k", {"summary": "new"})).uid == "k"


async def test_uids_found_by_a_query_that_names_and_does_not_give_are_not_gone() -> None:
    async with scripted(REPORT=[multistatus(), multistatus(bare("/cal/x.ics")), multistatus()]) as (
        _,
        calendar,
    ):
        await calendar.read_all()
        assert not await calendar.is_gone("k")


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("second", ["/cal/b.ics", "/cal/deeper/a.ics"])
async def test_a_uid_that_two_resources_have_stands_for_neither(second: str, turned: bool) -> None:
    both = [found("/cal/a.ics", "a"), found(second, "a", '"2"')]
    answer = multistatus(*(both[::-1] if turned else both), found("/cal/c.ics", "c"))
    async with scripted(REPORT=[answer], PUT=[http("204 Done")], DELETE=[http("204 Done")]) as (
        server,
        calendar,
    ):
        listing = await calendar.read_all()
        assert [todo.uid for todo in listing] == ["c"]
        assert listing.partial is None
        name = second.removeprefix("/cal/")
        assert listing.unreadable == {"a": f"a.ics and {name} have the same UID; delete all but one of them"}
        assert not await calendar.is_gone("a")
        (todo,) = read_resource(new_todo("a", {}), href=server.url + "a.ics", etag='"1"').todos
        with pytest.raises(ItemError, match="have the same UID"):
            await calendar.update(todo, {"summary": "new"})
        with pytest.raises(ItemError, match="have the same UID"):
            await calendar.delete(todo)
        assert {method for method, _, _ in server.requests} == {"REPORT"}


async def test_an_unreadable_todo_is_named_by_its_uid_and_the_listing_is_complete() -> None:
    bad = found("/cal/odd.ics", "bad").replace("END:VTODO", "BEGIN:VALARM")
    async with scripted(REPORT=[multistatus(found("/cal/a.ics", "a"), bad), multistatus()]) as (_, calendar):
        listing = await calendar.read_all()
        assert [todo.uid for todo in listing] == ["a"]
        assert listing.partial is None
        assert listing.unreadable["bad"].startswith("odd.ics cannot be read: ")
        assert not await calendar.is_gone("bad")
        assert await calendar.is_gone("another")
        with pytest.raises(PreconditionError, match=r"in odd\.ics"):
            await calendar.create("k", {"summary": "Bad "})


async def test_a_resource_that_is_named_twice_is_one() -> None:
    answer = multistatus(bare("/cal/a.ics"), found("/cal/a.ics", "a"), found("/cal/a.ics", "a"))
    async with scripted(REPORT=[answer]) as (_, calendar):
        listing = await calendar.read_all()
    assert [todo.uid for todo in listing] == ["a"]
    assert not listing.unreadable


@pytest.mark.parametrize(
    "answer",
    [
        http("200 OK", "<html>welcome</html>", "Content-Type: text/html"),
        http("207 Multi-Status", "<broken", "Content-Type: application/xml"),
        http("207 Multi-Status", "<other/>", "Content-Type: application/xml"),
        http("502 Bad Gateway"),
        http("404 Not Found"),
        DROP,
    ],
)
async def test_no_list_is_no_empty_list(answer: str) -> None:
    async with scripted(REPORT=[answer]) as (_, calendar):
        with pytest.raises(SideError):
            await calendar.read_all()


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
    (todo,) = read_resource(new_todo("a", {}), href="", etag='"1"').todos
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
        calendar._client.before_write = lambda: checks.append(1)
        assert (await calendar.create("k", {"summary": "x"})).etag == '"1"'
    assert len(checks) == 3  # the lock is looked at again after each wait
    monkeypatch.setattr(client, "LONGEST_WAIT_SECONDS", 0.02)
    async with scripted(PUT=[http("429 Too Many", "", "Retry-After: 3600")]) as (_, calendar):
        with pytest.raises(SideError, match="busy"):
            await calendar.create("k", {"summary": "x"})


@pytest.mark.parametrize(
    ("reports", "get", "gone"),
    [
        (multistatus(), "404 Not Found", True),
        (multistatus(), "410 Gone", True),
        (multistatus(), "200 OK", False),
        (multistatus(found("/cal/x.ics", "k")), "404 Not Found", False),
        # a server that does not look at the filter gives others too
        (multistatus(found("/cal/x.ics", "other")), "404 Not Found", True),
    ],
)
async def test_gone_is_what_the_server_says(reports: str, get: str, gone: bool) -> None:
    async with scripted(REPORT=[reports], GET=[http(get)]) as (_, calendar):
        assert await calendar.is_gone("k") is gone


@pytest.mark.parametrize(
    "answers",
    [
        {"REPORT": [http("500 Failed")], "GET": [http("404 Not Found")]},
        {"REPORT": [multistatus(bare("/cal/x.ics", "500 Failed"))], "GET": [http("404 Not Found")]},
        {"REPORT": [multistatus()], "GET": [http("403 Forbidden")]},
        {"REPORT": [multistatus()], "GET": [DROP]},
    ],
)
async def test_an_unclear_answer_is_not_gone(answers: dict[str, list[str]]) -> None:
    async with scripted(**answers) as (_, calendar):
        try:
            gone = await calendar.is_gone("k")
        except SideError:
            gone = False
        assert not gone


async def test_a_server_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "TIMEOUT_SECONDS", 0.2)
    async with scripted(PUT=[HANG], REPORT=[HANG]) as (_, calendar):
        with pytest.raises(SideError, match="broke off"):
            await calendar.read_all()
        with pytest.raises(OutcomeUnknownError, match="no answer came"):
            await calendar.create("k", {"summary": "x"})
