"""What the conflict ledger says: the value that stays as kept, the other as lost."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.database import (
    ConflictEntry,
    ConflictType,
    DatabaseEngine,
    DependencyGraph,
    FieldConflict,
    FieldOwnershipWins,
    HybridLogicalClock,
    MemoryStorage,
    MemoryTransport,
    PayloadReconciler,
    RecordConflict,
    RecordResolution,
    ResolutionSource,
    SyncRecord,
)
from tasks.database.records.lost import LostValue, lost_in, lost_values

M = "m"
NOW = 1_700_000_000_000


class _ThirdValue:
    """A resolver of a user's own."""

    def resolve(self, conflict: RecordConflict) -> RecordResolution:
        assert conflict.local is not None
        record = SyncRecord(conflict.key, {**conflict.local.data, "x": "third"}, conflict.local.timestamps)
        return RecordResolution(record, ResolutionSource.MERGED)


def _synced(
    local: dict[str, Any], remote: dict[str, Any], resolver: Any = None
) -> tuple[Any, list[LostValue]]:
    """What the server holds after a client's first sync, and its ledger; both edited in the same millisecond."""
    server, client = (MemoryStorage(HybridLogicalClock(lambda: NOW)) for _ in range(2))
    graph = DependencyGraph({M: set()})
    reconciler = PayloadReconciler(resolver) if resolver else None
    assert server.clock is not None
    assert client.clock is not None
    answering = DatabaseEngine(server, graph, server.clock, "server", reconciler=reconciler)
    results: list[Any] = []

    def process(manifest: Any) -> Any:
        answer, result = answering.process(manifest)
        results.append(result)
        return answer, result

    asking = DatabaseEngine(client, graph, client.clock, "client", transport=MemoryTransport(process))
    server.edit(M, "1", **local)
    client.edit(M, "1", **remote)
    asking.sync()
    assert server.get_records(M, ["1"]) == client.get_records(M, ["1"])
    return server.get_records(M, ["1"])["1"], [lost for each in results for lost in lost_in(each)]


@pytest.mark.parametrize(("local", "remote", "rule"), [("a", "b", "remote"), ("b", "a", "local")])
def test_equal_stamps(local: str, remote: str, rule: str) -> None:
    record, [lost] = _synced({"x": local}, {"x": remote})
    assert record.data["x"] == lost.kept == "b"
    assert (lost.lost, lost.rule) == ("a", rule)
    assert lost.kept_timestamp == lost.lost_timestamp == record.timestamps["x"]


def test_equal_stamps_that_go_both_ways() -> None:
    record, lines = _synced({"x": "a", "y": "b"}, {"x": "b", "y": "a"})
    assert record.data == {"id": "1", "x": "b", "y": "b"}
    assert [(line.field_name, line.kept, line.lost, line.rule) for line in lines] == [
        ("x", "b", "a", "merged"),
        ("y", "b", "a", "merged"),
    ]


def test_an_owner_wins_with_the_older_edit() -> None:
    record, lines = _synced({"x": "a", "y": "a"}, {"x": "b", "y": "b"}, FieldOwnershipWins({"x"}, {"y"}))
    assert record.data == {"id": "1", "x": "a", "y": "b"}
    assert {(line.field_name, line.kept, line.lost) for line in lines} == {("x", "a", "b"), ("y", "b", "a")}


def test_both_lose_to_a_third_value() -> None:
    record, lines = _synced({"x": "a"}, {"x": "b"}, _ThirdValue())
    assert record.data["x"] == "third"
    assert [(line.kept, line.lost) for line in lines] == [("third", "a"), ("third", "b")]


def test_a_record_beside_its_deletion() -> None:
    record = SyncRecord("1", {"x": "a"}, {"x": 7})
    conflict = RecordConflict("1", M, ConflictType.DELETE_VS_MODIFY, local=record)
    [stays] = lost_values(ConflictEntry(conflict, ResolutionSource.LOCAL, record))
    assert (stays.kept, stays.lost, stays.kept_timestamp, stays.lost_timestamp) == ({"x": "a"}, None, 7, 0)
    [goes] = lost_values(ConflictEntry(conflict, ResolutionSource.REMOTE))
    assert (goes.kept, goes.lost, goes.kept_timestamp, goes.lost_timestamp) == (None, {"x": "a"}, 0, 7)


@pytest.mark.parametrize(("source", "kept"), [("local", "a"), ("remote", "b")])
def test_an_entry_of_a_program_that_names_no_record(source: str, kept: str) -> None:
    fields = [FieldConflict("x", "a", "b", 1, 2)]
    conflict = RecordConflict("1", M, ConflictType.BOTH_MODIFIED, fields)
    [lost] = lost_values(ConflictEntry(conflict, ResolutionSource(source)))
    assert lost.kept == kept


def test_whose_value_stays_and_whose_is_lost() -> None:
    _, [lost] = _synced({"x": "a"}, {"x": "b"})  # the server is asked, and resolves it
    assert (lost.kept_of, lost.lost_of) == ("remote", "local")
    _, lines = _synced({"x": "a", "y": "b"}, {"x": "b", "y": "a"})
    assert {line.field_name: (line.kept_of, line.lost_of) for line in lines} == {
        "x": ("remote", "local"),
        "y": ("local", "remote"),
    }
    _, lines = _synced({"x": "a"}, {"x": "b"}, _ThirdValue())
    assert [(line.kept_of, line.lost_of) for line in lines] == [("merged", "local"), ("merged", "remote")]
    assert all(line.record["x"] == "third" for line in lines)


@pytest.mark.parametrize(
    ("kind", "editor", "deleter"),
    [
        (ConflictType.DELETE_VS_MODIFY, "local", "remote"),
        (ConflictType.MODIFY_VS_DELETE, "remote", "local"),
    ],
)
def test_who_edited_what_the_other_deleted(kind: ConflictType, editor: str, deleter: str) -> None:
    record = SyncRecord("1", {"x": "a"}, {"x": 7})
    conflict = RecordConflict("1", M, kind, **{editor: record})
    [stays] = lost_values(ConflictEntry(conflict, ResolutionSource(editor), record))
    assert (stays.kept_of, stays.lost_of) == (editor, deleter)
    [goes] = lost_values(ConflictEntry(conflict, ResolutionSource(deleter)))
    assert (goes.kept_of, goes.lost_of) == (deleter, editor)
