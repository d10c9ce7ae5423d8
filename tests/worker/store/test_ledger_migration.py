"""The ledger of an older version is carried over: conflicts of objects and of records, and none is entered again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, column, table, text

from tasks.database.records.conflict import ResolutionSource
from tasks.database.records.lost import LostValue
from tasks.journal.ledger import LedgerEntry
from tasks.merge import Conflict, End
from tasks.node_task import as_entry
from tasks.sides import Labels
from tasks.values.canonical import dump
from worker.store import Store, schema
from worker.store.tables.conflicts import Conflicts

MIGRATIONS = Path(schema.__file__).parent / "migrations"
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
#: Milliseconds before the counter of a node's stamp.
STAMP = int(NOW.timestamp() * 1000) << 16

#: What an older version kept, by number: the winner, the rule, what a person brought back.
OBJECTS = {
    1: ("left", "newer", None),
    2: ("right", "one way", None),
    3: (None, "error", None),
    4: (None, "resolver", None),
    5: (None, "method", None),
    6: (None, "error", "right"),
    7: ("left", "tie", "left"),
}
#: And of records: the attribute, what stayed and what lost, the rule.
RECORDS: dict[int, tuple[str | None, Any, Any, str]] = {
    8: ("name", "Ada", "Eve", "node: local"),
    9: ("name", "Ada", "Eva", "node: remote"),
    10: ("name", "Ada", "Ida", "node: merged"),
    11: (None, None, {"name": "Ada"}, "node: delete_vs_modify: remote"),
}


def of_objects(number: int) -> dict[str, Any]:
    """The parts of a conflict by which it was known."""
    return {
        "left_id": f"p{number}", "right_id": f"t{number}", "attribute": "Due", "base": None, "left": NOW,
        "right": ["b", number], "left_edited": NOW, "right_edited": None,
    }  # fmt: skip


def of_a_record(number: int) -> dict[str, Any]:
    attribute, kept, lost, _ = RECORDS[number]
    return {
        "left_id": "customer", "right_id": str(number), "attribute": attribute, "base": None, "left": kept,
        "right": lost, "left_edited": NOW if kept else None, "right_edited": NOW,
    }  # fmt: skip


#: The table as it was, as far as it is filled here.
OLDER = table(
    "conflict",
    *(column(name, schema.Moment()) for name in ("at", "left_edited", "right_edited")),
    *map(column, ("task", "fingerprint", "run_id", "left_id", "right_id", "attribute", "base", "left_value")),
    *map(column, ("right_value", "winner", "rule", "taken", "title")),
)


def insert(connection: Connection, task: str, parts: dict[str, Any], **more: Any) -> None:
    """Enter a conflict as the older version did."""
    names = ("left_id", "right_id", "attribute", "left_edited", "right_edited")
    row = {name: parts[name] for name in names} | {
        "base": dump(parts["base"]),
        "left_value": dump(parts["left"]),
        "right_value": dump(parts["right"]),
    }
    fingerprint = hashlib.sha256(dump(row).encode()).hexdigest()
    connection.execute(
        OLDER.insert().values(task=task, fingerprint=fingerprint, run_id="r", at=NOW, **row, **more)
    )


def rows(store: Store) -> list[dict[str, Any]]:
    with store.read() as connection:
        return [
            dict(row) for row in connection.execute(text("SELECT * FROM conflict ORDER BY id")).mappings()
        ]


def alembic(store: Store, work: Callable[[Config, Connection], None]) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with store.write() as connection:
        config.attributes["connection"] = connection
        work(config, connection)


@pytest.fixture
def older(open_store: Callable[[], Store]) -> Store:
    """A database of the version before."""
    store = open_store()

    def fill(config: Config, connection: Connection) -> None:
        command.upgrade(config, "0007")
        for number, (winner, rule, taken) in OBJECTS.items():
            more = {"winner": winner, "rule": rule, "taken": taken, "title": f"Title {number}"}
            insert(connection, "to-dos", of_objects(number), **more)
        for number, (*_, rule) in RECORDS.items():
            insert(connection, "laptop", of_a_record(number), winner="left", rule=rule)

    alembic(store, fill)
    return store


def test_lines_of_both_kinds_are_carried_over(older: Store) -> None:
    older.migrate()
    found = {record.id: record for record in older.conflicts.list()}
    assert found.keys() == OBJECTS.keys() | RECORDS.keys()
    stayed = {number: [one.where for one in found[number].entry.stayed] for number in found}
    assert stayed == {
        1: ["Notion"],
        2: ["the other side"],
        3: ["Notion", "the other side"],
        4: [],
        5: [],
        6: ["Notion", "the other side"],
        7: ["Notion"],
        8: ["laptop"],
        9: ["another node"],
        10: ["some node"],
        11: ["another node"],
    }
    assert [one.where for one in found[9].entry.lost] == ["laptop"]
    assert [found[number].taken for number in OBJECTS] == [*[None] * 5, End.RIGHT, End.LEFT]
    assert {number: found[number].entry.open for number in (1, 3, 4, 6)} == {
        1: False,
        3: True,
        4: False,
        6: True,
    }
    one = found[1]
    assert (one.task, one.run_id, one.at, one.entry.name.title) == ("to-dos", "r", NOW, "Title 1")
    assert (one.entry.model, one.entry.attribute, one.entry.rule, one.entry.why) == ("", "Due", "newer", "")
    assert [(each.id, each.value, each.edited) for each in one.entry.versions] == [
        ("p1", NOW, NOW),
        ("t1", ["b", 1], None),
    ]
    record = found[8].entry
    assert (record.model, record.rule) == ("customer", "local")
    assert [(each.id, each.value) for each in record.versions] == [("8", "Ada"), ("8", "Eve")]
    assert (found[11].entry.attribute, found[11].entry.rule) == (None, "delete_vs_modify: remote")


def test_what_is_met_again_is_not_entered_again(older: Store) -> None:
    older.migrate()
    with older.write() as connection:
        for number, (winner, rule, _) in OBJECTS.items():
            conflict = Conflict(
                **of_objects(number),
                winner=None if winner is None else End(winner),
                rule=rule,
                reason="told now",
            )
            Conflicts.keep(connection, "to-dos", LedgerEntry.of(conflict, Labels("A board", "A phone")), "r2")
        for number, (attribute, kept, lost, _) in RECORDS.items():
            nodes = ResolutionSource.LOCAL, ResolutionSource.REMOTE
            value = LostValue(
                "customer",
                str(number),
                attribute or "",
                kept,
                lost,
                STAMP if kept else 0,
                STAMP,
                "local",
                *nodes,
            )
            Conflicts.keep(connection, "laptop", as_entry(value, "laptop", "office"), "r2")
    assert older.conflicts.count() == len(OBJECTS) + len(RECORDS)
    with older.write() as connection:
        value = LostValue("customer", "8", "name", "Ada", "Eleanor", STAMP, STAMP, "local", *nodes)
        Conflicts.keep(connection, "laptop", as_entry(value, "laptop", "office"), "r2")
    assert older.conflicts.count() == len(OBJECTS) + len(RECORDS) + 1


def test_it_goes_back_as_it_was(older: Store) -> None:
    before = rows(older)
    older.migrate()
    assert rows(older) != before
    alembic(older, lambda config, _: command.downgrade(config, "0007"))
    assert rows(older) == before
