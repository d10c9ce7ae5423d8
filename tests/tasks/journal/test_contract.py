"""What every journal does, wherever it keeps it: in a state, in files, in SQL."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from tasks.journal.contract import Journal
from tasks.journal.file import FileJournal
from tasks.journal.state import State
from tasks.journal.state_journal import StateJournal
from tasks.merge import End, Link
from worker.store import SqlJournal, Store
from worker.store.tables.fences import take_fence

_numbers = itertools.count()

ONE = Link("p1", "t1", {"Title": "a"}, {"Title": "A"})
TWO = Link("p2", "t2", {"Title": "b"}, {"Title": "b"}, frozenset({End.RIGHT}))
THREE = Link("p3", "t3", {}, {})


@pytest.fixture(params=["state", "file", "sqlite", "postgresql"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    match request.param:
        case "state":
            yield StateJournal(State())
        case "file":
            yield FileJournal(tmp_path / "task.json")
        case _:
            url = f"sqlite:///{tmp_path / 'lockstep.db'}"
            if request.param == "postgresql":
                url = made_in(request.getfixturevalue("postgres"))
            store = Store(url)
            store.migrate()
            with store.write() as connection:
                for task in ("task", "another"):
                    take_fence(connection, task, 1)
            yield SqlJournal(store, "task", "run", 1)
            store.close()


def made_in(postgres: str) -> str:
    """The address of an empty database."""
    name = f"contract{next(_numbers)}"
    engine = create_engine(postgres, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return make_url(postgres).set(database=name).render_as_string(hide_password=False)


async def test_nothing_is_there_at_first(journal: Journal) -> None:
    assert await journal.count() == 0
    assert list(await journal.links(End.LEFT, ["p1"])) == []
    assert list((await journal.load()).links) == []


async def test_links_are_found_by_the_ids_of_either_side(journal: Journal) -> None:
    for link in (ONE, TWO, THREE):
        await journal.confirm(put=link)
    assert await journal.count() == 3
    assert by_id(await journal.links(End.LEFT, ["p2", "p1", "p2", "t3", "unknown"])) == [ONE, TWO]
    assert by_id(await journal.links(End.RIGHT, {"t3", "t2", "p1"})) == [TWO, THREE]
    assert list(await journal.links(End.LEFT, [])) == []
    assert by_id((await journal.load()).links) == [ONE, TWO, THREE]


async def test_what_is_dropped_and_what_takes_its_place(journal: Journal) -> None:
    await journal.confirm(put=ONE)
    again = Link("p9", "t1", {"Title": "again"}, {"Title": "again"})
    await journal.confirm(put=again, drop=ONE)
    assert await journal.count() == 1
    assert list(await journal.links(End.LEFT, ["p1"])) == []
    assert list(await journal.links(End.RIGHT, ["t1"])) == [again]


async def test_more_ids_than_one_query_takes(journal: Journal) -> None:
    for link in (ONE, TWO, THREE):
        await journal.confirm(put=link)
    many = [f"t{number}" for number in range(1, 40_000)]
    assert by_id(await journal.links(End.RIGHT, many)) == [ONE, TWO, THREE]


async def test_a_file_is_read_by_who_asks_first(tmp_path: Path) -> None:
    await FileJournal(tmp_path / "task.json").confirm(put=ONE)
    assert list(await FileJournal(tmp_path / "task.json").links(End.RIGHT, ["t1"])) == [ONE]
    assert await FileJournal(tmp_path / "task.json").count() == 1


async def test_another_tasks_links_are_not_seen(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'lockstep.db'}")
    store.migrate()
    with store.write() as connection:
        take_fence(connection, "another", 1)
    await SqlJournal(store, "another", "run", 1).confirm(put=ONE)
    mine = SqlJournal(store, "task", "run", 1)
    assert (await mine.count(), list(await mine.links(End.LEFT, ["p1"]))) == (0, [])
    store.close()


def by_id(links: object) -> list[Link]:
    assert isinstance(links, list)
    return sorted(links, key=lambda link: link.left_id)
