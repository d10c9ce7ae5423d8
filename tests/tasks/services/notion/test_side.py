"""The Notion side of a task against the local Notion workspace, with people who edit in between."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from sandbox.notion import Limits
from tasks.errors import (
    ItemError,
    LockLostError,
    OutcomeUnknownError,
    PreconditionError,
    SideError,
    TaskDefinitionError,
)
from tasks.services.notion.client import NotionClient
from tasks.services.notion.page import Page
from tasks.services.notion.side import NotionSide
from tasks.services.notion.throttle import LocalThrottle
from tests.tasks.services.notion.conftest import NO_TLS, TOKEN
from tests.tasks.services.notion.person import Person

COLUMNS: dict[str, Any] = {
    "Name": {"title": {}},
    "Notes": {"rich_text": {}},
    "Effort": {"number": {"format": "number"}},
    "Done": {"checkbox": {}},
    "Area": {"select": {"options": [{"name": "Home"}]}},
    "Tags": {"multi_select": {"options": []}},
    "State": {"status": {"options": [{"name": "To do"}, {"name": "Doing"}, {"name": "Ready"}]}},
    "Due": {"date": {}},
    "Link": {"url": {}},
    "Mail": {"email": {}},
    "Phone": {"phone_number": {}},
    "Private": {"rich_text": {}},
}
VALUES: dict[str, Any] = {
    "Name": "Paint the fence",
    "Notes": "two coats 🎨" * 400,
    "Effort": 2.5,
    "Done": True,
    "Area": "Garden",
    "Tags": ("outside", "summer"),
    "State": "Doing",
    "Due": datetime(2026, 7, 1, 8, 30, tzinfo=UTC),
    "Link": "https://example.org/fence",
    "Mail": "paint@example.org",
    "Phone": "555-1234",
}


class Wire(httpx.AsyncBaseTransport):
    """The network, with what happens on the way."""

    def __init__(self) -> None:
        self.inner = httpx.AsyncHTTPTransport(verify=NO_TLS)
        self.sent: list[tuple[str, str]] = []
        #: Called with each request and the way to send it on.
        self.happens: (
            Callable[[httpx.Request, Callable[[], Awaitable[httpx.Response]]], Awaitable[Any]] | None
        ) = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.sent.append((request.method, request.url.path))

        async def onwards() -> httpx.Response:
            response = await self.inner.handle_async_request(request)
            await response.aread()
            return response

        response = await (self.happens(request, onwards) if self.happens is not None else onwards())
        return _unread(response)

    async def aclose(self) -> None:
        await self.inner.aclose()


def _unread(response: httpx.Response) -> httpx.Response:
    """A response as it comes from a network, which nobody has read yet."""
    headers = {name: value for name, value in response.headers.items() if name != "content-encoding"}
    return httpx.Response(response.status_code, headers=headers, stream=httpx.ByteStream(response.content))


class Rows(NotionSide):
    """A task of which only the Notion side is used."""

    def __init__(
        self,
        url: str,
        source: str,
        attrs: dict[str, str] | None = None,
        token: str = TOKEN,
        **options: Any,
    ) -> None:
        super().__init__(
            "rows", attrs or {name: name.lower() for name in VALUES}, data_source=source, **options
        )
        self.url, self.secret = url, SecretStr(token)
        self.wire = Wire()

    def make_client(self) -> NotionClient:
        self.wire = Wire()
        return NotionClient(
            self.secret,
            base_url=self.url,
            throttle=LocalThrottle(1000, 1000),
            first_delay=0.01,
            repeats=3,
            transport=self.wire,
        )

    def nothing(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError

    get_other_objects = right_id = other_hash = other_timestamp = other_to_dict = nothing
    other_create_obj = other_update_obj = other_delete_obj = nothing


@pytest.fixture
async def source(person: Person) -> str:
    return await person.make_data_source("Chores", COLUMNS)


@pytest.fixture
async def task(person: Person, source: str) -> AsyncIterator[Rows]:
    rows = Rows(person.url, source)
    await rows.open()
    try:
        await rows.check()
        yield rows
    finally:
        await rows.close()


async def listed(task: Rows) -> list[Page]:
    listing = await task.get_notion_objects()
    assert listing.partial is None
    return list(listing)


async def only(task: Rows) -> Page:
    (page,) = await listed(task)
    return page


async def test_every_type_comes_back_as_it_was_written(task: Rows) -> None:
    made = await task.notion_create_obj(**VALUES)
    assert task.notion_to_dict(made) == VALUES
    page = await only(task)
    assert task.notion_to_dict(page) == VALUES
    assert task.notion_id(page) == task.notion_id(made)
    assert task.notion_hash(page) == "paint the fence"
    assert task.notion_timestamp(page).second == 0


async def test_every_type_can_be_changed_and_emptied_in_one_write(task: Rows) -> None:
    made = await task.notion_create_obj(**VALUES)
    other = {
        "Name": "Mend the gate",
        "Notes": "",
        "Effort": -1,
        "Done": False,
        "Area": "Home",
        "Tags": ("winter",),
        "State": "Ready",
        "Due": date(2026, 8, 1),
        "Link": None,
        "Mail": None,
        "Phone": None,
    }
    task.wire.sent.clear()
    changed = await task.notion_update_attrs(made, other)
    assert task.notion_to_dict(changed) == other == task.notion_to_dict(await only(task))
    assert [method for method, _ in task.wire.sent if method != "POST"] == ["GET", "PATCH"]
    empty = {**dict.fromkeys(other), "Name": "", "Notes": "", "Done": False, "Tags": ()}
    del empty["State"]
    emptied = await task.notion_update_attrs(changed, empty)
    assert {**task.notion_to_dict(emptied), "State": None} == {**empty, "State": None}


async def test_more_rows_than_one_answer_holds(task: Rows, person: Person, source: str) -> None:
    ids = {await person.make_page(source, Name=person.text(f"Chore {n}")) for n in range(230)}
    pages = await listed(task)
    assert {page.id for page in pages} == ids
    assert len(pages) == 230
    assert len(task.wire.sent) == 1 + 3


class TestFewResultsPerQuery:
    """With a limit of 150 rows per query, in place of 10,000."""

    @pytest.fixture
    def limits(self) -> Limits:
        return Limits(query_results=150)

    async def test_all_rows_are_found_beyond_the_limit(self, task: Rows, person: Person, source: str) -> None:
        ids = set()
        await person.arrange("POST", "clock", {"now": "2026-05-01T10:00:00Z"})
        for n in range(400):
            if n % 60 == 0:
                await person.arrange("POST", "clock", {"advance": 60})
            ids.add(await person.make_page(source, Name=person.text(f"Chore {n}")))
        pages = await listed(task)
        assert {page.id for page in pages} == ids
        assert len(pages) == 400

    async def test_a_poll_of_more_rows_than_the_limit_takes_two_requests(
        self, task: Rows, person: Person, source: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tasks.services.notion.watermark.SETTLED", 0.0)
        await person.arrange("POST", "clock", {"now": "2026-05-01T10:00:00Z"})
        for n in range(240):
            if n % 80 == 0:
                await person.arrange("POST", "clock", {"advance": 60})
            await person.make_page(source, Name=person.text(f"Chore {n}"))
        cursor = (await task.get_notion_objects()).cursor
        cursor = (await task.notion_changes(cursor)).cursor
        task.wire.sent.clear()
        await task.check()
        changes = await task.notion_changes(cursor)
        assert (len(task.wire.sent), list(changes.changed), changes.partial) == (2, [], None)

    async def test_too_many_rows_of_one_minute_are_no_complete_listing(
        self, task: Rows, person: Person, source: str
    ) -> None:
        await person.arrange("POST", "clock", {"now": "2026-05-01T10:00:00Z"})
        for n in range(160):
            await person.make_page(source, Name=person.text(f"Chore {n}"))
        listing = await task.get_notion_objects()
        assert len(listing) == 150
        assert "more were created in one minute" in str(listing.partial)


async def test_cursors_that_are_forgotten_in_the_middle(task: Rows, person: Person, source: str) -> None:
    ids = {await person.make_page(source, Name=person.text(f"Chore {n}")) for n in range(130)}
    forgotten = 0

    async def happens(
        request: httpx.Request, onwards: Callable[[], Awaitable[httpx.Response]]
    ) -> httpx.Response:
        nonlocal forgotten
        if b"start_cursor" in request.content and forgotten < 2:
            forgotten += 1
            await person.arrange("POST", "forget_cursors", {})
        return await onwards()

    task.wire.happens = happens
    pages = await listed(task)
    assert {page.id for page in pages} == ids
    assert len(pages) == 130
    assert forgotten == 2


async def test_a_new_option_is_made_and_a_new_status_is_refused(task: Rows) -> None:
    made = await task.notion_create_obj(Name="a", Area="Attic")
    assert made.values["Area"] == "Attic"
    with pytest.raises(ItemError, match=r"'State'.*'Lost' does not exist.*To do, Doing, Ready"):
        await task.notion_update_obj(made, "State", "Lost")


async def test_a_property_that_is_not_synced_is_refused(task: Rows) -> None:
    with pytest.raises(ItemError, match="does not sync a Notion property 'Private'"):
        await task.notion_create_obj(Private="x")


# -- what people do in between --------------------------------------------------------------------------------


async def test_formatting_stays_where_the_text_does(task: Rows, person: Person, source: str) -> None:
    bold = [{"type": "text", "text": {"content": "two coats"}, "annotations": {"bold": True}}]
    page_id = await person.make_page(source, Name=person.text("Paint"), Notes={"rich_text": bold})
    page = await only(task)
    await task.notion_update_attrs(page, {"Name": "Paint all", "Notes": "two coats"})
    notes = (await person.page(page_id))["properties"]["Notes"]["rich_text"]
    assert notes[0]["annotations"]["bold"] is True


async def test_an_edit_between_listing_and_writing_is_not_overwritten(
    task: Rows, person: Person, source: str
) -> None:
    page_id = await person.make_page(source, Name=person.text("Paint"))
    page = await only(task)
    await person.edit(page_id, Name=person.text("Paint it black"))
    for attr, value in {"Name": "Paint it red", "Effort": 1}.items():
        with pytest.raises(PreconditionError, match=r"edited while the sync ran \(Name\)"):
            await task.notion_update_attrs(page, {attr: value})
    with pytest.raises(PreconditionError, match="edited"):
        await task.notion_delete_obj(page)
    assert (await only(task)).values["Name"] == "Paint it black"


async def test_an_edit_of_what_is_not_synced_does_not_matter(task: Rows, person: Person, source: str) -> None:
    page_id = await person.make_page(source, Name=person.text("Paint"))
    page = await only(task)
    await person.edit(page_id, Private={"rich_text": person.text("mine")["title"]})
    changed = await task.notion_update_attrs(page, {"Effort": 1})
    assert changed.values["Effort"] == 1


async def test_what_holds_its_new_value_already_is_not_sent(task: Rows, person: Person, source: str) -> None:
    page_id = await person.make_page(source, Name=person.text("Paint"))
    page = await only(task)
    await person.edit(page_id, Effort={"number": 3})
    task.wire.sent.clear()
    changed = await task.notion_update_attrs(page, {"Effort": 3})
    assert changed.values["Effort"] == 3
    assert [method for method, _ in task.wire.sent] == ["GET"]


async def test_the_end_of_a_date_stays_also_when_it_was_set_after_the_listing(
    task: Rows, person: Person, source: str
) -> None:
    page_id = await person.make_page(source, Due={"date": {"start": "2026-07-01"}})
    page = await only(task)
    await person.edit(page_id, Due={"date": {"start": "2026-07-01", "end": "2026-07-09"}})
    page = await task.notion_update_attrs(page, {"Due": date(2026, 7, 3)})
    held = (await person.page(page_id))["properties"]["Due"]["date"]
    assert (held["start"], held["end"]) == ("2026-07-03", "2026-07-09")
    await task.notion_update_attrs(page, {"Due": date(2026, 7, 10)})
    held = (await person.page(page_id))["properties"]["Due"]["date"]
    assert (held["start"], held["end"]) == ("2026-07-10", "2026-07-16")


async def test_deleting_is_moving_to_the_trash(task: Rows, person: Person, source: str) -> None:
    page_id = await person.make_page(source, Name=person.text("Paint"))
    page = await only(task)
    assert await task.notion_is_gone(page_id) is False
    await task.notion_delete_obj(page)
    await task.notion_delete_obj(page)
    assert await listed(task) == []
    assert await task.notion_is_gone(page_id) is True
    with pytest.raises(PreconditionError, match="moved to the trash while the sync ran"):
        await task.notion_update_attrs(page, {"Effort": 1})
    await person.patch_page(page_id, {"in_trash": False})
    assert await task.notion_is_gone(page_id) is False
    assert len(await listed(task)) == 1


async def test_rows_that_went_into_the_trash_with_their_database_are_not_gone(
    task: Rows, person: Person, source: str
) -> None:
    page_id = await person.make_page(source, Name=person.text("Paint"))
    page = await only(task)
    database = (await person.send("GET", f"data_sources/{source}"))["parent"]["database_id"]
    for path in (f"databases/{database}", f"data_sources/{source}"):
        await person.send("PATCH", path, {"in_trash": True})
        assert (await person.page(page_id))["in_trash"] is True
        assert await task.notion_is_gone(page_id) is False
        with pytest.raises(SideError, match="is in the trash: restore it"):
            await task.check()
        with pytest.raises(PreconditionError, match="trash"):
            await task.notion_update_attrs(page, {"Effort": 1})
        await person.send("PATCH", path, {"in_trash": False})
    await task.notion_delete_obj(await only(task))
    assert await task.notion_is_gone(page_id) is True


async def test_a_page_that_is_not_shared_any_more_is_not_gone(
    task: Rows, person: Person, source: str
) -> None:
    page_id = await person.make_page(source, Name=person.text("Paint"))
    page = await only(task)
    await person.arrange("POST", "erase", {"id": page_id})
    assert await listed(task) == []
    assert await task.notion_is_gone(page_id) is False
    with pytest.raises(ItemError, match=f"page {page_id}: Could not find page"):
        await task.notion_update_attrs(page, {"Effort": 1})


async def test_a_page_that_was_moved_is_not_gone_and_not_written(
    task: Rows, person: Person, source: str
) -> None:
    page_id = await person.make_page(source, Name=person.text("Paint"))
    page = await only(task)
    other = await person.make_data_source("Elsewhere", {"Name": {"title": {}}})
    parent = {"type": "data_source_id", "data_source_id": other}
    await person.send("POST", f"pages/{page_id}/move", {"parent": parent})
    assert await listed(task) == []
    assert await task.notion_is_gone(page_id) is False
    for write in (task.notion_update_attrs(page, {"Name": "x"}), task.notion_delete_obj(page)):
        with pytest.raises(PreconditionError, match="moved out of the data source"):
            await write
    assert (await person.page(page_id))["in_trash"] is False


async def test_an_archived_page_is_not_listed_and_not_gone(task: Rows, person: Person, source: str) -> None:
    page_id = await person.make_page(source, Name=person.text("Paint"))
    await person.patch_page(page_id, {"is_archived": True})
    assert await listed(task) == []
    assert await task.notion_is_gone(page_id) is False
    await person.patch_page(page_id, {"is_archived": False})
    assert len(await listed(task)) == 1


# -- columns ----------------------------------------------------------------------------------------------------


async def test_a_renamed_property_goes_on_working_and_is_told(
    task: Rows, person: Person, source: str, caplog: pytest.LogCaptureFixture
) -> None:
    page_id = await person.make_page(source, Name=person.text("Paint"), Effort={"number": 1})
    await person.patch_columns(source, {"Effort": {"name": "Hours"}})
    await task.check()
    assert "Notion property 'Effort' is called 'Hours' now" in caplog.text
    page = await only(task)
    assert page.values["Effort"] == 1
    await task.notion_update_attrs(page, {"Effort": 5})
    assert (await person.page(page_id))["properties"]["Hours"]["number"] == 5
    caplog.clear()
    await task.check()
    assert caplog.text == ""


async def test_a_fresh_process_finds_a_renamed_property_by_its_id_only(
    task: Rows, person: Person, source: str
) -> None:
    due = task._columns["Due"].id
    await person.patch_columns(source, {"Due": {"name": "Deadline"}})
    fresh = Rows(person.url, source)
    pinned = Rows(person.url, source, column_ids={"Due": due})
    await fresh.open()
    await pinned.open()
    try:
        with pytest.raises(TaskDefinitionError, match=r"no property 'Due'; it has: Area, Deadline"):
            await fresh.check()
        await pinned.check()
        assert pinned._columns["Due"].name == "Deadline"
    finally:
        await fresh.close()
        await pinned.close()
    with pytest.raises(TaskDefinitionError, match="column_ids names Age, which attr_map does not"):
        Rows(person.url, source, column_ids={"Age": "x"})


async def test_a_rename_in_the_middle_of_a_run_does_no_harm(task: Rows, person: Person, source: str) -> None:
    page_id = await person.make_page(source, Name=person.text("Paint"), Effort={"number": 1})
    page = await only(task)
    await person.patch_columns(source, {"Effort": {"name": "Hours"}})
    assert (await task.notion_update_attrs(page, {"Effort": 5})).values["Effort"] == 5
    assert (await person.page(page_id))["properties"]["Hours"]["number"] == 5


async def test_a_property_that_was_deleted_in_the_middle_of_a_run(
    task: Rows, person: Person, source: str
) -> None:
    await person.make_page(source, Name=person.text("Paint"))
    page = await only(task)
    await person.patch_columns(source, {"Effort": None})
    with pytest.raises(SideError, match="property 'Effort' disappeared"):
        await task.get_notion_objects()
    with pytest.raises(SideError, match="property 'Effort' disappeared"):
        await task.notion_update_attrs(page, {"Name": "x"})


async def test_a_property_of_another_type_than_before(task: Rows, person: Person, source: str) -> None:
    await person.patch_columns(source, {"Phone": {"type": "rich_text", "rich_text": {}}})
    with pytest.raises(TaskDefinitionError, match="'Phone' was of type phone_number and is rich_text now"):
        await task.check()


async def test_another_property_under_the_old_name(task: Rows, person: Person, source: str) -> None:
    await person.patch_columns(source, {"Effort": None})
    await person.patch_columns(source, {"Effort": {"type": "number", "number": {}}})
    with pytest.raises(TaskDefinitionError, match="'Effort' is the name of another property than before"):
        await task.check()


async def test_types_that_do_not_fit(person: Person) -> None:
    source = await person.make_data_source("Odd", {"Name": {"title": {}}, "Made": {"created_time": {}}})
    made = Rows(person.url, source, {"Made": "made"})
    named = Rows(person.url, source, {"Name": "name"}, property_types={"Name": ("date",)})
    for task, words in [
        (made, "'Made' is of type created_time, which Notion itself computes, so that it cannot be written"),
        (named, "property 'Name' is of type title, but must be date"),
    ]:
        await task.open()
        try:
            with pytest.raises(TaskDefinitionError, match=words):
                await task.check()
        finally:
            await task.close()


async def test_a_database_stands_for_its_only_data_source(person: Person) -> None:
    made = await person.arrange(
        "POST", "data_sources", {"title": "One", "properties": {"Name": {"title": {}}}}
    )
    task = Rows(person.url, made["database_id"], {"Name": "name"})
    await task.open()
    try:
        await task.check()
        page = await task.notion_create_obj(Name="Paint")
        assert page.data_source == made["data_source_id"]
        assert (await only(task)).id == page.id
    finally:
        await task.close()


async def test_a_data_source_that_is_not_shared(task: Rows, person: Person, source: str) -> None:
    await person.arrange("POST", "erase", {"id": source})
    with pytest.raises(SideError, match=rf"{source} does not exist.*share it with the integration"):
        await task.check()


async def test_a_token_that_notion_does_not_know(person: Person, source: str) -> None:
    task = Rows(person.url, source, token="ntn_wrong_secret")
    await task.open()
    try:
        with pytest.raises(SideError, match="Notion refuses the token: check NOTION_TOKEN") as caught:
            await task.check()
    finally:
        await task.close()
    assert "ntn_wrong_secret" not in str(caught.value)


async def test_a_data_source_in_the_trash(task: Rows, person: Person, source: str) -> None:
    await person.send("PATCH", f"data_sources/{source}", {"in_trash": True})
    with pytest.raises(SideError, match=r"'Chores' is in the trash|does not exist"):
        await task.check()


# -- faults -----------------------------------------------------------------------------------------------------


def drop(method: str, *, applied: bool, then: Callable[[], Awaitable[Any]] | None = None) -> Any:
    """Lose the first request of a method, or its answer."""
    lost = 0

    async def happens(
        request: httpx.Request, onwards: Callable[[], Awaitable[httpx.Response]]
    ) -> httpx.Response:
        nonlocal lost
        if request.method != method or request.url.path.endswith("/query") or lost:
            return await onwards()
        lost += 1
        if applied:
            await onwards()
        if then is not None:
            await then()
        raise httpx.ReadError("connection reset by peer")

    return happens


@pytest.mark.parametrize("applied", [False, True])
async def test_a_create_that_nobody_confirmed_is_not_repeated(task: Rows, applied: bool) -> None:
    task.wire.happens = drop("POST", applied=applied)
    with pytest.raises(OutcomeUnknownError):
        await task.notion_create_obj(Name="Paint")
    assert len(await listed(task)) == applied


@pytest.mark.parametrize("applied", [False, True])
@pytest.mark.parametrize("end", [{"drop": True}, {"status": 500}, {"status": 502, "html": True}])
async def test_a_create_that_the_server_does_not_confirm(
    task: Rows, person: Person, applied: bool, end: dict[str, Any]
) -> None:
    await person.arrange("POST", "faults", {"method": "POST", "path": "/v1/pages", "applied": applied, **end})
    with pytest.raises(OutcomeUnknownError, match="may have been applied"):
        await task.notion_create_obj(Name="Paint")
    assert len(await listed(task)) == applied


async def test_a_busy_notion_costs_time_only(task: Rows, person: Person) -> None:
    for fault in (
        {"status": 429, "retry_after": 1, "method": "POST", "path": "/v1/pages"},
        {"status": 409, "method": "POST", "path": "/v1/pages"},
        {"status": 529, "retry_after": 0, "method": "PATCH"},
        {"status": 503, "method": "PATCH"},
        {"drop": True, "method": "PATCH"},
        {"status": 504, "path": "/v1/data_sources"},
        {"drop": True, "path": "/v1/data_sources"},
    ):
        await person.arrange("POST", "faults", fault)
    page = await task.notion_create_obj(Name="Paint")
    await task.notion_update_attrs(page, {"Name": "Paint it"})
    assert (await only(task)).values["Name"] == "Paint it"
    assert (await person.arrange("GET", "faults"))["faults"] == []


@pytest.mark.parametrize("applied", [False, True])
async def test_an_update_that_nobody_confirmed_is_repeated_after_another_look(
    task: Rows, person: Person, source: str, applied: bool
) -> None:
    await person.make_page(source, Name=person.text("Paint"))
    page = await only(task)
    task.wire.sent.clear()
    task.wire.happens = drop("PATCH", applied=applied)
    changed = await task.notion_update_attrs(page, {"Effort": 4})
    assert changed.values["Effort"] == 4
    methods = [method for method, _ in task.wire.sent]
    assert methods == (["GET", "PATCH", "GET"] if applied else ["GET", "PATCH", "GET", "PATCH"])


@pytest.mark.parametrize("applied", [False, True])
async def test_an_edit_before_the_repeat_of_an_update_stays(
    task: Rows, person: Person, source: str, applied: bool
) -> None:
    page_id = await person.make_page(source, Name=person.text("Paint"))
    page = await only(task)
    task.wire.happens = drop(
        "PATCH", applied=applied, then=lambda: person.edit(page_id, Effort={"number": 99})
    )
    with pytest.raises(PreconditionError):
        await task.notion_update_attrs(page, {"Effort": 4})
    assert (await only(task)).values["Effort"] == 99


async def test_a_lost_lock_stops_every_write(person: Person, source: str) -> None:
    def lost() -> None:
        raise LockLostError("lost")

    page_id = await person.make_page(source, Name=person.text("Paint"))
    task = Rows(person.url, source)
    task.before_write = lost  # type: ignore[method-assign]
    await task.open()
    try:
        await task.check()
        page = await only(task)
        for write in (
            task.notion_create_obj(Name="x"),
            task.notion_update_attrs(page, {"Name": "x"}),
            task.notion_delete_obj(page),
        ):
            with pytest.raises(LockLostError):
                await write
        assert (await only(task)).values["Name"] == "Paint"
        assert await task.notion_is_gone(page_id) is False
    finally:
        await task.close()


async def test_without_a_token_nothing_opens(
    monkeypatch: pytest.MonkeyPatch, person: Person, source: str
) -> None:
    task = Rows(person.url, source)
    monkeypatch.setattr("tasks.services.notion.side.get_settings", _NoToken)
    with pytest.raises(SideError, match="NOTION_TOKEN is not set"):
        NotionSide.make_client(task)
    await task.close()


class _NoToken:
    notion_token = None
    notion_base_url = "https://api.notion.com"
