"""Attributes that go only to one end: the other end is the source, is never written, and has its way."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tasks.merge import (
    Adopt,
    Agree,
    Change,
    Conflict,
    Create,
    Delete,
    Effect,
    End,
    Intent,
    Link,
    Plan,
    Policy,
    Record,
    Restore,
    Skip,
    Snapshot,
    Update,
    check_guards,
    make_plan,
    take_back,
    undo,
)
from tasks.values.lossy import date_only
from tasks.values.opaque import Opaque

START = datetime(2026, 1, 1, tzinfo=UTC)
#: `A` goes both ways, `M` only to the right.
POLICY = Policy(("A", "M"), only_to={"M": End.RIGHT})
BASE = ("a", "m")


def values(given: Any) -> dict[str, Any]:
    return {name: value for name, value in zip(("A", "M"), given, strict=True) if value is not ...}


def snapshot(end: End, given: Any, later: int = 0) -> Snapshot:
    record = Record(f"{end[0]}1", values(given), "key", START + timedelta(hours=later)) if given else None
    return Snapshot(end, {record.id: record} if record else {})


def linked(base: Any, right: Any = None) -> Link:
    return Link("l1", "r1", values(base), values(right or base))


def plan(
    base: Any,
    left: Any,
    right: Any,
    policy: Policy = POLICY,
    intents: tuple[Intent, ...] = (),
    later: int = 0,
) -> Plan:
    links = [] if base is None else [base if isinstance(base, Link) else linked(base)]
    return make_plan(links, snapshot(End.LEFT, left), snapshot(End.RIGHT, right, later), policy, intents)


def writes(made: Plan) -> list[tuple[str, dict[str, Any]]]:
    return [
        (update.side.value, {name: change.new for name, change in update.changes.items()})
        for update in made.of(Update)
    ]


def kept(made: Plan) -> list[tuple[Any, ...]]:
    return [
        (conflict.attribute, conflict.rule, conflict.winner, conflict.left, conflict.right)
        for conflict in made.of(Conflict)
    ]


# -- edits ----------------------------------------------------------------------------------------------------


def test_an_edit_at_the_source_is_carried() -> None:
    made = plan(BASE, ("a", "new"), BASE)
    assert writes(made) == [("right", {"M": "new"})]
    assert made.actions[0].reason == "M edited in the left side"
    assert kept(made) == []


@pytest.mark.parametrize("source", ["m", "new", ""])
@pytest.mark.parametrize("typed", ["typed", ""])
def test_an_edit_at_the_target_is_written_over_and_kept(source: str, typed: str) -> None:
    if source == typed:
        return
    made = plan(BASE, ("a", source), ("a", typed), replace(POLICY, modes={"M": "right"}), later=9)
    assert writes(made) == [("right", {"M": source})]
    assert kept(made) == [("M", "one way", End.LEFT, source, typed)]
    assert made.of(Conflict)[0].base == "m"
    assert (
        made.of(Conflict)[0].reason
        == "M edited in the right side, but it goes only there: the left side's stays"
    )


def test_both_came_to_the_same_value() -> None:
    made = plan(BASE, ("a", "new"), ("a", "new"))
    assert [type(action) for action in made.actions] == [Agree]


def test_neither_a_resolver_nor_a_method_is_asked() -> None:
    def resolver(dispute: Any) -> Any:
        raise AssertionError(dispute)

    for policy in (
        replace(POLICY, resolver=resolver),
        replace(POLICY, by_method=True),
        replace(POLICY, mode="error"),
    ):
        assert writes(plan(BASE, ("a", "x"), ("a", "y"), policy)) == [("right", {"M": "x"})]


def test_what_the_target_keeps_otherwise_than_it_was_written_is_no_edit() -> None:
    cut = linked(("a", "a long text"), ("a", "a long"))
    assert plan(cut, ("a", "a long text"), ("a", "a long")).actions == ()


def test_other_attributes_go_both_ways() -> None:
    made = plan(BASE, BASE, ("b", "typed"))
    assert sorted(writes(made)) == [("left", {"A": "b"}), ("right", {"M": "m"})]


@pytest.mark.parametrize("left", [Opaque("hidden"), "m"])
def test_what_cannot_be_read_is_left(left: Any) -> None:
    hidden = Opaque("hidden")
    made = plan(BASE, ("a", left), ("a", hidden if left == "m" else "typed"))
    assert (writes(made), kept(made)) == ([], [])


def test_what_the_target_shows_coarsely_stays() -> None:
    moment = datetime(2026, 7, 4, 9, tzinfo=UTC)
    policy = replace(POLICY, lossy={"M": date_only("right")})
    base = linked(("a", moment), ("a", date(2026, 7, 4)))
    assert plan(base, ("a", moment), ("a", date(2026, 7, 4)), policy).actions == ()
    made = plan(base, ("a", moment), ("a", date(2026, 7, 5)), policy)
    assert writes(made) == [("right", {"M": date(2026, 7, 4)})]


# -- new pairs ------------------------------------------------------------------------------------------------


def test_a_new_object_at_the_target_carries_it() -> None:
    (create,) = plan(None, ("a", "m"), None).actions
    assert isinstance(create, Create)
    assert (create.side, create.values, create.source) == (End.RIGHT, values(BASE), values(BASE))


def test_a_new_object_at_the_source_is_made_without_it_and_shows_what_the_source_says() -> None:
    (create,) = plan(None, None, ("a", "typed")).actions
    assert isinstance(create, Create)
    assert (create.side, create.values, create.source) == (End.LEFT, {"A": "a"}, {"A": "a"})
    made = Link("l1", "r1", {"A": "a", "M": "computed"}, {"A": "a"})
    after = plan(made, ("a", "computed"), ("a", "typed"))
    assert writes(after) == [("right", {"M": "computed"})]
    assert kept(after) == [("M", "one way", End.LEFT, "computed", "typed")]
    assert plan(linked(("a", "computed")), ("a", "computed"), ("a", "computed")).actions == ()


@pytest.mark.parametrize(
    ("left", "right", "written", "lost"),
    [
        ("m", "typed", [("right", {"M": "m"})], [("M", "one way", End.LEFT, "m", "typed")]),
        ("", "typed", [("right", {"M": ""})], [("M", "one way", End.LEFT, "", "typed")]),
        ("m", "", [("right", {"M": "m"})], []),
        ("m", "m", [], []),
    ],
)
def test_a_pair_that_is_found(left: str, right: str, written: Any, lost: Any) -> None:
    made = plan(None, ("a", left), ("a", right))
    assert len(made.of(Adopt)) == 1
    assert (writes(made), kept(made)) == (written, lost)


def test_a_create_that_was_cut_off() -> None:
    intent = Intent("k", End.LEFT, "r1", {"A": "a"}, hash="key")
    made = plan(None, ("a", "computed"), ("a", ""), intents=(intent,))
    assert made.of(Adopt)[0].left == {"A": "a"}
    assert writes(made) == [("right", {"M": "computed"})]


def test_an_update_that_was_cut_off_is_written_again() -> None:
    intent = Intent("k", End.RIGHT, "l1", {"M": "new"}, "r1")
    for shown in ("m", "typed"):
        made = plan(BASE, ("a", "new"), ("a", shown), intents=(intent,))
        assert writes(made) == [("right", {"M": "new"})]
        assert made.of(Update)[0].intents == ("k",)
        assert kept(made) == [("M", "one way", End.LEFT, "new", shown)]
    assert writes(plan(BASE, ("a", "new"), ("a", "new"), intents=(intent,))) == []


@pytest.mark.parametrize("source", ["m", "other"])
def test_an_object_that_was_made_again(source: str) -> None:
    """Whichever end was remade, what the source shows stays."""
    old = Link("gone", "r1", values(BASE), values(BASE))
    left = Snapshot(End.LEFT, {"l1": Record("l1", values(("a", source)), "key", START)})
    made = make_plan([old], left, snapshot(End.RIGHT, ("a", "typed")), POLICY)
    assert made.of(Adopt)[0].instead_of == old
    assert writes(made) == [("right", {"M": source})]
    assert kept(made) == [("M", "one way", End.LEFT, source, "typed")]


# -- deletions ------------------------------------------------------------------------------------------------


def test_an_edit_that_would_be_written_over_saves_no_object() -> None:
    made = plan(BASE, None, ("a", "typed"))
    (conflict, delete) = made.actions
    assert isinstance(delete, Delete)
    assert delete.side is End.RIGHT
    assert delete.values == {"A": "a", "M": "typed"}
    assert isinstance(conflict, Conflict)
    assert (conflict.attribute, conflict.rule, conflict.winner) == (None, "one way", End.LEFT)
    assert conflict.right == {"A": "a", "M": "typed"}
    assert conflict.reason == (
        "deleted in the left side, but M edited in the right side, where it goes only to: that saves no object"
    )


def test_another_edit_saves_the_object_which_is_made_without_it() -> None:
    made = plan(BASE, None, ("b", "typed"))
    (create,) = made.of(Create)
    assert (create.side, create.values, create.source) == (End.LEFT, {"A": "b"}, {"A": "b"})
    assert kept(made)[0][1] == "edit beats delete"


def test_an_edit_at_the_source_saves_the_object() -> None:
    made = plan(BASE, ("a", "new"), None)
    (create,) = made.of(Create)
    assert (create.side, create.values) == (End.RIGHT, {"A": "a", "M": "new"})


def test_a_deletion_beats_edits_where_the_task_says_so() -> None:
    made = plan(BASE, None, ("b", "typed"), replace(POLICY, edit_beats_delete=False))
    assert [one.rule for one in made.of(Conflict)] == ["delete beats edit"]


# -- going back -----------------------------------------------------------------------------------------------


def shown(left: Any, right: Any) -> dict[End, Snapshot]:
    return {End.LEFT: snapshot(End.LEFT, left), End.RIGHT: snapshot(End.RIGHT, right)}


def test_an_undo_sets_the_target_back_and_leaves_the_source() -> None:
    effect = Effect("update", End.RIGHT, "r1", "l1", {"A": "old", "M": "typed"}, values(("new", "m")))
    made = undo([effect], [linked(("new", "m"))], shown(("new", "m"), ("new", "m")), POLICY)
    assert sorted(writes(made)) == [("left", {"A": "old"}), ("right", {"A": "old", "M": "typed"})]
    (right,) = (update for update in made.of(Update) if update.side is End.RIGHT)
    assert right.source == {"A": "old", "M": "m"}
    after = linked(("old", "m"), ("old", "typed"))
    assert plan(after, ("old", "m"), ("old", "typed")).actions == ()


def test_an_undo_of_a_write_from_before_it_went_one_way_leaves_the_source() -> None:
    effect = Effect("update", End.LEFT, "l1", "r1", {"M": "old"}, {"M": "m"})
    made = undo([effect], [linked(BASE)], shown(BASE, BASE), POLICY)
    assert writes(made) == []
    (skip,) = made.of(Skip)
    assert skip.reason == "M goes only to the right side by now: left as it is"


def test_a_value_that_was_written_over_is_brought_back_to_the_target_alone() -> None:
    lost = {End.LEFT: "m", End.RIGHT: "typed"}
    made = take_back(linked(BASE), "M", lost, End.RIGHT, shown(BASE, BASE), POLICY)
    assert writes(made) == [("right", {"M": "typed"})]
    assert made.of(Update)[0].source == {"M": "m"}
    made = take_back(linked(BASE), "M", lost, End.LEFT, shown(("a", "now"), BASE), POLICY)
    assert writes(made) == []
    assert [skip.reason for skip in made.of(Skip)] == ["M goes only to the right side: left as it is"]


def test_an_object_is_brought_back_to_the_source_without_it() -> None:
    whole = {End.LEFT: values(BASE), End.RIGHT: None}
    made = take_back(None, None, whole, End.LEFT, shown(None, None), POLICY, "l1")
    assert [restore.values for restore in made.of(Restore)] == [{"A": "a"}]
    effect = Effect("delete", End.LEFT, "l1", "r1", values(BASE), {})
    assert [one.values for one in undo([effect], [], shown(None, None), POLICY).of(Restore)] == [{"A": "a"}]
    there = take_back(
        None, None, {End.LEFT: None, End.RIGHT: values(BASE)}, End.RIGHT, shown(None, None), POLICY, "r1"
    )
    assert [restore.values for restore in there.of(Restore)] == [values(BASE)]


def test_values_of_an_object_are_brought_back_where_they_may_be_written() -> None:
    whole = {End.LEFT: values(("old", "x")), End.RIGHT: None}
    made = take_back(linked(BASE), None, whole, End.LEFT, shown(BASE, BASE), POLICY)
    assert sorted(writes(made)) == [("left", {"A": "old"}), ("right", {"A": "old"})]


def test_a_mapping_that_would_write_over_nearly_everything_is_halted() -> None:
    links = [Link(f"l{n}", f"r{n}", {"A": "a"}, {"A": "a"}) for n in range(9)]
    left = Snapshot(End.LEFT, {f"l{n}": Record(f"l{n}", {"A": "a", "M": ""}, "h") for n in range(9)})
    right = Snapshot(End.RIGHT, {f"r{n}": Record(f"r{n}", {"A": "a", "M": "typed"}, "h") for n in range(9)})
    halt = check_guards(make_plan(links, left, right, POLICY), 9, POLICY)
    assert halt is not None
    assert "would blank 'M' on 9 of 9 objects in the right side" in halt.reason


def test_the_change_names_what_is_written_over() -> None:
    (update,) = plan(BASE, BASE, ("a", "typed")).of(Update)
    assert update.changes == {"M": Change("typed", "m")}
    assert update.source == {"M": "m"}
