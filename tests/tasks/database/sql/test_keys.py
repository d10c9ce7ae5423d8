"""Keys that a database pads, that it takes for one though they differ, and numbers that it gives by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tasks.database.sql.comparing.compare import compare

from .test_shapes import Pair
from .test_triggers import lite, rest

Node = Any  # the class of the conftest

KINDS = [
    ("sqlite", "postgresql"),
    ("postgresql", "sqlite"),
    ("postgresql", "postgresql"),
    ("sqlite", "sqlite"),
]


@pytest.fixture(params=KINDS, ids="-".join)
def nodes(request: pytest.FixtureRequest, make_node: Callable[[str], Node]) -> tuple[Node, Node]:
    first, second = request.param
    return make_node(first), make_node(second)


def table(node: Node, key: str) -> None:
    """A table whose key ignores case (`NOCASE`), or is of this type."""
    if key == "NOCASE":
        # The PostgreSQL of these tests has no collation that ignores case, and so holds both.
        key = "TEXT COLLATE NOCASE" if lite(node) else "TEXT"
    node.run(f"CREATE TABLE tag (id {key} PRIMARY KEY, words TEXT)")


def alike(pair: Pair) -> list[Any]:
    """Both tables, which must be the same, as must what is known of them."""
    here, there = pair.rows("SELECT id, words FROM tag ORDER BY id")
    stripped = [[{**row, "id": row["id"].rstrip(" ")} for row in rows] for rows in (here, there)]
    assert stripped[0] == stripped[1]
    for storage in pair.storages:
        assert sorted(storage.get_keys("tag")) == sorted(row["id"] for row in stripped[0])
    assert all(comparison.alike for comparison in compare(*pair.storages))
    return stripped[0]


@pytest.mark.parametrize("keys", [("NOCASE", "NOCASE"), ("NOCASE", "TEXT"), ("TEXT", "NOCASE")], ids="-".join)
def test_a_key_of_which_only_the_case_changes(nodes: tuple[Node, Node], keys: tuple[str, str]) -> None:
    for node, key in zip(nodes, keys, strict=True):
        table(node, key)
    pair = Pair(*nodes, "tag")
    nodes[0].run("INSERT INTO tag VALUES ('abc', 'first'), ('other', 'second')")
    assert rest(pair).ok
    for turn, (node, name) in enumerate([(nodes[0], "ABC"), (nodes[1], "Abc"), (nodes[0], "abc")]):
        node.run("UPDATE tag SET id = :name WHERE words LIKE 'first%'", name=name)
        assert rest(pair).ok
        assert [row["id"] for row in alike(pair) if row["words"] != "second"] == [name]
        nodes[turn % 2].run("UPDATE tag SET words = words || '!' WHERE id = :name", name=name)
        assert rest(pair).ok
        assert alike(pair)[0]["words"] == "first" + "!" * (turn + 1)


def test_two_keys_that_are_one_elsewhere(nodes: tuple[Node, Node]) -> None:
    """The second one is held where it has no place, and nothing happens to the first one, whatever becomes of it."""
    if not lite(nodes[0]):
        pytest.skip("holds both")
    table(nodes[0], "NOCASE")
    table(nodes[1], "TEXT")
    pair = Pair(*nodes, "tag")
    nodes[1].run("INSERT INTO tag VALUES ('abc', 'first')")
    assert rest(pair).ok
    nodes[1].run("INSERT INTO tag VALUES ('ABC', 'second')")
    assert dict(rest(pair).skipped) == {"tag": ["ABC"]}
    nodes[1].run("UPDATE tag SET words = 'edited' WHERE id = 'ABC'")
    assert dict(rest(pair).skipped) == {"tag": ["ABC"]}
    assert list(map(dict, nodes[0].run("SELECT * FROM tag"))) == [{"id": "abc", "words": "first"}]
    nodes[1].run("DELETE FROM tag WHERE id = 'ABC'")
    assert rest(pair).ok
    assert alike(pair) == [{"id": "abc", "words": "first"}]


@pytest.mark.parametrize(
    "keys", [("CHAR(5)", "CHAR(5)"), ("CHAR(5)", "TEXT"), ("TEXT", "CHAR(8)")], ids="-".join
)
def test_a_key_that_is_padded(nodes: tuple[Node, Node], keys: tuple[str, str]) -> None:
    for node, key in zip(nodes, keys, strict=True):
        table(node, key)
    nodes[0].run("INSERT INTO tag VALUES ('old', 'was there')")
    pair = Pair(*nodes, "tag")
    nodes[0].run("INSERT INTO tag VALUES ('abc', 'first'), ('defgh', 'whole')")
    assert rest(pair).ok
    assert len(alike(pair)) == 3
    for turn, node in enumerate([nodes[1], nodes[0], nodes[1]]):
        node.run("UPDATE tag SET words = :words WHERE id = 'abc'", words=f"edit{turn}")
        assert rest(pair).ok
        assert alike(pair)[0] == {"id": "abc", "words": f"edit{turn}"}
    nodes[1].run("UPDATE tag SET id = 'ab' WHERE id = 'abc'")
    assert rest(pair).ok
    assert [row["id"] for row in alike(pair)] == ["ab", "defgh", "old"]
    nodes[1].run("DELETE FROM tag WHERE id = 'ab'")
    nodes[0].run("DELETE FROM tag WHERE id = 'old'")
    assert rest(pair).ok
    assert [row["id"] for row in alike(pair)] == ["defgh"]


@pytest.mark.parametrize("numbers", ["ALWAYS AS IDENTITY", "BY DEFAULT AS IDENTITY", "SERIAL", "OTHER"])
@pytest.mark.parametrize("other", ["sqlite", "postgresql"])
def test_numbers_that_the_database_gives(make_node: Callable[[str], Node], numbers: str, other: str) -> None:
    """Rows with such keys are written and edited, and the next one made here gets a number that is free."""
    nodes = make_node("postgresql"), make_node(other)
    for node in nodes:
        kind = f"BIGINT GENERATED {numbers}"
        if numbers == "SERIAL":
            kind = "SERIAL"
        elif numbers == "OTHER" and not lite(node):
            node.run('CREATE SEQUENCE "the numbers"')
            kind = "BIGINT DEFAULT nextval('\"the numbers\"')"
        kind = "INTEGER" if lite(node) else kind
        node.run(f"CREATE TABLE bill (id {kind} PRIMARY KEY, words TEXT)")
    pair = Pair(*nodes, "bill")
    for turn in range(3):
        here, there = nodes if turn % 2 else nodes[::-1]
        there.run("INSERT INTO bill (words) VALUES ('a'), ('b'), ('c'), ('d')")
        assert rest(pair).ok
        here.run("INSERT INTO bill (words) VALUES ('mine')")
        here.run("UPDATE bill SET words = words || '!'")
        assert rest(pair).ok
        one, two = pair.rows("SELECT * FROM bill ORDER BY id")
        assert one == two
        assert [row["id"] for row in one] == list(range(1, 5 * turn + 6))


def test_numbers_of_the_other_nodes_range_move_nothing(make_node: Callable[[str], Node]) -> None:
    nodes = make_node("postgresql"), make_node("postgresql"), make_node("postgresql")
    ranges = ("START 1", "START 1000000000", "START 2 INCREMENT 2")
    for node, numbers in zip(nodes, ranges, strict=True):
        node.run(
            f"CREATE TABLE bill (id BIGINT GENERATED ALWAYS AS IDENTITY ({numbers}) PRIMARY KEY, words TEXT)"
        )
    first = Pair(nodes[0], nodes[1], "bill")
    for node in nodes[:2]:
        node.run("INSERT INTO bill (words) SELECT 'x' FROM generate_series(1, 3)")
    assert rest(first).ok
    second = Pair(nodes[2], nodes[0], "bill")
    assert rest(second).ok
    for node in nodes:
        node.run("INSERT INTO bill (words) VALUES ('new')")
    found = [max(row["id"] for row in node.run("SELECT id FROM bill WHERE words = 'new'")) for node in nodes]
    assert found == [4, 1_000_000_003, 4]


def test_a_large_step_is_one_step(make_node: Callable[[str], Node]) -> None:
    nodes = make_node("postgresql"), make_node("sqlite")
    nodes[0].run("CREATE TABLE bill (id SERIAL PRIMARY KEY, words TEXT)")
    nodes[1].run("CREATE TABLE bill (id INTEGER PRIMARY KEY, words TEXT)")
    pair = Pair(*nodes, "bill")
    nodes[1].run("INSERT INTO bill VALUES (5, 'a'), (9000, 'b'), (2000000, 'c')")
    assert rest(pair).ok
    assert nodes[0].run("INSERT INTO bill (words) VALUES ('d') RETURNING id") == [{"id": 2_000_001}]


def test_who_may_not_move_a_sequence_is_told(make_node: Callable[[str], Node], caplog: Any) -> None:
    nodes = make_node("postgresql"), make_node("sqlite")
    for statement in (
        "CREATE ROLE writer LOGIN",
        "GRANT ALL ON SCHEMA public TO writer",
        "CREATE SEQUENCE numbers",
        "CREATE TABLE bill (id BIGINT DEFAULT nextval('numbers') PRIMARY KEY, words TEXT)",
        "ALTER TABLE bill OWNER TO writer",
    ):
        nodes[0].run(statement)
    nodes[1].run("CREATE TABLE bill (id INTEGER PRIMARY KEY, words TEXT)")
    nodes[0].url = nodes[0].url.replace("postgres:", "writer:").replace("postgres@", "writer@")
    assert "writer" in nodes[0].url
    pair = Pair(*nodes, "bill")
    nodes[1].run("INSERT INTO bill VALUES (1, 'a')")
    assert rest(pair).ok
    assert pair.rows("SELECT * FROM bill")[0] == [{"id": 1, "words": "a"}]
    assert "cannot be moved past" in caplog.text


def test_columns_that_stay_here_may_be_required(nodes: tuple[Node, Node]) -> None:
    """Rows that both have are edited, though nobody could make one of what is synced."""
    for node, more in zip(nodes, (", secret TEXT NOT NULL", ""), strict=True):
        node.run(f"CREATE TABLE tag (id TEXT PRIMARY KEY, words TEXT{more})")
    nodes[0].run("INSERT INTO tag VALUES ('1', 'a', 'kept')")
    nodes[1].run("INSERT INTO tag VALUES ('1', 'a')")

    class Without(Pair):
        def reflect(self, database: Any, name: str) -> Any:
            found = super().reflect(database, name)
            if "secret" not in found.fields:
                return found
            return type(found).reflect(database, name, exclude=["secret"])

    pair = Without(*nodes, "tag")
    rest(pair)
    nodes[1].run("UPDATE tag SET words = 'b'")
    assert rest(pair).ok
    assert nodes[0].run("SELECT * FROM tag") == [{"id": "1", "words": "b", "secret": "kept"}]
