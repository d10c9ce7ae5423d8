"""Changes since a cursor name every row that was written, however late it was committed and whatever time it bears."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from tasks.errors import CursorExpiredError
from tasks.services.sql import Table
from tests.tasks.services.sql.conftest import Place

KEY = {"sqlite": "INTEGER PRIMARY KEY", "postgresql": "serial PRIMARY KEY"}


def named(side: Table, cursor: Any) -> set[str]:
    return {side.title(row) for row in side.changes(cursor).changed}


@contextmanager
def underway(place: Place, *statements: str) -> Iterator[sa.Connection]:
    """A transaction of another program that is not committed yet."""
    with place.engine.connect() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))
        yield connection
        connection.commit()


# -- by the transactions of PostgreSQL ---------------------------------------------------------------------------


def test_what_is_committed_late_is_not_missed(postgresql: Place) -> None:
    postgresql.run("CREATE TABLE task (id serial PRIMARY KEY, name text, seen timestamptz DEFAULT now())")
    postgresql.run("INSERT INTO task (name) VALUES ('old')")
    side = postgresql.opened_side()
    with underway(
        postgresql,
        "INSERT INTO task (name, seen) VALUES ('late', '2000-01-01')",
        "UPDATE task SET seen = '2000-01-01' WHERE name = 'old'",
    ):
        postgresql.run("INSERT INTO task (name) VALUES ('new')")
        first = side.list()
        assert {side.title(row) for row in first} == {"old", "new"}
        second = side.changes(first.cursor)
        assert named(side, first.cursor) <= {"new"}
    assert named(side, first.cursor) >= {"late", "old"}
    assert named(side, second.cursor) >= {"late", "old"}
    third = side.changes(second.cursor).cursor
    assert named(side, third) == set(), "what was seen is not read again"


def test_a_transaction_that_reads_long_before_it_writes_is_not_missed(postgresql: Place) -> None:
    postgresql.run("CREATE TABLE task (id serial PRIMARY KEY, name text, seen timestamptz DEFAULT now())")
    side = postgresql.opened_side()
    with underway(postgresql, "SELECT now()") as connection:
        cursor = side.changes(side.list().cursor).cursor
        connection.execute(sa.text("SAVEPOINT a"))
        connection.execute(sa.text("INSERT INTO task (name) VALUES ('late')"))
        connection.execute(sa.text("RELEASE a"))
        between = side.changes(cursor).cursor
    assert named(side, cursor) == named(side, between) == {"late"}


def test_deletions_are_told_of_what_was_synced(postgresql: Place) -> None:
    postgresql.run("CREATE TABLE task (a integer, b text, name text, project integer, PRIMARY KEY (a, b))")
    postgresql.run("INSERT INTO task SELECT n, 'x', 'row ' || n, 1 FROM generate_series(1, 4) n")
    side = postgresql.opened_side(where={"project": 1})
    listing = side.list()
    ids = {side.title(row): row.id for row in listing}
    side.recall(None, {one: {} for one in ids.values()})
    postgresql.run("DELETE FROM task WHERE a = 1")
    postgresql.run("UPDATE task SET project = 2 WHERE a = 2")
    changes = side.changes(listing.cursor)
    assert changes.deleted == [ids["row 1"]], "what left the filter is not deleted"
    assert changes.changed == []


def test_a_mark_is_a_deletion(postgresql: Place) -> None:
    postgresql.run("CREATE TABLE task (id integer PRIMARY KEY, name text, gone boolean)")
    postgresql.run("INSERT INTO task VALUES (1, 'a'), (2, 'b')")
    side = postgresql.opened_side(deleted="gone")
    listing = side.list()
    side.recall(None, {"1": {}, "2": {}})
    postgresql.run("UPDATE task SET gone = true WHERE id = 1")
    changes = side.changes(listing.cursor)
    assert (changes.deleted, changes.changed) == (["1"], [])


@pytest.mark.parametrize("what", ["rewritten", "made anew", "another filter", "another server"])
def test_a_cursor_of_another_table_or_server_is_of_no_use(postgresql: Place, what: str) -> None:
    made = "CREATE TABLE task (id integer PRIMARY KEY, name text, size integer)"
    postgresql.run(made)
    cursor = postgresql.opened_side().list().cursor
    options: dict[str, Any] = {}
    if what == "rewritten":
        postgresql.run("ALTER TABLE task ALTER COLUMN size TYPE bigint")
    elif what == "made anew":
        postgresql.run("DROP TABLE task")
        postgresql.run(made)
    elif what == "another filter":
        options = {"where": {"size": 1}}
    else:
        cursor = {**cursor, "identity": cursor["identity"].replace("20", "19", 1)}
    with pytest.raises(CursorExpiredError):
        postgresql.opened_side(**options).changes(cursor)


def test_a_cursor_of_transactions_to_come_is_of_no_use(postgresql: Place) -> None:
    postgresql.run("CREATE TABLE task (id integer PRIMARY KEY, name text)")
    side = postgresql.opened_side()
    cursor = side.list().cursor
    for horizon in (cursor["horizon"] + 1000, cursor["horizon"] - 2**31):
        with pytest.raises(CursorExpiredError):
            side.changes({**cursor, "horizon": horizon})
    for told in (None, {}, {"by": 1}, [1], "x", {**cursor, "more": 1}):
        with pytest.raises(CursorExpiredError):
            side.changes(told)


def test_the_partitions_of_a_table_are_one_table(postgresql: Place) -> None:
    postgresql.run("CREATE TABLE task (id integer, name text, PRIMARY KEY (id)) PARTITION BY RANGE (id)")
    postgresql.run("CREATE TABLE low PARTITION OF task FOR VALUES FROM (0) TO (100)")
    postgresql.run("CREATE TABLE high PARTITION OF task FOR VALUES FROM (100) TO (200)")
    side = postgresql.opened_side()
    cursor = side.list().cursor
    row = side.create("k", {"id": 150, "name": "a"})
    postgresql.run("INSERT INTO task VALUES (50, 'b')")
    assert named(side, cursor) == {"a", "b"}
    side.update(row, {"name": "c"})
    side.delete(side.get("50"))
    assert {side.title(one) for one in side.list()} == {"c"}


def test_random_transactions_are_not_missed(postgresql: Place) -> None:
    """Programs write at the same time, commit in any order and bear any time; what was read is all that there is."""
    postgresql.run("CREATE TABLE task (id integer PRIMARY KEY, name text)")
    side = postgresql.opened_side()
    rng = random.Random(int(os.environ.get("LOCKSTEP_TEST_SEED", "1")))
    listing = side.list()
    cursor, known = listing.cursor, {row.id: side.title(row) for row in listing}
    engine = sa.create_engine(postgresql.url, pool_size=4)
    open_ones: list[tuple[sa.Connection, int]] = []
    late = 0
    try:
        for step in range(int(os.environ.get("LOCKSTEP_TEST_STEPS", "60"))):
            if len(open_ones) < 4 and rng.random() < 0.6:
                number = rng.choice([n for n in range(12) if n not in {one for _, one in open_ones}])
                connection = engine.connect()
                connection.execute(
                    sa.text("INSERT INTO task VALUES (:i, :n) ON CONFLICT (id) DO UPDATE SET name = :n"),
                    {"i": number, "n": f"{number} at {step}"},
                )
                open_ones.append((connection, number))
            elif open_ones:
                place = rng.randrange(len(open_ones))
                late += place == 0 and len(open_ones) > 1
                connection, _ = open_ones.pop(place)
                (connection.commit if rng.random() < 0.8 else connection.rollback)()
                connection.close()
            if rng.random() < 0.5:
                changes = side.changes(cursor)
                known |= {row.id: side.title(row) for row in changes.changed}
                cursor = changes.cursor
                assert known == {row.id: side.title(row) for row in side.list()}
    finally:
        for connection, _ in open_ones:
            connection.close()
        engine.dispose()
    assert late > 3


@contextmanager
def counted(side: Table) -> Iterator[list[str]]:
    """The statements that a side sends."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        sent.append(statement)

    sa.event.listen(side.database.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        sa.event.remove(side.database.engine, "before_cursor_execute", note)


def test_a_poll_of_a_server_that_wrote_nothing_reads_no_row(postgresql: Place) -> None:
    postgresql.run("CREATE TABLE task (id integer PRIMARY KEY, name text)")
    postgresql.run("INSERT INTO task SELECT n, 'row ' || n FROM generate_series(1, 100) n")
    side = postgresql.opened_side()
    cursor = side.list().cursor
    side.recall(None, {str(number): {} for number in range(1, 101)})
    for _ in range(20):  # the server itself may write now and then
        with counted(side) as sent:
            changes = side.changes(cursor)
        cursor = changes.cursor
        assert (list(changes.changed), list(changes.deleted)) == ([], [])
        if not (told := [one for one in sent if "task" in one]):
            break
    assert told == []
    postgresql.run("DELETE FROM task WHERE id = 7")
    postgresql.run("INSERT INTO task VALUES (107, 'row 7')")
    found = side.changes(changes.cursor)
    assert (found.deleted, [row.id for row in found.changed]) == (["7"], ["107"])
    assert side.recall(None, {"107": {}}) is None
    assert list(side.changes(found.cursor).deleted) == []


@pytest.mark.parametrize(
    "made",
    [
        "CREATE UNLOGGED TABLE task (id integer PRIMARY KEY, name text)",
        "CREATE TABLE task (id integer, name text, PRIMARY KEY (id)) PARTITION BY RANGE (id)",
        "CREATE TABLE task (id integer PRIMARY KEY, name text); CREATE TABLE child () INHERITS (task)",
    ],
)
def test_a_table_that_more_than_transactions_change_is_read_in_every_poll(
    postgresql: Place, made: str
) -> None:
    """A part may be of another server, and a crash empties what is not logged."""
    for statement in made.split(";"):
        postgresql.run(statement)
    side = postgresql.opened_side()
    side.recall(None, {"1": {}})
    cursor = side.list().cursor
    assert cursor["still_at"] == 0
    assert side.changes(cursor).deleted == ["1"]


@pytest.mark.parametrize("seed", range(6))
def test_no_deletion_is_missed_whatever_is_under_way(postgresql: Place, seed: int) -> None:
    """What is told by changes is what a full listing shows, with rows that come back under the key of another one."""
    postgresql.run("CREATE TABLE task (id integer PRIMARY KEY, name text, seen integer)")
    postgresql.run("CREATE TABLE beside (id integer)")
    side = postgresql.opened_side(changed="seen")
    rng = random.Random(seed)
    listing = side.list()
    cursor, known = listing.cursor, {row.id: side.title(row) for row in listing}
    reached = {"still": 0, "deleted": 0, "under way": 0, "told late": 0}
    engine = sa.create_engine(postgresql.url, pool_size=3)
    begun: list[tuple[sa.Connection, int]] = []
    try:
        for step in range(60):
            free = [number for number in range(8) if number not in {one for _, one in begun}]
            what = rng.choice(("delete", "insert", "swap", "beside", "begin", "end", "nothing", "nothing"))
            number, other = rng.sample(free, 2)
            if what in ("delete", "swap"):
                postgresql.run("DELETE FROM task WHERE id = :i", i=number)
            if what in ("insert", "swap"):  # of an old version, whatever a column of versions says
                postgresql.run(
                    "INSERT INTO task VALUES (:i, :n, 0) ON CONFLICT DO NOTHING",
                    i=other,
                    n=f"{other} at {step}",
                )
            if what == "beside":
                postgresql.run("INSERT INTO beside VALUES (1)")
            if what == "begin" and len(begun) < 2:
                connection = engine.connect()
                statement = "DELETE FROM task WHERE id = :i"
                if rng.random() < 0.5:
                    statement = "INSERT INTO task VALUES (:i, 'late', 0) ON CONFLICT DO NOTHING"
                connection.execute(sa.text(statement), {"i": number})
                begun.append((connection, number))
            if what == "end" and begun:
                connection, _ = begun.pop(rng.randrange(len(begun)))
                (connection.commit if rng.random() < 0.7 else connection.rollback)()
                connection.close()
                reached["told late"] += 1
            side.recall(None, {one: {} for one in known})
            with counted(side) as sent:
                changes = side.changes(cursor)
            cursor = changes.cursor
            reached["still"] += not any("task" in one for one in sent)
            reached["under way"] += bool(begun)
            reached["deleted"] += len(changes.deleted)
            known = {one: name for one, name in known.items() if one not in changes.deleted}
            known |= {row.id: side.title(row) for row in changes.changed}
            assert known == {row.id: side.title(row) for row in side.list()}, (step, what)
    finally:
        for connection, _ in begun:
            connection.close()
        engine.dispose()
    assert all(number for name, number in reached.items() if name != "still"), reached
    STILL.append(reached["still"])


STILL: list[int] = []


def test_some_of_these_polls_read_no_row() -> None:
    """A server of its own that others use at the same time may be still in none."""
    assert not STILL or sum(STILL) > 0, STILL


# -- by a column -------------------------------------------------------------------------------------------------


def test_without_anything_that_tells_there_is_no_cursor(sqlite: Place) -> None:
    sqlite.run("CREATE TABLE task (id INTEGER PRIMARY KEY, name TEXT)")
    side = sqlite.opened_side()
    assert side.list().cursor is None
    with pytest.raises(CursorExpiredError):
        side.changes(None)


FORMS = {
    "text": lambda at: at.strftime("%Y-%m-%d %H:%M:%S"),
    "fraction": lambda at: at.strftime("%Y-%m-%d %H:%M:%S.%f"),
    "iso": lambda at: at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    "offset": lambda at: at.astimezone(datetime.now().astimezone().tzinfo).isoformat(),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_time_tells_in_each_form_of_a_file(sqlite: Place, form: str) -> None:
    sqlite.run("CREATE TABLE task (id INTEGER PRIMARY KEY, name TEXT, seen DATETIME)")
    now = datetime.now(UTC)
    side = sqlite.opened_side(changed="seen", look_back=60)

    def add(name: str, ago: float) -> None:
        seen = FORMS[form](now - timedelta(seconds=ago))
        sqlite.run("INSERT INTO task (name, seen) VALUES (:name, :seen)", name=name, seen=seen)

    assert side.changes(side.list().cursor).changed == []
    add("first of all", 0)
    assert named(side, side.list().cursor) == {"first of all"}
    add("old", 3600)
    add("recent", 100)
    cursor = side.list().cursor
    add("late", 30)
    add("too late", 120)
    assert named(side, cursor) == {"first of all", "late"}
    sqlite.run("UPDATE task SET seen = NULL, name = 'untold' WHERE name = 'old'")
    sqlite.run("UPDATE task SET seen = 'nonsense', name = 'odd' WHERE name = 'recent'")
    assert named(side, cursor) == {"first of all", "late", "untold", "odd"}


def test_a_time_to_come_hides_nothing(sqlite: Place) -> None:
    sqlite.run("CREATE TABLE task (id INTEGER PRIMARY KEY, name TEXT, seen DATETIME)")
    sqlite.run("INSERT INTO task (name, seen) VALUES ('of a wrong clock', '2999-01-01 00:00:00')")
    side = sqlite.opened_side(changed="seen", look_back=60)
    cursor = side.list().cursor
    side.create("k", {"name": "new"})
    assert named(side, cursor) == {"of a wrong clock", "new"}


def test_a_number_that_grows_tells(place: Place) -> None:
    place.run(f"CREATE TABLE task (id {KEY[place.kind]}, name TEXT, n INTEGER)")
    place.run("CREATE VIEW seen AS SELECT * FROM task")
    side = place.opened_side("seen", key=["id"], changed="n", look_back=5)
    for number in range(1, 21):
        place.run("INSERT INTO task (name, n) VALUES (:name, :n)", name=f"row {number}", n=number)
    cursor = side.list().cursor
    assert named(side, cursor) == {f"row {number}" for number in range(15, 21)}
    place.run("INSERT INTO task (name, n) VALUES ('late', 17), ('new', 21)")
    changes = side.changes(cursor)
    assert {side.title(row) for row in changes.changed} >= {"late", "new"}
    assert named(side, changes.cursor) == {"late", "new", *(f"row {number}" for number in range(16, 21))}
    side.recall(None, {row.id: {} for row in side.list()})
    place.run("DELETE FROM task WHERE n = 20")
    assert side.changes(cursor).deleted == [], "what a view does not show may be there"


@pytest.mark.parametrize("kind", ["timestamp", "timestamptz", "date"])
def test_a_time_tells_of_a_view(postgresql: Place, kind: str) -> None:
    postgresql.run(f"CREATE TABLE task (id serial PRIMARY KEY, name text, seen {kind})")
    postgresql.run("CREATE VIEW seen AS SELECT * FROM task")
    zone = "Asia/Kolkata"
    side = postgresql.opened_side("seen", key=["id"], changed="seen", look_back=60, zone=zone)
    assert side.changes(side.list().cursor).changed == []
    local = f"clock_timestamp() AT TIME ZONE '{zone}'" if kind == "timestamp" else "clock_timestamp()"
    postgresql.run(
        f"INSERT INTO task (name, seen) VALUES ('old', {local} - interval '4 days'), ('new', {local})"
    )
    cursor = side.list().cursor
    postgresql.run(f"INSERT INTO task (name, seen) VALUES ('late', {local} - interval '30 seconds')")
    assert named(side, cursor) == {"new", "late"}
    row = side.create("k", {"name": "own"})
    assert named(side, cursor) == ({"new", "late", "own"})
    assert side.edited(row) is not None or kind == "date"


@pytest.mark.parametrize("back", [False, True])
def test_hours_that_clocks_show_twice_are_read_again(
    sqlite: Place, back: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite.run("CREATE TABLE task (id INTEGER PRIMARY KEY, name TEXT, seen DATETIME)")
    side = sqlite.opened_side(changed="seen", look_back=60, zone="Europe/Berlin")
    sqlite.run("INSERT INTO task (name, seen) VALUES ('a', '2025-10-26 02:50:00')")
    cursor = side.list().cursor
    sqlite.run(f"INSERT INTO task (name, seen) VALUES ('b', '2025-10-26 0{2 if back else 3}:05:00')")
    assert named(side, cursor) == {"a", "b"}
