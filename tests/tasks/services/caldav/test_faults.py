"""Answers that Radicale does not give but other servers do."""

from __future__ import annotations

import pytest

from tasks.errors import ItemError, OutcomeUnknownError, PreconditionError, SideError
from tasks.services.caldav.entries.todo import TODOS
from tasks.services.caldav.server import client
from tests.tasks.services.caldav.scripted import (
    DROP,
    EMPTY,
    GONE,
    HANG,
    bare,
    found,
    http,
    multistatus,
    scripted,
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
    plain = http("200 OK", TODOS.new("odd name", {"summary": "b"}), "Content-Type: text/calendar")
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
        (todo,) = TODOS.read(TODOS.new("a", {}), href=server.url + "a.ics", etag='"1"').entries
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
