"""Every type of column, from SQLite to PostgreSQL and back: what is equal stays equal, and is no conflict."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tasks.database.engine.engine import DatabaseEngine
from tasks.database.records.clock import HybridLogicalClock
from tasks.database.sql import Database, SQLAlchemyStorage, SyncedTable
from tasks.database.sql.comparing.compare import compare
from tasks.database.sql.tables.graph import graph_of
from tasks.database.transport import MemoryTransport

Node = Any  # the class of the conftest

#: By column: its type on SQLite, on PostgreSQL, and values as SQL of both, or of each.
COLUMNS: dict[str, tuple[str, str, list[str | tuple[str, str]]]] = {
    "small": ("SMALLINT", "SMALLINT", ["-32768", "0"]),
    "big": ("BIGINT", "BIGINT", ["9223372036854775807", "-9223372036854775808"]),
    "exact": ("NUMERIC(12,2)", "NUMERIC(12,2)", ["12.50", "-0.01", "9999999999.99"]),
    "free": ("DECIMAL", "NUMERIC", ["123456789012345", "0.000001", "9223372036854775807"]),
    "wide": ("DOUBLE PRECISION", "DOUBLE PRECISION", ["0.1", "1e308", "-5e-324", ("9e999", "'inf'")]),
    "flag": ("BOOLEAN", "BOOLEAN", [("1", "true"), ("0", "false")]),
    "day": ("DATE", "DATE", ["'0001-01-01'", "'9999-12-31'"]),
    "clock": ("TIME", "TIME", ["'23:59:59.999999'", ("'00:00:00'", "'00:00'")]),
    "moment": ("DATETIME", "TIMESTAMP", ["'2026-02-28 12:34:56.789'", "'1969-12-31 23:59:59'"]),
    "zoned": ("TIMESTAMP", "TIMESTAMPTZ", [("'2026-02-28 11:34:56'", "'2026-02-28 12:34:56+01'")]),
    "zoned_text": ("DATETIME", "TIMESTAMPTZ", [("'2026-02-28 12:34:56+01:00'", "'2026-02-28 12:34:56+01'")]),
    "uuid": ("CHAR(36)", "UUID", ["'6f9619ff-8b86-d011-b42d-00c04fc964ff'"]),
    "uuid_hex": (
        "CHAR(32)",
        "UUID",
        [("'6f9619ff8b86d011b42d00c04fc964ff'", "'6f9619ff-8b86-d011-b42d-00c04fc964ff'")],
    ),
    "bytes": ("BLOB", "BYTEA", [("x'00ff10'", r"'\x00ff10'"), ("x''", "''")]),
    "json": ("JSON", "JSONB", ["""'{"a": [1, 2.5, null, "é"], "b": {"c": true}}'""", "'[]'", "'\"text\"'"]),
    "words": ("TEXT", "TEXT", ["''", "'Ünïcøde 👩‍🚀 ''quoted'' % \\ '"]),
    "choice": ("VARCHAR(5)", "mood", ["'happy'"]),
    "list": ("JSON", "INTEGER[]", [("'[1, 2, null]'", "'{1,2,NULL}'")]),
}
KINDS = ("sqlite", "postgresql")


def make_table(node: Node) -> None:
    if node.url.startswith("postgresql"):
        node.run("CREATE TYPE mood AS ENUM ('happy', 'sad')")
    at = 0 if node.url.startswith("sqlite") else 1
    columns = ", ".join(f'"{name}" {kinds[at]}' for name, kinds in COLUMNS.items())
    node.run(f"CREATE TABLE thing (id TEXT PRIMARY KEY, note TEXT, {columns})")


def fill(node: Node) -> int:
    at = 0 if node.url.startswith("sqlite") else 1
    count = 0
    for name, kinds in COLUMNS.items():
        for value in kinds[2]:
            literal = value if isinstance(value, str) else value[at]
            literal = literal.replace(":", "\\:")
            node.run(f'INSERT INTO thing (id, "{name}") VALUES (:id, {literal})', id=f"{name}{count}")
            count += 1
    return count


class Two:
    """A node that asks another one."""

    def __init__(self, asking: Node, answering: Node, name: str = "thing", **options: Any) -> None:
        self.storages = []
        engines: list[DatabaseEngine] = []
        for node in (answering, asking):
            database = Database(node.url)
            table = SyncedTable.reflect(database, name, **options.get(node.url.partition(":")[0], {}))
            storage = SQLAlchemyStorage(database, [table])
            node.opened.append(storage)
            storage.prepare()
            self.storages.append(storage)
            transport = MemoryTransport(engines[0].process) if engines else None
            engines.append(
                DatabaseEngine(
                    storage, graph_of([table]), HybridLogicalClock(), str(len(engines)), transport=transport
                )
            )
        self.sync = engines[1].sync


@pytest.fixture(params=KINDS)
def nodes(request: pytest.FixtureRequest, make_node: Callable[[str], Node]) -> tuple[Node, Node]:
    other = KINDS[1 - KINDS.index(request.param)]
    return make_node(request.param), make_node(other)


UUIDS = {"sqlite": {"uuids": ["uuid_hex"]}}


def test_values_are_equal_on_both_and_stay_so(nodes: tuple[Node, Node]) -> None:
    for node in nodes:
        make_table(node)
    source, target = nodes
    two = Two(source, target, **UUIDS)
    count = fill(source)
    assert two.sync().counts() == {"pushed": count}
    [found] = compare(*two.storages)
    assert (found.equal, found.alike) == (count, True)
    for node in nodes:
        node.run("UPDATE thing SET note = :note", note=node.url[:6])
        result = two.sync()
        assert result.ok, result.errors
        assert not result.conflicts
        assert two.sync().counts() == {}
        [found] = compare(*two.storages)
        assert (found.equal, found.alike) == (count, True)
    assert not any(storage.conflicts for storage in two.storages)


def test_the_database_itself_sees_the_same(nodes: tuple[Node, Node]) -> None:
    """A value that went over is the one that the target's own SQL makes of it."""
    source, target = nodes
    for node in nodes:
        make_table(node)
    two = Two(source, target, **UUIDS)
    count = fill(source)
    two.sync()
    at = 0 if target.url.startswith("sqlite") else 1
    for name, kinds in COLUMNS.items():
        if name in {"json", "list", "moment", "zoned_text", "zoned", "clock"} and not at:
            continue  # SQLite keeps them as text, which may be written in several ways
        for value in kinds[2]:
            literal = (value if isinstance(value, str) else value[at]).replace(":", "\\:")
            literal = f"CAST({literal} AS {kinds[1]})" if at else literal
            found = target.run(f'SELECT id FROM thing WHERE "{name}" = {literal}')
            assert len(found) == 1, (name, value)
    assert count


def test_what_sqlite_cannot_hold_is_held_and_told(make_node: Callable[[str], Node]) -> None:
    source, target = make_node("postgresql"), make_node("sqlite")
    for node in (source, target):
        make_table(node)
    two = Two(target, source, **UUIDS)
    source.run("INSERT INTO thing (id, free) VALUES ('long', 12345678901234567890.123456789), ('good', 1.5)")
    source.run("INSERT INTO thing (id, wide) VALUES ('nan', 'nan')")
    result = two.sync()
    assert sorted(result.skipped["thing"]) == ["long", "nan"]
    assert any("digits" in line for line in result.errors)
    assert [row["id"] for row in target.run("SELECT id FROM thing")] == ["good"]
    [row] = source.run("SELECT free FROM thing WHERE id = 'long'")
    assert str(row["free"]) == "12345678901234567890.123456789"


#: Documents, and the only form in which they travel: what is equal to PostgreSQL's own `jsonb` has one.
DOCUMENTS = {
    "null": "null",
    "[1e400, 1.50, 100, 1E2, -0.0]": "[1E+400,1.5,100,100,0]",
    '{"b": 12345678901234567890.1234567890, "a": 0.00000001}': '{"a":1E-8,"b":12345678901234567890.123456789}',
    '{"ü": "\\u00fc", "z": null}': '{"z":null,"ü":"ü"}',
    '"text"': '"text"',
    '{"b": [1], "a": 2}': '{"a":2,"b":[1]}',
    "1.5": "1.5",
    "9007199254740993": "9007199254740993",
}


@pytest.mark.parametrize("kind", ["JSON", "JSONB"])
def test_json_keeps_its_digits_and_its_null(nodes: tuple[Node, Node], kind: str) -> None:
    source, target = nodes
    for node in nodes:
        node.run(
            f"CREATE TABLE thing (id TEXT PRIMARY KEY, note TEXT, more {'JSON' if lite(node) else kind})"
        )
    two = Two(target, source)
    for number, document in enumerate(DOCUMENTS):
        literal = document.replace("'", "''").replace(":", "\\:")
        node, more = source, "" if lite(source) else f"::{kind}".replace(":", "\\:")
        node.run(
            f"INSERT INTO thing (id, more) VALUES ('{number}', '{literal}'{more}), ('empty{number}', NULL)"
        )
    assert two.sync().ok
    for storage in two.storages:
        found = storage.get_records("thing", [str(number) for number in range(len(DOCUMENTS))])
        assert [found[str(number)].data["more"] for number in range(len(DOCUMENTS))] == [*DOCUMENTS.values()]
    [found] = compare(*two.storages)
    assert found.alike
    [row] = target.run("SELECT count(*) AS found FROM thing WHERE more IS NULL")
    assert row["found"] == len(DOCUMENTS)
    for node in nodes:
        for changed, empty in (("'null'", False), ("NULL", True), ("'null'", False)):
            node.run(f"UPDATE thing SET note = 'with it', more = {changed} WHERE id = 'empty1'")
            node.run(f"UPDATE thing SET more = {changed} WHERE id = 'empty2'")
            assert two.sync().ok
            assert two.sync().counts() == {}
            for each in nodes:
                rows = each.run("SELECT more IS NULL AS empty FROM thing WHERE id IN ('empty1', 'empty2')")
                assert [bool(row["empty"]) for row in rows] == [empty, empty]


def lite(node: Node) -> bool:
    return bool(node.url.startswith("sqlite"))


def test_numbers_that_would_be_rounded_are_held_and_said(make_node: Callable[[str], Node]) -> None:
    """SQLite keeps what no NUMERIC(10,2) of PostgreSQL does; what it has computed is settled as it shows it."""
    source, target = make_node("sqlite"), make_node("postgresql")
    for node in (source, target):
        node.run("CREATE TABLE thing (id TEXT PRIMARY KEY, note TEXT, paid NUMERIC(10,2))")
    two = Two(target, source)
    source.run(
        "INSERT INTO thing VALUES ('fine', NULL, 0.1 + 0.2), ('whole', NULL, 20), ('more', NULL, 19.999)"
    )
    result = two.sync()
    assert dict(result.skipped) == {"thing": ["more"]}
    assert "field 'paid': NUMERIC keeps 2 digits behind the point" in result.errors[0]
    rows = target.run("SELECT id, CAST(paid AS text) AS paid FROM thing ORDER BY id")
    assert [(row["id"], row["paid"]) for row in rows] == [("fine", "0.30"), ("whole", "20.00")]
    source.run("UPDATE thing SET paid = 19.99 WHERE id = 'more'")
    assert two.sync().ok
    assert compare(*two.storages)[0].equal == 3


def test_a_month_is_no_thirty_days(make_node: Callable[[str], Node]) -> None:
    nodes = make_node("postgresql"), make_node("postgresql")
    for node in nodes:
        node.run("CREATE TABLE thing (id TEXT PRIMARY KEY, note TEXT, length INTERVAL)")
    two = Two(*nodes)
    lengths = [
        "1 year 2 mons",
        "1 mon",
        "30 days",
        "24:00:00",
        "-1 days +02:03:04.5",
        "-1 mons +3 days -00:00:01",
        "00:00:00",
    ]
    for length in lengths:
        nodes[0].run("INSERT INTO thing VALUES (:it, '', CAST(CAST(:it AS text) AS interval))", it=length)
    assert two.sync().ok
    for node in nodes:
        node.run("UPDATE thing SET note = note || 'x'")
        assert two.sync().ok
        rows = node.run("SELECT id, CAST(length AS text) AS length FROM thing")
        assert all(row["id"] == row["length"] for row in rows)
    nodes[1].run("UPDATE thing SET length = '1 day' WHERE id = '24:00:00'")
    assert two.sync().counts() == {"applied": 1}
    [row] = nodes[0].run("SELECT CAST(length AS text) AS it FROM thing WHERE id = '24:00:00'")
    assert row["it"] == "1 day"
