"""Tables that are listed in pages: all rows as they were at one moment, and nobody kept waiting meanwhile."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from tasks.services.sql import reading
from tests.tasks.services.sql.conftest import Place

ROWS = 11


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PAGE", 3)


def filled(place: Place) -> None:
    place.run("CREATE TABLE task (id integer PRIMARY KEY, name text)")
    for number in range(ROWS):
        place.run("INSERT INTO task VALUES (:id, :name)", id=number, name=f"n{number}")


def test_pages_show_one_moment_while_others_write(place: Place) -> None:
    filled(place)
    side = place.opened_side()
    pages = side.pages()
    listed = [*next(pages)]
    place.run("UPDATE task SET name = 'late' WHERE id = 10")
    place.run("DELETE FROM task WHERE id = 9")
    place.run("INSERT INTO task VALUES (99, 'new')")
    rest = list(pages)
    listed += [row for page in rest for row in page]
    assert sorted(side.title(row) for row in listed) == sorted(f"n{number}" for number in range(ROWS))
    assert max(map(len, rest)) <= 3
    cursor = rest[-1].cursor
    if place.kind == "postgresql":  # what happened meanwhile is among the changes since
        changes = side.changes(cursor)
        assert {side.title(row) for row in changes.changed} >= {"late", "new"}


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_writer_of_a_file_is_not_kept_waiting(make_place: Callable[[str], Place], mode: str) -> None:
    place = make_place("sqlite")
    filled(place)
    assert place.run(f"PRAGMA journal_mode = {mode}") == [{"journal_mode": mode}]
    pages = place.opened_side().pages()
    next(pages)
    impatient = sa.create_engine(place.url, connect_args={"timeout": 0})
    with impatient.begin() as connection:
        connection.execute(sa.text("UPDATE task SET name = 'mine' WHERE id = 1"))
    impatient.dispose()
    assert sum(map(len, pages)) == ROWS - 3


def test_who_stops_amid_the_pages_leaves_nothing_open(place: Place) -> None:
    filled(place)
    side = place.opened_side()
    pages = side.pages()
    next(pages)
    pages.close()
    place.run("ALTER TABLE task ADD COLUMN more text")  # which waits for whoever reads
    assert len(side.list()) == ROWS


def test_a_key_on_two_pages_is_none_that_can_be_told_apart(sqlite: Place) -> None:
    filled(sqlite)
    sqlite.run("CREATE VIEW both AS SELECT * FROM task UNION ALL SELECT 0, 'again'")
    side = sqlite.opened_side("both", key=["id"])
    *pages, last = list(side.pages())
    named = {name for page in pages for name in page.unreadable}
    assert named == {"0"}
    assert last.partial is None
