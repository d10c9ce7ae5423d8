"""Ranges of dates as values."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from tasks.merge import End, Policy
from tasks.values.canonical import dump, load, same
from tasks.values.date_range import DateRange
from tasks.values.lossy import start_only

NINE = datetime(2026, 7, 1, 9, tzinfo=UTC)
EASTERN = timezone(timedelta(hours=9))


@pytest.mark.parametrize(
    "edges",
    [
        (date(2026, 7, 2), date(2026, 7, 1)),
        (date(2026, 7, 1), NINE),
        (NINE, date(2026, 7, 1)),
        (datetime(2026, 7, 1, 9), None),
    ],
)
def test_no_range_is_backwards_or_of_two_kinds(edges: tuple[date, date | None]) -> None:
    with pytest.raises(ValueError, match=r"range|zone"):
        DateRange(*edges)


@pytest.mark.parametrize(
    "value",
    [
        DateRange(date(2026, 7, 1)),
        DateRange(date(2026, 7, 1), date(2026, 7, 3)),
        DateRange(NINE, NINE + timedelta(hours=1), "Europe/Berlin"),
    ],
)
def test_ranges_are_kept_and_read_back_with_their_types_and_zones(value: DateRange) -> None:
    back = load(dump(value))
    assert back == value
    assert (back.zone, type(back.start)) == (value.zone, type(value.start))


def test_ranges_are_the_same_as_instants_and_differ_by_their_ends() -> None:
    assert same(DateRange(NINE, None, "Europe/Berlin"), DateRange(NINE.astimezone(EASTERN)))
    assert not same(DateRange(NINE), DateRange(NINE, NINE))
    assert not same(DateRange(date(2026, 7, 1)), date(2026, 7, 1))


def test_a_start_that_moves_keeps_the_zone_and_an_end_that_still_fits() -> None:
    berlin = NINE.astimezone(ZoneInfo("Europe/Berlin"))
    moved = DateRange(berlin, berlin + timedelta(hours=2), "Europe/Berlin").moved(NINE + timedelta(hours=1))
    assert (moved.start.isoformat(), moved.zone) == ("2026-07-01T12:00:00+02:00", "Europe/Berlin")
    assert moved.end == NINE + timedelta(hours=2)


def test_a_side_that_shows_starts_only_changes_no_end() -> None:
    policy = Policy(("When",), lossy={"When": start_only("right")})
    full = DateRange(date(2026, 7, 1), date(2026, 7, 3))
    assert policy.agree("When", full, date(2026, 7, 1))
    assert policy.carried("When", date(2026, 7, 2), full, End.LEFT) == DateRange(
        date(2026, 7, 2), date(2026, 7, 3)
    )
    assert policy.carried("When", date(2026, 7, 9), None, End.LEFT) == DateRange(date(2026, 7, 9))
    assert policy.carried("When", None, full, End.LEFT) is None
    assert policy.carried("When", full, None, End.RIGHT) == date(2026, 7, 1)
