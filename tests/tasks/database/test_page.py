"""A program written for the page: its names, defaults, refusals and resolvers."""

from __future__ import annotations

import dataclasses
import inspect
from contextlib import nullcontext
from typing import Any

import pytest

import tasks.database as database
from tasks.database import (
    ConflictType,
    DatabaseEngine,
    DatabaseResult,
    DependencyGraph,
    FieldConflict,
    FieldOwnershipWins,
    FieldTimestampWins,
    FieldUpdateTracker,
    HybridLogicalClock,
    LocalWins,
    MemoryStorage,
    MemoryTransport,
    ModelPayload,
    PayloadReconciler,
    RecordConflict,
    RemoteWins,
    ResolutionSource,
    SyncManifest,
    SyncRecord,
)
from tasks.database.engine.engine import BATCH_BYTES_DEFAULT, CLOCK_DRIFT_MAX_DEFAULT
from tasks.database.exceptions import (
    CircularDependencyError,
    ClockDriftError,
    InvalidParameterError,
    ManifestChecksumError,
    PayloadLimitError,
    SyncAbortedError,
    SyncError,
    TransportRequiredError,
    UnknownDependencyError,
)

NAMES = """ConflictEntry ConflictResolver ConflictType DatabaseEngine DatabaseResult DatabaseSyncStorage
DependencyGraph FieldConflict FieldOwnershipWins FieldTimestampWins FieldUpdateTracker LocalWins ModelPayload
PayloadReconciler ReconciliationResult RecordConflict RecordResolution RemoteWins ResolutionSource SyncLock
SyncManifest SyncRecord HybridLogicalClock SyncPhase SyncStage SyncStatus SyncError SyncAbortedError"""


@pytest.mark.parametrize("name", NAMES.split())
def test_the_name_is_public(name: str) -> None:
    assert name in database.__all__
    assert hasattr(database, name)


def test_fields_are_the_pages() -> None:
    names = {
        cls: [f.name for f in dataclasses.fields(cls)]
        for cls in (DatabaseResult, database.ReconciliationResult)
    }
    assert names[DatabaseResult] == (
        [
            "applied",
            "compatible",
            "conflict_log",
            "conflicts",
            "created",
            "deleted",
            "errors",
            "pushed",
            "skipped",
        ]
    )
    wanted = """applied_keys compatible_keys conflict_keys conflict_log created_keys errors response_records
        to_delete to_upsert"""
    assert set(names[database.ReconciliationResult]) >= set(wanted.split())
    assert [f.name for f in dataclasses.fields(SyncManifest)][:7] == (
        ["node_id", "checkpoint", "after_keys", "checksum", "has_more", "node_time", "payloads"]
    )
    parameters = inspect.signature(DatabaseEngine).parameters
    defaults = {name: p.default for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY}
    assert defaults["batch_bytes"] == BATCH_BYTES_DEFAULT
    assert defaults["clock_drift_max"] == CLOCK_DRIFT_MAX_DEFAULT
    assert defaults["identity_field"] == "id"
    assert defaults["transaction"] is nullcontext
    assert issubclass(SyncAbortedError, SyncError)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"node_id": ""}, "node_id must be a non-empty string"),
        ({"identity_field": ""}, "identity_field must be a non-empty string"),
        ({"batch_bytes": 0}, "batch_bytes must be >= 1 or None, got 0"),
        ({"batch_size": 0}, "batch_size must be >= 1 or None, got 0"),
        ({"clock_drift_max": -1}, "clock_drift_max must be non-negative or None, got -1"),
        ({"payload_bytes_max": 0}, "payload_bytes_max must be >= 1 or None, got 0"),
        ({"payload_records_max": 0}, "payload_records_max must be >= 1 or None, got 0"),
    ],
)
def test_the_engine_refuses_what_cannot_work(parameters: dict[str, Any], words: str) -> None:
    given = {"node_id": "a", **parameters}
    with pytest.raises(InvalidParameterError, match=words):
        DatabaseEngine(MemoryStorage(), DependencyGraph({"m": set()}), HybridLogicalClock(), **given)


def engine(name: str, storage: Any = None, **more: Any) -> tuple[Any, DatabaseEngine]:
    clock = more.pop("clock", None) or HybridLogicalClock()
    storage = storage if storage is not None else MemoryStorage(clock)
    return storage, DatabaseEngine(storage, DependencyGraph({"m": set()}), clock, name, **more)


def signed(node_id: str = "peer", checkpoint: int = 0, **more: Any) -> SyncManifest:
    manifest = SyncManifest(node_id, checkpoint, **more)
    manifest.checksum = manifest.compute_checksum()
    return manifest


def test_sync_needs_a_transport() -> None:
    with pytest.raises(TransportRequiredError, match=r"Transport is required for sync\(\)"):
        engine("a")[1].sync()


def test_damaged_large_and_future_manifests_are_refused() -> None:
    server = engine("a", payload_records_max=1, payload_bytes_max=100)[1]
    with pytest.raises(ManifestChecksumError):
        server.process(SyncManifest("b", 0))
    two = {key: SyncRecord(key, {}, {}) for key in "xy"}
    with pytest.raises(PayloadLimitError, match="2 records"):
        server.process(signed(payloads=[ModelPayload("m", two)]))
    with pytest.raises(PayloadLimitError, match="bytes"):
        server.process(signed(payloads=[ModelPayload("m", {"x": SyncRecord("x", {"a": "b" * 100}, {})})]))
    with pytest.raises(ClockDriftError, match="ahead"):
        server.process(signed(node_time=10**10))
    server.process(signed(node_time=1))  # behind does no harm


def test_unknown_models_are_told_and_hold_nothing_up() -> None:
    storage, server = engine("a")
    other = {"x": SyncRecord("x", {"id": "x"}, {"id": 1})}
    _, result = server.process(
        signed(payloads=[ModelPayload("other", other), ModelPayload("m", dict(other))])
    )
    assert result.errors == ["model 'other' is unknown here"]
    assert storage.get_keys("m") == ["x"]


class PageStorage:
    """Nothing but the page's eight methods."""

    def __init__(self) -> None:
        self.records: dict[str, SyncRecord] = {}
        self.tombstones: dict[str, int] = {}
        self.kept: dict[str, tuple[int, dict[str, Any]]] = {}

    def get_checkpoint(self, node_id: str) -> int:
        return self.kept.get(node_id, (0, {}))[0]

    def get_after_keys(self, node_id: str) -> dict[str, Any]:
        return self.kept.get(node_id, (0, {}))[1]

    def save_checkpoint(self, node_id: str, timestamp: int, after_keys: dict[str, Any] | None = None) -> None:
        self.kept[node_id] = (timestamp, after_keys or {})

    def get_changed_since(
        self, model_label: str, timestamp: int, limit: int | None = None, after_key: Any = None
    ) -> dict[str, SyncRecord]:
        return {k: r for k, r in self.records.items() if r.sync_field_last_modified > timestamp}

    def get_deletes_since(self, model_label: str, timestamp: int) -> dict[str, int]:
        return {k: stamp for k, stamp in self.tombstones.items() if stamp > timestamp}

    def get_records(self, model_label: str, keys: Any) -> dict[str, SyncRecord]:
        return {k: self.records[k] for k in keys if k in self.records}

    def upsert_many(self, model_label: str, records: dict[str, SyncRecord]) -> set[str]:
        self.records.update(records)
        return set()

    def delete_many(self, model_label: str, deletes: dict[str, int]) -> None:
        for key, stamp in deletes.items():
            self.records.pop(key, None)
            self.tombstones[key] = stamp


def test_a_storage_with_the_pages_methods_alone_is_enough() -> None:
    clocks = {name: HybridLogicalClock() for name in ("server", "a", "b")}
    stored = {name: PageStorage() for name in clocks}
    server = engine("server", stored["server"], clock=clocks["server"])[1]
    nodes = {
        name: engine(
            name, stored[name], clock=clocks[name], transport=MemoryTransport(server.process), batch_size=2
        )[1]
        for name in "ab"
    }
    for key in "12345":
        stamp = clocks["a"].now()
        stored["a"].records[key] = SyncRecord(key, {"id": key, "x": key}, {"id": stamp, "x": stamp})
    nodes["a"].sync()
    nodes["b"].sync()
    stored["b"].delete_many("m", {"1": clocks["b"].now()})
    nodes["b"].sync()
    nodes["a"].sync()
    assert sorted(stored["a"].records) == sorted(stored["server"].records) == ["2", "3", "4", "5"]
    assert not nodes["a"].sync().counts()
    assert not nodes["b"].sync().counts()


def test_a_dry_run_changes_nothing_where_nothing_can_be_undone() -> None:
    clocks = {name: HybridLogicalClock() for name in ("server", "a")}
    stored = {name: PageStorage() for name in clocks}
    server = engine("server", stored["server"], clock=clocks["server"])[1]
    node = engine("a", stored["a"], clock=clocks["a"], transport=MemoryTransport(server.process))[1]
    for name, key in (("server", "1"), ("a", "2")):
        stored[name].records[key] = SyncRecord(key, {"id": key}, {"id": clocks[name].now()})
    before = {
        name: (dict(s.records), {n: k for n, k in s.kept.items() if n != "~clock"})
        for name, s in stored.items()
    }
    result = node.sync(dry_run=True)
    assert result.counts() == {"pushed": 1, "applied": 1}
    assert before == {
        name: (s.records, {n: k for n, k in s.kept.items() if n != "~clock"}) for name, s in stored.items()
    }


def conflict(kind: ConflictType = ConflictType.BOTH_MODIFIED, **sides: Any) -> RecordConflict:
    local = SyncRecord("k", {"x": "L", "y": "L"}, {"x": 5, "y": 9})
    remote = SyncRecord("k", {"x": "R", "y": "R"}, {"x": 7, "y": 9})
    found = [FieldConflict("x", "L", "R", 5, 7)]
    return RecordConflict("k", "m", kind, found, **{"local": local, "remote": remote, **sides})


def test_resolvers() -> None:
    newest = FieldTimestampWins().resolve(conflict())
    assert newest.record is not None
    assert newest.record.data == {"x": "R", "y": "L"}
    on_tie = FieldTimestampWins(prefer_remote_on_tie=True).resolve(conflict())
    assert on_tie.record is not None
    assert on_tie.record.data == {"x": "R", "y": "R"}
    kept = FieldTimestampWins(exclude_fields={"x"}).resolve(conflict())
    assert kept.record is not None
    assert kept.record.data == {"y": "L"}
    owned = FieldOwnershipWins({"x"}, {"y"}).resolve(conflict())
    assert owned.record is not None
    assert (owned.record.data, owned.source) == ({"x": "L", "y": "R"}, ResolutionSource.MERGED)
    with pytest.raises(InvalidParameterError, match="must not overlap"):
        FieldOwnershipWins({"x"}, {"x"})
    assert LocalWins().resolve(conflict()).source == ResolutionSource.LOCAL
    assert LocalWins().resolve(conflict(ConflictType.MODIFY_VS_DELETE)).delete
    assert RemoteWins().resolve(conflict()).source == ResolutionSource.REMOTE
    assert RemoteWins().resolve(conflict(ConflictType.DELETE_VS_MODIFY)).delete
    for resolver in (FieldTimestampWins(), FieldOwnershipWins(set(), set())):
        assert resolver.resolve(conflict(ConflictType.DELETE_VS_MODIFY)).source == ResolutionSource.LOCAL
        assert resolver.resolve(conflict(ConflictType.MODIFY_VS_DELETE)).source == ResolutionSource.REMOTE


def test_the_reconciler_classifies() -> None:
    local = {
        "seen": SyncRecord("seen", {"x": 1}, {"x": 5}),
        "both": SyncRecord("both", {"x": 1, "y": 1}, {"x": 15, "y": 5}),
        "apart": SyncRecord("apart", {"x": 2, "y": 1}, {"x": 15, "y": 5}),
        "gone": SyncRecord("gone", {"x": 1}, {"x": 5}),
        "edited": SyncRecord("edited", {"x": 1}, {"x": 50}),
    }
    payload = ModelPayload(
        "m",
        {
            "new": SyncRecord("new", {"x": 1}, {"x": 20}),
            "seen": SyncRecord("seen", {"x": 2}, {"x": 20}),
            "both": SyncRecord("both", {"x": 2, "y": 1}, {"x": 20, "y": 5}),
            "apart": SyncRecord("apart", {"x": 1, "y": 2}, {"x": 5, "y": 20}),
        },
        {"gone": 20, "edited": 20, "never": 20},
    )
    result = PayloadReconciler().reconcile(payload, local, 10)
    assert result.created_keys == {"new"}
    assert result.applied_keys == {"seen"}
    assert result.compatible_keys == ["apart"]
    assert sorted(result.conflict_keys) == ["both", "edited"]
    assert result.to_upsert["apart"].data == {"x": 2, "y": 2}
    assert result.to_delete == {"gone": 20, "never": 20}
    assert set(result.response_records) == {"apart", "edited"}
    with pytest.raises(InvalidParameterError, match="non-negative"):
        PayloadReconciler().reconcile(payload, local, -1)


def test_the_graph() -> None:
    graph = DependencyGraph({"c": {"b"}, "b": {"a"}, "a": set(), "z": set()})
    assert graph.sync_order() == ["a", "b", "c", "z"]
    assert graph.dependencies("c") == {"b"}
    assert graph.known_models() == frozenset("abcz")
    with pytest.raises(UnknownDependencyError, match="unknown models: x"):
        DependencyGraph({"a": {"x"}})
    with pytest.raises(InvalidParameterError, match="empty labels"):
        DependencyGraph({"": set()})
    with pytest.raises(CircularDependencyError, match="a, b"):
        DependencyGraph({"a": {"b"}, "b": {"a"}})
    circle = DependencyGraph({"a": {"b"}, "b": {"a"}}, deferred_edges={"a": {"b"}})
    assert circle.sync_order() == ["a", "b"]
    assert circle.deferred("a") == {"b"}


def test_the_tracker() -> None:
    tracker, tags = FieldUpdateTracker(), ["x"]
    assert tracker.get_dirty({"a": None}) == {"a"}
    tracker.snapshot({"a": 1, "tags": tags})
    assert tracker.get_dirty({"a": 1, "tags": tags}) == set()
    tags.append("y")
    assert tracker.get_dirty({"a": 2, "tags": tags, "new": 0}) == {"a", "tags", "new"}
