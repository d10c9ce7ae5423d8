"""What a task takes, and what becomes of a pair of which one leaves that: nothing is deleted but by the user's word."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from tasks.errors import ItemError, TaskDefinitionError
from tasks.merge import Delete, Filter, Park, Skip, Window
from tasks.sides import State
from tasks.values.date_range import DateRange
from tasks.values.opaque import Opaque
from tests.tasks.policies.places import START, Sync, day

EXAMPLES = int(os.environ.get("LOCKSTEP_EXAMPLES", "60"))
reached: Counter[str] = Counter()
OPEN = {"only": {"notion": {"Status": ["Open"]}}}
NEAR = {"window": {"attribute": "due", "past": "30d", "future": "180d"}}


# -- what a side lists no more ----------------------------------------------------------------------------------


@pytest.mark.parametrize("deltas", [False, True])
async def test_what_moves_away_is_unlinked_and_linked_again_when_it_is_back(deltas: bool) -> None:
    sync = Sync(deltas=deltas)
    row, _ = sync.pair("tea"), sync.pair("bread")
    await sync.runs(2)
    sync.rows.move_out(row)
    sync.clock.later(hours=2)
    planned = await sync.run(dry_run=True)
    (park,) = planned.plan.actions
    assert park.reason == (
        "not listed in the board rows any more, though it is not deleted (moved, or out of the filter?): it stays in "
        "the list todos"
    )
    await sync.runs()
    sync.todos.edit(sync.todo("tea"), status=State.DONE)
    asked = sync.rows.log.calls["is_gone"]
    for _ in range(3):
        sync.clock.later(hours=2)
        assert (await sync.runs()).plan.actions == ()
    assert sync.rows.log.calls["is_gone"] == asked
    assert sync.todos.shown() == ["bread", "tea"]
    sync.rows.move_in(row)
    sync.rows.edit(row, Name="green tea")
    await sync.runs()
    assert sync.rows.shown("Name", "Status") == [("bread", "Open"), ("green tea", "Done")]
    assert sync.todos.shown() == ["bread", "green tea"]


@pytest.mark.parametrize("deltas", [False, True])
async def test_by_default_nothing_is_unlinked_because_a_listing_lags(deltas: bool) -> None:
    sync = Sync(deltas=deltas, leave=None)
    row, _ = sync.pair("tea"), sync.pair("bread")
    await sync.runs(2)
    sync.rows.move_out(row)  # not listed, and not deleted, as far as is said
    sync.clock.later(hours=2)
    assert "unlinked" not in (await sync.run()).outcome.counts
    sync.rows.move_in(row)
    sync.rows.remove(row)  # but it was
    sync.clock.later(hours=2)
    sync.todos.edit(sync.todo("tea"), status=State.DONE)
    await sync.runs(2)
    assert sync.rows.shown("Name", "Status") == [("bread", "Open"), ("tea", "Done")]
    assert sync.todos.shown() == ["bread", "tea"]


async def test_what_is_kept_stays_linked_and_is_told_in_every_run() -> None:
    sync = Sync(leave="keep")
    row, _ = sync.pair("tea"), sync.pair("bread")
    await sync.runs()
    sync.rows.move_out(row)
    for _ in range(3):
        report = await sync.runs()
        assert "does not say that it was deleted" in report.outcome.skipped[0]
    assert sync.journal.state.parked == {}
    del sync.rows.outside[row]
    sync.clock.later(days=2)
    await sync.runs()
    assert sync.todos.shown() == ["bread"]


@pytest.mark.parametrize("said", ["delete", {"from_notion": "delete"}])
async def test_what_moves_away_may_be_deleted_across_but_not_with_an_edit_in_it(said: Any) -> None:
    sync = Sync(leave=said)
    tea, salt, _ = sync.pair("tea"), sync.pair("salt"), sync.pair("bread")
    await sync.runs()
    sync.todos.edit(sync.todo("salt"), status=State.DONE)
    sync.rows.move_out(tea)
    sync.rows.move_out(salt)
    report = await sync.runs()
    assert [one.left_scope for one in report.plan.of(Delete)] == [True]
    assert sync.todos.shown() == ["bread", "salt"]
    assert "Status edited in the list todos" in report.plan.of(Park)[0].reason
    assert (await sync.runs()).plan.actions == ()
    assert not [one for one in sync.rows.log.writes if one[0] != "create"]


async def test_each_side_may_be_left_in_its_own_way() -> None:
    sync = Sync(leave={"from_notion": "delete"})
    sync.pair("tea")
    sync.pair("bread")
    await sync.runs()
    sync.todos.move_out(sync.todo("tea"))
    await sync.runs()
    assert sync.rows.shown() == ["bread", "tea"]


async def test_a_mass_of_what_leaves_is_guarded_where_it_is_deleted() -> None:
    sync = Sync(leave="delete")
    for number in range(20):
        sync.pair(f"row {number}")
    await sync.runs()
    for row in list(sync.rows.things)[:12]:
        sync.rows.move_out(row)
    task = sync.task()
    task.handful = 5
    report = await task.run(sync.journal)
    assert (report.status, len(sync.todos.things)) == ("halted", 20)


async def test_a_side_that_cannot_say_where_an_object_is_deletes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sync = Sync(leave="delete")
    row, _ = sync.pair("tea"), sync.pair("bread")
    await sync.runs()
    sync.rows.move_out(row)

    def unsure(*_: Any) -> bool:
        raise ItemError("no answer")

    monkeypatch.setattr(sync.rows, "is_gone", unsure)
    await sync.run()
    assert sync.todos.shown() == ["bread", "tea"]
    assert sync.journal.state.parked == {}


async def test_gone_from_both_sides_by_moving_it_is_linked_again_when_both_are_back() -> None:
    sync = Sync()
    row, _ = sync.pair("tea"), sync.pair("bread")
    await sync.runs()
    todo = sync.todo("tea")
    sync.rows.move_out(row)
    sync.todos.move_out(todo)
    await sync.runs()
    sync.rows.move_in(row)
    await sync.runs(2)
    assert sync.todos.shown() == ["bread"]  # not made twice
    sync.todos.move_in(todo)
    sync.rows.edit(row, Name="green tea")
    await sync.runs()
    assert sync.todos.shown() == ["bread", "green tea"]


# -- filters ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("deltas", [False, True])
async def test_what_leaves_a_filter_is_brought_in_step_a_last_time(deltas: bool) -> None:
    sync = Sync(deltas=deltas, **OPEN)
    row, _ = sync.pair("tea"), sync.pair("bread")
    sync.rows.add(Name="old", Status="Done")
    report = await sync.runs(2)
    assert sync.todos.shown() == ["bread", "tea"]
    assert "of the board rows only objects are taken whose Status is 'Open'" in report.plan.told
    sync.rows.edit(row, Status="Done")
    await sync.runs()
    assert sync.todos.shown("summary", "status") == [("bread", State.OPEN), ("tea", State.DONE)]
    sync.todos.edit(sync.todo("tea"), summary="green tea")
    sync.clock.later(hours=2)
    report = await sync.runs()
    assert report.plan.actions == ()
    assert sync.rows.shown() == ["bread", "old", "tea"]
    sync.rows.edit(row, Status="Open")
    await sync.runs()
    assert sync.rows.shown() == ["bread", "green tea", "old"]
    assert sync.todos.shown("summary", "status") == [("bread", State.OPEN), ("green tea", State.OPEN)]


async def test_a_filter_may_be_on_an_attribute_that_is_not_synced() -> None:
    sync = Sync(only={"other": {"hidden": False}})
    sync.todos.add(summary="tea")
    sync.todos.add(summary="secret", hidden=True)
    await sync.runs()
    assert sync.rows.shown() == ["tea"]
    sync.todos.edit(sync.todo("secret"), hidden=False)
    await sync.runs()
    assert sync.rows.shown() == ["secret", "tea"]


async def test_a_side_that_does_not_give_what_is_filtered_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    sync = Sync(only={"other": {"hidden": False}})
    sync.todos.add(summary="tea")
    monkeypatch.setattr(sync.todos, "values", lambda thing: {"summary": "tea", "status": None, "due": None})
    with pytest.raises(
        TaskDefinitionError, match=r"only names 'hidden', which Place\.values does not give; it gives due"
    ):
        await sync.run()
    assert sync.rows.shown() == []


async def test_with_keep_what_is_linked_goes_on_and_only_new_ones_are_left_out() -> None:
    sync = Sync(leave="keep", **OPEN)
    row = sync.pair("tea")
    await sync.runs()
    sync.rows.edit(row, Status="Done")
    sync.rows.add(Name="old", Status="Done")
    await sync.runs()
    sync.todos.edit(sync.todo("tea"), summary="green tea")
    await sync.runs()
    assert sync.rows.shown() == ["green tea", "old"]
    assert sync.todos.shown() == ["green tea"]


async def test_with_delete_it_is_deleted_once_it_is_in_step_and_made_anew_when_it_is_back() -> None:
    sync = Sync(leave="delete", **OPEN)
    row, _ = sync.pair("tea"), sync.pair("bread")
    await sync.runs()
    sync.rows.edit(row, Status="Done")
    await sync.runs()
    assert sync.todos.shown() == ["bread", "tea"]
    await sync.runs()
    assert sync.todos.shown() == ["bread"]
    assert (await sync.runs()).plan.actions == ()
    sync.rows.edit(row, Status="Open")
    await sync.runs()
    assert sync.todos.shown() == ["bread", "tea"]


async def test_nothing_is_made_that_may_be_what_is_left_out() -> None:
    sync = Sync(**OPEN)
    sync.rows.add(Name="tea", Status="Done")
    sync.todos.add(summary="Tea")
    report = await sync.runs()
    assert [skip.reason for skip in report.plan.of(Skip)] == [
        "its counterpart may be rows-1 in the board rows, which the sync does not take"
    ]
    assert sync.rows.shown() == ["tea"]
    assert "1 object of the board rows: not among what the sync takes, and left alone" in report.plan.told


@pytest.mark.parametrize("deltas", [False, True])
async def test_another_filter_is_looked_at_as_a_whole_and_deletes_nothing(deltas: bool) -> None:
    sync = Sync(deltas=deltas, **OPEN)
    sync.pair("tea")
    sync.rows.add(Name="old", Status="Done")
    await sync.runs(2)
    sync.said = {"only": {"notion": {"Status": "Done"}}}
    await sync.runs(2)
    assert (sync.rows.shown(), sync.todos.shown()) == (["old", "tea"], ["old", "tea"])
    sync.said = {}
    await sync.runs(2)
    sync.rows.edit(sync.row("tea"), Name="green tea")
    await sync.runs()
    assert sync.todos.shown() == ["green tea", "old"]


# -- windows ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("deltas", [False, True])
async def test_an_edit_of_the_time_goes_across_before_the_pair_leaves(deltas: bool) -> None:
    sync = Sync(deltas=deltas, **NEAR)
    sync.pair("tea", When=day(3))
    sync.pair("far", When=day(400))
    sync.pair("past", When=day(-60))
    sync.pair("whenever")
    report = await sync.runs(2)
    assert sync.todos.shown() == ["tea", "whenever"]
    assert (
        "only objects are taken whose When is in the last 30 days or the next 180 days; those without are taken"
        in (report.plan.told)
    )
    sync.todos.edit(sync.todo("tea"), due=day(500))
    await sync.runs(2)
    assert sync.rows.shown("Name", "When")[2:] == [("tea", day(500)), ("whenever", None)]
    assert sync.todos.shown("summary", "due") == [("tea", day(500)), ("whenever", None)]
    sync.todos.edit(sync.todo("tea"), summary="green tea")
    sync.clock.later(hours=2)
    assert (await sync.runs()).plan.actions == ()
    sync.rows.edit(sync.row("tea"), When=day(7))  # back: on either side is enough
    await sync.runs(2)
    assert sync.todos.shown("summary", "due") == [("green tea", day(7)), ("whenever", None)]
    assert sync.rows.named("green tea")


async def test_time_brings_things_into_the_window_and_out_of_it() -> None:
    sync = Sync(**NEAR)
    sync.pair("soon", When=day(200))
    sync.pair("now", When=day(1))
    await sync.runs()
    assert sync.todos.shown() == ["now"]
    sync.clock.later(days=60)
    await sync.runs(2)
    assert sync.todos.shown() == ["now", "soon"]
    sync.rows.edit(sync.row("now"), Name="then")
    await sync.runs()
    assert sync.todos.shown() == ["now", "soon"]
    assert len(sync.rows.things) == 2


async def test_what_left_the_window_and_was_deleted_across_is_new_when_it_is_planned_anew() -> None:
    sync = Sync(**NEAR)
    row, _ = sync.pair("tea", When=day(3)), sync.pair("bread")
    await sync.runs()
    sync.rows.edit(row, When=day(500))
    await sync.runs(2)
    sync.todos.remove(sync.todo("tea"))
    await sync.runs()
    sync.rows.edit(row, When=day(5))
    await sync.runs(2)
    assert sync.todos.shown("summary", "due") == [("bread", None), ("tea", day(5))]


async def test_a_mirror_may_hold_the_window_only() -> None:
    sync = Sync(only_to="other", leave="delete", **NEAR)
    row, _ = sync.pair("tea", When=day(3)), sync.pair("bread")
    await sync.runs()
    sync.rows.edit(row, When=day(500))
    await sync.runs(3)
    assert (sync.rows.shown(), sync.todos.shown()) == (["bread", "tea"], ["bread"])
    sync.rows.edit(row, When=day(4))
    await sync.runs()
    assert sync.todos.shown() == ["bread", "tea"]


async def test_what_has_no_time_may_be_left_out() -> None:
    sync = Sync(window={"attribute": "When", "future": "10d", "undated": "leave out"})
    sync.pair("tea", When=day(3))
    sync.pair("whenever")
    await sync.runs()
    assert sync.todos.shown() == ["tea"]


INSTANTS = st.datetimes(datetime(2025, 6, 1), datetime(2026, 9, 1)).flatmap(
    lambda wall: st.integers(-12, 14).map(lambda hours: wall.replace(tzinfo=timezone(timedelta(hours=hours))))
)
DAYS = st.dates(date(2025, 6, 1), date(2026, 9, 1))


@given(INSTANTS, st.integers(0, 200), st.integers(0, 200))
def test_a_moment_is_in_the_window_by_the_clock_of_the_world(
    moment: datetime, past: int, future: int
) -> None:
    window = Window("A", timedelta(days=past), timedelta(days=future))
    seconds = moment.timestamp() - START.timestamp()  # the oracle counts seconds
    assert window.holds({"A": moment}, START) is (-past * 86400 <= seconds <= future * 86400)
    assert Window("A", None, None).holds({"A": moment}, START)


@settings(max_examples=40, deadline=None)
@given(DAYS, st.integers(0, 30), st.integers(0, 200))
def test_days_and_spans_are_in_it_where_any_part_is_anywhere(first: date, days: int, past: int) -> None:
    last = first + timedelta(days=days)
    window = Window("A", timedelta(days=past), timedelta(days=5))
    span = window.holds({"A": DateRange(first, last)}, START)
    touched = any(
        window.holds({"A": datetime(*at.timetuple()[:6], tzinfo=UTC) + timedelta(hours=hour)}, START)
        for at in (first + timedelta(days=number) for number in range((last - first).days + 1))
        for hour in range(-14, 37, 6)
    )
    assert span or not touched
    assert not span or any(
        window.holds({"A": DateRange(first + timedelta(days=number))}, START)
        for number in range((last - first).days + 1)
    )
    far = START.date() + timedelta(days=8)
    assert not window.holds({"A": far}, START)


@pytest.mark.parametrize(("hours", "inside"), [(-15, False), (-13, True), (35, True), (37, False)])
def test_a_day_lasts_from_its_begin_in_the_east_to_its_end_in_the_west(hours: int, inside: bool) -> None:
    window = Window("A", timedelta(0), timedelta(0))
    assert window.holds({"A": START.date()}, START + timedelta(hours=hours)) is inside


def test_what_cannot_be_read_leaves_nothing_out() -> None:
    assert Window("A", timedelta(0), timedelta(0), undated=False).holds({"A": Opaque("odd")}, START)
    assert Filter("A", ("x",)).fits({"A": Opaque("odd")})
    assert Filter("A", ("x", "y")).fits({"A": ("z", "y")})
    assert not Filter("A", ("x",)).fits({"A": ()})


# -- histories --------------------------------------------------------------------------------------------------

NAMES = st.sampled_from("abc")
HAPPENINGS = st.one_of(
    st.tuples(
        st.sampled_from(["out", "in", "finish", "reopen", "far", "near", "run"]), st.just("rows"), NAMES
    ),
    st.tuples(st.sampled_from(["out", "in", "far", "near", "run", "run"]), st.just("todos"), NAMES),
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    st.sampled_from(["unlink", "keep"]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.lists(HAPPENINGS, min_size=4, max_size=16),
)
def test_whatever_leaves_and_comes_back_nothing_is_deleted_or_doubled_and_the_rest_is_in_step(
    leave: str, filtered: bool, windowed: bool, deltas: bool, happenings: list[Any]
) -> None:
    note(f"{leave}, filtered {filtered}, windowed {windowed}, deltas {deltas}: {happenings}")
    said = (OPEN if filtered else {}) | (NEAR if windowed else {})
    sync = Sync(leave=leave, deltas=deltas, **said)
    for number, name in enumerate("abcd"):
        sync.pair(name, When=day(number))
    asyncio.run(sync.runs())
    for what, at, name in happenings:
        place = {"rows": sync.rows, "todos": sync.todos}[at]
        there = place.named(name)
        title = next(iter(place.attributes))
        away = [one.id for one in place.outside.values() if one.values[title] == name]
        if what == "run":
            report = asyncio.run(sync.run())  # after a listing of changes, what is away may be found to be so
            assert report.status == "succeeded" or (deltas and report.status == "failed"), report.reason
        elif what == "out" and there:
            place.move_out(there[0])
        elif what == "in" and away:
            place.move_in(away[0])
        elif what in ("far", "near") and there:
            when = sync.clock.now.date() + timedelta(days=500 if what == "far" else 2)
            place.edit(there[0], **{"When" if at == "rows" else "due": when})
        elif what in ("finish", "reopen") and there:
            place.edit(there[0], Status="Done" if what == "finish" else "Open")
    for _ in range(2):
        sync.clock.later(hours=2)
        asyncio.run(sync.runs())
    for place in (sync.rows, sync.todos):
        for thing in list(place.outside):
            place.move_in(thing)
    for name in "abc":  # all is back where the task takes it
        sync.rows.edit(sync.row(name), Status="Open", When=sync.clock.now.date())
    for _ in range(3):
        sync.clock.later(hours=2)
        report = asyncio.run(sync.runs())
    assert report.plan.actions == ()
    writes = Counter(kind for place in (sync.rows, sync.todos) for kind, _ in place.log.writes)
    assert (writes["delete"], writes["create"]) == (0, 4), "what only left was deleted, or made a second time"
    assert sync.rows.shown() == sync.todos.shown() == ["a", "b", "c", "d"]
    assert sync.rows.shown("Name", "When") == sync.todos.shown("summary", "due")
    reached["apart"] += 1


# -- words ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"leave": "forget"}, 'leave: it is one of "unlink", "keep" or "delete", or such as { from_notion ='),
        ({"leave": {"from_notoin": "keep"}}, "unknown key 'leave.from_notoin': did you mean 'from_notion'?"),
        ({"leave": {"from_notion": "go"}}, 'leave.from_notion: it is one of "unlink", "keep" or "delete"'),
        (
            {"leave": {"from_other": "delete"}, "only_to": "other"},
            "leave.from_other: nothing is deleted in the source of a mirror",
        ),
        ({"window": "30d"}, 'window: it is a table, such as { attribute = "due"'),
        ({"window": {"past": "30d"}}, "window: it does not say of which attribute"),
        ({"window": {"attribute": "due"}}, "window: it does not say how far"),
        ({"window": {"attribute": "due", "past": "soon"}}, "window.past: give a period"),
        ({"window": {"attribute": "due", "pats": "3d"}}, "unknown key 'window.pats': did you mean 'past'?"),
        (
            {"window": {"attribute": "due", "past": "3d", "undated": "drop"}},
            'window.undated: it is one of "keep" or "leave out"',
        ),
        ({"leave": "delete", **NEAR}, 'leave = "delete" does not go with a window'),
        ({"only": ["Open"]}, 'only: it is a table for an end, such as { notion = { Status = ["Open"] } }'),
        ({"only": {"notoin": {"Status": "Open"}}}, "unknown key 'only.notoin': did you mean 'notion'?"),
        ({"only": {"notion": {"Status": []}}}, "only.notion.Status: it is a value, or a list of values"),
    ],
)
def test_words_that_do_not_fit_are_refused(said: Any, message: str) -> None:
    with pytest.raises(TaskDefinitionError, match="task 't': ") as caught:
        Sync(**said).task()
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"window": {"attribute": "deu", "past": "3d"}}, "window: 'deu' is not mapped; there are 'Name'"),
        (
            {"window": {"attribute": "Name", "past": "3d"}},
            "window: 'Name' is of the kind text; it must be a date",
        ),
        ({"only": {"notion": {"Stats": "Open"}}}, "only: the board rows has no attribute 'Stats'; there are"),
        (
            {"only": {"notion": {"Status": ["Opne"]}}},
            "only: 'Status' of the board rows: there is no such option",
        ),
        ({"only": {"other": {"due": "2026-01-01"}}}, "only: 'due' of the list todos is of the kind date"),
    ],
)
async def test_what_the_sides_do_not_have_is_refused_before_anything_is_listed(
    said: Any, message: str
) -> None:
    sync = Sync(**said)
    with pytest.raises(TaskDefinitionError, match="task 't': ") as caught:
        await sync.run()
    assert message in str(caught.value)
    assert not sync.rows.log.calls
