"""Field ownership, resolvers, lossy values, deletions against edits: what a policy may ask for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks import UNRESOLVED, Dispute
from tasks.errors import TaskDefinitionError
from tasks.merge import (
    Conflict,
    Create,
    Delete,
    End,
    Link,
    Plan,
    Policy,
    Record,
    Snapshot,
    Update,
    make_plan,
    plan_digest,
    plan_from_data,
    plan_to_data,
)
from tasks.values.canonical import dump, load
from tasks.values.lossy import Lossy, date_only, plain_text, whole_minutes

START = datetime(2026, 1, 1, tzinfo=UTC)
PLAIN = Policy(("A", "B"))


def plan(base: Any, left: Any, right: Any, policy: Policy = PLAIN, later: int = 0) -> Plan:
    """The plan for one pair whose values are given as tuples; `None` is a record that is gone."""

    def values(given: Any) -> dict[str, Any]:
        return dict(zip(policy.attributes, given, strict=False))

    def snapshot(side: End, given: Any, at: int) -> Snapshot:
        record_id = f"{side[0]}1"
        edited = START + timedelta(minutes=at)
        records = {} if given is None else {record_id: Record(record_id, values(given), "key", edited)}
        return Snapshot(side, records)

    links = [] if base is None else [Link("l1", "r1", values(base), values(base))]
    return make_plan(links, snapshot(End.LEFT, left, 0), snapshot(End.RIGHT, right, later), policy)


def writes(made: Plan) -> list[tuple[str, dict[str, Any]]]:
    return [
        (update.side.value, {name: change.new for name, change in update.changes.items()})
        for update in made.of(Update)
    ]


def rules(made: Plan) -> list[tuple[str | None, str]]:
    return [(conflict.winner, conflict.rule) for conflict in made.of(Conflict)]


# -- modes of single attributes --------------------------------------------------------------------------------


def test_an_attribute_may_have_a_mode_of_its_own() -> None:
    policy = replace(PLAIN, mode="newer", modes={"A": "left"})
    made = plan(("", ""), ("ours", "ours"), ("theirs", "theirs"), policy, later=10)
    assert rules(made) == [(End.LEFT, "left"), (End.RIGHT, "newer")]
    assert writes(made) == [("right", {"A": "ours"}), ("left", {"B": "theirs"})]


def test_who_owns_a_field_does_not_undo_an_edit_that_nobody_disputes() -> None:
    policy = replace(PLAIN, modes={"A": "left"})
    assert writes(plan(("x", ""), ("x", ""), ("theirs", ""), policy)) == [("left", {"A": "theirs"})]


def test_one_attribute_in_mode_error_leaves_its_object_and_no_other() -> None:
    policy = replace(PLAIN, modes={"A": "error"})
    made = plan(("", ""), ("ours", "new"), ("theirs", ""), policy)
    assert rules(made) == [(None, "error")]
    assert made.writes == []


# -- resolvers -------------------------------------------------------------------------------------------------


def both(dispute: Dispute) -> Any:
    return f"{dispute.base}:{dispute.left}+{dispute.right}"


@pytest.mark.parametrize(
    ("resolver", "winner", "rule", "written"),
    [
        (lambda d: d.left, End.LEFT, "resolver", [("right", {"A": "ours"})]),
        (lambda d: d.right, End.RIGHT, "resolver", [("left", {"A": "theirs"})]),
        (both, None, "resolver", [("right", {"A": "x:ours+theirs"}), ("left", {"A": "x:ours+theirs"})]),
        (lambda d: UNRESOLVED, None, "error", []),
        (lambda d: 1 / 0, None, "error", []),
        (lambda d: object(), None, "error", []),
    ],
)
def test_a_resolver_decides_by_the_values(resolver: Any, winner: Any, rule: str, written: Any) -> None:
    policy = replace(PLAIN, mode="left", resolver=resolver)
    made = plan(("x", ""), ("ours", ""), ("theirs", ""), policy)
    assert rules(made) == [(winner, rule)]
    assert writes(made) == written
    assert [conflict.unresolved for conflict in made.of(Conflict)] == [rule == "error"]


def test_a_resolver_that_fails_says_so() -> None:
    policy = replace(PLAIN, resolver=lambda d: {}[d.attribute])
    (conflict,) = plan(("x", ""), ("ours", ""), ("theirs", ""), policy).of(Conflict)
    assert "the resolver failed (KeyError: 'A')" in conflict.reason


def test_a_resolver_is_asked_about_disputes_only() -> None:
    asked: list[Dispute] = []
    policy = replace(PLAIN, resolver=lambda d: asked.append(d) or d.left)
    plan(("x", "y"), ("ours", "same"), ("x", "same"), policy)
    assert asked == []
    plan(("x", "y"), ("ours", "y"), ("theirs", "y"), policy, later=3)
    (dispute,) = asked
    assert (dispute.attribute, dispute.base, dispute.left, dispute.right) == ("A", "x", "ours", "theirs")
    assert dispute.right_edited == START + timedelta(minutes=3)


# -- deletions against edits -----------------------------------------------------------------------------------


@pytest.mark.parametrize("gone", ["left", "right"])
def test_a_task_may_let_deletions_beat_edits(gone: str) -> None:
    sides = (None, ("edited", "")) if gone == "left" else (("edited", ""), None)
    made = plan(("x", ""), *sides, replace(PLAIN, edit_beats_delete=False))
    assert rules(made) == [(End(gone), "delete beats edit")]  # with the edited values, for the ledger
    (conflict,), (delete,) = made.of(Conflict), made.of(Delete)
    assert (conflict.right if gone == "left" else conflict.left) == {"A": "edited", "B": ""}
    assert delete.values == {"A": "edited", "B": ""}
    made = plan(("x", ""), *sides)
    assert [type(action) for action in made.actions] == [Conflict, Create]


# -- lossy values ----------------------------------------------------------------------------------------------

MORNING = datetime(2026, 3, 1, 10, 30, tzinfo=UTC)
DUE = Policy(("A",), lossy={"A": date_only("right")})


def test_what_a_side_cannot_show_is_no_difference() -> None:
    assert [type(a).__name__ for a in plan(None, (MORNING,), (MORNING.date(),), DUE).actions] == ["Adopt"]
    assert plan((MORNING,), (MORNING,), (MORNING,), DUE).actions == ()


def linked(left_base: Any, right_base: Any, left: Any, right: Any, policy: Policy = DUE) -> Plan:
    return make_plan(
        [Link("l1", "r1", {"A": left_base}, {"A": right_base})],
        Snapshot(End.LEFT, {"l1": Record("l1", {"A": left}, "", START)}),
        Snapshot(End.RIGHT, {"r1": Record("r1", {"A": right}, "", START)}),
        policy,
    )


def test_an_edit_within_what_is_not_shown_stays_where_it_is() -> None:
    made = linked(MORNING, MORNING.date(), MORNING + timedelta(hours=2), MORNING.date())
    assert made.writes == []
    assert [type(action).__name__ for action in made.actions] == ["Agree"]


def test_a_new_date_keeps_the_time_that_only_notion_has() -> None:
    made = linked(MORNING, MORNING.date(), MORNING, date(2026, 3, 5))
    assert writes(made) == [("left", {"A": MORNING + timedelta(days=4)})]
    (update,) = made.of(Update)
    assert update.source == {"A": date(2026, 3, 5)}  # each side's base is what it shows itself


def test_a_new_time_goes_out_as_a_date() -> None:
    made = linked(MORNING, MORNING.date(), MORNING + timedelta(days=1), MORNING.date())
    assert writes(made) == [("right", {"A": date(2026, 3, 2)})]
    assert made.of(Update)[0].source == {"A": MORNING + timedelta(days=1)}


def test_a_new_object_is_made_with_what_the_side_can_show() -> None:
    made = plan(None, (MORNING,), None, DUE)
    (create,) = made.of(Create)
    assert (create.values, create.source) == ({"A": MORNING.date()}, {"A": MORNING})


def test_formatting_survives_until_the_plain_text_is_edited() -> None:
    policy = Policy(("A",), lossy={"A": plain_text("right", lambda rich: rich.replace("*", ""))})
    assert linked("*bold*", "bold", "*bold*", "bold", policy).actions == ()
    assert linked("*bold*", "bold", "**bold**", "bold", policy).writes == []
    assert writes(linked("*bold*", "bold", "*bold*", "bolder", policy)) == [("left", {"A": "bolder"})]
    assert writes(linked("*bold*", "bold", "*bolder*", "bold", policy)) == [("right", {"A": "bolder"})]


def test_a_declaration_that_fails_halts_with_its_name() -> None:
    policy = Policy(("A",), lossy={"A": Lossy("right", lambda value: value.nonsense)})
    with pytest.raises(TaskDefinitionError, match="declared lossy of attribute 'A' fails"):
        linked("x", "x", "y", "x", policy)
    with pytest.raises(ValueError, match="a side is"):
        Lossy("here", str)


TIMES = st.one_of(
    st.none(),
    st.dates(date(2026, 1, 1), date(2026, 1, 3)),
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 1, 3), timezones=st.just(UTC)),
)


@given(TIMES, TIMES, st.sampled_from([date_only, whole_minutes]), st.sampled_from(["left", "right"]))
def test_what_was_carried_agrees(old: Any, new: Any, kind: Any, coarse: str) -> None:
    """After a write both sides agree, and the coarse side was given only what it can show."""
    lossy = kind(coarse)
    policy = Policy(("A",), lossy={"A": lossy})
    down = policy.carried("A", new, lossy.show(old), End(coarse))
    assert lossy.show(down) == down
    assert policy.agree("A", *((down, new) if coarse == "left" else (new, down)))
    shown = lossy.show(new)
    up = policy.carried("A", shown, old, End(coarse).opposite)
    assert policy.agree("A", *((shown, up) if coarse == "left" else (up, shown)))
    if lossy.show(old) == shown and type(old) is type(new):
        assert lossy.show(up) == lossy.show(old)


# -- plans as data ---------------------------------------------------------------------------------------------


@given(
    st.lists(st.sampled_from(["x", "y", None]), min_size=3, max_size=3),
    st.booleans(),
    st.sampled_from(["newer", "error"]),
)
def test_a_plan_survives_being_stored_and_keeps_its_digest(values: Any, second: bool, mode: str) -> None:
    sides = [None if value is None else (value, "b" if second else "") for value in values]
    made = plan(*sides, replace(PLAIN, mode=mode))
    stored = plan_from_data(load(dump(plan_to_data(made))))
    assert stored == made
    assert plan_digest(stored) == plan_digest(made)


def test_a_plan_to_other_values_has_another_digest() -> None:
    one = plan(("x", ""), ("y", ""), ("x", ""))
    assert plan_digest(one) == plan_digest(plan(("x", "z"), ("y", "z"), ("x", "z")))
    assert plan_digest(one) != plan_digest(plan(("x", ""), ("z", ""), ("x", "")))
    assert plan_digest(one) != plan_digest(plan(("w", ""), ("y", ""), ("w", "")))
