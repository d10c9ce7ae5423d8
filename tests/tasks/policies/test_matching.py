"""By which values objects are the same thing, where new ones are made, and how long an edit waits."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks import Listing
from tasks.errors import TaskDefinitionError
from tasks.mapping import Pair, bind
from tasks.merge import Adopt, Create, Match, Record, Skip
from tasks.merge.matching import match_plainly
from tasks.sides import Attribute, End, Kind, Labels, State
from tasks.values.lossy import date_only
from tests.tasks.policies.places import START, Sync, day

BOTH = {"match": ["Name", "due"]}


def skipped(report: Any) -> list[str]:
    return [skip.reason for skip in report.plan.of(Skip)]


async def test_several_attributes_say_what_is_the_same_thing() -> None:
    sync = Sync(**BOTH)
    for number in (1, 2):
        sync.rows.add(Name="Standup", When=day(number))
        sync.todos.add(summary=" stand up".replace("d u", "du"), due=day(number), status=State.DONE)
    planned = await sync.run(dry_run=True)
    assert [type(action).__name__ for action in planned.plan.actions if isinstance(action, Adopt)] == [
        "Adopt"
    ] * 2
    assert {action.name.title for action in planned.plan.actions} == {"Standup"}
    assert (
        "objects without a link are the same thing where Name and When are equal, whatever their case and spaces"
        in planned.plan.told
    )
    await sync.runs(2)
    assert len(sync.rows.things) == len(sync.todos.things) == 2
    for row, todo in sync.journal.state.ids.items():
        assert sync.rows.things[row].values["When"] == sync.todos.things[todo].values["due"]


async def test_what_is_folded_or_not_is_the_users_to_say() -> None:
    for fold, number in ((True, 1), (False, 2)):
        sync = Sync(match={"by": ["summary"], "fold": fold})
        sync.rows.add(Name="Green  Tea")
        sync.todos.add(summary="green tea ")
        await sync.runs()
        assert len(sync.rows.things) == len(sync.todos.things) == number


@pytest.mark.parametrize("deltas", [False, True])
async def test_what_is_unclear_is_named_and_neither_linked_nor_made(deltas: bool) -> None:
    sync = Sync(deltas=deltas, match=["Name"])
    first, second = sync.rows.add(Name="tea", When=day(1)), sync.rows.add(Name="Tea", When=day(2))
    todo = sync.todos.add(summary="tea", due=day(3))
    sync.pair("bread")
    for _ in range(2):
        report = await sync.runs()
        assert (
            skipped(report)
            == [
                "2 in the board rows and 1 in the list todos have the same match key: make them differ, or alike in all"
            ]
            * 3
        )
        assert len(report.outcome.skipped) == 3
    assert sync.todos.shown() == ["bread", "tea"]
    sync.rows.edit(second, Name="other tea")
    await sync.runs(2)
    assert sync.journal.state.ids[first] == todo
    assert sync.todos.shown() == ["bread", "other tea", "tea"]


async def test_of_several_one_that_is_alike_in_all_is_plain() -> None:
    sync = Sync(match=["Name"])
    first, _ = sync.rows.add(Name="tea", When=day(1)), sync.rows.add(Name="tea", When=day(2))
    todo = sync.todos.add(summary="tea", due=day(1))
    await sync.runs()
    assert sync.journal.state.ids[first] == todo
    assert sync.todos.shown("due") == [day(1), day(2)]


async def test_nothing_is_made_that_may_be_an_object_which_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sync = Sync(match=["Name"])
    sync.rows.add(Name="tea")
    listed = Listing([], unreadable={"todo-x": "it is odd"})
    monkeypatch.setattr(sync.todos, "list", lambda: listed)
    report = await sync.run()
    assert not report.plan.of(Create)
    assert "its counterpart may be todo-x in the list todos, which cannot be read: it is odd" in skipped(
        report
    )


TEXTS = st.sampled_from(["", "tea", "Tea ", "  green tea", "GREEN\ttea", "bread"])


@given(TEXTS, TEXTS, st.sampled_from([None, date(2026, 1, 1), datetime(2026, 1, 1, 9, tzinfo=UTC)]))
def test_keys_are_equal_where_a_person_would_say_so(one: str, other: str, when: Any) -> None:
    match = Match(("A", "B"), lossy={"B": date_only("right")})
    shown = when.date() if isinstance(when, datetime) else when
    left, right = match.key(End.LEFT, {"A": one, "B": when}), match.key(End.RIGHT, {"A": other, "B": shown})
    alike = one.lower().split() == other.lower().split()
    nothing = not one and when is None
    assert (
        (left == right) is alike or (nothing and not other.strip()) or (not one.strip() and not other.strip())
    )
    assert (left == "") is nothing


@pytest.mark.parametrize(
    ("one", "other"), [(1, Decimal("1.0")), (0.5, Decimal("0.50")), (("b", "A"), ("a", "B"))]
)
def test_values_of_other_types_are_compared_by_what_they_mean(one: Any, other: Any) -> None:
    match = Match(("A",))
    assert match.key(End.LEFT, {"A": one}) == match.key(End.RIGHT, {"A": other}) != ""


def test_a_plain_text_with_signs_of_markdown_is_compared_as_it_is() -> None:
    ends = {"Name": Attribute(Kind.FORMATTED)}, {"name": Attribute(Kind.TEXT)}
    mapping = bind([Pair("Name", "name")], *ends, Labels("Notion", "the table"))
    match = Match(("Name",), lossy=mapping.lossy)
    assert match.key(End.LEFT, {"Name": r"\*a\*"}) == match.key(End.RIGHT, {"Name": "*a*"}) != ""


RECORDS = st.lists(st.tuples(st.sampled_from(["", "x", "y"]), st.sampled_from("12")), max_size=5)


@given(RECORDS, RECORDS)
def test_no_pair_is_a_guess(ours: list[tuple[str, str]], theirs: list[tuple[str, str]]) -> None:
    left = [Record(f"l{n}", {"A": value}, key) for n, (key, value) in enumerate(ours)]
    right = [Record(f"r{n}", {"A": value}, key) for n, (key, value) in enumerate(theirs)]
    found = match_plainly(left, right, ("A",))
    ids = [record.id for pair in found.pairs for record in pair]
    assert len(ids) == len(set(ids))
    keys = [Counter(key for key, _ in side) for side in (ours, theirs)]
    whole = [Counter(side) for side in (ours, theirs)]
    for one, other in found.pairs:
        pair = (one.hash, one.values["A"])
        assert one.hash == other.hash
        lonely = one.hash and keys[0][one.hash] == keys[1][one.hash] == 1
        assert lonely or (one.values == other.values and whole[0][pair] == whole[1][pair] == 1)
    unclear = {record.id for groups in found.unclear for group in groups for record in group}
    assert not unclear & set(ids)
    for key in "xy":  # what stands on both sides and has no pair is named
        alone = [[one.id for one in side if one.hash == key and one.id not in ids] for side in (left, right)]
        if all(alone):
            assert unclear >= {*alone[0], *alone[1]}


# -- where new ones are made ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("create", "rows", "todos"),
    [
        ("both", ["both", "row", "todo"], ["both", "row", "todo"]),
        ("to_notion", ["both", "row", "todo"], ["both", "todo"]),
        ("to_other", ["both", "row"], ["both", "row", "todo"]),
        ("neither", ["both", "row"], ["both", "todo"]),
    ],
)
async def test_new_objects_are_made_where_the_user_says(create: str, rows: Any, todos: Any) -> None:
    sync = Sync(create=create)
    for name in ("both", "row"):
        sync.rows.add(Name=name)
    for name in ("both", "todo"):
        sync.todos.add(summary=name)
    await sync.runs(2)
    assert (sync.rows.shown(), sync.todos.shown()) == (rows, todos)
    assert ("nothing new is made in the board rows" in (await sync.runs()).plan.told) is (
        create in ("to_other", "neither")
    )
    sync.said = {}
    await sync.runs(2)
    assert sync.rows.shown() == sync.todos.shown() == ["both", "row", "todo"]


# -- settling ---------------------------------------------------------------------------------------------------


async def at(sync: Sync, seconds: float) -> Any:
    """A run so many seconds after the last edit."""
    sync.clock.later(minutes=-5, seconds=seconds)  # each run comes five minutes later
    return await sync.runs()


@pytest.mark.parametrize("deltas", [False, True])
async def test_what_was_edited_a_moment_ago_waits_and_all_else_goes_on(deltas: bool) -> None:
    sync = Sync(deltas=deltas, settle="30s")
    tea, bread = sync.pair("tea"), sync.pair("bread")
    await sync.runs(2)
    sync.rows.edit(bread, Name="white bread")
    sync.clock.later(seconds=25)
    sync.rows.edit(tea, Name="green te")
    new = sync.rows.add(Name="sal")
    report = await at(sync, 10)
    assert sync.todos.shown() == ["tea", "white bread"]
    assert skipped(report) == ["edited a moment ago: it waits until it has been left alone for a while"] * 2
    sync.rows.edit(tea, Name="green tea")
    sync.rows.edit(new, Name="salt")
    await at(sync, 28)
    assert sync.todos.shown() == ["tea", "white bread"]
    await at(sync, 40)
    assert sync.todos.shown() == ["green tea", "salt", "white bread"]
    assert (await sync.runs()).plan.actions == ()
    assert sync.journal.state.memory["held"] == []


async def test_who_types_on_and_on_is_synced_all_the_same() -> None:
    sync = Sync(settle="30s")
    tea = sync.pair("tea")
    await sync.runs()
    waited = 0
    while sync.todos.shown() == ["tea"]:
        sync.rows.edit(tea, Name=f"tea {waited}")
        await at(sync, 20)
        waited += 1
        assert waited < 60
    assert waited > 25  # ten minutes


async def test_a_clock_that_is_ahead_lets_nothing_wait() -> None:
    sync = Sync(settle="30s")
    tea = sync.pair("tea")
    await sync.runs()
    sync.rows.edit(tea, Name="green tea")
    thing = sync.rows.things[tea]
    sync.rows.things[tea] = type(thing)(thing.id, thing.values, START + timedelta(days=400), thing.version)
    await at(sync, 5)
    assert sync.todos.shown() == ["green tea"]


async def test_a_clock_that_is_coarse_is_given_as_much_more() -> None:
    sync = Sync(settle="30s")
    sync.rows.granularity = timedelta(minutes=1)
    tea = sync.pair("tea")
    await sync.runs()
    sync.rows.edit(tea, Name="green tea")
    await at(sync, 80)
    assert sync.todos.shown() == ["tea"]
    await at(sync, 95)
    assert sync.todos.shown() == ["green tea"]


async def test_an_object_without_a_time_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    sync = Sync(settle="30s")
    tea = sync.pair("tea")
    await sync.runs()
    monkeypatch.setattr(sync.rows, "edited", lambda *_: None)
    sync.rows.edit(tea, Name="green tea")
    await at(sync, 1)
    assert sync.todos.shown() == ["green tea"]


async def test_a_deletion_waits_for_who_edits_what_it_would_delete() -> None:
    sync = Sync(settle="30s")
    tea, _ = sync.pair("tea"), sync.pair("bread")
    await sync.runs()
    sync.rows.remove(tea)
    sync.todos.edit(sync.todo("tea"), status=State.DONE)
    await at(sync, 5)
    assert (sync.rows.shown(), sync.todos.shown()) == (["bread"], ["bread", "tea"])
    await sync.runs()
    assert sync.rows.shown() == ["bread", "tea"]  # the edit beats it


# -- words ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"match": []}, 'match: it is a list of mapped attributes, such as ["Name", "due"], or { by ='),
        ({"match": {"by": ["Name"], "flod": True}}, "unknown key 'match.flod': did you mean 'fold'?"),
        ({"match": {"by": ["Name"], "fold": "no"}}, "match.fold: it is true or false"),
        ({"create": "to_othr"}, 'create: it is one of "both", "to_notion", "to_other" or "neither"'),
        ({"create": "to_notion", "only_to": "other"}, "create: nothing is made in the source of a mirror"),
        ({"settle": "soon"}, "settle: give a period"),
    ],
)
def test_words_that_do_not_fit_are_refused(said: Any, message: str) -> None:
    with pytest.raises(TaskDefinitionError, match="task 't': ") as caught:
        Sync(**said).task()
    assert message in str(caught.value)


async def test_what_is_matched_must_be_mapped() -> None:
    with pytest.raises(
        TaskDefinitionError, match="match: 'Gone' is not mapped; there are 'Name', 'Status', 'When'"
    ):
        await Sync(match=["Name", "Gone"]).run()


async def test_with_match_keys_titles_need_not_be_mapped() -> None:
    sync = Sync(mapping={"When": "due"}, match=["When"])
    sync.rows.add(Name="tea", When=day(1))
    todo = sync.todos.add(summary="something", due=day(1))
    await sync.runs()
    assert list(sync.journal.state.ids.values()) == [todo]
