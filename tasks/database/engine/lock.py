"""The lock of a node, as the engine sees it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, runtime_checkable

from tasks.database.enums import SyncPhase, SyncStatus
from tasks.database.exceptions import NodeLockedError
from tasks.database.records.result import DatabaseResult
from tasks.errors import LockLostError


@runtime_checkable
class SyncLock(Protocol):
    """One session per node."""

    def acquire(self, node_id: str) -> str:
        """Hold the node for a new session and return the session's id."""
        ...

    def hold(self, node_id: str) -> None:
        """Let nobody else process the node's manifests before the transaction that is open ends."""
        ...

    def release(self, session_id: str, status: SyncStatus, result: DatabaseResult | None = None) -> None:
        """End the session and free the node."""
        ...

    def update_phase(self, session_id: str, phase: SyncPhase) -> None:
        """Tell others how far the session is."""
        ...


class SessionLock:
    """Makes an engine's lock of one that leases sessions, such as the worker's `RedisSyncLock`.

    `hold` of a leased lock proves a session of its own, so a node that only answers needs one for as long as it
    processes a manifest: `processing` takes and frees it, and waits a while for another process that has it.

    Args:
        lock: with `acquire(node_id)`, `hold(node_id)`, `release(session_id, status, result)`, `update_phase`.
        busy: the error by which it says that another session holds the node.
        patience: seconds to wait for a manifest's turn.
    """

    def __init__(self, lock: Any, *, busy: type[Exception], patience: float = 30.0) -> None:
        self._lock = lock
        self._busy = busy
        self._patience = patience

    def acquire(self, node_id: str) -> str:
        """Hold the node for a new session and return the session's id.

        Raises:
            NodeLockedError: another session holds the node.
        """
        try:
            return str(self._lock.acquire(node_id))
        except self._busy as error:
            raise NodeLockedError(str(error)) from error

    def hold(self, node_id: str) -> None:
        """Prove that this process still holds the node.

        Raises:
            NodeLockedError: it does not.
        """
        try:
            self._lock.hold(node_id)
        except LockLostError as error:
            raise NodeLockedError(str(error)) from error

    def release(self, session_id: str, status: SyncStatus, result: DatabaseResult | None = None) -> None:
        """End the session and free the node."""
        told = None if result is None else {**result.counts(), "errors": len(result.errors)}
        self._lock.release(session_id, str(status), told)

    def update_phase(self, session_id: str, phase: SyncPhase) -> None:
        """Tell others how far the session is."""
        self._lock.update_phase(session_id, str(phase))

    @contextmanager
    def processing(self, node_id: str) -> Iterator[Callable[[], None]]:
        """Let no other process work on the node's manifests meanwhile; yields what proves that none does.

        Its sessions are apart from those of `acquire`: two nodes may ask each other at the same time.

        Raises:
            NodeLockedError: the node was busy all the time, or, by the proof, the lock was lost.
        """
        serving = f"{node_id}:serving"
        until = time.monotonic() + self._patience
        while True:
            try:
                session_id = self.acquire(serving)
                break
            except NodeLockedError:
                if time.monotonic() >= until:
                    raise
                time.sleep(0.05)
        status = SyncStatus.FAILED
        try:
            yield lambda: self.hold(serving)
            status = SyncStatus.SUCCEEDED
        finally:
            self._lock.release(session_id, str(status))
