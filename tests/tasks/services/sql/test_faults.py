"""What happens when the database is busy, goes away, or gives no answer."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from tasks.errors import ItemError, LockLostError, OutcomeUnknownError, PreconditionError, SideError
from tasks.services.sql import Table, connection
from tasks.sides import check_lock
from tests.tasks.services.sql.conftest import Place, by_title

KEY = {"sqlite": "INTEGER PRIMARY KEY", "postgresql": "serial PRIMARY KEY"}


@pytest.fixture
def table(place: Place) -> Place:
    place.run(f"CREATE TABLE task (id {KEY[place.kind]}, name TEXT, token TEXT UNIQUE)")
    return place


def cut_off(side: Table, monkeypatch: pytest.MonkeyPatch, *, kept: bool, found_again: bool = True) -> None:
    """Loses the connection at the next commit, before or after the server has made it."""
    dialect = side.database.engine.dialect
    commit: Callable[[Any], None] = dialect.do_commit

    def lose(raw: Any) -> None:
        monkeypatch.setattr(dialect, "do_commit", commit)
        if kept:
            commit(raw)
        if dialect.name == "sqlite":
            raise sqlite3.OperationalError("disk I/O error")
        raw.driver_connection.close()
        if not found_again:
            monkeypatch.setattr(dialect, "connect", refuse)
        refuse()

    def refuse(*_args: Any, **_others: Any) -> None:
        raise dialect.loaded_dbapi.OperationalError("the connection is lost")

    monkeypatch.setattr(dialect, "do_commit", lose)


def test_a_lost_answer_is_asked_for(postgresql: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    postgresql.run("CREATE TABLE task (id serial PRIMARY KEY, name text)")
    side = postgresql.opened_side()
    cut_off(side, monkeypatch, kept=True)
    row = side.create("k", {"name": "a"})
    assert side.list() == [row]
    cut_off(side, monkeypatch, kept=True)
    row = side.update(row, {"name": "b"})
    cut_off(side, monkeypatch, kept=True)
    side.delete(row)
    assert side.list() == []


def test_a_write_that_was_lost_is_told(postgresql: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    postgresql.run("CREATE TABLE task (id serial PRIMARY KEY, name text)")
    side = postgresql.opened_side()
    row = side.create("k", {"name": "a"})
    cut_off(side, monkeypatch, kept=False)
    with pytest.raises((SideError, OutcomeUnknownError)):  # the server may not know yet that nobody is there
        side.update(row, {"name": "b"})
    assert side.list() == [row]


def test_only_a_transaction_that_was_kept_counts(postgresql: Place) -> None:
    postgresql.run("CREATE TABLE task (id serial PRIMARY KEY, name text)")
    database = postgresql.opened_side().database
    start = "CAST(pg_postmaster_start_time() AT TIME ZONE 'UTC' AS text) || '+00'"
    asked = f"SELECT CAST(pg_current_xact_id() AS text), {start}"
    with postgresql.engine.connect() as other:
        number, server = other.execute(sa.text(asked)).one()
        assert not database._is_committed((number, server)), "it is under way still"
        other.commit()
        assert database._is_committed((number, server))
        assert not database._is_committed((number, "another server"))
        number, _ = other.execute(sa.text(asked)).one()
        other.rollback()
        with pytest.raises(SideError, match="was lost before a write was made"):
            database._is_committed((number, server))
    assert not database._is_committed(None)


@pytest.mark.parametrize("kept", [True, False])
def test_an_answer_that_nobody_can_give_is_unknown(
    table: Place, kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    side = table.opened_side(create_key="token", only=["name"])
    cut_off(side, monkeypatch, kept=kept, found_again=False)
    with pytest.raises(OutcomeUnknownError, match="no answer came to a write"):
        side.create("k", {"name": "a"})
    monkeypatch.undo()
    rows = side.list()
    assert len(rows) == (1 if kept else 0)
    row = side.create("k", {"name": "a"})
    assert side.list() == [row], "a create that is made again makes no other row"


def test_a_connection_that_was_lost_meanwhile_is_made_again(postgresql: Place) -> None:
    postgresql.run("CREATE TABLE task (id serial PRIMARY KEY, name text)")
    side = postgresql.opened_side()
    row = side.create("k", {"name": "a"})
    others = "pid <> pg_backend_pid() AND application_name = 'lockstep'"
    assert postgresql.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
    assert side.list() == [row]


def test_a_connection_that_is_lost_in_a_write_writes_nothing(postgresql: Place) -> None:
    postgresql.run("CREATE TABLE task (id serial PRIMARY KEY, name text)")
    side = postgresql.opened_side()
    row = side.create("k", {"name": "a"})
    postgresql.run(
        "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$"
    )
    postgresql.run("CREATE TRIGGER t BEFORE UPDATE ON task FOR EACH ROW EXECUTE FUNCTION die()")
    with pytest.raises(SideError, match="cannot be used: terminating connection"):
        side.update(row, {"name": "b"})
    assert side.list() == [row]


def test_a_file_that_somebody_writes_is_waited_for(sqlite: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "BUSY_SECONDS", 0.05)
    sqlite.run("CREATE TABLE task (id INTEGER PRIMARY KEY, name TEXT)")
    side = sqlite.opened_side()
    row = side.create("k", {"name": "a"})
    path = sa.make_url(sqlite.url).database or ""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(ItemError, match="the table task is busy: database is locked"):
        side.update(row, {"name": "b"})
    other.execute("UPDATE task SET name = 'theirs'")
    other.execute("COMMIT")
    with pytest.raises(PreconditionError):
        side.update(row, {"name": "b"})
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(SideError, match="database is locked"):
        side.list()
    other.close()
    assert by_title(side).keys() == {"theirs"}


def test_a_row_that_somebody_writes_is_waited_for(postgresql: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    postgresql.run("CREATE TABLE task (id serial PRIMARY KEY, name text)")
    monkeypatch.setattr(
        connection, "_WRITES", connection._WRITES.replace(f"'{connection.BUSY_SECONDS}s'", "'50ms'")
    )
    side = postgresql.opened_side()
    row = side.create("k", {"name": "a"})
    with postgresql.engine.begin() as other:
        other.execute(sa.text("UPDATE task SET name = 'theirs'"))
        with pytest.raises(ItemError, match="is busy: canceling statement due to lock timeout"):
            side.update(row, {"name": "b"})
    with pytest.raises(PreconditionError):
        side.update(row, {"name": "b"})


def test_somebody_who_commits_while_a_write_waits_is_not_written_over(postgresql: Place) -> None:
    postgresql.run("CREATE TABLE task (id serial PRIMARY KEY, name text, size integer)")
    side = postgresql.opened_side()
    row = side.create("k", {"name": "a"})
    with postgresql.engine.connect() as other:
        other.execute(sa.text("UPDATE task SET name = 'theirs'"))
        timer = threading.Timer(0.2, other.commit)
        timer.start()
        with pytest.raises(PreconditionError):
            side.update(row, {"size": 1})
        timer.join()
    assert postgresql.run("SELECT name, size FROM task") == [{"name": "theirs", "size": None}]


def test_a_transaction_that_gave_way_is_made_again(postgresql: Place) -> None:
    postgresql.run("CREATE TABLE task (id serial PRIMARY KEY, name text)")
    postgresql.run("CREATE SEQUENCE times")
    postgresql.run(
        "CREATE FUNCTION give_way() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF nextval('times') < 3 THEN "
        "RAISE 'deadlock detected' USING ERRCODE = '40P01'; END IF; RETURN NEW; END $$"
    )
    postgresql.run("CREATE TRIGGER t BEFORE UPDATE ON task FOR EACH ROW EXECUTE FUNCTION give_way()")
    side = postgresql.opened_side()
    row = side.create("k", {"name": "a"})
    assert side.values(side.update(row, {"name": "b"}))["name"] == "b"
    assert postgresql.run("SELECT last_value FROM times") == [{"last_value": 3}]
    postgresql.run("ALTER SEQUENCE times MINVALUE -99 RESTART -99")
    with pytest.raises(ItemError, match="is busy: deadlock detected"):
        side.update(side.list()[0], {"name": "c"})


def test_a_listing_that_takes_too_long_ends(postgresql: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    postgresql.run("CREATE TABLE task (id serial PRIMARY KEY, name text)")
    postgresql.run("INSERT INTO task (name) VALUES ('a')")
    postgresql.run("CREATE VIEW slow AS SELECT id, name || pg_sleep(9)::text AS name FROM task")
    side = postgresql.side("slow", key=["id"])
    postgresql.opened.append(side)
    side.open()
    side.describe()
    limit = f"'{connection.STATEMENT_SECONDS}s'"
    monkeypatch.setattr(connection, "_READS", connection._READS.replace(limit, "'100ms'"))
    with pytest.raises(SideError, match="canceling statement due to statement timeout"):
        side.check(["name"])


def test_a_run_that_lost_its_lock_writes_nothing(place: Place) -> None:
    place.run(f"CREATE TABLE task (id {KEY[place.kind]}, name TEXT, gone BOOLEAN)")
    side = place.opened_side(deleted="gone")
    row = side.create("k", {"name": "a"})

    def lost() -> None:
        raise LockLostError("another run has taken the node over")

    token = check_lock.set(lost)
    try:
        for write in (
            lambda: side.create("l", {"name": "b"}),
            lambda: side.update(row, {"name": "b"}),
            lambda: side.delete(row),
            lambda: side.restore(row.id),
        ):
            with pytest.raises(LockLostError):
                write()
    finally:
        check_lock.reset(token)
    assert side.list() == [row]


def test_messages_hold_no_password_and_no_value(postgresql: Place) -> None:
    postgresql.run("CREATE TABLE task (id serial PRIMARY KEY, name text UNIQUE)")
    url = sa.make_url(postgresql.url).set(password="s3cret")
    side = Table("task", url=url.render_as_string(hide_password=False))
    postgresql.opened.append(side)
    side.open()
    side.describe()
    side.create("k", {"name": "a private matter"})
    with pytest.raises(ItemError) as caught:
        side.create("l", {"name": "a private matter"})
    assert "private" not in str(caught.value)
    postgresql.run("DROP TABLE task")
    with pytest.raises(SideError) as gone:
        side.list()
    assert "s3cret" not in str(gone.value) + repr(gone.value)
