"""Values are read as what they are, and come back as they were written."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.services.sql import values
from tasks.services.sql.dialects import DIALECTS
from tasks.services.sql.values import Codec, Raw, WrongValueError
from tasks.values.canonical import same
from tasks.values.opaque import Opaque

BERLIN = ZoneInfo("Europe/Berlin")
SQLITE, POSTGRESQL = DIALECTS["sqlite"], DIALECTS["postgresql"]
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
MOMENTS = st.datetimes(
    datetime(1, 1, 2),
    datetime(9999, 12, 30),
    timezones=st.sampled_from([UTC, BERLIN, ZoneInfo("Asia/Kolkata")]),
)
#: By codec, what it keeps as it is.
KEPT: list[tuple[Codec, st.SearchStrategy[Any]]] = [
    (values.Text(), TEXTS.filter(bool)),
    (values.Whole(), st.integers(-(2**63), 2**63 - 1)),
    (values.Number(), st.floats(allow_nan=False, allow_infinity=False)),
    (values.YesNo(), st.booleans()),
    (values.Day(), st.dates()),
    (values.Moment(), MOMENTS),
    (values.Moment(zone=BERLIN, names_zone=True), MOMENTS),
    (values.Choice(options=("a", "b c")), st.sampled_from(["a", "b c"])),
]


@pytest.mark.parametrize("place", range(len(KEPT)))
@pytest.mark.parametrize("dialect", [SQLITE, POSTGRESQL], ids=["sqlite", "postgresql"])
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_value_comes_back(dialect: Any, place: int, data: st.DataObject) -> None:
    codec, kept = KEPT[place]
    value = data.draw(kept)
    raw = dialect.raw(codec.write(value))
    assert same(codec.read(raw), value)
    assert dialect.raw(codec.write(codec.read(raw), raw)) == raw, "a value that stays leaves the row as it is"


@given(
    value=st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**12), max_value=10**12)
)
def test_decimals_keep_their_places_where_they_can(value: Decimal) -> None:
    codec = values.Number(in_decimals=True)
    assert codec.read(POSTGRESQL.raw(codec.write(value))) == value
    in_file = SQLITE.raw(codec.write(value))
    assert not isinstance(in_file, str | Decimal), "a number, so that other programs reckon with it"
    assert abs(codec.read(in_file) - value) <= abs(value) / 10**15


@settings(deadline=None)
@given(names=st.lists(TEXTS, max_size=4, unique=True), before=st.lists(TEXTS, max_size=4))
def test_lists_keep_the_order_of_what_stays(names: list[str], before: list[str]) -> None:
    codec = values.Choices()
    written = codec.write(tuple(names), json.dumps(before)) or []
    assert isinstance(written, list)
    assert codec.read(json.dumps(written)) == tuple(sorted(names))
    stay = [name for name in dict.fromkeys(before) if name in names]
    assert [name for name in dict.fromkeys(written) if name in before] == stay


@settings(deadline=None)
@given(moment=MOMENTS)
def test_a_time_without_a_zone_means_the_zone_of_the_table(moment: datetime) -> None:
    codec = values.Moment(zone=BERLIN)
    try:
        raw = codec.write(moment)
    except WrongValueError:
        local = moment.astimezone(BERLIN)
        assert local.fold == 1 or not same(local.replace(fold=1), local.replace(fold=0))
        return
    assert isinstance(raw, str)
    assert "+" not in raw
    assert same(codec.read(raw), moment)


@pytest.mark.parametrize(
    ("codec", "raw"),
    [
        (values.Whole(), "seven"),
        (values.Whole(), 7.5),
        (values.Whole(), b"7"),
        (values.Whole(), ""),
        (values.Number(), "NaN"),
        (values.Number(in_decimals=True), "Infinity"),
        (values.Number(), "much"),
        (values.YesNo(), 7),
        (values.YesNo(), "maybe"),
        (values.Day(), "infinity"),
        (values.Day(), "0044-03-15 BC"),
        (values.Day(), "10000-01-01"),
        (values.Day(), "2026-02-30"),
        (values.Day(), "2026-03-02 09:30:00"),
        (values.Day(), 20260302),
        (values.Moment(), "infinity"),
        (values.Moment(), "10000-01-01 00:00:00+00"),
        (values.Moment(), "0044-03-15 12:00:00+00 BC"),
        (values.Moment(zone=BERLIN), "9999-12-31 23:59:59+00"),
        (values.Moment(), "soon"),
        (values.Moment(), 1772443800),
        (values.Text(), b"\xff"),
        (values.Choices(), "[1, 2]"),
        (values.Choices(), '["a", null]'),
        (values.Choices(), '[["a"]]'),
        (values.Choices(), "{a,b}"),
    ],
)
def test_what_is_odd_is_not_read(codec: Codec, raw: Raw) -> None:
    value = codec.read(raw)
    assert isinstance(value, Opaque)
    assert value.odd


@pytest.mark.parametrize(
    ("codec", "value", "said"),
    [
        (values.Text(length=3), "four", "longer than 3"),
        (values.Text(), "a\0b", "NUL"),
        (values.Text(), "half \ud800", "half a sign"),
        (values.Text(is_json=True), "{not json", "no JSON"),
        (values.Whole(), 2.5, "no whole number"),
        (values.Whole(), 2**63, "too large"),
        (values.Whole(), True, "no number"),
        (values.Whole(False), None, "cannot be empty"),
        (values.Number(), float("inf"), "finite"),
        (values.Number(), "2.5", "no number"),
        (values.YesNo(), 1, "neither"),
        (values.Day(), datetime(2026, 3, 2, tzinfo=UTC), "no date"),
        (values.Day(False), None, "cannot be empty"),
        (values.Moment(), datetime(2026, 3, 2), "without a zone"),
        (values.Moment(), "2026-03-02", "no time"),
        (values.Moment(zone=BERLIN), datetime(9999, 12, 31, 23, 30, tzinfo=UTC), "out of range"),
        (values.Moment(zone=BERLIN), datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "twice"),
        (values.Choice(options=("a", "b")), "c", "none of a, b"),
        (values.Choices(options=("a", "b")), ("a", "c"), "none of a, b"),
        (values.Unread(), "x", "not written"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(codec: Codec, value: Any, said: str) -> None:
    with pytest.raises(WrongValueError, match=said):
        codec.write(value)


@pytest.mark.parametrize(
    ("codec", "raw"),
    [
        (values.Text(), None),
        (values.Text(False), ""),
        (values.YesNo(False), False),
        (values.Choices(False), []),
        (values.Whole(), None),
    ],
)
def test_nothing_is_what_the_column_has_for_it(codec: Codec, raw: Any) -> None:
    assert codec.write(None) == raw
    assert codec.read(None) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("2026-03-02T09:30:00Z", "2026-04-05T17:00:00Z"),
        ("2026-03-02T09:30:00+05:00", "2026-04-05T17:00:00+00:00"),
        ("2026-03-02T09:30", "2026-04-05T17:00:00"),
        ("2026-03-02 09:30:00", "2026-04-05 17:00:00"),
        ("2026-03-02", "2026-04-05 17:00:00"),
        (None, "2026-04-05 17:00:00"),
    ],
)
def test_a_time_stays_in_the_form_that_it_had(old: Raw, new: str) -> None:
    assert values.Moment().write(datetime(2026, 4, 5, 17, tzinfo=UTC), old) == new


def test_days_of_a_file_may_be_midnights() -> None:
    day = values.Day()
    assert day.read("2026-03-02 00:00:00.000000") == date(2026, 3, 2)
    assert day.write(date(2026, 3, 3), "2026-03-02 00:00:00") == "2026-03-03 00:00:00"
    assert values.Moment().read("2026-03-02") == date(2026, 3, 2)
    midnight = values.Moment(zone=BERLIN).write(date(2026, 7, 1))
    assert values.Moment(zone=BERLIN).read(midnight) == datetime(2026, 7, 1, tzinfo=BERLIN)
    assert (
        values.Moment(zone=BERLIN).read("2026-07-01 12:00:00") - datetime(2026, 7, 1, 10, tzinfo=UTC)
        == timedelta()
    )
