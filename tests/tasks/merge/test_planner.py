"""Every branch of the plan, each with the words that a person reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.merge import (
    Adopt,
    Agree,
    Change,
    Conflict,
    Create,
    Delete,
    End,
    Intent,
    Link,
    Plan,
    Policy,
    Record,
    Skip,
    Snapshot,
    Unlink,
    Update,
    make_plan,
    plan_digest,
    resolve,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
POLICY = Policy(("A", "B"))


def rec(rid: str, a: Any = "", b: Any = "", *, at: int | None = 0, key: str = "") -> Record:
    edited = None if at is None else START + timedelta(minutes=at)
    return Record(rid, {"A": a, "B": b}, key, edited)


def link(a: Any = "", b: Any = "", *, ids: tuple[str, str] = ("n1", "o1"), right: Any = None) -> Link:
    base = {"A": a, "B": b}
    return Link(*ids, base, base if right is None else right)


def snap(side: End, *records: Record, partial: str | None = None, unreadable: Any = None) -> Snapshot:
    return Snapshot(side, {record.id: record for record in records}, partial, unreadable or {})


def plan(
    links: list[Link],
    left: list[Record],
    right: list[Record],
    mode: str = "newer",
    intents: tuple[Intent, ...] = (),
    partial: Mapping[End, str] | None = None,
    unreadable: Mapping[End, Mapping[str, str]] | None = None,
) -> Plan:
    sides = {End.LEFT: left, End.RIGHT: right}
    snaps = [
        snap(side, *records, partial=(partial or {}).get(side), unreadable=(unreadable or {}).get(side))
        for side, records in sides.items()
    ]
    return make_plan(links, *snaps, replace(POLICY, mode=mode), intents)


def lines(made: Plan) -> list[str]:
    """The plan as short text: kind, side, reason."""
    return [
        " ".join(
            str(part)
            for part in (type(action).__name__, getattr(action, "side", None), action.reason)
            if part
        )
        for action in made.actions
    ]


# -- linked pairs --------------------------------------------------------------------------------------------

PAIRS: list[Any] = [
    ("nothing happened", link("x", "y"), rec("n1", "x", "y"), rec("o1", "x", "y"), []),
    (
        "edited in the left side",
        link("x"), rec("n1", "z"), rec("o1", "x"),
        ["Update right A edited in the left side"],
    ),
    (
        "edited in the right side",
        link("x"), rec("n1", "x"), rec("o1", "z"),
        ["Update left A edited in the right side"],
    ),
    (
        "emptied in the left side",
        link("x"), rec("n1", None), rec("o1", "x"),
        ["Update right A edited in the left side"],
    ),
    (
        "edited on each side, different attributes",
        link("x", "y"), rec("n1", "z", "y"), rec("o1", "x", "w"),
        ["Update right A edited in the left side", "Update left B edited in the right side"],
    ),
    (
        "two edits on one side are one write",
        link("x", "y"), rec("n1", "z", "w"), rec("o1", "x", "y"),
        ["Update right A edited in the left side; B edited in the left side"],
    ),
    (
        "both came to the same value",
        link("x"), rec("n1", "z"), rec("o1", "z"),
        ["Agree A equal on both sides by now"],
    ),
    (
        "both edited, the right side later",
        link("x"), rec("n1", "z", at=0), rec("o1", "w", at=5),
        [
            "Conflict A edited on both sides; the right side was edited later",
            "Update left A edited on both sides; the right side was edited later",
        ],
    ),
    (
        "both edited, the left side later",
        link("x"), rec("n1", "z", at=5), rec("o1", "w", at=0),
        [
            "Conflict A edited on both sides; the left side was edited later",
            "Update right A edited on both sides; the left side was edited later",
        ],
    ),
    (
        "a new attribute, filled on one side",
        Link("n1", "o1", {"A": "x"}, {"A": "x"}), rec("n1", "x", ""), rec("o1", "x", "y"),
        ["Update left B only filled in the right side"],
    ),
    (
        "a new attribute, filled on the other",
        Link("n1", "o1", {"A": "x"}, {"A": "x"}), rec("n1", "x", "y"), rec("o1", "x", None),
        ["Update right B only filled in the left side"],
    ),
    (
        "a new attribute on which both agree",
        Link("n1", "o1", {"A": "x"}, {"A": "x"}), rec("n1", "x", "y"), rec("o1", "x", "y"),
        ["Agree B equal on both sides by now"],
    ),
    (
        "a new attribute on which they differ",
        Link("n1", "o1", {"A": "x"}, {"A": "x"}), rec("n1", "x", "y"), rec("o1", "x", "z"),
        [
            "Conflict B edited on both sides; the edits are too close to order, so the left side's stays",
            "Update right B edited on both sides; the edits are too close to order, so the left side's stays",
        ],
    ),
    (
        "an attribute that is not synced any more",
        Link("n1", "o1", {"A": "x", "B": "", "C": 1}, {"A": "x", "B": "", "C": 2}),
        rec("n1", "x"), rec("o1", "x"), [],
    ),
    ("deleted on both sides", link("x"), None, None, ["Unlink deleted on both sides"]),
    (
        "deleted in the left side",
        link("x"), None, rec("o1", "x"),
        ["Delete right deleted in the left side, not edited in the right side since"],
    ),
    (
        "deleted in the right side",
        link("x"), rec("n1", "x"), None,
        ["Delete left deleted in the right side, not edited in the left side since"],
    ),
    (
        "deleted in the left side, edited over there",
        link("x", "y"), None, rec("o1", "z", "w"),
        [
            "Conflict deleted in the left side, but A, B edited in the right side",
            "Create left deleted here, but A, B edited in the right side: an edit beats a deletion",
        ],
    ),
    (
        "deleted over there, edited in the left side",
        link("x", "y"), rec("n1", "x", "w"), None,
        [
            "Conflict deleted in the right side, but B edited in the left side",
            "Create right deleted here, but B edited in the left side: an edit beats a deletion",
        ],
    ),
    (
        "deleted, with a value over there that was never brought across",
        Link("n1", "o1", {"A": "x"}, {"A": "x"}), None, rec("o1", "x", "new"),
        [
            "Conflict deleted in the left side, but B edited in the right side",
            "Create left deleted here, but B edited in the right side: an edit beats a deletion",
        ],
    ),
    (
        "deleted, with a new attribute that is empty",
        Link("n1", "o1", {"A": "x"}, {"A": "x"}), None, rec("o1", "x", ""),
        ["Delete right deleted in the left side, not edited in the right side since"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("base", "left", "right", "expected"), [case[1:] for case in PAIRS], ids=[case[0] for case in PAIRS]
)
def test_a_linked_pair(base: Link, left: Record | None, right: Record | None, expected: list[str]) -> None:
    made = plan([base], [left] if left else [], [right] if right else [])
    assert lines(made) == expected
    assert made.in_step == (not expected)


def test_an_update_says_what_is_written_and_what_becomes_base() -> None:
    (update,) = plan([link("x", "y")], [rec("n1", "z", "y")], [rec("o1", "x", "y")]).actions
    assert update == Update(
        side=End.RIGHT, left_id="n1", right_id="o1", changes={"A": Change("x", "z")},
        source={"A": "z"}, reason="A edited in the left side",
    )  # fmt: skip
    assert isinstance(update, Update)
    assert update.target_id == "o1"


def test_a_conflict_keeps_both_values_their_base_and_times() -> None:
    conflict, update = plan([link("x")], [rec("n1", "z", at=9)], [rec("o1", "w", at=2)]).actions
    assert conflict == Conflict(
        left_id="n1", right_id="o1", attribute="A", base="x", left="z", right="w",
        left_edited=START + timedelta(minutes=9), right_edited=START + timedelta(minutes=2),
        winner=End.LEFT, rule="newer", reason=conflict.reason,
    )  # fmt: skip
    assert isinstance(update, Update)
    assert (update.side, update.changes) == (End.RIGHT, {"A": Change("w", "z")})


def test_a_deletion_against_an_edit_keeps_the_whole_object() -> None:
    conflict, create = plan([link("x", "y")], [], [rec("o1", "z", "y")]).actions
    assert isinstance(conflict, Conflict)
    assert (conflict.attribute, conflict.left, conflict.right) == (None, None, {"A": "z", "B": "y"})
    assert (conflict.base, conflict.winner, conflict.rule) == (
        {"A": "x", "B": "y"}, End.RIGHT, "edit beats delete",
    )  # fmt: skip
    assert isinstance(create, Create)
    assert (create.instead_of, create.source_id, create.values) == ("n1", "o1", {"A": "z", "B": "y"})


# -- conflict modes and clocks ---------------------------------------------------------------------------------


@pytest.mark.parametrize("times", [(0, 9), (9, 0), (0, 0), (None, 3)])
@pytest.mark.parametrize(
    ("mode", "winner", "words"),
    [
        ("left", End.LEFT, "the task says that the left side's stays"),
        ("right", End.RIGHT, "the task says that the right side's stays"),
        ("error", None, "the task says that neither is written"),
    ],
)
def test_the_mode_decides_whatever_the_clocks_say(
    mode: str, winner: End | None, words: str, times: tuple[int | None, int]
) -> None:
    left, right = rec("n1", "z", at=times[0]), rec("o1", "w", at=times[1])
    made = plan([link("x")], [left], [right], mode)
    (conflict,) = made.of(Conflict)
    assert (conflict.winner, conflict.rule) == (winner, mode)
    assert conflict.reason == f"A edited on both sides; {words}"
    assert [update.side for update in made.of(Update)] == ([winner.opposite] if winner else [])


def test_mode_error_leaves_the_whole_pair_but_no_other() -> None:
    links = [link("x", "y"), link("x", "y", ids=("n2", "o2"))]
    left = [rec("n1", "z", "new"), rec("n2", "z", "y")]
    right = [rec("o1", "w", "y"), rec("o2", "x", "y")]
    made = plan(links, left, right, "error")
    assert [(type(action), action.left_id) for action in made.actions] == [  # type: ignore[attr-defined]
        (Conflict, "n1"),
        (Update, "n2"),
    ]


def settled(
    mode: str, left: Record, right: Record, granularity: timedelta = timedelta(minutes=1)
) -> Conflict:
    return resolve("A", "x", Policy(("A",), mode, granularity), left, right)[0]


@pytest.mark.parametrize(
    ("seconds", "winner", "rule"),
    [
        (-3600, End.RIGHT, "newer"), (-60, End.RIGHT, "newer"), (-59, End.LEFT, "tie"),
        (0, End.LEFT, "tie"), (59, End.LEFT, "tie"), (60, End.LEFT, "newer"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("naive", [False, True])
def test_edits_within_the_granularity_are_a_tie(seconds: int, winner: End, rule: str, naive: bool) -> None:
    ahead = START + timedelta(seconds=seconds)
    left = replace(rec("n1", "z"), edited=ahead.replace(tzinfo=None) if naive else ahead)
    made = settled("newer", left, rec("o1", "w"))
    assert (made.winner, made.rule) == (winner, rule)


@pytest.mark.parametrize(("ours", "theirs"), [(None, 0), (0, None), (None, None)])
def test_an_unknown_time_is_a_tie(ours: int | None, theirs: int | None) -> None:
    made = settled("newer", rec("n1", "z", at=ours), rec("o1", "w", at=theirs), timedelta(0))
    assert (made.winner, made.rule) == (End.LEFT, "tie")


@given(st.integers(-5, 5), st.sampled_from(["newer", "left", "right", "error"]))
def test_a_conflict_has_one_outcome_from_whichever_side_it_is_told(minutes: int, mode: str) -> None:
    """Swapping the values, not the sides, swaps the value that stays: no value is preferred for itself."""
    left, right = rec("n1", "z", at=minutes), rec("o1", "w")
    one = settled(mode, left, right)
    two = settled(mode, rec("n1", "w", at=minutes), rec("o1", "z"))
    assert (one.winner, one.rule) == (two.winner, two.rule)
    later = settled(mode, rec("n1", "z", at=0), rec("o1", "w", at=minutes))
    if one.rule == "newer":
        assert later.winner is (one.winner or End.LEFT).opposite


# -- a base of each side's own --------------------------------------------------------------------------------


def test_what_a_side_shows_coarsely_is_not_carried_back() -> None:
    full, coarse = "2026-01-01T10:30:17", "2026-01-01T10:30"
    base = Link("n1", "o1", {"A": coarse, "B": ""}, {"A": full, "B": ""})
    assert plan([base], [rec("n1", coarse)], [rec("o1", full)]).actions == ()
    assert lines(plan([base], [rec("n1", coarse)], [rec("o1", "2026-02-02T00:00:09")])) == [
        "Update left A edited in the right side"
    ]
    assert lines(plan([base], [rec("n1", "2026-02-02T00:00")], [rec("o1", full)])) == [
        "Update right A edited in the left side"
    ]
    assert lines(plan([base], [], [rec("o1", full)])) == [
        "Delete right deleted in the left side, not edited in the right side since"
    ]
    assert lines(plan([base], [rec("n1", coarse)], [])) == [
        "Delete left deleted in the right side, not edited in the left side since"
    ]


# -- records without a link -------------------------------------------------------------------------------------


def test_a_new_record_gets_a_counterpart() -> None:
    made = plan([], [rec("n1", "x", "y", key="k")], [rec("o1", "z", key="l")])
    ours, theirs = {"A": "x", "B": "y"}, {"A": "z", "B": ""}
    assert made.actions == (
        Create(side=End.RIGHT, source_id="n1", values=ours, source=ours, reason="new in the left side"),
        Create(side=End.LEFT, source_id="o1", values=theirs, source=theirs, reason="new in the right side"),
    )


@pytest.mark.parametrize("side", list(End))
def test_new_records_are_created_in_the_order_of_their_listing(side: End) -> None:
    letter = side.value[0]
    records = [rec(f"{letter}{number}", f"row {number}") for number in range(1, 13)]
    records.append(records.pop(3))
    both = [records, []] if side is End.LEFT else [[], records]
    made = plan([], *both)
    assert [create.source_id for create in made.of(Create)] == [record.id for record in records]
    both = [records[::-1], []] if side is End.LEFT else [[], records[::-1]]
    turned = plan([], *both)
    assert [create.source_id for create in turned.of(Create)] == [record.id for record in records[::-1]]
    assert plan_digest(turned) == plan_digest(made)  # what a person let through, whatever its order


def test_only_synced_values_are_created() -> None:
    record = Record("n1", {"A": "x", "B": "y", "C": "private"})
    (create,) = plan([], [record], []).actions
    assert isinstance(create, Create)
    assert create.values == {"A": "x", "B": "y"}


def test_the_same_thing_on_both_sides_is_linked() -> None:
    made = plan([], [rec("n1", "x", "y", key="k")], [rec("o1", "x", "y", key="k")])
    both = {"A": "x", "B": "y"}
    assert made.actions == (
        Adopt(left_id="n1", right_id="o1", left=both, right=both, reason="the same thing on both sides"),
    )


def test_where_a_new_pair_differs_nothing_is_lost() -> None:
    made = plan([], [rec("n1", "x", "ours", key="k", at=5)], [rec("o1", "x", "theirs", key="k")])
    assert lines(made) == [
        "Adopt the same thing on both sides, but B differ",
        "Conflict B edited on both sides; the left side was edited later",
        "Update right B edited on both sides; the left side was edited later",
    ]
    adopt, conflict, _ = made.actions
    assert isinstance(adopt, Adopt)
    assert (adopt.left, adopt.right) == ({"A": "x"}, {"A": "x"})
    assert isinstance(conflict, Conflict)
    assert conflict.base is None


@pytest.mark.parametrize(("notions", "others"), [(1, 3), (3, 1), (2, 2), (3, 2)])
def test_several_objects_with_one_hash_are_never_collapsed(notions: int, others: int) -> None:
    left = [rec(f"n{number}", f"v{number}", key="same") for number in range(notions)]
    right = [rec(f"o{number}", f"w{number}", key="same") for number in range(others)]
    made = plan([], left, right)
    adopted = made.of(Adopt)
    assert len(adopted) == min(notions, others)
    assert len({adopt.left_id for adopt in adopted}) == len({adopt.right_id for adopt in adopted})
    assert len({adopt.left_id for adopt in adopted}) == len(adopted)
    assert len(made.of(Create)) == max(notions, others) - min(notions, others)
    assert made.of(Delete, Unlink) == []


def test_among_several_with_one_hash_the_equal_ones_are_paired() -> None:
    left = [rec("n1", "x", key="k"), rec("n2", "y", key="k")]
    right = [rec("o1", "y", key="k"), rec("o2", "x", key="k")]
    made = plan([], left, right)
    assert {(adopt.left_id, adopt.right_id) for adopt in made.actions} == {("n1", "o2"), ("n2", "o1")}  # type: ignore[attr-defined]
    assert made.of(Update, Conflict, Create) == []


def test_an_empty_hash_pairs_only_what_is_equal_in_everything() -> None:
    made = plan([], [rec("n1", "x"), rec("n2", "y")], [rec("o1", "z"), rec("o2", "y")])
    assert [(a.left_id, a.right_id) for a in made.of(Adopt)] == [("n2", "o2")]
    assert len(made.of(Create)) == 2


def test_one_and_true_are_not_equal_in_everything() -> None:
    assert plan([], [rec("n1", 1)], [rec("o1", True)]).of(Adopt) == []


def test_a_linked_record_is_not_paired_again() -> None:
    made = plan([link("x")], [rec("n1", "x", key="k")], [rec("o1", "x", key="k"), rec("o2", "x", key="k")])
    assert lines(made) == ["Create left new in the right side"]
    assert made.in_step == 1


# -- listings that are not complete ------------------------------------------------------------------------------

CUT = "cut off"


@pytest.mark.parametrize(
    ("base", "left", "right", "partial", "expected"),
    [
        (
            [link("x")], [], [rec("o1", "x")], End.LEFT,
            ["Skip left not seen, and the listing is partial: cut off"],
        ),
        (
            [link("x")], [], [rec("o1", "z")], End.LEFT,
            ["Skip left not seen, and the listing is partial: cut off"],
        ),
        (
            [link("x")], [rec("n1", "x")], [], End.RIGHT,
            ["Skip right not seen, and the listing is partial: cut off"],
        ),
        (
            [link("x")], [], [rec("o1", "x")], End.RIGHT,
            ["Delete right deleted in the left side, not edited in the right side since"],
        ),
        (
            [link("x")], [], [], End.LEFT,
            ["Skip left not seen on either side, and a listing is partial: cut off"],
        ),
        (
            [link("x")], [], [], End.RIGHT,
            ["Skip left not seen on either side, and a listing is partial: cut off"],
        ),
        (
            [], [], [rec("o1", "x")], End.LEFT,
            ["Skip right its counterpart may just be unseen, as the listing is partial: cut off"],
        ),
        ([], [], [rec("o1", "x")], End.RIGHT, ["Create left new in the right side"]),
        ([link("x")], [rec("n1", "z")], [rec("o1", "x")], End.RIGHT, ["Update right A edited in the left side"]),
        (
            [], [rec("n1", "x", key="k")], [rec("o1", "x", key="k")], End.RIGHT,
            ["Adopt the same thing on both sides"],
        ),
    ],
)  # fmt: skip
def test_from_a_partial_listing_no_absence_is_concluded(
    base: list[Link], left: list[Record], right: list[Record], partial: End, expected: list[str]
) -> None:
    assert lines(plan(base, left, right, partial={partial: CUT})) == expected


@given(st.sets(st.integers(0, 5)), st.sets(st.integers(0, 5)), st.booleans())
def test_whatever_partial_listings_leave_out_nothing_is_deleted_or_doubled(
    ours: set[int], theirs: set[int], edited: bool
) -> None:
    links = [link("x", ids=(f"n{number}", f"o{number}")) for number in range(6)]
    left = [rec(f"n{number}", "z" if edited else "x") for number in ours]
    right = [rec(f"o{number}", "x") for number in theirs]
    made = plan(links, left, right, partial={End.LEFT: CUT, End.RIGHT: CUT})
    assert made.of(Delete, Create, Unlink) == []
    assert len(made.of(Update)) == (len(ours & theirs) if edited else 0)


@pytest.mark.parametrize("side", End)
def test_a_record_that_cannot_be_read_is_left_with_its_pair(side: End) -> None:
    ids = {End.LEFT: "n1", End.RIGHT: "o1"}
    sides = {End.LEFT: [rec("n1", "z")], End.RIGHT: [rec("o1", "z")]}
    sides[side] = []
    made = plan([link("x")], *sides.values(), unreadable={side: {ids[side]: "garbled"}})
    assert lines(made) == [f"Skip {side} cannot be read: garbled"]
    assert made.listed == {End.LEFT: 1, End.RIGHT: 1}


def test_a_new_record_that_cannot_be_read_is_told() -> None:
    made = plan([], [], [], unreadable={End.RIGHT: {"o1": "garbled"}})
    assert lines(made) == ["Skip right cannot be read: garbled"]


# -- writes of earlier runs that were cut off -----------------------------------------------------------------------


def created(key: str = "k", source: str = "n1", a: str = "x") -> Intent:
    return Intent(key, End.RIGHT, source, {"A": a, "B": ""})


def test_a_create_that_arrived_is_linked_and_not_made_twice() -> None:
    made = plan([], [rec("n1", "x")], [rec("o1", "x")], intents=(created(),))
    (adopt,) = made.actions
    assert isinstance(adopt, Adopt)
    assert adopt.reason == "created in the right side by an earlier run that was cut off"
    assert (adopt.left_id, adopt.right_id, adopt.intent) == ("n1", "o1", "k")
    assert made.void == ()


def test_a_create_that_arrived_and_was_edited_since_goes_on_from_what_was_written() -> None:
    made = plan([], [rec("n1", "z", key="k")], [rec("o1", "x")], intents=(created(),))
    assert lines(made) == [
        "Adopt created in the right side by an earlier run that was cut off",
        "Update right A edited in the left side",
    ]


def test_what_was_edited_in_a_created_object_before_it_was_known_stays() -> None:
    made = plan([], [rec("n1", "x", key="k")], [rec("o1", "z", key="k", at=5)], intents=(created(),))
    assert lines(made) == [
        "Adopt created in the right side by an earlier run that was cut off",
        "Conflict A edited on both sides; the right side was edited later",
        "Update left A edited on both sides; the right side was edited later",
    ]


@pytest.mark.parametrize("shown", ["", "a long"])
def test_what_a_service_cut_of_a_created_object_does_not_shorten_the_source(shown: str) -> None:
    begun = created(a="a long text")
    made = plan([], [rec("n1", "a long text", key="k")], [rec("o1", shown, key="k", at=5)], intents=(begun,))
    assert lines(made) == [
        "Adopt created in the right side by an earlier run that was cut off",
        "Conflict A was written to the right side before without an answer and is not shown: written again",
        "Update right A was written to the right side before without an answer and is not shown: written again",
    ]


def test_a_create_that_arrived_though_its_source_is_gone_deletes_nothing() -> None:
    deleted = plan([link("w")], [], [rec("o2", "", key="k")], intents=(created(source="n1"),))
    assert deleted.of(Delete) == []


def test_a_create_that_did_not_arrive_is_made_and_its_intent_closed() -> None:
    made = plan([], [rec("n1", "x")], [], intents=(created(),))
    assert lines(made) == ["Create right new in the left side"]
    assert made.void == ("k",)


def test_a_create_is_not_given_up_because_of_a_partial_listing() -> None:
    made = plan([], [rec("n1", "x")], [], intents=(created(),), partial={End.RIGHT: CUT})
    assert made.of(Create) == []
    assert made.void == ()


def test_two_creates_of_equal_objects_find_one_each() -> None:
    intents = (created("k1", "n1"), created("k2", "n2"))
    made = plan([], [rec("n1", "x"), rec("n2", "x")], [rec("o1", "x"), rec("o2", "x")], intents=intents)
    assert {(adopt.left_id, adopt.right_id) for adopt in made.of(Adopt)} == {("n1", "o1"), ("n2", "o2")}
    assert len(made.actions) == 2


def test_an_update_that_arrived_is_base_and_not_an_edit() -> None:
    intent = Intent("u", End.RIGHT, "n1", {"A": "z"}, "o1")
    made = plan([link("x")], [rec("n1", "w")], [rec("o1", "z")], intents=(intent,))
    assert lines(made) == [
        "Agree A written by an earlier run that was cut off",
        "Update right A edited in the left side",
    ]
    assert made.void == ()
    (agree,) = made.of(Agree)
    assert agree.intents == ("u",)


@pytest.mark.parametrize("apart", [False, True])
def test_an_update_that_arrived_brings_no_pair_back_into_sight(apart: bool) -> None:
    """What is out of sight is not missing, whatever is learnt of the other one."""
    parked = replace(link("x"), parked=frozenset({End.LEFT}), apart=apart)
    made = plan([parked], [], [rec("o1", "z")], intents=(Intent("u", End.RIGHT, "n1", {"A": "z"}, "o1"),))
    assert lines(made) == ["Agree A written by an earlier run that was cut off"]


@pytest.mark.parametrize(
    ("shown", "at", "rule", "winner"),
    [
        ("x", 0, "retried", End.LEFT),
        ("x", 9, "retried", End.LEFT),  # the base: its time is that of something else
        ("q", 0, "retried", End.LEFT),
        ("q", 9, "newer", End.RIGHT),
    ],
)
def test_an_update_that_is_not_shown_is_written_again_unless_the_other_value_is_newer(
    shown: str, at: int, rule: str, winner: End
) -> None:
    intent = Intent("u", End.RIGHT, "n1", {"A": "z"}, "o1")
    made = plan([link("x")], [rec("n1", "z")], [rec("o1", shown, at=at)], intents=(intent,))
    conflict, update = made.actions
    assert isinstance(conflict, Conflict)
    assert (conflict.rule, conflict.winner) == (rule, winner)
    assert isinstance(update, Update)
    assert update.side is winner.opposite
    assert update.intents == ("u",)


def test_an_uncertain_update_counts_as_an_edit_against_a_deletion() -> None:
    intent = Intent("u", End.RIGHT, "n1", {"A": "z"}, "o1")
    made = plan([link("x")], [], [rec("o1", "x")], intents=(intent,))
    assert made.of(Delete) == []
    assert len(made.of(Create)) == 1


# -- laws --------------------------------------------------------------------------------------------------------

VALUES = st.sampled_from(["", "x", "y"])
KEYS = st.sampled_from(["", "k", "l"])
RECORDS = st.tuples(VALUES, VALUES, st.integers(0, 2), KEYS)
RECORDS_BY_NUMBER = st.dictionaries(st.integers(0, 4), RECORDS, max_size=5)


@given(
    RECORDS_BY_NUMBER,
    RECORDS_BY_NUMBER,
    st.dictionaries(st.integers(0, 4), st.tuples(VALUES, VALUES), max_size=4),
    st.dictionaries(st.integers(0, 4), st.tuples(st.sampled_from(list(End)), VALUES), max_size=3),
    st.randoms(use_true_random=False),
    st.sampled_from(["newer", "left", "right", "error"]),
)
def test_the_order_of_the_input_does_not_matter_and_every_record_is_accounted_for(
    ours: dict[int, Any],
    theirs: dict[int, Any],
    base: dict[int, Any],
    begun: dict[int, Any],
    order: Any,
    mode: str,
) -> None:
    def records(letter: str, given: dict[int, Any]) -> list[Record]:
        return [rec(f"{letter}{n}", a, b, at=at, key=key) for n, (a, b, at, key) in given.items()]

    links = [link(a, b, ids=(f"n{n}", f"o{n}")) for n, (a, b) in base.items()]
    intents = [
        Intent(f"k{n}", side, f"{side.opposite.value[0]}{n}", {"A": a, "B": ""})
        for n, (side, a) in begun.items()
    ]
    parts: list[list[Any]] = [links, records("n", ours), records("o", theirs), intents]
    first = plan(*parts[:3], mode, tuple(parts[3]))
    for part in parts:
        order.shuffle(part)
    second = plan(*parts[:3], mode, tuple(parts[3]))
    assert plan_digest(second) == plan_digest(first)
    assert sorted(map(repr, second.actions)) == sorted(map(repr, first.actions))
    ordered = [[one for one in made.actions if not is_new(one)] for made in (first, second)]
    assert ordered[0] == ordered[1]
    assert second.in_step == first.in_step
    assert set(second.void) == set(first.void)

    for side, listed in ((End.LEFT, parts[1]), (End.RIGHT, parts[2])):
        touched = {touched_id for action in first.actions for touched_id in ids_on(side, action)}
        untouched = {record.id for record in listed} - touched
        assert len(untouched) == first.in_step, "a record is neither in step nor in the plan"


def is_new(action: Any) -> bool:
    """Whether an action stands in the order of a listing: of new objects."""
    return (isinstance(action, Create) and action.instead_of is None) or isinstance(action, Skip)


def ids_on(side: End, action: Any) -> list[str]:
    match action:
        case Create():
            return [action.source_id] if action.side is side.opposite else [action.instead_of or ""]
        case Skip():
            return [action.id] if action.side is side else []
    return [action.left_id if side is End.LEFT else action.right_id]
