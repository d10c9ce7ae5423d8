from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tasks.database import (
    DatabaseEngine,
    DependencyGraph,
    HybridLogicalClock,
    LocalWins,
    MemoryStorage,
    MemoryTransport,
    PayloadReconciler,
    RemoteWins,
    SessionLock,
    SyncManifest,
    SyncPhase,
    SyncRecord,
    SyncStatus,
)
from tasks.database.exceptions import NodeLockedError, SyncAbortedError, TransportError
from tasks.errors import LockLostError

M = "m"


class Pair:
    """A server and its clients."""

    def __init__(self, **of_server: Any) -> None:
        self.time_ms = 1_700_000_000_000
        self.server = self.storage()
        self.answering = self.engine(self.server, "server", **of_server)
        self.answers: list[SyncManifest] = []

    def storage(self, kind: type[MemoryStorage] = MemoryStorage) -> MemoryStorage:
        storage = kind()
        storage.clock = HybridLogicalClock(lambda: self.time_ms, storage)
        return storage

    def engine(self, storage: MemoryStorage, name: str, **more: Any) -> DatabaseEngine:
        assert storage.clock is not None
        graph = more.pop("graph", None) or DependencyGraph({M: set()})
        return DatabaseEngine(storage, graph, storage.clock, name, **more)

    def client(self, name: str = "a", **more: Any) -> tuple[MemoryStorage, DatabaseEngine]:
        storage = more.pop("storage", None) or self.storage()
        return storage, self.engine(storage, name, transport=more.pop("transport", None) or self, **more)

    def exchange(self, manifest: SyncManifest) -> SyncManifest:
        self.time_ms += 10
        answer = MemoryTransport(self.answering.process).exchange(manifest)
        self.answers.append(answer)
        return answer


def data(storage: MemoryStorage) -> dict[str, Any]:
    return {key: storage.get_records(M, [key])[key].data for key in storage.get_keys(M)}


def test_a_sync_without_edits_is_one_exchange_that_carries_nothing() -> None:
    pair = Pair()
    storage, engine = pair.client()
    for key in "123":
        storage.edit(M, key, x=key)
    engine.sync()
    pair.answers.clear()
    assert not engine.sync().counts()
    assert [answer.payloads for answer in pair.answers] == [[]]


def test_nothing_comes_back_to_where_it_was_made() -> None:
    pair = Pair()
    a, a_engine = pair.client("a")
    _, b_engine = pair.client("b")
    a.edit(M, "1", x=1)
    a_engine.sync()
    assert b_engine.sync().counts() == {"applied": 1}
    assert not a_engine.sync().counts()
    assert not b_engine.sync().counts()


@pytest.mark.parametrize(("resolver", "value"), [(LocalWins, "server"), (RemoteWins, "client")])
def test_a_resolvers_word_is_the_same_on_all_nodes(resolver: Any, value: str) -> None:
    pair = Pair(reconciler=PayloadReconciler(resolver()))
    storage, engine = pair.client()
    pair.server.edit(M, "1", x="old")
    engine.sync()
    pair.server.edit(M, "1", x="server")
    pair.time_ms += 1000
    storage.edit(M, "1", x="client")
    if resolver is RemoteWins:
        pair.server.edit(M, "1", x="server")
    engine.sync()
    assert data(storage)["1"]["x"] == data(pair.server)["1"]["x"] == value
    assert not engine.sync().counts()
    [entry] = pair.server.conflicts
    found = entry.conflict.field_conflicts[0]
    assert (found.local_value, found.remote_value) == ("server", "client")


@pytest.mark.parametrize(
    "more", [{"batch_size": 3}, {"batch_bytes": 200}, {"batch_size": 1, "batch_bytes": 1}]
)
def test_pages_of_equal_stamps_deletions_and_a_record_larger_than_a_page(more: dict[str, Any]) -> None:
    pair = Pair(**more)
    storage, engine = pair.client(**more)
    stamp = pair.time_ms << 16
    for at, keys in ((storage, range(10)), (pair.server, range(20, 30))):
        records = {
            str(i): SyncRecord(str(i), {"id": str(i), "x": i}, {"id": stamp, "x": stamp}) for i in keys
        }
        at.upsert_many(M, records)
    pair.time_ms += 1
    storage.edit(M, "big", x="x" * 1000)
    pair.server.delete_many(M, {str(i): stamp + 1 for i in range(20, 25)})
    engine.sync()
    assert data(storage) == data(pair.server)
    assert storage.get_keys(M) == sorted([*map(str, range(10)), *map(str, range(25, 30)), "big"])


def test_a_restart_between_pages_sends_no_page_twice() -> None:
    pair = Pair(batch_size=2)
    for key in range(9):
        pair.server.edit(M, str(key), x=key)

    class Breaking:
        left = 3

        def exchange(self, manifest: SyncManifest) -> SyncManifest:
            self.left -= 1
            if self.left < 0:
                raise TransportError("away")
            return pair.exchange(manifest)

    storage, engine = pair.client(transport=Breaking(), batch_size=2)
    with pytest.raises(SyncAbortedError):
        engine.sync()
    assert len(storage.get_keys(M)) == 6
    pair.answers.clear()
    pair.client(storage=storage)[1].sync()
    sent = [key for answer in pair.answers for payload in answer.payloads for key in payload.records]
    assert sorted(sent) == ["6", "7", "8"]


def test_a_node_away_for_longer_than_deletions_are_kept_compares_in_full() -> None:
    pair = Pair()
    near, near_engine = pair.client("near")
    away, away_engine = pair.client("away")
    for key in "1234":
        pair.server.edit(M, key, x="old")
    near_engine.sync()
    away_engine.sync()
    away.edit(M, "5", x="made while away")
    pair.time_ms += 10 * 86_400_000
    for key in "123":
        near.remove(M, key)
    pair.time_ms += 1000
    away.edit(M, "2", x="edited while away")
    near_engine.sync()
    assert pair.answering.purge_tombstones() == 0  # the one who is away is waited for
    near_engine.sync()
    assert pair.answering.purge_tombstones(absent_days=5) == 3
    result = away_engine.sync()
    assert sorted(result.deleted[M]) == ["1", "3"]
    near_engine.sync()
    expected = {"2": "edited while away", "4": "old", "5": "made while away"}
    for storage in (near, away, pair.server):
        assert {key: fields["x"] for key, fields in data(storage).items()} == expected
    assert not away_engine.sync().counts()


def test_tombstones_are_purged_when_every_node_has_passed_them() -> None:
    pair = Pair()
    engines = [pair.client(name)[1] for name in "ab"]
    pair.server.edit(M, "1", x=1)
    for engine in engines:
        engine.sync()
    pair.server.remove(M, "1")
    engines[0].sync()
    assert pair.answering.purge_tombstones() == 0
    engines[1].sync()
    for engine in engines:
        engine.sync()
    assert pair.answering.purge_tombstones() == 1


def test_a_deletion_that_waited_is_told_to_the_node_that_made_it() -> None:
    """It may have dropped its tombstone since, and have been given the record again."""
    pair = Pair()
    ahead = [0]
    storage = MemoryStorage()
    storage.clock = HybridLogicalClock(lambda: pair.time_ms + ahead[0], storage)
    _, engine = pair.client(storage=storage)
    pair.server.edit(M, "1", x="old")
    engine.sync()
    ahead[0] = 400_000
    storage.remove(M, "1")
    ahead[0] = 0
    engine.sync()
    assert pair.server.get_keys(M) == ["1"]
    assert storage.purge_tombstones(2**62) == 1
    pair.server.edit(M, "1", x="edited")
    engine.sync()
    assert data(storage) == {"1": {"id": "1", "x": "edited"}}
    pair.time_ms += 600_000
    engine.sync()
    assert storage.get_keys(M) == pair.server.get_keys(M) == []


class WithParents(MemoryStorage):
    """Notes point to items, and items to their first note; the latter may be empty for a while."""

    def upsert_many(self, model_label: str, records: dict[str, SyncRecord]) -> set[str]:
        return self._write(model_label, records, set())

    def upsert_without(self, model_label: str, records: dict[str, SyncRecord], parents: Any) -> set[str]:
        return self._write(model_label, records, set(parents))

    def _write(self, label: str, records: dict[str, SyncRecord], without: set[str]) -> set[str]:
        bad = set()
        for key, record in records.items():
            target = record.data.get("target")
            parent = {"note": "item", "item": "note"}[label]
            missing = target is not None and target not in self.get_keys(parent)
            if parent in without and target is not None:
                data = {**record.data, "target": None}
                stamps = {name: s for name, s in record.timestamps.items() if name != "target"}
                super().upsert_many(
                    label, {key: SyncRecord(key, data, stamps, record.received_at, record.arrivals)}
                )
            elif missing or record.data.get("poison"):
                bad.add(key)
            else:
                super().upsert_many(label, {key: record})
        return bad


CIRCLE = DependencyGraph({"item": {"note"}, "note": {"item"}}, deferred_edges={"item": {"note"}})


@pytest.mark.parametrize("size", [None, 1])
def test_circles_of_foreign_keys_are_filled_in_afterwards(size: int | None) -> None:
    pair = Pair(graph=CIRCLE, batch_size=size)
    for key in "12":
        pair.server.edit("item", key, target=key)
        pair.server.edit("note", key, target=key)
    storage, engine = pair.client(storage=pair.storage(WithParents), graph=CIRCLE, batch_size=size)
    result = engine.sync()
    assert result.ok, result.errors
    for label in ("item", "note"):
        assert {key: r.data["target"] for key, r in storage.get_records(label, ["1", "2"]).items()} == {
            "1": "1",
            "2": "2",
        }
    assert not engine.sync().counts()


@pytest.mark.parametrize("size", [None, 1, 3])
def test_circles_are_filled_in_by_the_node_that_answers(size: int | None) -> None:
    """In small pages all parents come, and cannot be whole, before the first child."""
    pair = Pair()
    pair.server = pair.storage(WithParents)
    pair.answering = pair.engine(pair.server, "server", graph=CIRCLE, batch_size=size)
    storage, engine = pair.client(storage=pair.storage(WithParents), graph=CIRCLE, batch_size=size)
    for key in "12345":
        for label in ("item", "note"):
            MemoryStorage.edit(storage, label, key, target=key)
    engine.sync()
    result = engine.sync()
    assert result.ok, result.errors
    assert len(pair.answers) < 40
    for label in ("item", "note"):
        assert pair.server.get_records(label, "12345") == storage.get_records(label, "12345")
    assert not engine.sync().counts()


def test_a_poisoned_parent_holds_up_its_children_alone() -> None:
    pair = Pair(graph=CIRCLE)
    pair.server.edit("item", "bad", poison=True)
    pair.server.edit("item", "good", x=1)
    pair.server.edit("note", "1", target="bad")
    pair.server.edit("note", "2", target="good")
    storage, engine = pair.client(storage=pair.storage(WithParents), graph=CIRCLE)
    result = engine.sync()
    assert not result.ok
    assert result.skipped == {"item": ["bad"], "note": ["1"]}
    assert (storage.get_keys("item"), storage.get_keys("note")) == (["good"], ["2"])
    assert not engine.sync().ok
    pair.server.edit("item", "bad", poison=False)
    result = engine.sync()
    assert result.ok
    assert (storage.get_keys("item"), storage.get_keys("note")) == (["bad", "good"], ["1", "2"])


class Lock:
    """Writes down how it is used."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def acquire(self, node_id: str) -> str:
        self.calls.append(("acquire", node_id))
        return "s1"

    def hold(self, node_id: str) -> None:
        self.calls.append(("hold", node_id))

    def release(self, session_id: str, status: Any, result: Any = None) -> None:
        self.calls.append(("release", session_id, status))

    def update_phase(self, session_id: str, phase: Any) -> None:
        self.calls.append((session_id, phase))


def test_the_lock_sees_sessions_phases_and_processing() -> None:
    server_lock, client_lock, phases = Lock(), Lock(), list[SyncPhase]()
    pair = Pair(lock=server_lock)
    _, engine = pair.client(lock=client_lock, on_phase=phases.append)
    engine.sync()
    assert server_lock.calls == [("hold", "server")]
    assert phases == list(SyncPhase)
    assert client_lock.calls == [
        ("acquire", "a"),
        *[("s1", phase) for phase in SyncPhase],
        ("release", "s1", SyncStatus.SUCCEEDED),
    ]
    client_lock.calls.clear()

    class Away:
        def exchange(self, manifest: SyncManifest) -> SyncManifest:
            raise TransportError("away")

    with pytest.raises(TransportError):
        pair.client(lock=client_lock, transport=Away())[1].sync()
    assert client_lock.calls[-1] == ("release", "s1", SyncStatus.ABORTED)


def test_a_leased_lock_serves_one_manifest_at_a_time() -> None:
    class BusyError(Exception):
        pass

    class Leased(Lock):
        busy = False

        def acquire(self, node_id: str) -> str:
            if self.busy:
                raise BusyError("taken")
            return super().acquire(node_id)

    leased = Leased()
    pair = Pair(lock=SessionLock(leased, busy=BusyError, patience=0))
    _, engine = pair.client()
    engine.sync()
    assert [call[:2] for call in leased.calls] == [
        ("acquire", "server:serving"),
        ("hold", "server:serving"),
        ("release", "s1"),
    ]
    leased.busy = True
    with pytest.raises(NodeLockedError):
        engine.sync()


def test_a_leased_lock_that_was_lost_undoes_the_exchange() -> None:
    class Lost(Lock):
        def hold(self, node_id: str) -> None:
            raise LockLostError("another process has it")

    pair = Pair(lock=SessionLock(Lost(), busy=LockLostError))
    storage, engine = pair.client()
    storage.edit(M, "1", x=1)
    with pytest.raises(NodeLockedError):
        engine.sync()
    assert data(pair.server) == {}


def test_an_error_in_the_middle_undoes_the_exchange() -> None:
    pair = Pair()

    class Failing(MemoryStorage):
        def save_checkpoint(self, node_id: str, timestamp: int, after_keys: Any = None) -> None:
            raise RuntimeError("disk full")

    pair.server.edit(M, "1", x=1)
    storage, engine = pair.client(storage=pair.storage(Failing))
    with pytest.raises(RuntimeError):
        engine.sync()
    assert storage.get_keys(M) == []


def test_a_given_transaction_is_used() -> None:
    entered: list[str] = []

    @contextmanager
    def transaction() -> Iterator[None]:
        entered.append("in")
        yield
        entered.append("out")

    pair = Pair(transaction=transaction)
    pair.client()[1].sync()
    assert entered == ["in", "out"]


def test_resync_compares_everything_and_changes_nothing_that_is_equal() -> None:
    pair = Pair()
    storage, engine = pair.client()
    pair.server.edit(M, "1", x=1)
    storage.edit(M, "2", x=2)
    engine.sync()
    with pair.server.transaction():
        pair.server._records[M].pop("2")  # as when an older backup is put in place
        storage._records[M].pop("1")
    engine.sync()
    assert data(storage) != data(pair.server)
    engine.resync()
    engine.sync()
    assert data(storage) == data(pair.server)
    assert sorted(data(storage)) == ["1", "2"]
    assert not pair.server.conflicts
    assert not storage.conflicts
