"""Rows that are known to be new go a shorter way, and are the same in the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from tasks.database.records.record import SyncRecord
from tasks.database.sql import Database, SQLAlchemyStorage, SyncedTable
from tasks.database.sql.tables.bulk import JsonTexts, array, objects_of

from .conftest import Node

KEY = "6f1e7f0a-5e0c-4f57-8d0e-0f6a4b1c2d3e"
VALUES: dict[str, Any] = {
    "id": KEY,
    "words": r"""["a","b\"c","d\\e","",null]""",
    "plain": "tab\t newline\n return\r back\\slash \\N \\. \"quotes\" 'single' Ünïcøde 👩‍🚀 {1,2}",
    "moment": "2026-01-02T03:04:05.600000",
    "local": "2026-01-02T03:04:05",
    "day": "1815-12-10",
    "hour": "03:04:05",
    "length": "93784.5",
    "price": "12.5",
    "photo": "AAEC/w==",
    "old": r'{"a":[1,null,"x\\y\tz"]}',
    "more": '[{"b":1.5},null,true]',
    "size": 1.25,
    "ok": False,
    "mood": "happy",
    "count": -(2**40),
}
THING = (
    "CREATE TABLE thing (id UUID PRIMARY KEY, words TEXT[], plain TEXT, moment TIMESTAMPTZ, local TIMESTAMP, "
    "day DATE, hour TIME, length INTERVAL, price NUMERIC(10,2), photo BYTEA, old JSON, more JSONB, "
    "size DOUBLE PRECISION, ok BOOLEAN, mood mood, count BIGINT)"
)


def storage_of(node: Node, *names: str, user: str | None = None) -> SQLAlchemyStorage:
    url = sa.make_url(node.url).set(username=user) if user else sa.make_url(node.url)
    database = Database(url.render_as_string(hide_password=False))
    node.opened.append(SQLAlchemyStorage(database, [SyncedTable.reflect(database, name) for name in names]))
    node.opened[-1].prepare()
    return node.opened[-1]


def write_new(storage: SQLAlchemyStorage, label: str, records: dict[str, SyncRecord]) -> set[str]:
    """As an exchange does: nothing of it is there, and that is known."""
    with storage.transaction():
        assert storage.get_records(label, list(records)) == {}
        return storage.upsert_many(label, records)


@pytest.mark.parametrize("values", [VALUES, dict.fromkeys(VALUES) | {"id": KEY}])
def test_copied_rows_are_as_inserted_ones(make_node: Callable[[str], Node], values: dict[str, Any]) -> None:
    rows = []
    for write in (write_new, SQLAlchemyStorage.upsert_many):
        node = make_node("postgresql")
        node.run("CREATE TYPE mood AS ENUM ('sad', 'happy')")
        node.run(THING)
        storage = storage_of(node, "thing")
        assert write(storage, "thing", {KEY: SyncRecord(KEY, values, {"plain": 5}, 9)}) == set()
        assert storage.get_records("thing", [KEY])[KEY].data == values
        rows.append(node.run("SELECT CAST(t AS text) AS all FROM thing t"))
    assert rows[0] == rows[1]


def test_a_table_with_row_security_is_written_too(make_node: Callable[[str], Node]) -> None:
    node = make_node("postgresql")
    for statement in (
        "CREATE ROLE holder LOGIN",
        "GRANT ALL ON SCHEMA public TO holder",
        "ALTER TABLE city OWNER TO holder",
        "ALTER TABLE city ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE city FORCE ROW LEVEL SECURITY",
        "CREATE POLICY everything ON city USING (true)",
    ):
        node.run(statement)
    storage = storage_of(node, "city", user="holder")
    records = {
        key: SyncRecord(key, {"id": key, "name": name}, {}, 9)
        for key, name in {"1": "Ulm", "2": None, "3": "Bonn"}.items()
    }
    assert write_new(storage, "city", records) == {"2"}
    assert [row["name"] for row in node.run("SELECT name FROM city ORDER BY id")] == ["Ulm", "Bonn"]


def test_what_is_refused_holds_nothing_else_up(node: Node, storage: SQLAlchemyStorage) -> None:
    records = {
        str(number): SyncRecord(
            str(number), {"id": number, "name": "x", "city": "none" if number % 4 == 0 else None}, {}, 9
        )
        for number in range(1, 13)
    }
    assert write_new(storage, "person", records) == {"4", "8", "12"}
    assert len(node.run("SELECT * FROM person")) == 9
    assert node.run("SELECT * FROM lockstep_records WHERE place IS NULL") == []


def test_arrays_as_text_are_read_as_they_were(make_node: Callable[[str], Node]) -> None:
    values = ["a", "", 'b"c', "d\\e", "NULL", "{x,y}", " ", "tab\t\n"]
    [row] = make_node("postgresql").run("SELECT CAST(:it AS text[]) AS it", it=array(values))
    assert row["it"] == values
    assert array([1, None, -2]) == "{1,NULL,-2}"


def test_texts_of_equal_objects_do_not_share_what_can_be_changed() -> None:
    first, second, none, other = objects_of(['{"a":1}', '{"a":1}', None, '{"b":2}'])
    first["a"] = 2
    assert (second, none, other) == ({"a": 1}, {}, {"b": 2})
    assert objects_of([]) == []
    texts = JsonTexts()
    assert [texts.dump(value) for value in ({"a": 1}, {"a": 1}, {"b": 2}, {})] == [
        '{"a":1}',
        '{"a":1}',
        '{"b":2}',
        "{}",
    ]
