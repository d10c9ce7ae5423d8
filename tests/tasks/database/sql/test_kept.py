"""A worker opens a node for each run, and works for months: nothing is kept of one that was closed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import pytest

from tasks.database.records.manifest import SyncManifest
from tasks.database.sql.declared import open_node, read_nodes
from tasks.database.sql.tables import once
from tasks.database.sql.tables.once import once_for_table
from tasks.database.sql.tables.synced_table import SyncedTable
from tasks.database.transport.memory import MemoryTransport
from tests.harness.kept import BEFORE, BETWEEN, grown
from tests.tasks.database.sql.conftest import Node


@pytest.mark.parametrize("kinds", [("sqlite", "sqlite"), ("sqlite", "postgresql")])
def test_a_process_grows_by_no_node_that_was_closed(
    make_node: Callable[[str], Node], kinds: tuple[str, str]
) -> None:
    office, laptop = map(make_node, kinds)
    office.run("INSERT INTO city VALUES ('b', 'Berlin'), ('c', 'Chur')")
    assert grown(lambda number: synced(office, laptop, number)) == {}
    assert laptop.run("SELECT name FROM city ORDER BY id") == [
        {"name": f"Berlin {BEFORE + BETWEEN - 1}"},
        {"name": "Chur"},
    ]


def synced(office: Node, laptop: Node, number: int) -> None:
    """One edit, and a run that brings it across."""
    office.run("UPDATE city SET name = :name WHERE id = 'b'", name=f"Berlin {number}")
    here, there = (
        open_node(
            read_nodes(
                [{"name": name, "database": node.url, "tables": ["city", "person"], "answers": answers}]
            )[0]
        )
        for name, node, answers in (
            ("office", office, [{"node": "laptop", "secret": "the laptop's own long secret"}]),
            ("laptop", laptop, [{"node": "other", "secret": "another one's own long secret"}]),
        )
    )
    with closing(here), closing(there):
        served = here.served()

        def process(manifest: SyncManifest) -> tuple[SyncManifest, None]:
            return served.process(manifest), None

        there.engine._transport = MemoryTransport(process)
        assert there.engine.sync().counts()


def test_no_more_is_kept_with_a_table_than_has_its_room(
    make_node: Callable[[str], Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(once, "KEPT", 3)
    made: list[str] = []

    @once_for_table
    def name_with(table: SyncedTable, word: str, *, twice: bool = False) -> str:
        made.append(word)
        return f"{table.label} {word * (1 + twice)}"

    storage = make_node("sqlite").storage()
    city, person = (SyncedTable.reflect(storage.database, name) for name in ("city", "person"))
    for _ in range(2):
        assert name_with(city, "a") == "city a"
        assert name_with(person, "a") == "person a"
        assert name_with(city, "a", twice=True) == "city aa"
    assert made == ["a", "a", "a"]
    for word in "bcde":
        assert name_with(city, word) == f"city {word}"
        assert len(city.made) <= 3
    assert name_with(city, "a") == "city a"
    assert len(made) == 3 + 4 + 1
