"""Errors as they travel: a status and a kind, which become the same error on the other node."""

from __future__ import annotations

from tasks.database.exceptions import (
    ClockDriftError,
    HeldLimitError,
    ManifestChecksumError,
    ManifestFieldError,
    MassChangeError,
    NodeLockedError,
    PayloadLimitError,
    RecordFieldError,
    SyncAbortedError,
    SyncError,
    TransportError,
    UnknownNodeError,
)


class UnknownModelError(SyncError):
    """A manifest names a model that the peer does not sync."""


#: What a peer is told, the more special first.
KINDS: tuple[tuple[type[SyncError], int, str], ...] = (
    (UnknownNodeError, 403, "unknown_node"),
    (UnknownModelError, 422, "unknown_model"),
    (PayloadLimitError, 413, "too_large"),
    (ManifestChecksumError, 400, "checksum"),
    (ManifestFieldError, 400, "manifest"),
    (RecordFieldError, 400, "record"),
    (ClockDriftError, 409, "clock_drift"),
    (HeldLimitError, 409, "held_limit"),
    (MassChangeError, 409, "mass_change"),
    (NodeLockedError, 503, "busy"),
)

#: A later try may find the peer well.
TRANSIENT = frozenset({429, 502, 503, 504})


def describe(error: SyncError) -> tuple[int, str, str]:
    """Status, kind and message for an error of this node. What is not about the request stays here."""
    for raised, status, kind in KINDS:
        if isinstance(error, raised):
            return status, kind, str(error)
    if isinstance(error, SyncAbortedError):
        return 503, "unavailable", "the node cannot exchange now: try again later"
    return 400, "refused", str(error)


def restore(status: int, kind: str, message: str) -> SyncError:
    """The error that a peer described."""
    for raised, _, name in KINDS:
        if kind == name:
            return raised(f"the peer refused: {message}")
    if status == 401:
        return UnknownNodeError(
            "the peer refused: it does not know this node, or their secrets or clocks differ"
        )
    if status in TRANSIENT or status >= 500:
        return TransportError(f"the peer answered with {status}: {message}")
    return SyncError(f"the peer refused with {status}: {message}")
