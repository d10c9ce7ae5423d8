"""Rows, records and keys that are converted a column at a time come out as one by one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.database.records.record import SyncRecord
from tasks.database.sql.tables.synced_table import SyncedTable
from tasks.database.sql.values.codec import ValueRefusedError

_KEYS = st.one_of(
    st.integers(0, 10**20).map(str), st.sampled_from(["", "0", "01", "-5", "1.0", "²", "x", "9" * 401])
)
_KINDS: list[sa.types.TypeEngine[Any]] = [
    sa.Text(),
    sa.Integer(),
    sa.Float(),
    sa.Numeric(8, 2),
    sa.Boolean(),
    sa.DateTime(),
    sa.JSON(),
]


def _table(dialect: str, key: sa.types.TypeEngine[Any]) -> SyncedTable:
    columns = (sa.Column(f"c{at}", kind) for at, kind in enumerate(_KINDS))
    table = sa.Table("item", sa.MetaData(), sa.Column("id", key, primary_key=True), *columns)
    return SyncedTable.of(table, dialect)


TABLES = [_table(dialect, key) for dialect in ("sqlite", "postgresql") for key in (sa.Integer(), sa.Text())]


def _shown(row: dict[str, Any]) -> str:
    """With classes: 1, 1.0 and True are not the same here."""
    return repr(row)


@pytest.fixture(scope="module")
def reached() -> Iterator[Counter[str]]:
    """How often what was looked at."""
    counts: Counter[str] = Counter()
    yield counts
    assert counts["refused"] > 5
    assert counts["taken"] > 5
    assert counts["converted"] > 5
    assert counts["as they stand"] > 5


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(TABLES), st.lists(_KEYS, max_size=5))
def test_many_keys(reached: Counter[str], table: SyncedTable, keys: list[str]) -> None:
    try:
        expected: Any = [table.key_in(key) for key in keys]
    except ValueRefusedError:
        expected = None
    try:
        found: Any = table.keys_in(keys)
    except ValueRefusedError:
        found = None
    assert repr(found) == repr(expected)
    reached["refused" if expected is None else "taken"] += 1


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from([table for table in TABLES if table.dialect == "sqlite"]),
    st.data(),
)
def test_data_of_many_rows(reached: Counter[str], table: SyncedTable, drawn: st.DataObject) -> None:
    usual = ["7", "words", 7, 2.5, 1, 1, "2026-01-02 03:04:05", "[1]"]
    value = st.sampled_from([None, 0, 1, 2**62, 1.5, float("inf"), "a", "2026-01-02 03:04:05", "{}", b"\xff"])
    width = len(table.fields)
    row = st.one_of(st.just(usual), st.lists(value, min_size=width, max_size=width))
    rows = drawn.draw(st.lists(row, max_size=4))
    found = table.data_of_all(rows)
    assert list(map(_shown, found)) == [_shown(table.data_of(row)) for row in rows]
    for before, after in zip(rows, found, strict=True):
        for was, made in zip(before, after.values(), strict=True):
            reached["as they stand" if was is made else "converted"] += 1


@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.integers(0, 3)), max_size=8))
def test_texts_of_records_with_stamps_of_the_one_before(stamps: list[dict[str, int]]) -> None:
    for times in stamps:
        expected = json.dumps({"data": {"b": 1, "a": "ä"}, "timestamps": times}, sort_keys=True)
        assert SyncRecord("1", {"b": 1, "a": "ä"}, times).encode() == expected
        times["a"] = 9  # whoever has it may change it
        assert SyncRecord("1", {}, times).encode() == json.dumps(
            {"data": {}, "timestamps": times}, sort_keys=True
        )
