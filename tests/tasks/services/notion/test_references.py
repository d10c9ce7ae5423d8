"""People, relations, files and places against the local workspace, also more of them than Notion shows at once."""

from __future__ import annotations

from typing import Any

from tasks.sides import File
from tests.tasks.services.notion.person import Person
from tests.tasks.services.notion.wired import Wired


async def test_they_come_back_as_they_were_written(person: Person) -> None:
    target = await person.make_data_source("Targets", {"Name": {"title": {}}})
    pages = [await person.make_page(target, Name=person.text(f"T{n}")) for n in range(3)]
    source = await person.make_data_source("Rows", columns(target))
    me = (await person.send("GET", "users/me"))["id"]
    values: dict[str, Any] = {
        "Name": "One",
        "To": tuple(sorted(pages[:2])),
        "Who": (me,),
        "Files": (File.link("a", "https://a.org/a"), File.link("b", "https://b.org/b")),
        "Where": {"lat": 52.5, "lon": 13.4, "name": None, "address": "Berlin"},
    }
    side = await opened(person, source)
    try:
        page = await side.make(**values)
        assert page.values == values
        (page,) = await side.list()
        assert page.values == values
        changed = {**values, "To": (pages[2],), "Who": (), "Files": values["Files"][1:], "Where": None}
        page = await side.update(page, changed)
        assert page.values == changed
    finally:
        await side.close()


async def test_more_references_than_notion_shows_at_once(person: Person) -> None:
    """Written back as shown, the links beyond the 25th would be lost."""
    target = await person.make_data_source("Targets", {"Name": {"title": {}}})
    pages = tuple(sorted([await person.make_page(target, Name=person.text(f"T{n}")) for n in range(31)]))
    source = await person.make_data_source("Rows", columns(target))
    page_id = await person.make_page(
        source, Name=person.text("One"), To={"relation": [{"id": one} for one in pages[:30]]}
    )
    side = await opened(person, source)
    try:
        (page,) = await side.list()
        assert page.values["To"] == pages[:30]
        page = await side.update(page, {"To": pages})
        assert page.values["To"] == pages
        found = await side.get(page_id)
        assert found.values["To"] == pages  # type: ignore[union-attr]
        gets = [path for method, path in side.wire.sent if method == "GET" and "/properties/" in path]
        assert len(gets) == 4
    finally:
        await side.close()


async def test_texts_with_many_mentions_are_read_as_a_whole(person: Person) -> None:
    source = await person.make_data_source("Rows", {"Name": {"title": {}}})
    other = await person.make_page(source, Name=person.text("Plan"))
    mention = {"type": "mention", "mention": {"type": "page", "page": {"id": other}}}
    await person.make_page(source, Name={"title": [mention] * 30})
    side = Wired(person.url, source, ["Name"])
    await side.open()
    try:
        await side.learn()
        titles = sorted(side.values(page)["Name"] for page in await side.list())
        assert titles == ["Plan", "Plan" * 30]
    finally:
        await side.close()


def columns(target: str) -> dict[str, Any]:
    relation = {"data_source_id": target, "type": "single_property", "single_property": {}}
    return {
        "Name": {"title": {}},
        "To": {"relation": relation},
        "Who": {"people": {}},
        "Files": {"files": {}},
        "Where": {"place": {}},
    }


async def opened(person: Person, source: str) -> Wired:
    side = Wired(person.url, source, columns(""))
    await side.open()
    await side.learn()
    return side
