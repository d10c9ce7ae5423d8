"""Tables that change while the processes that sync them go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tasks.database.exceptions import SyncAbortedError
from tasks.database.sql.capture import triggers as capture
from tasks.errors import TaskDefinitionError
from tests.tasks.database.sql.test_nodes import KINDS, Party

Node = Any  # the class of the conftest

ALL_KINDS = [*KINDS, pytest.param(("sqlite", "sqlite"), id="files")]


def pair(make_node: Callable[[str], Node], kinds: tuple[str, str]) -> tuple[Party, Party]:
    hub = Party("hub", make_node(kinds[0]))
    spoke = Party("spoke", make_node(kinds[1]), hub)
    hub.node.run("INSERT INTO city (id, name) VALUES ('a', 'Aachen'), ('b', 'Berlin')")
    for _ in range(7):  # statements that are used so often are prepared by the driver
        hub.node.run("UPDATE city SET name = name || '.'")
        spoke.engine.sync()
    return hub, spoke


def alter(party: Party, statement: str) -> None:
    """As the docs tell: SQLite drops no column that a trigger names."""
    party.node.run(statement)


@pytest.mark.parametrize("kinds", ALL_KINDS)
@pytest.mark.parametrize("first", ["hub", "spoke"])
def test_a_column_that_was_added_is_synced_by_processes_that_run(
    make_node: Callable[[str], Node], kinds: tuple[str, str], first: str
) -> None:
    hub, spoke = pair(make_node, kinds)
    early, late = (hub, spoke) if first == "hub" else (spoke, hub)
    alter(early, "ALTER TABLE city ADD COLUMN size INTEGER")
    assert spoke.engine.sync().ok
    early.node.run("UPDATE city SET size = 5 WHERE id = 'a'")
    spoke.engine.sync()
    alter(late, "ALTER TABLE city ADD COLUMN size INTEGER")
    spoke.engine.resync()
    for _ in range(2):
        assert spoke.engine.sync().ok
    sizes = [party.node.run("SELECT size FROM city ORDER BY id") for party in (hub, spoke)]
    assert sizes == [[{"size": 5}, {"size": None}]] * 2
    late.node.run("UPDATE city SET size = 6 WHERE id = 'b'")
    spoke.engine.sync()
    assert early.node.run("SELECT size FROM city WHERE id = 'b'") == [{"size": 6}]
    assert spoke.engine.sync().counts() == {}


@pytest.mark.parametrize("kinds", ALL_KINDS)
def test_a_column_that_was_renamed_stops_nothing(
    make_node: Callable[[str], Node], kinds: tuple[str, str]
) -> None:
    hub, spoke = pair(make_node, kinds)
    for party in (hub, spoke):
        alter(party, "ALTER TABLE person RENAME COLUMN more TO extra")
        alter(party, "ALTER TABLE person DROP COLUMN photo" if "postgresql" in party.node.url else "SELECT 1")
    assert spoke.engine.sync().ok
    hub.node.run("INSERT INTO person (id, name, extra) VALUES (1, 'Ada', '[1]')")
    assert spoke.engine.sync().ok
    spoke.node.run("UPDATE person SET extra = '[2]' WHERE id = 1")
    assert spoke.engine.sync().ok
    assert hub.rows()["person"]["1"]["extra"] == "[2]"


@pytest.mark.parametrize("kinds", KINDS)
def test_a_column_of_another_type_is_read_anew(
    make_node: Callable[[str], Node], kinds: tuple[str, str]
) -> None:
    hub, spoke = pair(make_node, kinds)
    server = hub if kinds[0] == "postgresql" else spoke
    other = spoke if server is hub else hub
    alter(server, "ALTER TABLE person ALTER COLUMN id TYPE TEXT, ALTER COLUMN size TYPE REAL")
    assert spoke.engine.sync().ok
    server.node.run("INSERT INTO person (id, name, size) VALUES ('7', 'Ada', 1.5)")
    assert spoke.engine.sync().ok
    assert other.node.run("SELECT id, name FROM person") == [{"id": 7, "name": "Ada"}]


def test_what_cannot_be_synced_any_more_is_told_and_heals(node: Node) -> None:
    party = Party("hub", node)
    with party.storage.transaction():
        pass
    node.run("ALTER TABLE person RENAME TO people")
    for _ in range(2):
        with pytest.raises((TaskDefinitionError, SyncAbortedError), match="person"):
            party.engine.purge_tombstones()
    node.run("ALTER TABLE people RENAME TO person")
    party.engine.purge_tombstones()


def test_capture_that_was_removed_stays_so(node: Node) -> None:
    party = Party("hub", node)
    for table in party.storage.tables.values():
        capture.remove(party.storage.database, table)
    node.run("ALTER TABLE person ADD COLUMN size2 INTEGER")
    party.engine.purge_tombstones()
    assert "size2" in party.storage.tables["person"].fields
    assert not capture.installed(party.storage.database, party.storage.tables["person"])


def test_what_did_not_change_is_not_read_again(node: Node) -> None:
    party = Party("hub", node)
    party.engine.purge_tombstones()
    before = dict(party.storage.tables)
    node.run("CREATE TABLE elsewhere (id INTEGER PRIMARY KEY)")
    party.engine.purge_tombstones()
    assert all(party.storage.tables[label] is table for label, table in before.items())
