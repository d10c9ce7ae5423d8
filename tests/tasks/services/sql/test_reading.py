"""Rows are read whatever is in them: what is odd holds back only itself."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import sqlalchemy as sa

from tasks.errors import SideError
from tasks.values.opaque import Opaque
from tests.tasks.services.sql.conftest import Place, by_title


def test_values_have_their_types(postgresql: Place) -> None:
    postgresql.run("CREATE TYPE mood AS ENUM ('sad', 'ok')")
    postgresql.run(
        "CREATE TABLE task (id bigserial PRIMARY KEY, name char(9), price numeric(20,4), size real, done boolean, "
        "due date, seen timestamp, sent timestamptz, state mood, tags text[], more jsonb, host inet, spell interval, "
        "picture bytea)"
    )
    postgresql.run(
        "INSERT INTO task (name, price, size, done, due, seen, sent, state, tags, more, host, spell, picture) VALUES "
        "('pad', 1234567890123456.5, 0.1, true, '2026-03-02', '2026-07-01 12:00', '2026-07-01 12:00+05:30', 'ok', "
        """'{b,"a, \\"x\\""}', '{"b": 1.0, "a": [12345678901234567890]}', '10.0.0.1', '1 day 2 hours', '\\x00ff')"""
    )
    side = postgresql.opened_side(zone="Europe/Berlin")
    (row,) = side.list()
    assert side.values(row) == {
        "id": 1,
        "name": "pad",
        "price": Decimal("1234567890123456.5000"),
        "size": 0.1,
        "done": True,
        "due": date(2026, 3, 2),
        "seen": datetime(2026, 7, 1, 10, tzinfo=UTC),
        "sent": datetime(2026, 7, 1, 6, 30, tzinfo=UTC),
        "state": "ok",
        "tags": ('a, "x"', "b"),
        "more": '{"a": [12345678901234567890], "b": 1.0}',
        "host": "10.0.0.1/32",
        "spell": "1 day 02:00:00",
        "picture": Opaque("binary data"),
    }
    before = side.values(row)
    writable = [name for name, one in side.describe().items() if one.writable]
    row = side.update(row, {name: before[name] for name in writable})
    assert side.values(row) == before, "what is shown and written again is the same"
    row = side.update(
        row, {"more": '{"x": null}', "host": "::1", "spell": "90 minutes", "tags": ("b", "c d")}
    )
    assert {name: side.values(row)[name] for name in ("more", "host", "spell", "tags")} == {
        "more": '{"x": null}', "host": "::1/128", "spell": "01:30:00", "tags": ("b", "c d"),
    }  # fmt: skip


def test_a_database_that_shows_values_otherwise_is_read_alike(postgresql: Place) -> None:
    postgresql.run(
        "CREATE TABLE task (id integer PRIMARY KEY, day date, sent timestamptz, size float, spell interval)"
    )
    postgresql.run(
        "INSERT INTO task VALUES (1, '2026-03-02', '2026-07-01 12:00+02', 0.1::float + 0.2, '1 day')"
    )
    usual = postgresql.opened_side()
    expected = [usual.values(row) for row in usual.list()]
    name = sa.make_url(postgresql.url).database
    odd = {
        "DateStyle": "German, DMY",
        "TimeZone": "Asia/Kolkata",
        "extra_float_digits": "-9",
        "IntervalStyle": "iso_8601",
    }
    try:
        for setting, value in odd.items():
            postgresql.run(f"ALTER DATABASE {name} SET {setting} = '{value}'")
        side = postgresql.opened_side()
        assert [side.values(row) for row in side.list()] == expected
        row = side.update(side.list()[0], {"day": date(2026, 2, 3), "spell": "2 days"})
        assert side.values(row) == expected[0] | {"day": date(2026, 2, 3), "spell": "2 days"}
    finally:
        postgresql.run(f"ALTER DATABASE {name} RESET ALL")


def test_what_no_calendar_has_hides_only_itself(postgresql: Place) -> None:
    postgresql.run(
        "CREATE TABLE task (id integer PRIMARY KEY, name text, due date, sent timestamptz, size float)"
    )
    postgresql.run(
        "INSERT INTO task VALUES (1, 'a', 'infinity', '2026-01-01 00:00+00', 'NaN'), "
        "(2, 'b', '0044-03-15 BC', '-infinity', 1), (3, 'c', '2026-03-02', '10000-01-01', 'Infinity')"
    )
    side = postgresql.opened_side()
    shown = {title: side.values(row) for title, row in by_title(side).items()}
    assert isinstance(shown["a"]["due"], Opaque)
    assert shown["a"]["sent"] == datetime(2026, 1, 1, tzinfo=UTC)
    assert all(isinstance(shown["b"][name], Opaque) for name in ("due", "sent"))
    assert shown["c"]["due"] == date(2026, 3, 2)
    assert all(isinstance(shown["c"][name], Opaque) for name in ("sent", "size"))
    row = side.update(by_title(side)["b"], {"name": "B"})
    assert side.values(row)["name"] == "B"
    assert postgresql.run("SELECT due::text FROM task WHERE id = 2") == [{"due": "0044-03-15 BC"}]


def test_what_fits_no_column_hides_only_itself(sqlite: Place) -> None:
    sqlite.run(
        "CREATE TABLE task (id INTEGER PRIMARY KEY, name TEXT, due DATE, done BOOLEAN, size INTEGER, more JSON, b BLOB)"
    )
    sqlite.run("INSERT INTO task VALUES (1, 'a', 'soon', 'maybe', 'many', '{\"x\": 1}', x'00')")
    sqlite.run("INSERT INTO task VALUES (2, CAST(x'ff' AS TEXT), 20260302, 1, 7.0, NULL, NULL)")
    side = sqlite.opened_side()
    one, two = side.list()
    assert {name for name, value in side.values(one).items() if isinstance(value, Opaque)} == {
        "due", "done", "size", "b",
    }  # fmt: skip
    assert side.values(one)["more"] == '{"x": 1}'
    shown = side.values(two)
    assert isinstance(shown["name"], Opaque)
    assert isinstance(shown["due"], Opaque)
    assert (shown["done"], shown["size"], shown["b"]) == (True, 7, None)
    side.update(one, {"more": "[1]"})
    side.update(two, {"size": 8})
    assert sqlite.run("SELECT due, done, size, more FROM task WHERE id = 1") == [
        {"due": "soon", "done": "maybe", "size": "many", "more": "[1]"}
    ]
    assert sqlite.run("SELECT hex(name) AS h, size FROM task WHERE id = 2") == [{"h": "FF", "size": 8}]


def test_rows_that_cannot_be_told_apart_are_left(sqlite: Place) -> None:
    sqlite.run("CREATE TABLE task (code TEXT PRIMARY KEY, name TEXT)")
    sqlite.run("INSERT INTO task VALUES (NULL, 'none'), ('x', 'a'), ('y', 'b')")
    listing = sqlite.opened_side().list()
    assert [row.id for row in listing] == ["x", "y"]
    assert list(listing.unreadable.values()) == ["a row of task has nothing readable in its key code"]
    sqlite.run("CREATE VIEW both AS SELECT * FROM task UNION ALL SELECT 'x', 'c'")
    listing = sqlite.opened_side("both", key=["code"]).list()
    assert [row.id for row in listing] == ["y"]
    assert listing.unreadable["x"] == "2 rows of both have the key code x"
    assert listing.partial is None


def test_a_key_of_several_columns_is_one_id(place: Place) -> None:
    place.run("CREATE TABLE task (tenant INTEGER, code TEXT, name TEXT, PRIMARY KEY (tenant, code))")
    place.run("""INSERT INTO task VALUES (1, 'a"b', 'one'), (1, 'c', 'two'), (2, 'c', 'three')""")
    side = place.opened_side()
    rows = by_title(side)
    assert rows["one"].id == '["1", "a\\"b"]'
    assert len({row.id for row in rows.values()}) == 3
    for row in rows.values():
        assert side.get(row.id) == row
        assert not side.is_gone(row.id)
    side.delete(rows["two"])
    assert by_title(side).keys() == {"one", "three"}
    assert side.is_gone(rows["two"].id)
    assert [side.get(one) for one in ("x", "[]", '["1"]', "[1, 2]", '["x", "y"]')] == [None] * 5
    row = side.create("k", {"tenant": 3, "code": "c", "name": "four"})
    assert side.values(row) == {"tenant": 3, "code": "c", "name": "four"}


def test_an_id_of_another_form_names_no_row(place: Place) -> None:
    place.run("CREATE TABLE task (id INTEGER PRIMARY KEY, name TEXT)")
    side = place.opened_side()
    assert side.get("no number") is None
    assert side.get("99999999999999999999999") is None
    assert place.kind == "sqlite" or not side.is_gone("no number")


def test_a_filter_is_what_is_seen(place: Place) -> None:
    place.run("CREATE TABLE task (id INTEGER PRIMARY KEY, name TEXT, project INTEGER, open BOOLEAN)")
    place.run(
        "INSERT INTO task VALUES (1, 'a', 7, true), (2, 'b', 7, false), (3, 'c', 8, true), (4, 'd', NULL, true)"
    )
    side = place.opened_side(where={"project": 7, "open": True})
    assert by_title(side).keys() == {"a"}
    assert side.get("2") is None
    assert not side.is_gone("2"), "what left the filter was not deleted"
    assert side.is_gone("5")


def test_a_table_that_vanishes_is_no_empty_one(place: Place) -> None:
    place.run("CREATE TABLE task (id INTEGER PRIMARY KEY, name TEXT)")
    side = place.opened_side()
    row = (
        side.create("k", {"id": 1, "name": "a"})
        if place.kind == "postgresql"
        else side.create("k", {"name": "a"})
    )
    place.run("DROP TABLE task")
    for ask in (side.list, lambda: side.get(row.id), lambda: side.is_gone(row.id)):
        with pytest.raises(SideError, match=r"the table task in .* cannot be used: .*task"):
            ask()


def test_a_listing_is_of_one_moment(postgresql: Place) -> None:
    postgresql.run("CREATE TABLE task (id integer PRIMARY KEY, name text)")
    postgresql.run("INSERT INTO task VALUES (1, 'a')")
    side = postgresql.opened_side()
    with side.database.reading() as connection:
        assert len(connection.execute(side.reader.select([])).all()) == 1
        postgresql.run("INSERT INTO task VALUES (2, 'b')")
        assert len(connection.execute(side.reader.select([])).all()) == 1
    assert len(side.list()) == 2
