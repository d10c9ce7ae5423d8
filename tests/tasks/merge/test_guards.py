"""When a plan is not carried out without a person's word, and when it is."""

from __future__ import annotations

import pytest

from tasks.merge import Link, Plan, Policy, Record, Side, Snapshot, check_guards, make_plan
from tasks.merge.guards import DELETE_HANDFUL

BASE = {"A": "x"}


def plan(linked: int, *, notion: int, other: int, new: int = 0) -> tuple[Plan, int]:
    """A plan for so many links, of which so many records are still there on each side."""
    links = [Link(f"n{number}", f"o{number}", BASE, BASE) for number in range(linked)]

    def snapshot(side: Side, letter: str, there: int) -> Snapshot:
        numbers = [*range(there), *range(1000, 1000 + new)]
        return Snapshot(side, {f"{letter}{n}": Record(f"{letter}{n}", BASE, f"{letter}{n}") for n in numbers})

    made = make_plan(
        links, snapshot(Side.NOTION, "n", notion), snapshot(Side.OTHER, "o", other), Policy(("A",))
    )
    return made, linked


@pytest.mark.parametrize(
    ("linked", "notion", "other"),
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
def test_everyday_work_goes_on(linked: int, notion: int, other: int) -> None:
    assert check_guards(*plan(linked, notion=notion, other=other)) is None


@pytest.mark.parametrize(("linked", "notion", "other"), [(2, 0, 2), (2, 2, 0), (100, 0, 100), (5, 0, 1)])
def test_a_side_that_is_suddenly_empty_halts(linked: int, notion: int, other: int) -> None:
    halt = check_guards(*plan(linked, notion=notion, other=other))
    empty, full = ("Notion", "the other side") if not notion else ("the other side", "Notion")
    assert halt is not None
    assert halt.reason == (
        f"{empty} lists no object at all, though {linked} are linked. If that is meant, delete the objects of "
        f"{full} as well; nothing was written"
    )


def test_an_unreadable_object_is_an_object() -> None:
    links = [Link(f"n{number}", f"o{number}", BASE, BASE) for number in range(2)]
    notion = Snapshot(Side.NOTION, {}, None, {"n0": "garbled", "n1": "garbled"})
    other = Snapshot(Side.OTHER, {f"o{n}": Record(f"o{n}", BASE) for n in range(2)})
    made = make_plan(links, notion, other, Policy(("A",)))
    assert check_guards(made, 2) is None
    assert made.writes == []


@pytest.mark.parametrize(
    ("linked", "left", "deletions"),
    [(100, 49, 51), (7, 1, 6), (1000, 10, 990)],
)
def test_more_than_a_handful_and_half_halts(linked: int, left: int, deletions: int) -> None:
    for sides in ({"notion": left, "other": linked}, {"notion": linked, "other": left}):
        halt = check_guards(*plan(linked, **sides))
        assert halt is not None
        assert halt.reason == (
            f"this run would delete {deletions} of {linked} linked objects, more than 50%; "
            "nothing was written. If that is meant, delete their counterparts by hand as well, else restore them"
        )


def test_deletions_of_both_sides_count_together() -> None:
    links = [Link(f"n{number}", f"o{number}", BASE, BASE) for number in range(8)]
    notion = Snapshot(Side.NOTION, {f"n{n}": Record(f"n{n}", BASE) for n in range(4)})
    other = Snapshot(Side.OTHER, {f"o{n}": Record(f"o{n}", BASE) for n in range(4, 8)})
    halt = check_guards(make_plan(links, notion, other, Policy(("A",))), 8)
    assert halt is not None
    assert "would delete 8 of 8" in halt.reason


def test_new_objects_do_not_hide_a_mass_deletion() -> None:
    assert check_guards(*plan(100, notion=1, other=100, new=500)) is not None
    assert check_guards(*plan(DELETE_HANDFUL, notion=0, other=DELETE_HANDFUL, new=1)) is None
