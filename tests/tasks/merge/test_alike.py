"""What is told at a glance of values that are plain and alike is what a close look tells."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from tasks.merge import planner, settled
from tasks.merge.model import Adopt, Link, Plan, Record, Snapshot
from tasks.merge.planner import make_plan
from tasks.merge.policy import Policy
from tasks.merge.untouched import is_plainly_same
from tasks.sides.ends import End
from tasks.values.canonical import same
from tasks.values.opaque import Opaque
from tasks.values.references import References

NAMES = ("x", "y")
VALUES = st.sampled_from(
    [
        *(None, "", "a", "b", 0, 1, True, False, 1.0, math.nan),
        *(datetime(2026, 1, 1, tzinfo=UTC), Opaque("odd thing", odd=True), Opaque("thing")),
        *(References((("l1", "r1"),)), References(alone=("l9",)), References()),
    ]
)
SHOWN = st.fixed_dictionaries(dict.fromkeys(NAMES, VALUES))
PAIRS = st.lists(st.tuples(st.sampled_from("hij"), SHOWN, st.none() | SHOWN), max_size=6)
POLICIES = st.sampled_from(
    [Policy(NAMES), Policy(("x",)), Policy(NAMES, mode="left"), Policy(NAMES, plainly=True)]
)


def snapshot(side: End, shown: list[tuple[str, Mapping[str, Any]]]) -> Snapshot:
    letter = "l" if side is End.LEFT else "r"
    records = (Record(f"{letter}{n}", values, hashed) for n, (hashed, values) in enumerate(shown))
    return Snapshot(side, {record.id: record for record in records})


@contextmanager
def looking_closely() -> Iterator[None]:
    """Without the glance, as if nothing were ever seen to be alike or plain at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planner, "is_plainly_same", lambda *_: False)
        patch.setattr(planner, "shows_base", lambda *_: False)
        patch.setattr(planner, "PLAIN", frozenset())
        yield


@settings(deadline=None)
@given(PAIRS, POLICIES)
def test_a_first_sync_decides_what_it_would_without_the_glance(
    pairs: list[tuple[str, dict[str, Any], dict[str, Any] | None]], policy: Policy
) -> None:
    left = snapshot(End.LEFT, [(hashed, one) for hashed, one, _ in pairs])
    right = snapshot(End.RIGHT, [(hashed, other or one) for hashed, one, other in pairs])

    def plan() -> Plan:
        return make_plan((), left, right, policy)

    quick = plan()
    with looking_closely():
        close = plan()
    event(f"{len(quick.actions) > 0} {len(quick.writes) > 0}")
    assert repr(quick) == repr(close)  # also where a value equals one of another type
    assert quick.told == close.told
    for one in quick.of(Adopt):
        ours, theirs = left.records[one.left_id].values, right.records[one.right_id].values
        agreed = {name for name in policy.attributes if same(ours[name], theirs[name])}
        assert one.left.keys() == one.right.keys() == agreed


@pytest.mark.parametrize(
    ("one", "two", "alike"),
    [
        ({"x": 1, "y": None}, {"x": 1, "y": None}, True),
        ({"x": 1}, {"x": True}, False),
        ({"x": 1, "y": True}, {"y": 1, "x": True}, False),
        ({"x": 1, "y": 2}, {"x": 1}, False),
        ({"x": 1}, {"y": 1}, False),
        ({"x": Opaque("thing")}, {"x": Opaque("thing")}, False),
    ],
)
def test_what_is_told_to_be_the_same_at_a_glance(
    one: dict[str, Any], two: dict[str, Any], alike: bool
) -> None:
    assert is_plainly_same(one, two) is alike
    assert is_plainly_same(two, one) is alike


@settings(deadline=None)
@given(SHOWN, st.none() | SHOWN)
def test_to_what_a_base_refers_is_found_among_plain_values_too(
    left: dict[str, Any], other: dict[str, Any] | None
) -> None:
    right = left if other is None else other  # one base may serve both sides
    found = settled.referred(Link("l1", "r1", left, right))
    bases = ((End.LEFT, left), (End.RIGHT, right))
    values = [(end, one) for end, base in bases for one in base.values() if isinstance(one, References)]
    assert found.links == {pair for _, one in values for pair in one.links}
    assert found.alone == {(end, lone) for end, one in values for lone in one.alone}
