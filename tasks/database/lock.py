"""The lock of a node, as the engine sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from tasks.database.enums import SyncPhase, SyncStatus
    from tasks.database.result import DatabaseResult


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
