"""Columns that come later, and rows from before the capture: what was never written replaces no value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.tasks.database.sql.test_shapes import KINDS, Pair, both

Node = Any  # the class of the conftest


def filled(pair: Pair, at: int) -> int:
    return len(
        [row for row in pair.rows("SELECT id, more FROM city")[at] if str(row["more"]).startswith("filled")]
    )


@pytest.mark.parametrize("kinds", KINDS, ids="-".join)
@pytest.mark.parametrize("asker_fills", [True, False], ids=["asker fills", "answerer fills"])
@pytest.mark.parametrize("captured", [True, False], ids=["captured", "before it is captured"])
@pytest.mark.parametrize(
    "column",
    ["more TEXT", "more TEXT DEFAULT 'nothing yet'", "more TEXT NOT NULL DEFAULT ''"],
    ids=["NULL", "default", "empty"],
)
def test_values_of_a_column_that_the_other_node_gets_later(
    make_node: Callable[[str], Node], kinds: tuple[str, str], asker_fills: bool, captured: bool, column: str
) -> None:
    nodes = (make_node(kinds[0]), make_node(kinds[1]))
    pair = Pair(*nodes, "city")
    first, second = nodes if asker_fills else nodes[::-1]
    for number in range(50):
        nodes[0].run("INSERT INTO city (id, name) VALUES (:id, 'x')", id=f"c{number}")
    pair.sync()
    first.run(f"ALTER TABLE city ADD COLUMN {column}")
    if captured:
        pair.open()
    first.run("UPDATE city SET more = 'filled ' || id WHERE id <> 'c7'")
    pair.open()
    pair.sync()
    second.run(f"ALTER TABLE city ADD COLUMN {column}")
    pair.open()
    pair.engine.resync()
    pair.sync()
    assert [filled(pair, 0), filled(pair, 1)] == [49, 49]
    assert pair.rows("SELECT * FROM city ORDER BY id")[0] == pair.rows("SELECT * FROM city ORDER BY id")[1]


@pytest.mark.parametrize("kinds", KINDS, ids="-".join)
def test_values_that_were_filled_in_before_they_were_captured_travel_by_themselves(
    make_node: Callable[[str], Node], kinds: tuple[str, str]
) -> None:
    nodes = (make_node(kinds[0]), make_node(kinds[1]))
    pair = Pair(*nodes, "city")
    nodes[0].run("INSERT INTO city (id, name) VALUES ('a', 'x')")
    nodes[1].run("INSERT INTO city (id, name) VALUES ('b', 'x')")
    pair.sync()
    both(nodes, "ALTER TABLE city ADD COLUMN more TEXT DEFAULT 'nothing yet'")
    for node, key in zip(nodes, "ab", strict=True):
        node.run("UPDATE city SET more = 'filled' WHERE id = :id", id=key)
    pair.open()
    pair.sync()
    assert [filled(pair, 0), filled(pair, 1)] == [2, 2]
    nodes[1].run("UPDATE city SET more = NULL WHERE id = 'a'")
    pair.sync()
    assert [filled(pair, 0), filled(pair, 1)] == [1, 1], "an edit to NULL is an edit"


@pytest.mark.parametrize("kinds", KINDS, ids="-".join)
@pytest.mark.parametrize("asker_knows", [True, False], ids=["asker knows", "answerer knows"])
def test_two_filled_databases_meet(
    make_node: Callable[[str], Node], kinds: tuple[str, str], asker_knows: bool
) -> None:
    nodes = (make_node(kinds[0]), make_node(kinds[1]))
    knows, knows_not = nodes if asker_knows else nodes[::-1]
    insert = "INSERT INTO person (id, name, mail, size, ok) VALUES (1, :name, :mail, :size, :ok)"
    knows.run(insert, name="one", mail="anna@example.org", size=2.5, ok=True)
    knows_not.run(insert, name="two", mail=None, size=None, ok=None)
    pair = Pair(*nodes, "city", "person")
    pair.sync()
    rows = [dict(found[0]) for found in pair.rows("SELECT name, mail, size FROM person")]
    assert rows == [{"name": "two", "mail": "anna@example.org", "size": 2.5}] * 2
    lost = {
        value
        for storage in pair.storages
        for entry in storage.conflicts
        for field in entry.conflict.field_conflicts
        for value in (field.local_value, field.remote_value)
    }
    assert lost == {"one", "two"}
