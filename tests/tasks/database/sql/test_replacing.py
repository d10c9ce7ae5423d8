"""SQLite's `REPLACE`, which takes away other rows than the one that is written, and tells no trigger."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.tasks.database.sql.families import Family

Node = Any  # the class of the conftest

PLAIN = {
    "city": "id VARCHAR(20) PRIMARY KEY, name TEXT, code VARCHAR(20) UNIQUE",
    "man": "id VARCHAR(20) PRIMARY KEY, first TEXT, last TEXT, "
    "city VARCHAR(20) REFERENCES city (id) ON DELETE CASCADE, UNIQUE (first, last)",
}


@pytest.fixture(params=["sqlite", "postgresql"])
def family(request: pytest.FixtureRequest, make_node: Callable[[str], Node]) -> Family:
    family = Family(make_node, (request.param, "sqlite"), PLAIN)
    family.spokes[0].edit(
        "INSERT INTO city VALUES ('a', 'x', '1'), ('b', 'x', '2'), ('c', 'x', NULL)",
        "INSERT INTO man VALUES ('m', 'Ada', 'L', 'a'), ('n', 'Bob', 'M', 'b'), ('o', 'Cleo', NULL, 'c')",
    )
    family.settle()
    return family


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT OR REPLACE INTO city VALUES ('d', 'new', '1')",
        "REPLACE INTO city VALUES ('b', 'new', '1')",
        "UPDATE OR REPLACE city SET code = '1' WHERE id = 'b'",
        "UPDATE OR REPLACE city SET code = '2'",
        "INSERT OR REPLACE INTO city (id, code) SELECT id || 'x', code FROM city",
    ],
)
def test_what_is_replaced_by_a_unique_value_is_deleted_everywhere(family: Family, statement: str) -> None:
    spoke = family.spokes[0]
    before = spoke.ids("city")
    spoke.edit(statement)
    assert set(before) - set(spoke.ids("city")), "nothing was replaced"
    family.settle()
    assert family.ledger() == []


def test_values_that_are_unique_together(family: Family) -> None:
    family.spokes[0].edit("INSERT OR REPLACE INTO man VALUES ('new', 'Ada', 'L', 'b')")
    family.settle()
    assert family.hub.ids("man") == ["n", "new", "o"]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT OR IGNORE INTO city VALUES ('d', 'new', '1')",
        "INSERT INTO city VALUES ('d', 'new', '1') ON CONFLICT DO NOTHING",
        "INSERT INTO city VALUES ('d', 'new', '1') ON CONFLICT (code) DO UPDATE SET name = 'merged'",
        "UPDATE OR IGNORE city SET code = '2'",
        "INSERT OR REPLACE INTO city VALUES ('a', 'the same', '1')",
        "INSERT OR REPLACE INTO city VALUES ('c', 'the same', NULL)",
    ],
)
def test_what_only_might_have_been_replaced_stays(family: Family, statement: str) -> None:
    spoke = family.spokes[0]
    spoke.edit("PRAGMA foreign_keys=OFF", "DELETE FROM man", statement, foreign_keys=False)
    spoke.edit("INSERT INTO city VALUES ('other', 'x', '9')")
    family.settle()
    assert family.hub.ids("city") == ["a", "b", "c", "other"]


def test_a_replacement_that_is_undone_is_none(family: Family) -> None:
    spoke = family.spokes[0]
    spoke.edit(
        "SAVEPOINT s", "INSERT OR REPLACE INTO city VALUES ('d', 'new', '1')", "ROLLBACK TO s", "RELEASE s"
    )
    family.settle()
    assert family.hub.ids("city") == ["a", "b", "c"]


@pytest.mark.parametrize("clause", ["REPLACE", "IGNORE"], ids="sqlite {}".format)
def test_a_table_that_says_so_itself(make_node: Callable[[str], Node], clause: str) -> None:
    """A user's row replaces; one that comes from a peer is refused, as in any table, and replaces nothing."""
    family = Family(
        make_node, ("sqlite", "sqlite"), {"city": "id TEXT PRIMARY KEY, name TEXT, code TEXT UNIQUE"}
    )
    hub, spoke = family.hub, family.spokes[0]
    hub.edit("INSERT INTO city VALUES ('a', 'x', '1'), ('b', 'x', '2')")
    family.settle()
    [found] = spoke.node.run("SELECT sql FROM sqlite_master WHERE name = 'city'")
    family.rebuild(spoke, "city", found["sql"].replace("UNIQUE", f"UNIQUE ON CONFLICT {clause}"))
    spoke.edit("INSERT INTO city VALUES ('c', 'x', '1')")
    family.settle()
    assert hub.ids("city") == (["b", "c"] if clause == "REPLACE" else ["a", "b"])
    spoke.edit("INSERT INTO city VALUES ('e', 'x', '7')")
    hub.edit("INSERT INTO city VALUES ('d', 'x', '7')")
    result = spoke.engine.sync()
    assert not result.ok
    assert "e" in spoke.ids("city")
    assert "d" in hub.ids("city")
    hub.edit("DELETE FROM city WHERE id = 'd'")
    family.settle()
