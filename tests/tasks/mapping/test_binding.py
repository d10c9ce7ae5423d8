"""A mapping that meets what both sides have."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tasks.errors import TaskDefinitionError
from tasks.mapping import AsItIs, Mapping, Pair, bind, pairs_of
from tasks.mapping.constants import read_constants
from tasks.sides import Attribute, End, Kind, Labels, Option, State, UnfitError
from tasks.values.date_range import DateRange
from tasks.values.opaque import Opaque

LABELS = Labels("Notion", "the calendar Errands")
ENDS = {"notion": End.LEFT, "caldav": End.RIGHT}
COLUMNS = {
    "Name": Attribute(Kind.TEXT, meaning="title"),
    "Notes": Attribute(Kind.FORMATTED, meaning="notes"),
    "Due": Attribute(Kind.SPAN, whole_minutes=True, meaning="due"),
    "Status": Attribute(Kind.CHOICE, options=(Option("To do"), Option("Waiting"), Option("Done"))),
    "Rank": Attribute(Kind.NUMBER),
    "Sum": Attribute(Kind.NUMBER, writable=False),
    "Who": Attribute(Kind.PERSON),
    "Area": Attribute(Kind.CHOICE, options=(Option("Home"),)),
    "Tags": Attribute(Kind.CHOICES, new_options=True),
}
TODO = {
    "summary": Attribute(Kind.TEXT, meaning="title"),
    "description": Attribute(Kind.TEXT, meaning="notes"),
    "due": Attribute(Kind.MOMENT, whole_minutes=True, meaning="due"),
    "status": Attribute(Kind.STATE, meaning="status"),
    "priority": Attribute(Kind.PRIORITY),
    "modified": Attribute(Kind.MOMENT, writable=False),
    "categories": Attribute(Kind.CHOICES, new_options=True),
}


def bound(said: dict[str, Any], **more: Any) -> Mapping:
    return bind(
        pairs_of(said, ENDS),
        COLUMNS,
        TODO,
        LABELS,
        end_words={End.LEFT: "notion", End.RIGHT: "caldav"},
        **more,
    )


def test_values_cross_in_common_form() -> None:
    mapping = bound(
        {
            "Name": "summary",
            "Status": {"to": "status", "values": {"Waiting": "needs action"}},
            "Rank": "priority",
        }
    )
    row = {"Name": "Tea\x00", "Status": "Waiting", "Rank": 3.0, "Tags": ()}
    todo = {"summary": "Tea", "status": State.OPEN, "priority": 3, "due": None}
    assert mapping.common(End.LEFT, row) == mapping.common(End.RIGHT, todo)
    changes = {"Status": "Done", "Rank": None}
    assert mapping.native(End.RIGHT, changes, todo) == {"status": State.DONE, "priority": None}
    assert mapping.native(End.LEFT, {"Status": "Waiting"}, row) == {"Status": "Waiting"}
    with pytest.raises(UnfitError, match="stands for no state") as unfit:
        mapping.native(End.RIGHT, {"Name": "x", "Status": "Someday"}, todo)
    assert unfit.value.attributes == {"status"}


def test_sides_that_do_not_say_what_they_have_are_taken_as_they_are() -> None:
    mapping = bind(
        pairs_of({"A": "b", "C": "d"}, {}), {}, {}, constants={End.LEFT: {"X": 1}}, spelled="attr_map"
    )
    odd = Opaque("hidden")
    assert mapping.common(End.RIGHT, {"b": "x\x00", "d": odd}) == {"A": "x\x00", "C": odd}
    assert mapping.native(End.LEFT, {"C": 3}) == {"C": 3}
    assert not mapping.converts
    assert (mapping.told, mapping.lossy, mapping.forms) == ((), {}, {"A": "b", "C": "d"})
    assert (mapping.constants, mapping.spelled) == ({End.LEFT: {"X": 1}, End.RIGHT: {}}, "attr_map")


def test_what_is_lossy_or_goes_one_way_is_told_to_the_merge() -> None:
    mapping = bound(
        {
            "Due": "due",
            "Notes": {"to": "description", "conflict_mode": "caldav"},
            "Who": {"to": "summary", "only_to": "caldav"},
            "Rank": {"to": "priority", "conflict_mode": "error"},
        }
    )
    assert {name: lossy.side for name, lossy in mapping.lossy.items()} == {"Due": "right", "Notes": "right"}
    assert mapping.only_to == {"Who": End.RIGHT}
    assert mapping.modes == {"Notes": "right", "Rank": "error"}


def test_each_pair_that_is_converted_is_told_in_a_sentence() -> None:
    said = {
        "Name": "summary",
        "Status": "status",
        "Due": "due",
        "Who": {"to": "description", "only_to": "caldav"},
    }
    assert bound(said).told == (
        "'Status' of Notion (choice) and 'status' of the calendar Errands (state): To do = not started, Done = done; "
        "where no option stands for a value, the nearest one does; an option that stands for nothing is not synced",
        "'Due' of Notion (span) and 'due' of the calendar Errands (moment): the moment is where the span starts: a new "
        "one moves the span",
        "'Who' of Notion (person) and 'description' of the calendar Errands (text): who is not known to both by a mail "
        "address stays where they stand; without mail addresses, ids are shown, to the text only; goes only to the "
        "calendar Errands",
    )


def test_another_conversion_makes_the_base_void_and_nothing_else_does() -> None:
    def form(left: Attribute, right: Attribute, **pair: Any) -> str:
        return bind([Pair("A", "b", **pair)], {"A": left}, {"b": right}, LABELS).forms["A"]

    text, line = Attribute(Kind.TEXT), Attribute(Kind.ADDRESS)
    status = Attribute(Kind.CHOICE, options=(Option("To do"), Option("Done")))
    more = Attribute(Kind.CHOICE, options=(Option("To do"), Option("Done"), Option("Dropped"), Option("X")))
    state, tick = Attribute(Kind.STATE), Attribute(Kind.YES_NO)
    assert form(text, text) == "b"
    assert form(text, text) != form(text, line)
    assert form(status, state) != form(tick, state)
    assert form(status, state) != form(text, state)
    assert form(status, state) == form(more, state, values={"X": "done"})
    assert form(text, text) == form(text, text, only_to=End.LEFT)
    assert form(Attribute(Kind.TEXT, form="3"), text) != form(text, text)
    assert form(text, Attribute(Kind.TEXT, form="3")) == "b 3"


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"Nome": "summary"}, "Notion has no attribute 'Nome'; it has 'Name', 'Notes', "),
        ({"Name": "title"}, "the calendar Errands has no attribute 'title'; it has 'summary', "),
        (
            {"Due": "priority"},
            r"'Due' of Notion \(span\) and 'priority' of the calendar Errands \(priority\) cannot be kept in step: map "
            "'Due' to an attribute of the kind text, date, moment, span, such as 'summary', 'description', 'due', ",
        ),
        ({"Sum": "priority"}, "'Sum' of Notion cannot be written: add only_to = \"caldav\""),
        (
            {"Due": "modified"},
            "'modified' of the calendar Errands cannot be written: add only_to = \"notion\"",
        ),
        (
            {"Sum": {"to": "priority", "only_to": "notion"}},
            "'Sum' of Notion cannot be written: say only_to = \"caldav\"",
        ),
        ({"Who": "summary"}, r'but not be read back: add only_to = "caldav"'),
        (
            {"Name": {"to": "summary", "values": {"A": "B"}}},
            "values of 'Name': text and text take none; leave it out",
        ),
    ],
)
def test_what_cannot_be_kept_in_step_is_refused_with_the_mend(said: dict[str, Any], message: str) -> None:
    with pytest.raises(TaskDefinitionError, match=message):
        bound(said)


def test_nothing_to_keep_in_step_is_refused() -> None:
    for left in ({}, COLUMNS):
        with pytest.raises(
            TaskDefinitionError, match="no attribute of Notion means the same as one of the calendar"
        ):
            bind([], left, left, LABELS)


def test_what_nobody_can_write_is_refused() -> None:
    fixed = Attribute(Kind.NUMBER, writable=False)
    with pytest.raises(
        TaskDefinitionError, match=r"neither 'A' of Notion nor 'b' of .* can be written: leave it out"
    ):
        bind([Pair("A", "b")], {"A": fixed}, {"b": fixed}, LABELS)


def test_every_pair_that_is_refused_is_named() -> None:
    with pytest.raises(
        TaskDefinitionError,
        match=r"'Nome'.*; .*'Sum' of Notion cannot be written.*; what new objects of Notion get: 'Wo'",
    ):
        bound({"Nome": "summary", "Sum": "priority"}, constants={End.LEFT: {"Wo": 1}})


def test_what_cannot_be_written_goes_to_the_other_end() -> None:
    mapping = bound(
        {"Sum": {"to": "priority", "only_to": "caldav"}, "Due": {"to": "modified", "only_to": "notion"}}
    )
    assert mapping.only_to == {"Sum": End.RIGHT, "Due": End.LEFT}


def test_new_objects_get_constants() -> None:
    mapping = bound(
        {"Name": "summary"},
        constants={
            End.LEFT: {"Area": "Home", "Rank": 3},
            End.RIGHT: {"status": "in progress", "priority": "high", "categories": ["b", "a"]},
        },
    )
    assert mapping.constants == {
        End.LEFT: {"Area": "Home", "Rank": 3},
        End.RIGHT: {"status": State.ACTIVE, "priority": 1, "categories": ("a", "b")},
    }


def test_constant_times_are_those_of_toml_and_texts_that_say_them() -> None:
    def read(kind: Kind, value: Any) -> Any:
        return read_constants({"A": Attribute(kind)}, {"A": value}, (), "Notion")["A"]

    day, moment = date(2026, 7, 4), datetime(2026, 7, 4, 9, 30, tzinfo=UTC)
    for said in (day, "2026-07-04"):
        assert read(Kind.DATE, said) == read(Kind.MOMENT, said) == day
        assert read(Kind.SPAN, said) == DateRange(day)
    for said in (moment, "2026-07-04T09:30+00:00"):
        assert read(Kind.MOMENT, said) == moment
    for kind, wrong in ((Kind.DATE, moment), (Kind.WHOLE, 1.5), (Kind.SPAN, "2026-07-04/soon")):
        with pytest.raises(TaskDefinitionError, match="what new objects of Notion get: 'A': "):
            read(kind, wrong)
    assert read(Kind.WHOLE, 2.0) == 2
    assert read(Kind.SPAN, "2026-07-04/2026-07-06") == DateRange(day, date(2026, 7, 6))


def test_what_comes_from_an_end_may_be_constant_for_new_objects_there() -> None:
    said = {"Name": "summary", "Rank": {"to": "priority", "only_to": "caldav"}}
    assert bound(said, constants={End.LEFT: {"Rank": 3}}).constants[End.LEFT] == {"Rank": 3}
    with pytest.raises(TaskDefinitionError, match="'priority' is synced"):
        bound(said, constants={End.RIGHT: {"priority": 3}})


@pytest.mark.parametrize(
    ("end", "constant", "why"),
    [
        (End.LEFT, {"Wo": 1}, "new objects of Notion get: 'Wo' is no attribute; there are 'Name', "),
        (End.LEFT, {"Name": "x"}, "new objects of Notion get: 'Name' is synced: leave it out"),
        (End.LEFT, {"Sum": 1}, "new objects of Notion get: 'Sum' cannot be written: leave it out"),
        (
            End.LEFT,
            {"Area": "Work"},
            "new objects of Notion get: 'Area': there is no such option; there are 'Home'",
        ),
        (
            End.RIGHT,
            {"status": "soon"},
            "the calendar Errands get: 'status': 'soon' is none of not started, ",
        ),
        (End.RIGHT, {"categories": 3}, "the calendar Errands get: 'categories': 3 is no list of options"),
        (End.RIGHT, {"description": 3}, "get: 'description': 3 is no text"),
        (End.LEFT, {"Rank": "three"}, "get: 'Rank': 'three' is no number"),
        (End.LEFT, {"Rank": True}, "get: 'Rank': True is no number"),
        (End.RIGHT, {"due": "soon"}, "get: 'due': 'soon' is none such as 2026-07-04 or 2026-07-04T09:30"),
        (End.RIGHT, {"due": datetime(2026, 7, 4, 9)}, "get: 'due': '2026-07-04 09:00:00' is none such as"),
        (End.LEFT, {"Due": 3}, "get: 'Due': '3' is none such as 2026-07-04/2026-07-06"),
    ],
)
def test_constants_that_do_not_fit_are_refused(end: End, constant: dict[str, Any], why: str) -> None:
    with pytest.raises(TaskDefinitionError, match=why):
        bound({"Name": "summary"}, constants={end: constant})


def test_whether_the_common_form_tells_all_that_an_end_shows() -> None:
    plain = bound({"Name": "summary", "Due": "due", "Rank": {"to": "priority", "only_to": "caldav"}})
    assert [plain.is_coarse(end) for end in End] == [True, False]  # 0 and nothing are one priority
    status = bound({"Status": "status"})
    assert [status.is_coarse(end) for end in End] == [True, True]
    assert not bound({"Name": "summary"}).is_coarse(End.LEFT)


def test_a_pair_that_needs_nothing_is_taken_as_it_is() -> None:
    date = Attribute(Kind.DATE)
    mapping = bind([Pair("A", "b")], {"A": date}, {"b": date}, LABELS)
    assert isinstance(mapping.by_name["A"].converter, AsItIs)
    assert mapping.told == ()
