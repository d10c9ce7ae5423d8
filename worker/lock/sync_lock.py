"""The lock of a node: acquire, hold, tell the phase, release."""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from tasks.clock import boot_seconds
from tasks.errors import LockLostError
from worker.errors import RedisUnavailableError
from worker.lock.held import TRUSTED_SHARE, HeldSession
from worker.lock.keeper import TAKEN, Keeper
from worker.lock.late import LateReleases
from worker.lock.record import NodeBusyError, SessionEndedError, SessionRecord
from worker.lock.store import Beat, Busy, Claim, Ended, LockStore

log = logging.getLogger(__name__)

#: JSON, with what it cannot hold as text.
_dumped = json.JSONEncoder(default=str).encode

#: How a session ends that nobody knew to have begun.
DISCLAIMED = "cancelled"


class SyncLock:
    """Gives each node to one session at a time, among all processes that share the store.

    A session beats by itself until it is released. What is not its node's holder any more finds out by
    `check()` before it writes, and by `on_lost` in between. All methods may be called from any thread.

    What the lock cannot do: a write that was already on its way when the lease ran out still arrives.
    Stores of our own refuse it by the fence; for services, keep `check()` right before each write.
    """

    def __init__(
        self,
        store: LockStore,
        *,
        keeper_store: LockStore | None = None,
        lease_seconds: float = 30.0,
        on_abandoned: Callable[[SessionRecord], None] | None = None,
        clock: Callable[[], float] = boot_seconds,
        forgetful: bool = False,
    ) -> None:
        """`keeper_store` is the same store by a connection that gives up early; `clock` counts seconds.

        `forgetful` is a store that may lose its data while sessions go on.
        `on_abandoned` is told of each dead session whose node this object takes over.
        """
        if lease_seconds <= 0:
            raise ValueError("lease_seconds must be positive")
        self._store = store
        self._keeper_store = keeper_store or store
        self._lease = lease_seconds
        self._on_abandoned = on_abandoned
        self._clock = clock
        self._forgetful = forgetful
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._host = socket.gethostname()
        self._owner = f"{self._host}:{self._pid}:{uuid.uuid4().hex[:12]}"
        self._claiming: set[str] = set()
        self._claim_guard = threading.Lock()
        self._keeper = Keeper(self._keeper_store, lease_seconds=self._lease, clock=self._clock)
        self._late = LateReleases(self._keeper_store, lease_seconds=self._lease, clock=self._clock)

    def _follow_fork(self) -> None:
        if os.getpid() != self._pid:
            self._begin()  # a forked child: its parent's sessions and thread are not its own

    def ready(self) -> None:
        """Start the thread that beats, which the first `acquire` would do else; asks nobody."""
        self._follow_fork()
        self._keeper.start()

    def acquire(self, node_id: str, *, session_id: str | None = None, last_fence: int = 0) -> str:
        """Hold the node for a new session and return the session's id.

        After an error the same `session_id` may be tried again; an id whose session ended may not.
        `last_fence` is the node's largest fence that the caller knows of. The new one is larger, also where the
        store has lost its counter and its clock was ahead before.

        Raises:
            NodeBusyError: another session holds the node.
            SessionEndedError: a session of this id has held the node before.
            RedisUnavailableError: no answer. If Redis did get the command, the node stays taken for a lease, unless
                `disclaim` is called; that is done already where no `session_id` was given.
        """
        if not node_id:
            raise ValueError("node_id must not be empty")
        self._follow_fork()
        may_try_again = session_id is not None
        session_id = session_id or os.urandom(16).hex()
        with self._claim_guard:
            twice = session_id in self._claiming or self._keeper.get(session_id) is not None
            if not twice:
                self._claiming.add(session_id)
        if twice:
            raise self._busy_with(node_id, session_id)
        try:
            return self._acquire(node_id, session_id, last_fence, is_new=not may_try_again)
        except RedisUnavailableError:
            if not may_try_again:
                self.disclaim(node_id, session_id)
            raise
        finally:
            self._claiming.discard(session_id)

    def disclaim(self, node_id: str, session_id: str) -> None:
        """Take back the claim of an `acquire` that was not answered: Redis may have granted it all the same."""
        self._late.add(Beat(session_id, node_id, self._owner, ""), DISCLAIMED, "null")

    def _acquire(self, node_id: str, session_id: str, last_fence: int, *, is_new: bool) -> str:
        self._late.settle(node_id)
        asked_at = self._clock()
        answer = self._store.claim(
            Claim(session_id, node_id, self._owner, self._host, self._pid, self._lease, last_fence, is_new),
        )
        if isinstance(answer, Busy):
            raise NodeBusyError(answer.record)
        if isinstance(answer, Ended):
            raise SessionEndedError(
                f"session {session_id} of node {node_id!r} has ended before: use a new id"
            )
        self._keeper.add(
            HeldSession(
                session_id=session_id,
                node_id=node_id,
                owner=self._owner,
                fence=answer.fence,
                lease_seconds=self._lease,
                deadline=asked_at + TRUSTED_SHARE * self._lease,
                took_over="" if answer.abandoned is None else answer.abandoned.session_id,
            )
        )
        if answer.abandoned is not None:
            self._tell_abandoned(answer.abandoned)
        return session_id

    def hold(self, node_id: str) -> None:
        """Prove, by asking the store, that this object still holds the node, and renew the lease.

        Raises:
            LockLostError: it does not, or it could not be proved because the store did not answer.
        """
        session = self._keeper.newest_of(node_id)
        if session is None:
            raise LockLostError(f"the lock of node {node_id!r} is not held: acquire it first")
        self._check(session)
        try:
            self._prove(session)
        except RedisUnavailableError as error:
            raise LockLostError(f"the lock of node {node_id!r} could not be proved: {error}") from error

    def check(self, session_id: str) -> None:
        """Raise `LockLostError` unless the session may write now. Asks nobody, so it is cheap and exact."""
        self._check(self._session(session_id))

    def note_phase(self, session_id: str, phase: str) -> None:
        """How far the session is; the next heartbeat or its release tells others. Asks nobody, so it is cheap."""
        session = self._keeper.get(session_id)
        if session is not None:
            session.phase = phase

    def update_phase(self, session_id: str, phase: str) -> None:
        """Tell others how far the session is, and renew its lease.

        When the store does not answer, the next heartbeat carries the phase.

        Raises:
            LockLostError: the session does not hold its node any more.
        """
        session = self._session(session_id)
        self._check(session)
        session.phase = phase
        try:
            self._prove(session)
        except RedisUnavailableError as error:
            log.warning("Phase %r of node %r is told later: %s", phase, session.node_id, error)
            self._check(session)

    def release(self, session_id: str, status: str, result: Mapping[str, Any] | None = None) -> bool:
        """End the session and free the node; its record goes to the node's history.

        `result` is kept as JSON; what JSON cannot hold is kept as text. False, and nothing changes, when the
        session does not hold its node (any more) or belongs to another lock object.

        Raises:
            RedisUnavailableError: no answer. It is tried again in the background until the lease has run out.
        """
        text = _dumped(result if result is None else dict(result))
        session = self._keeper.remove(session_id)
        if session is None:
            return False
        try:
            return self._store.release(session.beat(), status, text)
        except RedisUnavailableError:
            self._late.add(session.beat(), status, text)
            raise

    def fence(self, session_id: str) -> int:
        """The session's fencing token: larger than that of any earlier session of the node.

        Raises:
            LockLostError: the session is not of this lock object.
        """
        return self._session(session_id).fence

    def overlap(self, session_id: str, former: str) -> float:
        """Seconds for which writes of a session `former` may still be on their way, which nobody has seen to end.

        None where the store has seen its lease run out, which includes this time. A store that was emptied, or is a
        copy which lacks the last moments, cannot have seen it.

        Raises:
            LockLostError: `session_id` is not of this lock object.
        """
        session = self._session(session_id)
        if not self._forgetful or session.took_over == former:
            return 0.0
        return (1 - TRUSTED_SHARE) * self._lease

    def on_lost(self, session_id: str, callback: Callable[[], None]) -> None:
        """Call `callback` once from the keeper's thread if the session is lost before it is released.

        Raises:
            LockLostError: the session is not of this lock object.
        """
        self._keeper.on_lost(self._session(session_id), callback)

    def holder(self, node_id: str) -> SessionRecord | None:
        """The session that holds the node; one whose lease ran out has `live` False."""
        return self._store.holder(node_id)

    def holders(self) -> list[SessionRecord]:
        """The sessions of all held nodes, in the order of node ids."""
        return self._store.holders()

    def history(self, node_id: str) -> list[SessionRecord]:
        """The node's ended sessions, newest first, at most 100."""
        return self._store.history(node_id)

    def mark(self, node_id: str, text: str) -> None:
        """Keep a text for the node, where its sessions' records are.

        Raises:
            RedisUnavailableError: no answer.
        """
        self._store.mark(node_id, text)

    def marked(self, node_id: str) -> str:
        """The text that was kept last; empty where none was, or it is lost.

        Raises:
            RedisUnavailableError: no answer.
        """
        return self._store.marked(node_id)

    def close(self) -> None:
        """Stop beating. Sessions not released are lost; their nodes are free after the lease."""
        if os.getpid() == self._pid:
            self._keeper.close()
            self._late.close()
        if self._keeper_store is not self._store:
            self._keeper_store.close()

    def _session(self, session_id: str) -> HeldSession:
        session = self._keeper.get(session_id)
        if session is None:
            raise LockLostError(f"session {session_id} holds no lock: it was released, or acquired elsewhere")
        return session

    def _check(self, session: HeldSession) -> None:
        try:
            session.check(self._clock())
        except LockLostError:
            self._keeper.wake()
            raise

    def _prove(self, session: HeldSession) -> None:
        asked_at = self._clock()
        if self._store.beat([session.beat()]) == [True]:
            session.proved(asked_at)
        else:
            session.lose(TAKEN)
        self._check(session)

    def _busy_with(self, node_id: str, session_id: str) -> NodeBusyError | SessionEndedError:
        record = self._store.holder(node_id)
        if record is not None:
            return NodeBusyError(record)
        return SessionEndedError(f"session {session_id} is in use in this process: use a new id")

    def _tell_abandoned(self, record: SessionRecord) -> None:
        log.warning("Took node %r over from a dead %s.", record.node_id, record)
        if self._on_abandoned is None:
            return
        try:
            self._on_abandoned(record)
        except Exception:
            # The node is held and its work can go on: what failed is only the note about the dead session.
            log.exception("The abandoned session %s could not be noted.", record.session_id)
