"""The content of pages as an attribute: read where it may have changed, never written over unseen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from sandbox.notion import Sandbox
from tasks.engine.report import RunReport
from tasks.errors import ItemError, PreconditionError, TaskDefinitionError
from tasks.journal.state import State
from tasks.journal.state_journal import StateJournal
from tasks.merge import Plan
from tasks.services.notion.pages import body
from tasks.services.notion.pages.body import PAGE_BODY
from tasks.sides import Attribute, Kind
from tasks.values.opaque import Opaque
from tests.tasks.services.notion.person import Person
from tests.tasks.services.notion.plain_service import ATTRIBUTES, PlainService, PlainTask

COLUMNS: dict[str, Any] = {"Name": {"title": {}}, "Effort": {"number": {"format": "number"}}}
ATTRS = {"Name": "key", "Effort": "effort", PAGE_BODY: "text"}


class Place:
    """Rows with contents, a plain service, and what they have in common."""

    def __init__(self, person: Person, source: str) -> None:
        self.person, self.source = person, source
        self.service, self.journal = PlainService(), StateJournal(State())
        self.task = self.fresh()

    def fresh(self) -> PlainTask:
        task = PlainTask(self.person.url, self.source, ATTRS, self.service)
        task.delete_share = task.change_share = 1.0
        return task

    async def run(self) -> RunReport:
        """A run of a new process."""
        self.task = self.fresh()
        return await self.task.run(self.journal)

    async def run_while(self, happens: Callable[..., Awaitable[Any]]) -> RunReport:
        """A run of a new process, with what happens on the way of its requests."""
        task = self.task = self.fresh()
        make = task.rows.make_client

        def make_client() -> Any:
            client = make()
            task.wire.happens = happens
            return client

        task.rows.make_client = make_client  # type: ignore[method-assign]
        return await task.run(self.journal)

    @property
    def sent(self) -> Counter[str]:
        """Requests for contents."""
        return Counter(method for method, path in self.task.wire.sent if path.endswith("/markdown"))

    async def add(self, name: str, text: str) -> str:
        page_id = await self.person.make_page(self.source, Name=self.person.text(name))
        await self.type(page_id, text)
        return page_id

    async def type(self, page_id: str, text: str) -> None:
        new = {"type": "replace_content", "replace_content": {"new_str": text}}
        await self.person.send("PATCH", f"pages/{page_id}/markdown", new)

    async def content(self, page_id: str) -> str:
        return str((await self.person.send("GET", f"pages/{page_id}/markdown"))["markdown"])

    def texts(self) -> dict[str, Any]:
        return {item.values["key"]: item.values.get("text") for item in self.service.items.values()}


@pytest.fixture
async def place(person: Person) -> Place:
    return Place(person, await person.make_data_source("Notes", COLUMNS))


async def test_contents_go_both_ways_and_do_not_come_back(place: Place) -> None:
    one = await place.add("one", "# Head\nfirst")
    place.service.add({"key": "two", "effort": None, "text": "made\n\nthere"})
    assert (await place.run()).status == "succeeded"
    assert place.texts() == {"one": "# Head\nfirst", "two": "made\n\nthere"}
    rows = (await place.person.send("POST", f"data_sources/{place.source}/query", {}))["results"]
    (two,) = [row["id"] for row in rows if row["id"] != one]
    assert await place.content(two) == "made\nthere"
    assert (await place.run()).plan.writes == []
    await place.type(one, "typed by a person")
    place.service.edit("o1", {"text": "typed there"})
    assert (await place.run()).status == "succeeded"
    assert (place.texts()["one"], await place.content(two)) == ("typed by a person", "typed there")
    assert (await place.run()).plan.writes == []


async def test_many_rows_with_contents_are_written_after_one_look_at_all(
    place: Place, workspace: Sandbox
) -> None:
    pages = [await place.add(f"row {n}", f"content {n}") for n in range(8)]
    assert (await place.run()).status == "succeeded"
    workspace.workspace.clock.advance(timedelta(hours=1))  # they rest
    items = {item.values["key"]: item for item in place.service.items.values()}
    for n, item in ((n, items[f"row {n}"]) for n in range(len(pages))):
        place.service.edit(item.id, {"effort": n, **({"text": f"typed there {n}"} if n % 2 else {})})
    report = await place.run()
    assert (report.status, report.reason) == ("succeeded", "")
    assert len(report.plan.writes) == len(pages)
    looks = Counter(
        path for method, path in place.task.wire.sent if method == "GET" and path in map(_page, pages)
    )
    assert len(looks) < len(pages), "some by a look at all, those with a new content by themselves"
    assert {_page(page) for page in pages[1::2]} <= set(looks)
    told = sorted((item.values["key"], item.values["text"]) for item in place.service.items.values())
    assert sorted([(f"row {n}", await place.content(page)) for n, page in enumerate(pages)]) == told
    assert (await place.run()).plan.writes == []


def _page(page_id: str) -> str:
    return f"/v1/pages/{page_id}"


async def test_a_child_page_is_never_deleted_with_the_line_that_stands_for_it(place: Place) -> None:
    page_id = await place.add("Note", "one")
    title = {"title": place.person.text("Kid")}
    child = await place.person.send("POST", "pages", {"parent": {"page_id": page_id}, "properties": title})
    assert (await place.run()).status == "succeeded"
    line = f'<page url="{child["url"]}">Kid</page>'
    assert place.texts() == {"Note": f"one\n{line}"}
    place.service.edit("o1", {"text": f"{line}\ntwo"})
    assert (await place.run()).status == "succeeded"
    assert await place.content(page_id) == f"{line}\ntwo"
    place.service.edit("o1", {"text": "three"})
    report = await place.run()
    assert "would delete child pages" in " ".join(report.outcome.failures)
    assert await place.content(page_id) == f"{line}\ntwo"
    assert not (await place.person.send("GET", f"pages/{child['id']}"))["in_trash"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x" * 2_001, "should be ≤ `2000`"),  # a paragraph that is too long for Notion
        ("x" * 500_000, "500,000 bytes"),  # not even sent
    ],
)
async def test_a_content_that_is_not_taken_keeps_no_property_back(place: Place, text: str, why: str) -> None:
    page_id = await place.add("Note", "one")
    await place.run()
    place.service.edit("o1", {"text": text, "effort": 5})
    report = await place.run()
    assert report.status == "failed"
    assert why in report.reason
    assert place.service.items["o1"].values["text"] == text
    page = await place.person.page(page_id)
    assert (page["properties"]["Effort"]["number"], await place.content(page_id)) == (5, "one")
    place.service.edit("o1", {"text": "short"})
    assert (await place.run()).status == "succeeded"
    assert await place.content(page_id) == "short"


async def test_a_heading_stays_in_the_content_of_a_row_whose_title_is_not_synced(place: Place) -> None:
    place.service.add({"key": 3, "text": "# Head\ntext"})
    task = PlainTask(
        place.person.url,
        place.source,
        {"Effort": "key", PAGE_BODY: "text"},
        place.service,
        attributes={**ATTRIBUTES, "key": Attribute(Kind.NUMBER)},
    )
    for _ in range(2):
        assert (await task.run(place.journal)).status == "succeeded"
    assert place.texts() == {3: "# Head\ntext"}
    (row,) = (await place.person.send("POST", f"data_sources/{place.source}/query", {}))["results"]
    assert await place.content(row["id"]) == "# Head\ntext"


async def test_only_pages_that_may_have_been_edited_are_read_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [await place.add(f"row {n}", f"text {n}") for n in range(5)]
    await place.run()
    monkeypatch.setattr(body, "SETTLED", 0.0)  # as if the rows had rested for long
    await place.run()
    assert place.sent == {"GET": 5}
    await place.run()
    assert place.sent == {}
    await place.person.arrange("POST", "clock", {"advance": 120})
    await place.type(ids[3], "new")
    await place.run()
    assert place.sent == {"GET": 1}
    assert place.texts()["row 3"] == "new"


async def test_rows_that_rested_for_long_are_read_once(place: Place) -> None:
    await place.person.arrange("POST", "clock", {"now": "2026-05-01T10:00:00Z"})
    for n in range(4):
        await place.add(f"row {n}", f"text {n}")
    await place.person.arrange("POST", "clock", {"advance": 600})
    await place.add("row 4", "late")
    await place.run()
    await place.run()
    assert place.sent == {"GET": 1}


async def test_a_run_by_changes_reads_no_content_where_nothing_changed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.services.notion.rows.listing.PAGE_SIZE", 2)
    monkeypatch.setattr("tasks.services.notion.rows.watermark.SETTLED", 0.0)
    for n in range(4):
        await place.add(f"row {n}", f"text {n}")
    for _ in range(3):
        await place.run()
    assert (await place.run()).status == "succeeded"
    assert [method for method, _ in place.task.wire.sent] == ["GET", "POST", "POST"]


async def test_an_edit_between_listing_and_writing_is_not_overwritten(place: Place) -> None:
    page_id = await place.add("one", "old")
    await place.run()
    place.service.edit("o1", {"text": "from there"})

    async def happens(request: httpx.Request, onwards: Callable[[], Awaitable[httpx.Response]]) -> Any:
        if request.method == "GET" and request.url.path.endswith("/markdown"):
            seen.append(request.url.path)
            if len(seen) == 2:  # the one right before the write
                await place.type(page_id, "typed meanwhile")
        return await onwards()

    seen: list[str] = []
    report = await place.run_while(happens)
    assert "was edited while the sync ran" in report.reason
    assert await place.content(page_id) == "typed meanwhile"


async def test_a_page_edited_as_soon_as_it_was_made_is_taken_up(place: Place) -> None:
    """What Notion shows of the text that it was sent is no edit, what a person made of it is one."""
    place.service.add({"key": "one", "effort": None, "text": "made\n\nthere"})

    async def happens(request: httpx.Request, onwards: Callable[[], Awaitable[httpx.Response]]) -> Any:
        if request.method == "GET" and request.url.path.endswith("/markdown"):
            await place.type(request.url.path.split("/")[3], "typed meanwhile")
        return await onwards()

    await place.run_while(happens)
    assert (await place.run()).status == "succeeded"
    assert place.texts() == {"one": "typed meanwhile"}


async def test_a_page_is_not_deleted_whose_content_was_edited_after_the_listing(place: Place) -> None:
    page_id = await place.add("one", "old")
    await place.run()
    place.service.items.pop("o1")
    rows = place.fresh().rows
    await rows.open()
    try:
        await rows.learn()
        (page,) = await rows.list()
        await place.type(page_id, "typed meanwhile")
        with pytest.raises(PreconditionError, match=r"content of page .* was edited while the sync ran"):
            await rows.delete(page)
    finally:
        await rows.close()
    assert (await place.run()).status == "succeeded"
    assert place.texts() == {"one": "typed meanwhile"}


async def test_what_markdown_does_not_show_is_left_alone_and_the_rest_goes_on(
    place: Place, person: Person
) -> None:
    page_id = await place.add("one", "readable")
    await place.run()
    bookmark = {"type": "bookmark", "bookmark": {"url": "https://example.org"}}
    await person.send("PATCH", f"blocks/{page_id}/children", {"children": [bookmark]})
    await person.edit(page_id, Effort={"number": 4})
    place.service.edit("o1", {"text": "from there"})
    assert (await place.run()).status == "succeeded"
    assert place.service.items["o1"].values | {"key": ""} == {"key": "", "effort": 4, "text": "from there"}
    assert "unknown" in await place.content(page_id)
    await place.type(page_id, "readable again")
    report = await place.run()
    assert report.outcome.conflicts == 1  # both were edited meanwhile
    assert place.texts()["one"] == await place.content(page_id)


async def test_a_row_whose_content_cannot_be_read_is_made_without_it(place: Place, person: Person) -> None:
    page_id = await place.add("one", "readable")
    bookmark = {"type": "bookmark", "bookmark": {"url": "https://example.org"}}
    await person.send("PATCH", f"blocks/{page_id}/children", {"children": [bookmark]})
    assert (await place.run()).status == "succeeded"
    assert place.texts() == {"one": None}
    assert (await place.run()).plan == Plan(listed=(await place.run()).plan.listed, in_step=1)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"truncated": True}, "longer than Notion shows as Markdown"),
        ({"unknown_block_ids": ["x"]}, "blocks that Markdown does not show"),
        ({"markdown": "![a](https://x/y.png?X-Amz-Date=1&X-Amz-Signature=2)"}, "files that Notion keeps"),
    ],
)
def test_what_is_not_shown_in_full_is_opaque(answer: dict[str, Any], reason: str) -> None:
    assert body._body({"markdown": "text", **answer}) == Opaque(reason)


@pytest.mark.parametrize(
    ("value", "words"), [(3, "is text"), ("x" * 500_000, "500,000 bytes"), ("\ud800", "half")]
)
def test_what_notion_does_not_take_is_refused_before_it_is_sent(value: Any, words: str) -> None:
    with pytest.raises(ItemError, match=words):
        body.checked_body(value)


async def test_a_page_in_the_trash_is_not_written(place: Place, person: Person, workspace: Sandbox) -> None:
    page_id = await place.add("one", "old")
    rows = place.fresh().rows
    await rows.open()
    try:
        await rows.learn()
        (page,) = await rows.list()
        await person.patch_page(page_id, {"in_trash": True})
        with pytest.raises(PreconditionError, match="in the trash by now"):
            await rows.update(page, {PAGE_BODY: "new"})
    finally:
        await rows.close()


async def test_a_property_of_that_name_is_refused(place: Place, person: Person) -> None:
    await person.patch_columns(place.source, {PAGE_BODY: {"rich_text": {}}})
    with pytest.raises(TaskDefinitionError, match="stands for the content of pages: rename it"):
        await place.run()


# -- large contents ------------------------------------------------------------------------------------------


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> str:
    """A content that Notion is let take its time with."""
    monkeypatch.setattr(body, "LARGE", 100)
    monkeypatch.setattr("tasks.services.notion.api.async_tasks.POLL", (0.01, 0.01))
    return "\n".join(f"line {number}" for number in range(30))


async def test_a_large_content_is_carried_out_later_and_looked_at_then(
    place: Place, workspace: Sandbox, large: str
) -> None:
    workspace.background.seconds = 0.05
    place.service.add({"key": "a", "effort": None, "text": large})
    await place.run()
    (page,) = workspace.person("Ada").request("POST", f"data_sources/{place.source}/query", {})["results"]
    assert await place.content(page["id"]) == large
    assert [path for _, path in place.task.wire.sent if "async_tasks" in path]
    assert place.sent == {"PATCH": 1, "GET": 3}, (
        "nothing there, still nothing right before the write, and all of it"
    )
    report = await place.run()
    assert (report.status, dict(+report.outcome.counts)) == ("succeeded", {})


@pytest.mark.parametrize("lost", ["answer", "outcome"])
async def test_a_large_content_whose_outcome_is_lost_makes_nothing_twice(
    place: Place, workspace: Sandbox, large: str, lost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if lost == "answer":
        fault = {"method": "PATCH", "path": "/v1/pages/*/markdown", "applied": True, "drop": True, "times": 9}
        workspace.faults.add(fault)
    else:
        workspace.background.seconds = 3600
        make = place.fresh

        def fresh() -> Any:
            task = make()
            plain = task.rows.make_client

            def impatient() -> Any:
                client = plain()
                client._patience = 1.0
                return client

            task.rows.make_client = impatient  # type: ignore[method-assign]
            return task

        monkeypatch.setattr(place, "fresh", fresh)
    place.service.add({"key": "a", "effort": None, "text": large})
    report = await place.run()
    assert report.status == "failed"
    workspace.faults.clear()
    workspace.background.finish()
    workspace.background.seconds = 0
    for _ in range(3):
        report = await place.run()
    assert (report.status, dict(+report.outcome.counts)) == ("succeeded", {})
    (page,) = workspace.person("Ada").request("POST", f"data_sources/{place.source}/query", {})["results"]
    assert await place.content(page["id"]) == large
    assert place.texts() == {"a": large}


async def test_a_large_content_that_is_refused_later_is_told(
    place: Place, workspace: Sandbox, large: str
) -> None:
    page = await place.add("a", "small")
    await place.run()
    (item,) = place.service.items
    place.service.edit(item, {"text": large})
    workspace.background.seconds = 3_600

    async def trashed(request: httpx.Request, onwards: Callable[[], Awaitable[httpx.Response]]) -> Any:
        answer = await onwards()
        if request.method == "PATCH" and request.url.path.endswith("/markdown"):
            await place.person.patch_page(page, {"in_trash": True})
            workspace.background.finish()
        return answer

    report = await place.run_while(trashed)
    assert "is in the trash by now" in report.reason
