"""What is known of one session of a node, as others can read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from worker.errors import WorkerError

#: Status of a session that has not been released.
RUNNING = "running"
#: Status of a session whose lease ran out and whose node was taken over.
ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """One session: who holds or held the node, since when, and how far it got."""

    session_id: str
    node_id: str
    #: The lock object that acquired the session; unique among all processes.
    owner: str
    host: str
    pid: int
    #: Grows with every session of the node: a store refuses writes that carry a smaller one.
    fence: int
    phase: str
    started_at: datetime
    #: The last sign of life.
    beat_at: datetime
    #: Seconds after `beat_at` from which another may take the node over.
    lease_seconds: float
    #: `running`, `abandoned`, or what the holder gave when it released the node.
    status: str = RUNNING
    result: Mapping[str, Any] | None = None
    ended_at: datetime | None = None
    #: Whether it held the node, with its lease not run out, when this record was read.
    live: bool = False

    def __str__(self) -> str:
        return (
            f"session {self.session_id} of {self.host} (pid {self.pid}), in phase {self.phase or 'start'!r}, "
            f"since {self.started_at:%Y-%m-%d %H:%M:%S} UTC, last seen {self.beat_at:%H:%M:%S}"
        )


class NodeBusyError(WorkerError):
    """Another session holds the node; `record` is that session."""

    def __init__(self, record: SessionRecord) -> None:
        super().__init__(f"node {record.node_id!r} is busy: {record}")
        self.record = record

    def __reduce__(self) -> tuple[type[NodeBusyError], tuple[SessionRecord]]:
        return type(self), (self.record,)


class SessionEndedError(WorkerError):
    """A session id was used again after its session had ended."""


def at(milliseconds: float) -> datetime:
    """The time `milliseconds` after the epoch, in UTC."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
