"""Which value stays: a newer edit, else the one that says more; on all nodes alike, in whatever order they meet."""

from __future__ import annotations

import itertools
from functools import reduce
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tasks.database import (
    DatabaseEngine,
    DependencyGraph,
    FieldOwnershipWins,
    HybridLogicalClock,
    LocalWins,
    MemoryStorage,
    MemoryTransport,
    ModelPayload,
    PayloadReconciler,
    RemoteWins,
    SyncRecord,
)
from tasks.database.deciding.joining import joined
from tasks.database.records.ties import UNKNOWN_TIME, Stamped, beats, larger, same

M = "m"
NOW = 1_700_000_000_000
EDIT = NOW << 16

#: Values that are equal in Python and not as text are among them, and numbers that text would order otherwise.
VALUES = st.one_of(
    st.sampled_from(
        [None, "", [], {}, 0, False, 1, True, 1.0, -0.0, -1, 15, 10**16, 1e16, "null", "a", "b", [0]]
    ),
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=6,
    ),
)
STAMPS = st.sampled_from([0, UNKNOWN_TIME, EDIT, EDIT + 1])
STAMPED = st.builds(Stamped, STAMPS, VALUES)


def alike(one: Stamped, other: Stamped) -> bool:
    return not beats(one, other) and not beats(other, one)


@given(VALUES, VALUES, VALUES)
@example(1e16, 15, 10**16)
@example(True, [0], 1)
@example(0, -1, -0.0)
def test_values_have_a_total_order(a: Any, b: Any, c: Any) -> None:
    assert same(a, b) == (not larger(a, b) and not larger(b, a))
    assert not (larger(a, b) and larger(b, a))
    if not larger(b, a) and not larger(c, b):
        assert not larger(c, a)
    if larger(a, b) and not larger(c, b):
        assert larger(a, c)
    if same(a, b) and same(b, c):
        assert same(a, c)


@given(STAMPED, STAMPED, STAMPED)
def test_what_stays_is_a_total_order(a: Stamped, b: Stamped, c: Stamped) -> None:
    assert not (beats(a, b) and beats(b, a))
    if not beats(b, a) and not beats(c, b):
        assert not beats(c, a)

    def join(one: Stamped, other: Stamped) -> Stamped:
        return other if beats(other, one) else one

    ends = [reduce(join, order) for order in itertools.permutations((a, b, c))]
    assert all(alike(end, ends[0]) for end in ends)
    assert alike(join(a, a), a)


@given(VALUES)
@example(" a")
@example("!")
def test_a_value_beats_what_is_empty(value: Any) -> None:
    empty = value is None or value in ("", [], {})
    assert larger(value, None) == (value is not None)
    assert empty or larger(value, "")


@given(VALUES, VALUES)
def test_an_edit_beats_what_was_never_edited(value: Any, other: Any) -> None:
    for never in (0, UNKNOWN_TIME):
        assert beats(Stamped(EDIT, value), Stamped(never, other))
        assert not beats(Stamped(never, other), Stamped(EDIT, value))
        if value is not None:
            assert beats(Stamped(0, value), Stamped(never, None))


def record(found: Stamped, key: str = "1") -> SyncRecord:
    stamps = {"id": UNKNOWN_TIME} | ({"x": found.stamp} if found.stamp else {})
    return SyncRecord(key, {"id": key, "x": found.value}, stamps)


class Nodes:
    """Nodes that hold one record each, with their own value of it."""

    def __init__(self, *values: Stamped, resolver: Any = None) -> None:
        self.time = NOW + 1000
        self.storages = [MemoryStorage(HybridLogicalClock(lambda: self.time)) for _ in values]
        for storage, value in zip(self.storages, values, strict=True):
            storage.upsert_many(M, {"1": record(value)})
        self.reconciler = PayloadReconciler(resolver) if resolver else None
        self.engines = [self.engine(at) for at in range(len(values))]

    def engine(self, at: int, peer: int | None = None) -> DatabaseEngine:
        storage = self.storages[at]
        assert storage.clock is not None
        transport = None if peer is None else MemoryTransport(self.engines[peer].process)
        name = None if peer is None else str(peer)
        graph = DependencyGraph({M: set()})
        return DatabaseEngine(
            storage,
            graph,
            storage.clock,
            str(at),
            transport=transport,
            peer_id=name,
            reconciler=self.reconciler,
        )

    def sync(self, at: int, peer: int) -> dict[str, int]:
        self.time += 1000
        return self.engine(at, peer).sync().counts()

    def found(self) -> list[Stamped]:
        records = [storage.get_records(M, ["1"])["1"] for storage in self.storages]
        return [Stamped(each.timestamps.get("x", 0), each.data["x"]) for each in records]

    def lost(self) -> list[Any]:
        fields = [f for s in self.storages for e in s.conflicts for f in e.conflict.field_conflicts]
        return [value for field in fields for value in (field.local_value, field.remote_value)]


PAIRS = [(0, 1), (1, 0), (1, 2), (2, 1), (0, 2), (2, 0)]


@settings(max_examples=100, deadline=None)
@given(st.tuples(STAMPED, STAMPED, STAMPED), st.permutations(PAIRS))
def test_three_nodes_end_alike_in_any_order(
    values: tuple[Stamped, ...], order: list[tuple[int, int]]
) -> None:
    nodes = Nodes(*values)
    for at, peer in [*order, *order]:
        nodes.sync(at, peer)
    ends = nodes.found()
    best = reduce(lambda one, other: other if beats(other, one) else one, values)
    assert all(same(end.value, best.value) for end in ends), ends
    assert len({end.stamp for end in ends}) == 1
    assert not any(nodes.sync(at, peer) for at, peer in order), "the nodes do not come to rest"
    told = nodes.lost()
    for value in values:
        written = value.stamp > UNKNOWN_TIME or (value.stamp == UNKNOWN_TIME and value.value is not None)
        gone = written and not same(value.value, best.value)
        assert not gone or any(same(value.value, found) for found in told), f"{value} is nowhere"


@pytest.mark.parametrize("asker", [0, 1])
@pytest.mark.parametrize("stamps", [(0, 0), (0, 1), (1, 0), (1, 1), (EDIT, EDIT)], ids=str)
@pytest.mark.parametrize("empty", [None, ""])
def test_an_empty_value_loses_a_tie(asker: int, stamps: tuple[int, int], empty: Any) -> None:
    nodes = Nodes(Stamped(stamps[0], "anna@example.org"), Stamped(stamps[1], empty))
    nodes.sync(asker, 1 - asker)
    assert [found.value for found in nodes.found()] == ["anna@example.org"] * 2
    never = empty is None and stamps[1] <= UNKNOWN_TIME
    assert bool(nodes.lost()) is not never  # what nobody wrote is no value that was lost
    assert not nodes.sync(asker, 1 - asker)


@pytest.mark.parametrize("asker", [0, 1])
def test_an_edit_to_null_wins_over_what_was_never_edited(asker: int) -> None:
    nodes = Nodes(Stamped(EDIT, None), Stamped(UNKNOWN_TIME, "old"))
    nodes.sync(asker, 1 - asker)
    assert [found.value for found in nodes.found()] == [None, None]
    assert "old" in nodes.lost()


@pytest.mark.parametrize("asker", [0, 1])
def test_rows_from_before_the_capture_that_differ_are_a_conflict(asker: int) -> None:
    nodes = Nodes(Stamped(UNKNOWN_TIME, "one"), Stamped(UNKNOWN_TIME, "other"))
    nodes.sync(asker, 1 - asker)
    assert [found.value for found in nodes.found()] == ["other", "other"]
    assert "one" in nodes.lost()


@pytest.mark.parametrize("resolver", [LocalWins, RemoteWins, lambda: FieldOwnershipWins({"x"}, set())])
@pytest.mark.parametrize("asker", [0, 1])
def test_no_resolver_is_asked_about_what_nobody_wrote(asker: int, resolver: Any) -> None:
    nodes = Nodes(Stamped(0, "filled"), Stamped(UNKNOWN_TIME, None), resolver=resolver())
    nodes.sync(asker, 1 - asker)
    assert [found.value for found in nodes.found()] == ["filled", "filled"]
    assert not nodes.lost()


def test_what_is_held_does_not_lose_to_an_empty_value_either() -> None:
    held = ModelPayload(M, {"1": record(Stamped(UNKNOWN_TIME, "held"))})
    came = ModelPayload(M, {"1": record(Stamped(UNKNOWN_TIME, None))})
    assert joined(held, came).records["1"].data["x"] == "held"
    assert joined(came, held).records["1"].data["x"] == "held"


def test_what_has_grown_newer_takes_the_place_of_what_is_held_as_a_whole() -> None:
    """Between the two it may have been deleted and made again without what it had."""
    held = ModelPayload("note", {"1": SyncRecord("1", {"x": "old", "y": "old"}, {"x": 7, "y": 8})}, {})
    came = ModelPayload("note", {"1": SyncRecord("1", {"x": "new"}, {"x": 9})}, {})
    assert joined(held, came).records["1"].data == {"x": "new"}
    part = ModelPayload("note", {"1": SyncRecord("1", {"x": "late"}, {"x": 8})}, {})
    assert joined(held, part).records["1"].data == {"x": "late", "y": "old"}
