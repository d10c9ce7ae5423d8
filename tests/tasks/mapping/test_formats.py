"""Numbers and times in texts of a form that the user says: what is written is read back, or it is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.errors import TaskDefinitionError
from tasks.mapping import Mapping, Pair, bind, pairs_of
from tasks.mapping.number_format import read_number_format
from tasks.mapping.time_format import read_time_format
from tasks.sides import Attribute, End, Kind, Labels
from tasks.values.canonical import same
from tasks.values.opaque import Opaque

LABELS = Labels("Notion", "the table")
WIDE = Context(prec=500)
BERLIN = ZoneInfo("Europe/Berlin")
SAMPLES = st.builds(
    lambda before, thousands, point, decimals, after: (
        f"{before}1{thousands}234{point + decimals if decimals else ''}{after}",
        len(decimals),
    ),
    st.sampled_from(["", "€ ", "EUR ", "(", "Fr. ", "≈"]),
    st.sampled_from(["", ",", "'", "’", " ", "\u00a0", "\u202f", "_"]),
    st.just("."),
    st.sampled_from(["", "5", "56", "567", "00000000"]),
    st.sampled_from(["", " €", "%", " kg", ",-", ")"]),
)
ZONES = st.sampled_from(
    [UTC, BERLIN, timezone(timedelta(hours=-3, minutes=-30)), ZoneInfo("Australia/Lord_Howe")]
)
#: Berlin left its local mean time in 1893: clocks jumped by 6 minutes and 32 seconds, into the midst of a minute.
FIRST = datetime(1894, 1, 1)
MOMENTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=ZONES)
LATER = st.datetimes(FIRST, datetime(9998, 12, 31), timezones=ZONES)
DAYS = st.permutations(["%d", "%m", "%Y"]).flatmap(
    lambda signs: st.tuples(
        st.sampled_from([".", "/", "-", " ", ", ", ""]),
        st.sampled_from(["%m", "%-m", "%b", "%B"]),
        st.booleans(),
    ).map(
        lambda how: how[0].join(
            {"%m": how[1] if how[0] else "%m", "%d": "%-d" if how[2] and how[0] else "%d"}.get(sign, sign)
            for sign in signs
        )
    )
)
HOURS = st.sampled_from(["%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%I:%M %p", "%-I.%M%p", "at %H h", "%H%M"])


def bound(kind: Kind, *, text_left: bool = False, whole_minutes: bool = False, **pair: Any) -> Mapping:
    one, text = Attribute(kind, whole_minutes=whole_minutes), Attribute(Kind.TEXT)
    left, right = (text, one) if text_left else (one, text)
    return bind([Pair("A", "b", **pair)], {"A": left}, {"b": right}, LABELS)


def refusal(kind: Kind, **pair: Any) -> str:
    with pytest.raises(TaskDefinitionError) as refused:
        bound(kind, **pair)
    assert "'A'" in str(refused.value)
    return str(refused.value)


def exactly(value: Any) -> Decimal:
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


# -- numbers ----------------------------------------------------------------------------------------------


@settings(max_examples=300, deadline=None, database=None)
@given(
    SAMPLES,
    st.one_of(
        st.integers(), st.decimals(allow_nan=False, allow_infinity=False, places=3), st.floats(-1e300, 1e300)
    ),
)
def test_a_number_is_read_back_as_it_was_rounded(sample: tuple[str, int], value: Any) -> None:
    form = read_number_format(sample[0])
    assert form.places == sample[1]
    text = form.spell(value)
    rounded = exactly(value).quantize(Decimal(1).scaleb(-form.places), ROUND_HALF_UP, WIDE)
    assert exactly(form.read(text)) == rounded
    assert form.spell(form.read(text)) == text
    if rounded < 0:
        assert form.read(text.replace("-", "\u2212", 1)) == form.read(text)


@pytest.mark.parametrize(
    ("sample", "texts"),
    [
        ("1.234,56", {"1.234,56": 1234.56, "1234,5": 1234.5, "-7": -7, "+7,00": 7, "1.000.000": 1000000}),
        ("1,234.56 $", {"1,234.56 $": 1234.56, "12$": 12, "−0.05 $": -0.05}),
        ("1 234,5", {"1\u00a0234": 1234, "1 234,5": 1234.5}),
        ("1'234.50", {"1'234.50": 1234.5}),
        ("1.234", {"1.234": 1234, "1234": 1234}),
        ("1234.567", {"1.234": 1.234, "1234": 1234}),
    ],
)
def test_texts_are_read_as_the_sample_says(sample: str, texts: dict[str, Any]) -> None:
    form = read_number_format(sample)
    assert {text: form.read(text) for text in texts} == texts


@pytest.mark.parametrize(
    ("sample", "text"),
    [
        ("1.234,56", "1,234.56"),
        ("1.234,56", "1.5"),
        ("1.234,56", "12.34"),
        ("1.234,56", "1.234,567"),
        ("1.234,56", "1.2345"),
        ("1.234,56", "5 €"),
        ("1.234,56", "٣"),
        ("1.234,56", ""),
        ("1.234,56", ",5"),
        ("1234", "1.5"),
        ("1234", "1,000"),
        ("1,234.56 $", "5"),
        ("1,234.56", "--5"),
        ("1,234.56", "1e5"),
        ("1,234.56", "nan"),
    ],
)
def test_a_text_that_does_not_fit_is_never_guessed(sample: str, text: str) -> None:
    with pytest.raises(ValueError, match="no such number"):
        read_number_format(sample).read(text)


@pytest.mark.parametrize(
    "sample",
    [
        "",
        "1",
        "x",
        "12,34",
        "1234,",
        "-1234",
        "1.234.56",
        "1,2,3,4",
        "9.876,54",
        "1234 5",
        "+1234.5",
        "1x234",
    ],
)
def test_a_sample_that_shows_nothing_is_refused(sample: str) -> None:
    if sample == "1234,":  # a comma behind the number
        assert read_number_format(sample).spell(5) == "5,"
        return
    with pytest.raises(ValueError, match=r"does not show|the same sign"):
        read_number_format(sample)


# -- times ------------------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None, database=None)
@given(DAYS, st.dates())
def test_a_date_is_read_back(said: str, day: date) -> None:
    form = read_time_format(said, takes_time=False)
    assert form.read(form.spell(day)) == day
    assert form.read(form.spell(day).upper()) == day


@settings(max_examples=300, deadline=None, database=None)
@given(DAYS, HOURS, st.booleans(), st.one_of(st.none(), st.sampled_from(["Europe/Berlin", "UTC"])), LATER)
def test_a_moment_is_read_back_but_for_what_it_does_not_show(
    day: str, hours: str, first: bool, zone: str | None, moment: datetime
) -> None:
    said = f"{hours} {day}" if first else f"{day}, {hours}"
    form = read_time_format(said if zone else f"{said} %z", takes_time=True, zone=zone)
    back = form.read(form.spell(moment))
    assert isinstance(back, datetime)
    assert same(form.read(form.spell(back)), back)
    shown = moment if zone is None else moment.astimezone(ZoneInfo(zone))
    cut = {"%f": 0, "%S": 1, "%M": 60}
    lost = timedelta(seconds=next((size for sign, size in cut.items() if sign in said), 3600))
    lost += timedelta(microseconds=1) if lost == timedelta(0) else timedelta(0)
    folded = (
        timedelta(hours=1)
        if shown.replace(fold=1).utcoffset() != shown.replace(fold=0).utcoffset()
        else timedelta(0)
    )
    assert timedelta(0) <= moment - back < lost + folded
    assert form.read(form.spell(moment.date())) == moment.date()
    assert not isinstance(form.read(form.spell(moment.date())), datetime)


@pytest.mark.parametrize(
    ("said", "text", "day"),
    [
        ("%d.%m.%Y", "4.7.2026", date(2026, 7, 4)),
        ("%d.%m.%Y", "04.07.0026", date(26, 7, 4)),
        ("%d. %B %Y", "4. july 2026", date(2026, 7, 4)),
        ("%-d %b %Y", "04 Jul 2026", date(2026, 7, 4)),
        ("%d%m%Y", "04072026", date(2026, 7, 4)),
        ("100%% %Y/%m/%d", "100% 2026/7/4", date(2026, 7, 4)),
    ],
)
def test_texts_of_dates(said: str, text: str, day: date) -> None:
    assert read_time_format(said, takes_time=False).read(text) == day


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("%d.%m.%Y", "2026-07-04"),
        ("%d.%m.%Y", "31.02.2026"),
        ("%d.%m.%Y", "04.07.26"),
        ("%d.%m.%Y", "04.07.2026 09:30"),
        ("%m/%d/%Y", "13/01/2026"),
        ("%d%m%Y", "472026"),
        ("%d %b %Y", "4 July 2026"),
        ("%d.%m.%Y", "tomorrow"),
        ("%d.%m.%Y", "٠٤.٠٧.٢٠٢٦"),
    ],
)
def test_a_text_that_is_no_such_date_is_never_guessed(said: str, text: str) -> None:
    with pytest.raises(ValueError, match=r"no such|day|month"):
        read_time_format(said, takes_time=False).read(text)


@pytest.mark.parametrize("text", ["29.03.2026 02:30", "04.07.2026 25:00", "04.07.2026 9:30 +02:00", "09:30"])
def test_a_time_that_is_none_in_its_zone_is_never_guessed(text: str) -> None:
    with pytest.raises(ValueError, match=r"no such|hour|clocks"):
        read_time_format("%d.%m.%Y %H:%M", takes_time=True, zone="Europe/Berlin").read(text)


def test_moments_have_their_zone_from_the_text_or_the_mapping() -> None:
    there = read_time_format("%d.%m.%Y %H:%M", takes_time=True, zone="Europe/Berlin")
    assert same(there.read("4.7.2026 9:30"), datetime(2026, 7, 4, 7, 30, tzinfo=UTC))
    assert there.spell(datetime(2026, 1, 4, 7, 30, tzinfo=UTC)) == "04.01.2026 08:30"
    said = read_time_format("%Y-%m-%d %I:%M %p %z", takes_time=True)
    for zone in ("+0200", "+02:00"):
        assert same(said.read(f"2026-07-04 09:30 am {zone}"), datetime(2026, 7, 4, 7, 30, tzinfo=UTC))
    assert same(said.read("2026-07-04 12:30 PM Z"), datetime(2026, 7, 4, 12, 30, tzinfo=UTC))
    with pytest.raises(ValueError, match="no such hour"):
        said.read("2026-07-04 13:30 PM Z")


# -- in a mapping -----------------------------------------------------------------------------------------

WHOLE_NUMBERS = st.integers(-(10**6), 10**6)
MAPPED: list[tuple[Kind, dict[str, Any], st.SearchStrategy[Any]]] = [
    (Kind.NUMBER, {"format": "1.234,56"}, st.one_of(WHOLE_NUMBERS, st.floats(-1e9, 1e9), st.decimals(-9, 9))),
    (Kind.NUMBER, {"format": "1234"}, st.floats(-1e9, 1e9)),
    (Kind.WHOLE, {"format": "1 234 EUR"}, st.integers()),
    (Kind.DATE, {"format": "%-d. %B %Y"}, st.dates()),
    (Kind.MOMENT, {"format": "%d.%m.%Y"}, st.one_of(MOMENTS, st.dates())),
    (Kind.MOMENT, {"format": "%d.%m.%Y %H:%M", "zone": "Europe/Berlin"}, st.one_of(LATER, st.dates())),
    (Kind.MOMENT, {"format": "%H:%M:%S.%f%z %Y%m%d"}, st.one_of(MOMENTS, st.dates())),
]


@pytest.mark.parametrize("text_left", [False, True])
@pytest.mark.parametrize(("kind", "said", "values"), MAPPED)
def test_what_was_written_in_a_format_is_no_edit(
    kind: Kind, said: dict[str, Any], values: st.SearchStrategy[Any], text_left: bool
) -> None:
    mapping = bound(kind, text_left=text_left, **said)
    source, target = (End.RIGHT, End.LEFT) if text_left else (End.LEFT, End.RIGHT)
    lossy = mapping.lossy.get("A")
    assert lossy is None or lossy.side == target

    @settings(max_examples=100, deadline=None, database=None)
    @given(st.one_of(st.none(), values), st.one_of(st.none(), values))
    def check(value: Any, before: Any) -> None:
        common = mapping.common(source, {mapping.at(source)[0]: value})["A"]
        shown = common if lossy is None else lossy.show(common)
        text = mapping.native(target, {"A": shown})
        after = mapping.common(target, text)["A"]
        assert not isinstance(after, Opaque)
        assert same(after, shown)
        # Back again, to what is there or to another value: what comes back shows the same in the text.
        old = mapping.common(source, {mapping.at(source)[0]: before})["A"]
        full = after if lossy is None else lossy.restore(after, old)
        assert same(full if lossy is None else lossy.show(full), after)
        assert lossy is not None or same(full, common)

    check()


def test_a_text_of_another_form_holds_itself_only() -> None:
    mapping = bound(Kind.DATE, format="%d.%m.%Y")
    odd = mapping.common(End.RIGHT, {"b": "2026-07-04"})["A"]
    assert (odd, odd.odd) == (Opaque("a text that is no date as 04.07.2026"), True)
    assert mapping.native(End.RIGHT, {"A": date(2026, 7, 4)}, {"b": "4.7.2026"}) == {"b": "4.7.2026"}
    odd = bound(Kind.WHOLE, format="1.234").common(End.RIGHT, {"b": "7,5"})["A"]
    assert odd == Opaque("a text that is no whole number as 1.235")


def test_a_plan_tells_of_a_format() -> None:
    assert bound(Kind.DATE, format="%d.%m.%Y").told == (
        "'A' of Notion (date) and 'b' of the table (text): written as 04.07.2026; a text of another form is not synced",
    )
    (told,) = bound(Kind.NUMBER, format="1.234,5").told
    assert "written as 1.234,6; " in told
    assert told.endswith("the text has 1 decimal: what was rounded stays until somebody edits the text")
    (told,) = bound(Kind.MOMENT, format="%d.%m.%Y").told
    assert told.endswith("the text has no time of day: a new date keeps the time that was there")
    (told,) = bound(Kind.MOMENT, format="%d.%m.%Y %H:%M", zone="Europe/Berlin").told
    assert "written as 04.07.2026 09:30; " in told


def test_another_format_makes_what_was_agreed_on_void() -> None:
    formats: list[tuple[str | None, str | None]] = [(None, None), ("%d.%m.%Y", None), ("%m.%d.%Y", None)]
    zoned: list[tuple[str | None, str | None]] = [
        ("%d.%m.%Y %H:%M", zone) for zone in ("UTC", "Europe/Berlin")
    ]
    forms = {bound(Kind.MOMENT, format=said, zone=zone).forms["A"] for said, zone in formats + zoned}
    assert len(forms) == 5


@pytest.mark.parametrize(
    ("kind", "said", "message"),
    [
        (Kind.NUMBER, {"format": "%d"}, "'%d' does not show how the number 1234.56 is written: say it as"),
        (Kind.WHOLE, {"format": "1.234,56"}, "has decimals, which whole numbers do not have: leave them out"),
        (Kind.NUMBER, {"format": "1.234,5", "zone": "UTC"}, "numbers have no time zone: leave zone out"),
        (Kind.DATE, {"format": "%d.%m."}, 'does not tell the year: say it as "%d.%m.%Y"'),
        (Kind.DATE, {"format": "1.234,56"}, "does not tell the year and the month and the day"),
        (Kind.DATE, {"format": "%d.%m.%y"}, "says %y, but there are %Y %m"),
        (Kind.DATE, {"format": "%d.%m.%Y%"}, "says %, but there are"),
        (Kind.DATE, {"format": "%d.%m.%-Y"}, "says %-Y, but there are"),
        (Kind.DATE, {"format": "%d.%d.%m.%Y"}, "says %d more than once"),
        (Kind.DATE, {"format": "%d.%m.%b.%Y"}, "tells the month more than once"),
        (Kind.DATE, {"format": "%-d%m.%Y"}, "where %-d ends cannot be told: leave the - out"),
        (Kind.DATE, {"format": "%-d1.%m.%Y"}, "where %-d ends cannot be told"),
        (Kind.DATE, {"format": "%d.%m.%Y %H:%M"}, "shows a time, which a date does not have: leave it out"),
        (Kind.DATE, {"format": "%d.%m.%Y", "zone": "UTC"}, "no zone is needed: leave zone out"),
        (
            Kind.MOMENT,
            {"format": "%d.%m.%Y %H:%M"},
            'says the time zone not at all: add %z, or zone = "Europe/Berlin"',
        ),
        (
            Kind.MOMENT,
            {"format": "%d.%m.%Y %H:%M %z", "zone": "UTC"},
            "the time zone twice: leave one of them out",
        ),
        (Kind.MOMENT, {"format": "%d.%m.%Y %I:%M", "zone": "UTC"}, "does not tell the hour once"),
        (Kind.MOMENT, {"format": "%d.%m.%Y %H %p", "zone": "UTC"}, "does not tell the hour once"),
        (Kind.MOMENT, {"format": "%d.%m.%Y %M", "zone": "UTC"}, "does not tell the hour once"),
        (Kind.MOMENT, {"format": "%d.%m.%Y %H:%S", "zone": "UTC"}, "says %S, but not %M: add it"),
        (Kind.MOMENT, {"format": "%d.%m %H:%M %Y", "zone": "UTC"}, "has a time between year, month and day"),
        (
            Kind.MOMENT,
            {"format": "%d.%m.%Y %H:%M", "zone": "Berlin"},
            "there is no time zone 'Berlin': say it as",
        ),
        (Kind.MOMENT, {"format": "%d.%m.%Y %H:%M", "zone": "../x"}, "there is no time zone '../x'"),
        (Kind.MOMENT, {"zone": "UTC"}, "has zone, which is for a format that shows a time: leave it out"),
        (Kind.SPAN, {"format": "%d.%m.%Y"}, "span and text take none; leave it out"),
        (Kind.STATE, {"format": "%d.%m.%Y"}, "state and text take none; leave it out"),
        (Kind.TEXT, {"format": "1234"}, "text and text take none; leave it out"),
    ],
)
def test_a_format_from_which_values_cannot_be_told_is_refused(
    kind: Kind, said: dict[str, Any], message: str
) -> None:
    assert message in refusal(kind, **said)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"to": "b", "format": 3}, r'format is a text, such as "%d.%m.%Y"'),
        ({"to": "b", "format": " "}, "format is a text"),
        ({"to": "b", "format": "%d", "zone": 2}, 'zone is a text, such as "Europe/Berlin"'),
    ],
)
def test_a_format_is_a_text(said: dict[str, Any], message: str) -> None:
    with pytest.raises(TaskDefinitionError, match=message):
        pairs_of({"A": said}, {})
    assert pairs_of({"A": {"to": "b", "format": "1234", "zone": "UTC"}}, {}) == (
        Pair("A", "b", format="1234", zone="UTC"),
    )
