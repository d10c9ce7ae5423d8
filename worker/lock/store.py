"""Where the records of locked nodes are kept: the part of the lock that must be atomic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from worker.lock.record import SessionRecord

#: Ended sessions kept per node.
HISTORY_LENGTH = 100
#: Ended sessions, newest first, among which a repeated command looks for its own session.
HISTORY_SEARCHED = 10


class Claim(NamedTuple):
    """The wish of one owner to hold a node for a new session."""

    session_id: str
    node_id: str
    owner: str
    host: str
    pid: int
    lease_seconds: float
    #: The new session's fence is larger than this one.
    last_fence: int = 0
    #: Whether the session's id was made just now, so that it cannot have ended before.
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Granted:
    """The node is held now; `abandoned` is the dead session that had it before."""

    fence: int
    abandoned: SessionRecord | None = None


@dataclass(frozen=True, slots=True)
class Busy:
    """A live session holds the node."""

    record: SessionRecord


@dataclass(frozen=True, slots=True)
class Ended:
    """The session of the claim has been here before and has ended."""


class Beat(NamedTuple):
    """A sign of life of a session, with its phase."""

    session_id: str
    node_id: str
    owner: str
    phase: str


class LockStore(Protocol):
    """Atomic steps on the records. Each gives the same answer when it is run twice.

    A session is told by its id *and* owner, so an id that two processes share (a message delivered twice)
    still gives the node to one of them only. Each step raises `RedisUnavailableError` when it was not
    answered.
    """

    def claim(self, claim: Claim) -> Granted | Busy | Ended:
        """Take the node if it is free or its session's lease ran out; the latter goes to the history."""

    def beat(self, beats: Sequence[Beat]) -> list[bool]:
        """Renew leases; for each beat, whether the session still holds its node."""

    def release(self, session: Beat, status: str, result: str) -> bool:
        """End a session: record to the history, node free. False, and no change, for one that does not hold.

        `result` is a JSON text.
        """

    def holder(self, node_id: str) -> SessionRecord | None:
        """The session that holds the node, live or not; `None` when it is free."""

    def holders(self) -> list[SessionRecord]:
        """The sessions of all held nodes, in the order of node ids."""

    def history(self, node_id: str) -> list[SessionRecord]:
        """Ended sessions of the node, newest first."""

    def mark(self, node_id: str, text: str) -> None:
        """Keep a text of the caller's for the node, instead of the one before."""

    def marked(self, node_id: str) -> str:
        """The text that was kept last; empty where none was."""

    def close(self) -> None:
        """Give connections back."""
