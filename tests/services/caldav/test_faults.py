"""Answers that radicale does not give but other servers do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from tasks.errors import ItemError, OutcomeUnknownError, PreconditionError, SideError
from tasks.services.caldav import CalDAVClient, TodoCalendar, client
from tasks.services.caldav.todo import new_todo, read_resource

DROP = "drop"
HANG = "hang"


@dataclass
class Scripted:
    """Gives each method's answers in turn, the last one for ever, and remembers the requests."""

    answers: dict[str, list[str]]
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
                queue = self.answers[method]
                answer = queue.pop(0) if len(queue) > 1 else queue[0]
                if answer == DROP:
                    break
                if answer == HANG:
                    continue
                writer.write(answer.encode())
                await writer.drain()
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def scripted(**answers: list[str]) -> AsyncIterator[tuple[Scripted, TodoCalendar]]:
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


@pytest.mark.parametrize("second", [multistatus(), multistatus(bare("/cal/b.ics", "500 Failed"))])
async def test_content_that_stays_missing_is_partial(second: str) -> None:
    answers = [multistatus(found("/cal/a.ics", "a"), bare("/cal/b.ics", "500 Failed")), second]
    async with scripted(REPORT=answers) as (_, calendar):
        listing = await calendar.read_all()
    assert [todo.uid for todo in listing] == ["a"]
    assert listing.partial is not None
    assert "b.ics" in listing.partial


async def test_a_resource_deleted_while_it_is_listed_is_not_missing() -> None:
    gone = "<D:href>/cal/b.ics</D:href><D:status>HTTP/1.1 404 Not Found</D:status>"
    async with scripted(REPORT=[multistatus(found("/cal/a.ics", "a"), gone)]) as (_, calendar):
        listing = await calendar.read_all()
    assert listing.partial is None


async def test_two_resources_with_one_uid_are_partial() -> None:
    answer = multistatus(found("/cal/a.ics", "a"), found("/cal/b.ics", "a"))
    async with scripted(REPORT=[answer]) as (_, calendar):
        listing = await calendar.read_all()
    assert len(listing) == 1
    assert listing.partial == "b.ics has the UID of a.ics"


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
    async with scripted(PUT=[answer], REPORT=[multistatus()], GET=[http("200 OK")]) as (server, calendar):
        todo = type(todo)(todo.uid, server.url + "a.ics", todo.etag, todo.text, todo.values, todo.timestamp)
        with pytest.raises(error) as caught:
            await calendar.update(todo, {"summary": "new"})
        assert type(caught.value) is error
    # The library asks once without a login where the server demands one; nothing is sent twice otherwise.
    assert [method for method, _, _ in server.requests] == ["PUT"]
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


async def test_nothing_is_written_without_an_etag() -> None:
    (todo,) = read_resource(new_todo("a", {}), href="http://127.0.0.1:1/a.ics", etag=None).todos
    async with scripted() as (_, calendar):
        with pytest.raises(ItemError, match="no ETag"):
            await calendar.update(todo, {"summary": "new"})
        with pytest.raises(ItemError, match="no ETag"):
            await calendar.delete(todo)


async def test_a_busy_server_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "SHORTEST_WAIT_SECONDS", 0.01)
    busy = http("503 Busy", "", "Retry-After: 0")
    checks: list[int] = []
    async with scripted(PUT=[busy, busy, http("201 Created", "", 'ETag: "1"')]) as (_, calendar):
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
        with pytest.raises(SideError):
            assert not await calendar.is_gone("k")


async def test_a_server_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "TIMEOUT_SECONDS", 0.2)
    async with scripted(PUT=[HANG], REPORT=[HANG]) as (_, calendar):
        with pytest.raises(SideError, match="broke off"):
            await calendar.read_all()
        with pytest.raises(OutcomeUnknownError, match="no answer came"):
            await calendar.create("k", {"summary": "x"})
