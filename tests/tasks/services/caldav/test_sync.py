"""Changes by the server's own word: what is taken of it, and what is not."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tasks.errors import CursorExpiredError, ItemError, SideError
from tasks.services.caldav import (
    Calendar,
    Todos,
)
from tasks.services.caldav.collection.sync import MOST_PARTS, Version
from tasks.services.caldav.radicale_server import RadicaleServer
from tasks.sides import Changes
from tasks.values.canonical import dump, load
from tests.tasks.services.caldav.quirky import Message, quirky
from tests.tasks.services.caldav.scripted import Scripted, bare, found, http, multistatus, scripted


def texts(changes: Changes) -> list[str]:
    return sorted(entry.values["summary"] for entry in changes.changed)


async def listed(calendar: Calendar) -> Any:
    """The cursor of a listing, as a run gets it."""
    await calendar.check()
    listing = await calendar.read_all()
    assert listing.partial is None
    return load(dump(listing.cursor))


async def test_changes_on_real_servers(calendar: Calendar) -> None:
    one, two, three = [await calendar.create(name, {"summary": name}) for name in ("one", "two", "three")]
    cursor = await listed(calendar)
    assert await calendar.changes(cursor) == Changes([], cursor=cursor)
    await calendar.update(one, {"summary": "uno"})
    await calendar.delete(two)
    await calendar.create("four", {"summary": "four"})
    changes = await calendar.changes(cursor)
    assert (texts(changes), list(changes.deleted)) == (["four", "uno"], ["two"])
    assert (await calendar.changes(changes.cursor)).changed == []
    await calendar.delete(three)
    later = await calendar.changes(changes.cursor)
    assert (texts(later), list(later.deleted)) == ([], ["three", "two"])  # told again, which does no harm
    again = await calendar.changes(cursor)  # a cursor is not used up
    assert (texts(again), list(again.deleted)) == (["four", "uno"], ["three", "two"])
    assert (await calendar.get("four")) is not None
    assert (await calendar.get("three")) is None


async def test_what_was_made_here_and_is_gone_is_told(calendar: Calendar) -> None:
    await calendar.create("one", {"summary": "one"})
    cursor = await listed(calendar)
    made = await calendar.create("two", {"summary": "two"})
    await calendar.delete(made)  # some servers tell nothing of what came and went
    changes = await calendar.changes(cursor)
    assert (texts(changes), list(changes.deleted)) == ([], ["two"])
    assert await calendar.is_gone("two")


async def test_a_token_that_is_of_no_use_leads_to_a_full_listing(calendar: Calendar) -> None:
    await listed(calendar)
    for cursor in ({"token": "urn:nothing", "tag": None}, {"token": None, "tag": "x"}, {}, "x", {"token": 1}):
        with pytest.raises(CursorExpiredError):
            await calendar.changes(cursor)


async def test_an_idle_poll_is_one_request(radicale: RadicaleServer) -> None:
    url = radicale.make_calendar(uuid4().hex)
    async with quirky(radicale) as server:
        kept: Any = None
        cursor: Any = None
        for number in range(3):
            side = Todos(server.at(url), username=radicale.username, password=radicale.password)
            server.requests.clear()
            await side.open()
            try:
                side.recall(kept, {})
                await side.check(["summary"])
                if cursor is None:
                    cursor = (await side.list()).cursor
                else:
                    assert await side.changes(cursor) == Changes([], cursor=cursor)
                kept = load(dump(side.remembered()))
            finally:
                await side.close()
            asked = [(one.method, "authorization" in one.headers) for one in server.requests]
            if number:
                assert asked == [("PROPFIND", True)]


async def test_a_login_of_another_kind_than_before_is_learnt_anew(radicale: RadicaleServer) -> None:
    url = radicale.make_calendar(uuid4().hex)
    for login in ("basic", "digest", "", 7):
        side = Todos(url, username=radicale.username, password="wrong")
        await side.open()
        side.recall({**side.remembered(), "login": login}, {})
        with pytest.raises(SideError, match="refused user"):
            await side.check(["summary"])
        await side.close()


# -- servers that mislead ---------------------------------------------------------------------------------


def version(token: str | None, tag: str | None = None) -> str:
    props = "<D:resourcetype><D:collection/><C:calendar/></D:resourcetype>"
    props += f"<D:sync-token>{token}</D:sync-token>" if token else ""
    props += f'<S:getctag xmlns:S="http://calendarserver.org/ns/">{tag}</S:getctag>' if tag else ""
    return multistatus(
        f"<D:href>/cal/</D:href><D:propstat><D:prop>{props}</D:prop>"
        "<D:status>HTTP/1.1 200 OK</D:status></D:propstat>"
    )


def delta(token: str | None, *responses: str) -> str:
    end = f"<D:sync-token>{token}</D:sync-token></D:multistatus>" if token else "</D:multistatus>"
    body = multistatus(*responses).partition("\r\n\r\n")[2].replace("</D:multistatus>", end)
    return http("207 Multi-Status", body)


def named(name: str) -> str:
    return (
        f'<D:href>/cal/{name}.ics</D:href><D:propstat><D:prop><D:getetag>"1"</D:getetag></D:prop>'
        "<D:status>HTTP/1.1 200 OK</D:status></D:propstat>"
    )


def gone(name: str, status: str = "404 Not Found") -> str:
    return f"<D:href>/cal/{name}.ics</D:href><D:status>HTTP/1.1 {status}</D:status>"


CUT = "<D:href>/cal/</D:href><D:status>HTTP/1.1 507 Insufficient Storage</D:status>"
LISTED = multistatus(found("/cal/a.ics", "a"), found("/cal/b.ics", "b"))
A_AND_C = multistatus(found("/cal/a.ics", "a"), found("/cal/c.ics", "c"))
BEFORE = {"token": "1", "tag": "x"}


async def told(*reports: str, versions: tuple[str, ...] = ()) -> tuple[Changes, Calendar, Scripted]:
    """What changed since the listing of `a` and `b`."""
    async with scripted(
        PROPFIND=[version("1", "x"), *(versions or (version("9", "y"),))],
        REPORT=[LISTED, *reports, http("500 Too Many")],
    ) as (server, calendar):
        assert await listed(calendar) == BEFORE
        return await calendar.changes(BEFORE), calendar, server


@pytest.mark.parametrize(
    "now",
    [
        version("1", "x"),
        version("1", "y"),
        version("9", "x"),  # a token of its own for each that asks
        version(None, "x"),
        version("1"),
    ],
)
async def test_the_same_word_is_no_change(now: str) -> None:
    changes, _, server = await told(versions=(now,))
    assert changes == Changes([], cursor=BEFORE)
    assert [method for method, _, _ in server.requests] == ["PROPFIND", "REPORT", "PROPFIND"]


async def test_an_answer_that_is_cut_short_is_continued() -> None:
    changes, calendar, _ = await told(
        delta("2", named("a"), CUT), delta("3", gone("b"), CUT), delta("4", named("c")), A_AND_C
    )
    assert (texts(changes), list(changes.deleted)) == (["a", "c"], ["b"])
    assert changes.cursor == {"token": "4", "tag": "y"}
    assert set(calendar.known) == {"a.ics", "c.ics"}


async def test_what_was_named_last_counts() -> None:
    changes, *_ = await told(
        delta("2", gone("a"), CUT), delta("3", named("a")), multistatus(found("/cal/a.ics", "a"))
    )
    assert (texts(changes), list(changes.deleted)) == (["a"], [])
    changes, *_ = await told(delta("2", named("a"), CUT), delta("3", gone("a")))
    assert (texts(changes), list(changes.deleted)) == ([], ["a"])


async def test_a_todo_that_moved_to_another_file_is_not_deleted() -> None:
    moved = multistatus(found("/cal/moved.ics", "a"))
    changes, calendar, _ = await told(delta("2", gone("a"), named("moved")), moved)
    assert (texts(changes), list(changes.deleted)) == (["a"], [])
    assert calendar.known == {"moved.ics": ["a"], "b.ics": ["b"]}


@pytest.mark.parametrize(
    "reports",
    [
        # It leads no further, or nowhere.
        ((delta("1", CUT),)),
        ((delta(None, named("a")),)),
        ((delta("2", CUT), delta("2", CUT))),
        # The token is not known any more, in all the ways in which servers say that.
        ((http("403 Forbidden"),)),
        ((http("409 Conflict"),)),
        ((http("410 Gone"),)),
        ((http("412 Precondition Failed"),)),
        ((http("400 Bad Request"),)),
        ((http("500 Broken"),)),
        ((http("501 Not Implemented"),)),
        ((delta("2", CUT.replace("507 Insufficient Storage", "404 Not Found")),)),
        # What it names is not given, or not to be read.
        ((delta("2", named("a")), multistatus(bare("/cal/a.ics")))),
        ((delta("2", named("a")), multistatus(found("/cal/a.ics", "a").replace("END:VTODO", "")))),
        ((delta("2", named("a").replace("/cal/", "https://evil.example/cal/")),)),
        # What changed has the UID of another file.
        ((delta("2", named("c")), multistatus(found("/cal/c.ics", "b")))),
    ],
)
async def test_what_is_odd_leads_to_a_full_listing(reports: tuple[str, ...]) -> None:
    with pytest.raises(CursorExpiredError):
        await told(*reports)


@pytest.mark.parametrize("knows_all", [True, False])
async def test_what_came_and_went_is_nothing_where_all_that_there_was_is_known(knows_all: bool) -> None:
    async with scripted(
        PROPFIND=[version("1", "x"), version("2", "y")], REPORT=[LISTED, delta("2", gone("z"), gone("b"))]
    ) as (_, calendar):
        await listed(calendar)
        calendar.knows_all = knows_all
        if knows_all:
            assert list((await calendar.changes(BEFORE)).deleted) == ["b"]
        else:  # a memory that was lost
            with pytest.raises(CursorExpiredError):
                await calendar.changes(BEFORE)


async def test_an_answer_that_never_ends() -> None:
    endless = [delta(str(number), CUT) for number in range(2, MOST_PARTS + 3)]
    with pytest.raises(CursorExpiredError, match="comes to no end"):
        await told(*endless)


@pytest.mark.parametrize(
    "listing",
    [
        multistatus(found("/cal/a.ics", "a"), bare("/cal/b.ics")),
        multistatus(found("/cal/a.ics", "a"), found("/cal/b.ics", "a")),
        multistatus(found("/cal/a.ics", "a"), CUT),
    ],
)
async def test_where_a_listing_is_odd_changes_are_not_asked_for(listing: str) -> None:
    async with scripted(PROPFIND=[version("1", "x")], REPORT=[listing]) as (_, calendar):
        await calendar.check()
        assert (await calendar.read_all()).cursor is None


async def test_a_server_without_tokens_and_tags_is_listed_in_full() -> None:
    async with scripted(PROPFIND=[version(None)], REPORT=[LISTED]) as (_, calendar):
        assert await listed(calendar) is None
        with pytest.raises(CursorExpiredError):
            await calendar.changes(Version().to_json())


async def test_one_that_cannot_be_read_is_not_taken_for_missing() -> None:
    async with scripted(REPORT=[multistatus(bare("/cal/a.ics"))]) as (_, calendar):
        with pytest.raises(ItemError, match="came without content"):
            await calendar.get("a")


async def test_a_deletion_is_confirmed_though_the_server_tells_of_it(radicale: RadicaleServer) -> None:
    """A server that calls a file gone which it still has."""
    url = radicale.make_calendar(uuid4().hex)

    def lie(request: Message, answer: Message) -> None:
        if request.method == "REPORT" and b"sync-collection" in request.body:
            answer.responses(
                lambda one: (
                    one.replace(one[one.index("<propstat") : one.rindex("</response>")], GONE)
                    if "one.ics" in one
                    else one
                )
            )

    async with quirky(radicale) as server:
        side = Todos(server.at(url), username=radicale.username, password=radicale.password)
        await side.open()
        try:
            made = await side.create("one", {"summary": "one"})
            await side.check(["summary"])
            cursor = (await side.list()).cursor
            await side.update(made, {"summary": "uno"})
            server.answered = lie
            assert list((await side.changes(cursor)).deleted) == ["one"]
            assert not await side.is_gone("one")
        finally:
            await side.close()


GONE = "<status>HTTP/1.1 404 Not Found</status>"
