"""Texts of a form that the user says, through whole runs of a sync."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tasks import TwoWay
from tasks.engine.report import RunReport
from tasks.journal.state import State as Kept
from tasks.journal.state_journal import StateJournal
from tasks.sides import Attribute, Kind
from tests.tasks.mapping.test_in_a_run import Place, only

ROW = {
    "Name": Attribute(Kind.TEXT),
    "Due": Attribute(Kind.DATE),
    "Begin": Attribute(Kind.MOMENT),
    "Price": Attribute(Kind.NUMBER),
    "Code": Attribute(Kind.WHOLE),
}
TEXTS = {
    name: Attribute(Kind.TEXT) for name in ("summary", "due_text", "begin_text", "price_text", "code_text")
}
MAP: dict[str, Any] = {
    "Name": "summary",
    "Due": {"to": "due_text", "format": "%d.%m.%Y"},
    "Begin": {"to": "begin_text", "format": "%d.%m.%Y %H:%M", "zone": "Europe/Berlin"},
    "Price": {"to": "price_text", "format": "1.234,56 €"},
    "Code": {"to": "code_text", "format": "1 234"},
}
FULL = datetime(2026, 7, 4, 7, 30, 15, tzinfo=UTC)


class World:
    """A sync of rows and texts, listed in full each time or by changes."""

    def __init__(self, *, full: bool) -> None:
        self.rows, self.texts = Place("the table", ROW), Place("the list", TEXTS)
        self.full = full
        self.journal = StateJournal(Kept())

    async def run(self) -> RunReport:
        task = TwoWay("texts", self.rows, self.texts, MAP)
        if self.full:
            for place in (self.rows, self.texts):
                place.changes = lambda cursor: NotImplemented  # type: ignore[method-assign]
        return await task.run(self.journal)

    async def settle(self) -> None:
        assert (await self.run()).status == "succeeded"
        for _ in range(2):
            assert +(await self.run()).outcome.counts == {}


@pytest.fixture(params=[True, False], ids=["listings", "changes"])
def world(request: pytest.FixtureRequest) -> World:
    return World(full=request.param)


async def test_values_become_texts_and_come_back(world: World) -> None:
    row = world.rows.put(
        "row", {"Name": "Tea", "Due": date(2026, 7, 4), "Begin": FULL, "Price": -1234.567, "Code": 1234567}
    )
    await world.settle()
    text, values = only(world.texts)
    assert values == {
        "summary": "Tea",
        "due_text": "04.07.2026",
        "begin_text": "04.07.2026 09:30",
        "price_text": "-1.234,57 €",
        "code_text": "1 234 567",
    }
    assert (world.rows.objects[row]["Price"], world.rows.objects[row]["Begin"]) == (-1234.567, FULL)
    world.texts.put(text, {"due_text": "5.7.2026", "price_text": "2 €", "begin_text": "6.7.2026"})
    await world.settle()
    assert world.rows.objects[row] == {
        "Name": "Tea",
        "Due": date(2026, 7, 5),
        "Begin": date(2026, 7, 6),
        "Price": 2,
        "Code": 1234567,
    }
    assert world.texts.objects[text]["due_text"] == "5.7.2026"


async def test_a_text_of_another_form_waits_and_nothing_else_does(world: World) -> None:
    text = world.texts.put(
        "text", {"summary": "Tea", "due_text": "tomorrow", "price_text": "12.50", "code_text": "7"}
    )
    first = await world.run()
    row, values = only(world.rows)
    assert (values["Due"], values["Price"], values["Code"]) == (None, None, 7)
    assert "Due (a text that is no date as 04.07.2026)" in str(first.plan.actions)
    world.rows.put(row, {"Due": date(2026, 7, 4), "Code": 8})
    world.texts.put(text, {"summary": "Coffee"})
    for _ in range(3):
        report = await world.run()
        assert "not synced: Due (a text that is no date as 04.07.2026)" in str(report.plan.actions)
    assert world.texts.objects[text]["due_text"] == "tomorrow"
    assert world.texts.objects[text]["code_text"] == "8"
    assert world.rows.objects[row]["Name"] == "Coffee"
    world.texts.put(text, {"due_text": "05.07.2026", "price_text": "12,50 €"})
    await world.run()
    assert world.rows.objects[row]["Price"] == 12.5
    assert world.rows.objects[row]["Due"] in (date(2026, 7, 4), date(2026, 7, 5))
    assert +(await world.run()).outcome.counts == {}
