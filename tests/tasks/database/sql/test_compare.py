"""Two databases are compared table by table, whatever the nodes believe is in them, and put into order."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from tasks.database.sql.comparing.compare import Kind, TableComparison, compare
from tasks.database.sql.comparing.repair import Step, repair
from tests.tasks.database.sql.test_nodes import KINDS, Party

Node = Any  # the class of the conftest


def unseen(node: Node, *statements: str) -> None:
    """Somebody edits past the triggers."""
    if node.url.startswith("sqlite"):
        node.run("UPDATE lockstep_node SET applying = 1")
        triggers = node.run("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        for trigger in triggers:
            node.run(f"DROP TRIGGER {trigger['name']}")
        for statement in statements:
            node.run(statement)
        for trigger in triggers:
            node.run(trigger["sql"].replace(":", "\\:"))
        node.run("UPDATE lockstep_node SET applying = 0")
    else:
        tables = ("city", "person")
        for table in tables:
            node.run(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for statement in statements:
            node.run(statement)
        for table in tables:
            node.run(f"ALTER TABLE {table} ENABLE TRIGGER USER")


PAIRS = [*KINDS, ("sqlite", "sqlite")]


@pytest.fixture(params=PAIRS, ids=["-".join(kinds) for kinds in PAIRS])
def pair(make_node: Callable[[str], Node], request: pytest.FixtureRequest) -> tuple[Party, Party]:
    hub = Party("hub", make_node(request.param[0]))
    spoke = Party("spoke", make_node(request.param[1]), hub)
    for number in range(8):
        spoke.node.run("INSERT INTO city (id, name) VALUES (:id, 'x')", id=f"c{number}")
    spoke.node.run(
        "INSERT INTO person (id, name, paid, seen) VALUES (10, 'Ada', 2.50, '2020-01-02 03:04:05')"
    )
    hub.node.run("INSERT INTO person (id, name, size, ok) VALUES (9, 'Bob', 1.5, true)")
    assert spoke.engine.sync().ok
    return hub, spoke


def city(hub: Party, spoke: Party) -> TableComparison:
    [found, _] = compare(hub.storage, spoke.storage)
    return found


def keys(found: TableComparison) -> dict[Kind, list[str]]:
    return {kind: [one.key for one in some.rows] for kind, some in found.found.items() if some.count}


def test_equal_tables_are_equal(pair: tuple[Party, Party]) -> None:
    found = compare(pair[0].storage, pair[1].storage)
    assert [(table.label, table.equal, table.alike) for table in found] == [
        ("city", 8, True),
        ("person", 2, True),
    ]


def test_what_happened_past_the_capture_is_found_and_named(pair: tuple[Party, Party]) -> None:
    hub, spoke = pair
    unseen(
        hub.node,
        "INSERT INTO city (id, name) VALUES ('n1', 'made unseen')",
        "UPDATE city SET name = 'edited unseen' WHERE id = 'c1'",
        "DELETE FROM city WHERE id = 'c2'",
    )
    unseen(spoke.node, "DELETE FROM city WHERE id = 'c3'", "INSERT INTO city (id, name) VALUES ('n2', 'y')")
    for _ in range(2):  # no sync sees any of it
        assert spoke.engine.sync().counts() == {}
    found = city(hub, spoke)
    assert not found.alike
    assert found.equal == 5
    assert keys(found) == {
        Kind.DIFFERENT: ["c1"],
        Kind.MISSING_IN_FIRST: ["c2", "n2"],
        Kind.MISSING_IN_SECOND: ["c3", "n1"],
        Kind.UNKNOWN_IN_FIRST: ["n1"],
        Kind.UNKNOWN_IN_SECOND: ["n2"],
        Kind.GONE_IN_FIRST: ["c2"],
        Kind.GONE_IN_SECOND: ["c3"],
    }
    assert found.found[Kind.DIFFERENT].rows[0].fields == ("name",)


def test_repair_loses_nothing(pair: tuple[Party, Party]) -> None:
    hub, spoke = pair
    unseen(
        hub.node,
        "INSERT INTO city (id, name) VALUES ('n1', 'made unseen'), ('both', 'of the hub')",
        "UPDATE city SET name = 'edited unseen' WHERE id = 'c1'",
        "DELETE FROM city WHERE id IN ('c2', 'c4')",
    )
    unseen(
        spoke.node,
        "DELETE FROM city WHERE id IN ('c3', 'c4')",
        "INSERT INTO city (id, name) VALUES ('n2', 'y'), ('both', 'of the spoke')",
    )
    before = dump(hub), dump(spoke)
    planned = repair(hub.storage, spoke.storage, bury=False, dry_run=True)
    assert (dump(hub), dump(spoke)) == before, "a dry run has changed something"
    done = repair(hub.storage, spoke.storage, bury=False, dry_run=False)
    assert done == planned
    assert done[0].first == {
        Step.SEND_AGAIN: 2,  # c1, which differs, and c3
        Step.MAKE_KNOWN: 2,
        Step.BURY: 1,
        Step.FETCH_BACK: 1,
    }
    rows = [dump(party)[0] for party in (hub, spoke)]
    assert rows == [before[0][0], before[1][0]], "a repair changes no table by itself"
    spoke.engine.sync()
    assert spoke.engine.sync().counts() == {}
    found = compare(hub.storage, spoke.storage)
    assert all(table.alike for table in found), [keys(table) for table in found]
    names = {row["id"]: row["name"] for row in hub.node.run("SELECT id, name FROM city")}
    # What was gone on one node is there again, what was gone on both stays gone, and nothing else is lost.
    assert names.keys() == {"c0", "c1", "c2", "c3", "c5", "c6", "c7", "n1", "n2", "both"}
    lost = {
        value
        for party in (hub, spoke)
        for entry in party.storage.conflicts
        for one in entry.conflict.field_conflicts
        for value in (one.local_value, one.remote_value)
    }
    assert {"edited unseen", "x"} <= lost
    assert {"of the hub", "of the spoke"} <= lost


def test_rows_that_are_gone_are_deleted_only_where_that_was_said(pair: tuple[Party, Party]) -> None:
    hub, spoke = pair
    unseen(hub.node, "DELETE FROM city WHERE id IN ('c2', 'c5')")
    spoke.node.run("UPDATE city SET name = 'edited since' WHERE id = 'c5'")
    [done, _] = repair(hub.storage, spoke.storage, bury=True, dry_run=False)
    assert done.first == {Step.BURY: 2}
    assert done.second == {Step.SEND_AGAIN: 2}
    spoke.engine.sync()
    spoke.engine.sync()
    assert all(table.alike for table in compare(hub.storage, spoke.storage))
    left = {row["id"] for row in hub.node.run("SELECT id FROM city")}
    assert "c2" not in left
    assert "c5" in left, "an edit beats a deletion of which nobody knows when it was"


def test_an_emptied_table_empties_no_other(pair: tuple[Party, Party]) -> None:
    hub, spoke = pair
    unseen(spoke.node, "DELETE FROM city", "DELETE FROM person")
    assert city(hub, spoke).found[Kind.GONE_IN_SECOND].count == 8
    repair(hub.storage, spoke.storage, bury=False, dry_run=False)
    assert spoke.engine.sync().ok
    assert len(spoke.node.run("SELECT id FROM city")) == len(hub.node.run("SELECT id FROM city")) == 8
    assert hub.rows() == spoke.rows()


def test_what_is_held_is_said_to_be(pair: tuple[Party, Party]) -> None:
    hub, spoke = pair
    hub.node.run("INSERT INTO person (id, name, mail) VALUES (1, 'a', 'taken')")
    spoke.node.run("INSERT INTO person (id, name, mail) VALUES (2, 'b', 'taken')")
    spoke.engine.sync()
    [_, found] = compare(hub.storage, spoke.storage)
    reasons = {one.key: one.held for some in found.found.values() for one in some.rows}
    assert reasons.keys() == {"1", "2"}
    assert all("UNIQUE" in reason or "unique" in reason for reason in reasons.values())
    [_, said] = repair(hub.storage, spoke.storage, bury=False, dry_run=True)
    assert {**said.first, **said.second} == {Step.LEAVE: 1}


@pytest.mark.parametrize("first", [True, False], ids=["first", "second"])
def test_odd_keys_are_named_and_end_no_comparison(make_node: Callable[[str], Node], first: bool) -> None:
    odd, plain = make_node("sqlite"), make_node("sqlite")
    parties = [Party("a", odd), Party("b", plain)]
    for number in range(30):
        for node in (odd, plain):
            node.run("INSERT INTO city (id, name) VALUES (:id, 'x')", id=f"m{number}")
    odd.run("INSERT INTO city (id, name) VALUES ('', 'x'), (x'6d31', 'x'), (NULL, 'x'), (NULL, 'y')")
    for tail in ("fe", "ff"):
        odd.run(f"INSERT INTO city (id, name) VALUES ('m1' || CAST(x'{tail}' AS TEXT), 'x')")
    odd.run("INSERT INTO city (id, name) VALUES ('zz', 'x')")
    one, other = parties if first else parties[::-1]
    [found, _] = compare(one.storage, other.storage)
    unnamed = Kind.UNNAMED_IN_FIRST if first else Kind.UNNAMED_IN_SECOND
    assert found.found[unnamed].count == 6
    assert keys(found)[Kind.MISSING_IN_SECOND if first else Kind.MISSING_IN_FIRST] == ["zz"]
    assert found.equal == 30
    assert keys(found).keys() == {unnamed, Kind.MISSING_IN_SECOND if first else Kind.MISSING_IN_FIRST}
    repair(one.storage, other.storage, bury=True, dry_run=False)
    assert len(odd.run("SELECT 1 FROM city")) == 37


def test_memory_does_not_grow_with_the_tables(make_node: Callable[[str], Node]) -> None:
    nodes = [make_node("sqlite"), make_node("sqlite")]
    parties = [Party("a", nodes[0]), Party("b", nodes[1])]
    for node in nodes:
        node.run(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60) "
            "INSERT INTO city (id, name) SELECT 'c' || i, hex(zeroblob(1000000)) FROM n"
        )
    tracemalloc.start()
    try:
        [found, _] = compare(parties[0].storage, parties[1].storage)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found.equal == 60
    assert peak < 60_000_000 < 60 * 2_000_000


def dump(party: Party) -> list[Any]:
    tables = ("city", "person", "lockstep_records", "lockstep_checkpoints")
    return [sorted(map(repr, party.node.run(f"SELECT * FROM {name}"))) for name in tables]
