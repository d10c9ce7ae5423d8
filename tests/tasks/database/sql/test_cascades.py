"""Foreign keys that act, on nodes that take over what others did: nothing goes that nobody deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tasks.database import ConflictType
from tasks.database.records.manifest import ModelPayload, SyncManifest
from tests.tasks.database.sql.families import Family

Node = Any  # the class of the conftest

THREE = [("sqlite", "postgresql", "sqlite"), ("postgresql", "sqlite", "sqlite")]


def tables(on_delete: str = "CASCADE", on_update: str = "CASCADE") -> dict[str, str]:
    refers = f"REFERENCES city (id) ON DELETE {on_delete} ON UPDATE {on_update}"
    return {
        "city": "id VARCHAR(20) PRIMARY KEY, name TEXT",
        "man": f"id VARCHAR(20) PRIMARY KEY, name TEXT, city VARCHAR(20) DEFAULT 'home' {refers}",
    }


def people(family: Family, count: int) -> None:
    family.hub.edit(
        "INSERT INTO city VALUES ('home', 'h'), ('new', 'n'), ('old', 'o')",
        *(f"INSERT INTO man VALUES ('m{at}', 'x', 'old')" for at in range(count)),
    )
    family.settle()


@pytest.mark.parametrize(("on_delete", "batch_size"), [("CASCADE", 1), ("SET NULL", 3), ("SET DEFAULT", 2)])
@pytest.mark.parametrize("back", [False, True], ids=["asked", "told"])
def test_children_that_moved_outlive_what_they_left(
    make_node: Callable[[str], Node],
    kinds: tuple[str, str],
    on_delete: str,
    batch_size: int | None,
    back: bool,
) -> None:
    family = Family(make_node, kinds, tables(on_delete), batch_size)
    people(family, 5)
    editor = family.spokes[0] if back else family.hub
    editor.edit("UPDATE man SET city = 'new'", "DELETE FROM city WHERE id = 'old'")
    family.settle()
    assert [row["city"] for row in family.hub.rows("man")] == ["new"] * 5
    assert family.hub.ids("city") == ["home", "new"]
    assert family.ledger() == []


@pytest.mark.parametrize("batch_size", [None, 3])
@pytest.mark.parametrize("back", [False, True], ids=["asked", "told"])
def test_a_changed_key_takes_its_children_along(
    make_node: Callable[[str], Node], kinds: tuple[str, str], batch_size: int | None, back: bool
) -> None:
    family = Family(make_node, kinds, tables(), batch_size)
    people(family, 5)
    editor = family.spokes[0] if back else family.hub
    editor.edit("UPDATE city SET id = 'renamed' WHERE id = 'old'")
    family.settle()
    assert [row["city"] for row in family.hub.rows("man")] == ["renamed"] * 5
    assert family.hub.ids("city") == ["home", "new", "renamed"]


@pytest.mark.parametrize("batch_size", [None, 1])
@pytest.mark.parametrize("back", [False, True], ids=["asked", "told"])
def test_what_a_cascade_deletes_is_deleted_everywhere(
    make_node: Callable[[str], Node], kinds: tuple[str, str], batch_size: int | None, back: bool
) -> None:
    family = Family(make_node, kinds, tables(), batch_size)
    people(family, 5)
    editor = family.spokes[0] if back else family.hub
    editor.edit("DELETE FROM city WHERE id = 'old'")
    family.settle()
    assert family.hub.ids("man") == []
    assert family.hub.ids("city") == ["home", "new"]
    assert family.ledger() == []


@pytest.mark.parametrize(
    ("on_delete", "batch_size"),
    [("CASCADE", None), ("CASCADE", 1), ("SET NULL", None), ("SET DEFAULT", 2), ("NO ACTION", 1)],
)
@pytest.mark.parametrize("back", [False, True], ids=["asked", "told"])
def test_a_child_that_was_made_elsewhere_keeps_its_parent(
    make_node: Callable[[str], Node],
    kinds: tuple[str, str],
    on_delete: str,
    batch_size: int | None,
    back: bool,
) -> None:
    """Also where it was made before the deletion: who deleted did not know of it."""
    family = Family(make_node, kinds, tables(on_delete), batch_size)
    people(family, 0)
    deletes, makes = (family.spokes[0], family.hub) if back else (family.hub, family.spokes[0])
    makes.edit("INSERT INTO man VALUES ('first', 'mine', 'old')")
    deletes.edit("DELETE FROM city WHERE id = 'old'")
    makes.edit("INSERT INTO man VALUES ('second', 'mine', 'old')")
    family.settle()
    assert [row["city"] for row in family.hub.rows("man")] == ["old", "old"]
    assert family.hub.rows("city")[2] == {"id": "old", "name": "o"}
    [entry] = {entry.conflict.key: entry for entry in family.ledger()}.values()
    assert (entry.conflict.model_label, entry.conflict.key) == ("city", "old")
    assert entry.kept is not None


@pytest.mark.parametrize("batch_size", [1])
@pytest.mark.parametrize("newer", [True, False])
@pytest.mark.parametrize("back", [False, True], ids=["asked", "told"])
def test_a_child_that_was_edited_elsewhere_lives_or_lies_in_the_ledger(
    make_node: Callable[[str], Node], kinds: tuple[str, str], newer: bool, batch_size: int | None, back: bool
) -> None:
    family = Family(make_node, kinds, tables(), batch_size)
    people(family, 2)
    deletes, edits = (family.spokes[0], family.hub) if back else (family.hub, family.spokes[0])
    if newer:
        deletes.edit("DELETE FROM city WHERE id = 'old'")
    edits.edit("UPDATE man SET name = 'edited' WHERE id = 'm1'")
    if not newer:
        deletes.edit("DELETE FROM city WHERE id = 'old'")
    family.settle()
    if newer:
        assert family.hub.rows("man") == [{"id": "m1", "name": "edited", "city": "old"}]
        assert family.hub.ids("city") == ["home", "new", "old"]
        assert {entry.conflict.key for entry in family.ledger()} == {"m1", "old"}
    else:
        assert family.hub.ids("man") == []
        assert family.hub.ids("city") == ["home", "new"]
        lost = [e.conflict.local or e.conflict.remote for e in family.ledger() if e.kept is None]
        assert [record.data for record in lost if record] == [{"id": "m1", "name": "edited", "city": "old"}]


def grown(family: Family, depth: int) -> None:
    """A city in a city in a city, whose names are in no order."""
    family.hub.edit(
        "INSERT INTO place VALUES ('p0', 'x', NULL)",
        *(
            f"INSERT INTO place VALUES ('p{at * 7 % 100}', 'x', 'p{(at - 1) * 7 % 100}')"
            for at in range(1, depth)
        ),
    )
    family.settle()


TREE = {
    "place": "id VARCHAR(20) PRIMARY KEY, name TEXT, within VARCHAR(20) REFERENCES place (id) ON DELETE {}"
}


@pytest.mark.parametrize(
    ("on_delete", "batch_size"), [("CASCADE", None), ("CASCADE", 1), ("NO ACTION", 3), ("RESTRICT", 1)]
)
def test_a_tree_is_deleted_whatever_the_pages(
    make_node: Callable[[str], Node], kinds: tuple[str, str], on_delete: str, batch_size: int | None
) -> None:
    """Pages bring the root before what is in it; that is no reason for it to stay."""
    family = Family(make_node, kinds, {"place": TREE["place"].format(on_delete)}, batch_size)
    grown(family, 7)
    if on_delete == "CASCADE":
        family.hub.edit("DELETE FROM place WHERE id = 'p0'")
    else:
        for row in range(6, -1, -1):
            family.hub.edit(f"DELETE FROM place WHERE id = 'p{row * 7 % 100}'")
    family.settle()
    assert family.spokes[0].ids("place") == []
    assert family.ledger() == []
    assert [result.errors for result in family.results if result.errors] == []


@pytest.mark.parametrize("batch_size", [None, 1])
def test_a_leaf_that_was_made_elsewhere_keeps_the_whole_branch(
    make_node: Callable[[str], Node], kinds: tuple[str, str], batch_size: int | None
) -> None:
    family = Family(make_node, kinds, {"place": TREE["place"].format("CASCADE")}, batch_size)
    grown(family, 4)
    family.hub.edit("INSERT INTO place VALUES ('side', 'x', 'p7')")
    family.settle()
    family.spokes[0].edit("INSERT INTO place VALUES ('leaf', 'x', 'p14')")
    family.hub.edit("DELETE FROM place WHERE id = 'p0'")
    family.settle()
    assert family.hub.ids("place") == ["leaf", "p0", "p14", "p7"]
    assert {entry.conflict.key for entry in family.ledger()} == {"p0", "p14", "p7"}


@pytest.mark.parametrize("kinds", THREE, ids="-".join)
def test_who_deletes_without_knowing_keeps_a_parent_that_another_one_deletes_knowingly(
    make_node: Callable[[str], Node], kinds: tuple[str, ...]
) -> None:
    """The decision at the hub is as good as an edit made there then: it is newer, and the ledger tells who knew."""
    family = Family(make_node, kinds, tables())
    people(family, 1)
    unaware, aware = family.spokes
    unaware.edit("DELETE FROM city WHERE id = 'old'")
    family.hub.edit("UPDATE man SET name = 'edited' WHERE id = 'm0'")
    aware.engine.sync()
    aware.edit("DELETE FROM city WHERE id = 'old'")
    unaware.engine.sync()
    assert family.hub.ids("city") == ["home", "new", "old"]
    family.settle()
    assert family.hub.ids("man") == []
    assert family.hub.ids("city") == ["home", "new", "old"]
    told = [(e.conflict.key, e.conflict.conflict_type, e.kept is not None) for e in family.ledger()]
    assert ("old", ConflictType.DELETE_VS_MODIFY, True) in told


@pytest.mark.parametrize("kinds", THREE, ids="-".join)
@pytest.mark.parametrize("batch_size", [None, 1])
def test_three_nodes_agree(
    make_node: Callable[[str], Node], kinds: tuple[str, ...], batch_size: int | None
) -> None:
    """One deletes the parent, one moves a child away, one makes another; they meet on the hub only."""
    family = Family(make_node, kinds, tables(), batch_size)
    people(family, 3)
    one, other = family.spokes
    one.edit("UPDATE man SET city = 'new' WHERE id = 'm0'", "DELETE FROM city WHERE id = 'old'")
    other.edit("INSERT INTO man VALUES ('made', 'x', 'old')", "UPDATE man SET name = 'y' WHERE id = 'm1'")
    one.engine.sync()
    family.settle()
    assert {row["id"]: row["city"] for row in family.hub.rows("man")} == {
        "m0": "new",
        "m1": "old",
        "made": "old",
    }
    assert family.hub.ids("city") == ["home", "new", "old"]


def test_a_deletion_that_comes_early_waits(make_node: Callable[[str], Node], kinds: tuple[str, str]) -> None:
    """A peer of an older version sends it before what its children have become."""
    family = Family(make_node, kinds, tables(), 1)
    people(family, 2)
    hub, spoke = family.hub, family.spokes[0]
    hub.edit("UPDATE man SET city = 'new'", "DELETE FROM city WHERE id = 'old'")
    hub.storage.horizon(0)
    records = hub.storage.get_records("man", ["m0", "m1"])
    [(key, stone)] = hub.storage.get_deletes_page("city", 0).items()
    parts = [
        ModelPayload("city", {}, {key: stone.stamp}),
        *(ModelPayload("man", {name: record}) for name, record in records.items()),
    ]
    for at, part in enumerate(parts, 1):
        manifest = SyncManifest("old version", 0, has_more=at < len(parts), payloads=[part])
        manifest.seal()
        _, result = spoke.engine.process(manifest)
        assert result.errors == []
        assert ("old" in spoke.ids("city")) == (at < len(parts))
    assert [row["city"] for row in spoke.rows("man")] == ["new", "new"]


def test_what_waits_to_be_written_keeps_what_it_refers_to(
    make_node: Callable[[str], Node], kinds: tuple[str, str]
) -> None:
    """The child has moved, and its row is refused here: neither goes, and nothing is decided."""
    family = Family(make_node, kinds, tables())
    people(family, 2)
    hub, spoke = family.hub, family.spokes[0]
    spoke.edit("UPDATE man SET name = id", "CREATE UNIQUE INDEX one_name ON man (name, city)")
    family.spokes[0].engine.sync()
    hub.edit("UPDATE man SET city = 'new', name = 'same'", "DELETE FROM city WHERE id = 'old'")
    result = spoke.engine.sync()
    assert len(result.errors) == 2
    assert "refers to it and could not be written itself" in " ".join(result.errors)
    assert spoke.ids("city") == ["home", "new", "old"]
    assert hub.ids("city") == ["home", "new"]
    spoke.edit("DROP INDEX one_name")
    family.settle()
    assert hub.ids("city") == ["home", "new"]
    assert [row["city"] for row in spoke.rows("man")] == ["new", "new"]
    assert family.ledger() == []


def test_a_program_without_foreign_keys_leaves_children_behind(make_node: Callable[[str], Node]) -> None:
    """SQLite leaves it to each program. What nobody deleted stays, and with it what it refers to."""
    family = Family(make_node, ("postgresql", "sqlite"), tables())
    people(family, 2)
    family.spokes[0].edit("DELETE FROM city WHERE id IN ('old', 'new')", foreign_keys=False)
    family.settle()
    assert family.hub.ids("city") == ["home", "old"]
    assert len(family.hub.rows("man")) == 2


def test_a_table_that_is_not_synced_follows_its_own_rule(
    make_node: Callable[[str], Node], kinds: tuple[str, str]
) -> None:
    family = Family(make_node, kinds, tables())
    people(family, 0)
    for member in family.members:
        member.edit(
            "CREATE TABLE note (id INTEGER PRIMARY KEY, city VARCHAR(20) REFERENCES city (id) ON DELETE CASCADE)",
            "INSERT INTO note VALUES (1, 'old'), (2, 'new')",
        )
    family.hub.edit("DELETE FROM city WHERE id = 'old'")
    family.settle()
    assert [member.ids("note") for member in family.members] == [[2], [2]]
    assert family.hub.ids("city") == ["home", "new"]


def test_a_node_that_compares_in_full_keeps_its_childrens_parents(
    make_node: Callable[[str], Node], kinds: tuple[str, str]
) -> None:
    """The deletion is forgotten on the peer: that it was one is seen by what the peer has no longer."""
    family = Family(make_node, kinds, tables())
    people(family, 2)
    hub, spoke = family.hub, family.spokes[0]
    spoke.edit("INSERT INTO man VALUES ('made', 'x', 'old')")
    hub.edit("DELETE FROM city WHERE id IN ('old', 'new')")
    hub.storage.horizon(0)
    assert hub.engine.purge_tombstones(absent_days=-1) == 4
    family.settle()
    assert hub.rows("man") == [{"id": "made", "name": "x", "city": "old"}]
    assert hub.ids("city") == ["home", "old"]
    assert [entry.conflict.key for entry in family.ledger()] == ["old"]


BY_CODE = {
    "city": "id VARCHAR(20) PRIMARY KEY, name TEXT, code VARCHAR(20) UNIQUE",
    "man": "id VARCHAR(20) PRIMARY KEY, name TEXT, code VARCHAR(20) REFERENCES city (code) ON UPDATE {}",
}


@pytest.mark.parametrize("on_update", ["CASCADE", "SET NULL"])
@pytest.mark.parametrize("batch_size", [None, 1])
@pytest.mark.parametrize("back", [False, True], ids=["asked", "told"])
def test_a_child_follows_a_value_that_changed_elsewhere(
    make_node: Callable[[str], Node],
    kinds: tuple[str, str],
    on_update: str,
    batch_size: int | None,
    back: bool,
) -> None:
    """The foreign key acts on a child that only this node has: what it does there reaches the others."""
    declared = {**BY_CODE, "man": BY_CODE["man"].format(on_update)}
    family = Family(make_node, kinds, declared, batch_size)
    family.hub.edit(
        "INSERT INTO city VALUES ('a', 'x', '1'), ('b', 'x', '5')",
        "INSERT INTO man VALUES ('old', 'x', '1'), ('other', 'x', '5')",
    )
    family.settle()
    changes, makes = (family.spokes[0], family.hub) if back else (family.hub, family.spokes[0])
    makes.edit("INSERT INTO man VALUES ('first', 'x', '1')")
    changes.edit("UPDATE city SET code = '2' WHERE id = 'a'")
    makes.edit("INSERT INTO man VALUES ('second', 'x', '1')")
    family.settle()
    codes = {row["id"]: row["code"] for row in family.hub.rows("man")}
    moved = "2" if on_update == "CASCADE" else None
    assert codes == {"old": moved, "first": moved, "second": moved, "other": "5"}
