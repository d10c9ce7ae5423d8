"""A task of any two sides, but for what its mapping does to values."""

from __future__ import annotations

from typing import Any

import pytest

from tasks import ConflictMode, TaskDefinitionError, TwoWay
from tasks.journal.state import State
from tasks.journal.state_journal import StateJournal
from tasks.sides import Attribute, End, Kind
from tests.tasks.mapping.test_in_a_run import Place

TITLE = Attribute(Kind.TEXT, meaning="title")


def place(label: str, title: str, **attributes: Attribute) -> Place:
    class Titled(Place):
        def key(self, obj: Any) -> Any:
            return self.objects[obj][title]

    return Titled(label, {title: TITLE, **attributes})


async def run(notion: Place, other: Place, journal: StateJournal, **more: Any) -> dict[str, str]:
    """The pairs that a run kept in step; a task of its own each time, as another process has it."""
    report = await TwoWay("t", notion, other, **more).run(journal)
    assert report.status == "succeeded", report.reason
    return dict((await journal.load()).memory.own["pairs"])


async def test_attributes_of_one_meaning_go_together_also_one_that_comes_later() -> None:
    notes = Attribute(Kind.TEXT, meaning="notes")
    left, right = place("the table", "Name", Notes=notes), place("the list", "summary")
    journal = StateJournal(State())
    left.put("row", {"Name": "tea", "Notes": "green"})
    assert await run(left, right, journal) == {"Name": "summary"}
    right.attributes = {**right.attributes, "description": notes}
    for values in right.objects.values():
        values["description"] = None
    assert await run(left, right, journal) == {"Name": "summary", "Notes": "description"}
    assert [values["description"] for values in right.objects.values()] == ["green"]


async def test_what_was_chosen_stays_chosen_when_it_means_something_else_by_now() -> None:
    notes = Attribute(Kind.TEXT, meaning="notes")
    left, right = place("the table", "Name", Notes=notes), place("the list", "summary", description=notes)
    journal = StateJournal(State())
    assert await run(left, right, journal) == {"Name": "summary", "Notes": "description"}
    left.attributes = {**left.attributes, "Notes": Attribute(Kind.TEXT), "More": notes}
    assert await run(left, right, journal) == {"Name": "summary", "Notes": "description"}


async def test_new_objects_get_what_is_constant_for_them() -> None:
    left = place("the table", "Name", Area=Attribute(Kind.TEXT))
    right = place("the list", "summary")
    right.put("todo", {"summary": "tea"})
    constants = {"notion": {"Area": "home"}}
    await run(left, right, StateJournal(State()), mapping={"Name": "summary"}, constants=constants)
    assert [values["Area"] for values in left.objects.values()] == ["home"]


@pytest.mark.parametrize(
    ("said", "mode"),
    [
        ("rows", ConflictMode.NOTION),
        ("list", ConflictMode.OTHER),
        ("notion", ConflictMode.NOTION),
        ("error", ConflictMode.ERROR),
    ],
)
def test_an_end_may_have_its_word_by_its_own_name(said: str, mode: ConflictMode) -> None:
    sides = place("the table", "Name"), place("the list", "summary")
    ends = {"rows": End.LEFT, "list": End.RIGHT}
    assert TwoWay("t", *sides, {"Name": "summary"}, said, ends=ends).conflict_mode is mode
    with pytest.raises(TaskDefinitionError, match="conflict mode 'nobody' is unknown"):
        TwoWay("t", *sides, {"Name": "summary"}, "nobody", ends=ends)


async def test_messages_call_the_sides_by_their_labels() -> None:
    left, right = place("the table", "Name"), place("the list", "summary")
    left.put("row", {"Name": "tea"})
    report = await TwoWay("t", left, right, {"Name": "summary"}).run(StateJournal(State()), dry_run=True)
    assert [action.reason for action in report.plan.actions] == ["new in the table"]
