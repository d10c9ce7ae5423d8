"""The side itself, on real servers."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, date, datetime
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr, ValidationError

from tasks.errors import (
    ItemError,
    LockLostError,
    PreconditionError,
    SideError,
    TaskDefinitionError,
    UnfitError,
)
from tasks.services.caldav import (
    ATTRIBUTES,
    SERVICE,
    Entry,
    Todos,
)
from tasks.services.caldav.entries.todo import STATUSES
from tasks.services.caldav.radicale_server import RadicaleServer
from tasks.services.caldav.todos import STATUS_OF, TODO
from tasks.sides import GROUP, Kind, State, check_lock
from tasks.values.canonical import dump, load
from tasks.values.opaque import Opaque
from tests.docs.pages import block
from tests.tasks.services.caldav.conftest import Server

VALUES = {
    "summary": "Order paper; two, boxes",
    "description": "first line\nsecond — “line” 🏢",
    "start": datetime(2026, 7, 3, 12, tzinfo=UTC),
    "due": datetime(2026, 7, 4, 12, tzinfo=UTC),
    "status": State.ACTIVE,
    "completed": False,
    "percent_complete": 40,
    "priority": 3,
    "categories": ("home", "office"),
    "url": "https://example.org/?a=1&b=2",
    "parent": ("zero",),
}
FIRST = datetime(2026, 10, 19, 7, tzinfo=UTC)
SECOND = datetime(2026, 10, 26, 8, tzinfo=UTC)  # by the clock of Berlin
THIRD = datetime(2026, 11, 2, 8, tzinfo=UTC)
WEEKLY = ("DTSTART;TZID=Europe/Berlin:20261019T080000", "RRULE:FREQ=WEEKLY;COUNT=3")


class Place:
    """An empty calendar and the ways to it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.url = server.make_calendar(f"todos-{uuid4().hex[:8]}")

    def side(self, **options: Any) -> Todos:
        login = {"username": self.server.username, "password": self.server.password}
        return Todos(self.url, **{**login, **options})

    @asynccontextmanager
    async def run(self, side: Todos | None = None, remembered: Any = None, synced: Any = None) -> Any:
        """A side as a run has it."""
        side = side or self.side()
        await side.open()
        try:
            side.recall(remembered, synced or {})
            await side.check(side.describe())
            yield side
        finally:
            await side.close()

    def put(self, address: str, text: str) -> None:
        """What another program does."""
        with self.server.http() as http:
            headers = {"Content-Type": "text/calendar"}
            http.put(address, content=text.encode(), headers=headers).raise_for_status()

    def add_lines(self, todo: Entry, *lines: str) -> None:
        self.put(todo.href, todo.text.replace("END:VTODO", "\r\n".join([*lines, "END:VTODO"])))

    async def make_weekly(self) -> dict[str, dict[str, Any]]:
        """A to-do that recurs; gives what it shows, by UID."""
        async with self.run() as side:
            todo = await side.create("weekly", {"summary": "water", "due": FIRST})
            self.add_lines(todo, *WEEKLY)
            return {"weekly": side.values(await only(side))}


@pytest.fixture
def each_place(server: Server) -> Place:
    """On each of the servers."""
    return Place(server)


@pytest.fixture
def place(radicale: RadicaleServer) -> Place:
    """On one server, for what none of them has a say in."""
    return Place(radicale)


async def only(side: Todos) -> Entry:
    listing = await side.list()
    assert listing.partial is None
    (todo,) = listing
    assert isinstance(todo, Entry)
    return todo


def test_what_it_says_of_its_attributes() -> None:
    assert tuple(Todos("https://example.org/x/").describe()) == ATTRIBUTES
    assert [TODO[name].kind for name in ("due", "status", "completed", "priority")] == [
        Kind.MOMENT,
        Kind.STATE,
        Kind.YES_NO,
        Kind.PRIORITY,
    ]
    assert [option.state for option in TODO["status"].options] == list(State)


def test_every_status_is_a_state() -> None:
    assert tuple(STATUS_OF) == tuple(State)
    assert tuple(STATUS_OF.values()) == STATUSES


async def test_create_read_update_delete(each_place: Place) -> None:
    async with each_place.run() as side:
        made = await side.create("one", VALUES)
        listed = await only(side)
        assert side.id(made) == side.id(listed) == "one"
        assert side.values(made) == side.values(listed) == VALUES
        assert abs(side.edited(listed) - datetime.now(UTC)).total_seconds() < 60
        assert (side.title(listed), side.key(listed)) == (VALUES["summary"], "order paper; two, boxes")
        assert side.address(listed).startswith(each_place.url)
        changes = {"summary": "Paper", "due": date(2026, 8, 1), "priority": None, "status": State.CANCELLED}
        changes |= {"start": date(2026, 7, 30), "percent_complete": None, "parent": ()}
        updated = await side.update(listed, changes)
        assert side.values(updated) == {**VALUES, **changes, "completed": True}
        assert side.values(await only(side)) == side.values(updated)
        assert not await side.is_gone("one")
        await side.delete(updated)
        assert await side.list() == []
        assert await side.is_gone("one")


@pytest.mark.parametrize("state", State)
async def test_states_there_and_back(each_place: Place, state: State) -> None:
    async with each_place.run() as side:
        todo = await side.create("one", {"summary": "tea"})
        assert side.values(todo)["status"] is State.OPEN
        assert side.values(await side.update(todo, {"status": state}))["status"] is state
        assert side.values(await only(side))["status"] is state


async def test_an_empty_status_is_open(place: Place) -> None:
    async with place.run() as side:
        todo = await side.create("one", {"summary": "tea", "status": None})
        assert side.values(todo)["status"] is State.OPEN


async def test_what_cannot_be_read_is_opaque_and_not_written_over(each_place: Place) -> None:
    async with each_place.run() as side:
        todo = await side.create("one", {"summary": "tea"})
        each_place.put(todo.href, todo.text.replace("END:VTODO", "STATUS:WAITING\r\nEND:VTODO"))
        todo = await only(side)
        values = side.values(todo)
        assert isinstance(values["status"], Opaque)
        assert isinstance(values["completed"], Opaque)
        with pytest.raises(UnfitError, match="status is not written over") as caught:
            await side.update(todo, {"status": State.DONE, "priority": 1})
        assert caught.value.attributes == {"status"}
        assert side.values(await side.update(todo, {"priority": 1}))["priority"] == 1


async def test_no_state_is_refused(place: Place) -> None:
    async with place.run() as side:
        todo = await side.create("one", {"summary": "tea"})
        with pytest.raises(UnfitError, match="status 'BLOCKED' is unknown"):
            await side.update(todo, {"status": "blocked"})
        with pytest.raises(ItemError, match="has no attribute colour"):
            await side.update(todo, {"colour": "red"})


async def test_an_edit_in_between_is_not_overwritten(each_place: Place) -> None:
    async with each_place.run() as side:
        todo = await side.create("one", VALUES)
        each_place.put(todo.href, todo.text.replace("Order paper", "Buy ink"))
        with pytest.raises(PreconditionError):
            await side.update(todo, {"summary": "mine"})
        with pytest.raises(PreconditionError):
            await side.delete(todo)
        assert "Buy ink" in side.values(await only(side))["summary"]


# -- what recurs ------------------------------------------------------------------------------------------------


def shown(side: Todos, todo: Entry) -> tuple[Any, ...]:
    values = side.values(todo)
    return values["due"], values["status"], values["completed"]


async def test_a_write_shows_the_occurrence_that_was_done(each_place: Place) -> None:
    synced = await each_place.make_weekly()
    async with each_place.run(synced=synced) as side:
        todo = await only(side)
        after = await side.update(todo, {"status": State.DONE})
        assert shown(side, after) == (FIRST, State.DONE, True)
        assert shown(side, await only(side)) == (SECOND, State.OPEN, False)


@pytest.mark.parametrize("changes", [{"status": State.DONE}, {"completed": True}])
async def test_an_occurrence_that_was_done_since_is_not_done_again(
    place: Place, changes: dict[str, Any]
) -> None:
    synced = await place.make_weekly()
    async with place.run() as app:
        await app.update(await only(app), {"status": State.DONE})
    async with place.run(synced=synced) as side:
        todo = await only(side)
        after = await side.update(todo, changes | {"priority": 1, "due": THIRD})
        assert shown(side, after) == (THIRD, State.DONE, True)
        assert shown(side, await only(side)) == (SECOND, State.OPEN, False)
        assert side.values(await only(side))["priority"] == 1
        etag = (await only(side)).etag
        await side.update(await only(side), changes)
        assert (await only(side)).etag == etag


async def test_an_occurrence_that_was_synced_is_done(place: Place) -> None:
    await place.make_weekly()
    async with place.run() as side:
        await side.update(await only(side), {"status": State.DONE})
        synced = {"weekly": side.values(await only(side))}
    async with place.run(synced=synced) as side:
        await side.update(await only(side), {"status": State.DONE})
        assert shown(side, await only(side)) == (THIRD, State.OPEN, False)


@pytest.mark.parametrize("due", [None, date(2026, 10, 19), SECOND, Opaque("odd"), "absent"])
async def test_without_an_earlier_time_that_was_synced_it_is_done(place: Place, due: Any) -> None:
    await place.make_weekly()
    async with place.run() as side:
        await side.update(await only(side), {"status": State.DONE})
    known = {"summary": "water"} | ({"due": due} if due != "absent" else {})
    async with place.run(synced={"weekly": known}) as side:
        await side.update(await only(side), {"status": State.DONE})
        assert shown(side, await only(side)) == (THIRD, State.OPEN, False)


async def test_a_later_time_of_one_that_does_not_recur_says_nothing(place: Place) -> None:
    async with place.run(synced={"one": {"due": FIRST}}) as side:
        todo = await side.create("one", {"summary": "tea", "due": SECOND})
        assert shown(side, await side.update(todo, {"status": State.DONE})) == (SECOND, State.DONE, True)
        assert shown(side, await only(side)) == (SECOND, State.DONE, True)


# -- from run to run --------------------------------------------------------------------------------------------


async def test_what_files_held_is_known_in_the_next_run(each_place: Place) -> None:
    async with each_place.run() as side:
        todo = await side.create("one", {"summary": "tea"})
        await side.list()
        kept = load(dump(side.remembered()))
    async with each_place.run(remembered=kept) as side:
        assert side.calendar.known == {"one.ics": ["one"]}
        each_place.put(todo.href, todo.text.replace("SUMMARY:", "SUMMARY;NO_NAME=b:"))
        assert list((await side.list()).unreadable) == ["one"]
        assert side.remembered()["files"] == {"one.ics": ["one"]}


async def test_what_was_known_of_another_calendar_is_not_taken_over(
    place: Place, radicale: RadicaleServer
) -> None:
    other = Place(radicale)
    async with other.run() as side:
        await side.create("one", {"summary": "tea"})
        kept = side.remembered()
    async with place.run(remembered=kept) as side:
        assert side.calendar.known == {}
        found = side.remembered()
        assert (found["url"], found["files"]) == (place.url, {})
        assert found["changes"] == {"written": {}, "made": {}}


async def test_late_changes_are_known_in_the_next_run(each_place: Place) -> None:
    """A server that drops a text after the write was read back made no edit."""
    async with each_place.run() as side:
        todo = await side.create("one", {"summary": "tea", "description": "green"})
        kept = load(dump(side.remembered()))
    each_place.put(todo.href, re.sub("DESCRIPTION:green\r?\n", "", todo.text))
    for _ in range(2):
        async with each_place.run(remembered=kept) as side:
            assert side.values(await only(side))["description"] == "green"
            kept = load(dump(side.remembered()))
    async with each_place.run() as side:
        assert side.values(await only(side))["description"] == ""


async def test_a_write_asks_whether_the_run_may_still_write(place: Place) -> None:
    def lost() -> None:
        raise LockLostError("lost")

    async with place.run() as side:
        token = check_lock.set(lost)
        try:
            with pytest.raises(LockLostError):
                await side.create("one", {"summary": "tea"})
        finally:
            check_lock.reset(token)
        assert await side.list() == []


async def test_a_side_is_closed_although_it_was_not_opened(place: Place) -> None:
    side = place.side()
    await side.close()
    with pytest.raises(TaskDefinitionError, match="the calendar is not open"):
        await side.list()


async def test_a_side_may_be_opened_again(place: Place) -> None:
    side = place.side()
    for number in range(2):
        async with place.run(side):
            await side.create(f"todo {number}", {"summary": "tea"})
            assert len(await side.list()) == number + 1


# -- the set-up -------------------------------------------------------------------------------------------------

NAME = (
    '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:displayname>{name}</D:displayname></D:prop></D:set>'
    "</D:propertyupdate>"
)


async def test_it_is_called_after_the_calendar(each_place: Place) -> None:
    with each_place.server.http() as http:
        body, headers = NAME.format(name=" Errands \n at home"), {"Content-Type": "text/xml"}
        http.request("PROPPATCH", each_place.url, content=body, headers=headers).raise_for_status()
    side = each_place.side()
    assert side.label == "the calendar"
    async with each_place.run(side):
        assert side.label == "the calendar Errands at home"
    async with each_place.run(each_place.side(label="my list")) as side:
        assert side.label == "my list"


async def test_the_scope_is_the_calendar_without_a_login(place: Place) -> None:
    side = Todos(place.url.replace("http://", "http://anna:xyzzy@").rstrip("/"))
    assert side.scope() == place.url
    assert "xyzzy" not in f"{side!r} {vars(side)}"


async def test_the_login_comes_from_the_environment_of_the_run(
    radicale: RadicaleServer, calendar_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    side = Todos(calendar_url)
    monkeypatch.setenv("CALDAV_USERNAME", radicale.username)
    monkeypatch.setenv("CALDAV_PASSWORD", radicale.password)
    for _ in range(2):
        await side.open()
        await side.check(ATTRIBUTES)
        assert radicale.password not in f"{side!r} {vars(side)}"
        await side.close()
    monkeypatch.setenv("CALDAV_PASSWORD", "wrong-word")
    await side.open()
    with pytest.raises(SideError, match="refused user") as caught:
        await side.check(ATTRIBUTES)
    await side.close()
    assert "wrong-word" not in str(caught.value)


async def test_a_login_that_is_given_comes_before_the_one_in_the_address(
    radicale: RadicaleServer, calendar_url: str
) -> None:
    in_url = calendar_url.replace("http://", f"http://{radicale.username}:wrong-word@")
    for password in (radicale.password, SecretStr(radicale.password)):
        side = Todos(in_url, password=password)
        await side.open()
        await side.check(ATTRIBUTES)
        await side.close()


async def test_an_attribute_that_no_todo_has(place: Place) -> None:
    async with place.run() as side:
        with pytest.raises(TaskDefinitionError, match="a to-do has no colour, only summary, "):
            await side.check(["summary", "colour"])


async def test_a_calendar_that_is_not_there(radicale: RadicaleServer) -> None:
    side = Todos(radicale.calendar_url("none"), username=radicale.username, password=radicale.password)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(side.close)
        await side.open()
        with pytest.raises(TaskDefinitionError, match="there is no calendar at"):
            await side.check(ATTRIBUTES)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Todos("ftp://example.org/"), "must begin with https://"),
        (
            lambda: Todos("https://example.org/", floating_zone="Mars/North"),
            "time zone 'Mars/North' is unknown",
        ),
        (lambda: Todos("https://example.org/", floating_zone="../x"), "time zone '../x' is unknown"),
    ],
)
def test_a_side_that_cannot_be(make: Callable[[], Todos], message: str) -> None:
    with pytest.raises(TaskDefinitionError, match=message):
        make()


# -- as a service -----------------------------------------------------------------------------------------------


def test_a_side_of_a_table() -> None:
    given = {"calendar": "https://dav.example.org/anna/todos", "username": "anna", "password": "a word"}
    table = SERVICE.table.model_validate(given | {"floating_zone": "Europe/Berlin"})
    side = SERVICE.make(table)
    assert isinstance(side, Todos)
    assert side.scope() == "https://dav.example.org/anna/todos/"
    assert side.describe() == SERVICE.attributes
    assert "a word" not in f"{table!r} {side!r} {vars(side)}"


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"calendar": 5},
        {"calendar": "https://x/", "calender": "https://y/"},
        {"calendar": "https://x/", "password": ["a word"]},
    ],
)
def test_a_table_that_does_not_fit(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        SERVICE.table.model_validate(given)
    assert "a word" not in str(caught.value)


def test_the_service_is_announced() -> None:
    project = tomllib.loads((Path(__file__).parents[4] / "pyproject.toml").read_text())["project"]
    point = EntryPoint(SERVICE.name, project["entry-points"][GROUP][SERVICE.name], GROUP)
    assert point.load() is SERVICE


def test_every_key_of_the_table_says_what_it_is() -> None:
    assert all(field.description for field in SERVICE.table.model_fields.values())


def test_the_side_on_the_page_is_made_alike_in_both_languages() -> None:
    text = block("caldav.md", "[sync.caldav]").text
    for toml in (text, re.sub(r"^# (\w+ = )", r"\1", text, flags=re.MULTILINE)):
        side = SERVICE.make(SERVICE.table.model_validate(tomllib.loads(toml)["sync"]["caldav"]))
    names: dict[str, Any] = {}
    exec(block("caldav.md", "from tasks.services.caldav import Todos").text, names)
    assert isinstance(side, Todos)
    assert (side.scope(), side._floating) == (names["errands"].scope(), names["errands"]._floating)


async def test_an_occurrence_that_is_done_already_is_told_again_though_nothing_changed(place: Place) -> None:
    synced = await place.make_weekly()
    async with place.run(synced=synced) as side:
        await side.update(await only(side), {"status": State.DONE})
    for told in (True, False):
        async with place.run(synced=synced) as side:
            cursor = (await side.list()).cursor
            todo = await only(side)
            if told:  # an app did it, and this run shows it as done without a write
                assert side.values(await side.update(todo, {"status": State.DONE}))["status"] is State.DONE
            kept = load(dump(side.remembered()))
        async with place.run(remembered=kept, synced=synced) as side:
            changed = (await side.changes(cursor)).changed
            assert [side.values(one)["status"] for one in changed] == [State.OPEN] * told
