"""Databases that are restored from backups, whoever syncs first afterwards."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url, text

from tasks.database.exceptions import SyncAbortedError, TransportError
from tasks.database.records.manifest import SyncManifest
from tasks.database.storages.beside import FileBeside, Outside
from tests.tasks.database.sql.people import skew
from tests.tasks.database.sql.test_nodes import Party

Node = Any  # the class of the conftest


def file_of(node: Node) -> Path:
    return Path(node.url.removeprefix("sqlite:///"))


def admin(node: Node, *statements: str) -> None:
    engine = create_engine(make_url(node.url).set(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def back_up(node: Node) -> None:
    """The database alone, as `sqlite3 .backup` and `pg_dump` have it."""
    node.close()
    if node.url.startswith("sqlite"):
        shutil.copy(file_of(node), f"{file_of(node)}.bak")
    else:
        name = make_url(node.url).database
        admin(node, f"CREATE DATABASE {name}_backup TEMPLATE {name}")


def restore(node: Node, *, beside: bool = True) -> None:
    """Set the database back; without `beside` what is kept beside it is lost, too."""
    node.close()
    if node.url.startswith("sqlite"):
        shutil.copy(f"{file_of(node)}.bak", file_of(node))
        if not beside:
            hidden(node).path.unlink(missing_ok=True)
    else:
        name = make_url(node.url).database
        admin(node, f"DROP DATABASE {name}", f"CREATE DATABASE {name} TEMPLATE {name}_backup")


def hidden(node: Node) -> FileBeside:
    return FileBeside(file_of(node).with_name(f".{file_of(node).name}.lockstep"))


def add(party: Party, *ids: str) -> None:
    for each in ids:
        party.node.run("INSERT INTO city (id, name) VALUES (:id, :name)", id=each, name=f"by {party.name}")


def cities(*parties: Party) -> list[set[str]]:
    return [{row["id"] for row in party.node.run("SELECT id FROM city")} for party in parties]


def settle(*spokes: Party) -> None:
    for _ in range(3):
        for spoke in spokes:
            spoke.engine.sync()
    for spoke in spokes:
        assert spoke.engine.sync().counts() == {}


def anew(party: Party, *spokes: Party) -> Party:
    """The party with processes that began after the restore."""
    fresh = Party(party.name, party.node, party.hub)
    for spoke in spokes:
        spoke.hub = fresh
    return fresh


@pytest.mark.parametrize("beside", [True, False], ids=["file", "no_file"])
@pytest.mark.parametrize("first", ["other", "new", "same"])
def test_what_a_restored_hub_lost_comes_back_whoever_syncs_first(
    make_node: Callable[[str], Node], kind: str, first: str, beside: bool
) -> None:
    hub = Party("hub", make_node(kind))
    one, two = Party("one", make_node("sqlite"), hub), Party("two", make_node("sqlite"), hub)
    add(hub, "start", "gone")
    settle(one, two)
    back_up(hub.node)
    hub = anew(hub, one, two)
    add(two, "pushed")
    two.node.run("UPDATE city SET name = 'edited' WHERE id = 'start'")
    two.node.run("DELETE FROM city WHERE id = 'gone'")
    add(hub, "at hub")
    two.engine.sync()
    restore(hub.node, beside=beside)
    hub = anew(hub, one, two)
    new = Party("new", make_node("sqlite"), hub)
    {"other": one, "new": new, "same": two}[first].engine.sync()
    add(hub, "later")
    settle(one, new, two)
    assert cities(hub, one, two, new) == [{"start", "pushed", "at hub", "later"}] * 4
    assert hub.rows() == one.rows() == two.rows() == new.rows()
    assert hub.rows()["city"]["start"]["name"] == "edited"


@pytest.mark.parametrize("later", ["hub", "two"])
@pytest.mark.parametrize("beside", [True, False], ids=["file", "no_file"])
@pytest.mark.parametrize("pushes", [True, False], ids=["pushes", "quiet"])
def test_an_edit_that_did_not_see_the_lost_one_is_a_conflict(
    make_node: Callable[[str], Node], later: str, beside: bool, pushes: bool
) -> None:
    """It was believed that the other has seen it: neither value may be replaced in silence."""
    hub = Party("hub", make_node("sqlite"))
    two = Party("two", make_node("sqlite"), hub)
    two.node.run("INSERT INTO person (id, name) VALUES (1, 'at first')")
    settle(two)
    back_up(hub.node)
    hub = anew(hub, two)
    skew(two.node, 60_000 if later == "two" else 0)
    two.node.run("UPDATE person SET name = 'lost' WHERE id = 1")
    settle(two)
    restore(hub.node, beside=beside)
    hub = anew(hub, two)
    hub.node.run("UPDATE person SET name = 'unaware' WHERE id = 1")
    if pushes:
        two.node.run("UPDATE person SET mail = 'x@y' WHERE id = 1")
    settle(two)
    assert hub.rows() == two.rows()
    kept, gone = ("lost", "unaware") if later == "two" else ("unaware", "lost")
    assert hub.rows()["person"]["1"]["name"] == kept
    told = [
        value
        for party in (hub, two)
        for entry in party.storage.conflicts
        for found in entry.conflict.field_conflicts
        for value in (found.local_value, found.remote_value)
    ]
    assert gone in told


@pytest.mark.parametrize("lost", ["", "request", "answer"])
def test_a_hub_that_was_restored_is_noticed_though_exchanges_are_lost(
    make_node: Callable[[str], Node], lost: str
) -> None:
    hub = Party("hub", make_node("sqlite"))
    one, two = Party("one", make_node("sqlite"), hub), Party("two", make_node("sqlite"), hub)
    settle(one, two)
    back_up(hub.node)
    hub = anew(hub, one, two)
    add(two, "pushed")
    two.engine.sync()
    restore(hub.node, beside=False)
    hub = anew(hub, one, two)
    one.engine.sync()
    for _ in range(3):
        two.lose = lost
        if lost:
            with pytest.raises(TransportError):
                two.engine.sync()
    settle(one, two)
    assert cities(hub, one, two) == [{"pushed"}] * 3


def test_a_hub_sends_only_those_everything_again_who_know_more(make_node: Callable[[str], Node]) -> None:
    hub = Party("hub", make_node("sqlite"))
    one = Party("one", make_node("sqlite"), hub)
    add(one, "a", "b", "c")
    settle(one)
    back_up(hub.node)
    restore(hub.node, beside=False)
    hub = anew(hub, one)
    assert one.engine.sync().counts() == {}


def test_a_node_that_asks_and_was_restored_gets_its_own_edits_back(
    make_node: Callable[[str], Node], kind: str
) -> None:
    hub = Party("hub", make_node("sqlite"))
    one = Party("one", make_node(kind), hub)
    add(one, "old")
    settle(one)
    back_up(one.node)
    one = anew(one)
    add(one, "mine")
    one.lose = "answer"
    with pytest.raises(TransportError):
        one.engine.sync()  # the hub has it, and has not been told that it has heard so
    restore(one.node, beside=kind == "sqlite")
    one = anew(one)
    settle(one)
    assert cities(hub, one) == [{"old", "mine"}] * 2


def test_both_were_restored(make_node: Callable[[str], Node]) -> None:
    hub = Party("hub", make_node("sqlite"))
    one, two = Party("one", make_node("sqlite"), hub), Party("two", make_node("sqlite"), hub)
    add(hub, "old")
    settle(one, two)
    back_up(hub.node)
    hub = anew(hub, one, two)
    add(one, "first")
    settle(one, two)
    back_up(one.node)
    one = anew(one)
    add(one, "second")
    settle(one, two)
    restore(hub.node)
    restore(one.node)
    hub, one = anew(hub, one, two), anew(one)
    one.hub = two.hub = hub
    add(hub, "at hub")
    add(one, "at one")
    settle(one, two)
    assert cities(hub, one, two) == [{"old", "first", "second", "at hub", "at one"}] * 3


def test_a_clone_with_the_same_name_goes_on(make_node: Callable[[str], Node]) -> None:
    hub = Party("hub", make_node("sqlite"))
    one, copy = Party("one", make_node("sqlite"), hub), make_node("sqlite")
    add(one, "old")
    settle(one)
    one.node.close()
    shutil.copy(file_of(one.node), file_of(copy))
    shutil.copy(hidden(one.node).path, hidden(copy).path)
    one, clone = anew(one), Party("one", copy, hub)
    for turn in range(3):
        add(one, f"one {turn}")
        one.lose = "answer" if turn == 1 else ""
        if one.lose:
            with pytest.raises(TransportError):
                one.engine.sync()
        else:
            one.engine.sync()
        add(clone, f"clone {turn}")
        clone.engine.sync()
    settle(one, clone)
    [told, *others] = cities(hub, one, clone)
    assert [told] * 2 == others
    assert len(told) == 7


@pytest.mark.parametrize("content", ["", "{", "[]", '{"place": -1, "bound": 0}', '{"place": "x"}'])
def test_a_file_that_is_lost_or_spoilt_is_made_again(make_node: Callable[[str], Node], content: str) -> None:
    hub = Party("hub", make_node("sqlite"))
    one = Party("one", make_node("sqlite"), hub)
    add(one, "a")
    settle(one)
    path = hidden(hub.node).path
    assert path.stat().st_mode & 0o077 == 0
    path.unlink()
    if content:
        path.write_text(content)
    add(one, "b")
    settle(one)
    found = hidden(hub.node).read()
    assert found is not None
    assert found.place == hub.storage.get_last_place()
    assert cities(hub) == [{"a", "b"}]


def test_a_file_that_cannot_be_written_stops_nothing(
    make_node: Callable[[str], Node], caplog: pytest.LogCaptureFixture
) -> None:
    hub = Party("hub", make_node("sqlite"))
    one = Party("one", make_node("sqlite"), hub)
    hidden(hub.node).path.mkdir()
    add(one, "a")
    settle(one)
    assert cities(hub) == [{"a"}]
    assert caplog.text.count("cannot be written") == 1


def test_a_database_that_was_moved_loses_nothing(make_node: Callable[[str], Node]) -> None:
    hub, elsewhere = Party("hub", make_node("sqlite")), make_node("sqlite")
    one = Party("one", make_node("sqlite"), hub)
    add(one, "a")
    settle(one)
    hub.node.close()
    shutil.move(file_of(hub.node), file_of(elsewhere))
    hub = Party("hub", elsewhere)
    one.hub = hub
    assert one.engine.sync().counts() == {}
    add(hub, "b")
    settle(one)
    assert cities(hub, one) == [{"a", "b"}] * 2


@pytest.mark.parametrize("beside", [True, False], ids=["file", "no_file"])
def test_no_place_and_no_reserved_stamp_is_given_twice(
    make_node: Callable[[str], Node], beside: bool
) -> None:
    hub = Party("hub", make_node("sqlite"))
    one = Party("one", make_node("sqlite"), hub)
    settle(one)
    back_up(hub.node)
    for number in range(3):
        hub = anew(hub, one)  # each begins above what the one before has reserved
        add(one, f"city {number}")
        one.engine.sync()
    place, bound = hub.storage.get_last_place(), hub.storage.get_clock_bound()
    restore(hub.node, beside=beside)
    hub = anew(hub, one)
    other = Party("other", make_node("sqlite"), hub)
    (other if beside else one).engine.sync()
    assert hub.storage.get_last_place() > place
    assert hub.storage.get_clock_bound() > (bound if beside else place)
    settle(one, other)
    assert cities(hub, one, other) == [{"city 0", "city 1", "city 2"}] * 3


def test_a_file_of_before_stamps_were_taken_back_does_not_bring_them_back(tmp_path: Path) -> None:
    kept = FileBeside(tmp_path / "kept")
    kept.keep(Outside(10, 1 << 60))
    kept.keep(Outside(20, 1 << 50))
    kept.keep(Outside(15, 1 << 61))
    assert kept.read() == Outside(20, 1 << 50)


@pytest.mark.parametrize("name", ["hub", "one"])
@pytest.mark.parametrize("how", ["replaced", "overwritten"])
def test_a_restore_while_processes_run_is_noticed(
    make_node: Callable[[str], Node], name: str, how: str
) -> None:
    hub = Party("hub", make_node("sqlite"), batch_size=2)
    one, two = Party("one", make_node("sqlite"), hub), Party("two", make_node("sqlite"), hub)
    settle(one, two)
    restored = hub if name == "hub" else one
    shutil.copy(file_of(restored.node), f"{file_of(restored.node)}.bak")
    add(restored, "at home")
    add(two, "pushed")
    settle(one, two)
    if how == "replaced":
        Path(f"{file_of(restored.node)}.bak").replace(file_of(restored.node))
    else:
        shutil.copy(f"{file_of(restored.node)}.bak", file_of(restored.node))
    add(restored, "later")
    for party in (one, two, one, two, one, two):
        party.engine.sync()
    assert cities(hub, one, two) == [{"at home", "pushed", "later"}] * 3


@pytest.mark.parametrize("at", [1, 2, 3, 4])
def test_a_restore_in_the_middle_of_a_run_loses_no_page(make_node: Callable[[str], Node], at: int) -> None:
    hub = Party("hub", make_node("sqlite"), batch_size=2)
    one = Party("one", make_node("sqlite"), hub, batch_size=2)
    settle(one)
    back_up(one.node)
    one = anew(one)
    add(hub, *"abcdefgh")
    add(one, *"uvwxyz")
    exchange, count = one.exchange, 0

    def restored(manifest: SyncManifest) -> SyncManifest:
        nonlocal count
        count += 1
        answer = exchange(manifest)
        if count == at:
            Path(f"{file_of(one.node)}.bak").replace(file_of(one.node))
        return answer

    one.exchange = restored  # type: ignore[method-assign]
    with pytest.raises(SyncAbortedError, match="replaced"):
        one.engine.sync()
    settle(one)
    assert cities(hub)[0] >= set("abcdefgh")
    assert hub.rows() == one.rows()


def test_a_forgotten_node_compares_in_full_as_before(make_node: Callable[[str], Node]) -> None:
    hub = Party("hub", make_node("sqlite"))
    one, two = Party("one", make_node("sqlite"), hub), Party("two", make_node("sqlite"), hub)
    add(hub, "a", "b")
    settle(one, two)
    hub.engine.forget_node("one")
    hub.node.run("DELETE FROM city WHERE id = 'a'")
    settle(two)
    assert hub.engine.purge_tombstones() == 1
    add(one, "c")
    for _ in range(3):
        one.engine.sync()
    assert cities(hub, one) == [{"b", "c"}] * 2
