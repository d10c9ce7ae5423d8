"""Values go to Notion's JSON and back without loss, or are refused with the property's name."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import ItemError, TaskDefinitionError
from tasks.services.notion.columns import rich_text
from tasks.services.notion.columns.computed import COMPUTED_TYPES
from tasks.services.notion.columns.properties import SUPPORTED_TYPES, Column, check_supported, decode, encode
from tasks.sides import File, sorted_files
from tasks.values.opaque import Opaque

WESTERN = timezone(timedelta(hours=-7))


def column(kind: str, *options: str) -> Column:
    return Column("Thing", "a%3Ab", kind, options)


def as_answered(kind: str, sent: dict[str, Any]) -> dict[str, Any]:
    """What Notion makes of a value: it adds the id, the type, and the decoration of texts."""
    value = sent[kind]
    if kind in ("title", "rich_text"):
        value = [
            {
                "type": "text",
                "text": {"content": run["text"]["content"], "link": None},
                "annotations": {"bold": False, "color": "default"},
                "plain_text": run["text"]["content"],
                "href": None,
            }
            for run in value
        ]
    return {"id": "a%3Ab", "type": kind, kind: value}


minutes = st.datetimes(
    min_value=datetime(1900, 1, 2), max_value=datetime(2900, 1, 1), timezones=st.just(UTC)
).map(lambda moment: moment.replace(second=0, microsecond=0))
names = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters=","), min_size=1, max_size=40
).filter(str.strip)
texts = st.text(st.characters(exclude_categories=["Cs"]))
lines = (st.none() | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)).filter(
    lambda text: not text or len(text.splitlines()) < 2
)

ids = st.sets(st.uuids().map(str), max_size=8).map(lambda found: tuple(sorted(found)))

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "title": texts,
    "rich_text": texts,
    "number": st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53),
    "checkbox": st.booleans(),
    "select": st.none() | names,
    "multi_select": st.sets(names, max_size=8).map(lambda found: tuple(sorted(found))),
    "date": st.none() | st.dates() | minutes,
    "url": lines,
    "email": lines,
    "phone_number": lines,
    "people": ids,
    "relation": ids,
    "files": st.lists(
        st.builds(File.link, names, st.from_regex(r"https://[a-z]{1,9}\.org/[a-z]{0,9}", fullmatch=True)),
        max_size=5,
    ).map(sorted_files),
    "place": st.none()
    | st.fixed_dictionaries(
        {
            "lat": st.floats(-90, 90),
            "lon": st.floats(-180, 180),
            "name": st.none() | names,
            "address": st.none() | names,
        }
    ),
    "verification": st.sampled_from([None, "verified"]),
}


def test_every_supported_type_is_tried() -> None:
    assert {*VALUES, "status"} == SUPPORTED_TYPES


@pytest.mark.parametrize("kind", sorted(VALUES))
@given(data=st.data())
def test_what_is_written_is_read_back(kind: str, data: st.DataObject) -> None:
    value = data.draw(VALUES[kind])
    read = decode(column(kind), as_answered(kind, encode(column(kind), value)))
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize("kind", sorted(VALUES))
@given(data=st.data())
def test_writing_what_was_read_changes_nothing(kind: str, data: st.DataObject) -> None:
    answer = as_answered(kind, encode(column(kind), data.draw(VALUES[kind])))
    again = as_answered(kind, encode(column(kind), decode(column(kind), answer), answer))
    assert decode(column(kind), again) == decode(column(kind), answer)


def test_status_takes_only_options_that_exist() -> None:
    status = column("status", "To do", "Done")
    assert encode(status, "Done") == {"status": {"name": "Done"}}
    assert decode(status, {"type": "status", "status": {"id": "1", "name": "Done"}}) == "Done"
    with pytest.raises(ItemError, match=r"'Thing'.*'Doing' does not exist.*To do, Done"):
        encode(status, "Doing")


@pytest.mark.parametrize(
    ("kind", "empty", "cleared"),
    [
        ("title", "", []),
        ("rich_text", "", []),
        ("number", None, None),
        ("checkbox", False, False),
        ("select", None, None),
        ("multi_select", (), []),
        ("status", None, None),
        ("date", None, None),
        ("url", None, None),
        ("email", None, None),
        ("phone_number", None, None),
    ],
)
def test_emptying(kind: str, empty: Any, cleared: Any) -> None:
    assert encode(column(kind), None) == {kind: cleared}
    assert encode(column(kind), empty) == {kind: cleared}
    assert decode(column(kind), {"type": kind, kind: cleared}) == empty


@pytest.mark.parametrize("kind", ["url", "email", "phone_number", "select"])
def test_an_empty_text_empties_what_knows_no_empty_text(kind: str) -> None:
    assert encode(column(kind), "") == {kind: None}


# -- text -----------------------------------------------------------------------------------------------


@given(texts, st.integers(1, 3000))
def test_runs_are_short_enough_and_whole(piece: str, times: int) -> None:
    text = (piece * times)[:30_000]
    runs = [run["text"]["content"] for run in rich_text.runs(text)]
    assert "".join(runs) == text
    for run in runs:
        assert 0 < len(run.encode("utf-16-le")) // 2 <= 2000


def test_a_sign_of_two_units_is_not_split() -> None:
    runs = [run["text"]["content"] for run in rich_text.runs("a" * 1999 + "🎉" + "b")]
    assert runs == ["a" * 1999, "🎉b"]


@pytest.mark.parametrize(
    "joined", ["e\u0301", "\U0001f469\u200d\U0001f467", "\U0001f1e9\U0001f1ea", "\U0001f44d\U0001f3fd"]
)
def test_what_people_see_as_one_character_is_not_split(joined: str) -> None:
    pieces = [run["text"]["content"] for run in rich_text.runs("a" * 1998 + joined + "b" * 5)]
    assert sorted(pieces, key=len)[-1][:1998] == "a" * 1998
    assert any(joined in piece for piece in pieces)
    assert all(rich_text.length(piece) <= rich_text.RUN_LENGTH for piece in pieces)


@given(st.text(st.sampled_from("ab\u0301\u200d\U0001f469"), max_size=30), st.integers(1, 400))
def test_runs_are_never_too_long(text: str, times: int) -> None:
    pieces = [run["text"]["content"] for run in rich_text.runs(text * times)]
    assert "".join(pieces) == text * times
    assert all(0 < rich_text.length(piece) <= rich_text.RUN_LENGTH for piece in pieces)


def test_the_longest_text_and_one_more() -> None:
    assert len(encode(column("rich_text"), "x" * 200_000)["rich_text"]) == 100
    with pytest.raises(ItemError, match=r"'Thing'.*200,001 characters.*at most 200,000"):
        encode(column("rich_text"), "x" * 200_001)
    with pytest.raises(ItemError, match="at most 200,000"):
        encode(column("title"), "🎉" * 100_001)


def test_plain_text_of_mentions_and_equations() -> None:
    value = {
        "type": "rich_text",
        "rich_text": [
            {"type": "text", "text": {"content": "see "}, "plain_text": "see "},
            {"type": "mention", "mention": {"type": "page", "page": {"id": "1"}}, "plain_text": "Tests"},
            {"type": "equation", "equation": {"expression": "e=mc^2"}, "plain_text": "e=mc^2"},
        ],
    }
    assert decode(column("rich_text"), value) == "see Testse=mc^2"


# -- dates ----------------------------------------------------------------------------------------------


def test_a_day_stays_a_day() -> None:
    assert encode(column("date"), date(2026, 7, 1)) == {"date": {"start": "2026-07-01", "end": None}}
    read = decode(column("date"), {"type": "date", "date": {"start": "2026-07-01", "end": None}})
    assert type(read) is date


def test_a_moment_is_cut_to_the_minute_and_keeps_its_instant() -> None:
    sent = encode(column("date"), datetime(2026, 7, 1, 23, 59, 58, 7, WESTERN))
    assert sent == {"date": {"start": "2026-07-02T06:59:00+00:00", "end": None}}


@pytest.mark.parametrize(
    ("start", "zone", "instant"),
    [
        ("2026-06-27T18:01:00.000+01:00", None, datetime(2026, 6, 27, 17, 1, tzinfo=UTC)),
        ("2026-06-27T18:01:00.000Z", None, datetime(2026, 6, 27, 18, 1, tzinfo=UTC)),
        ("2026-06-27T18:01:00", None, datetime(2026, 6, 27, 18, 1, tzinfo=UTC)),
        ("2026-06-27T18:01:00", "Europe/Berlin", datetime(2026, 6, 27, 16, 1, tzinfo=UTC)),
    ],
)
def test_reading_moments(start: str, zone: str | None, instant: datetime) -> None:
    value = {"type": "date", "date": {"start": start, "end": None, "time_zone": zone}}
    assert decode(column("date"), value) == instant


@pytest.mark.parametrize(
    ("held_end", "new", "end"),
    [
        ("2026-07-09", date(2026, 7, 8), "2026-07-09"),
        ("2026-07-09", date(2026, 7, 9), "2026-07-09"),
        ("2026-07-09", date(2026, 7, 10), "2026-07-18"),
        ("2026-07-09", datetime(2026, 7, 8, 9, tzinfo=UTC), "2026-07-16T09:00:00+00:00"),
        ("2026-07-09", date(9999, 12, 30), "out of range"),
        ("2026-07-01T10:00:00.000+02:00", datetime(2026, 7, 1, 8, tzinfo=UTC), "2026-07-01T10:00:00+02:00"),
        (
            "2026-07-01T10:00:00.000+02:00",
            datetime(2026, 7, 1, 8, 1, tzinfo=UTC),
            "2026-07-01T11:01:00+02:00",
        ),
        ("2026-07-03T10:00:00.000+02:00", date(2026, 7, 2), "2026-07-04"),
    ],
)
def test_the_end_of_a_range_stays_where_it_can_and_the_length_else(
    held_end: str, new: date, end: str
) -> None:
    start = "2026-07-01T09:00:00.000+02:00" if "T" in held_end else "2026-07-01"
    held = {"type": "date", "date": {"start": start, "end": held_end, "time_zone": None}}
    if end == "out of range":
        with pytest.raises(ItemError, match=end):
            encode(column("date"), new, held)
    else:
        assert encode(column("date"), new, held)["date"]["end"] == end


def test_a_new_start_is_written_in_the_zone_that_the_value_has() -> None:
    new = datetime(2026, 7, 2, 7, tzinfo=UTC)
    held = {
        "type": "date",
        "date": {"start": "2026-07-01T09:00:00.000+02:00", "end": None, "time_zone": None},
    }
    assert encode(column("date"), new, held)["date"]["start"] == "2026-07-02T09:00:00+02:00"
    held["date"] = {"start": "2026-01-01T09:00:00", "end": None, "time_zone": "Europe/Berlin"}
    assert encode(column("date"), new, held)["date"] == {
        "start": "2026-07-02T09:00:00",
        "end": None,
        "time_zone": "Europe/Berlin",
    }


def test_emptying_a_range_empties_it_whole() -> None:
    held = {"type": "date", "date": {"start": "2026-07-01", "end": "2026-07-03", "time_zone": None}}
    assert encode(column("date"), None, held) == {"date": None}


# -- options --------------------------------------------------------------------------------------------


def test_options_are_sent_once_and_in_the_order_that_people_gave_them() -> None:
    held = {"type": "multi_select", "multi_select": [{"id": "2", "name": "b"}, {"id": "1", "name": "a"}]}
    sent = encode(column("multi_select"), ("a", "c", "b", "a"), held)
    assert [option["name"] for option in sent["multi_select"]] == ["b", "a", "c"]


# -- refusals -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        ("title", 5, "takes text, not a value of type int"),
        ("rich_text", "a\ud800", "half a surrogate pair"),
        ("select", "red, green", "holds a comma"),
        ("select", "x" * 101, "longer than the 100 characters"),
        ("select", 3, "the name of an option"),
        ("multi_select", "red", "a tuple of option names"),
        ("multi_select", 7, "a tuple of option names"),
        ("multi_select", ("red", "a,b"), "holds a comma"),
        ("multi_select", ("red", " "), "has no name"),
        ("multi_select", tuple(f"o{n}" for n in range(101)), "101 options are too many"),
        ("number", "5", "takes a number, not a value of type str"),
        ("number", True, "takes a number, not a value of type bool"),
        ("number", float("nan"), "cannot hold the number nan"),
        ("number", 2**53 + 1, "cannot hold the number"),
        ("number", 10**400, "cannot hold the number"),
        ("checkbox", "yes", "takes true or false"),
        ("date", "2026-07-01", "takes a date, a time or a range"),
        ("date", datetime(2026, 7, 1, 12), "has no time zone"),
        ("date", datetime.max.replace(tzinfo=WESTERN), "out of range"),
        ("url", "https://x/" + "y" * 2000, "2,010 characters are too many"),
        ("email", "x" * 201, "201 characters are too many"),
        ("phone_number", "1\n2", "takes a single line"),
        ("phone_number", 5551234, "takes text"),
        ("people", "x", "a tuple of ids"),
        ("people", 3, "a tuple of ids"),
        ("people", ("Ann",), "'Ann' is not an id"),
        ("relation", (3,), "ids as text"),
        ("relation", tuple(str(UUID(int=n)) for n in range(101)), "101 entries are too many"),
        ("files", ("https://x",), "takes files"),
        ("files", (File.link("a", "ftp://x"),), "an http address"),
        ("files", (File("a", "sha256:0"),), "cannot be written without its bytes"),
        ("files", (File.link("a" * 101, "https://x"),), "a name of at most 100"),
        ("place", "Berlin", "a mapping of lat"),
        ("place", {"lat": 91, "lon": 0}, "lat must be degrees from -90 to 90"),
        ("place", {"lat": True, "lon": 0}, "lat must be degrees"),
        ("place", {"lat": 1, "lon": float("nan")}, "lon must be degrees"),
        ("verification", "expired", "takes 'verified' or nothing"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(kind: str, value: Any, words: str) -> None:
    with pytest.raises(ItemError, match=words) as caught:
        encode(column(kind), value)
    assert "'Thing'" in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "is_read"),
    [
        *((kind, False) for kind in ("formula", "rollup", "button", "from_the_future")),
        *((kind, True) for kind in ("created_time", "unique_id", "last_edited_by")),
    ],
)
def test_other_types_cannot_be_written(kind: str, is_read: bool) -> None:
    words = (
        rf"'Thing' is of type {kind}, which .* cannot be synced: take it out of the mapping.*checkbox, date"
    )
    with nullcontext() if is_read else pytest.raises(TaskDefinitionError, match=words):
        check_supported(column(kind))
    with pytest.raises(ItemError, match="only read"):
        encode(column(kind), "x")


@pytest.mark.parametrize(
    ("kind", "held", "value"),
    [
        ("formula", {"type": "number", "number": 3}, 3),
        ("formula", {"type": "string", "string": None}, None),
        ("formula", {"type": "date", "date": {"start": "2026-07-01"}}, date(2026, 7, 1)),
        ("formula", {"type": "unsupported", "unsupported": {}}, Opaque("formula of unsupported")),
        ("rollup", {"type": "number", "number": 2, "function": "count"}, 2),
        ("rollup", {"type": "date", "date": None, "function": "latest_date"}, None),
        (
            "rollup",
            {"type": "incomplete", "incomplete": {}, "function": "sum"},
            Opaque("rollup of incomplete"),
        ),
        ("unique_id", {"prefix": None, "number": 3}, "3"),
        ("unique_id", {"prefix": "ALL", "number": 3}, "ALL-3"),
        ("created_time", "2026-06-26T13:45:00.000Z", datetime(2026, 6, 26, 13, 45, tzinfo=UTC)),
        ("last_edited_time", "2026-06-26T13:45:00.000Z", datetime(2026, 6, 26, 13, 45, tzinfo=UTC)),
        ("created_by", {"object": "user", "id": "u1"}, ("u1",)),
        ("last_edited_by", {"object": "user", "id": "u1"}, ("u1",)),
        ("button", {}, None),
        ("from_the_future", {"any": "thing"}, Opaque("from_the_future")),
    ],
)
def test_what_is_only_read(kind: str, held: Any, value: Any) -> None:
    assert decode(column(kind), {"id": "x", "type": kind, kind: held}) == value


def test_every_computed_type_is_tried() -> None:
    tried = {
        mark.args[1][n][0] for mark in test_what_is_only_read.pytestmark for n in range(len(mark.args[1]))
    }
    assert tried - {"from_the_future"} == COMPUTED_TYPES


def test_a_file_that_notion_keeps_is_known_without_its_signature_and_sent_back_as_it_came() -> None:
    kept = {
        "name": "a.png",
        "type": "file",
        "file": {"url": "https://files.org/a.png?sig=1", "expiry_time": "x"},
    }
    again = {**kept, "file": {"url": "https://files.org/a.png?sig=2", "expiry_time": "y"}}
    held, later = ({"id": "x", "type": "files", "files": [one]} for one in (kept, again))
    value = decode(column("files"), held)
    assert value == decode(column("files"), later) == (File("a.png", "notion:/a.png"),)
    sent = encode(column("files"), (File.link("b", "https://b.org"), *value), later)["files"]
    assert sent == [again, {"name": "b", "type": "external", "external": {"url": "https://b.org"}}]


def test_references_keep_their_order_and_their_kind() -> None:
    one, two, three = (f"00000000-0000-4000-8000-00000000000{n}" for n in (1, 2, 3))
    held = {"people": [{"object": "group", "id": three}, {"object": "user", "id": one}]}
    assert encode(column("people"), (one, two, three), held)["people"] == [
        {"object": "group", "id": three},
        {"object": "user", "id": one},
        {"object": "user", "id": two},
    ]
    assert encode(column("relation"), (two.replace("-", ""),))["relation"] == [{"id": two}]


def test_a_value_of_another_type_is_not_misread() -> None:
    with pytest.raises(ItemError, match="should be of type number, but is rich_text"):
        decode(column("number"), {"type": "rich_text", "rich_text": []})


@pytest.mark.parametrize(
    ("kind", "held"),
    [
        ("date", {"start": "12024-01-01", "end": None}),
        ("date", {"start": "2024-01-01T25:00:00.000Z", "end": None}),
        ("select", {"id": "x"}),
        ("people", [{"object": "group"}]),
        ("rich_text", "text"),
    ],
)
def test_a_value_of_an_unknown_form_is_opaque(kind: str, held: Any) -> None:
    value = {"id": "a%3Ab", "type": kind, kind: held}
    assert decode(column(kind), value) == Opaque(f"{kind} of an unknown form")
