from __future__ import annotations

import hashlib
import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.database import (
    DatabaseEngine,
    DependencyGraph,
    HybridLogicalClock,
    MemoryStorage,
    ModelPayload,
    SyncManifest,
    SyncRecord,
)
from tasks.database.exceptions import InvalidParameterError, ManifestFieldError, RecordFieldError, SyncError
from tasks.database.storages.view import Cursor

JSON: Any = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


def nearly(**fields: Any) -> Any:
    """A dict with these fields, some of them missing or anything."""
    return st.fixed_dictionaries({}, optional={name: value | JSON for name, value in fields.items()})


STAMP = st.integers(0, 2**63) | st.integers(0, 10)
RECORD = nearly(
    data=st.dictionaries(st.text(max_size=3), JSON), timestamps=st.dictionaries(st.text(max_size=3), STAMP)
)
PAYLOAD = nearly(
    model_label=st.sampled_from(["item", "note", "other", ""]),
    records=st.dictionaries(st.text(max_size=2), RECORD, max_size=3),
    deletes=st.dictionaries(st.text(max_size=2), STAMP, max_size=3),
)
MANIFEST = nearly(
    node_id=st.sampled_from(["a", "b", "~x"]),
    checkpoint=STAMP,
    after_keys=st.dictionaries(st.sampled_from(["item", "note"]), JSON),
    payloads=st.lists(PAYLOAD, max_size=3),
    node_time=st.integers(0, 2_000_000_000),
    has_more=st.booleans(),
    fresh=st.dictionaries(
        st.sampled_from(["item"]), st.dictionaries(st.text(max_size=2), st.lists(st.text()))
    ),
    dry_run=st.booleans(),
    resync=STAMP,
    checksum=st.text(max_size=3),
)


@settings(deadline=None)
@given(MANIFEST | JSON)
def test_anything_is_a_manifest_or_the_documented_error(data: Any) -> None:
    try:
        manifest = SyncManifest.from_dict(data)
    except (ManifestFieldError, RecordFieldError):
        return
    again = SyncManifest.from_dict(json.loads(json.dumps(manifest.to_dict())))
    assert again.compute_checksum() == manifest.compute_checksum()


@settings(deadline=None)
@given(PAYLOAD | JSON)
def test_anything_is_a_payload_or_the_documented_error(data: Any) -> None:
    try:
        payload = ModelPayload.from_dict(data)
    except (ManifestFieldError, RecordFieldError):
        return
    assert ModelPayload.from_dict(json.loads(json.dumps(payload.to_dict()))).encode() == payload.encode()


@settings(deadline=None)
@given(st.text(max_size=2) | JSON, RECORD | JSON)
def test_anything_is_a_record_or_the_documented_error(key: Any, data: Any) -> None:
    try:
        record = SyncRecord.from_dict(key, data)
    except RecordFieldError:
        return
    assert SyncRecord.from_dict(key, json.loads(json.dumps(record.to_dict()))).encode() == record.encode()
    assert 0 <= record.newest <= record.sync_field_last_modified < 2**63


@settings(deadline=None)
@given(JSON, st.integers(0, 2**63 - 1))
def test_any_cursor_of_a_peer_is_read(after_keys: Any, checkpoint: int) -> None:
    cursor = Cursor.read(checkpoint, after_keys if isinstance(after_keys, dict) else {})
    assert Cursor.read(cursor.floor, json.loads(json.dumps(cursor.as_json()))) == cursor


@settings(deadline=None)
@given(st.lists(MANIFEST, min_size=1, max_size=3))
def test_any_manifest_is_processed_or_refused_without_a_trace(made: list[Any]) -> None:
    storage = MemoryStorage(HybridLogicalClock())
    storage.edit("item", "k", x=1)
    assert storage.clock is not None
    engine = DatabaseEngine(storage, DependencyGraph({"item": set(), "note": set()}), storage.clock, "server")
    for data in made:
        before = storage._kept()
        try:
            manifest = SyncManifest.from_dict(data)
            manifest.checksum = manifest.compute_checksum()
            answer, _ = engine.process(manifest)
        except SyncError:
            assert storage._kept() == before
        else:
            SyncManifest.from_dict(json.loads(json.dumps(answer.to_dict())))


def test_a_large_manifest_costs_no_more_than_a_few_times_its_size() -> None:
    records = {str(i): {"data": {"x": "y" * 100}, "timestamps": {"x": i}} for i in range(5000)}
    data = {"node_id": "a", "checkpoint": 0, "payloads": [{"model_label": "m", "records": records}]}
    size = len(json.dumps(data))
    tracemalloc.start()
    try:
        SyncManifest.from_dict(data)
        assert tracemalloc.get_traced_memory()[1] < 4 * size
    finally:
        tracemalloc.stop()


def test_the_checksum_is_the_published_formula() -> None:
    record = SyncRecord("k", {"x": "ä"}, {"x": 5}, received_at=9)
    manifest = SyncManifest("a", 7, node_time=3, payloads=[ModelPayload("m", {"k": record}, {"d": 4})])
    body = {
        "checkpoint": 7,
        "node_id": "a",
        "node_time": 3,
        "payloads": [
            {
                "deletes": {"d": 4},
                "model_label": "m",
                "records": {"k": {"data": {"x": "ä"}, "timestamps": {"x": 5}}},
            }
        ],
    }
    text = json.dumps(body, sort_keys=True, ensure_ascii=True)
    assert manifest.compute_checksum() == hashlib.sha256(text.encode()).hexdigest()
    assert not manifest.verify()
    manifest.checksum = manifest.compute_checksum()
    assert manifest.verify()
    assert set(manifest.to_dict()) == {
        "checkpoint",
        "node_id",
        "node_time",
        "payloads",
        "after_keys",
        "checksum",
        "has_more",
    }


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"node_id": None}, "requires 'node_id'"),
        ({"node_id": 1}, "'node_id' must be a string"),
        ({"node_id": ""}, "non-empty"),
        ({"checkpoint": None}, "requires 'checkpoint'"),
        ({"checkpoint": True}, "'checkpoint' must be an integer"),
        ({"checkpoint": -1}, "'checkpoint' must be non-negative, got -1"),
        ({"node_time": "1"}, "'node_time' must be an integer"),
        ({"node_time": -1}, "'node_time' must be non-negative"),
        ({"payloads": {}}, "'payloads' must be a list"),
        ({"payloads": [{"model_label": "m"}] * 1001}, "'payloads' exceeds maximum"),
        ({"payloads": [{"model_label": "m"}] * 2}, "duplicate model_label: 'm'"),
        ({"payloads": [{}]}, "ModelPayload requires 'model_label'"),
        ({"payloads": [{"model_label": "m", "records": []}]}, "'records' must be a dict"),
        ({"payloads": [{"model_label": "m", "deletes": []}]}, "'deletes' must be a dict"),
        ({"payloads": [{"model_label": "m", "deletes": {"k": "1"}}]}, "must be an integer, got str"),
        ({"payloads": [{"model_label": "m", "deletes": {"k": -1}}]}, "must be non-negative, got -1"),
        ({"payloads": [{"model_label": "m", "deletes": {"k": 1}, "records": {"k": {}}}]}, "present in both"),
    ],
)
def test_wrong_fields_are_named(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ManifestFieldError, match=words):
        SyncManifest.from_dict({"node_id": "a", "checkpoint": 0, **change})


@pytest.mark.parametrize(
    ("key", "data", "words"),
    [
        ("", {}, "non-empty"),
        ("k", {"data": []}, "'data' must be a dict, got list"),
        ("k", {"timestamps": []}, "'timestamps' must be a dict, got list"),
        ("k", {"received_at": "1"}, "'received_at' must be an int, got str"),
        ("k", {"received_at": -1}, "'received_at' must be non-negative, got -1"),
        ("k", {"timestamps": {1: 1}}, "timestamp key 1 must be a string"),
        ("k", {"timestamps": {"x": 1.5}}, "must be an int, got float"),
        ("k", {"timestamps": {"x": True}}, "must be an int, got bool"),
        ("k", {"timestamps": {"x": -1}}, "must be non-negative, got -1"),
    ],
)
def test_wrong_records_are_named(key: str, data: dict[str, Any], words: str) -> None:
    with pytest.raises(RecordFieldError, match=words):
        SyncRecord.from_dict(key, data)


def test_a_record_knows_when_it_was_changed_last() -> None:
    assert SyncRecord("k", {}, {"a": 3, "b": 5}).sync_field_last_modified == 5
    assert SyncRecord("k", {}, {"a": 3}, received_at=9).sync_field_last_modified == 9
    assert SyncRecord("k", {}, {}, received_at=1) == SyncRecord("k", {}, {})
    with pytest.raises(InvalidParameterError):
        SyncRecord("", {}, {})
    with pytest.raises(InvalidParameterError):
        SyncRecord("k", {}, {}, received_at=-1)
