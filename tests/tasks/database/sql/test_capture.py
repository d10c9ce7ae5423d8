from __future__ import annotations

import time
from typing import Any

import pytest
import sqlalchemy as sa

from tasks.database.records.record import SyncRecord
from tasks.database.sql.capture import triggers as capture
from tasks.database.sql.storage import SQLAlchemyStorage

Node = Any  # the class of the conftest


def changed(storage: SQLAlchemyStorage, since: int = 0, label: str = "person") -> dict[str, SyncRecord]:
    storage.horizon(wall())
    return storage.get_changed_since(label, since)


def deleted(storage: SQLAlchemyStorage, since: int = 0, label: str = "person") -> dict[str, int]:
    storage.horizon(wall())
    return storage.get_deletes_since(label, since)


def wall() -> int:
    return time.time_ns() // 1_000_000 << 16


def test_an_insert_stamps_every_field(node: Node, storage: SQLAlchemyStorage) -> None:
    before = wall()
    node.run("INSERT INTO person (id, name, paid) VALUES (7, 'Ada', 1.50)")
    record = changed(storage)["7"]
    assert record.data["name"] == "Ada"
    assert record.data["paid"] == "1.5"
    assert set(record.timestamps) == set(storage.tables["person"].fields)
    assert all(before - (2 << 16) <= stamp <= wall() + 1 for stamp in record.timestamps.values())
    assert record.received_at >= max(record.timestamps.values())


def test_an_update_stamps_what_it_changed_only(node: Node, storage: SQLAlchemyStorage) -> None:
    node.run("INSERT INTO person (id, name, paid) VALUES (7, 'Ada', 1)")
    first = changed(storage)["7"]
    node.run("UPDATE person SET name = 'ADA', paid = paid WHERE id = 7")
    second = changed(storage, first.received_at)["7"]
    newer = {name for name, stamp in second.timestamps.items() if stamp > first.timestamps[name]}
    assert newer == {"name"}
    node.run("UPDATE person SET name = name")
    assert changed(storage, second.received_at) == {}


def test_edits_of_a_clock_that_stands_still_are_ordered(node: Node, storage: SQLAlchemyStorage) -> None:
    ahead = wall() + (3_600_000 << 16)
    storage.upsert_many("person", {"7": SyncRecord("7", {"name": "Ada"}, {"name": ahead})})
    node.run("UPDATE person SET name = 'Bob'")
    assert changed(storage)["7"].timestamps["name"] == ahead + 1
    node.run("DELETE FROM person")
    assert deleted(storage, 0, "person") == {"7": ahead + 2}
    node.run("INSERT INTO person (id, name) VALUES (7, 'Eve')")
    assert changed(storage)["7"].timestamps["name"] == ahead + 3


def test_a_deleted_record_has_a_tombstone_until_it_is_made_again(
    node: Node, storage: SQLAlchemyStorage
) -> None:
    node.run("INSERT INTO person (id, name) VALUES (7, 'Ada')")
    old = changed(storage)["7"]
    node.run("DELETE FROM person WHERE id = 7")
    assert changed(storage) == {}
    stone = deleted(storage, old.received_at, "person")["7"]
    assert stone > max(old.timestamps.values())
    node.run("INSERT INTO person (id, name) VALUES (7, 'Bob')")
    assert deleted(storage, 0, "person") == {}
    assert min(changed(storage)["7"].timestamps.values()) > stone


def test_a_record_that_gets_another_key_is_deleted_and_made(node: Node, storage: SQLAlchemyStorage) -> None:
    node.run("INSERT INTO person (id, name) VALUES (7, 'Ada')")
    node.run("UPDATE person SET id = 8")
    assert set(deleted(storage, 0, "person")) == {"7"}
    made = changed(storage)["8"]
    assert made.data["name"] == "Ada"
    assert set(made.timestamps) == set(storage.tables["person"].fields)


def test_an_insert_that_replaces_is_captured(node: Node, storage: SQLAlchemyStorage, kind: str) -> None:
    node.run("INSERT INTO city (id, name) VALUES ('a', 'Aachen')")
    first = changed(storage, 0, "city")["a"]
    if kind == "sqlite":
        node.run("INSERT OR REPLACE INTO city (id, name) VALUES ('a', 'Bonn')")
        node.run("INSERT OR IGNORE INTO city (id, name) VALUES ('a', 'Chemnitz'), ('b', 'Berlin')")
    else:
        node.run("INSERT INTO city VALUES ('a', 'Bonn') ON CONFLICT (id) DO UPDATE SET name = excluded.name")
        node.run("INSERT INTO city VALUES ('a', 'X'), ('b', 'Berlin') ON CONFLICT (id) DO NOTHING")
    found = changed(storage, first.received_at, "city")
    assert {key: record.data["name"] for key, record in found.items()} == {"a": "Bonn", "b": "Berlin"}
    assert found["a"].timestamps["name"] > first.timestamps["name"]


def test_what_is_rolled_back_is_not_captured(node: Node, storage: SQLAlchemyStorage) -> None:
    engine = sa.create_engine(node.url)
    with engine.connect() as connection, connection.begin() as transaction:
        connection.exec_driver_sql("INSERT INTO city (id, name) VALUES ('a', 'Aachen')")
        transaction.rollback()
    assert changed(storage, 0, "city") == {}


def test_a_change_that_was_committed_late_arrives_late(
    node: Node, storage: SQLAlchemyStorage, kind: str
) -> None:
    if kind == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    engine = sa.create_engine(node.url)
    with engine.connect() as slow:
        slow.exec_driver_sql("INSERT INTO city (id, name) VALUES ('a', 'Aachen')")
        node.run("INSERT INTO city (id, name) VALUES ('b', 'Berlin')")
        seen = storage.horizon(wall())
        assert set(changed(storage, 0, "city")) == {"b"}
        slow.commit()
    assert set(changed(storage, seen, "city")) == {"a"}


def test_an_edit_that_is_open_does_not_stop_the_others(
    node: Node, storage: SQLAlchemyStorage, kind: str
) -> None:
    if kind == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    node.run("INSERT INTO city (id, name) VALUES ('a', 'Aachen'), ('b', 'Berlin')")
    engine = sa.create_engine(node.url)
    with engine.connect() as slow:
        slow.exec_driver_sql("UPDATE city SET name = 'Bonn' WHERE id = 'a'")
        assert set(changed(storage, 0, "city")) == {"b"}
        slow.rollback()
    assert set(changed(storage, 0, "city")) == {"a", "b"}


def test_truncating_deletes_all(node: Node, storage: SQLAlchemyStorage, kind: str) -> None:
    node.run("INSERT INTO person (id, name) VALUES (1, 'Ada'), (2, 'Bob')")
    node.run("DELETE FROM person" if kind == "sqlite" else "TRUNCATE person")
    assert set(deleted(storage, 0, "person")) == {"1", "2"}


def test_what_was_there_before_is_older_than_any_edit(node: Node) -> None:
    node.run("INSERT INTO city (id, name) VALUES ('a', 'Aachen')")
    storage = node.storage()
    storage.prepare()
    record = changed(storage, 0, "city")["a"]
    assert record.timestamps == {"id": 1, "name": 1}
    node.run("UPDATE city SET name = 'Bonn'")
    assert changed(storage, record.received_at, "city")["a"].timestamps["name"] > 1 << 40


def test_capture_is_removed_and_installed_again(node: Node, storage: SQLAlchemyStorage) -> None:
    city = storage.tables["city"]
    node.run("INSERT INTO city (id, name) VALUES ('a', 'Aachen'), ('b', 'Berlin')")
    seen = storage.horizon(wall())
    assert capture.installed(storage.database, city)
    capture.remove(storage.database, city)
    assert not capture.installed(storage.database, city)
    node.run("DELETE FROM city WHERE id = 'a'")
    node.run("INSERT INTO city (id, name) VALUES ('c', 'Celle')")
    assert changed(storage, seen, "city") == {}
    assert capture.install(storage.database, city) == 1
    assert set(changed(storage, seen, "city")) == {"c"}
    assert set(deleted(storage, seen, "city")) == {"a"}


def test_odd_names_are_quoted(node: Node) -> None:
    node.run(
        """CREATE TABLE "it's ""odd"" %(x)s :y" ("the id" TEXT PRIMARY KEY, "a%b'c" TEXT)""".replace(
            ":y", "\\:y"
        )
    )
    storage = node.storage()
    from tasks.database.sql.tables.synced_table import SyncedTable

    name = """it's "odd" %(x)s :y"""
    table = SyncedTable.reflect(storage.database, name)
    odd = SQLAlchemyStorage(storage.database, [table])
    odd.prepare()
    with storage.database.work() as work:
        work.connection.execute(sa.insert(table.table), [{"the id": "k:1", "a%b'c": "v"}])
    assert changed(odd, 0, name)["k:1"].data == {"the id": "k:1", "a%b'c": "v"}
    odd.upsert_many(name, {"k2": SyncRecord("k2", {"a%b'c": "w"}, {"a%b'c": 5})})
    odd.delete_many(name, {"k:1": wall() + (1 << 20)})
    assert set(changed(odd, 0, name)) == {"k2"}
