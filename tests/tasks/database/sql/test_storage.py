from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from tasks.database.records.clock import HybridLogicalClock
from tasks.database.records.record import SyncRecord
from tasks.database.sql import Database, NodeDatabaseError, SQLAlchemyStorage, SyncedTable
from tasks.database.storages.storage import ArrivalStorage, Tombstone
from tests.harness.stores import in_another_encoding
from tests.tasks.database.sql.conftest import TABLES, Node

DATA: dict[str, Any] = {
    "id": 7,
    "name": "Ada Ünïcøde 👩‍🚀",
    "born": "1815-12-10",
    "seen": "2026-01-02T03:04:05.600000",
    "paid": "12.5",
    "ok": True,
    "photo": "AAEC/w==",
    "more": '{"a":[1,null,"x"],"b":{"c":1.5}}',
    "size": 1.25,
    "mail": "ada@example.org",
    "city": None,
}


def person(key: int, stamp: int = 10, at: int = 20, **data: Any) -> SyncRecord:
    data = {"id": key, "name": f"n{key}", **data}
    return SyncRecord(str(key), data, dict.fromkeys(data, stamp), at)


def people(*records: SyncRecord) -> dict[str, SyncRecord]:
    return {record.key: record for record in records}


def test_it_is_the_storage_that_the_engine_asks_for(storage: SQLAlchemyStorage) -> None:
    assert isinstance(storage, ArrivalStorage)


@pytest.mark.parametrize("empty", [False, True])
def test_values_are_alike_on_every_database(make_node: Callable[[str], Node], empty: bool) -> None:
    data = dict.fromkeys(DATA, None) | {"id": 7} if empty else DATA
    record = SyncRecord("7", data, dict.fromkeys(data, 5), 9, {"name": 8, "": 6})
    for kind in ("sqlite", "postgresql"):
        storage = make_node(kind).storage()
        storage.prepare()
        assert storage.upsert_many("person", {"7": record}) == set()
        found = storage.get_records("person", ["7"])["7"]
        assert found.data == data
        assert found.timestamps == record.timestamps
        assert (found.received_at, found.arrivals) == (9, {"name": 8, "": 6})


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_in_another_encoding(postgres: str, encoding: str) -> None:
    node = Node(in_another_encoding(postgres, encoding))
    for statement in TABLES["postgresql"]:
        Node(f"{node.url}&client_encoding=utf8").run(statement)
    storage = node.storage()
    storage.prepare()
    data = DATA | {"name": "Ada Ünïcøde"}
    assert storage.upsert_many("person", {"7": SyncRecord("7", data, dict.fromkeys(data, 5), 9)}) == set()
    assert storage.get_records("person", ["7"])["7"].data == data
    node.close()


def test_what_a_person_wrote_by_hand_travels(make_node: Callable[[str], Node]) -> None:
    source, target = make_node("sqlite"), make_node("postgresql")
    there, here = source.storage(), target.storage()
    there.prepare()
    here.prepare()
    source.run(
        "INSERT INTO person (id, name, born, seen, paid, ok, photo, more, size) VALUES "
        "(7, 'Ada', '1815-12-10', '2026-01-02 03:04:05', 12.50, 1, x'000102ff', '{\"a\": 1}', 2)"
    )
    there.horizon(1)
    assert here.upsert_many("person", there.get_changed_since("person", 0)) == set()
    [row] = target.run("SELECT * FROM person")
    assert (row["born"].year, row["seen"].hour, str(row["paid"]), row["ok"]) == (1815, 3, "12.50", True)
    assert (bytes(row["photo"]), row["more"], row["size"]) == (b"\x00\x01\x02\xff", {"a": 1}, 2.0)


def test_a_remote_change_is_not_captured(node: Node, storage: SQLAlchemyStorage) -> None:
    storage.upsert_many("person", people(person(1), person(2)))
    storage.upsert_many("person", people(person(1, 30, 40, name="x")))
    storage.delete_many("person", {"2": 50}, 60)
    assert storage.get_records("person", ["1"])["1"].timestamps["name"] == 30
    assert storage.get_deletes_page("person", 0) == {"2": Tombstone(50, 60)}
    assert storage.oldest_after(60) is None
    assert len(node.run("SELECT * FROM person")) == 1


def test_pages_follow_the_order_of_places_and_keys(storage: SQLAlchemyStorage) -> None:
    storage.upsert_many("person", people(*[person(number, at=20 + number // 10) for number in range(25)]))
    seen: list[str] = []
    after = None
    while page := storage.get_changed_since("person", 10, 4, after):
        seen += page
        last = list(page.values())[-1]
        after = (last.sync_field_last_modified, last.key)
    assert seen == sorted(map(str, range(25)), key=lambda key: (20 + int(key) // 10, key))
    assert list(storage.get_changed_since("person", 21)) == ["20", "21", "22", "23", "24"]
    assert list(storage.get_keys("person")) == sorted(map(str, range(25)))
    storage.delete_many("person", {str(number): 30 for number in range(25)}, 31)
    assert list(storage.get_deletes_page("person", 30, 2, (31, "11"))) == ["12", "13"]


def test_poison_records_hold_nothing_else_up(node: Node, storage: SQLAlchemyStorage) -> None:
    bad = {
        "50": person(50, mail="same@example.org"),
        "51": person(51, mail="same@example.org"),
        "52": person(52, city="nowhere"),
        "53": person(53, born="not a day"),
        "54": person(54, name="nul\x00"),
        "55": person(55, name="\ud800"),
        "56": person(56, size="wide"),
        "x": person(57),
        "58": person(58, photo="%%%"),
    }
    good = people(*[person(number, mail=f"{number}@example.org") for number in range(200)])
    refused = storage.upsert_many("person", {**good, **bad, "x": SyncRecord("x", {"name": "a"}, {})})
    assert refused == {"51", "52", "53", "54", "55", "56", "58", "x"}
    assert len(node.run("SELECT * FROM person")) == 200 - 7
    assert set(storage.get_records("person", list(bad))) == {"50"}
    assert "same@example.org" not in str(storage.refusals)
    node.run("INSERT INTO city (id, name) VALUES ('nowhere', 'Nowhere')")
    assert storage.upsert_many("person", {"52": bad["52"]}) == set()


def test_a_parent_can_be_filled_in_afterwards(storage: SQLAlchemyStorage) -> None:
    child = person(1, city="a")
    assert storage.upsert_without("person", {"1": child}, {"city"}) == set()
    without = storage.get_records("person", ["1"])["1"]
    assert without.data["city"] is None
    assert set(without.timestamps) == {"id", "name"}
    storage.upsert_many("city", {"a": SyncRecord("a", {"id": "a", "name": "A"}, {"name": 3})})
    assert storage.upsert_many("person", {"1": child}) == set()
    assert storage.get_records("person", ["1"])["1"].data["city"] == "a"


def test_what_goes_with_a_deleted_parent_gets_a_tombstone(node: Node, storage: SQLAlchemyStorage) -> None:
    storage.upsert_many("city", {"a": SyncRecord("a", {"id": "a", "name": "A"}, {"name": 3})})
    storage.upsert_many("person", people(person(1, city="a")))
    assert storage.delete_many("city", {"a": 50}, 60) == set()
    place = storage.horizon(70)
    assert list(storage.get_deletes_page("person", 60)) == ["1"]
    assert place >= 70
    assert storage.get_deletes_since("city", 0) == {"a": 50}


def test_a_refused_deletion_leaves_the_record(node: Node, storage: SQLAlchemyStorage) -> None:
    node.run("CREATE TABLE pet (id INTEGER PRIMARY KEY, owner BIGINT REFERENCES person (id))")
    storage.upsert_many("person", people(person(1), person(2)))
    node.run("INSERT INTO pet VALUES (1, 1)")
    assert storage.delete_many("person", {"1": 50, "2": 50}, 60) == {"1"}
    assert list(storage.get_keys("person")) == ["1"]
    assert storage.get_tombstones("person", ["1", "2"]) == {"2": Tombstone(50, 60)}


def test_a_transaction_is_kept_as_a_whole_or_not_at_all(storage: SQLAlchemyStorage) -> None:
    def fail() -> None:
        with storage.transaction():
            storage.upsert_many("person", people(person(1)))
            storage.save_checkpoint("peer", 5, {"a": [1, "k"]})
            storage.save_clock_bound(77)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert storage.get_records("person", ["1"]) == {}
    assert (storage.get_checkpoint("peer"), storage.get_after_keys("peer")) == (0, {})
    assert storage.get_clock_bound() == 77
    with storage.transaction():
        storage.upsert_many("person", people(person(1)))
        storage.save_checkpoint("peer", 5, {"a": [1, "k"]})
    assert (storage.get_checkpoint("peer"), storage.get_after_keys("peer")) == (5, {"a": [1, "k"]})
    assert storage.get_nodes() == {"peer": 5}
    storage.forget_node("peer")
    assert storage.get_nodes() == {}


def test_the_clock_survives_a_restart_with_the_wall_clock_moved_back(
    node: Node, storage: SQLAlchemyStorage
) -> None:
    last = HybridLogicalClock(lambda: 5_000_000, storage).now()
    assert HybridLogicalClock(lambda: 1_000, node.storage()).now() > last


@pytest.mark.parametrize("held", [False, True])
def test_two_exchanges_of_a_node_take_turns(node: Node, storage: SQLAlchemyStorage, held: bool) -> None:
    other = node.storage()
    entered = threading.Event()
    order: list[str] = []

    def second() -> None:
        entered.set()
        with other.transaction():
            order.append("second")

    with storage.database.work() if held else storage.transaction():
        if held:
            storage.hold("here")
        thread = threading.Thread(target=second)
        thread.start()
        assert entered.wait(10)
        thread.join(0.3)
        order.append("first")
    thread.join(30)
    assert order == ["first", "second"]


def test_what_was_read_cannot_be_edited_until_it_is_written(node: Node, storage: SQLAlchemyStorage) -> None:
    storage.upsert_many("person", people(person(1)))
    thread = threading.Thread(target=node.run, args=("UPDATE person SET name = 'mine' WHERE id = 1",))
    with storage.transaction():
        storage.horizon(100)
        read = storage.get_records("person", ["1"])["1"]
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()
        assert read.data["name"] == "n1"
        storage.upsert_many("person", people(person(1, 30, 101, name="theirs")))
    thread.join(30)
    storage.horizon(102)
    record = storage.get_records("person", ["1"])["1"]
    assert record.data["name"] == "mine"
    assert record.timestamps["name"] > 30


def test_a_record_made_between_reading_and_writing_is_not_overwritten(
    node: Node, storage: SQLAlchemyStorage, kind: str
) -> None:
    if kind == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    with storage.transaction():
        assert storage.get_records("person", ["1"]) == {}
        node.run("INSERT INTO person (id, name) VALUES (1, 'mine')")
        assert storage.upsert_many("person", people(person(1), person(2))) == {"1"}
    assert storage.get_records("person", ["1"])["1"].data["name"] == "mine"


def test_an_edit_that_became_visible_late_is_new_in_its_field(node: Node, storage: SQLAlchemyStorage) -> None:
    storage.upsert_many("person", people(person(1, 5, 5)))
    told = storage.horizon(1 << 62)  # far ahead of any edit's own stamp
    node.run("UPDATE person SET name = 'new' WHERE id = 1")
    place = storage.horizon(told + 1)
    record = storage.get_changed_since("person", told)["1"]
    assert place > record.sync_field_last_modified > told
    assert record.arrival("name") > told
    assert record.arrival("mail") <= told
    node.run("DELETE FROM person")
    node.run("INSERT INTO person (id, name) VALUES (1, 'again')")
    storage.horizon(place + 1)
    again = storage.get_changed_since("person", place)["1"]
    assert all(again.arrival(name) > place for name in again.data)


def test_tombstones_are_dropped_when_told(storage: SQLAlchemyStorage) -> None:
    storage.delete_many("person", {"1": 5}, 10)
    storage.delete_many("person", {"2": 5}, 20)
    assert storage.purge_tombstones(10) == 1
    assert storage.get_purged() == 10
    assert storage.get_deletes_since("person", 0) == {"2": 5}


def test_statements_do_not_grow_with_the_records(storage: SQLAlchemyStorage) -> None:
    counts = []
    for size in (10, 1_000):
        count = 0

        def counted(*_: Any) -> None:
            nonlocal count
            count += 1

        records = people(*[person(size * 10 + number, at=size) for number in range(size)])
        sa.event.listen(storage.database.engine, "before_cursor_execute", counted)
        with storage.transaction():
            storage.get_records("person", list(records))
            storage.upsert_many("person", records)
            storage.get_changed_since("person", size - 1)
            storage.delete_many("person", dict.fromkeys(records, 50), size + 1)
        sa.event.remove(storage.database.engine, "before_cursor_execute", counted)
        counts.append(count)
    assert counts[0] == counts[1]


def test_a_database_that_is_away_is_told_in_one_line(make_node: Callable[[str], Node]) -> None:
    storage = SQLAlchemyStorage("postgresql+psycopg://me:secret@127.0.0.1:1/none", [])
    with pytest.raises(NodeDatabaseError) as raised, storage.transaction():
        pass
    assert "secret" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_user_without_rights_is_told_in_one_line(make_node: Callable[[str], Node]) -> None:
    node = make_node("postgresql")
    node.run("CREATE ROLE guest LOGIN")
    address = sa.make_url(node.url).set(username="guest").render_as_string(hide_password=False)
    database = Database(address)
    storage = SQLAlchemyStorage(database, [SyncedTable.reflect(database, "city")])
    with pytest.raises(NodeDatabaseError, match="permission denied") as raised:
        storage.prepare()
    assert "\n" not in str(raised.value)
    storage.close()
