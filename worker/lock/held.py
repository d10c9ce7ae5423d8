"""One session as its own holder sees it: how long it may trust that the node is still its own."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from tasks.errors import LockLostError
from worker.lock.store import Beat

log = logging.getLogger(__name__)

#: Share of the lease for which an answered beat is trusted. The rest covers clocks that run unlike and the
#: time between the last check and the write that follows it.
TRUSTED_SHARE = 0.8


@dataclass(slots=True, eq=False)
class HeldSession:
    """A session that this process acquired. Once lost it stays lost, even if nobody took the node over."""

    session_id: str
    node_id: str
    owner: str
    fence: int
    lease_seconds: float
    #: Time of the local clock until which the last answered beat is trusted.
    deadline: float
    phase: str = ""
    #: The dead session that had the node before, where the store has seen its lease run out.
    took_over: str = ""
    #: Why it was lost; empty while it is held.
    lost: str = ""
    #: To be called once, when it is lost.
    callbacks: list[Callable[[], None]] = field(default_factory=list)

    def beat(self) -> Beat:
        """A sign of life to send."""
        return Beat(self.session_id, self.node_id, self.owner, self.phase)

    def proved(self, asked_at: float) -> None:
        """Note an answered beat; `asked_at` was read *before* it was sent, so a slow answer proves less."""
        self.deadline = max(self.deadline, asked_at + TRUSTED_SHARE * self.lease_seconds)

    def lose(self, reason: str) -> None:
        """Note that the node is not, or can no longer be trusted to be, this session's."""
        self.lost = self.lost or reason

    def check(self, now: float) -> None:
        """Raise `LockLostError` when the session is lost or was not proved for too long."""
        if now >= self.deadline:
            self.lose(
                f"no heartbeat was answered within {TRUSTED_SHARE * self.lease_seconds:g} s: this process "
                "stood still or Redis was out of reach, and another worker may have taken over"
            )
        if self.lost:
            raise LockLostError(f"the lock of node {self.node_id!r} was lost: {self.lost}")

    def announce(self) -> None:
        """Call the callbacks; a failing one is logged and does not keep the others back."""
        while self.callbacks:
            callback = self.callbacks.pop(0)
            try:
                callback()
            except Exception:
                log.exception("A callback for the lost lock of node %r failed.", self.node_id)
