"""The worker's lock as the engine's."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import redis

from tasks.database import (
    DatabaseEngine,
    DependencyGraph,
    HybridLogicalClock,
    MemoryStorage,
    MemoryTransport,
    ModelPayload,
    SessionLock,
    SyncManifest,
    SyncRecord,
)
from tasks.database.exceptions import NodeLockedError
from tasks.database.storages.peer import PeerState
from tasks.database.storages.view import Cursor
from tasks.errors import TaskError
from worker.lock import NodeBusyError, RedisSyncLock
from worker.machine.redis_server import RedisServer
from worker.redis_client import connect_url


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[redis.Redis]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server, connect_url(server.url) as connected:
        yield connected


def node(name: str, client: redis.Redis, transport: object = None, patience: float = 30) -> DatabaseEngine:
    clock = HybridLogicalClock()
    lock = SessionLock(RedisSyncLock(client), busy=NodeBusyError, patience=patience)
    return DatabaseEngine(
        MemoryStorage(clock),
        DependencyGraph({"m": set()}),
        clock,
        name,
        lock=lock,
        transport=transport,  # type: ignore[arg-type]
    )


def test_a_session_is_seen_and_another_one_is_refused(client: redis.Redis) -> None:
    watching = RedisSyncLock(client)
    server = node("server", client)
    phases: list[str] = []

    class Watched:
        def exchange(self, manifest: SyncManifest) -> SyncManifest:
            holder = watching.holder("laptop")
            assert holder is not None
            phases.append(holder.phase)
            with pytest.raises(NodeLockedError, match="laptop"):
                node("laptop", client, self).sync()
            return MemoryTransport(server.process).exchange(manifest)

    node("laptop", client, Watched()).sync()
    assert phases == ["exchanging"]
    assert watching.holder("laptop") is None
    assert watching.history("laptop")[0].status == "succeeded"
    assert watching.history("server:serving")[0].status == "succeeded"


def test_two_processes_never_process_a_nodes_manifests_at_once(client: redis.Redis) -> None:
    one, other = node("hub", client), node("hub", client, patience=0)
    manifest = SyncManifest("a", 0)
    manifest.checksum = manifest.compute_checksum()
    inside, go_on = threading.Event(), threading.Event()
    storage = one._node.storage
    plain = storage.horizon

    def waiting(now: int) -> int:
        inside.set()
        go_on.wait(60)
        return plain(now)

    storage.horizon = waiting  # type: ignore[method-assign]
    first = threading.Thread(target=one.process, args=(manifest,))
    first.start()
    assert inside.wait(60)
    with pytest.raises(NodeLockedError):
        other.process(manifest)
    go_on.set()
    first.join(60)
    other.process(manifest)


def lose(client: redis.Redis, node_id: str) -> None:
    """As when a process was asleep for longer than its lease."""
    gone = list(client.scan_iter(f"*{node_id}*"))
    assert gone
    client.delete(*gone)


def test_a_lock_lost_while_answering_undoes_the_exchange(client: redis.Redis) -> None:
    hub = node("lost-hub", client)
    storage = hub._node.storage
    record = SyncRecord("1", {"x": 1}, {"x": 5})
    manifest = SyncManifest("a", 0, payloads=[ModelPayload("m", {"1": record})])
    manifest.checksum = manifest.compute_checksum()
    plain = storage.save_checkpoint

    def losing(*arguments: object) -> None:
        plain(*arguments)  # type: ignore[arg-type]
        if arguments[0] == "a":
            lose(client, "lost-hub:serving")

    storage.save_checkpoint = losing  # type: ignore[method-assign]
    with pytest.raises(NodeLockedError):
        hub.process(manifest)
    assert storage.get_records("m", ["1"]) == {}
    assert storage.get_nodes() == {}
    storage.save_checkpoint = plain  # type: ignore[method-assign]
    hub.process(manifest)
    assert storage.get_records("m", ["1"]) == {"1": record}


def test_a_lock_lost_while_asking_commits_nothing(client: redis.Redis) -> None:
    server = node("server", client)
    assert isinstance(server._node.storage, MemoryStorage)
    server._node.storage.edit("m", "1", x=1)

    class Losing:
        def exchange(self, manifest: SyncManifest) -> SyncManifest:
            answer = MemoryTransport(server.process).exchange(manifest)
            lose(client, "lost-laptop")
            return answer

    laptop = node("lost-laptop", client, Losing())
    with pytest.raises(TaskError):
        laptop.sync()
    assert laptop._node.storage.get_records("m", ["1"]) == {}
    assert PeerState.load(laptop._node.storage, "lost-laptop").received == Cursor()
