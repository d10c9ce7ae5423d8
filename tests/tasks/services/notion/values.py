"""Values of every type that Notion lets others write: drawn ones, nasty ones, and those that must be refused."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from tasks.sides import File, sorted_files

#: Characters outside of the basic plane, which Notion counts as two, and what people see as one character.
PARTY, FAMILY, ACCENT, FLAG = "🎉", "👩\u200d👩\u200d👧", "e\u0301", "🇩🇪"
BERLIN, WESTERN = ZoneInfo("Europe/Berlin"), timezone(timedelta(hours=-7))

_TEXTS = {
    "nothing": "",
    "a blank": " ",
    "only white space": "\n\t \r\n",
    "the longest run": "a" * 2000,
    "one more than a run": "a" * 2001,
    "a sign of two units at the cut": "a" * 1999 + PARTY + "b",
    "a family at the cut": "a" * 1996 + FAMILY * 3,
    "an accent at the cut": "a" * 1999 + ACCENT,
    "a flag at the cut": "a" * 1998 + FLAG,
    "a run of signs of two units": PARTY * 1000 + "x",
    "100 runs": "x" * 200_000,
    "quotes and slashes": "\"\\/'`</script>\u2028{{}}null",
    "right to left": "שלום \u202eabc\u202c",
    "control signs": "a\x01\x1f\x7fb",
}
_LINES = {"nothing": None, "signs of two units": "https://x.org/" + PARTY * 80, "blanks inside": "a b\tc"}
_DAYS = {
    "nothing": None,
    "the first day": date.min,
    "the last day": date.max,
    "a leap day": date(2024, 2, 29),
    "a moment": datetime(2026, 7, 1, 12, 30, tzinfo=UTC),
    "seconds": datetime(2026, 7, 1, 23, 59, 59, 999_999, UTC),
    "a zone in summer": datetime(2026, 7, 1, 0, 30, tzinfo=BERLIN),
    "an hour that is there twice": datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=1),
    "the day before by UTC": datetime(2026, 1, 1, 0, 15, tzinfo=BERLIN),
    "the day after by UTC": datetime(2026, 12, 31, 20, 15, tzinfo=WESTERN),
    "the first minute": datetime.min.replace(tzinfo=UTC),
    "the last minute": datetime.max.replace(tzinfo=UTC),
}
_PLACES = {
    "nothing": None,
    "a pole": {"lat": -90, "lon": 180.0, "name": None, "address": None},
    "small degrees": {"lat": 5e-324, "lon": -0.0, "name": "x", "address": PARTY},
}


def _links(*named: tuple[str, str]) -> tuple[File, ...]:
    return sorted_files(File.link(name, address) for name, address in named)


def nasty(kind: str, targets: Sequence[str]) -> dict[str, Any]:
    """Values that a careless adapter gets wrong, by what is nasty about them.

    Parameters:
        targets: ids of 100 people or pages that can be named.
    """
    many = tuple(f"option {number} {PARTY}" for number in range(100))
    values: dict[str, dict[str, Any]] = {
        "title": _TEXTS,
        "rich_text": _TEXTS,
        "number": {
            "nothing": None,
            "nought": 0,
            "minus nought": -0.0,
            "huge": 1e300,
            "the smallest": 5e-324,
            "the largest": 1.7976931348623157e308,
            "the last odd whole number": 2**53 - 1,
            "a whole number beyond 2^53": 2**60,
            "a whole number of 23 digits": 10**22,
            "a sum of fractions": 0.1 + 0.2,
        },
        "checkbox": {"nothing": None, "yes": True, "no": False, "one": 1},
        "select": {
            "nothing": None,
            "an empty text": "",
            "the longest": "o" * 100,
            "the longest of two units": PARTY * 50,
            "quotes": 'the "best" \\ one',
            "another case": "HOME",
            "white space around": " x ",
        },
        "multi_select": {
            "nothing": (),
            "100 options": many,
            "twice the same": ("b", "a", "b"),
            "a list": ["z", "y"],
            "another case": ("Home", "home"),
        },
        "status": {"nothing": None, "the first": "To do", "the last": "Ready"},
        "date": _DAYS,
        "url": _LINES | {"the longest": "https://x/" + "y" * 1990},
        "email": _LINES | {"the longest": "x" * 190 + "@x.example"},
        "phone_number": _LINES | {"the longest": "5" * 200},
        "people": _references(targets),
        "relation": _references(targets),
        "files": {
            "nothing": (),
            "the longest": _links(("n" * 100, "https://x/" + "y" * 1990)),
            "one name, two addresses": _links(("a", "https://x.org/1"), ("a", "https://x.org/2")),
            "a question": _links(("a?b", "https://x.org/?q=1&r=%20#top")),
            "100 files": _links(*((f"f{number}", f"https://x.org/{number}") for number in range(100))),
        },
        "place": _PLACES,
        "verification": {"nothing": None, "verified": "verified"},
    }
    return values[kind]


def _references(targets: Sequence[str]) -> dict[str, Any]:
    return {
        "nothing": (),
        "as many as are shown": tuple(targets[:25]),
        "one more than are shown": tuple(targets[:26]),
        "100": tuple(targets),
        "backwards and twice": tuple(reversed(targets[:3])) * 2,
        "without dashes": tuple(one.replace("-", "").upper() for one in targets[:2]),
    }


#: Values over Notion's limits, by type and by what is wrong with them.
REFUSED: dict[str, dict[str, Any]] = {
    "title": {"101 runs": "x" * 200_001, "half a sign": "a\ud800"},
    "rich_text": {"101 runs of two units": PARTY * 100_001, "more bytes than a request": "€" * 180_000},
    "number": {"no double": 2**53 + 1, "endless": float("inf"), "none": float("nan"), "a text": "5"},
    "checkbox": {"a text": "yes"},
    "select": {"a comma": "red, green", "too long": "o" * 101, "too long in two units": PARTY * 51},
    "multi_select": {"a comma": ("a", "b,c"), "too many": tuple(map(str, range(101))), "no tuple": "red"},
    "status": {"no such option": "Never", "another case": "to do"},
    "date": {"no zone": datetime(2026, 7, 1, 12), "no date": "2026-07-01"},
    "url": {"too long": "https://x/" + "y" * 1991, "too long in two units": "https://x/" + PARTY * 1000},
    "email": {"too long": "x" * 201, "two lines": "a@x.org\nb@x.org"},
    "phone_number": {"too long": "5" * 201, "a number": 5551234, "two lines": "1\r2"},
    "people": {"too many": tuple(f"{n:032x}" for n in range(101)), "a name": ("Ann",)},
    "relation": {"too many": tuple(f"{n:032x}" for n in range(101)), "one id": "x"},
    "files": {
        "a long name": _links(("n" * 101, "https://x")),
        "no address": _links(("a", "file:///etc/passwd")),
    },
    "place": {"off the globe": {"lat": 90.1, "lon": 0}, "half": {"lat": 1}},
    "verification": {"expired": "expired"},
}

_signs = st.characters(exclude_categories=["Cs"])
_texts = st.text(_signs, max_size=60) | st.builds(
    lambda text, times: text * times,
    st.text(st.sampled_from(f"ab {PARTY}\u0301\u200d{FLAG}\n"), max_size=9),
    st.integers(1, 900),
)
_names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=","), min_size=1, max_size=40)
_names = _names.filter(str.strip)
_lines = st.none() | st.text(_signs, min_size=1, max_size=100).filter(lambda text: len(text.splitlines()) < 2)
_zones = st.sampled_from([UTC, BERLIN, WESTERN, timezone(timedelta(hours=14))])
_moments = st.datetimes(datetime(1900, 1, 2), datetime(2900, 1, 1), timezones=_zones)
_degrees = {"lat": st.floats(-90, 90), "lon": st.floats(-180, 180)}
_words = {"name": st.none() | _names, "address": st.none() | _names}


def drawn(kind: str, targets: Sequence[str]) -> st.SearchStrategy[Any]:
    """Any values of a type."""
    references = st.lists(st.sampled_from(targets), max_size=40).map(tuple)
    strategies: dict[str, st.SearchStrategy[Any]] = {
        "title": _texts,
        "rich_text": _texts,
        "number": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53),
        "checkbox": st.booleans(),
        "select": st.none() | _names,
        "multi_select": st.lists(_names, max_size=5).map(tuple),
        "status": st.sampled_from([None, "To do", "Doing", "Ready"]),
        "date": st.none() | st.dates() | _moments,
        "url": _lines,
        "email": _lines,
        "phone_number": _lines,
        "people": references,
        "relation": references,
        "files": st.lists(
            st.tuples(_names, st.from_regex(r"https?://[a-z]{1,9}\.org/[a-z?=%#]{0,9}", fullmatch=True)),
            max_size=5,
        ).map(lambda found: _links(*found)),
        "place": st.none() | st.fixed_dictionaries(_degrees | _words),
        "verification": st.sampled_from([None, "verified"]),
    }
    return strategies[kind]


def meant(kind: str, value: Any) -> Any:
    """What should be read after a value was written, told without the code that writes it."""
    match kind:
        case "title" | "rich_text":
            return value or ""
        case "checkbox":
            return bool(value)
        case "multi_select":
            return tuple(sorted(set(value or ())))
        case "people" | "relation":
            ids = {one.replace("-", "").lower() for one in value or ()}
            return tuple(sorted("-".join((i[:8], i[8:12], i[12:16], i[16:20], i[20:])) for i in ids))
        case "files":
            return sorted_files(value or ())
        case "date" if isinstance(value, datetime):
            return value.astimezone(UTC).replace(second=0, microsecond=0)
    return None if value == "" else value
