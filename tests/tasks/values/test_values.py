from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import StateError
from tasks.values.canonical import canonical, dump, is_empty, is_part, load, same

ZONES = st.one_of(
    st.none(),
    st.just(UTC),
    st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes))),
    st.sampled_from([ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")]),
)
KEYS = st.one_of(st.sampled_from(["$type", "value", ""]), st.text(max_size=3))
HASHABLE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.decimals(allow_nan=False),
    st.text(),
    st.binary(),
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.uuids(),
    st.datetimes(timezones=ZONES),
)
VALUES = st.recursive(
    HASHABLE,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.frozensets(HASHABLE, max_size=3),
        st.dictionaries(KEYS, inner, max_size=3),
    ),
    max_leaves=8,
)


@given(VALUES)
def test_every_value_comes_back_with_its_type(value: Any) -> None:
    text = dump(value)
    back = load(text)
    assert same(back, value)
    assert type(back) is type(value)
    assert dump(back) == text
    assert load(text.encode()) == back or "nan" in text
    assert text.encode()  # can be written to a file, whatever characters it has


JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(JSON)
def test_what_json_has_is_written_and_read_as_json_is(value: Any) -> None:
    written = dump(value)
    assert repr(json.loads(written)) == repr(json.loads(json.dumps(value, sort_keys=True)))
    assert repr(load(json.dumps(value, indent=1))) == repr(json.loads(json.dumps(value)))


@given(
    st.dictionaries(st.text(max_size=3), st.dictionaries(KEYS, HASHABLE, min_size=2, max_size=3), max_size=3)
)
def test_values_that_are_equal_are_written_alike_whatever_came_first(
    value: dict[str, dict[str, Any]],
) -> None:
    turned = {key: dict(reversed(part.items())) for key, part in reversed(value.items())}
    assert dump(turned) == dump(value)
    assert dump([*turned.values()][::-1]) == dump([*value.values()])


@given(VALUES, VALUES)
def test_same_is_reflexive_and_symmetric_and_its_form_can_be_hashed(one: Any, two: Any) -> None:
    assert same(one, one)
    assert same(one, two) == same(two, one)
    assert hash(canonical(one)) == hash(canonical(one))
    if same(one, two):
        assert hash(canonical(one)) == hash(canonical(two))


@given(st.datetimes(timezones=st.just(UTC)), st.integers(-1439, 1439))
def test_an_instant_is_the_same_in_every_zone(moment: datetime, minutes: int) -> None:
    try:
        elsewhere = moment.astimezone(timezone(timedelta(minutes=minutes)))
    except OverflowError:
        return
    assert same(moment, elsewhere)
    assert same(load(dump(elsewhere)), moment)
    assert not same(moment, moment + timedelta(seconds=1) if moment.year < 9999 else moment - timedelta(1))


def test_an_instant_before_the_first_year_of_utc_can_be_compared() -> None:
    early = datetime.min.replace(tzinfo=timezone(timedelta(hours=2)))
    assert same(early, early)
    assert not same(early, early.replace(tzinfo=UTC))


def test_the_repeated_hour_is_two_instants() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    first = datetime(2026, 10, 25, 2, 30, tzinfo=berlin)
    assert not same(first, first.replace(fold=1))
    assert same(first.replace(fold=1), datetime(2026, 10, 25, 1, 30, tzinfo=UTC))


class Colour(Enum):
    RED = "red"


class Size(IntEnum):
    SMALL = 1


class Word(StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    ("one", "two", "equal"),
    [
        (1, 1.0, True),
        (1, Decimal(1), True),
        (0.5, Decimal("0.5"), True),
        (1, True, False),
        (0, False, False),
        ([1], [True], False),
        ({"a": 1}, {"a": True}, False),
        ((1, 2), [1, 2], True),
        ([1, 2], [2, 1], False),
        ({1, 2}, frozenset([2, 1]), True),
        (["a"], {"a"}, False),
        ("", None, False),
        ("1", 1, False),
        ("nan", math.nan, False),
        (math.nan, math.nan, True),
        (math.nan, Decimal("nan"), True),
        (Decimal("snan"), Decimal("snan"), True),
        (b"a", "a", False),
        (date(2026, 1, 1), datetime(2026, 1, 1), False),
        (datetime(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC), False),
        (Colour.RED, "red", True),
        (Size.SMALL, 1, True),
        (Word.RED, "red", True),
        ({"a": None}, {}, False),
        (10**400, math.inf, False),
    ],
)
def test_what_means_the_same(one: Any, two: Any, equal: bool) -> None:
    assert same(one, two) is equal
    assert same(two, one) is equal


@pytest.mark.parametrize(
    ("value", "empty"),
    [
        (None, True), ("", True), ([], True), ((), True), ({}, True), (set(), True), (b"", True),
        (0, False), (False, False), (0.0, False), (" ", False), ([None], False),
        (timedelta(0), False), (date(2026, 1, 1), False),
    ],
)  # fmt: skip
def test_what_is_empty(value: Any, empty: bool) -> None:
    assert is_empty(value) is empty


def test_an_enum_is_kept_as_its_value() -> None:
    assert load(dump([Colour.RED, Size.SMALL, Word.RED])) == ["red", 1, "red"]
    assert load(dump({Word.RED: Word.RED})) == {"red": "red"}


def test_half_a_surrogate_pair_is_kept() -> None:
    assert load(dump({"\ud83d": "x\udc00"}).encode("utf-8")) == {"\ud83d": "x\udc00"}


@pytest.mark.parametrize("value", [object(), {1: "a"}, {"a": object()}, [object()], 1j])
def test_what_cannot_be_kept_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="kept as JSON"):
        dump(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        b"\xff",
        '{"$type": "date"}',
        '{"$type": "date", "value": "yesterday"}',
        '{"$type": "date", "value": 5}',
        '{"$type": "unheard of", "value": 1}',
        '{"$type": {"a": 1}, "value": 1}',
        '{"$type": "map", "value": 1}',
        '{"$type": "uuid", "value": 1}',
        '{"$type": "uuid", "value": "x"}',
        '{"$type": "decimal", "value": "x"}',
        '{"$type": "timedelta", "value": 4}',
        '{"$type": "timedelta", "value": [999999999999, 0, 0]}',
        '{"$type": "bytes", "value": "!"}',
        '{"$type": "set", "value": [[]]}',
        "[" * 100_000,
    ],
)
def test_what_nobody_dumped_is_an_error_that_is_told(text: str | bytes) -> None:
    with pytest.raises(StateError, match="a stored value cannot be read"):
        load(text)


def test_examples_of_what_is_written() -> None:
    written = dump({"b": date(2026, 1, 2), "a": ("x", Decimal("1.10")), "c": time(1, 2)})
    assert written == (
        '{"a":{"$type":"tuple","value":["x",{"$type":"decimal","value":"1.10"}]},'
        '"b":{"$type":"date","value":"2026-01-02"},"c":{"$type":"time","value":"01:02:00"}}'
    )
    assert load(dump({"$type": "date", "value": 1})) == {"$type": "date", "value": 1}
    assert load(dump(UUID(int=5))) == UUID(int=5)


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [
        ("", "text", True),
        (None, "text", True),
        ([], ["a"], True),
        ("te", "text", True),
        ("a ", "a b", True),
        ("text", "text", False),
        ("text", "te", False),
        ("xt", "text", False),
        ("", "", False),
        (None, "", False),
        (1, 12, False),
        (False, True, False),
    ],
)
def test_what_is_left_of_a_value_that_a_service_drops_or_cuts(part: Any, whole: Any, expected: bool) -> None:
    assert is_part(part, whole) is expected
