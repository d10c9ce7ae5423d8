"""Against a real radicale, and against its faults as a scripted server shows them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import uuid4

import pytest
from pydantic import SecretStr

from tasks.errors import ItemError, PreconditionError, SideError, TaskDefinitionError
from tasks.services.caldav import (
    TODOS,
    CalDAVClient,
    Calendar,
    Entry,
)
from tasks.services.caldav.radicale_server import RadicaleServer
from tasks.values.opaque import Opaque
from tests.tasks.services.caldav.conftest import Server

VALUES = {
    "summary": "Order paper; two, boxes",
    "description": "first line\nsecond — “line” 🏢",
    "due": datetime(2026, 7, 4, 12, tzinfo=UTC),
    "status": "IN-PROCESS",
    "priority": 3,
    "categories": ("home", "office"),
    "url": "https://example.org/?a=1&b=2",
}
UNSET = {"completed": False, "start": None, "percent_complete": None, "parent": ()}


def ics(uid: str, *lines: str) -> str:
    return "\r\n".join(
        [
            "BEGIN:VCALENDAR",
            "VERSION:2.0",
            "PRODID:-//t//",
            "BEGIN:VTODO",
            f"UID:{uid}",
            "DTSTAMP:20260101T000000Z",
            *lines,
            "END:VTODO",
            "END:VCALENDAR",
            "",
        ]
    )


def put(server: Server, url: str, text: str) -> None:
    """An edit by another program."""
    with server.http() as http:
        http.put(url, content=text.encode(), headers={"Content-Type": "text/calendar"}).raise_for_status()


async def only(calendar: Calendar) -> Entry:
    listing = await calendar.read_all()
    assert listing.partial is None
    (todo,) = listing
    assert isinstance(todo, Entry)
    return todo


async def test_create_read_update_delete(calendar: Calendar) -> None:
    await calendar.check()
    assert await calendar.read_all() == []
    key = str(uuid4())
    made = await calendar.create(key, VALUES)
    listed = await only(calendar)
    assert listed.uid == made.uid == key
    assert listed.etag == made.etag
    assert listed.values == made.values == {**VALUES, **UNSET}
    updated = await calendar.update(listed, {"summary": "Paper", "due": date(2026, 8, 1), "priority": None})
    again = await only(calendar)
    assert again.values == updated.values
    assert again.etag == updated.etag != listed.etag
    assert (again.values["summary"], again.values["due"], again.values["priority"]) == (
        "Paper",
        date(2026, 8, 1),
        None,
    )
    assert not await calendar.is_gone(key)
    await calendar.delete(updated)
    assert await calendar.read_all() == []
    assert await calendar.is_gone(key)


async def test_a_retried_create_gives_what_the_first_one_made(calendar: Calendar) -> None:
    key = str(uuid4())
    first = await calendar.create(key, VALUES)
    second = await calendar.create(key, VALUES)
    assert (second.uid, second.etag) == (first.uid, first.etag)
    assert (await only(calendar)).etag == first.etag


async def test_a_create_over_something_else_is_refused(calendar: Calendar, server: Server) -> None:
    key = str(uuid4())
    put(server, f"{calendar.url}{key}.ics", ics("another", "SUMMARY:other"))
    with pytest.raises(PreconditionError):
        await calendar.create(key, VALUES)
    assert (await only(calendar)).values["summary"] == "other"


async def test_an_edit_in_between_is_not_overwritten(calendar: Calendar, server: Server) -> None:
    todo = await calendar.create(str(uuid4()), VALUES)
    put(server, todo.href, todo.text.replace("Order paper", "Buy ink"))
    with pytest.raises(PreconditionError):
        await calendar.update(todo, {"summary": "mine"})
    with pytest.raises(PreconditionError):
        await calendar.delete(todo)
    assert "Buy ink" in (await only(calendar)).values["summary"]


async def test_a_deletion_in_between_is_seen(calendar: Calendar, server: Server) -> None:
    todo = await calendar.create(str(uuid4()), VALUES)
    with server.http() as http:
        http.delete(todo.href).raise_for_status()
    with pytest.raises(PreconditionError):
        await calendar.update(todo, {"summary": "mine"})
    await calendar.delete(todo)  # it is gone, as was wanted
    assert await calendar.read_all() == []


async def test_an_unchanged_value_writes_nothing(calendar: Calendar) -> None:
    todo = await calendar.create(str(uuid4()), VALUES)
    assert await calendar.update(todo, dict(todo.values)) is todo
    assert (await only(calendar)).etag == todo.etag


async def test_foreign_properties_and_alarms_survive_the_server(calendar: Calendar, server: Server) -> None:
    alarm = ["BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:ring", "TRIGGER:-PT15M", "END:VALARM"]
    put(
        server,
        f"{calendar.url}x.ics",
        ics("x-1", "SUMMARY:tea", "X-SORT;A=b:1\\,2", "RRULE:FREQ=DAILY", "DTSTART:20260101T100000Z", *alarm),
    )
    todo = await only(calendar)
    await calendar.update(todo, {"summary": "coffee", "priority": 5})
    with server.http() as http:
        text = http.get(todo.href).text
    for line in ("SUMMARY:coffee", "X-SORT;A=b:1\\,2", "RRULE:FREQ=DAILY", "TRIGGER:-PT15M", "PRIORITY:5"):
        assert line in text.split("\r\n")


async def test_the_id_stays_when_the_address_changes(calendar: Calendar, server: Server) -> None:
    todo = await calendar.create(str(uuid4()), VALUES)
    moved = calendar.url + "moved.ics"
    with server.http() as http:
        http.delete(todo.href).raise_for_status()
    put(server, moved, todo.text)
    assert (await only(calendar)).uid == todo.uid
    assert (await only(calendar)).href == moved
    assert not await calendar.is_gone(todo.uid)


async def test_an_odd_attribute_hides_itself_only(calendar: Calendar, server: Server) -> None:
    put(server, f"{calendar.url}odd.ics", ics("odd", "SUMMARY:odd", "DUE;TZID=Mars:20260704T120000"))
    todo = await only(calendar)
    assert isinstance(todo.values["due"], Opaque)
    edited = await calendar.update(todo, {"summary": "odder"})
    assert edited.values["summary"] == "odder"
    assert "DUE;TZID=Mars:20260704T120000" in edited.text


async def test_an_unreadable_todo_is_named_by_its_uid_and_the_listing_is_complete(
    calendar: Calendar, server: Server
) -> None:
    put(server, f"{calendar.url}good.ics", ics("good", "SUMMARY:good"))
    put(server, f"{calendar.url}bad.ics", ics("bad", "SUMMARY;NO_NAME=b:bad"))
    listing = await calendar.read_all()
    assert [todo.uid for todo in listing] == ["good"]
    assert listing.partial is None
    assert "bad.ics" in listing.unreadable["bad"]
    assert "SUMMARY" in listing.unreadable["bad"]


async def test_events_are_not_listed(calendar: Calendar, server: Server) -> None:
    event = ics("e", "SUMMARY:event", "DTSTART:20260101T000000Z").replace("VTODO", "VEVENT")
    put(server, f"{calendar.url}event.ics", event)
    assert await calendar.read_all() == []


async def test_signs_that_a_path_must_escape(calendar: Calendar, server: Server) -> None:
    put(server, f"{calendar.url}a%20b%23c%25d.ics", ics("id with space/and&<signs>", "SUMMARY:odd"))
    todo = await only(calendar)
    assert (await calendar.update(todo, {"summary": "even"})).values["summary"] == "even"
    assert not await calendar.is_gone(todo.uid)
    await calendar.delete(await only(calendar))
    assert await calendar.is_gone(todo.uid)


# -- a wrong set-up ----------------------------------------------------------------------------------------


async def check(url: str, username: str | None = None, password: str | None = None) -> None:
    secret = SecretStr(password) if password is not None else None
    async with CalDAVClient(url, username, secret) as client:
        await Calendar(client, TODOS).check()


async def test_a_wrong_password(radicale: RadicaleServer, calendar_url: str) -> None:
    with pytest.raises(SideError, match=r"refused user 'anna'.*CALDAV_PASSWORD") as caught:
        await check(calendar_url, radicale.username, "guessed-word")
    assert "guessed-word" not in str(caught.value)


async def test_no_login(calendar_url: str) -> None:
    with pytest.raises(SideError, match="set CALDAV_USERNAME and CALDAV_PASSWORD"):
        await check(calendar_url)


async def test_no_calendar_there_names_those_that_are(radicale: RadicaleServer, calendar_url: str) -> None:
    with pytest.raises(TaskDefinitionError, match="there is no calendar at") as caught:
        await check(radicale.calendar_url("none"), radicale.username, radicale.password)
    assert "to-do calendars there: " in str(caught.value)
    with pytest.raises(TaskDefinitionError, match="there is no calendar at"):
        await check(f"{radicale.url}{radicale.username}/", radicale.username, radicale.password)


async def test_a_calendar_of_events_only(radicale: RadicaleServer) -> None:
    url = radicale.make_calendar(f"events-{uuid4().hex[:8]}", "VEVENT")
    with pytest.raises(TaskDefinitionError, match="takes no to-dos"):
        await check(url, radicale.username, radicale.password)


@pytest.mark.parametrize("url", ["ftp://example.org/", "example.org/x", "http://", "https://[bad/", ""])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(TaskDefinitionError, match="https://"):
        CalDAVClient(url)


async def test_a_login_in_the_address_is_used_and_not_shown(
    radicale: RadicaleServer, calendar_url: str
) -> None:
    url = calendar_url.replace("http://", f"http://{radicale.username}:{radicale.password}@")
    await check(url)
    client = CalDAVClient(url.replace(radicale.password, "wrong-word"))
    assert "wrong-word" not in f"{client.url} {client.server} {vars(client)}"
    async with client:
        with pytest.raises(SideError) as caught:
            await Calendar(client, TODOS).check()
    assert "wrong-word" not in str(caught.value)


async def test_a_server_that_is_not_there() -> None:
    server = RadicaleServer()
    with server:
        url = server.make_calendar("todos")
    with pytest.raises(SideError, match=r"cannot be reached: .*refused|cannot be reached: .*failed"):
        await check(url, server.username, server.password)
    with pytest.raises(SideError, match=r"the name 'no-such-host.invalid' is unknown"):
        await check("http://no-such-host.invalid/x/", "u", "p")


@pytest.mark.processes
async def test_a_server_that_restarts(radicale: RadicaleServer) -> None:
    with RadicaleServer() as server:
        url = server.make_calendar("todos")
        async with CalDAVClient(url, server.username, SecretStr(server.password)) as client:
            calendar = Calendar(client, TODOS)
            todo = await calendar.create(str(uuid4()), VALUES)
            server.restart()
            assert (await only(calendar)).etag == todo.etag
            updated = await calendar.update(await only(calendar), {"summary": "after"})
            assert (await only(calendar)).etag == updated.etag


async def test_a_write_that_is_stopped_is_not_sent(calendar: Calendar) -> None:
    class LostError(Exception):
        pass

    def stop() -> None:
        raise LostError

    calendar.client.before_write = stop
    with pytest.raises(LostError):
        await calendar.create(str(uuid4()), VALUES)
    assert await calendar.read_all() == []


async def test_an_invalid_value_is_an_error_of_the_item(calendar: Calendar) -> None:
    todo = await calendar.create(str(uuid4()), VALUES)
    with pytest.raises(ItemError, match=f"to-do {todo.uid}: priority 99"):
        await calendar.update(todo, {"priority": 99})
