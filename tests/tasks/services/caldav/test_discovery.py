"""Finding a calendar by its name, on real servers and on ones that mislead."""

from __future__ import annotations

import re
import tomllib
from typing import Any
from uuid import uuid4

import pytest

from tasks.errors import SideError, TaskDefinitionError
from tasks.services.caldav import (
    SERVICE,
    TODOS,
    CalDAVClient,
    Events,
    Todos,
)
from tasks.services.caldav.collection.discovery import find_calendar
from tasks.services.caldav.server.told import Told
from tasks.values.canonical import dump, load
from tests.docs.pages import block
from tests.tasks.services.caldav.conftest import Server
from tests.tasks.services.caldav.scripted import Scripted, http, multistatus, scripted


def make_calendar(server: Server, name: str, *kinds: str) -> str:
    """A calendar that apps show by this name."""
    url = server.make_calendar(uuid4().hex, *kinds)
    called(server, url, name)
    return url


def called(server: Server, url: str, name: str) -> None:
    body = (
        '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop>'
        f"<D:displayname>{name}</D:displayname></D:prop></D:set></D:propertyupdate>"
    )
    with server.http() as client:
        headers = {"Content-Type": "text/xml"}
        client.request("PROPPATCH", url, content=body, headers=headers).raise_for_status()


async def found(server: Server, name: str, remembered: Any = None, side: Any = Todos) -> tuple[str, str, Any]:
    """The address and the label of a calendar that is given by its name, and what is remembered."""
    made = side(name, url=server.url, username=server.username, password=server.password)
    await made.open()
    try:
        made.recall(remembered, {})
        await made.check(["summary"])
        assert list(await made.list()) == []
        return made.scope(), made.label, load(dump(made.remembered()))
    finally:
        await made.close()


async def test_a_calendar_is_found_by_its_name(server: Server) -> None:
    name = f"Errands {uuid4().hex[:6]}"
    url = make_calendar(server, name)
    make_calendar(server, f"{name} of Ada")
    for given in (name, f"  {name.replace(' ', '  ')}", name.upper(), url.rstrip("/").rpartition("/")[2]):
        assert (await found(server, given))[:2] == (url, f"the calendar {name}")


async def test_once_found_it_may_be_called_otherwise(server: Server) -> None:
    name = f"Errands {uuid4().hex[:6]}"
    url = make_calendar(server, name)
    *_, kept = await found(server, name)
    called(server, url, "Chores")
    assert (await found(server, name, kept))[:2] == (url, "the calendar Chores")
    with server.http() as client:
        client.delete(url).raise_for_status()
    again = make_calendar(server, name)
    assert (await found(server, name, kept))[0] == again


async def test_of_two_with_one_name_none_is_taken(server: Server) -> None:
    name = f"Home {uuid4().hex[:6]}"
    places = {make_calendar(server, name).rstrip("/") for _ in range(2)}
    with pytest.raises(TaskDefinitionError, match="2 calendars") as caught:
        await found(server, name)
    assert all(place in str(caught.value) for place in places)
    other = make_calendar(server, name.lower())
    assert (await found(server, name.lower()))[0] == other


async def test_one_that_is_not_there_is_told_with_those_that_are(server: Server) -> None:
    name = f"Errands {uuid4().hex[:6]}"
    make_calendar(server, name)
    with pytest.raises(
        TaskDefinitionError, match=r"has no calendar 'Errands .*'; those with to-dos are "
    ) as caught:
        await found(server, name[:-1])
    assert name in str(caught.value)  # however many others there are


async def test_only_calendars_that_take_such_entries_count(radicale: Any) -> None:
    name = f"Both {uuid4().hex[:6]}"
    todos, events = make_calendar(radicale, name, "VTODO"), make_calendar(radicale, name, "VEVENT")
    assert (await found(radicale, name))[0] == todos
    assert (await found(radicale, name, side=Events))[0] == events
    make_calendar(radicale, f"{name} only", "VTODO")
    with pytest.raises(TaskDefinitionError, match="takes no events"):
        await found(radicale, f"{name} only", side=Events)


# -- servers that mislead ---------------------------------------------------------------------------------


def prop(href: str, *names: str) -> str:
    """What a server says of one place."""
    inner = "".join(names)
    return (
        f"<D:href>{href}</D:href><D:propstat><D:prop>{inner}</D:prop>"
        "<D:status>HTTP/1.1 200 OK</D:status></D:propstat>"
    )


def principal(href: str) -> str:
    return f"<D:current-user-principal><D:href>{href}</D:href></D:current-user-principal>"


def home(*hrefs: str) -> str:
    inside = "".join(f"<D:href>{href}</D:href>" for href in hrefs)
    return f"<C:calendar-home-set>{inside}</C:calendar-home-set>"


def calendar(href: str, name: str) -> str:
    kind = "<D:resourcetype><D:collection/><C:calendar/></D:resourcetype>"
    return prop(href, kind, f"<D:displayname>{name}</D:displayname>")


LISTED = multistatus(calendar("/h/a/", "Errands"), calendar("/h/b/", "Home"))
AWAY = http("301 Moved", "", "Location: /dav/")
NOTHING = http("404 Not Found")


async def search(*answers: str, by_mail: bool = False) -> tuple[str, Scripted]:
    async with (
        scripted(PROPFIND=[*answers, http("500 Too Many")]) as (server, _),
        CalDAVClient(f"http://127.0.0.1:{server.port}/base/") as client,
    ):
        url = await find_calendar(client, "Errands", TODOS, by_mail=by_mail)
        return url.removeprefix(f"http://127.0.0.1:{server.port}"), server


@pytest.mark.parametrize(
    ("answers", "asked"),
    [
        # The address says it at once; by the principal; of a folder that is the home itself.
        ([multistatus(prop("/base/", home("/h/"))), LISTED], ["/base/", "/h/"]),
        (
            [multistatus(prop("/base/", principal("/p/"))), multistatus(prop("/p/", home("/h/"))), LISTED],
            ["/base/", "/p/", "/h/"],
        ),
        # By the well-known address, which leads on.
        (
            [NOTHING, AWAY, multistatus(prop("/dav/", principal("/p/"))), multistatus(prop("/p/", home("../h/"))),
             LISTED],
            ["/base/", "/.well-known/caldav", "/dav/", "/p/", "/h/"],
        ),
        ([NOTHING, NOTHING, NOTHING, LISTED], ["/base/", "/.well-known/caldav", "/", "/base/"]),
        # Of two homes, the second one has it.
        (
            [multistatus(prop("/base/", home("/g/", "/h/"))), multistatus(calendar("/g/x/", "x")), LISTED],
            ["/base/", "/g/", "/h/"],
        ),
    ],
)  # fmt: skip
async def test_the_way_to_a_calendar(answers: list[str], asked: list[str]) -> None:
    url, server = await search(*answers)
    assert url == "/h/a/"
    assert [path for _, path, _ in server.requests] == asked


async def test_a_mail_address_leads_to_the_well_known_place() -> None:
    home_set = multistatus(prop("/dav/", home("/h/")))
    url, server = await search(AWAY, home_set, LISTED, by_mail=True)
    assert url == "/h/a/"
    assert [path for _, path, _ in server.requests] == ["/.well-known/caldav", "/dav/", "/h/"]
    with pytest.raises(SideError, match="does not say where its calendars are"):
        await search(NOTHING, NOTHING, by_mail=True)


ELSEWHERE = "https://p12-caldav.example.com/1/"


@pytest.mark.parametrize(
    "answers",
    [
        [NOTHING, http("301 Moved", "", f"Location: {ELSEWHERE}")],
        [http("302 Found", "", "Location: https://u:pw@p12-caldav.example.com/1/?x=1")],
        [multistatus(prop("/base/", principal(ELSEWHERE)))],
        [multistatus(prop("/base/", principal("/p/"))), multistatus(prop("/p/", home(ELSEWHERE)))],
        [multistatus(prop("/base/", home("//p12-caldav.example.com/1/")))],
    ],
)
async def test_another_server_is_told_and_not_asked(answers: list[str]) -> None:
    with pytest.raises(
        TaskDefinitionError, match="at another server; if you trust it, give url = "
    ) as caught:
        await search(*answers)
    assert "://p12-caldav.example.com/1/" in str(caught.value)
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ([AWAY], "redirects from one address to the next"),
        (
            [multistatus(prop("/base/", home("/h/"))), http("403 Forbidden")],
            "answered 403 when asked for the cal",
        ),
        (
            [
                multistatus(prop("/base/", home("/h/"))),
                multistatus(
                    calendar("/h/b/", "Home"), "<D:href>/h/</D:href><D:status>HTTP/1.1 507 x</D:status>"
                ),
            ],
            "does not name all calendars",
        ),
        ([http("207 Multi-Status", "<html>")], "does not answer as a CalDAV server"),
    ],
)
async def test_what_is_not_told_is_no_calendar(answers: list[str], why: str) -> None:
    async with (
        scripted(PROPFIND=answers) as (server, _),
        CalDAVClient(f"http://127.0.0.1:{server.port}/base/") as client,
    ):
        with pytest.raises(SideError, match=why):
            await find_calendar(client, "Errands", TODOS)


async def test_a_calendar_on_another_server_is_none() -> None:
    other = multistatus(calendar("https://evil.example/a/", "Errands"))
    with pytest.raises(TaskDefinitionError, match="no calendar 'Errands'; those with to-dos are none"):
        await search(multistatus(prop("/base/", home("/h/"))), other)


# -- what users say ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("calendar", "url", "told"),
    [
        ("https://a.example/c", None, Told("https://a.example/c/")),
        ("Errands", "https://a.example", Told("https://a.example/", "Errands")),
        ("Errands", "https://anna@a.example/dav", Told("https://a.example/dav/", "Errands", username="anna")),
        ("Errands", "anna@a.example", Told("https://a.example/", "Errands", by_mail=True, username="anna@a.example")),
    ],
)  # fmt: skip
def test_what_is_told(calendar: str, url: str | None, told: Told) -> None:
    assert Told.of(calendar, url) == told


@pytest.mark.parametrize(
    ("calendar", "url", "why"),
    [
        ("Errands", None, "is no address: give one, or url beside it"),
        ("https://a.example/c", "https://a.example", "leave one out"),
        ("  ", "https://a.example", "calendar is empty"),
        ("Errands", "a.example", "must begin with https://"),
        ("Errands", "@a.example", "must begin with https://"),
    ],
)
def test_what_does_not_fit_is_told_at_once(calendar: str, url: str | None, why: str) -> None:
    for side in (Todos, Events):
        with pytest.raises(TaskDefinitionError, match=why):
            side(calendar, url=url)


def test_the_calendar_on_the_page() -> None:
    text = block("caldav.md", "# by its name").text
    by_url, by_mail = text, re.sub(r'"https:.* or ', "", text)
    for toml, told in (
        (by_url, Told.of("Errands", "https://cloud.example.org")),
        (by_mail, Told.of("Errands", "anna@example.org")),
    ):
        side = SERVICE.make(SERVICE.table.model_validate(tomllib.loads(toml)["sync"]["caldav"]))
        assert isinstance(side, Todos)
        assert side._told == told
