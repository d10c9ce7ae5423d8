"""A row that a run trashed comes back as it was, with all that is not synced."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tasks.engine.report import Order
from tasks.errors import ItemError
from tasks.journal.contract import Base
from tasks.journal.state import State
from tasks.journal.state_journal import StateJournal
from tasks.merge import Effect, Plan, Policy, undo
from tests.tasks.services.notion.chores import listed, only, side, source
from tests.tasks.services.notion.person import Person
from tests.tasks.services.notion.plain_service import PlainService, PlainTask
from tests.tasks.services.notion.wired import Wired

__all__ = ["side", "source"]


class Watched(StateJournal):
    """Keeps what writes replace."""

    def __init__(self) -> None:
        super().__init__(State())
        self.effects: list[Effect] = []

    async def begin(self, intent: Any, effect: Effect | None = None) -> None:
        self.effects += [effect] if effect is not None else []
        await super().begin(intent, effect)


def private(person: Person, text: str) -> dict[str, Any]:
    return {"rich_text": person.text(text)["title"]}


async def test_a_row_comes_out_of_the_trash(side: Wired, person: Person, source: str) -> None:
    page_id = await person.make_page(source, Name=person.text("Paint"), Private=private(person, "mine"))
    page = await only(side)
    await side.delete(page)
    back = await side.restore(page_id)
    assert back is not None
    assert (back.id, back.values) == (page_id, page.values)
    assert (await only(side)).id == page_id
    raw = await person.page(page_id)
    assert raw["properties"]["Private"]["rich_text"][0]["plain_text"] == "mine"
    side.wire.sent.clear()
    assert (await side.restore(page_id)) is not None  # it is out of it already
    assert [method for method, _ in side.wire.sent] == ["GET"]


async def test_what_is_not_to_be_restored(side: Wired, person: Person, source: str) -> None:
    elsewhere = await person.make_data_source("Other things", {"Name": {"title": {}}})
    moved = await person.make_page(elsewhere, Name=person.text("Paint"))
    await person.patch_page(moved, {"in_trash": True})
    assert await side.restore(moved) is None
    assert (await person.page(moved))["in_trash"] is True
    assert await side.restore("00000000-0000-4000-8000-000000000000") is None


async def test_an_undone_deletion_makes_no_second_row_and_no_second_to_do(
    person: Person, source: str
) -> None:
    service = PlainService()
    task = PlainTask(person.url, source, {"Name": "key", "Notes": "notes"}, service)
    journal = Watched()
    page_id = await person.make_page(source, Name=person.text("Paint"), Private=private(person, "mine"))
    await person.make_page(source, Name=person.text("Sleep"))
    await task.run(journal)
    (item,) = (item for item in service.items.values() if item.values["key"] == "Paint")
    del service.items[item.id]
    journal.effects.clear()
    await task.run(journal)
    assert (await person.page(page_id))["in_trash"] is True
    effects = list(journal.effects)

    def planner(base: Base, views: Any, policy: Policy) -> Plan:
        return undo(effects, base.links, {side: view.snapshot for side, view in views.items()}, policy)

    report = await task.run(journal, order=Order(planner=planner))
    assert report.outcome.counts == {"left_restored": 1}
    for _ in range(2):
        report = await task.run(journal)
    assert report.plan.actions == ()
    assert sorted(item.values["key"] for item in service.items.values()) == ["Paint", "Sleep"]
    raw = await person.page(page_id)
    assert (raw["in_trash"], raw["properties"]["Private"]["rich_text"][0]["plain_text"]) == (False, "mine")
    await task.rows.open()
    try:
        await task.rows.learn()
        assert len(await listed(task.rows)) == 2
    finally:
        await task.rows.close()


async def test_a_refusal_fails_the_object_alone(side: Wired, person: Person, source: str) -> None:
    page_id = await person.make_page(source, Name=person.text("Paint"))
    await side.delete(await only(side))

    async def happens(request: Any, onwards: Any) -> Any:
        if request.method == "PATCH":
            body = {
                "object": "error",
                "status": 400,
                "code": "validation_error",
                "message": "Can't restore it.",
            }
            return httpx.Response(400, json=body)
        return await onwards()

    side.wire.happens = happens
    with pytest.raises(ItemError, match="Can't restore it"):
        await side.restore(page_id)


async def test_an_edit_that_beats_a_deletion_takes_the_row_out_of_the_trash(
    person: Person, source: str
) -> None:
    service = PlainService()
    task = PlainTask(person.url, source, {"Name": "key", "Notes": "notes"}, service)
    journal = Watched()
    page_id = await person.make_page(source, Name=person.text("Paint"), Private=private(person, "mine"))
    await person.make_page(source, Name=person.text("Sleep"))
    await task.run(journal)
    (item,) = (item for item in service.items.values() if item.values["key"] == "Paint")
    await person.patch_page(page_id, {"in_trash": True})
    service.edit(item.id, {"notes": "two coats"})
    report = await task.run(journal)
    assert report.outcome.counts == {"left_restored": 1, "left_updated": 1}
    raw = await person.page(page_id)
    assert (raw["in_trash"], raw["properties"]["Private"]["rich_text"][0]["plain_text"]) == (False, "mine")
    assert raw["properties"]["Notes"]["rich_text"][0]["plain_text"] == "two coats"
    assert (await task.run(journal)).plan.actions == ()


async def test_two_tasks_on_one_data_source_bring_a_row_back_once(person: Person, source: str) -> None:
    attrs = {"Name": "key", "Notes": "notes", "Effort": "effort"}
    tasks = [PlainTask(person.url, source, attrs, PlainService()) for _ in range(2)]
    journals = [Watched() for _ in tasks]
    page_id = await person.make_page(source, Name=person.text("Paint"))
    await person.make_page(source, Name=person.text("Sleep"))
    for one, journal in zip(tasks, journals, strict=True):
        await one.run(journal)
    await person.patch_page(page_id, {"in_trash": True})
    for one, changes in zip(tasks, ({"notes": "two coats"}, {"effort": 3}), strict=True):
        (item,) = (item for item in one.service.items.values() if item.values["key"] == "Paint")
        one.service.edit(item.id, changes)
    for _ in range(3):
        for one, journal in zip(tasks, journals, strict=True):
            await one.run(journal)
    shown = [sorted(str(item.values) for item in one.service.items.values()) for one in tasks]
    assert shown[0] == shown[1]
    assert len(shown[0]) == 2
    raw = await person.page(page_id)
    assert raw["properties"]["Notes"]["rich_text"][0]["plain_text"] == "two coats"
    assert raw["properties"]["Effort"]["number"] == 3
    assert raw["in_trash"] is False
