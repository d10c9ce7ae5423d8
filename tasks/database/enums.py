"""How far a sync is, and how it ended."""

from __future__ import annotations

from enum import StrEnum


class SyncPhase(StrEnum):
    """What a session is doing, as others can see it."""

    COLLECTING = "collecting"
    EXCHANGING = "exchanging"
    RECONCILING = "reconciling"
    COMMITTING = "committing"
    COMPLETE = "complete"


class SyncStage(StrEnum):
    """The part of the work that `progress` counts."""

    VALIDATE = "validate"
    CLASSIFY = "classify"
    MUTATE = "mutate"


class SyncStatus(StrEnum):
    """How a session ended."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    #: It can be tried again as it is: the peer was away, or busy.
    ABORTED = "aborted"
    FAILED = "failed"
