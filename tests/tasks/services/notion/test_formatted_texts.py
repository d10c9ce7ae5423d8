"""Formatted texts go to a service of plain texts and stay as they are, unless somebody there edits the text."""

from __future__ import annotations

import os
from random import Random
from typing import Any

import pytest

from sandbox.notion import PERSON_ID
from tasks.journal.state import State
from tasks.journal.state_journal import StateJournal
from tasks.services.notion.columns import rich_text
from tests.tasks.services.notion.person import Person
from tests.tasks.services.notion.plain_service import PlainService, PlainTask

SEEDS = int(os.environ.get("LOCKSTEP_NOTION_VALUES", "12")) // 3
STYLES = ("bold", "italic", "strikethrough", "underline", "code")
COLOURS = ("default", "red", "blue_background")


def any_run(chance: Random, page_id: str) -> dict[str, Any]:
    """A run of any kind with any formatting."""
    styles: dict[str, Any] = {style: True for style in STYLES if chance.random() < 0.2}
    if chance.random() < 0.3:
        styles["color"] = chance.choice(COLOURS)
    words = chance.choice(["two coats ", "🎉", "\n", "a" * 1998 + "🎨", " "])
    link = {"url": "https://x.org/?q=1"} if chance.random() < 0.2 else None
    kinds: list[dict[str, Any]] = [
        {"text": {"content": words, "link": link}},
        {"equation": {"expression": "e=mc^2"}},
        {"mention": {"user": {"id": PERSON_ID}}},
        {"mention": {"page": {"id": page_id}}},
        {"mention": {"date": {"start": "2026-07-01", "end": "2026-07-03"}}},
        {"mention": {"date": {"start": "2026-07-01T10:00:00+02:00"}}},
    ]
    return {**chance.choice(kinds), "annotations": styles}


def any_text(chance: Random, page_id: str) -> list[dict[str, Any]]:
    """A text of few runs, of as many mentions as Notion may cut, or of as many runs as it takes."""
    if chance.random() < 0.2:
        return [{"mention": {"user": {"id": PERSON_ID}}} for _ in range(chance.choice([25, 60, 100]))]
    return [any_run(chance, page_id) for _ in range(chance.choice([1, 2, 5, 30, 100]))]


@pytest.mark.parametrize("seed", range(max(3, SEEDS)))
async def test_a_formatted_text_survives_a_service_of_plain_texts(person: Person, seed: int) -> None:
    chance = Random(seed)
    columns = {"Name": {"title": {}}, "Notes": {"rich_text": {}}, "Effort": {"number": {}}}
    source = await person.make_data_source("Chores", columns)
    attrs = {"Name": "key", "Notes": "notes", "Effort": "effort"}
    service = PlainService()
    task, journal = PlainTask(person.url, source, attrs, service), StateJournal(State())

    async def sync() -> None:
        report = await task.run(journal)
        assert report.status == "succeeded", report.reason

    page_id = await person.make_page(source, Name=person.text("Paint"))
    await person.edit(page_id, Notes={"rich_text": any_text(chance, page_id)})
    before = (await person.page(page_id))["properties"]["Notes"]["rich_text"]
    await sync()
    (item,) = service.items.values()
    assert item.values["notes"] == rich_text.plain(before)

    for effort in range(3):
        if chance.random() < 0.5:
            service.edit(item.id, {"effort": effort})
        else:
            await person.edit(page_id, Effort={"number": effort})
        if chance.random() < 0.5:  # somebody types, and takes it back
            service.edit(item.id, {"notes": "x"})
            service.edit(item.id, {"notes": item.values["notes"]})
        await sync()
        assert (await person.page(page_id))["properties"]["Effort"]["number"] == effort
        assert (await person.page(page_id))["properties"]["Notes"]["rich_text"] == before

    service.edit(item.id, {"notes": "three coats"})
    await sync()
    after = (await person.page(page_id))["properties"]["Notes"]["rich_text"]
    assert rich_text.plain(after) == "three coats"
