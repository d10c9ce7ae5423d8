"""One row that cannot travel stops nothing else: it is named and held at its node, and goes once it is mended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tasks.database.exceptions import TransportError
from tasks.database.storages.peer import PeerState
from tests.tasks.database.sql.test_nodes import Party

Node = Any  # the class of the conftest

LIMIT = 50_000


@dataclass(frozen=True)
class Bad:
    """A row of `city` that cannot travel, how it is mended, and what is said of it."""

    name: str
    make: str
    mend: str
    #: Its key, once it is mended.
    key: str
    said: str
    dialects: tuple[str, ...] = ("sqlite",)


BAD = [
    Bad(
        "a key without letters",
        "INSERT INTO city (id, name) VALUES ('', 'x')",
        "UPDATE city SET id = 'good' WHERE id = ''",
        "good",
        "its key is empty",
        ("sqlite", "postgresql"),
    ),
    Bad(
        "a text that is no UTF-8",
        "INSERT INTO city (id, name) VALUES ('bad', 'a' || CAST(x'ff' AS TEXT))",
        "UPDATE city SET name = 'x' WHERE id = 'bad'",
        "bad",
        "field 'name': text that is no UTF-8",
    ),
    Bad(
        "a key that is no UTF-8",
        "INSERT INTO city (id, name) VALUES ('a' || CAST(x'ff' AS TEXT), 'x')",
        "UPDATE city SET id = 'good' WHERE name = 'x'",
        "good",
        "its key is no UTF-8",
    ),
    Bad(
        "a text with a NUL",
        "INSERT INTO city (id, name) VALUES ('bad', 'a' || char(0) || 'b')",
        "UPDATE city SET name = 'x' WHERE id = 'bad'",
        "bad",
        "field 'name': text with a NUL",
    ),
    Bad(
        "a key with a NUL",
        "INSERT INTO city (id, name) VALUES ('a' || char(0) || 'b', 'x')",
        "UPDATE city SET id = 'good' WHERE name = 'x'",
        "good",
        "its key holds a NUL",
    ),
    Bad(
        "a key of bytes",
        "INSERT INTO city (id, name) VALUES (x'616263', 'x')",
        "UPDATE city SET id = 'good' WHERE name = 'x'",
        "good",
        "no row is found by its key",
    ),
    Bad(
        "a key that is too long",
        "INSERT INTO city (id, name) VALUES (printf('%0401d', 1), 'x')",
        "UPDATE city SET id = 'good' WHERE name = 'x'",
        "good",
        "its key has more than 400 characters",
    ),
    Bad(
        "a value that is too large",
        "INSERT INTO city (id, name) VALUES ('bad', replace(printf('%060000d', 1), '0', 'y'))",
        "UPDATE city SET name = 'x' WHERE id = 'bad'",
        "bad",
        "more than 50,000 that are taken; most of them are in field 'name'",
    ),
    Bad(
        "a value that is too large for PostgreSQL's peer",
        "INSERT INTO city (id, name) VALUES ('bad', repeat('y', 60000))",
        "UPDATE city SET name = 'x' WHERE id = 'bad'",
        "bad",
        "more than 50,000 that are taken; most of them are in field 'name'",
        ("postgresql",),
    ),
]

CASES = [(bad, dialect) for bad in BAD for dialect in bad.dialects]


def pair(
    make_node: Callable[[str], Node], dialect: str, where: str, **options: Any
) -> tuple[Party, Party, Party, Party]:
    """Hub and spoke, and which of the two has the bad row and which has not."""
    other = "postgresql" if dialect == "sqlite" and not options.pop("alike", False) else "sqlite"
    options = {"record_bytes_max": LIMIT, **options}
    options.pop("alike", None)
    hub = Party("hub", make_node(dialect if where == "answering" else other), **options)
    spoke = Party("spoke", make_node(other if where == "answering" else dialect), hub, **options)
    bad, good = (hub, spoke) if where == "answering" else (spoke, hub)
    return hub, spoke, bad, good


def told(party: Party) -> list[str]:
    """What an operator of this node can be told of what is held, here or at the peer."""
    lines: list[str] = []
    for name in party.storage.get_nodes():
        state = PeerState.load(party.storage, name)
        lines += [f"{one}: {one.reason}" for one in state.all_held()]
        lines += state.theirs.lines("the peer")
    return lines


def ids(party: Party) -> set[str]:
    return {row["id"] for row in party.node.run("SELECT id FROM city WHERE name <> 'held'")}


@pytest.mark.parametrize(("where", "batch"), [("asking", 2), ("answering", None)])
@pytest.mark.parametrize(("case", "dialect"), CASES, ids=[f"{bad.name}-{dialect}" for bad, dialect in CASES])
def test_a_bad_row_holds_nothing_up_but_itself(
    make_node: Callable[[str], Node], case: Bad, dialect: str, batch: int | None, where: str
) -> None:
    hub, spoke, bad, good = pair(
        make_node, dialect, where, batch_size=batch, alike=case.name != "a text with a NUL"
    )
    for number in range(3):
        bad.node.run(f"INSERT INTO city (id, name) VALUES ('m{number}', 'x0')")
    bad.node.run(case.make)
    bad.node.run("INSERT INTO city (id, name) VALUES ('zz', 'x0')")
    bad.node.run("INSERT INTO person (id, name, city) VALUES (1, 'Ada', 'zz')")
    good.node.run("INSERT INTO city (id, name) VALUES ('g1', 'x0')")
    good.node.run("INSERT INTO person (id, name, city) VALUES (2, 'Bob', 'g1')")
    result = spoke.engine.sync()
    everything = {"m0", "m1", "m2", "zz", "g1"}
    assert ids(good) == everything
    assert {row["id"] for row in good.node.run("SELECT id FROM person")} == {1, 2}
    assert {row["id"] for row in bad.node.run("SELECT id FROM person")} == {1, 2}
    # Told on both nodes, whichever has it.
    assert any(case.said in line for line in result.errors), result.errors
    for party in (hub, spoke):
        assert [line for line in told(party) if case.said in line], (party.name, told(party))
    # Nothing new is done about it, and it is told again.
    again = spoke.engine.sync()
    assert again.counts() == {}
    assert any(case.said in line for line in again.errors)
    # Meanwhile all else goes on.
    bad.node.run("UPDATE city SET name = 'x1' WHERE id = 'zz'")
    spoke.engine.sync()
    assert good.node.run("SELECT name FROM city WHERE id = 'zz'")[0]["name"] == "x1"
    bad.node.run(case.mend)
    result = spoke.engine.sync()
    assert result.ok, result.errors
    assert ids(good) == everything | {case.key}
    assert spoke.rows() == hub.rows()
    spoke.engine.sync()
    assert told(hub) == told(spoke) == []


def test_a_key_of_bytes_is_no_other_row(make_node: Callable[[str], Node]) -> None:
    """Whatever is done with it, the row whose key looks the same stays."""
    _, spoke, bad, good = pair(make_node, "sqlite", "asking", alike=True)
    bad.node.run("INSERT INTO city (id, name) VALUES ('abc', 'a text'), (x'616263', 'bytes')")
    spoke.engine.sync()
    assert ids(good) == {"abc"}
    bad.node.run("UPDATE city SET name = 'other bytes' WHERE typeof(id) = 'blob'")
    good.node.run("UPDATE city SET name = 'edited' WHERE id = 'abc'")
    spoke.engine.sync()
    assert bad.node.run("SELECT name FROM city WHERE id = 'abc'")[0]["name"] == "edited"
    bad.node.run("DELETE FROM city WHERE typeof(id) = 'blob'")
    assert spoke.engine.sync().ok
    assert ids(good) == ids(bad) == {"abc"}
    assert told(bad) == []


def test_texts_in_a_column_of_numbers_are_no_number(make_node: Callable[[str], Node]) -> None:
    hub, spoke = make_node("sqlite"), make_node("sqlite")
    for node in (hub, spoke):
        node.run("DROP TABLE person")
        node.run("CREATE TABLE person (id BIGINT PRIMARY KEY, name TEXT)")
    asked = Party("hub", hub)
    asking = Party("spoke", spoke, asked)
    spoke.run("INSERT INTO person (id, name) VALUES (1, 'one'), (0, 'none')")
    assert asking.engine.sync().ok
    hub.run("UPDATE person SET name = 'edited' WHERE id = 1")
    spoke.run("INSERT INTO person (id, name) VALUES ('1x', 'no number'), ('x', 'no number')")
    asking.engine.sync()
    rows = {str(row["id"]): row["name"] for row in spoke.run("SELECT id, name FROM person")}
    assert rows == {"1": "edited", "0": "none", "1x": "no number", "x": "no number"}
    assert len(hub.run("SELECT id FROM person")) == 2
    assert {line.split(":")[0] for line in told(asking)} == {"person '1x'", "person 'x'"}


@pytest.mark.parametrize("case", [bad for bad in BAD if "sqlite" in bad.dialects], ids=lambda bad: bad.name)
def test_what_is_deleted_is_held_no_longer(make_node: Callable[[str], Node], case: Bad) -> None:
    _, spoke, bad, good = pair(make_node, "sqlite", "asking", alike=True)
    bad.node.run("INSERT INTO city (id, name) VALUES ('a', 'y')")
    bad.node.run(case.make)
    assert not spoke.engine.sync().ok
    bad.node.run("DELETE FROM city WHERE name <> 'y'")
    assert spoke.engine.sync().ok
    assert ids(good) == {"a"}
    spoke.engine.sync()
    assert told(bad) == told(good) == []


def test_many_keys_that_are_no_utf_8_are_passed_one_by_one(make_node: Callable[[str], Node]) -> None:
    hub, spoke = make_node("sqlite"), make_node("sqlite")
    for tail in ("fa", "fb", "fc", "fd", "fe", "ff"):
        spoke.run(f"INSERT INTO city (id, name) VALUES ('k' || CAST(x'{tail}' AS TEXT), 'x')")
    spoke.run("INSERT INTO city (id, name) VALUES ('z', 'x')")
    asking = Party(
        "spoke", spoke, Party("hub", hub), batch_size=1
    )  # all have one place in the order of arrival
    result = asking.engine.sync()
    assert len([line for line in result.errors if "its key is no UTF-8" in line]) == 6
    assert [row["id"] for row in hub.run("SELECT id FROM city")] == ["z"]


@pytest.mark.parametrize("where", ["asking", "answering"])
def test_an_edit_that_could_not_be_sent_is_not_lost_to_another(
    make_node: Callable[[str], Node], where: str
) -> None:
    """The peer edits the same field while this one is held: it is a conflict, and the loser is in the ledger."""
    hub, spoke, bad, good = pair(make_node, "sqlite", where, alike=True)
    bad.node.run("INSERT INTO person (id, name, mail) VALUES (1, 'Ada', 'm')")
    assert spoke.engine.sync().ok
    bad.node.run("UPDATE person SET mail = 'mine', name = CAST(x'ff' AS TEXT) WHERE id = 1")
    assert not spoke.engine.sync().ok
    good.node.run("UPDATE person SET mail = 'theirs', born = '1815-12-10' WHERE id = 1")
    spoke.engine.sync()
    bad.node.run("UPDATE person SET name = 'Ada L.' WHERE id = 1")
    assert spoke.engine.sync().ok
    assert hub.rows() == spoke.rows()
    row = hub.rows()["person"]["1"]
    assert row["name"] == "Ada L."
    assert row["mail"] == "theirs"
    assert row["born"] == "1815-12-10"
    lost = [
        {found.local_value, found.remote_value}
        for party in (hub, spoke)
        for entry in party.storage.conflicts
        for found in entry.conflict.field_conflicts
        if found.field_name == "mail"
    ]
    assert {"mine", "theirs"} in lost


@pytest.mark.parametrize("where", ["asking", "answering"])
def test_a_peer_mends_it_and_gets_the_rest_of_it(make_node: Callable[[str], Node], where: str) -> None:
    hub, spoke, bad, good = pair(make_node, "sqlite", where, alike=True)
    bad.node.run("INSERT INTO person (id, name, mail) VALUES (1, 'Ada', 'm')")
    assert spoke.engine.sync().ok
    bad.node.run("UPDATE person SET mail = 'mine', name = CAST(x'ff' AS TEXT) WHERE id = 1")
    assert not spoke.engine.sync().ok
    good.node.run("UPDATE person SET name = 'Ada L.' WHERE id = 1")
    spoke.engine.sync()
    assert spoke.engine.sync().ok
    assert hub.rows() == spoke.rows()
    assert {**good.rows()["person"]["1"], "name": "Ada L.", "mail": "mine"} == good.rows()["person"]["1"]
    assert told(hub) == told(spoke) == []


@pytest.mark.parametrize("where", ["asking", "answering"])
def test_a_mended_row_is_sent_whole_though_the_answer_is_lost(
    make_node: Callable[[str], Node], where: str
) -> None:
    hub, spoke, bad, good = pair(make_node, "sqlite", where, alike=True)
    bad.node.run("INSERT INTO person (id, name, mail) VALUES (1, CAST(x'ff' AS TEXT), 'm')")
    spoke.engine.sync()
    bad.node.run("UPDATE person SET name = 'Ada' WHERE id = 1")
    for _ in range(3):
        spoke.lose = "answer"
        with pytest.raises(TransportError):
            spoke.engine.sync()
    assert spoke.engine.sync().ok
    assert hub.rows() == spoke.rows()
    assert good.rows()["person"]["1"]["mail"] == "m"


@pytest.mark.parametrize("where", ["asking", "answering"])
def test_a_row_that_became_bad_is_not_deleted_by_a_full_comparison(
    make_node: Callable[[str], Node], where: str
) -> None:
    hub, spoke, bad, _ = pair(make_node, "sqlite", where, alike=True)
    for number in range(5):
        bad.node.run("INSERT INTO city (id, name) VALUES (:id, 'x')", id=f"c{number}")
    assert spoke.engine.sync().ok
    bad.node.run("UPDATE city SET name = CAST(x'ff' AS TEXT) WHERE id = 'c3'")
    bad.node.run("DELETE FROM city WHERE id = 'c4'")
    # The hub forgets its tombstones: the spoke has been away for too long and compares in full.
    hub.engine.purge_tombstones(absent_days=0)
    hub.node.run("UPDATE lockstep_node SET purged = 9000000000000000000 WHERE purged > 0")
    spoke.engine.sync()
    spoke.engine.sync()
    for party in (hub, spoke):
        assert "c3" in {row["id"] for row in party.node.run("SELECT id FROM city")}


def test_a_larger_limit_sends_what_was_held(make_node: Callable[[str], Node]) -> None:
    hub = Party("hub", make_node("sqlite"), record_bytes_max=100_000)
    spoke = Party("spoke", make_node("sqlite"), hub, record_bytes_max=LIMIT)
    spoke.node.run("INSERT INTO city (id, name) VALUES ('a', :name), ('b', 'x')", name="y" * 60_000)
    hub.node.run("INSERT INTO city (id, name) VALUES ('c', :name)", name="z" * 60_000)
    assert not spoke.engine.sync().ok
    assert ids(hub) == {"b", "c"}
    assert ids(spoke) == {"a", "b"}  # the hub knows what the spoke takes
    spoke = Party("spoke", spoke.node, hub, record_bytes_max=100_000)
    assert spoke.engine.sync().ok
    assert hub.rows() == spoke.rows()
    assert ids(hub) == {"a", "b", "c"}


@pytest.mark.parametrize("at_once", [6, 1])
def test_what_is_answered_stays_within_the_limit(make_node: Callable[[str], Node], at_once: int) -> None:
    """Both edit the same large rows: the answer could hold all of them, and a page more."""
    options = {"record_bytes_max": LIMIT, "batch_bytes": LIMIT}
    hub = Party("hub", make_node("sqlite"), **options)
    spoke = Party("spoke", make_node("sqlite"), hub, **options)
    for number in range(6):
        spoke.node.run("INSERT INTO city (id, name) VALUES (:id, 'x')", id=f"c{number}")
    assert spoke.engine.sync().ok
    for number in range(at_once):
        spoke.node.run("UPDATE city SET name = 'short' WHERE id = :id", id=f"c{number}")
    for number in range(6):
        hub.node.run("UPDATE city SET name = :name WHERE id = :id", id=f"c{number}", name="y" * 30_000)
    sizes: list[int] = []
    exchange = hub.engine.process

    def measured(manifest: Any) -> Any:
        answer, result = exchange(manifest)
        sizes.append(len(answer.sealed))
        return answer, result

    hub.engine.process = measured  # type: ignore[method-assign]
    assert spoke.engine.sync().ok
    assert hub.rows() == spoke.rows()
    assert max(sizes) < LIMIT + 2_000
    assert len(hub.storage.conflicts) == at_once


@pytest.mark.parametrize("value", ["9e999", "-9e999"])
def test_numbers_without_end_travel(make_node: Callable[[str], Node], value: str) -> None:
    _, spoke, bad, good = pair(make_node, "sqlite", "asking")
    bad.node.run(f"INSERT INTO person (id, size) VALUES (1, {value})")
    good.node.run("INSERT INTO person (id, size) VALUES (2, 'NaN'), (3, 'Infinity')")
    result = spoke.engine.sync()
    assert good.node.run("SELECT size FROM person WHERE id = 1")[0]["size"] == float(value)
    assert bad.node.run("SELECT size FROM person WHERE id = 3")[0]["size"] == float("inf")
    assert [line for line in result.errors if "person '2'" in line and "SQLite keeps no such number" in line]
    assert not [line for line in result.errors if "person '2'" not in line]
