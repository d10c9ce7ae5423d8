"""What the set-up says of a table is held against what there is, before anything is read."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tasks.errors import SideError, TaskDefinitionError
from tasks.services.options import options_of
from tasks.services.sql import SERVICE, SqlTable, Table
from tasks.sides import Attribute, Kind, Option
from tests.docs.pages import block
from tests.tasks.services.sql.conftest import Place


def test_a_table_says_what_its_columns_are(postgresql: Place) -> None:
    postgresql.run("CREATE TYPE mood AS ENUM ('sad', 'ok')")
    postgresql.run("CREATE DOMAIN short AS varchar(5) NOT NULL")
    postgresql.run(
        "CREATE TABLE task (id serial PRIMARY KEY, code short, name text NOT NULL, body text, state mood, "
        "tags text[], moods mood[], price numeric(10,2), number numeric(8,0), size real, small smallint, "
        "done boolean, due date, seen timestamp, sent timestamptz, picture bytea, more jsonb, host inet, "
        "spell interval, twice integer GENERATED ALWAYS AS (small * 2) STORED, part uuid)"
    )
    side = postgresql.opened_side(zone="Europe/Berlin")
    described = side.describe()
    assert {name: one.kind for name, one in described.items()} == {
        "id": Kind.WHOLE, "code": Kind.TEXT, "name": Kind.TEXT, "body": Kind.TEXT, "state": Kind.CHOICE,
        "tags": Kind.CHOICES, "moods": Kind.CHOICES, "price": Kind.NUMBER, "number": Kind.WHOLE, "size": Kind.NUMBER,
        "small": Kind.WHOLE, "done": Kind.YES_NO, "due": Kind.DATE, "seen": Kind.MOMENT, "sent": Kind.MOMENT,
        "picture": Kind.OPAQUE, "more": Kind.TEXT, "host": Kind.TEXT, "spell": Kind.TEXT, "twice": Kind.WHOLE,
        "part": Kind.TEXT,
    }  # fmt: skip
    assert {name for name, one in described.items() if not one.writable} == {"id", "picture", "twice"}
    assert described["state"].options == (Option("sad"), Option("ok"))
    assert described["tags"].new_options
    assert not described["moods"].new_options
    meanings = {one.meaning: name for name, one in described.items() if one.meaning}
    assert meanings == {
        "title": "name", "notes": "body", "status": "state", "tags": "tags", "done": "done", "due": "due",
    }  # fmt: skip
    assert described["seen"].form == "Europe/Berlin"
    assert described["sent"].form == ""


@pytest.mark.parametrize(
    ("columns", "title", "option"),
    [
        ("code TEXT, Name TEXT", "Name", None),
        ("code TEXT, remark TEXT", "code", None),
        ("code TEXT, name TEXT", "code", "code"),
        ("size INTEGER, name INTEGER", None, None),
    ],
)
def test_people_call_a_row_by_one_column(
    sqlite: Place, columns: str, title: str | None, option: str | None
) -> None:
    sqlite.run(f"CREATE TABLE task (id INTEGER PRIMARY KEY, {columns})")
    described = sqlite.opened_side(title=option).describe()
    assert [name for name, one in described.items() if one.meaning == "title"] == ([title] if title else [])


def test_rows_without_texts_go_by_their_keys(sqlite: Place) -> None:
    sqlite.run("CREATE TABLE task (id INTEGER PRIMARY KEY, size INTEGER)")
    sqlite.run("INSERT INTO task VALUES (7, 1)")
    side = sqlite.opened_side()
    (row,) = side.list()
    assert (side.key(row), side.title(row), side.address(row)) == ("7", "", "task, id 7")


def test_names_that_need_quotes_are_quoted(place: Place) -> None:
    place.run(
        'CREATE TABLE "Or""der; --" ("select" TEXT PRIMARY KEY, "a b" TEXT, "Ä%(x)s" TEXT, "\\:c" TEXT, "V" INTEGER)'
    )
    flag = {"column": ":c", "value": "x"}
    side = place.opened_side('Or"der; --', version="V", deleted=flag, where={"a b": "m"})
    assert side.describe().keys() == {"select", "a b", "Ä%(x)s", ":c", "V"}
    row = side.create("k", {"select": "1", "Ä%(x)s": "v"})
    row = side.update(row, {"Ä%(x)s": 'w"; DROP TABLE x; --'})
    assert side.values(row) == {
        "select": "1",
        "a b": "m",
        "Ä%(x)s": 'w"; DROP TABLE x; --',
        ":c": None,
        "V": 2,
    }
    side.delete(row)
    assert side.list() == []
    assert side.restore("1").raws["V"] in (4, "4")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"title": "nmae"}, "title names 'nmae', which task does not have: did you mean 'name'?"),
        ({"key": ["nmae"]}, "key names 'nmae', which task does not have"),
        ({"key": ["name"]}, "key names name, which two rows of task may have alike: make it unique"),
        ({"where": {"nmae": 1}}, "where names 'nmae'"),
        ({"where": {"size": "big"}}, "where: size is no number"),
        ({"changed": "nmae"}, "changed names 'nmae'"),
        (
            {"changed": "name"},
            "changed names name, a column of the kind text: give a time or a number that grows",
        ),
        ({"version": "name"}, "version names name, a column of the kind text: give one of whole numbers"),
        ({"version": "id"}, "version names id, which is part of the key"),
        ({"deleted": "nmae"}, "deleted names 'nmae'"),
        ({"deleted": "name"}, "deleted names name: say with value what it shows of a deleted row"),
        (
            {"deleted": {"column": "kept", "value": "x"}},
            "deleted names kept, which is never empty: say otherwise",
        ),
        (
            {"deleted": {"column": "size", "value": "x"}},
            "deleted: size is no number; give value and otherwise",
        ),
        (
            {"create_key": "name"},
            "create_key names name: give a column of texts or UUIDs with a unique index",
        ),
    ],
)
def test_an_option_that_does_not_fit_the_table_is_told(
    place: Place, options: dict[str, Any], said: str
) -> None:
    place.run("CREATE TABLE task (id INTEGER PRIMARY KEY, name TEXT, size INTEGER, kept TEXT NOT NULL)")
    with pytest.raises(TaskDefinitionError) as caught:
        place.opened_side(**options)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"url": "mysql://ada:s3cret@h/x"}, "not mysql://"),
        ({"url": "ada:s3cret"}, "cannot be used: give sqlite:///path or postgresql://"),
        ({"url": "sqlite://"}, "names no file"),
        ({"url": "postgresql://ada:s3cret@h:port/x"}, "cannot be used: give sqlite:///path or postgresql://"),
        ({"url": "sqlite:///x.db", "zone": "Europe/Berlim"}, "time zone 'Europe/Berlim' is unknown"),
        (
            {"url": "sqlite:///x.db", "deleted": {"col": "x"}},
            "deleted is a column, or has column, value and otherwise",
        ),
    ],
)
def test_an_option_that_fits_no_table_is_told(options: dict[str, Any], said: str) -> None:
    with pytest.raises(TaskDefinitionError) as caught:
        Table("task", **options)
    assert said in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_table_that_is_not_there_is_told(place: Place) -> None:
    place.run("CREATE TABLE task (id INTEGER PRIMARY KEY, name TEXT)")
    with pytest.raises(SideError, match=r"there is no table 'taks' in .*; did you mean 'task'"):
        place.opened_side("taks")
    with pytest.raises(TaskDefinitionError, match="the table task has no column 'nmae': did you mean 'name'"):
        place.opened_side(only=["nmae"])


def test_a_schema_is_a_place_of_its_own(postgresql: Place) -> None:
    postgresql.run('CREATE SCHEMA "C R"')
    postgresql.run('CREATE TABLE "C R".task (id integer PRIMARY KEY, name text)')
    side = postgresql.opened_side(schema="C R")
    assert side.create("k", {"id": 1, "name": "a"}).id == "1"
    with pytest.raises(SideError, match="there is no table 'taks' in schema C R of the database"):
        postgresql.opened_side("taks", schema="C R")
    postgresql.run('DROP SCHEMA "C R" CASCADE')


def test_a_table_without_a_key_is_told(place: Place) -> None:
    place.run("CREATE TABLE task (name TEXT, code TEXT UNIQUE)")
    with pytest.raises(
        TaskDefinitionError, match="the table task has no primary key: say by key which columns"
    ):
        place.opened_side()
    assert place.opened_side(key=["code"]).create("k", {"code": "x"}).id == "x"


def test_a_key_of_bytes_is_told(place: Place) -> None:
    kind = "BLOB" if place.kind == "sqlite" else "bytea"
    place.run(f"CREATE TABLE task (id {kind} PRIMARY KEY, name TEXT)")
    with pytest.raises(TaskDefinitionError, match="its key id is binary data"):
        place.opened_side()


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    side = Table("task", url=f"sqlite:///{tmp_path / 'no.db'}")
    side.open()
    with pytest.raises(
        SideError, match=r"the table task in the file .*no\.db cannot be used: unable to open"
    ):
        side.describe()
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_text("no database, but a text of some length" * 99)
    side = Table("task", url=f"sqlite:///{path}")
    side.open()
    with pytest.raises(SideError, match="file is not a database"):
        side.describe()


def test_a_user_who_is_unknown_is_told_without_the_password(postgresql: Place) -> None:
    url = sa.make_url(postgresql.url).set(username="nobody", password="s3cret")
    side = Table("task", url=url.render_as_string(hide_password=False))
    assert "s3cret" not in repr(side) + repr(vars(side))
    side.open()
    try:
        assert "s3cret" not in repr(vars(side)) + repr(vars(side.database))
        with pytest.raises(SideError) as caught:
            side.describe()
    finally:
        side.close()
    assert "nobody" in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_server_that_is_not_there_is_told() -> None:
    side = Table("task", url="postgresql://ada:s3cret@127.0.0.1:1/crm")
    side.open()
    try:
        with pytest.raises(
            SideError, match=r"the table task in the database crm on 127\.0\.0\.1:1 cannot be used: "
        ):
            side.describe()
    finally:
        side.close()


def test_the_login_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch, sqlite: Place) -> None:
    sqlite.run("CREATE TABLE task (id INTEGER PRIMARY KEY, name TEXT)")
    monkeypatch.delenv("SQL_URL", raising=False)
    with pytest.raises(SideError, match=r"nobody says where the database is; set SQL_URL in \.env"):
        Table("task").open()
    monkeypatch.setenv("CRM_URL", sqlite.url)
    side = Table("task", url_variable="CRM_URL")
    side.open()
    assert "name" in side.describe()
    side.close()
    monkeypatch.setenv("SQL_PASSWORD", "of the environment")
    for url, password, used in (
        ("postgresql://ada@h/x", None, "of the environment"),
        ("postgresql://ada:own@h/x", None, "own"),
        ("postgresql://ada:own@h/x", "said", "said"),
    ):
        side = Table("task", url=url, password=password)
        side.open()
        assert side.database.address.password == used
        side.close()


def test_a_table_of_the_configuration_makes_the_same(sqlite: Place) -> None:
    said = {
        "table": "task", "url": sqlite.url, "schema": "main", "key": ["code"], "title": "code", "changed": "seen",
        "look_back": 60, "version": "v", "deleted": {"column": "state", "value": "gone", "otherwise": "here"},
        "where": {"kind": "a"}, "create_key": "token", "zone": "Europe/Berlin",
    }  # fmt: skip
    made = SERVICE.make(SqlTable.model_validate(said))
    same = Table(said.pop("table"), **said)
    assert made.options == same.options
    assert made._url == same._url
    assert {"table", "schema"} <= {one.name for one in options_of(SqlTable)}
    assert "s3cret" not in repr(SqlTable.model_validate({"table": "t", "url": "postgresql://a:s3cret@h/x"}))


def test_the_side_on_the_page_is_made_alike_in_both_languages() -> None:
    text = block("sql.md", "[sync.sql]").text
    for toml in (text, re.sub(r"^# (\w+ = )", r"\1", text, flags=re.MULTILINE)):
        side = SERVICE.make(SERVICE.table.model_validate(tomllib.loads(toml)["sync"]["sql"]))
    names: dict[str, Any] = {}
    exec(block("sql.md", "from tasks.services.sql").text, names)
    assert isinstance(side, Table)
    assert (side.options, side._url) == (names["orders"].options, names["orders"]._url)
    said = {line.removeprefix("# ").partition(" = ")[0] for line in text.splitlines()[1:]}
    assert said == {one.name for one in options_of(SqlTable)}, "the page shows every option"


def test_a_scope_is_a_place_and_a_filter(place: Place) -> None:
    place.run("CREATE TABLE task (id INTEGER PRIMARY KEY, name TEXT, size INTEGER, gone BOOLEAN)")
    place.run("CREATE TABLE other (id INTEGER PRIMARY KEY, name TEXT)")
    scopes = [
        place.opened_side(table, **options).scope()
        for table, options in (
            ("task", {}),
            ("other", {}),
            ("task", {"where": {"size": 1}}),
            ("task", {"where": {"size": 2}}),
            ("task", {"deleted": "gone"}),
        )
    ]
    assert len(set(scopes)) == 5
    assert place.opened_side().scope() == scopes[0]
    place.run("DROP TABLE task")
    place.run("CREATE TABLE task (id TEXT PRIMARY KEY, name TEXT)")
    assert place.opened_side().scope() != scopes[0], "ids of another form name no rows of this one"
    assert sa.make_url(place.url).database in json.loads(scopes[0])[0]


def test_a_view_is_read_only_where_the_database_does_not_write_it(place: Place) -> None:
    place.run("CREATE TABLE task (id INTEGER PRIMARY KEY, name TEXT, done BOOLEAN)")
    place.run("CREATE VIEW many AS SELECT name, count(*) AS times FROM task GROUP BY name")
    place.run("INSERT INTO task VALUES (1, 'a', NULL), (2, 'a', NULL), (3, 'b', NULL)")
    with pytest.raises(TaskDefinitionError, match="the view many has no primary key"):
        place.opened_side("many")
    side = place.opened_side("many", key=["name"])
    assert not any(one.writable for one in side.describe().values())
    times = ["2", "1"] if place.kind == "sqlite" else [2, 1]  # SQLite gives what is reckoned no type
    assert [
        row["times"] for row in sorted(map(side.values, side.list()), key=lambda row: row["name"])
    ] == times
    assert not side.is_gone("c"), "what a view does not show may be there"


@pytest.fixture
def clerk(postgresql: Place) -> Iterator[str]:
    """A user with few rights, of a name of its own: roles are the server's, and one server serves all tests."""
    name = f"clerk_{sa.make_url(postgresql.url).database}"
    postgresql.run(f"CREATE ROLE {name} LOGIN")
    yield name
    postgresql.run(f"DROP OWNED BY {name}")
    postgresql.run(f"DROP ROLE {name}")


def test_columns_that_this_user_may_not_write_are_read_only(postgresql: Place, clerk: str) -> None:
    postgresql.run("CREATE TABLE task (id integer PRIMARY KEY, name text, notes text)")
    url = sa.make_url(postgresql.url).set(username=clerk)
    side = Table("task", url=url.render_as_string(hide_password=False))
    postgresql.opened.append(side)
    side.open()
    side.describe()
    with pytest.raises(SideError, match="permission denied for table task"):
        side.check(["name"])
    postgresql.run(f"GRANT SELECT, UPDATE (notes) ON task TO {clerk}")
    assert {name for name, one in side.describe().items() if one.writable} == {"notes"}
    side.check(["name"])


def test_a_user_who_may_read_some_columns_reads_all_rows_each_time(postgresql: Place, clerk: str) -> None:
    postgresql.run("CREATE TABLE task (id integer PRIMARY KEY, name text, secret text)")
    postgresql.run("INSERT INTO task VALUES (1, 'a', 'b')")
    postgresql.run(f"GRANT SELECT (id, name) ON task TO {clerk}")
    side = Table(
        "task", url=sa.make_url(postgresql.url).set(username=clerk).render_as_string(hide_password=False)
    )
    postgresql.opened.append(side)
    side.open()
    side.describe()
    side.check(["name"])
    listing = side.list()
    assert [side.values(row) for row in listing] == [{"name": "a"}]
    assert listing.cursor is None
    with pytest.raises(SideError, match="permission denied for table task"):
        side.check(["name", "secret"])


def test_rows_that_a_policy_hides_were_not_deleted(postgresql: Place, clerk: str) -> None:
    postgresql.run("CREATE TABLE task (id integer PRIMARY KEY, name text, owner text)")
    postgresql.run(f"INSERT INTO task VALUES (1, 'mine', '{clerk}'), (2, 'hers', 'ada')")
    postgresql.run("ALTER TABLE task ENABLE ROW LEVEL SECURITY")
    postgresql.run("CREATE POLICY own ON task USING (owner = current_user)")
    postgresql.run(f"GRANT ALL ON task TO {clerk}")
    url = sa.make_url(postgresql.url).set(username=clerk)
    side = Table("task", url=url.render_as_string(hide_password=False))
    postgresql.opened.append(side)
    side.open()
    side.describe()
    side.recall(None, {"1": {}, "2": {}})
    assert [row.id for row in side.list()] == ["1"]
    assert not side.is_gone("2")
    assert not side.changes(side.list().cursor).deleted


def test_nothing_of_the_environment_is_changed() -> None:
    before = dict(os.environ)
    side = Table("task", url="sqlite:///x.db")
    side.open()
    side.close()
    side.close()
    assert dict(os.environ) == before
    with pytest.raises(TaskDefinitionError, match="is not open"):
        side.list()
    assert SERVICE.attributes == {}
    assert isinstance(Attribute(Kind.TEXT), Attribute)
