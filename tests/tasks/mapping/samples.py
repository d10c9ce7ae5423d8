"""Attributes of every kind, and values that their sides may show."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from tasks.sides import Attribute, Kind, Option, Person, State
from tasks.values.date_range import DateRange
from tasks.values.opaque import Opaque

STATUS = (
    Option("To do"),
    Option("Waiting", State.OPEN),
    Option("Doing"),
    Option("Done"),
    Option("Archived", State.DONE),
)
LEVELS = (Option("High"), Option("Medium"), Option("low"), Option("Someday"))
TAGS = (Option("home"), Option("a;b"))

#: By kind, what attributes a side may have of it.
ATTRIBUTES: Mapping[Kind, tuple[Attribute, ...]] = {
    **{kind: (Attribute(kind),) for kind in Kind},
    Kind.MOMENT: (Attribute(Kind.MOMENT), Attribute(Kind.MOMENT, whole_minutes=True)),
    Kind.SPAN: (Attribute(Kind.SPAN), Attribute(Kind.SPAN, whole_minutes=True)),
    Kind.CHOICE: (
        Attribute(Kind.CHOICE, options=STATUS),
        Attribute(Kind.CHOICE, options=LEVELS, new_options=True),
        Attribute(Kind.CHOICE, new_options=True),
    ),
    Kind.STATE: (
        Attribute(Kind.STATE),
        *(
            Attribute(
                Kind.STATE, options=tuple(Option(state.value, state) for state in State if state is not one)
            )
            for one in (State.ACTIVE, State.CANCELLED)
        ),
    ),
    Kind.PERSON: (
        Attribute(Kind.PERSON),
        Attribute(Kind.PERSON, people=(Person("x", "x@example.org"), Person("y", "y@example.org"))),
    ),
    Kind.CHOICES: (Attribute(Kind.CHOICES, options=TAGS), Attribute(Kind.CHOICES, new_options=True)),
}

WORDS = st.sampled_from(
    [
        "",
        "Done",
        "done",
        "to do",
        "WAITING",
        "High",
        "low ",
        "yes",
        "No",
        "3",
        "4.50",
        "2026-07-04",
        " a, b;c",
        "home",
    ]
)
SIGNS = st.text(st.sampled_from("ab *_`[]()#>\\~!\r\n\x00,;\ud800é"), max_size=12)
TEXTS = st.one_of(st.none(), WORDS, SIGNS, st.text(max_size=6))
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))])
DAYS = st.dates(date(1, 1, 3), date(9999, 12, 28))
INSTANTS = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 28), timezones=ZONES)
NAMES = st.one_of(
    st.sampled_from([option.name for option in (*STATUS, *LEVELS, *TAGS)]), st.text("ab,; A", max_size=4)
)
IDS = st.lists(st.sampled_from("xyz"), unique=True).map(lambda ids: tuple(sorted(ids)))


def _span(start: date, length: int | None) -> DateRange:
    return DateRange(start, None if length is None else start + timedelta(days=length))


SPANS = st.builds(_span, st.one_of(DAYS, INSTANTS), st.one_of(st.none(), st.integers(0, 2)))
NUMBERS = st.one_of(
    st.integers(-3, 12),
    st.integers(),
    st.floats(allow_nan=False),
    st.decimals(allow_nan=False, allow_infinity=False, places=2),
)


def values(attribute: Attribute) -> st.SearchStrategy[Any]:
    """What a side may show of an attribute, also where it cannot be read."""
    return st.one_of(
        _values(attribute), st.just(Opaque("hidden")) if attribute.kind is Kind.OPAQUE else st.none()
    )


def _minutes(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.replace(second=0, microsecond=0)
    if isinstance(value, DateRange):
        return DateRange(_minutes(value.start), None if value.end is None else _minutes(value.end))
    return value


def _values(attribute: Attribute) -> st.SearchStrategy[Any]:  # one line per kind
    match attribute.kind:
        case Kind.TEXT | Kind.FORMATTED:
            return TEXTS
        case Kind.ADDRESS:
            mails = st.sampled_from(["x@example.org", "z@example.org"])
            return st.one_of(TEXTS, mails).map(lambda text: (text or "").replace("\n", "") or None)
        case Kind.NUMBER:
            return NUMBERS
        case Kind.WHOLE:
            return st.integers()
        case Kind.YES_NO:
            return st.booleans()
        case Kind.DATE:
            return DAYS
        case Kind.MOMENT | Kind.SPAN:
            times = SPANS if attribute.kind is Kind.SPAN else st.one_of(DAYS, INSTANTS)
            return times.map(_minutes) if attribute.whole_minutes else times
        case Kind.STATE:
            return st.sampled_from([option.state for option in attribute.options] or list(State))
        case Kind.PRIORITY:
            return st.integers(1, 9)
        case Kind.CHOICE:
            return (
                NAMES.filter(str.strip)
                if attribute.new_options
                else st.sampled_from([o.name for o in attribute.options])
            )
        case Kind.CHOICES:
            names = (
                NAMES
                if attribute.new_options
                else st.sampled_from([option.name for option in attribute.options])
            )
            return st.lists(names, unique=True, max_size=3).map(lambda names: tuple(sorted(names)))
        case Kind.OPAQUE:
            return st.one_of(st.integers(), st.text(max_size=3), st.just(Opaque("hidden")))
    return IDS
