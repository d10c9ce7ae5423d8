"""A write takes a row as it was read or not at all, and shows what the database made of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tasks.errors import ItemError, PreconditionError, UnfitError
from tests.tasks.services.sql.conftest import Place, by_title

TASKS = {
    "sqlite": "CREATE TABLE task (id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE, size NUMERIC(6,2), more TEXT)",
    "postgresql": "CREATE TABLE task (id serial PRIMARY KEY, name varchar(20), size numeric(6,2), more jsonb)",
}
KEY = {"sqlite": "INTEGER PRIMARY KEY", "postgresql": "serial PRIMARY KEY"}


@pytest.mark.parametrize(
    ("edit", "before"),
    [
        ("name = 'TEA'", "tea"),  # which a column without regard to case takes for equal
        ("name = 'tea '", "tea"),
        ("name = NULL", "tea"),
        ("name = 'x'", None),
        ("size = 2", "tea"),
        ("size = NULL", "tea"),
        ("more = '[1]'", "tea"),
    ],
)
def test_what_somebody_else_edited_is_not_written_over(place: Place, edit: str, before: str | None) -> None:
    place.run(TASKS[place.kind])
    side = place.opened_side()
    row = side.create("k", {"name": before, "size": 1, "more": "[0]"})
    place.run(f"UPDATE task SET {edit}")
    theirs = place.run("SELECT * FROM task")
    for write in (lambda: side.update(row, {"size": 5}), lambda: side.delete(row)):
        with pytest.raises(
            PreconditionError, match=r"the row 1 of the table task was edited since it was read"
        ):
            write()
    assert place.run("SELECT * FROM task") == theirs


def test_what_somebody_else_deleted_is_not_made_again(place: Place) -> None:
    place.run(TASKS[place.kind])
    side = place.opened_side()
    row = side.create("k", {"name": "tea"})
    place.run("DELETE FROM task")
    for write in (lambda: side.update(row, {"size": 5}), lambda: side.delete(row)):
        with pytest.raises(PreconditionError, match=r"was deleted since it was read"):
            write()
    assert place.run("SELECT * FROM task") == []


def test_an_edit_of_what_is_not_synced_is_in_nobodys_way(place: Place) -> None:
    place.run(TASKS[place.kind])
    side = place.opened_side(only=["name", "size"])
    row = side.create("k", {"name": "tea", "size": 1})
    assert side.values(row).keys() == {"name", "size"}
    place.run("UPDATE task SET more = '[1]'")
    side.update(row, {"size": 5})
    assert [(one["size"], str(one["more"])) for one in place.run("SELECT size, more FROM task")] == [
        (5, "[1]")
    ]


def test_what_the_database_makes_of_a_value_is_shown(postgresql: Place) -> None:
    postgresql.run(
        "CREATE TABLE task (id serial PRIMARY KEY, name char(6), price numeric(6,2), seen timestamptz(0), note text)"
    )
    postgresql.run(
        "CREATE FUNCTION upper_note() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN NEW.note = upper(NEW.note); RETURN NEW; END $$"
    )
    postgresql.run(
        "CREATE TRIGGER t BEFORE INSERT OR UPDATE ON task FOR EACH ROW EXECUTE FUNCTION upper_note()"
    )
    side = postgresql.opened_side()
    moment = datetime(2026, 3, 2, 9, 30, 15, 700000, tzinfo=UTC)
    row = side.create("k", {"name": "ab", "price": Decimal("1.005"), "seen": moment, "note": "loud"})
    assert side.values(row) == {
        "id": 1, "name": "ab", "price": Decimal("1.01"), "seen": moment.replace(microsecond=0) + timedelta(seconds=1),
        "note": "LOUD",
    }  # fmt: skip
    row = side.update(row, {"note": "louder", "price": 2.344})
    assert (side.values(row)["note"], side.values(row)["price"]) == ("LOUDER", Decimal("2.34"))
    assert side.list() == [row]


def test_what_a_trigger_makes_afterwards_is_shown(sqlite: Place) -> None:
    sqlite.run("CREATE TABLE task (id INTEGER PRIMARY KEY, name TEXT, note TEXT)")
    sqlite.run(
        "CREATE TRIGGER t AFTER UPDATE OF name ON task BEGIN UPDATE task SET note = upper(name) WHERE id = NEW.id; END"
    )
    side = sqlite.opened_side()
    row = side.update(side.create("k", {"name": "a"}), {"name": "b"})
    assert side.values(row) == {"id": 1, "name": "b", "note": "B"}


CHECKED = (
    "CREATE TABLE task (id {key}, name VARCHAR(5) NOT NULL, code VARCHAR(9) UNIQUE, size INTEGER NOT NULL "
    "CHECK (size > 0), a INTEGER, b INTEGER, parent INTEGER REFERENCES task (id), small SMALLINT, UNIQUE (a, b))"
)


@pytest.mark.parametrize(
    ("changes", "unfit"),
    [
        ({"code": "taken", "a": 5}, {"code"}),
        ({"size": None, "a": 5}, {"size"}),
        ({"size": -1, "a": 5}, {"size"}),
        ({"parent": 99, "a": 5}, {"parent"}),
        ({"name": "too long", "a": 5}, {"name"}),
        ({"a": 1, "b": 2, "name": "x"}, {"a", "b"}),
        ({"size": 2.5, "name": "too long", "a": 5}, {"size", "name"}),
        ({"id": 7, "a": 5}, {"id"}),
        ({"code": "taken"}, {"code"}),
        ({"nothing": 1}, {"nothing"}),
    ],
)
def test_what_the_database_refuses_is_told_by_column(
    place: Place, changes: dict[str, Any], unfit: set[str]
) -> None:
    place.run(CHECKED.format(key=KEY[place.kind]))
    side = place.opened_side()
    side.create("k", {"name": "a", "code": "taken", "size": 1, "a": 1, "b": 2})
    row = side.create("k", {"name": "b", "code": "own", "size": 1})
    with pytest.raises(UnfitError) as caught:
        side.update(row, changes)
    assert caught.value.attributes == unfit, str(caught.value)
    assert all(name in str(caught.value) for name in unfit)
    assert side.get(row.id) == row, "nothing was written"
    rest = {name: value for name, value in changes.items() if name not in unfit}
    if rest:
        assert side.values(side.update(row, rest)).items() >= rest.items()


def test_what_a_type_refuses_is_told_by_column(postgresql: Place) -> None:
    postgresql.run("CREATE DOMAIN mail AS text CHECK (VALUE LIKE '%@%')")
    postgresql.run(
        "CREATE TABLE task (id serial PRIMARY KEY, name text, small smallint, host inet, mail mail, more json)"
    )
    side = postgresql.opened_side()
    row = side.create("k", {"name": "a"})
    for unfit, changes in (
        ({"small"}, {"small": 40000, "name": "b"}),
        ({"host"}, {"host": "nowhere", "name": "b"}),
        ({"mail"}, {"mail": "nobody", "name": "b"}),
        ({"more"}, {"more": "{", "name": "b"}),
        ({"more", "host"}, {"more": "{", "host": "x", "name": "b"}),
    ):
        with pytest.raises(UnfitError) as caught:
            side.update(row, changes)
        assert caught.value.attributes == unfit
        assert side.get(row.id) == row


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"name": "a"}, "size cannot be empty|NOT NULL constraint failed: task.size|size"),
        ({"name": "a", "size": 1, "code": "taken"}, "code has a value that another row has already|code"),
        ({"name": "a", "size": -1}, "size|check"),
        ({"name": "too long", "size": 1}, "name is longer than 5 signs"),
        ({"name": "a", "size": 1, "nothing": 1}, "task has no column nothing"),
    ],
)
def test_a_row_that_the_database_refuses_is_not_made(place: Place, values: dict[str, Any], said: str) -> None:
    place.run(CHECKED.format(key=KEY[place.kind]))
    side = place.opened_side()
    side.create("k", {"name": "a", "code": "taken", "size": 1})
    with pytest.raises(ItemError, match=said):
        side.create("l", values)
    assert len(side.list()) == 1


def test_a_row_to_which_others_refer_stays(place: Place) -> None:
    place.run(CHECKED.format(key=KEY[place.kind]))
    side = place.opened_side()
    parent = side.create("k", {"name": "a", "size": 1})
    side.create("l", {"name": "b", "size": 1, "parent": 1})
    with pytest.raises(ItemError, match=r"is named by one|FOREIGN KEY"):
        side.delete(parent)
    assert len(side.list()) == 2


def test_a_deferred_constraint_is_told_of_its_row(postgresql: Place) -> None:
    postgresql.run(
        "CREATE TABLE task (id serial PRIMARY KEY, name text, "
        "parent integer REFERENCES task DEFERRABLE INITIALLY DEFERRED)"
    )
    side = postgresql.opened_side()
    row = side.create("k", {"name": "a"})
    with pytest.raises(UnfitError) as caught:
        side.update(row, {"parent": 99, "name": "b"})
    assert caught.value.attributes == {"parent"}
    assert side.get(row.id) == row


# -- creating --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns", "options"),
    [
        ("id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text", {}),
        ("id uuid PRIMARY KEY, name text", {}),
        ("id text PRIMARY KEY, name text", {}),
        ("id varchar(36) PRIMARY KEY, name text", {}),
        ("id serial PRIMARY KEY, name text, token uuid UNIQUE", {"create_key": "token"}),
        ("id serial PRIMARY KEY, name text, token text UNIQUE", {"create_key": "token"}),
        ("tenant integer, id text, name text, PRIMARY KEY (tenant, id)", {"where": {"tenant": 1}}),
    ],
)
def test_a_create_that_is_made_again_makes_one_row(
    postgresql: Place, columns: str, options: dict[str, Any]
) -> None:
    postgresql.run(f"CREATE TABLE task ({columns})")
    side = postgresql.opened_side(**options)
    made = side.create("key-1", {"name": "a"})
    assert side.create("key-1", {"name": "a"}) == made
    assert side.create("key-2", {"name": "a"}) != made
    assert len(side.list()) == 2


def test_a_key_that_is_given_and_taken_is_refused(place: Place) -> None:
    place.run("CREATE TABLE task (code VARCHAR(9) PRIMARY KEY, name TEXT)")
    side = place.opened_side()
    assert side.describe()["code"].writable
    row = side.create("k", {"code": "x", "name": "a"})
    for key in ("k", "l"):
        with pytest.raises(UnfitError, match="code") as caught:
            side.create(key, {"code": "x", "name": "b"})
        assert caught.value.attributes == {"code"}
    with pytest.raises(UnfitError, match="code is the key of the row, which stays"):
        side.update(row, {"code": "y"})
    with pytest.raises(ItemError, match="code"):
        side.create("m", {"name": "without a code"})
    assert side.list() == [row]


@pytest.mark.parametrize("made", ["INTEGER PRIMARY KEY", "INTEGER PRIMARY KEY AUTOINCREMENT"])
def test_a_new_row_does_not_get_the_number_of_one_that_was_synced(sqlite: Place, made: str) -> None:
    sqlite.run(f"CREATE TABLE task (id {made}, name TEXT)")
    side = sqlite.opened_side()
    rows = [side.create(key, {"name": key}) for key in "abc"]
    assert [row.id for row in rows] == ["1", "2", "3"]
    side.recall(None, {row.id: {} for row in rows})
    sqlite.run("DELETE FROM task WHERE id > 1")
    assert side.create("d", {"name": "d"}).id == "4", "row 3 is not back, nor edited"


def test_new_rows_get_what_the_scope_says(place: Place) -> None:
    place.run(f"CREATE TABLE task (id {KEY[place.kind]}, name TEXT, project INTEGER, kind TEXT)")
    side = place.opened_side(where={"project": 7, "kind": "a"})
    row = side.create("k", {"name": "x", "kind": "a"})
    assert place.run("SELECT project, kind FROM task") == [{"project": 7, "kind": "a"}]
    assert side.list() == [row]
    with pytest.raises(UnfitError, match="kind would put the row out of what is synced, which is kind = 'a'"):
        side.create("l", {"name": "x", "kind": "b"})
    assert len(side.list()) == 1


def test_what_is_not_said_is_left_to_the_database(place: Place) -> None:
    place.run(
        f"CREATE TABLE task (id {KEY[place.kind]}, name TEXT, state TEXT NOT NULL DEFAULT 'open', "
        "size INTEGER DEFAULT 3, done BOOLEAN NOT NULL, note TEXT NOT NULL)"
    )
    side = place.opened_side(only=["name", "state", "size", "done", "note"])
    row = side.create("k", {"name": "a", "state": None})
    assert side.values(row) == {"name": "a", "state": "open", "size": 3, "done": False, "note": ""}
    row = side.create("l", {"name": "a", "size": None})
    assert side.values(row)["size"] is None


def test_a_row_that_a_trigger_swallows_was_not_made(postgresql: Place) -> None:
    postgresql.run("CREATE TABLE task (id serial PRIMARY KEY, name text)")
    postgresql.run("CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$")
    postgresql.run("CREATE TRIGGER t BEFORE INSERT ON task FOR EACH ROW EXECUTE FUNCTION no()")
    with pytest.raises(ItemError, match="did not keep the new row"):
        postgresql.opened_side().create("k", {"name": "a"})


# -- what other programs need ------------------------------------------------------------------------------------


def test_a_version_is_raised_and_looked_at(place: Place) -> None:
    place.run(f"CREATE TABLE task (id {KEY[place.kind]}, name TEXT, version INTEGER NOT NULL)")
    side = place.opened_side(version="version", only=["name"])
    row = side.create("k", {"name": "a"})
    row = side.update(row, {"name": "b"})
    assert place.run("SELECT name, version FROM task") == [{"name": "b", "version": 2}]
    place.run("UPDATE task SET version = 3")
    with pytest.raises(PreconditionError):
        side.update(row, {"name": "c"})


@pytest.mark.parametrize("kind", ["TIMESTAMP", "TIMESTAMP WITH TIME ZONE"])
def test_the_time_of_a_write_is_set(place: Place, kind: str) -> None:
    kind = "DATETIME" if place.kind == "sqlite" else kind
    place.run(f"CREATE TABLE task (id {KEY[place.kind]}, name TEXT, seen {kind})")
    side = place.opened_side(changed="seen", only=["name"], zone="Asia/Kolkata")
    row = side.create("k", {"name": "a"})
    made = side.edited(row)
    assert made is not None
    assert abs(made - datetime.now(UTC)) < timedelta(seconds=30)
    place.run("UPDATE task SET seen = '2020-01-01 00:00:00'")
    row = side.update(row, {"name": "b"})  # which somebody touched, and did not change
    after = side.edited(row)
    assert after is not None
    assert abs(after - datetime.now(UTC)) < timedelta(seconds=30)
    place.run("UPDATE task SET seen = NULL")
    assert side.edited(side.list()[0]) is None


def test_writes_go_on_in_the_hour_that_clocks_show_twice(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime(2026, 10, 25, 1, 30, tzinfo=UTC)

    monkeypatch.setattr("tasks.services.sql.column.datetime", Clock)
    kind = "DATETIME" if place.kind == "sqlite" else "timestamp"
    place.run(f"CREATE TABLE task (id {KEY[place.kind]}, name TEXT, seen {kind}, gone {kind})")
    side = place.opened_side(changed="seen", deleted="gone", only=["name"], zone="Europe/Berlin")
    side.delete(side.update(side.create("k", {"name": "a"}), {"name": "b"}))
    (row,) = place.run("SELECT name, seen, gone FROM task")
    assert row["name"] == "b"
    assert [str(row[name]) for name in ("seen", "gone")] == ["2026-10-25 02:30:00"] * 2


@pytest.mark.parametrize(
    ("column", "flag", "gone"),
    [
        ("BOOLEAN", "gone", {True}),
        ("BOOLEAN NOT NULL DEFAULT false", "gone", {True}),
        ("VARCHAR(9)", {"column": "gone", "value": "yes"}, {"yes"}),
        ("VARCHAR(9) NOT NULL", {"column": "gone", "value": "yes", "otherwise": "no"}, {"yes"}),
        ("INTEGER", {"column": "gone", "value": 9, "otherwise": 1}, {9}),
        ("TIMESTAMP", "gone", None),
        ("DATE", "gone", None),
    ],
)
def test_a_row_is_marked_as_deleted(place: Place, column: str, flag: Any, gone: set[Any] | None) -> None:
    place.run(f"CREATE TABLE task (id {KEY[place.kind]}, name TEXT, gone {column})")
    side = place.opened_side(deleted=flag, only=["name"])
    one, two = side.create("k", {"name": "a"}), side.create("l", {"name": "b"})
    side.delete(one)
    assert by_title(side).keys() == {"b"}
    (raw,) = (row["gone"] for row in place.run("SELECT gone FROM task WHERE name = 'a'"))
    assert raw in gone if gone else str(raw).startswith("20")
    assert (side.is_gone(one.id), side.is_gone(two.id), side.is_gone("99")) == (True, False, True)
    assert side.get(one.id) is None
    for write in (lambda: side.update(one, {"name": "x"}), lambda: side.delete(one)):
        with pytest.raises(PreconditionError, match="was deleted"):
            write()
    assert side.restore("99") is None
    row = side.restore(one.id)
    assert by_title(side) == {"a": row, "b": two}
    assert side.restore(one.id) == row, "what is not deleted stays as it is"


def test_a_row_that_was_made_and_deleted_meanwhile_comes_back(place: Place) -> None:
    place.run("CREATE TABLE task (id TEXT PRIMARY KEY, name TEXT, gone BOOLEAN)")
    side = place.opened_side(deleted="gone", only=["name"])
    row = side.create("k", {"name": "a"})
    place.run("UPDATE task SET gone = true")
    assert side.list() == []
    assert side.create("k", {"name": "a"}) == row
    assert side.list() == [row]
