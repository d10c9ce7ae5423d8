"""What every storage of a node promises, asked of each in the same words."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from tasks.database import (
    ArrivalStorage,
    ConflictEntry,
    ConflictType,
    DatabaseSyncStorage,
    FieldConflict,
    MemoryStorage,
    RecordConflict,
    ResolutionSource,
    SyncRecord,
    Tombstone,
)
from tasks.database.records.clock import wall_ms
from tasks.database.storages.storage import RestampableStorage

Node = Any  # the class of the conftest
M = "city"
KINDS = ("memory", "sqlite", "postgresql")


def record(key: str, at: int, *, received: int = 0, name: str = "x") -> SyncRecord:
    return SyncRecord(key, {"id": key, "name": name}, {"id": at, "name": at}, received)


def cities(*records: SyncRecord) -> dict[str, SyncRecord]:
    return {each.key: each for each in records}


@pytest.fixture
def make(make_node: Callable[[str], Node]) -> Callable[[str], Any]:
    def made(kind: str) -> Any:
        if kind == "memory":
            return MemoryStorage()
        storage = make_node(kind).storage()
        storage.prepare()
        return storage

    return made


@pytest.fixture(params=KINDS)
def storage(request: pytest.FixtureRequest, make: Callable[[str], Any]) -> Any:
    return make(request.param)


def test_it_has_all_methods(storage: Any) -> None:
    assert isinstance(storage, DatabaseSyncStorage)
    assert isinstance(storage, ArrivalStorage)


def test_checkpoints(storage: Any) -> None:
    assert (storage.get_checkpoint("a"), storage.get_after_keys("a")) == (0, {})
    storage.save_checkpoint("a", 2**62, {"city": [5, "é\u2028'"], "held": {"x": [None, 1.5, True]}})
    storage.save_checkpoint("b", 7)
    assert storage.get_checkpoint("a") == 2**62
    assert storage.get_after_keys("a") == {"city": [5, "é\u2028'"], "held": {"x": [None, 1.5, True]}}
    storage.get_after_keys("a")["city"] = "changed by the caller"
    assert storage.get_after_keys("a")["city"] == [5, "é\u2028'"]
    storage.save_checkpoint("a", 3)
    assert (storage.get_checkpoint("a"), storage.get_after_keys("a")) == (3, {})
    assert dict(storage.get_nodes()) == {"a": 3, "b": 7}
    storage.forget_node("a")
    storage.forget_node("nobody")
    assert dict(storage.get_nodes()) == {"b": 7}


def test_a_transaction_reads_what_it_has_kept(storage: Any) -> None:
    storage.save_checkpoint("peer", 1, {"own": [1]})
    with storage.transaction():
        assert (storage.get_checkpoint("peer"), storage.get_after_keys("peer")) == (1, {"own": [1]})
        storage.save_checkpoint("peer", 2, {"own": [2]})
        assert (storage.get_checkpoint("peer"), storage.get_after_keys("peer")) == (2, {"own": [2]})
        storage.forget_node("peer")
        assert (storage.get_checkpoint("peer"), storage.get_after_keys("peer")) == (0, {})
        storage.save_checkpoint("peer", 3)
    assert (storage.get_checkpoint("peer"), storage.get_after_keys("peer")) == (3, {})


def test_no_place_is_given_twice(storage: Any) -> None:
    with storage.transaction():
        last = storage.get_last_place()
        places = [storage.horizon(0) for _ in range(3)]
        assert storage.get_last_place() == places[-1]
    assert last < places[0] < places[1] < places[2] < storage.horizon(0)


def test_records_are_counted(storage: Any) -> None:
    storage.upsert_many(M, cities(*(record(key, 1) for key in "abcd")))
    storage.delete_many(M, {"d": 2, "never": 2})
    assert storage.count(M) == storage.count(M, 3) == storage.count(M, 1000) == 3
    assert storage.count(M, 2) >= 2


def test_changes_are_in_the_order_of_place_and_key(storage: Any) -> None:
    found = cities(
        record("b", 20), record("a", 20), record("B", 20), record("late", 5, received=30), record("é", 20)
    )
    assert storage.upsert_many(M, found) == set()
    everything = storage.get_changed_since(M, 0)
    assert list(everything) == ["B", "a", "b", "é", "late"]
    assert everything == found
    assert everything["late"].received_at == 30
    assert list(storage.get_changed_since(M, 20)) == ["late"]
    assert list(storage.get_changed_since(M, 19, 2)) == ["B", "a"]
    assert list(storage.get_changed_since(M, 0, 2, (20, "a"))) == ["b", "é"]
    assert list(storage.get_changed_since(M, 0, None, (20, "é"))) == ["late"]
    assert list(storage.get_changed_since(M, 25, None, (20, "B"))) == ["late"]
    assert storage.get_changed_since("person", 0) == {}


def test_records_are_read_by_key(storage: Any) -> None:
    storage.upsert_many(M, cities(record("a", 1), record("b", 2)))
    assert storage.get_records(M, []) == {}
    assert storage.get_records(M, ["b", "nobody"]) == cities(record("b", 2))
    assert list(storage.get_keys(M)) == ["a", "b"]


def test_a_record_is_written_whole(storage: Any) -> None:
    storage.upsert_many(M, cities(record("a", 1, name="old")))
    new = SyncRecord("a", {"id": "a", "name": "new"}, {"id": 1, "name": 9}, 12, {"name": 12})
    assert storage.upsert_many(M, cities(new)) == set()
    found = storage.get_records(M, ["a"])["a"]
    assert (found, found.received_at) == (new, 12)
    new.move(15, ["name"])
    storage.upsert_many(M, cities(new))
    found = storage.get_records(M, ["a"])["a"]
    assert [found.arrival("id"), found.arrival("name"), found.received_at] == [12, 15, 15]
    assert storage.upsert_many(M, {}) == set()


def test_a_key_is_a_record_or_a_tombstone(storage: Any) -> None:
    storage.upsert_many(M, cities(record("a", 1), record("b", 1)))
    assert not storage.delete_many(M, {"a": 10, "never here": 11}, 20)
    assert storage.get_records(M, ["a"]) == {}
    assert storage.get_tombstones(M, ["a", "b", "never here"]) == {
        "a": Tombstone(10, 20),
        "never here": Tombstone(11, 20),
    }
    assert list(storage.get_changed_since(M, 0)) == list(storage.get_keys(M)) == ["b"]
    storage.upsert_many(M, cities(record("a", 30)))
    assert list(storage.get_keys(M)) == ["a", "b"]
    assert storage.get_tombstones(M, ["a"]) == {}
    assert storage.get_deletes_since(M, 0) == {"never here": 11}
    storage.delete_many(M, {"b": 40})
    assert storage.get_tombstones(M, ["b"]) == {"b": Tombstone(40, 0)}
    storage.delete_many(M, {"b": 50}, 60)
    assert storage.get_tombstones(M, ["b"]) == {"b": Tombstone(50, 60)}


def test_tombstones_are_in_the_order_of_arrival_and_key(storage: Any) -> None:
    storage.delete_many(M, {"b": 1, "a": 1, "B": 1}, 20)
    storage.delete_many(M, {"c": 30}, 25)
    assert list(storage.get_deletes_page(M, 0)) == ["B", "a", "b", "c"]
    assert list(storage.get_deletes_page(M, 0, 2, (20, "B"))) == ["a", "b"]
    assert storage.get_deletes_page(M, 29) == {"c": Tombstone(30, 25)}
    assert storage.get_deletes_since(M, 20) == {"c": 30}
    assert storage.get_purged() == 0
    assert storage.purge_tombstones(20) == 3
    assert storage.get_purged() == 20
    assert storage.purge_tombstones(29) == 0
    assert storage.get_deletes_since(M, 0) == {"c": 30}


def test_the_clocks_bound_only_grows(storage: Any) -> None:
    assert storage.get_clock_bound() == 0
    storage.save_clock_bound(2**62)
    storage.save_clock_bound(5)
    assert storage.get_clock_bound() == 2**62


def test_the_horizon_is_not_behind(storage: Any) -> None:
    first = storage.horizon(100)
    assert first >= 100
    assert storage.horizon(first + 1) > first
    assert storage.horizon(1) >= 1


def test_an_error_undoes_all_but_the_clocks_bound(storage: Any) -> None:
    storage.upsert_many(M, cities(record("a", 1)))
    storage.delete_many(M, {"gone": 1})

    def fail() -> None:
        with storage.transaction():
            storage.upsert_many(M, cities(record("a", 9), record("b", 9)))
            storage.delete_many(M, {"a": 10})
            storage.purge_tombstones(5)
            storage.save_checkpoint("peer", 5)
            storage.keep_conflicts([conflict()])
            storage.save_clock_bound(77)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert storage.get_changed_since(M, 0) == cities(record("a", 1))
    assert storage.get_deletes_since(M, 0) == {"gone": 1}
    assert (storage.get_nodes(), storage.get_purged(), storage.conflicts) == ({}, 0, [])
    assert storage.get_clock_bound() == 77


def conflict() -> ConflictEntry:
    local, remote = record("a", 5, name="ours"), record("a", 6, name="theirs")
    fields = [FieldConflict("name", "ours", "theirs", 5, 6)]
    found = RecordConflict("a", M, ConflictType.BOTH_MODIFIED, fields, local, remote)
    return ConflictEntry(found, ResolutionSource.REMOTE, remote)


def test_conflicts_come_back_as_they_were(storage: Any) -> None:
    gone = ConflictEntry(
        RecordConflict("b", M, ConflictType.DELETE_VS_MODIFY, local=record("b", 5)), ResolutionSource.REMOTE
    )
    storage.keep_conflicts([conflict()])
    storage.keep_conflicts([])
    storage.keep_conflicts([gone])
    assert storage.conflicts == [conflict(), gone]


@pytest.mark.parametrize("seed", range(2))
def test_all_are_alike_after_any_history(seed: int, make: Callable[[str], Any]) -> None:
    chance = random.Random(seed)
    storages = [make(kind) for kind in KINDS]
    for step in range(40):
        stamp = chance.randrange(1, 60)
        keys = chance.sample(["a", "b", "c", "B", "é", "zz"], chance.randint(1, 4))
        deed = chance.choice(["write", "write", "delete", "purge", "keep"])
        after = chance.choice([None, (stamp, keys[0])])
        answers: list[Any] = []
        for storage in storages:
            if deed == "write":
                found = cities(*(record(key, stamp, received=step, name=f"{key}{step}") for key in keys))
                answers.append(storage.upsert_many(M, found))
            elif deed == "delete":
                answers.append(storage.delete_many(M, dict.fromkeys(keys, stamp), step))
            elif deed == "purge":
                answers.append(storage.purge_tombstones(stamp // 3))
            else:
                answers.append(storage.save_checkpoint(keys[0], stamp, {"k": keys}))
            answers[-1] = (
                answers[-1],
                list(storage.get_changed_since(M, stamp // 2, 3, after).items()),
                list(storage.get_deletes_page(M, stamp // 2, 3, after).items()),
                storage.get_tombstones(M, keys),
                storage.get_records(M, keys),
                dict(storage.get_nodes()),
                list(storage.get_keys(M)),
            )
        assert answers[0] == answers[1] == answers[2], f"step {step}: {deed} {keys} at {stamp}"


def test_stamps_are_taken_back(storage: Any) -> None:
    assert isinstance(storage, RestampableStorage)
    storage.upsert_many(M, cities(record("old", 10), record("a", 5, received=30), record("b", 70)))
    mixed = SyncRecord("mixed", {"id": "mixed", "name": "x"}, {"id": 20, "name": 90})
    storage.upsert_many(M, cities(mixed))
    storage.delete_many(M, {"gone": 80, "long gone": 15}, 81)
    assert dict(storage.get_stamps_above(M, 20)) == {
        "b": {"id": 70, "name": 70},
        "mixed": {"id": 20, "name": 90},
        "gone": {"": 80},
    }
    assert [storage.get_newest_up_to(stamp) for stamp in (0, 12, 20, 75)] == [0, 10, 15, 70]
    told = storage.horizon(100)
    storage.restamp(M, {"b": {"id": 21, "name": 21}, "mixed": {"name": 22}, "gone": {"": 23}})
    found = storage.get_records(M, ["b", "mixed", "old"])
    assert found["b"].timestamps == {"id": 21, "name": 21}
    assert found["mixed"].timestamps == {"id": 20, "name": 22}
    assert found["mixed"].data == mixed.data
    assert storage.get_tombstones(M, ["gone"])["gone"].stamp == 23
    assert not list(storage.get_stamps_above(M, 23))
    last = storage.horizon(101)
    assert set(storage.get_changed_since(M, told)) == {"b", "mixed"}
    assert set(storage.get_deletes_since(M, told)) == {"gone"}
    found = storage.get_records(M, ["b", "mixed"])
    assert told < found["mixed"].arrival("name") < last
    assert found["mixed"].arrival("id") <= told < found["b"].arrival("id")
    assert storage.get_restamped() == {}
    storage.save_restamped(5, 20)
    storage.save_restamped(7, 19)
    assert storage.get_restamped() == {5: 20, 7: 19}


def test_stamps_that_were_never_sent_are_taken_back(make_node: Callable[[str], Node], kind: str) -> None:
    node = make_node(kind)
    storage = node.storage()
    storage.prepare()
    told = storage.horizon((wall_ms() - 10_000) << 16)
    back = 20_000 << 16
    node.run("INSERT INTO city (id, name) VALUES ('a', 'x'), ('b', 'x')")
    storage.horizon(1)
    node.run("UPDATE city SET name = 'y' WHERE id = 'a'")
    node.run("INSERT INTO city (id, name) VALUES ('c', 'x')")
    before = dict(storage.get_stamps_above(M, 0))
    for key, stamps in before.items():
        storage.restamp(M, {key: {name: at - back for name, at in stamps.items()}})
    storage.horizon(2)
    found = storage.get_records(M, ["a", "b", "c"])
    assert {key: r.timestamps for key, r in found.items()} == {
        key: {name: at - back for name, at in stamps.items()} for key, stamps in before.items()
    }
    assert all(r.arrival(name) > told for r in found.values() for name in r.data)


def test_stamps_are_taken_back_together_with_the_clocks_bound(storage: Any) -> None:
    storage.save_clock_bound(500)
    storage.lower_clock_bound(600)
    assert storage.get_clock_bound() == 500

    def undone() -> None:
        with storage.transaction():
            storage.lower_clock_bound(100)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        undone()
    assert storage.get_clock_bound() == 500
    storage.lower_clock_bound(100)
    assert storage.get_clock_bound() == 100
    storage.delete_many(M, {"near": 10, "far": 99}, 50)
    assert storage.purge_tombstones(100, 98) == 1
    assert set(storage.get_tombstones(M, ["near", "far"])) == {"far"}
