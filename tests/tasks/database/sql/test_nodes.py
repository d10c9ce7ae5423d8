"""Real databases in step with each other, edited by people who know nothing of Lockstep."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from tasks.database.engine.engine import DatabaseEngine
from tasks.database.exceptions import ClockDriftError, SyncAbortedError, TransportError
from tasks.database.records.clock import HybridLogicalClock, wall_ms
from tasks.database.records.graph import DependencyGraph
from tasks.database.records.manifest import SyncManifest
from tasks.database.records.result import DatabaseResult
from tasks.database.sql import SQLAlchemyStorage
from tests.tasks.database.sql.people import skew

Node = Any  # the class of the conftest

GRAPH = DependencyGraph({"city": set(), "person": {"city"}})


class Party:
    """One node: a database, its engine, and people who edit it."""

    def __init__(self, name: str, node: Node, hub: Party | None = None, **options: Any) -> None:
        self.name, self.node, self.hub = name, node, hub
        self.storage: SQLAlchemyStorage = node.storage()
        self.storage.prepare()
        self.lose = ""
        self.results: list[DatabaseResult] = []
        self.engine = DatabaseEngine(
            self.storage, GRAPH, HybridLogicalClock(), name, transport=self if hub else None, **options
        )

    def exchange(self, manifest: SyncManifest) -> SyncManifest:
        """The transport, as JSON over a line that may break."""
        lose, self.lose = self.lose, ""
        if lose == "request":
            raise TransportError("lost on the way")
        assert self.hub is not None
        answer, result = self.hub.engine.process(SyncManifest.from_dict(manifest.to_dict()))
        self.hub.results.append(result)
        if lose == "answer":
            raise TransportError("lost on the way back")
        return SyncManifest.from_dict(answer.to_dict())

    def rows(self) -> dict[str, dict[Any, dict[str, Any]]]:
        """Everything that people can see."""
        found: dict[str, dict[Any, dict[str, Any]]] = {}
        for label in ("city", "person"):
            keys = list(self.storage.get_keys(label))
            records = self.storage.get_records(label, keys)
            assert set(records) == set(keys)
            assert len(self.node.run(f"SELECT id FROM {label}")) == len(keys)
            found[label] = {key: record.data for key, record in sorted(records.items())}
        return found


KINDS = [("sqlite", "postgresql"), ("postgresql", "sqlite")]


@pytest.mark.parametrize("kinds", KINDS)
def test_edits_on_both_sides_meet(make_node: Callable[[str], Node], kinds: tuple[str, str]) -> None:
    hub = Party("hub", make_node(kinds[0]))
    spoke = Party("spoke", make_node(kinds[1]), hub)
    hub.node.run("INSERT INTO city (id, name) VALUES ('a', 'Aachen')")
    hub.node.run("INSERT INTO person (id, name, paid, born, city) VALUES (1, 'Ada', 2.50, '1815-12-10', 'a')")
    spoke.node.run("INSERT INTO person (id, name, photo, ok) VALUES (2, 'Bob', NULL, NULL)")
    assert spoke.engine.sync().ok
    assert hub.rows() == spoke.rows()
    assert set(hub.rows()["person"]) == {"1", "2"}
    hub.node.run("UPDATE person SET name = 'Ada L.' WHERE id = 1")
    spoke.node.run("UPDATE person SET paid = 9 WHERE id = 1")
    spoke.node.run("DELETE FROM person WHERE id = 2")
    assert spoke.engine.sync().ok
    assert hub.rows() == spoke.rows()
    assert hub.rows()["person"]["1"] | {"name": "Ada L.", "paid": "9"} == hub.rows()["person"]["1"]
    assert set(hub.rows()["person"]) == {"1"}
    spoke.node.run("INSERT INTO person (id, name) VALUES (2, 'Bob again')")
    assert spoke.engine.sync().ok
    assert hub.rows() == spoke.rows()
    quiet = spoke.engine.sync()
    assert quiet.counts() == {}


def test_a_conflict_is_kept_with_both_values(make_node: Callable[[str], Node]) -> None:
    hub = Party("hub", make_node("postgresql"))
    spoke = Party("spoke", make_node("sqlite"), hub)
    hub.node.run("INSERT INTO city (id, name) VALUES ('a', 'Aachen')")
    spoke.engine.sync()
    hub.node.run("UPDATE city SET name = 'first'")
    spoke.node.run("UPDATE city SET name = 'second'")
    spoke.engine.sync()
    assert hub.rows() == spoke.rows()
    assert hub.rows()["city"]["a"]["name"] == "second"
    [entry] = hub.storage.conflicts
    [found] = entry.conflict.field_conflicts
    assert {found.local_value, found.remote_value} == {"first", "second"}
    assert entry.kept is not None
    assert entry.kept.data["name"] == "second"


def test_poison_is_held_and_tried_again(make_node: Callable[[str], Node]) -> None:
    hub = Party("hub", make_node("postgresql"))
    spoke = Party("spoke", make_node("sqlite"), hub)
    hub.node.run("INSERT INTO person (id, name, mail) VALUES (1, 'Ada', 'x@example.org')")
    for number in range(2, 30):
        spoke.node.run("INSERT INTO person (id, name) VALUES (:id, 'n')", id=number)
    spoke.node.run("UPDATE person SET mail = 'x@example.org' WHERE id = 7")
    assert not spoke.engine.sync().ok
    assert set(hub.rows()["person"]) == {str(number) for number in range(1, 30)} - {"7"}
    hub.node.run("UPDATE person SET mail = NULL WHERE id = 1")
    spoke.engine.sync()
    assert spoke.engine.sync().ok
    assert hub.rows() == spoke.rows()
    assert set(hub.rows()["person"]) == {str(number) for number in range(1, 30)}


def test_a_dry_run_changes_neither_node(make_node: Callable[[str], Node], kind: str) -> None:
    hub = Party("hub", make_node(kind))
    spoke = Party("spoke", make_node(kind), hub)
    hub.node.run("INSERT INTO city (id, name) VALUES ('a', 'Aachen')")
    spoke.node.run("INSERT INTO city (id, name) VALUES ('b', 'Berlin')")
    tables = ("city", "lockstep_records", "lockstep_checkpoints", "lockstep_node", "lockstep_conflicts")

    def dump() -> list[Any]:
        return [
            sorted(map(repr, party.node.run(f"SELECT * FROM {table}")))
            for party in (hub, spoke)
            for table in tables
        ]

    before = dump()
    result = spoke.engine.sync(dry_run=True)
    assert result.counts() == {"pushed": 1, "applied": 1}
    assert dump() == before


@pytest.mark.parametrize(
    "kinds", [("postgresql", "sqlite", "postgresql"), ("sqlite", "postgresql", "sqlite")]
)
@pytest.mark.parametrize("seed", range(1))
def test_histories_end_alike(
    make_node: Callable[[str], Node], kinds: tuple[str, str, str], seed: int
) -> None:
    chance = random.Random(f"{kinds}{seed}")  # the same seed, the same history
    hub = Party("hub", make_node(kinds[0]), batch_size=5)
    spokes = [
        Party(name, make_node(kind), hub, batch_size=3)
        for name, kind in zip(("one", "two"), kinds[1:], strict=True)
    ]
    parties = [hub, *spokes]
    reached = dict.fromkeys(("edit", "insert", "delete", "lost"), 0)
    for step in range(60):
        party = chance.choice(parties)
        key = chance.randrange(8)
        city = chance.choice(["a", "b", None])
        deed = chance.random()
        if deed < 0.3:
            reached["insert"] += 1
            party.node.run("INSERT INTO city (id, name) VALUES ('a', 'A'), ('b', 'B') ON CONFLICT DO NOTHING")
            party.node.run(
                "INSERT INTO person (id, name, city) VALUES (:key, :name, :city) ON CONFLICT DO NOTHING",
                key=key,
                name=f"{party.name}{step}",
                city=city,
            )
        elif deed < 0.6:
            reached["edit"] += 1
            column = chance.choice(["name", "size"])
            value = f"{party.name}{step}" if column == "name" else step
            party.node.run(f"UPDATE person SET {column} = :value WHERE id = :key", value=value, key=key)
        elif deed < 0.72:
            reached["delete"] += 1
            table = chance.choice(["person", "person", "city"])
            party.node.run(f"DELETE FROM {table} WHERE id = :key", key=city if table == "city" else key)
        else:
            spoke = chance.choice(spokes)
            spoke.lose = chance.choice(["", "", "request", "answer"])
            try:
                spoke.engine.sync()
            except SyncAbortedError:
                reached["lost"] += 1
    assert all(reached.values())
    for _ in range(4):
        for spoke in spokes:
            spoke.engine.sync()
    assert hub.rows() == spokes[0].rows() == spokes[1].rows()


@pytest.mark.parametrize("size", [None, 1])
def test_an_edit_during_an_exchange_is_sent_though_its_clock_is_behind(
    make_node: Callable[[str], Node], kind: str, size: int | None
) -> None:
    """As after a restart: the engine's clock is ahead of the triggers'."""
    hub, spoke = make_node(kind), make_node(kind)
    answering = Party("hub", hub, batch_size=size)
    asking = Party("spoke", spoke, answering, batch_size=size)
    for party in (answering, asking):
        party.storage.save_clock_bound((wall_ms() + 100_000) << 16)
        party.engine = DatabaseEngine(
            party.storage, GRAPH, HybridLogicalClock(), party.name, transport=asking, batch_size=size
        )
    for number in range(4):
        hub.run("INSERT INTO city (id, name) VALUES (:id, 'old')", id=f"h{number}")
        spoke.run("INSERT INTO city (id, name) VALUES (:id, 'old')", id=f"s{number}")
    plain, number = asking.exchange, 0

    def exchange(manifest: SyncManifest) -> SyncManifest:
        nonlocal number
        number += 1
        if number < 20:
            hub.run("INSERT INTO city (id, name) VALUES (:id, 'while asked')", id=f"h while {number}")
        answer = plain(manifest)
        if number < 20:
            spoke.run("INSERT INTO city (id, name) VALUES (:id, 'meanwhile')", id=f"s while {number}")
        return answer

    asking.exchange = exchange  # type: ignore[method-assign]
    for _ in range(4):
        asking.engine.sync()
    assert len(hub.run("SELECT * FROM city")) == 8 + 2 * min(number, 19)
    assert answering.rows() == asking.rows()


def test_a_clock_a_year_ahead_is_told_and_poisons_nothing(
    make_node: Callable[[str], Node], kind: str
) -> None:
    year = 365 * 86_400_000
    hub = Party("hub", make_node("postgresql"))
    spoke = Party("spoke", make_node(kind), hub)
    skew(spoke.node, year)
    spoke.node.run("INSERT INTO city (id, name) VALUES ('far', 'edited with a wrong clock')")
    plain, wrong = spoke.engine, HybridLogicalClock(lambda: wall_ms() + year)
    spoke.engine = DatabaseEngine(
        Party("wrong", make_node(kind), hub).storage, GRAPH, wrong, "w", transport=spoke
    )
    with pytest.raises(ClockDriftError, match=r"the clock of node 'w' is \d+ s ahead"):
        spoke.engine.sync()
    spoke.engine = plain
    skew(spoke.node, 0)
    spoke.node.run("INSERT INTO city (id, name) VALUES ('good', 'edited later')")
    hub.node.run("INSERT INTO city (id, name) VALUES ('hub', 'of the hub')")
    for _ in range(2):
        spoke.engine.sync()
    assert {row["id"] for row in hub.node.run("SELECT id FROM city")} == {"good", "hub"}
    assert {row["id"] for row in spoke.node.run("SELECT id FROM city")} == {"good", "hub", "far"}
    [held] = [line for result in hub.results[-1:] for line in result.errors]
    assert held.startswith("city 'far': it is stamped too far in the future: the clock of the node")
    assert hub.engine._node.clock.peek() >> 16 < wall_ms() + 60_000
    hub.node.run("UPDATE city SET name = 'still well' WHERE id = 'good'")
    spoke.engine.sync()
    assert spoke.rows()["city"]["good"]["name"] == "still well"


@pytest.mark.parametrize("wrong", ["hub", "spoke"])
def test_stamps_of_a_clock_that_was_ahead_are_taken_back(
    make_node: Callable[[str], Node], kind: str, wrong: str
) -> None:
    hub = Party("hub", make_node("postgresql" if wrong == "spoke" else kind))
    spoke = Party("spoke", make_node(kind if wrong == "spoke" else "postgresql"), hub)
    far, near = (spoke, hub) if wrong == "spoke" else (hub, spoke)
    near.node.run("INSERT INTO city (id, name) VALUES ('a', 'Aachen'), ('b', 'Berlin'), ('c', 'Celle')")
    near.node.run("INSERT INTO person (id, name, mail) VALUES (1, 'Ada', 'a@b')")
    for _ in range(2):
        spoke.engine.sync()
    skew(far.node, 365 * 86_400_000)
    far.node.run("INSERT INTO city (id, name) VALUES ('far', 'one')")
    far.node.run("UPDATE city SET name = 'far' WHERE id = 'a'")
    far.node.run("UPDATE person SET name = 'far' WHERE id = 1")
    far.node.run("DELETE FROM city WHERE id = 'b'")
    spoke.engine.sync()
    far.node.run("UPDATE city SET name = 'two' WHERE id = 'far'")
    skew(far.node, 0)
    spoke.engine.sync()
    near.node.run("UPDATE person SET mail = 'c@d' WHERE id = 1")
    assert set(near.rows()["city"]) == {"a", "b", "c"}
    assert far.engine.restamp(dry_run=True) == far.engine.restamp()
    assert far.engine.restamp().records == 0
    for _ in range(2):
        assert spoke.engine.sync().ok
    assert hub.rows() == spoke.rows()
    names = {key: row["name"] for key, row in hub.rows()["city"].items()}
    assert names == {"a": "far", "c": "Celle", "far": "two"}
    ada = hub.rows()["person"]["1"]
    assert (ada["name"], ada["mail"]) == ("far", "c@d")
    near.node.run("UPDATE city SET name = 'later' WHERE id = 'far'")
    far.node.run("UPDATE person SET mail = 'e@f' WHERE id = 1")
    far.node.run("INSERT INTO city (id, name) VALUES ('b', 'Bonn')")
    spoke.engine.sync()
    assert hub.rows() == spoke.rows()
    assert hub.rows()["city"]["far"]["name"] == "later"
    assert hub.rows()["city"]["b"]["name"] == "Bonn"
    assert hub.rows()["person"]["1"]["mail"] == "e@f"
    assert spoke.engine.sync().counts() == {}
    stamps = [at for _, found in far.storage.get_stamps_above("city", 0) for at in found.values()]
    assert max(stamps) >> 16 < wall_ms() + 60_000
    assert far.storage.get_clock_bound() >> 16 < wall_ms() + 60_000


@pytest.mark.parametrize("lost", ["", "answer"])
@pytest.mark.parametrize("name", ["hub", "spoke"])
def test_a_node_that_was_restored_from_a_backup_gets_what_it_lost(
    make_node: Callable[[str], Node], name: str, lost: str
) -> None:
    hub = Party("hub", make_node("sqlite"))
    spoke = Party("spoke", make_node("sqlite"), hub)
    hub.node.run("INSERT INTO city (id, name) VALUES ('a', 'Aachen'), ('b', 'Berlin')")
    spoke.engine.sync()
    restored = hub if name == "hub" else spoke
    path = restored.node.url.removeprefix("sqlite:///")
    restored.storage.close()
    shutil.copy(path, f"{path}.bak")
    for party in (hub, spoke):
        party.node.run("INSERT INTO city (id, name) VALUES (:id, 'lost')", id=party.name)
    spoke.node.run("UPDATE city SET name = 'edited' WHERE id = 'a'")
    spoke.node.run("DELETE FROM city WHERE id = 'b'")
    for _ in range(2):
        spoke.engine.sync()
    restored.storage.close()
    shutil.copy(f"{path}.bak", path)
    fresh = Party(name, restored.node, hub if name == "spoke" else None)
    hub, spoke = (fresh, spoke) if name == "hub" else (hub, fresh)
    spoke.hub = hub
    spoke.lose = lost
    for _ in range(3):
        try:
            assert spoke.engine.sync().ok
        except TransportError:
            continue
    assert hub.rows() == spoke.rows()
    assert {key: row["name"] for key, row in hub.rows()["city"].items()} == {
        "a": "edited",
        "hub": "lost",
        "spoke": "lost",
    }
    assert spoke.engine.sync().counts() == {}


@pytest.mark.parametrize("kinds", KINDS)
def test_unique_values_that_were_exchanged_arrive(
    make_node: Callable[[str], Node], kinds: tuple[str, str]
) -> None:
    hub = Party("hub", make_node(kinds[0]))
    spoke = Party("spoke", make_node(kinds[1]), hub)
    hub.node.run(
        "INSERT INTO person (id, name, mail) VALUES (1, 'a', 'x'), (2, 'b', 'y'), (3, 'c', 'z'), (4, 'd', 'w')"
    )
    spoke.engine.sync()
    spoke.node.run("INSERT INTO person (id, name, mail) VALUES (5, 'e', 'taken')")
    hub.node.run("UPDATE person SET mail = NULL WHERE id = 1")
    hub.node.run("UPDATE person SET mail = 'x' WHERE id = 2")
    hub.node.run("UPDATE person SET mail = 'y' WHERE id = 1")
    hub.node.run("UPDATE person SET mail = 'taken' WHERE id = 3")
    result = spoke.engine.sync()
    assert [line.split(":")[0] for line in result.errors] == [
        "person '3'",
        "person '5' is held at node 'hub'",
    ]
    mails = {row["id"]: row["mail"] for row in spoke.node.run("SELECT id, mail FROM person")}
    assert mails == {1: "y", 2: "x", 3: "z", 4: "w", 5: "taken"}
    spoke.node.run("UPDATE person SET mail = 'given back' WHERE id = 5")
    for _ in range(2):
        spoke.engine.sync()
    assert hub.rows() == spoke.rows()
    assert spoke.engine.sync().counts() == {}


@pytest.mark.parametrize("kinds", KINDS)
def test_what_others_refer_to_is_not_emptied(
    make_node: Callable[[str], Node], kinds: tuple[str, str]
) -> None:
    hub = Party("hub", make_node(kinds[0]))
    spoke = Party("spoke", make_node(kinds[1]), hub)
    spoke.node.run("CREATE TABLE post (mail TEXT REFERENCES person (mail) ON UPDATE CASCADE)")
    hub.node.run("INSERT INTO person (id, name, mail) VALUES (1, 'a', 'x'), (2, 'b', 'y')")
    spoke.engine.sync()
    spoke.node.run("INSERT INTO post VALUES ('x')")
    hub.node.run("UPDATE person SET mail = NULL WHERE id = 1")
    hub.node.run("UPDATE person SET mail = 'x' WHERE id = 2")
    hub.node.run("UPDATE person SET mail = 'y' WHERE id = 1")
    assert len(spoke.engine.sync().errors) == 2
    assert spoke.node.run("SELECT mail FROM post") == [{"mail": "x"}]


def test_values_that_python_cannot_hold_hold_nothing_else_up(make_node: Callable[[str], Node]) -> None:
    hub = Party("hub", make_node("postgresql"))
    spoke = Party("spoke", make_node("sqlite"), hub)
    hub.node.run("INSERT INTO person (id, name, seen) VALUES (1, 'a', 'infinity'), (2, 'b', '2026-01-01')")
    hub.node.run("INSERT INTO person (id, name, born) VALUES (3, 'c', '-infinity'), (4, 'd', '20000-01-01')")
    for _ in range(2):
        result = spoke.engine.sync()
    assert {row["id"] for row in spoke.node.run("SELECT id FROM person")} == {2}
    assert len(result.errors) == 3
