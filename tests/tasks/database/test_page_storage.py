"""Storages that are written to the page: eight methods, and of a record four fields."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.database import (
    ConflictType,
    DatabaseEngine,
    DependencyGraph,
    HybridLogicalClock,
    MemoryTransport,
    SyncRecord,
)
from tasks.database.exceptions import SyncAbortedError, TransportError
from tests.tasks.database.simulated.nodes import CrashingStorage
from tests.tasks.database.simulated.page_style import PageStyleStorage

M = "m"


class Nodes:
    """A server and its clients; of some the storage is written to the page."""

    def __init__(self, *page_style: str, stubborn: bool = False) -> None:
        self.time = 1_700_000_000_000
        self.inner = {name: CrashingStorage() for name in "spq"}
        for storage in self.inner.values():
            storage.clock = HybridLogicalClock(lambda: self.time)
        self.outer: dict[str, Any] = {
            name: PageStyleStorage(storage, stubborn=stubborn) if name in page_style else storage
            for name, storage in self.inner.items()
        }
        self.server = self._engine("s")
        self.lose_answer = False

    def _engine(self, name: str, transport: Any = None) -> DatabaseEngine:
        clock = self.inner[name].clock
        assert clock is not None
        return DatabaseEngine(self.outer[name], DependencyGraph({M: set()}), clock, name, transport=transport)

    def exchange(self, manifest: Any) -> Any:
        answer = MemoryTransport(self.server.process).exchange(manifest)
        if self.lose_answer:
            raise TransportError("the answer was lost")
        return answer

    def sync(self, name: str, *, lose_answer: bool = False) -> Any:
        self.time += 1000
        self.lose_answer = lose_answer
        if not lose_answer:
            return self._engine(name, self).sync()
        with pytest.raises(SyncAbortedError):
            self._engine(name, self).sync()
        return None

    def edit(self, name: str, key: str, **fields: Any) -> None:
        self.time += 1000
        self.inner[name].edit(M, key, **fields)

    def data(self, name: str) -> dict[str, Any]:
        storage = self.inner[name]
        return {key: storage.get_records(M, [key])[key].data for key in storage.get_keys(M)}


STORAGES = [("s",), ("p",), ("p", "q"), ("s", "p", "q")]


@pytest.mark.parametrize("page_style", STORAGES, ids="".join)
def test_peers_hear_of_each_others_records(page_style: tuple[str, ...]) -> None:
    nodes = Nodes(*page_style)
    for name in "spq":
        nodes.edit(name, name, x=name)
    for _ in range(3):
        nodes.sync("p")
        nodes.sync("q")
    assert nodes.data("s") == nodes.data("p") == nodes.data("q")
    assert sorted(nodes.data("s")) == ["p", "q", "s"]
    nodes.edit("p", "q", x="later", y=1)
    for name in "pqp":
        nodes.sync(name)
    assert nodes.data("s") == nodes.data("p") == nodes.data("q")
    assert not nodes.sync("p").counts()
    assert not nodes.sync("q").counts()


@pytest.mark.parametrize("page_style", STORAGES, ids="".join)
def test_a_deletion_by_who_did_not_know_an_edit_leaves_it_in_the_ledger(page_style: tuple[str, ...]) -> None:
    nodes = Nodes(*page_style)
    nodes.edit("s", "1", x="old", y="old")
    nodes.sync("p")
    nodes.sync("q")
    nodes.edit("q", "1", y="unknown to p")
    nodes.sync("q")
    nodes.edit("p", "1", x="from p")
    nodes.sync("p", lose_answer=True)
    nodes.time += 1000
    nodes.inner["p"].remove(M, "1")
    nodes.sync("p")
    nodes.sync("q")
    assert nodes.data("s") == nodes.data("p") == nodes.data("q") == {}
    [entry] = nodes.inner["s"].conflicts
    assert entry.conflict.conflict_type == ConflictType.DELETE_VS_MODIFY
    assert entry.conflict.local is not None
    assert entry.conflict.local.data["y"] == "unknown to p"


def test_a_storage_that_takes_its_own_word_for_the_last_deletes_what_came_late() -> None:
    nodes = Nodes("s", stubborn=True)
    nodes.edit("p", "1", x="old")
    nodes.sync("p")
    nodes.sync("q")
    nodes.edit("q", "1", x="edited before it was deleted")
    nodes.time += 1000
    nodes.inner["p"].remove(M, "1")
    nodes.edit("q", "2", x="made meanwhile")
    nodes.sync("q")
    assert nodes.inner["p"]._tombstones[M]["1"].stamp < nodes.inner["s"]._records[M]["1"].received_at
    assert nodes.sync("p").ok
    assert nodes.sync("q").ok
    assert nodes.sync("p").ok
    assert [sorted(nodes.data(name)) for name in "spq"] == [["2"]] * 3
    nodes.edit("q", "1", x="made again")
    nodes.sync("q")
    nodes.sync("p")
    assert nodes.data("p")["1"] == {"id": "1", "x": "made again"}


def test_a_field_came_with_its_record_where_that_is_not_said() -> None:
    record = SyncRecord("1", {"x": 1, "y": 1}, {"x": 5, "y": 70}, received_at=50)
    assert (record.arrival("x"), record.arrival("y")) == (50, 70)
    record.move(90, ["y"])
    assert (record.arrival("x"), record.arrival("y"), record.received_at) == (50, 90, 90)
    assert SyncRecord("1", {"x": 1}, {"x": 5}).arrival("x") == 5
