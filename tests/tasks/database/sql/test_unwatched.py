"""Edits that are made while nobody captures them: between `capture --remove` and `capture`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tasks.database.sql.capture import triggers as capture
from tests.tasks.database.sql.test_nodes import KINDS, Party

Node = Any  # the class of the conftest

ALL_KINDS = [*KINDS, pytest.param(("sqlite", "sqlite"), id="files")]


def pair(make_node: Callable[[str], Node], kinds: tuple[str, str]) -> tuple[Party, Party]:
    hub = Party("hub", make_node(kinds[0]))
    spoke = Party("spoke", make_node(kinds[1]), hub)
    hub.node.run("INSERT INTO city (id, name) VALUES ('a', 'Aachen'), ('b', 'Berlin'), ('c', 'Celle')")
    hub.node.run(
        "INSERT INTO person (id, name, mail, paid, size, more, born) VALUES "
        "(1, 'Ada', 'a@b', 1.50, 0.1, '[1, 2]', '1815-12-10'), (2, 'Bob', NULL, NULL, NULL, NULL, NULL), "
        "(3, 'Cem', 'c@d', 2, 3, '{}', '2000-01-01')"
    )
    spoke.engine.sync()
    return hub, spoke


def stop(party: Party) -> None:
    for table in party.storage.tables.values():
        capture.remove(party.storage.database, table)


def start(party: Party) -> None:
    for table in party.storage.tables.values():
        capture.install(party.storage.database, table)


def settle(hub: Party, spoke: Party) -> None:
    for _ in range(3):
        assert spoke.engine.sync().ok
    assert hub.rows() == spoke.rows()
    assert spoke.engine.sync().counts() == {}


@pytest.mark.parametrize("kinds", ALL_KINDS)
@pytest.mark.parametrize("name", ["hub", "spoke"])
@pytest.mark.parametrize("resync", [False, True])
def test_what_was_edited_meanwhile_is_an_edit(
    make_node: Callable[[str], Node], kinds: tuple[str, str], name: str, resync: bool
) -> None:
    hub, spoke = pair(make_node, kinds)
    away = hub if name == "hub" else spoke
    stop(away)
    away.node.run("UPDATE person SET name = 'Ada L.', paid = NULL WHERE id = 1")
    away.node.run("UPDATE person SET mail = 'b@c' WHERE id = 2")
    away.node.run("DELETE FROM person WHERE id = 3")
    away.node.run("INSERT INTO person (id, name) VALUES (4, 'Dora')")
    away.node.run("DELETE FROM city WHERE id = 'b'")
    away.node.run("INSERT INTO city (id, name) VALUES ('b', 'Bonn')")
    start(away)
    if resync:
        spoke.engine.resync()
    settle(hub, spoke)
    people = hub.rows()["person"]
    assert set(people) == {"1", "2", "4"}
    assert (people["1"]["name"], people["1"]["paid"], people["1"]["mail"]) == ("Ada L.", None, "a@b")
    assert people["2"]["mail"] == "b@c"
    assert {key: row["name"] for key, row in hub.rows()["city"].items()} == {
        "a": "Aachen",
        "b": "Bonn",
        "c": "Celle",
    }


@pytest.mark.parametrize("kinds", ALL_KINDS)
def test_only_the_fields_that_were_edited_are(
    make_node: Callable[[str], Node], kinds: tuple[str, str]
) -> None:
    hub, spoke = pair(make_node, kinds)
    stop(spoke)
    hub.node.run("UPDATE person SET mail = 'new@b' WHERE id = 1")
    spoke.node.run("UPDATE person SET name = 'Ada L.' WHERE id = 1")
    start(spoke)
    settle(hub, spoke)
    ada = spoke.rows()["person"]["1"]
    assert (ada["name"], ada["mail"]) == ("Ada L.", "new@b")
    assert spoke.storage.conflicts == hub.storage.conflicts == []


@pytest.mark.parametrize("kinds", ALL_KINDS)
def test_what_came_from_a_peer_meanwhile_is_no_edit(
    make_node: Callable[[str], Node], kinds: tuple[str, str]
) -> None:
    hub, spoke = pair(make_node, kinds)
    stop(spoke)
    spoke.node.run("UPDATE person SET name = 'Ada L.' WHERE id = 1")
    hub.node.run("UPDATE person SET mail = 'one@b' WHERE id = 1")
    stamp = hub.storage.get_records("person", ["1"])["1"].timestamps["mail"]
    spoke.engine.sync()
    start(spoke)
    assert spoke.storage.get_records("person", ["1"])["1"].timestamps["mail"] == stamp
    settle(hub, spoke)
    ada = hub.rows()["person"]["1"]
    assert (ada["name"], ada["mail"]) == ("Ada L.", "one@b")


def test_removing_twice_forgets_nothing(node: Node) -> None:
    party = Party("hub", node)
    node.run("INSERT INTO city (id, name) VALUES ('a', 'Aachen')")
    party.storage.horizon(1)
    stop(party)
    node.run("UPDATE city SET name = 'Aix'")
    stop(party)
    before = party.storage.get_records("city", ["a"])["a"].timestamps
    start(party)
    after = party.storage.get_records("city", ["a"])["a"].timestamps
    assert after["name"] > before["name"]
    assert after["id"] == before["id"]
    start(party)
    assert party.storage.get_records("city", ["a"])["a"].timestamps == after
    assert node.run("SELECT count(*) AS kept FROM lockstep_unwatched") == [{"kept": 0}]


def test_columns_that_were_changed_meanwhile_are_compared_as_far_as_they_are_the_same(node: Node) -> None:
    party = Party("hub", node)
    node.run("INSERT INTO person (id, name, mail) VALUES (1, 'Ada', 'a@b'), (2, 'Bob', 'b@c')")
    party.storage.horizon(1)
    stop(party)
    node.run("ALTER TABLE person DROP COLUMN more")
    node.run("ALTER TABLE person ADD COLUMN phone TEXT")
    node.run("UPDATE person SET mail = 'new' WHERE id = 2")
    before = party.storage.get_records("city", [])
    fresh = Party("hub", node)
    found = fresh.storage.get_records("person", ["1", "2"])
    assert before == {}
    assert found["2"].timestamps["mail"] > found["2"].timestamps["name"]
    assert found["1"].timestamps["mail"] == found["1"].timestamps["name"]
