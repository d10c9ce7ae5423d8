"""A date that an end keeps as midnight stays a date at the other one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.mapping import Mapping, Pair, bind
from tasks.merge import Link, Match, Policy, Record, Snapshot, Update, make_plan
from tasks.sides import Attribute, End, Kind, Labels
from tasks.values.canonical import same
from tasks.values.date_range import DateRange

BERLIN = ZoneInfo("Europe/Berlin")
ROWS = Attribute(Kind.MOMENT, whole_minutes=True)
TABLE = Attribute(Kind.MOMENT, midnight_in="Europe/Berlin")
DAY = date(2026, 7, 4)
MIDNIGHT = datetime(2026, 7, 4, tzinfo=BERLIN)


def bound(left: Attribute, right: Attribute) -> Mapping:
    return bind([Pair("Due", "due")], {"Due": left}, {"due": right}, Labels("Notion", "the table"))


def test_it_is_told() -> None:
    assert bound(ROWS, TABLE).told == (
        "'Due' of Notion (moment) and 'due' of the table (moment): Notion has no seconds; "
        "the table has no dates without a time, and keeps one as its midnight in Europe/Berlin",
    )
    assert bound(TABLE, TABLE).lossy == {}


@pytest.mark.parametrize(
    ("full", "shown", "new", "becomes"),
    [
        (DAY, MIDNIGHT, MIDNIGHT + timedelta(days=1), date(2026, 7, 5)),
        (DAY, MIDNIGHT, MIDNIGHT + timedelta(hours=9), MIDNIGHT + timedelta(hours=9)),
        (MIDNIGHT, MIDNIGHT, MIDNIGHT + timedelta(days=1), MIDNIGHT + timedelta(days=1)),
        (None, None, MIDNIGHT, MIDNIGHT),
        (DAY, MIDNIGHT, None, None),
        (DAY, DAY, date(2026, 7, 5), date(2026, 7, 5)),  # SQLite may have a date there all the same
    ],
)
def test_a_new_midnight_is_a_new_date_where_there_was_one(
    full: Any, shown: Any, new: Any, becomes: Any
) -> None:
    lossy = bound(ROWS, TABLE).lossy["Due"]
    assert lossy.side == End.RIGHT
    assert lossy.agrees(full, shown, None)
    assert lossy.narrowed(full, shown) == shown
    assert lossy.widened(new, full, shown) == becomes
    assert type(lossy.widened(new, full, shown)) is type(becomes)


def test_a_span_of_days_starts_on_another_day() -> None:
    lossy = bound(Attribute(Kind.SPAN, whole_minutes=True), TABLE).lossy["Due"]
    trip = DateRange(DAY, date(2026, 7, 6))
    assert lossy.show(trip) == MIDNIGHT
    later = lossy.widened(MIDNIGHT + timedelta(days=1), trip, MIDNIGHT)
    assert later == DateRange(date(2026, 7, 5), date(2026, 7, 6))


def test_seconds_of_the_table_stay_there() -> None:
    mapping = bound(ROWS, TABLE)
    nine = MIDNIGHT + timedelta(hours=9, seconds=30)
    assert mapping.common(End.RIGHT, {"due": nine}) == {"Due": nine.replace(second=0)}
    assert mapping.native(End.RIGHT, {"Due": nine.replace(second=0)}, {"due": nine}) == {"due": nine}


@pytest.mark.parametrize("day", [date.min, date.max])
def test_the_first_and_the_last_day_end_no_run(day: date) -> None:
    for zone in ("Asia/Tokyo", "America/New_York"):
        lossy = bound(ROWS, Attribute(Kind.MOMENT, midnight_in=zone)).lossy["Due"]
        assert lossy.agrees(day, lossy.show(day), None)


def test_what_is_matched_by_its_date_is_found_by_its_midnight() -> None:
    match = Match(("Due",), lossy=bound(ROWS, TABLE).lossy)
    assert match.key(End.LEFT, {"Due": DAY}) == match.key(End.RIGHT, {"Due": MIDNIGHT}) != ""
    assert match.key(End.LEFT, {"Due": DAY}) == match.key(End.RIGHT, {"Due": DAY})


TIMES = st.one_of(
    st.none(),
    st.dates(date(2026, 3, 28), date(2026, 3, 30)),  # clocks are set forward in between
    st.builds(
        lambda minutes: datetime(2026, 3, 28, tzinfo=UTC) + timedelta(minutes=minutes), st.integers(0, 4000)
    ),
)


class Ends:
    """A pair whose right end shows every date as midnight, run by the merge itself."""

    def __init__(self) -> None:
        self.policy = Policy(("Due",), lossy=bound(ROWS, TABLE).lossy)
        self.left: Any = None
        self.right: Any = None
        self.link = Link("l", "r", {"Due": None}, {"Due": None})

    def run(self) -> int:
        shown = {
            end: Snapshot(end, {one: Record(one, {"Due": value})})
            for end, one, value in ((End.LEFT, "l", self.left), (End.RIGHT, "r", self.right))
        }
        updates = make_plan([self.link], shown[End.LEFT], shown[End.RIGHT], self.policy).of(Update)
        for update in updates:
            value = update.changes["Due"].new
            if update.side is End.LEFT:
                self.left = value
            else:
                self.right = value if value is None else bound(ROWS, TABLE).lossy["Due"].show(value)
        self.link = Link("l", "r", {"Due": self.left}, {"Due": self.right})
        return len(updates)


@given(st.lists(st.tuples(st.sampled_from(End), TIMES), min_size=1, max_size=6))
def test_no_edit_comes_back_and_no_date_is_lost(edits: list[tuple[End, Any]]) -> None:
    ends = Ends()
    for end, value in edits:
        before = ends.left
        if end is End.LEFT:
            ends.left = value
        else:
            ends.right = (
                value
                if value is None or isinstance(value, datetime)
                else datetime.combine(value, datetime.min.time(), BERLIN)
            )
        written = ends.right
        assert ends.run() <= 1
        if end is End.LEFT:
            assert same(ends.left, value), "what was typed stays as it was typed"
        else:
            assert same(ends.right, written)
            was_date = isinstance(before, date) and not isinstance(before, datetime)
            is_midnight = written is not None and written.astimezone(BERLIN).time() == datetime.min.time()
            if was_date and is_midnight:
                assert same(ends.left, written.astimezone(BERLIN).date())
            else:
                assert same(ends.left, written)
        assert ends.run() == 0
