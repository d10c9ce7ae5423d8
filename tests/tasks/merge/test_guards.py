"""When a plan is not carried out without a person's word, and when it is."""

from __future__ import annotations

import pytest

from tasks.merge import End, Link, Plan, Policy, Record, Snapshot, check_guards, make_plan

BASE = {"A": "x"}
POLICY = Policy(("A",))


def plan(linked: int, *, left: int, right: int, new: int = 0) -> tuple[Plan, int]:
    """A plan for so many links, of which so many records are still there on each side."""
    links = [Link(f"n{number}", f"o{number}", BASE, BASE) for number in range(linked)]

    def snapshot(side: End, letter: str, there: int) -> Snapshot:
        numbers = [*range(there), *range(1000, 1000 + new)]
        return Snapshot(side, {f"{letter}{n}": Record(f"{letter}{n}", BASE, f"{letter}{n}") for n in numbers})

    made = make_plan(links, snapshot(End.LEFT, "n", left), snapshot(End.RIGHT, "o", right), Policy(("A",)))
    return made, linked


@pytest.mark.parametrize(
    ("linked", "left", "right"),
    [
        (0, 0, 0),  # nothing anywhere
        (0, 0, 7),  # a first run into an empty side
        (0, 7, 0),
        (1, 0, 1),  # the last single item, deleted
        (1, 1, 0),
        (4, 0, 0),  # emptied on both sides
        (100, 0, 0),
        (6, 1, 6),  # a handful of a short list
        (6, 6, 1),
        (100, 50, 100),  # half of a long one
    ],
)
def test_everyday_work_goes_on(linked: int, left: int, right: int) -> None:
    assert check_guards(*plan(linked, left=left, right=right), POLICY) is None


@pytest.mark.parametrize(("linked", "left", "right"), [(2, 0, 2), (2, 2, 0), (100, 0, 100), (5, 0, 1)])
def test_a_side_that_is_suddenly_empty_halts(linked: int, left: int, right: int) -> None:
    halt = check_guards(*plan(linked, left=left, right=right), POLICY)
    empty = "the left side" if not left else "the right side"
    assert halt is not None
    assert halt.reason == (f"{empty} lists no object at all, though {linked} are linked; nothing was written")


def test_an_unreadable_object_is_an_object() -> None:
    links = [Link(f"n{number}", f"o{number}", BASE, BASE) for number in range(2)]
    left = Snapshot(End.LEFT, {}, None, {"n0": "garbled", "n1": "garbled"})
    right = Snapshot(End.RIGHT, {f"o{n}": Record(f"o{n}", BASE) for n in range(2)})
    made = make_plan(links, left, right, Policy(("A",)))
    assert check_guards(made, 2, POLICY) is None
    assert made.writes == []


@pytest.mark.parametrize(
    ("linked", "left", "deletions"),
    [(100, 49, 51), (7, 1, 6), (1000, 10, 990)],
)
def test_more_than_a_handful_and_half_halts(linked: int, left: int, deletions: int) -> None:
    for sides in ({"left": left, "right": linked}, {"left": linked, "right": left}):
        halt = check_guards(*plan(linked, **sides), POLICY)
        assert halt is not None
        assert halt.reason == (
            f"this run would delete {deletions} of {linked} linked objects, more than 50%; "
            "nothing was written"
        )


def test_deletions_of_both_sides_count_together() -> None:
    links = [Link(f"n{number}", f"o{number}", BASE, BASE) for number in range(8)]
    left = Snapshot(End.LEFT, {f"n{n}": Record(f"n{n}", BASE) for n in range(4)})
    right = Snapshot(End.RIGHT, {f"o{n}": Record(f"o{n}", BASE) for n in range(4, 8)})
    halt = check_guards(make_plan(links, left, right, POLICY), 8, POLICY)
    assert halt is not None
    assert "would delete 8 of 8" in halt.reason


def test_new_objects_do_not_hide_a_mass_deletion() -> None:
    assert check_guards(*plan(100, left=1, right=100, new=500), POLICY) is not None
    assert check_guards(*plan(5, left=0, right=5, new=1), POLICY) is None


# -- one attribute nearly everywhere -------------------------------------------------------------------------


def changed(linked: int, edited: int, old: str, new: str) -> str:
    """What the guard says of so many edits of one attribute in the left side."""
    links = [Link(f"n{n}", f"o{n}", {"A": old}, {"A": old}) for n in range(linked)]
    left = {f"n{n}": Record(f"n{n}", {"A": new if n < edited else old}) for n in range(linked)}
    right = {f"o{n}": Record(f"o{n}", {"A": old}) for n in range(linked)}
    made = make_plan(links, Snapshot(End.LEFT, left), Snapshot(End.RIGHT, right), POLICY)
    halt = check_guards(made, linked, POLICY)
    return "" if halt is None else halt.reason


@pytest.mark.parametrize(
    ("linked", "edited", "old", "new"),
    [(100, 50, "x", "y"), (100, 50, "x", ""), (5, 5, "x", "y"), (100, 100, "", "y")],
)
def test_edits_of_up_to_half_and_of_what_was_empty_go_on(
    linked: int, edited: int, old: str, new: str
) -> None:
    assert changed(linked, edited, old, new) == ""


def test_an_attribute_that_is_blanked_or_overwritten_on_most_objects_halts() -> None:
    assert changed(100, 51, "x", "") == (
        "this run would blank 'A' on 51 of 100 objects in the right side, more than 50%; nothing was written"
    )
    assert changed(6, 6, "x", "y") == (
        "this run would change 'A' on 6 of 6 objects in the right side, more than 50%; nothing was written"
    )


def test_a_first_run_whose_pairs_differ_nearly_everywhere_halts() -> None:
    left = {f"n{n}": Record(f"n{n}", {"A": "x"}, f"k{n}") for n in range(8)}
    right = {f"o{n}": Record(f"o{n}", {"A": "y"}, f"k{n}") for n in range(8)}
    made = make_plan([], Snapshot(End.LEFT, left), Snapshot(End.RIGHT, right), POLICY)
    halt = check_guards(made, 0, POLICY)
    assert halt is not None
    assert "would change 'A' on 8 of 8 objects" in halt.reason
