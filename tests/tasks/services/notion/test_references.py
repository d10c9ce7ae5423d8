"""People, relations, files and places against the local workspace, also more of them than Notion shows at once."""

from __future__ import annotations

from typing import Any

from tests.tasks.services.notion.person import Person
from tests.tasks.services.notion.test_side import Rows


async def test_they_come_back_as_they_were_written(person: Person) -> None:
    target = await person.make_data_source("Targets", {"Name": {"title": {}}})
    pages = [await person.make_page(target, Name=person.text(f"T{n}")) for n in range(3)]
    source = await person.make_data_source("Rows", columns(target))
    me = (await person.send("GET", "users/me"))["id"]
    values: dict[str, Any] = {
        "Name": "One",
        "To": tuple(sorted(pages[:2])),
        "Who": (me,),
        "Files": (("a", "https://a.org/a"), ("b", "https://b.org/b")),
        "Where": {"lat": 52.5, "lon": 13.4, "name": None, "address": "Berlin"},
    }
    task = await opened(person, source)
    try:
        page = await task.notion_create_obj(**values)
        assert page.values == values
        (page,) = await task.get_notion_objects()
        assert page.values == values
        changed = {**values, "To": (pages[2],), "Who": (), "Files": values["Files"][1:], "Where": None}
        page = await task.notion_update_attrs(page, changed)
        assert page.values == changed
    finally:
        await task.close()


async def test_more_references_than_notion_shows_at_once(person: Person) -> None:
    """Written back as shown, the links beyond the 25th would be lost."""
    target = await person.make_data_source("Targets", {"Name": {"title": {}}})
    pages = tuple(sorted([await person.make_page(target, Name=person.text(f"T{n}")) for n in range(31)]))
    source = await person.make_data_source("Rows", columns(target))
    page_id = await person.make_page(
        source, Name=person.text("One"), To={"relation": [{"id": one} for one in pages[:30]]}
    )
    task = await opened(person, source)
    try:
        (page,) = await task.get_notion_objects()
        assert page.values["To"] == pages[:30]
        page = await task.notion_update_attrs(page, {"To": pages})
        assert page.values["To"] == pages
        found = await task.notion_get_obj(page_id)
        assert found.values["To"] == pages  # type: ignore[union-attr]
        gets = [path for method, path in task.wire.sent if method == "GET" and "/properties/" in path]
        assert len(gets) == 4
    finally:
        await task.close()


async def test_texts_with_many_mentions_are_read_as_a_whole(person: Person) -> None:
    source = await person.make_data_source("Rows", {"Name": {"title": {}}})
    other = await person.make_page(source, Name=person.text("Plan"))
    mention = {"type": "mention", "mention": {"type": "page", "page": {"id": other}}}
    await person.make_page(source, Name={"title": [mention] * 30})
    task = Rows(person.url, source, {"Name": "name"})
    await task.open()
    try:
        await task.check()
        titles = sorted(task.notion_to_dict(page)["Name"] for page in await task.get_notion_objects())
        assert titles == ["Plan", "Plan" * 30]
    finally:
        await task.close()


def columns(target: str) -> dict[str, Any]:
    relation = {"data_source_id": target, "type": "single_property", "single_property": {}}
    return {
        "Name": {"title": {}},
        "To": {"relation": relation},
        "Who": {"people": {}},
        "Files": {"files": {}},
        "Where": {"place": {}},
    }


async def opened(person: Person, source: str) -> Rows:
    task = Rows(person.url, source, {name: name.lower() for name in columns("")})
    await task.open()
    await task.check()
    return task
