"""Any order of steps of three owners of two nodes, against a model of who may hold what."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
import redis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tasks.errors import LockLostError
from worker.lock import MemoryLockStore, MemorySyncLock, NodeBusyError, RedisSyncLock, SyncLock

LEASE = 1000.0
TRUSTED = 800.0
OWNERS = st.integers(0, 2)
NODES = st.sampled_from(["books", "films"])
#: Multiples of 70 never add up to the lease or to its trusted share, so no step sits on an edge.
STEPS = st.sampled_from([70, 210, 280, 490, 1050])


@dataclass
class Session:
    """What the model knows of a session."""

    id: str
    owner: int
    node: str
    fence: int
    proved_at: float
    lost: bool = False
    released: bool = False


class LockMachine(RuleBasedStateMachine):
    """Time passes only by `elapse`; heartbeats are sent only by `beat`."""

    locks: list[SyncLock]

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.sessions: list[Session] = []
        #: The session that the store names for a node.
        self.holder: dict[str, Session] = {}
        self.fences: dict[str, int] = {}
        self.set_up()
        for lock in self.locks:
            # No thread: this machine beats itself.
            lock._keeper._closed = True

    def set_up(self) -> None:
        raise NotImplementedError

    def pass_time(self, seconds: float) -> None:
        """Let the store's clock go on."""

    def age(self, node: str, seconds: float) -> None:
        """Make the session that holds the node seem to have beaten so much earlier."""
        raise NotImplementedError

    def lose_data(self) -> None:
        raise NotImplementedError

    @rule(owner=OWNERS, node=NODES)
    def acquire(self, owner: int, node: str) -> None:
        lock, held = self.locks[owner], self.holder.get(node)
        if held is not None and self.now - held.proved_at <= LEASE:
            with pytest.raises(NodeBusyError) as busy:
                lock.acquire(node)
            assert busy.value.record.session_id == held.id
            return
        session = lock.acquire(node)
        fence = lock.fence(session)
        assert fence > self.fences.get(node, 0)
        self.fences[node] = fence
        if held is not None:
            held.lost = True
            assert lock.history(node)[0].status == "abandoned"
            assert lock.history(node)[0].session_id == held.id
        self.holder[node] = Session(session, owner, node, fence, self.now)
        self.sessions.append(self.holder[node])

    @rule(owner=OWNERS)
    def beat(self, owner: int) -> None:
        keeper = self.locks[owner]._keeper
        held, _, _ = keeper._look()
        keeper._beat(held)
        for session in self.sessions:
            if session.owner == owner and self._may_write(session):
                session.proved_at = self.now

    @rule(owner=OWNERS, node=NODES)
    def hold(self, owner: int, node: str) -> None:
        mine = [s for s in self.sessions if (s.owner, s.node) == (owner, node) and not s.released]
        if mine and self._may_write(mine[-1]):
            self.locks[owner].hold(node)
            mine[-1].proved_at = self.now
        else:
            with pytest.raises(LockLostError):
                self.locks[owner].hold(node)

    @rule(number=st.integers(0, 20), phase=st.text(max_size=3))
    def update_phase(self, number: int, phase: str) -> None:
        if number >= len(self.sessions):
            return
        session = self.sessions[number]
        lock = self.locks[session.owner]
        if self._may_write(session):
            lock.update_phase(session.id, phase)
            session.proved_at = self.now
            record = self.locks[0].holder(session.node)
            assert record is not None
            assert record.phase == phase
        else:
            with pytest.raises(LockLostError):
                lock.update_phase(session.id, phase)

    @rule(number=st.integers(0, 20), by=OWNERS)
    def release(self, number: int, by: int) -> None:
        if number >= len(self.sessions):
            return
        session = self.sessions[number]
        holds = self.holder.get(session.node) is session and by == session.owner and not session.released
        history = self.locks[0].history(session.node)
        assert self.locks[by].release(session.id, "succeeded") is holds
        if holds:
            del self.holder[session.node]
            assert self.locks[0].history(session.node)[0].session_id == session.id
        else:
            assert self.locks[0].history(session.node) == history
        session.released = session.released or by == session.owner

    @rule(seconds=STEPS)
    def elapse(self, seconds: float) -> None:
        self.now += seconds
        self.pass_time(seconds)

    @rule(node=NODES, thief=OWNERS)
    def take_over_while_the_clocks_disagree(self, node: str, thief: int) -> None:
        held = self.holder.get(node)
        if held is None:
            return
        self.age(node, LEASE + 70)
        held.proved_at -= LEASE + 70
        self.acquire(thief, node)
        # Its own clock tells the old session nothing: only the store's answer does.
        self.beat(held.owner)

    @rule()
    def lose_all_data(self) -> None:
        self.lose_data()
        self.holder.clear()
        for lock in self.locks:
            held, _, _ = lock._keeper._look()
            lock._keeper._beat(held)
        for session in self.sessions:
            session.lost = True

    @invariant()
    def only_the_holder_may_write(self) -> None:
        for session in self.sessions:
            try:
                self.locks[session.owner].check(session.id)
                may_write = True
            except LockLostError:
                may_write = False
            assert may_write == self._may_write(session)
            session.lost = session.lost or not may_write
        writers = [session.node for session in self.sessions if not session.lost and not session.released]
        assert len(writers) == len(set(writers))

    @invariant()
    def all_see_the_same_holders(self) -> None:
        seen = {r.node_id: (r.session_id, r.live) for r in self.locks[0].holders()}
        assert seen == {
            node: (session.id, self.now - session.proved_at <= LEASE) for node, session in self.holder.items()
        }

    def _may_write(self, session: Session) -> bool:
        return (
            self.holder.get(session.node) is session
            and not session.lost
            and not session.released
            and self.now - session.proved_at < TRUSTED
        )


class MemoryMachine(LockMachine):
    def set_up(self) -> None:
        store = MemoryLockStore(clock=lambda: 1_700_000_000 + self.now)
        self.store = store
        self.locks = [MemorySyncLock(store, lease_seconds=LEASE, clock=lambda: self.now) for _ in range(3)]

    def age(self, node: str, seconds: float) -> None:
        held = self.store._held[node]
        self.store._held[node] = replace(held, beat_at=held.beat_at - timedelta(seconds=seconds))

    def lose_data(self) -> None:
        self.store._held.clear()
        self.store._history.clear()
        # Real time always passes while data is lost; here it must be made to.
        self.now += 70
        self.store._fences.clear()


class RedisMachine(LockMachine):
    client: redis.Redis
    prefix: str

    def set_up(self) -> None:
        self.lose_data()
        self.locks = [
            RedisSyncLock(self.client, lease_seconds=LEASE, prefix=self.prefix, clock=lambda: self.now)
            for _ in range(3)
        ]

    def pass_time(self, seconds: float) -> None:
        for node in self.holder:
            self.age(node, seconds)

    def age(self, node: str, seconds: float) -> None:
        self.client.hincrby(f"{self.prefix}:{{{node}}}:lock", "beat", -round(seconds * 1000))

    def lose_data(self) -> None:
        keys = list(self.client.scan_iter(match=f"{self.prefix}:*"))
        if keys:
            self.client.delete(*keys)

    def teardown(self) -> None:
        for lock in self.locks:
            lock.close()


@pytest.fixture
def machine_prefix(client: redis.Redis, prefix: str) -> None:
    RedisMachine.client, RedisMachine.prefix = client, prefix


LIMITS = {"deadline": None, "suppress_health_check": list(HealthCheck), "stateful_step_count": 40}


def test_memory_lock_follows_the_model() -> None:
    run_state_machine_as_test(MemoryMachine, settings=settings(max_examples=150, **LIMITS))  # type: ignore[arg-type]


@pytest.mark.usefixtures("machine_prefix")
def test_redis_lock_follows_the_model() -> None:
    run_state_machine_as_test(RedisMachine, settings=settings(max_examples=60, **LIMITS))  # type: ignore[arg-type]
