"""Options that stand for states and priorities, and ticks for states."""

from __future__ import annotations

from collections.abc import Mapping as Values
from typing import Any

import pytest

from tasks.errors import ItemError, TaskDefinitionError
from tasks.mapping import Converter, Pair, bind
from tasks.mapping.choices import PRIORITIES, STATES, meanings
from tasks.sides import Attribute, End, Kind, Labels, Option, State
from tasks.values.opaque import Opaque

LABELS = Labels("Notion", "the calendar")
OPEN, ACTIVE, DONE, CANCELLED = State
GROUPED = (Option("To do"), Option("Doing"), Option("Blocked", ACTIVE), Option("Done"), Option("Cancelled"))
NOTION_DEFAULT = ("Not started", "In progress", "Done")
LEVELS = ("🔴 High", "Medium", "Low")


def options(*names: str | Option) -> tuple[Option, ...]:
    return tuple(name if isinstance(name, Option) else Option(name) for name in names)


def converter(
    kind: Kind,
    *names: str | Option,
    values: Values[str, Any] | None = None,
    new_options: bool = False,
    choice: Kind = Kind.CHOICE,
) -> Converter:
    """Of options on the left with values of a kind on the right."""
    left = Attribute(choice, options=options(*names), new_options=new_options)
    mapping = bind([Pair("C", "c", values=values or {})], {"C": left}, {"c": Attribute(kind)}, LABELS)
    return mapping.by_name["C"].converter


def shown(form: Converter, value: Any) -> Any:
    """The option that is written for a value."""
    return form.native(End.LEFT, form.common(End.RIGHT, value))


def means(form: Converter, option: Any, current: Any = None) -> Any:
    """The value that is written for an option."""
    return form.native(End.RIGHT, form.common(End.LEFT, option), current)


@pytest.mark.parametrize(
    ("names", "named"),
    [
        (NOTION_DEFAULT, ["Not started", "In progress", "Done", "Done"]),
        (GROUPED, ["To do", "Doing", "Done", "Cancelled"]),
        (("To do", "Done"), ["To do", "To do", "Done", "Done"]),
        (("Doing", "Dropped"), ["Doing", "Doing", "Dropped", "Dropped"]),
    ],
)
def test_every_state_has_an_option(names: tuple[str | Option, ...], named: list[str]) -> None:
    form = converter(Kind.STATE, *names)
    assert [shown(form, state) for state in State] == named


def test_options_with_one_meaning_are_one_at_both_ends() -> None:
    form = converter(Kind.STATE, *GROUPED)
    assert (
        form.common(End.LEFT, "Blocked") == form.common(End.LEFT, "Doing") == form.common(End.RIGHT, ACTIVE)
    )
    assert form.native(End.LEFT, form.common(End.RIGHT, ACTIVE), "Blocked") == "Blocked"
    assert form.common(End.LEFT, None) == "To do"


def test_the_usual_word_comes_before_other_options_of_its_state() -> None:
    form = converter(
        Kind.STATE,
        Option("Waiting", OPEN),
        Option("To do", OPEN),
        Option("Archived", DONE),
        Option("Done", DONE),
    )
    assert shown(form, OPEN) == "To do"
    assert shown(form, DONE) == "Done"
    assert form.common(End.LEFT, "Waiting") == "To do"


def test_a_word_says_more_than_the_group_it_stands_in() -> None:
    form = converter(Kind.STATE, Option("To do", OPEN), Option("Done", DONE), Option("Cancelled", DONE))
    assert means(form, "Cancelled") is CANCELLED
    assert shown(form, CANCELLED) == "Cancelled"


def test_what_the_user_says_comes_first() -> None:
    given = {"Later": State.OPEN}
    meaning = meanings(STATES, options("To do", "Later", "Done"), given, may_add=True)
    assert next(iter(meaning)) == "Later"
    assert "In progress" not in meaning
    form = converter(Kind.STATE, "To do", "Later", "Done", values={"Later": "needs action"}, new_options=True)
    assert shown(form, OPEN) == "Later"


def test_options_that_may_be_added_are_the_usual_ones() -> None:
    assert meanings(STATES, (), {}, may_add=True) == {
        "Not started": OPEN,
        "In progress": ACTIVE,
        "Done": DONE,
    }
    assert meanings(PRIORITIES, (), {}, may_add=True) == {"High": 1, "Medium": 5, "Low": 9}
    assert meanings(PRIORITIES, options("Urgent"), {}, may_add=True) == {"Urgent": 1, "Medium": 5, "Low": 9}
    assert shown(converter(Kind.STATE, new_options=True), ACTIVE) == "In progress"


def test_priorities_are_bands() -> None:
    form = converter(Kind.PRIORITY, *LEVELS)
    assert [shown(form, number) for number in range(1, 10)] == ["🔴 High"] * 4 + ["Medium"] + ["Low"] * 4
    assert shown(form, None) is None
    assert [means(form, option) for option in (*LEVELS, None)] == [1, 5, 9, None]


@pytest.mark.parametrize(
    ("kind", "names", "current", "option"),
    [
        (Kind.PRIORITY, LEVELS, 3, "🔴 High"),
        (Kind.PRIORITY, LEVELS, 7, "Low"),
        (Kind.STATE, NOTION_DEFAULT, CANCELLED, "Done"),
    ],
)
def test_a_finer_value_is_not_echoed_back(
    kind: Kind, names: tuple[str, ...], current: Any, option: str
) -> None:
    form = converter(kind, *names)
    assert shown(form, current) == option
    assert means(form, option, current) == current


def test_an_option_for_no_priority() -> None:
    form = converter(Kind.PRIORITY, "None", "High", values={"None": 0})
    assert form.common(End.RIGHT, None) == form.common(End.LEFT, None) == "None"
    assert means(form, "None", 1) is None


def test_an_option_that_stands_for_nothing_is_not_carried() -> None:
    form = converter(Kind.STATE, *NOTION_DEFAULT)
    someday = form.common(End.LEFT, "Someday")
    assert someday == Opaque("option 'Someday', which stands for no state")
    assert someday.odd
    with pytest.raises(ItemError, match="'Someday' stands for no state: name it in values"):
        form.native(End.RIGHT, "Someday", DONE)


def test_options_that_stand_for_nothing_are_told_with_the_mend() -> None:
    left = {"Rank": Attribute(Kind.CHOICE, options=options("High", "Someday", "later on"))}
    mapping = bind([Pair("Rank", "priority")], left, {"priority": Attribute(Kind.PRIORITY)}, LABELS)
    assert mapping.warnings == (
        "options of 'Rank' of Notion stand for no priority, so that it is not synced of objects that have them: "
        "'Someday', 'later on'; say what they mean, for instance values = { Someday = 5 }",
    )
    to_notion = Pair("Rank", "priority", only_to=End.LEFT)
    assert bind([to_notion], left, {"priority": Attribute(Kind.PRIORITY)}, LABELS).warnings == ()


@pytest.mark.parametrize("current", [None, *State])
@pytest.mark.parametrize("tick", [True, False])
def test_a_tick_for_a_state(tick: bool, current: State | None) -> None:
    form = converter(Kind.STATE, choice=Kind.YES_NO)
    value = means(form, tick, current)
    assert form.common(End.RIGHT, value) == tick
    assert isinstance(value, State)
    if current is not None and form.common(End.RIGHT, current) == tick:
        assert value == current


def test_a_tick_for_an_option() -> None:
    left, right = Attribute(Kind.YES_NO), Attribute(Kind.CHOICE, options=GROUPED)
    form = bind([Pair("C", "c")], {"C": left}, {"c": right}, LABELS).by_name["C"].converter
    assert [form.native(End.RIGHT, form.common(End.LEFT, tick)) for tick in (False, True)] == [
        "To do",
        "Done",
    ]
    assert form.native(End.RIGHT, form.common(End.LEFT, True), "Cancelled") == "Cancelled"
    assert [form.native(End.LEFT, form.common(End.RIGHT, option.name)) for option in GROUPED] == [
        False,
        False,
        False,
        True,
        True,
    ]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (Kind.STATE, "in Process", ACTIVE),
        (Kind.STATE, "", OPEN),
        (Kind.STATE, None, OPEN),
        (Kind.STATE, "Abgesagt", CANCELLED),
        (Kind.PRIORITY, "urgent!", 1),
        (Kind.PRIORITY, "7", 9),
        (Kind.PRIORITY, "", None),
        (Kind.YES_NO, "TRUE", True),
        (Kind.YES_NO, "not started", False),
    ],
)
def test_usual_words_in_a_text(kind: Kind, text: str | None, value: Any) -> None:
    values = {"abgesagt": "cancelled", "Abgesagt": "canceled"} if kind is Kind.STATE else {}
    form = converter(kind, values=values, choice=Kind.TEXT)
    assert means(form, text) == value
    assert isinstance(form.common(End.LEFT, "???"), Opaque)
    assert form.native(End.LEFT, form.common(End.RIGHT, value), text) == text or text is None


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("needs action", OPEN),
        ("NEEDS-ACTION", OPEN),
        ("not started", OPEN),
        ("in process", ACTIVE),
        ("IN-PROCESS", ACTIVE),
        ("in_progress", ACTIVE),
        ("completed", DONE),
        ("canceled", CANCELLED),
        (State.DONE, DONE),
        (True, DONE),
        (False, OPEN),
    ],
)
def test_words_for_states_are_read_leniently(word: Any, state: State) -> None:
    form = converter(Kind.STATE, "To do", "Done", "Maybe", values={"Maybe": word})
    assert means(form, "Maybe") is state


@pytest.mark.parametrize(
    ("word", "priority"), [(1, 1), (9, 9), (0, None), (None, None), ("3", 3), ("0", None), ("high", 1)]
)
def test_words_for_priorities(word: Any, priority: int | None) -> None:
    form = converter(Kind.PRIORITY, "P", values={"P": word})
    assert means(form, "P") == priority


@pytest.mark.parametrize(
    ("kind", "word", "message"),
    [
        (Kind.STATE, "later", "values of 'C': 'later' is none of not started, in progress, done, cancelled"),
        (Kind.STATE, 3, "values of 'C': 3 is none of"),
        (Kind.PRIORITY, 10, "values of 'C': 10 is not a number from 1 to 9, or 0 for none"),
        (Kind.PRIORITY, True, "values of 'C': True is not a number"),
        (Kind.YES_NO, "perhaps", "values of 'C': 'perhaps' is not yes or no"),
    ],
)
def test_words_that_mean_nothing_are_refused(kind: Kind, word: Any, message: str) -> None:
    with pytest.raises(TaskDefinitionError, match=message):
        converter(kind, "To do", "Done", values={"To do": word})


def test_an_option_that_does_not_exist_is_refused_where_none_can_be_added() -> None:
    with pytest.raises(
        TaskDefinitionError, match=r"'C' of Notion has no option 'Later', which values names; it has"
    ):
        converter(Kind.STATE, "To do", "Done", values={"Later": "open"})
    assert shown(converter(Kind.STATE, "Done", values={"Later": "open"}, new_options=True), OPEN) == "Later"


@pytest.mark.parametrize(
    ("kind", "names", "message"),
    [
        (Kind.STATE, ("Now", "Done"), r"no option of 'C' of Notion stands for not started: .*'Now', 'Done'"),
        (Kind.STATE, ("To do",), 'stands for done: .* values = { "the option" = "done" }'),
        (Kind.YES_NO, ("Yes",), "stands for no: "),
    ],
)
def test_a_state_needs_an_option_for_open_and_for_done(
    kind: Kind, names: tuple[str, ...], message: str
) -> None:
    with pytest.raises(TaskDefinitionError, match=message):
        converter(kind, *names)
    left = {"C": Attribute(Kind.CHOICE, options=options(*names))}
    there = bind([Pair("C", "c", only_to=End.RIGHT)], left, {"c": Attribute(kind)}, LABELS)
    assert there.only_to == {"C": End.RIGHT}  # nothing is ever chosen there


def test_values_with_the_options_on_the_right() -> None:
    left, right = (
        Attribute(Kind.STATE),
        Attribute(Kind.CHOICE, options=options("To do", "Waiting", "Parked", "Done")),
    )
    values = {"not started": ["Waiting", "Parked"], "done": "Done"}
    form = bind([Pair("C", "c", values=values)], {"C": left}, {"c": right}, LABELS).by_name["C"].converter
    assert form.native(End.RIGHT, form.common(End.LEFT, OPEN)) == "Waiting"
    assert {
        form.native(End.LEFT, form.common(End.RIGHT, name)) for name in ("To do", "Waiting", "Parked")
    } == {OPEN}


def test_a_state_is_a_state_also_when_it_was_kept_as_a_text() -> None:
    form = bind([Pair("C", "c")], {"C": Attribute(Kind.STATE)}, {"c": Attribute(Kind.STATE)}, LABELS).by_name[
        "C"
    ]
    assert form.converter.native(End.RIGHT, "done") is DONE
    assert form.converter.common(End.LEFT, None) is OPEN


KNOWN = Attribute(Kind.STATE, options=tuple(Option(state.value, state) for state in (State.OPEN, State.DONE)))
FINER = Attribute(
    Kind.CHOICE, options=(Option("To do"), Option("Doing"), Option("Done"), Option("Cancelled"))
)


@pytest.mark.parametrize("finer", [FINER, Attribute(Kind.STATE), Attribute(Kind.TEXT)])
def test_a_state_that_the_other_end_does_not_know_stays_and_is_its_nearest_one_there(
    finer: Attribute,
) -> None:
    words = {
        Kind.STATE: tuple(State),
        Kind.CHOICE: ("To do", "Doing", "Done", "Cancelled"),
        Kind.TEXT: ("Not started", "In progress", "Done", "Cancelled"),
    }[finer.kind]
    mapping = bind([Pair("A", "b")], {"A": finer}, {"b": KNOWN}, LABELS)
    to_do, doing, done, cancelled = words

    def across(value: Any) -> Any:
        return mapping.native(End.RIGHT, mapping.common(End.LEFT, {"A": value}))["b"]

    def back(state: State, now: Any) -> Any:
        return mapping.native(End.LEFT, mapping.common(End.RIGHT, {"b": state}), {"A": now})["A"]

    assert list(map(across, words)) == [State.OPEN, State.OPEN, State.DONE, State.DONE]
    # What was written is what stands there: no run writes it again, and none says that it is kept otherwise.
    for value in words:
        assert mapping.common(End.RIGHT, {"b": across(value)}) == mapping.common(End.LEFT, {"A": value})
        assert back(across(value), value) == value
    assert [back(State.DONE, doing), back(State.DONE, to_do)] == [done, done]
    assert [back(State.OPEN, done), back(State.OPEN, cancelled)] == [to_do, to_do]
