"""Where the page's own algorithm loses data and ours does not: every scenario is played with both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tasks.database import (
    DatabaseEngine,
    DependencyGraph,
    HybridLogicalClock,
    MemoryStorage,
    MemoryTransport,
    SyncAbortedError,
    SyncManifest,
    SyncRecord,
)
from tasks.database.exceptions import TransportError
from tests.tasks.database.simulated.page_algorithm import PageEngine

LABEL = "item"
GRAPH = DependencyGraph({LABEL: set(), "note": {LABEL}})


class Nodes:
    """Nodes with clocks of their own, all with the same kind of engine."""

    def __init__(self, kind: type[Any]) -> None:
        self.kind, self.time_ms = kind, 1_700_000_000_000
        self.skew: dict[str, int] = {}
        self.storages: dict[str, MemoryStorage] = {}
        self.clocks: dict[str, HybridLogicalClock] = {}

    def add(self, name: str, skew_ms: int = 0, storage: MemoryStorage | None = None) -> MemoryStorage:
        self.skew[name] = skew_ms
        self.storages[name] = storage or MemoryStorage()
        self.start(name)
        return self.storages[name]

    def start(self, name: str) -> None:
        storage = self.storages[name]
        storage.clock = HybridLogicalClock(lambda: self.time_ms + self.skew[name], storage)
        self.clocks[name] = storage.clock

    def engine(
        self, name: str, to: str | None = None, wire: Callable[[Any], Any] = lambda t: t, **more: Any
    ) -> Any:
        transport = wire(MemoryTransport(self.engine(to).process)) if to else None
        return self.kind(self.storages[name], GRAPH, self.clocks[name], name, transport=transport, **more)

    def sync(self, name: str, to: str, **more: Any) -> Any:
        self.time_ms += 1000
        return self.engine(name, to, **more).sync()

    def data(self, name: str, key: str) -> dict[str, Any] | None:
        return found.data if (found := self.storages[name].get_records(LABEL, [key]).get(key)) else None


class Wire:
    """A way to the peer on which things happen."""

    def __init__(self, transport: Any, before: Any = None, after: Any = None) -> None:
        self.transport, self.before, self.after = transport, before, after

    def exchange(self, manifest: SyncManifest) -> SyncManifest:
        if self.before:
            self.before(manifest)
        answer = self.transport.exchange(manifest)
        if self.after:
            self.after(answer)
        return answer


def late_arrivals(kind: type[Any]) -> None:
    """An edit made before the others' last sync comes later, by way of a relay."""
    nodes = Nodes(kind)
    hub, relay, far = nodes.add("hub"), nodes.add("relay"), nodes.add("far")
    offline = nodes.add("offline")
    offline.edit(LABEL, "1", x="early")
    nodes.time_ms += 60_000
    relay.edit(LABEL, "2", x="later")
    nodes.sync("far", "relay")
    nodes.sync("offline", "hub")
    nodes.sync("relay", "hub")
    nodes.sync("far", "relay")
    assert nodes.data("far", "1") == {"id": "1", "x": "early"}
    assert hub.get_keys(LABEL) == far.get_keys(LABEL)


def two_cursors(kind: type[Any]) -> None:
    """A node minutes behind is restarted between two syncs; what it edits then must be sent."""
    nodes = Nodes(kind)
    nodes.add("server").edit(LABEL, "1", x="there")
    behind = nodes.add("behind", -5 * 60_000)
    nodes.sync("behind", "server")
    nodes.start("behind")
    behind.edit(LABEL, "2", x="here")
    nodes.sync("behind", "server")
    assert nodes.data("server", "2") == {"id": "2", "x": "here"}


def the_client_merges(kind: type[Any]) -> None:
    """A user edits one field while another one arrives."""
    nodes = Nodes(kind)
    server, client = nodes.add("server"), nodes.add("client")
    server.edit(LABEL, "1", x="old", y="old")
    nodes.sync("client", "server")
    server.edit(LABEL, "1", x="from the server")
    first = [True]

    def edits(_: Any) -> None:
        if first.pop() if first else False:
            client.edit(LABEL, "1", y="meanwhile")

    nodes.sync("client", "server", wire=lambda t: Wire(t, after=edits))
    nodes.sync("client", "server")
    both = {"id": "1", "x": "from the server", "y": "meanwhile"}
    assert nodes.data("client", "1") == nodes.data("server", "1") == both


def a_lost_answer(kind: type[Any]) -> None:
    """The retry, after another edit, is no conflict and no duplicate."""
    nodes = Nodes(kind)
    server, client = nodes.add("server"), nodes.add("client")

    def breaks(_: Any) -> None:
        raise TransportError("the answer was lost")

    client.edit(LABEL, "1", x="first")
    with pytest.raises(SyncAbortedError):
        nodes.sync("client", "server", wire=lambda t: Wire(t, after=breaks))
    client.edit(LABEL, "1", x="second")
    found: list[Any] = []
    answering = nodes.engine("server")

    class Watched:
        def exchange(self, manifest: SyncManifest) -> SyncManifest:
            answer, result = answering.process(manifest)
            found.append(dict(result.conflicts))
            return answer

    nodes.engine("client", "server", wire=lambda _: Watched()).sync()
    assert nodes.data("server", "1") == {"id": "1", "x": "second"}
    assert server.get_keys(LABEL) == ["1"]
    assert not any(found), "the node's own earlier edit was taken for somebody else's"


def ties(kind: type[Any]) -> None:
    """Equal stamps end in the same value, whoever syncs first."""
    ends = []
    for order in (("a", "b"), ("b", "a")):
        nodes = Nodes(kind)
        nodes.add("server")
        for name in "ab":
            stamps = dict.fromkeys(("id", "x"), nodes.time_ms << 16)
            nodes.add(name).upsert_many(LABEL, {"1": SyncRecord("1", {"id": "1", "x": name}, stamps)})
        for name in (*order, *order, *order):
            nodes.sync(name, "server")
        ends += [nodes.data(name, "1") for name in ("server", "a", "b")]
    assert all(end == ends[0] for end in ends), ends


def deletes(kind: type[Any]) -> None:
    """A late old edit brings nothing back; a newer one does; so does making it again."""
    nodes = Nodes(kind)
    server, a, b = nodes.add("server"), nodes.add("a"), nodes.add("b")
    for key in "123":
        server.edit(LABEL, key, x="old")
    nodes.sync("a", "server")
    nodes.sync("b", "server")
    nodes.time_ms += 1000
    b.edit(LABEL, "1", x="older than the deletion")
    nodes.time_ms += 1000
    for key in "123":
        a.remove(LABEL, key)
    nodes.time_ms += 1000
    b.edit(LABEL, "2", x="newer than the deletion")
    nodes.sync("a", "server")
    nodes.sync("b", "server")
    a.edit(LABEL, "3", x="made again")
    for _ in range(2):
        nodes.sync("a", "server")
        nodes.sync("b", "server")
    for storage in (server, a, b):
        assert storage.get_keys(LABEL) == ["2", "3"]


class Fussy(MemoryStorage):
    """Cannot write some records."""

    refused: set[str] = {"2"}  # noqa: RUF012

    def upsert_many(self, model_label: str, records: dict[str, SyncRecord]) -> set[str]:
        bad = records.keys() & self.refused
        super().upsert_many(model_label, {key: r for key, r in records.items() if key not in bad})
        return set(bad)


def poison_records(kind: type[Any]) -> None:
    """One record that cannot be written is tried again, and holds up no other."""
    nodes = Nodes(kind)
    server = nodes.add("server")
    client = nodes.add("client", storage=Fussy())
    for key in "123":
        server.edit(LABEL, key, x="there")
    nodes.sync("client", "server")
    assert client.get_keys(LABEL) == ["1", "3"]
    client.refused = set()
    nodes.sync("client", "server")
    assert client.get_keys(LABEL) == ["1", "2", "3"]


def dry_runs(kind: type[Any]) -> None:
    """A dry run changes neither node."""
    nodes = Nodes(kind)
    server, client = nodes.add("server"), nodes.add("client")
    server.edit(LABEL, "1", x="there")
    client.edit(LABEL, "2", x="here")
    engine = nodes.engine("client", "server")
    kept = [storage._kept() for storage in (server, client)]
    result = engine.sync(dry_run=True)
    assert result.pushed[LABEL] == ["2"]
    assert kept == [storage._kept() for storage in (server, client)]


def pages(kind: type[Any]) -> None:
    """Equal stamps, small pages, and the other node has something newer."""
    nodes = Nodes(kind)
    server, client = nodes.add("server"), nodes.add("client")
    stamps = dict.fromkeys(("id", "x"), nodes.time_ms << 16)
    records = {key: SyncRecord(key, {"id": key, "x": key}, dict(stamps)) for key in "abcde"}
    client.upsert_many(LABEL, records)
    nodes.time_ms += 1000
    server.edit(LABEL, "z", x="newer")
    nodes.sync("client", "server", batch_size=2)
    assert server.get_keys(LABEL) == client.get_keys(LABEL) == [*"abcde", "z"]


def conflicts_are_logged(kind: type[Any]) -> None:
    """Two edits of one field, one of them made while the other arrives: the loser is not just gone."""
    nodes = Nodes(kind)
    server, client = nodes.add("server"), nodes.add("client")
    server.edit(LABEL, "1", x="old")
    nodes.sync("client", "server")
    server.edit(LABEL, "1", x="from the server")
    first = [True]

    def edits(_: Any) -> None:
        if first.pop() if first else False:
            client.edit(LABEL, "1", x="meanwhile")

    nodes.sync("client", "server", wire=lambda t: Wire(t, after=edits))
    nodes.sync("client", "server")
    logged = [c for node in (server, client) for e in node.conflicts for c in e.conflict.field_conflicts]
    assert {"from the server", "meanwhile"} in [{c.local_value, c.remote_value} for c in logged]
    assert nodes.data("client", "1") == nodes.data("server", "1")


SCENARIOS = [
    late_arrivals,
    two_cursors,
    the_client_merges,
    a_lost_answer,
    ties,
    deletes,
    poison_records,
    dry_runs,
    pages,
    conflicts_are_logged,
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.__name__)
def test_ours_holds(scenario: Callable[[type[Any]], None]) -> None:
    scenario(DatabaseEngine)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.__name__)
def test_the_scenario_tells_the_algorithms_apart(scenario: Callable[[type[Any]], None]) -> None:
    with pytest.raises(AssertionError):
        scenario(PageEngine)
