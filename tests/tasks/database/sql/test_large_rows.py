"""Values of many megabytes over HTTP: as far as both nodes' limits go they travel, beyond that they are held."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from starlette.applications import Starlette

from tasks.database.sql.declared import Node as OpenNode
from tasks.database.sql.declared import open_node, read_nodes
from tasks.database.transport.server import node_routes
from tests.tasks.database.sql.test_nodes import Party
from tests.tasks.database.transport.conftest import serve as serve

Node = Any  # the class of the conftest

SECRET = "a long secret of both nodes"
MB = 1_000_000


@pytest.fixture
def opened() -> Iterator[Callable[..., OpenNode]]:
    with ExitStack() as stack:

        def make(**table: Any) -> OpenNode:
            [read] = read_nodes([{"tables": ["city", "person"], **table}])
            node = open_node(read)
            stack.callback(node.close)
            return node

        yield make


def noise(size: int) -> bytes:
    """Bytes that no compression makes smaller."""
    return random.Random(size).randbytes(size)


@pytest.mark.parametrize("large_on", ["laptop", "office"])
@pytest.mark.parametrize("raised", [False, True], ids=["default limit", "raised limit"])
def test_a_row_of_20_mb(
    make_node: Callable[[str], Node],
    opened: Callable[..., OpenNode],
    serve: Callable[..., str],
    large_on: str,
    raised: bool,
) -> None:
    limit = {"record_bytes_max": 40 * MB} if raised else {}
    sides = {"office": make_node("sqlite"), "laptop": make_node("sqlite")}
    office = opened(
        name="office", database=sides["office"].url, answers=[{"node": "laptop", "secret": SECRET}], **limit
    )
    url = serve(Starlette(routes=[*node_routes({"office": office.served()}.get)]))
    laptop = opened(
        name="laptop",
        database=sides["laptop"].url,
        every="30s",
        peer={"node": "office", "url": url, "secret": SECRET},
        **limit,
    )
    for name, number in (("laptop", 10), ("office", 20)):
        for more in range(3):
            sides[name].run("INSERT INTO person (id, name) VALUES (:id, 'small')", id=number + more)
    sides[large_on].run("INSERT INTO person (id, photo) VALUES (1, :photo)", photo=noise(20 * MB))
    sides[large_on].run("INSERT INTO person (id, photo) VALUES (2, :photo)", photo=noise(9 * MB))
    result = laptop.engine.sync()
    small = {2, 10, 11, 12, 20, 21, 22}
    other = sides["office" if large_on == "laptop" else "laptop"]
    found = {row["id"]: row["size"] for row in other.run("SELECT id, length(photo) AS size FROM person")}
    assert found.keys() == small | ({1} if raised else set())
    assert found[2] == 9 * MB
    if raised:
        assert result.ok, result.errors
        assert found[1] == 20 * MB
    else:
        [line] = result.errors
        assert line.startswith("person '1' ")
        assert "more than 15,728,640 that are taken; most of them are in field 'photo'" in line


def test_many_large_rows_are_not_read_at_once(make_node: Callable[[str], Node]) -> None:
    hub = Party("hub", make_node("sqlite"))
    spoke = Party("spoke", make_node("sqlite"), hub)
    count, size = 60, 2 * MB
    spoke.node.run(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count) "
        "INSERT INTO city (id, name) SELECT 'c' || i, hex(zeroblob(:half)) FROM n",
        count=count,
        half=size // 2,
    )
    tracemalloc.start()
    try:
        assert spoke.engine.sync().ok
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(hub.node.run("SELECT id FROM city")) == count
    assert peak < 90 * MB < count * size, peak
