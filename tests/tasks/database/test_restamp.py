"""Stamps of a clock that was far ahead are taken back."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.database import (
    DatabaseEngine,
    DependencyGraph,
    HybridLogicalClock,
    MemoryStorage,
    ModelPayload,
    PayloadReconciler,
    RemoteWins,
    SyncManifest,
    SyncRecord,
)
from tasks.database.engine.restamp import Restamped, renewed
from tasks.database.exceptions import NodeLockedError, NotRestampableError
from tests.tasks.database.test_page import PageStorage

HOUR = 3_600_000
START = 1_700_000_000_000


class Pair:
    """An office that answers and a laptop that asks, each with a clock of its own."""

    def __init__(self) -> None:
        self.time = {"office": START, "laptop": START}
        self.storages = {name: MemoryStorage() for name in self.time}
        self.engines: dict[str, DatabaseEngine] = {}
        for name, storage in self.storages.items():
            storage.clock = HybridLogicalClock(lambda name=name: self.time[name])  # type: ignore[misc]
            asks = self if name == "laptop" else None
            self.engines[name] = DatabaseEngine(
                storage, DependencyGraph({"item": set()}), storage.clock, name, transport=asks, batch_size=3
            )

    def exchange(self, manifest: SyncManifest) -> SyncManifest:
        answer, _ = self.engines["office"].process(SyncManifest.from_dict(manifest.to_dict()))
        return SyncManifest.from_dict(answer.to_dict())

    def pass_time(self, ms: int) -> None:
        self.time = {name: time + ms for name, time in self.time.items()}

    def edit_ahead(self, name: str, *edits: tuple[str, str | None], by: int = 24 * HOUR) -> None:
        self.time[name] += by
        for key, value in edits:
            if value is None:
                self.storages[name].remove("item", key)
            else:
                self.storages[name].edit("item", key, x=value)
        self.time[name] -= by

    def shown(self, name: str) -> dict[str, Any]:
        storage = self.storages[name]
        return {key: r.data["x"] for key, r in storage.get_records("item", storage.get_keys("item")).items()}


@pytest.fixture
def pair() -> Pair:
    made = Pair()
    for key in "abc":
        made.storages["office"].edit("item", key, x="first")
    made.engines["laptop"].sync()
    made.pass_time(1000)
    return made


@given(st.sets(st.integers(0, 2**62), max_size=30), st.integers(1, 2**62))
def test_new_stamps_are_in_the_order_of_the_old_ones(void: set[int], first: int) -> None:
    instead = renewed(void, first)
    assert set(instead) == void
    for one, other in itertools.pairwise(sorted(void)):
        assert first <= instead[one] < instead[other] < first + len(void)


@pytest.mark.parametrize("name", ["laptop", "office"])
def test_what_waited_arrives_and_later_edits_count(pair: Pair, name: str) -> None:
    other = "office" if name == "laptop" else "laptop"
    pair.edit_ahead(name, ("a", "far"), ("b", None), ("new", "far"))
    pair.engines["laptop"].sync()
    assert pair.shown(other) == {"a": "first", "b": "first", "c": "first"}
    pair.storages[other].edit("item", "c", x="meanwhile")
    until = datetime.fromtimestamp((START + 1000 + 24 * HOUR) / 1000, UTC)
    assert pair.engines[name].restamp(dry_run=True) == Restamped(2, 1, until)
    assert pair.engines["laptop"].sync().errors or name == "laptop"
    assert pair.engines[name].restamp() == Restamped(2, 1, until)
    assert pair.engines[name].restamp() == Restamped()
    result = pair.engines["laptop"].sync()
    assert result.ok
    expected = {"a": "far", "c": "meanwhile", "new": "far"}
    assert pair.shown("laptop") == pair.shown("office") == expected
    assert not any("held" in kept for s in pair.storages.values() for _, kept in s._checkpoints.values())
    pair.pass_time(60_000)
    pair.storages[other].edit("item", "a", x="later")
    pair.storages[name].edit("item", "new", x="later")
    pair.engines["laptop"].sync()
    assert pair.shown("laptop") == pair.shown("office") == expected | {"a": "later", "new": "later"}
    assert pair.engines["laptop"].sync().counts() == {}
    newest = max(r.newest for r in pair.storages[name].get_records("item", ["a", "new"]).values())
    assert newest >> 16 < START + 120_000


def test_an_edit_of_the_peer_that_was_made_before_loses_to_it_and_is_in_the_ledger(pair: Pair) -> None:
    pair.edit_ahead("laptop", ("a", "far"))
    pair.engines["laptop"].sync()
    pair.storages["office"].edit("item", "a", x="of the office")
    pair.pass_time(60_000)
    pair.engines["laptop"].restamp()
    pair.engines["laptop"].sync()
    assert pair.shown("office") == pair.shown("laptop")
    assert pair.shown("office")["a"] == "far"
    lost = [c for entry in pair.storages["office"].conflicts for c in entry.conflict.field_conflicts]
    assert {(c.local_value, c.remote_value) for c in lost} == {("of the office", "far")}


def test_only_what_no_peer_can_have_taken_is_stamped_anew(pair: Pair) -> None:
    pair.edit_ahead("laptop", ("a", "known perhaps"), by=600_000)
    before = pair.storages["laptop"].get_records("item", ["a"])
    pair.edit_ahead("laptop", ("b", "far"), by=600_001)
    pair.edit_ahead("laptop", ("c", "farther"), by=HOUR)
    assert pair.engines["laptop"].restamp().records == 2
    after = pair.storages["laptop"].get_records("item", ["a", "b", "c"])
    assert after["a"] == before["a"]
    assert after["a"].newest < after["b"].timestamps["x"] < after["c"].timestamps["x"]


def test_stamps_that_were_taken_back_are_not_given_again_by_a_process_that_was_running(pair: Pair) -> None:
    pair.edit_ahead("office", ("a", "far"))
    mending = DatabaseEngine(
        pair.storages["office"],
        DependencyGraph({"item": set()}),
        HybridLogicalClock(lambda: pair.time["office"]),
        "office",
    )
    mending.restamp()
    pair.engines["laptop"].sync()
    assert pair.engines["office"]._node.clock.peek() >> 16 < START + 60_000


def test_what_is_held_for_another_reason_stays_held(pair: Pair) -> None:
    office = pair.storages["office"]
    write = office.upsert_many
    office.upsert_many = lambda label, records: {*records}  # type: ignore[method-assign]
    pair.storages["laptop"].edit("item", "refused", x="refused")
    pair.edit_ahead("laptop", ("far", "far"))
    pair.engines["laptop"].sync()
    pair.engines["laptop"].restamp()
    office.upsert_many = write  # type: ignore[method-assign]
    pair.engines["laptop"].sync()
    assert pair.shown("office") == pair.shown("laptop")
    assert {"far", "refused"} <= set(pair.shown("office"))


def test_what_a_far_edit_replaced_is_void_as_well(pair: Pair) -> None:
    pair.edit_ahead("laptop", ("a", "less far"), ("b", "less far"), by=400_000)
    pair.engines["laptop"].sync()
    pair.edit_ahead("laptop", ("a", "far"), ("b", None))
    pair.engines["laptop"].restamp()
    for _ in range(2):
        pair.engines["laptop"].sync()
        assert pair.shown("office") == pair.shown("laptop") == {"a": "far", "c": "first"}
        pair.pass_time(HOUR)


def test_a_deletion_that_may_still_be_taken_back_is_not_dropped(pair: Pair) -> None:
    pair.edit_ahead("laptop", ("a", None))
    pair.engines["laptop"].sync()
    assert pair.engines["laptop"].purge_tombstones() == 0
    pair.engines["laptop"].restamp()
    pair.engines["laptop"].sync()
    assert set(pair.shown("office")) == {"b", "c"}
    assert pair.engines["laptop"].purge_tombstones() == 1


def test_a_second_time_holds_what_came_after_the_first(pair: Pair) -> None:
    for value in ("far", "far again"):
        pair.edit_ahead("laptop", ("a", value))
        pair.engines["laptop"].sync()
        assert pair.shown("office")["a"] != value
        pair.engines["laptop"].restamp()
        pair.edit_ahead("laptop", ("b", f"after {value}"))
        pair.engines["laptop"].sync()
        assert pair.shown("office")["a"] == value
        held = pair.storages["office"]._checkpoints["laptop"][1]["held"]["item"]["records"]
        assert held["b"]["data"]["x"] == f"after {value}"
        pair.pass_time(1000)


def test_a_clock_that_is_behind_is_not_believed(pair: Pair) -> None:
    for name in ("laptop", "office"):
        pair.time[name] -= 303_000
        with pytest.raises(NotRestampableError, match=r"its clock is 30\d s behind"):
            pair.engines[name].restamp()
        pair.time[name] += 303_000
    assert pair.engines["laptop"].restamp() == Restamped()


def test_a_storage_that_cannot_is_named() -> None:
    engine = DatabaseEngine(PageStorage(), DependencyGraph({"m": set()}), HybridLogicalClock(), "n")
    with pytest.raises(NotRestampableError, match="the storage of node 'n'"):
        engine.restamp()


def test_a_session_that_is_under_way_is_not_disturbed(pair: Pair) -> None:
    class Busy:
        def acquire(self, node_id: str) -> str:
            raise NodeLockedError(f"node {node_id!r} is busy")

    storage = pair.storages["laptop"]
    pair.edit_ahead("laptop", ("a", "far"))
    before = storage.get_records("item", ["a"])
    engine = DatabaseEngine(
        storage, DependencyGraph({"item": set()}), HybridLogicalClock(), "laptop", lock=Busy()
    )
    with pytest.raises(NodeLockedError):
        engine.restamp()
    assert storage.get_records("item", ["a"]) == before


def test_what_cannot_be_noted_as_news_is_told_when_it_can(pair: Pair) -> None:
    for name in pair.time:
        pair.time[name] += 24 * HOUR
    pair.storages["office"].edit("item", "a", x="taken by both")
    pair.engines["laptop"].sync()
    for name in pair.time:
        pair.time[name] -= 24 * HOUR
    pair.engines["laptop"].sync()
    pair.engines["office"].restamp()
    laptop = pair.storages["laptop"]
    write = laptop.upsert_many
    laptop.upsert_many = lambda label, records: {*records}  # type: ignore[method-assign]
    pair.engines["laptop"].sync()
    laptop.upsert_many = write  # type: ignore[method-assign]
    pair.engines["laptop"].sync()
    pair.pass_time(24 * HOUR)
    pair.engines["laptop"].sync()
    [office, asked] = [s.get_records("item", ["a"])["a"] for s in pair.storages.values()]
    assert office == asked


def test_what_was_decided_is_told_also_where_the_order_of_arrival_is_ahead_of_the_clock() -> None:
    now = itertools.count(START, 1000)
    storage = MemoryStorage(HybridLogicalClock(lambda: next(now)))
    assert storage.clock is not None
    storage.horizon(storage.clock.now() + (24 * HOUR << 16))
    engine = DatabaseEngine(
        storage,
        DependencyGraph({"item": set()}),
        storage.clock,
        "office",
        reconciler=PayloadReconciler(RemoteWins()),
    )
    older = storage.clock.now()
    storage.edit("item", "a", x="newer")
    record = SyncRecord("a", {"id": "a", "x": "older"}, {"id": older, "x": older})
    asked = SyncManifest("laptop", 0, payloads=[ModelPayload("item", {"a": record})], fresh={})
    asked.seal()
    answer, _ = engine.process(asked)
    assert storage.get_records("item", ["a"])["a"].data["x"] == "older"
    again = SyncManifest("laptop", answer.checkpoint, answer.after_keys)
    again.seal()
    [told] = engine.process(again)[0].payloads
    assert told.records["a"].timestamps["x"] > older


@pytest.mark.parametrize("name", ["laptop", "office"])
def test_an_edit_is_newer_than_what_was_held_and_is_seen_now(pair: Pair, name: str) -> None:
    other = "office" if name == "laptop" else "laptop"
    pair.edit_ahead(name, ("a", "less far"), by=400_000)
    pair.engines["laptop"].sync()
    pair.pass_time(200_000)
    pair.engines["laptop"].sync()
    assert pair.shown(other)["a"] == "less far"
    pair.storages[other].edit("item", "a", x="later")
    pair.engines["laptop"].sync()
    assert pair.shown("office")["a"] == pair.shown("laptop")["a"] == "later"
