"""A restored backup among real processes over HTTP: an office that answers, and two nodes that ask it."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.tasks.database.sql.people import People
from tests.tasks.database.sql.test_process_histories import Office, sync
from tests.tasks.database.sql.test_restores import back_up, restore

Node = Any  # the class of the conftest

pytestmark = [pytest.mark.processes, pytest.mark.timeout(600)]


@pytest.mark.parametrize(
    ("name", "alive"),
    [("office", False), ("office", True), ("laptop", True)],
    ids=["office-stopped", "office-running", "laptop-running"],
)
def test_what_was_lost_comes_back(
    make_node: Callable[[str], Node], kind: str, name: str, alive: bool
) -> None:
    """The office is restored, another one than the one that pushed meanwhile asks first."""
    if alive and kind == "postgresql":
        pytest.skip("PostgreSQL replaces no database that is in use")
    people = People(random.Random(1))
    nodes = {each: make_node(kind if each == name else "sqlite") for each in ("office", "laptop", "phone")}
    storages = {each: node.storage() for each, node in nodes.items()}
    for storage in storages.values():
        storage.prepare()
    office = Office(nodes["office"], people)

    def run(*names: str) -> None:
        for each in names:
            assert sync(each, nodes[each], office.up(crash=False), people, crash=False) == 0

    def add(where: str, key: str) -> None:
        nodes[where].run("INSERT INTO city (id, name) VALUES (:key, :key)", key=key)

    try:
        add("office", "old")
        run("laptop", "phone")
        if not alive:
            office.end()
        back_up(nodes[name])
        add("phone", "pushed")
        add("laptop", "mine")
        run("phone", "laptop")
        if not alive:
            office.end()
        restore(nodes[name])
        run("laptop" if name == "office" else "phone")
        add("office", "later")
        run("phone", "laptop", "phone", "laptop")
    finally:
        office.end()
    found = [{row["id"] for row in node.run("SELECT id FROM city")} for node in nodes.values()]
    assert found == [{"old", "pushed", "mine", "later"}] * 3
