"""Rows of one table that refer to each other, in whatever order and pages they come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.tasks.database.sql.families import Family

Node = Any  # the class of the conftest

CHAIN = {
    "link": "id VARCHAR(20) PRIMARY KEY, name TEXT, before VARCHAR(20) REFERENCES link (id) ON DELETE CASCADE"
}


def chained(family: Family, length: int) -> None:
    """Each link refers to one that comes later by its key."""
    names = [f"k{99_999 - at}" for at in range(length)]
    befores = ["NULL", *(f"'{name}'" for name in names)]
    family.hub.edit(
        *(
            f"INSERT INTO link VALUES ('{name}', 'x', {before})"
            for name, before in zip(names, befores, strict=False)
        )
    )


@pytest.mark.parametrize("to_itself", [False, True])
def test_a_chain_costs_as_much_per_row_as_rows_alone(
    make_node: Callable[[str], Node], kinds: tuple[str, str], to_itself: bool
) -> None:
    counts: dict[int, int] = {}
    for length in (100, 400):
        family = Family(make_node, kinds, CHAIN)
        chained(family, length)
        if to_itself:
            family.hub.edit("UPDATE link SET before = id WHERE before IS NULL")
        with family.spokes[0].statements() as told:
            family.spokes[0].engine.sync()
        counts[length] = len(told)
        family.settle()
        assert len(family.spokes[0].ids("link")) == length
    assert counts[400] < 2 * counts[100], counts


@pytest.mark.parametrize("batch_size", [1, 7])
def test_a_chain_that_spans_pages(
    make_node: Callable[[str], Node], kinds: tuple[str, str], batch_size: int
) -> None:
    """All of it waits for the last page, and then takes its turn."""
    family = Family(make_node, kinds, CHAIN, batch_size)
    chained(family, 30)
    family.hub.storage.horizon(0)
    with family.spokes[0].statements() as told:
        result = family.spokes[0].engine.sync()
    tries = [
        statement
        for statement in told
        if statement.startswith(("INSERT INTO link", 'COPY "link"', "COPY link"))
    ]
    assert result.ok
    assert len(tries) <= 4 * (30 / batch_size + 5), "each page tries again what cannot be written yet"
    family.settle()
    assert len(family.spokes[0].ids("link")) == 30


def test_a_long_chain_is_deleted(make_node: Callable[[str], Node], kinds: tuple[str, str]) -> None:
    """SQLite follows a cascade for a thousand steps."""
    family = Family(make_node, kinds, CHAIN)
    chained(family, 1200)
    family.settle()
    family.hub.edit(*(f"DELETE FROM link WHERE id = 'k{number}'" for number in range(98_800, 100_000)))
    family.settle()
    assert family.spokes[0].ids("link") == []


def test_a_child_that_waits_for_its_parent_holds_up_nobody(
    make_node: Callable[[str], Node], kinds: tuple[str, str]
) -> None:
    """Its reason names the column, not what is in it."""
    family = Family(
        make_node,
        kinds,
        {
            "city": "id TEXT PRIMARY KEY, name TEXT",
            "man": "id TEXT PRIMARY KEY, city TEXT REFERENCES city (id)",
        },
    )
    sender, receiver = family.hub, family.spokes[0]
    sender.edit("INSERT INTO city VALUES ('secret', 'x'), ('b', 'x')")
    sender.edit(*(f"INSERT INTO man VALUES ('m{at}', '{'b' if at % 2 else 'secret'}')" for at in range(200)))
    receiver.edit("CREATE UNIQUE INDEX one ON city (name)")
    with receiver.statements() as told:
        result = receiver.engine.sync()
    assert len(receiver.ids("man")) == 100
    assert len(result.errors) == 101
    assert "its 'city' refers to a record of 'city' that is not here" in " ".join(result.errors)
    assert len(told) < 300
    receiver.edit("DROP INDEX one")
    family.settle()
    assert len(receiver.ids("man")) == 200
