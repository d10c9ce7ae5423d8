"""Dates, moments and spans: what one end does not show stays at the other."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tasks.mapping import Mapping, Pair, bind
from tasks.sides import Attribute, End, Kind, Labels
from tasks.values.date_range import DateRange

NINE = datetime(2026, 7, 4, 9, 0, 30, tzinfo=UTC)
MINUTE = NINE.replace(second=0)
DAY = date(2026, 7, 4)
HOUR = timedelta(hours=1)


def bound(left: Attribute, right: Attribute) -> Mapping:
    return bind([Pair("Due", "due")], {"Due": left}, {"due": right}, Labels("Notion", "the calendar"))


def lossy_of(left: Attribute, right: Attribute) -> Any:
    return bound(left, right).lossy["Due"]


def test_a_date_keeps_the_time_of_day_that_was_there() -> None:
    lossy = lossy_of(Attribute(Kind.MOMENT), Attribute(Kind.DATE))
    assert (lossy.side, lossy.show(NINE)) == (End.RIGHT, DAY)
    assert lossy.restore(date(2026, 7, 5), NINE) == NINE + timedelta(days=1)
    assert lossy_of(Attribute(Kind.DATE), Attribute(Kind.MOMENT)).side == End.LEFT


@pytest.mark.parametrize(
    ("full", "shown", "new", "restored"),
    [
        (
            DateRange(DAY, date(2026, 7, 6)),
            DAY,
            date(2026, 7, 5),
            DateRange(date(2026, 7, 5), date(2026, 7, 6)),
        ),
        (DateRange(NINE, NINE + HOUR), DAY, date(2026, 7, 3), DateRange(NINE - 24 * HOUR, NINE + HOUR)),
        (DateRange(NINE, NINE + HOUR), DAY, None, None),
        (None, None, DAY, DateRange(DAY)),
    ],
)
def test_a_date_is_where_a_span_starts(full: Any, shown: Any, new: Any, restored: Any) -> None:
    lossy = lossy_of(Attribute(Kind.SPAN), Attribute(Kind.DATE))
    assert lossy.show(full) == shown
    assert lossy.restore(new, full) == restored
    assert lossy.show(restored) == new


def test_a_moment_is_where_a_span_starts() -> None:
    lossy = lossy_of(Attribute(Kind.SPAN), Attribute(Kind.MOMENT))
    assert lossy.show(DateRange(NINE, NINE + HOUR)) == NINE
    assert lossy.restore(NINE + HOUR, DateRange(NINE, NINE + 2 * HOUR)) == DateRange(
        NINE + HOUR, NINE + 2 * HOUR
    )


def test_a_side_without_seconds() -> None:
    fine, coarse = Attribute(Kind.MOMENT), Attribute(Kind.MOMENT, whole_minutes=True)
    lossy = lossy_of(fine, coarse)
    assert (lossy.side, lossy.show(NINE)) == (End.RIGHT, MINUTE)
    assert bound(coarse, coarse).lossy == bound(fine, fine).lossy == {}
    spans = lossy_of(Attribute(Kind.SPAN, whole_minutes=True), Attribute(Kind.SPAN))
    assert (spans.side, spans.show(DateRange(NINE, NINE + HOUR))) == (
        End.LEFT,
        DateRange(MINUTE, MINUTE + HOUR),
    )
    assert spans.show(DateRange(NINE)) == DateRange(MINUTE)


def test_each_end_lacks_what_the_other_has() -> None:
    span = Attribute(Kind.SPAN, whole_minutes=True)
    mapping = bound(span, Attribute(Kind.MOMENT))
    assert mapping.common(End.RIGHT, {"due": NINE}) == {"Due": MINUTE}
    assert mapping.native(End.RIGHT, {"Due": MINUTE}, {"due": NINE}) == {"due": NINE}
    assert mapping.lossy["Due"].show(DateRange(MINUTE, MINUTE + HOUR)) == MINUTE
    short = lossy_of(Attribute(Kind.SPAN), Attribute(Kind.MOMENT, whole_minutes=True))
    assert short.show(DateRange(NINE, NINE + HOUR)) == MINUTE


def test_a_span_from_a_text_keeps_its_zone() -> None:
    mapping = bound(Attribute(Kind.SPAN), Attribute(Kind.TEXT))
    berlin = DateRange(NINE, NINE + HOUR, "Europe/Berlin")
    moved = mapping.common(End.RIGHT, {"due": "2026-07-05T09:00:00+00:00"})
    assert mapping.native(End.LEFT, moved, {"Due": berlin})["Due"].zone == "Europe/Berlin"
