"""What a new object gets for what is empty across: how it is said, and what is refused."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tasks import TwoWay
from tasks.errors import TaskDefinitionError
from tasks.mapping import Mapping, bind, pairs_of
from tasks.sides import Attribute, End, Kind, Labels, Option, State
from tests.tasks.policies.places import Sync

ENDS = {"notion": End.LEFT, "caldav": End.RIGHT}
LABELS = Labels("Notion", "the calendar")
LEFT = {
    "Name": Attribute(Kind.TEXT, meaning="title"),
    "Status": Attribute(
        Kind.CHOICE,
        options=(Option("To do", State.OPEN), Option("Waiting", State.OPEN), Option("Done", State.DONE)),
    ),
    "Due": Attribute(Kind.DATE),
    "Note": Attribute(Kind.TEXT),
    "Rank": Attribute(Kind.CHOICE, options=tuple(map(Option, ("High", "Low")))),
    "Sure": Attribute(Kind.YES_NO),
    "Who": Attribute(Kind.PERSON),
    "Parent": Attribute(Kind.REFERENCE),
}
RIGHT = {
    "summary": Attribute(Kind.TEXT, meaning="title"),
    "status": Attribute(Kind.STATE),
    "due": Attribute(Kind.DATE),
    "memo": Attribute(Kind.TEXT),
    "rank": Attribute(Kind.PRIORITY),
    "sure": Attribute(Kind.YES_NO),
    "who": Attribute(Kind.PERSON),
    "parent": Attribute(Kind.REFERENCE),
}


def bound(**said: Any) -> Mapping:
    return bind(
        pairs_of(said, ENDS), LEFT, RIGHT, LABELS, end_words={End.LEFT: "notion", End.RIGHT: "caldav"}
    )


def test_a_plain_default_is_of_the_attribute_that_to_names_or_of_the_only_end_to_which_it_goes() -> None:
    mapping = bound(
        Due={"to": "due", "default": date(2026, 7, 4)},
        Note={"to": "memo", "default": "nothing", "only_to": "notion"},
    )
    assert mapping.defaults == {End.LEFT: {"Note": "nothing"}, End.RIGHT: {"Due": date(2026, 7, 4)}}


def test_a_table_has_a_default_for_each_end_in_its_own_words() -> None:
    mapping = bound(
        Status={"to": "status", "default": {"notion": "Waiting", "caldav": "needs action"}},
        Rank={"to": "rank", "default": {"notion": "Low", "right": 5}, "values": {"Low": 9}},
    )
    assert mapping.defaults == {
        End.LEFT: {"Status": "Waiting", "Rank": "Low"},
        End.RIGHT: {"Status": State.OPEN, "Rank": 5},
    }
    assert mapping.common_defaults(End.LEFT) == {"Status": "To do", "Rank": "Low"}
    assert mapping.told[1].endswith(
        "a new object of Notion gets 'Low' where nothing is there in the calendar; "
        "a new object of the calendar gets 5 where nothing is there in Notion"
    )
    assert mapping.forms == bound(Status="status", Rank={"to": "rank", "values": {"Low": 9}}).forms


def test_a_plan_tells_of_a_default_though_nothing_is_converted() -> None:
    assert bound(Due={"to": "due", "default": "2026-07-04"}).told == (
        "'Due' of Notion (date) and 'due' of the calendar (date): a new object of the calendar gets '2026-07-04' "
        "where nothing is there in Notion",
    )


def test_what_is_blank_is_told_by_what_the_end_shows() -> None:
    mapping = bound(
        Status={"to": "status", "default": "needs action"},
        Due={"to": "due", "default": "2026-07-04"},
        Note={"to": "memo", "default": {"notion": "x"}},
    )
    shown: dict[str, Any] = {"Status": None, "Due": None, "Note": ""}
    assert mapping.blank(End.LEFT, shown, mapping.common(End.LEFT, shown)) == {"Status", "Due"}
    shown = {"Status": "To do", "Due": date(2026, 1, 1), "Note": ""}
    assert mapping.blank(End.LEFT, shown, mapping.common(End.LEFT, shown)) == set()
    shown = {"status": None, "due": None, "memo": "\x00"}
    assert mapping.blank(End.RIGHT, shown, mapping.common(End.RIGHT, shown)) == {"Note"}


@pytest.mark.parametrize(
    ("name", "said", "message"),
    [
        (
            "Due",
            {"to": "due", "default": {}},
            "default is a value, or a table with one for 'notion', 'caldav'",
        ),
        (
            "Due",
            {"to": "due", "default": {"sql": 1}},
            "a table with one for 'notion', 'caldav', not for 'sql'",
        ),
        (
            "Due",
            {"to": "due", "default": "soon"},
            "default of 'Due' for new objects of the calendar: 'soon' is none",
        ),
        ("Due", {"to": "due", "default": None}, "'None' is none such as 2026-07-04"),
        ("Note", {"to": "memo", "default": 3}, "3 is no text"),
        ("Note", {"to": "memo", "default": ""}, "'' is as good as nothing: leave default out"),
        ("Note", {"to": "memo", "default": "\x00"}, "is as good as nothing: leave default out"),
        ("Rank", {"to": "rank", "default": 0}, "0 is as good as nothing"),
        (
            "Rank",
            {"to": "rank", "default": {"notion": "Odd"}},
            "there is no such option; there are 'High', 'Low'",
        ),
        (
            "Due",
            {"to": "due", "only_to": "caldav", "default": {"notion": "2026-07-04"}},
            "default of 'Due' for new objects of Notion: it goes only to the calendar: leave default out",
        ),
        ("Name", {"to": "summary", "default": "x"}, "are found by their title: leave default out"),
        ("Who", {"to": "who", "default": "ada@example.org"}, "person takes none: leave default out"),
        ("Parent", {"to": "parent", "default": "x"}, "reference takes none: leave default out"),
        (
            "Status",
            {"to": "status", "default": "done"},
            "what is empty in Notion says 'To do' already: leave default out, or say one that stands for the same",
        ),
        ("Sure", {"to": "sure", "default": True}, "what is empty in Notion says 'no' already"),
        (
            "Note",
            {"to": "due", "format": "%d.%m.%Y", "default": {"notion": "soon"}},
            "'soon' is a text that is no date",
        ),
    ],
)
def test_a_default_that_makes_no_sense_is_refused_with_its_mend(
    name: str, said: dict[str, Any], message: str
) -> None:
    with pytest.raises(TaskDefinitionError) as refused:
        bound(**{name: said})
    assert message in str(refused.value)
    assert repr(name) in str(refused.value)


def test_sides_that_do_not_say_what_they_have_take_it_as_it_is() -> None:
    mapping = bind(pairs_of({"A": {"to": "b", "default": {"notion": 1, "caldav": 2}}}, ENDS), {}, {})
    assert mapping.defaults == {End.LEFT: {"A": 1}, End.RIGHT: {"A": 2}}


async def test_what_objects_are_found_by_has_no_default() -> None:
    mapping = {"Name": "summary", "When": {"to": "due", "default": "2026-07-04"}}
    with pytest.raises(TaskDefinitionError, match="match: 'When' has a default"):
        await Sync(mapping=mapping, match=["Name", "When"]).run()


async def test_nothing_new_is_made_in_the_source_of_a_mirror() -> None:
    mapping = {"Name": "summary", "When": {"to": "due", "default": {"notion": "2026-07-04"}}}
    with pytest.raises(TaskDefinitionError, match="it goes only to the list todos: leave default out"):
        await Sync(mapping=mapping, only_to="other").run()
    plain = {"Name": "summary", "When": {"to": "due", "default": "2026-07-04"}}
    task = Sync(mapping=plain, only_to="notion")
    task.todos.add(summary="Tea")
    await task.runs()
    assert task.rows.shown("Name", "When") == [("Tea", date(2026, 7, 4))]


def test_a_task_reads_it() -> None:
    with pytest.raises(TaskDefinitionError, match="a table with one for"):
        TwoWay("t", Sync().rows, Sync().todos, {"Name": {"to": "summary", "default": {"else": 1}}})
