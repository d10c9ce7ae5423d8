"""Pairs that are passed over at a glance are those for which a close look finds nothing to do."""

from __future__ import annotations

import math
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.merge import End, Intent, Link, Policy, Record, Snapshot, make_plan, planner
from tasks.merge.untouched import shows_base, touched
from tasks.values.opaque import Opaque
from tasks.values.references import References

BERLIN = ZoneInfo("Europe/Berlin")
TWICE = datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN)  # the clocks go back: it is there twice
#: Values that look alike and mean the same, or do not.
VALUES: tuple[Any, ...] = (
    "a", "", None, True, False, 1, 0, 1.0, Decimal(1), math.nan, date(2026, 1, 1), TWICE,
    TWICE.replace(fold=1), TWICE.astimezone(UTC), ["a"], ("a",), {"a"}, {"k": 1}, {"k": True},
    Opaque("button"), Opaque("button", odd=True), References((("n1", "o1"),)), References((("n1", "o1"),), ("n9",)),
    References((), ("n9",)),
)  # fmt: skip
NAMES = ("A", "B")
ONE_VALUE = st.sampled_from(VALUES)
BASES = st.dictionaries(st.sampled_from(NAMES), ONE_VALUE)
#: How a pair stands, besides what it shows.
STANDS = st.sampled_from(
    ["", "", "", "", "parked", "apart", "missing", "unreadable", "outside", "out of window", "open"]
)
PAIRS = st.lists(
    st.tuples(BASES, BASES, STANDS, st.sampled_from(End), st.dictionaries(st.sampled_from(NAMES), ONE_VALUE)),
    max_size=4,
)
POLICIES = st.sampled_from(
    [Policy(NAMES), Policy(NAMES, scope_changed=True), Policy(NAMES, leaves=dict.fromkeys(End, "unlink"))]
)

REACHED: Counter[str] = Counter()


def sides(pairs: list[Any]) -> tuple[list[Link], dict[End, Snapshot], list[Intent]]:
    """Pairs that show their base but for some values, each standing as is said."""
    links, intents = [], []
    records: dict[End, dict[str, Record]] = {end: {} for end in End}
    named: dict[tuple[str, End], set[str]] = {}
    for number, (left, right, stands, end, edits) in enumerate(pairs):
        ids = {End.LEFT: f"n{number}", End.RIGHT: f"o{number}"}
        apart = {"parked": frozenset({end})} if stands in ("parked", "apart") else {}
        links.append(Link(*ids.values(), left, right, **apart, apart=stands == "apart"))
        shown = {End.LEFT: left, End.RIGHT: right}
        for one in End:
            values = {name: shown[one].get(name, "a") for name in NAMES}
            if one is not end or stands not in ("missing", "unreadable"):
                records[one][ids[one]] = Record(ids[one], values | (edits if one is end else {}))
        named.setdefault((stands, end), set()).add(ids[end])
        if stands == "open":
            intents.append(Intent(f"k{number}", end, ids[end.opposite], {"A": "b"}, ids[end]))
    return (
        links,
        {
            end: Snapshot(
                end,
                records[end],
                unreadable=dict.fromkeys(named.get(("unreadable", end), ()), "broken"),
                outside=frozenset(named.get(("outside", end), ())),
                out_of_window=frozenset(named.get(("out of window", end), ())),
            )
            for end in End
        },
        intents,
    )


@settings(max_examples=400, deadline=None, derandomize=True)
@given(PAIRS, POLICIES)
def test_a_glance_and_a_close_look_give_the_same_plan(pairs: list[Any], policy: Policy) -> None:
    links, snapshots, intents = sides(pairs)
    arguments = (links, snapshots[End.LEFT], snapshots[End.RIGHT], policy, intents)
    glanced = make_plan(*arguments)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planner, "touched", lambda links, *_: list(links))
        looked = make_plan(*arguments)
    assert glanced == looked
    passed = {link.left_id for link in links} - {
        link.left_id for link in touched(links, snapshots, policy, {("", "")})
    }
    for number, (_, _, stands, _, edits) in enumerate(pairs):
        REACHED[f"{stands or 'plain'} {'passed over' if f'n{number}' in passed else 'looked at'}"] += 1
        REACHED["edited"] += bool(edits)


def test_all_kinds_of_pairs_were_met() -> None:
    if not REACHED:
        test_a_glance_and_a_close_look_give_the_same_plan()
    kinds = ("parked", "apart", "missing", "unreadable", "outside", "out of window", "plain")
    needed = [f"{kind} looked at" for kind in kinds] + ["plain passed over", "edited", "open passed over"]
    assert [name for name in needed if not REACHED[name]] == []


@pytest.mark.parametrize(
    ("value", "base", "shown"),
    [
        ("a", "a", True),
        (1, 1.0, True),
        (1, True, False),  # equal to Python, and not the same
        (TWICE, TWICE.replace(fold=1), False),
        (TWICE, TWICE.astimezone(UTC), True),
        ({"k": 1}, {"k": True}, False),
        (math.nan, math.nan, True),
        (Opaque("button"), Opaque("button"), False),
        (References((("n1", "o1"),), ("n9",)), References((("n1", "o1"),)), False),
    ],
)
def test_what_shows_the_base_for_sure(value: Any, base: Any, shown: bool) -> None:
    assert shows_base({"A": value}, {"A": base}, ("A",)) is shown
    assert not shows_base({"A": value}, {}, ("A",))
