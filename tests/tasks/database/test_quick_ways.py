"""What is done for many records at once, or found once for all, is what is done for each by itself."""

from __future__ import annotations

import json
import math
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.database.deciding.reconciler import PayloadReconciler
from tasks.database.exceptions import RecordFieldError
from tasks.database.records.differing import differing
from tasks.database.records.manifest import ModelPayload
from tasks.database.records.record import STAMP_MAX, SyncRecord
from tasks.database.records.ties import canonical
from tasks.database.storages.guard import Guard, Toll
from tasks.database.storages.view import Cursor, PeerView

_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, 1, 1.0, 2.5, "", "a", "é", "b\u2028"]),
    st.just({"n": [1.0]}),
)
_NAMES = st.sampled_from(["id", "a", "b", "c"])
_STAMPS = st.sampled_from([0, 1, 7, 8, 9])
_DATA = st.dictionaries(_NAMES, _VALUES)
_TIMES = st.dictionaries(_NAMES, _STAMPS)
_RECORDS = st.builds(lambda data, times: SyncRecord("k", data, times), _DATA, _TIMES)


def _naive(one: SyncRecord, other: SyncRecord) -> set[str]:
    """The fields of the one that a reader would call another value or time than in the other."""
    found = set()
    for name in one.data:
        here = (one.timestamps.get(name, 0), canonical(one.data[name]))
        if name not in other.data or here != (other.timestamps.get(name, 0), canonical(other.data[name])):
            found.add(name)
    return found


@given(_RECORDS, _RECORDS)
def test_fields_that_differ_are_named(one: SyncRecord, other: SyncRecord) -> None:
    named = differing(one, other)
    assert set(named) == _naive(one, other)
    assert len(named) == len(set(named))


@given(
    local=_RECORDS,
    remote=_RECORDS,
    deleted=st.booleans(),
    knows=_STAMPS,
    fresh=st.none() | st.lists(_NAMES),
)
def test_what_is_written_is_known_to_change_just_where_it_does(
    local: SyncRecord, remote: SyncRecord, deleted: bool, knows: int, fresh: list[str] | None
) -> None:
    payload = ModelPayload("m", {} if deleted else {"k": remote}, {"k": 8} if deleted else {})
    view = PeerView(has=Cursor(knows), fresh=None if fresh is None else {"m": {"k": fresh}})
    stamps = count(20)
    outcome = PayloadReconciler().reconcile(
        payload, {"k": local}, 0, view=view, new_stamp=lambda: next(stamps)
    )
    assert outcome.changed_fields.keys() == outcome.to_upsert.keys()
    for key, after in outcome.to_upsert.items():
        assert local.data.keys() <= after.data.keys()
        assert set(outcome.changed_fields[key]) == _naive(after, local) != set()
        named, looked = Toll(Guard()), Toll(Guard())
        named.update("m", local, after, outcome.changed_fields[key])
        looked.update("m", local, after)
        assert (named.counts(), named._found) == (looked.counts(), looked._found)
    if not deleted and "k" not in outcome.to_upsert:
        # Nothing of the peer's is taken: whatever it has otherwise is older here, or loses the tie.
        for name in _naive(remote, local):
            assert local.timestamps.get(name, 0) >= remote.timestamps.get(name, 0) or name not in local.data


_WRONG: Any = st.sampled_from([None, True, 1, -1, STAMP_MAX, STAMP_MAX + 1, 1.0, "x", [], {}])
_NAMED: Any = st.sampled_from(["a", "b", 1])
_TOLD = st.fixed_dictionaries(
    {},
    optional={
        "data": st.dictionaries(_NAMED, _VALUES, max_size=2) | _WRONG,
        "timestamps": st.dictionaries(_NAMED, st.integers(0, 9) | _WRONG, max_size=2) | _WRONG,
        "received_at": st.just(0) | _WRONG,
    },
)
_GOOD = st.fixed_dictionaries(
    {"data": st.dictionaries(st.just("a"), _VALUES), "timestamps": st.dictionaries(st.just("a"), _STAMPS)}
)
_KEYS: Any = st.sampled_from(["k", "l", "m", "", 1])


@given(st.dictionaries(_KEYS, _GOOD | _TOLD | _WRONG, max_size=3))
def test_records_that_came_together_are_read_as_each_by_itself(told: dict[Any, Any]) -> None:
    assert _read(told, SyncRecord.from_dicts) == _read(
        told, lambda data: {key: SyncRecord.from_dict(key, each) for key, each in data.items()}
    )


@given(st.dictionaries(st.sampled_from(["k", "l"]), _GOOD, max_size=2))
def test_good_records_are_read(told: dict[str, Any]) -> None:
    found = SyncRecord.from_dicts(told)
    assert {key: (each.key, each.to_dict()) for key, each in found.items()} == {
        key: (key, each) for key, each in told.items()
    }


_STAMPED: list[Any] = [
    [],
    None,
    {1: 1},
    *({"a": at} for at in (True, 1.0, -1, STAMP_MAX, STAMP_MAX + 1, "1", None)),
]
_FILLED: list[Any] = [[], None, {1: "x"}]


@pytest.mark.parametrize(
    "odd",
    [
        *({"data": {}, "timestamps": stamps} for stamps in _STAMPED),
        *({"data": names, "timestamps": {}} for names in _FILLED),
        *({"data": {}, "timestamps": {}, "received_at": at} for at in (0, 5, -1, "5")),
        {"timestamps": {"a": 1}},
        {"data": {"a": 1}},
        {},
        None,
        [],
    ],
    ids=repr,
)
def test_one_odd_record_among_good_ones_is_seen(odd: Any) -> None:
    good = {"data": {"a": "x"}, "timestamps": {"a": 7}}
    told = {"k": good, "l": odd, "m": good}
    assert _read(told, SyncRecord.from_dicts) == _read(
        told, lambda data: {key: SyncRecord.from_dict(key, each) for key, each in data.items()}
    )


def _read(told: dict[Any, Any], read: Any) -> object:
    try:
        return [(key, repr(record)) for key, record in read(told).items()]
    except RecordFieldError as error:
        return str(error)


@given(st.dictionaries(st.text(), st.recursive(_VALUES, lambda inner: st.lists(inner) | _DATA)), _TIMES)
def test_a_record_has_the_text_that_json_gives_it(data: dict[str, Any], times: dict[str, int]) -> None:
    assert SyncRecord("k", data, times).encode() == json.dumps(
        {"data": data, "timestamps": times}, sort_keys=True, allow_nan=False
    )


@given(st.sampled_from([math.nan, math.inf, -math.inf]), st.booleans())
def test_what_json_cannot_hold_has_no_text(value: float, deep: bool) -> None:
    try:
        SyncRecord("k", {"a": [value] if deep else value}, {}).encode()
    except ValueError:
        return
    raise AssertionError("it has one")
