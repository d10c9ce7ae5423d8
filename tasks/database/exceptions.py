"""What can go wrong between database nodes. What a next run may mend is a `SyncAbortedError`."""

from __future__ import annotations

from typing import Any

from tasks.errors import TaskError


class SyncError(TaskError):
    """Base of all foreseen errors of database nodes."""


class InvalidParameterError(SyncError, ValueError):
    """A value given by the program does not fit."""


class UnknownDependencyError(InvalidParameterError):
    """A model depends on one that the graph does not name."""


class CircularDependencyError(InvalidParameterError):
    """Models depend on each other in a circle: one of the edges must be deferred."""


class TransportRequiredError(InvalidParameterError):
    """`sync()` was called on an engine without a transport."""


class ManifestFieldError(SyncError, ValueError):
    """A manifest or payload has a field that is missing or wrong."""


class RecordFieldError(SyncError, ValueError):
    """A record has a field that is missing or wrong."""


class PayloadLimitError(SyncError):
    """A manifest holds more records or bytes than this node takes at once."""


class UnknownNodeError(SyncError):
    """A node that is not known here asked for an exchange."""


class NotRestampableError(SyncError):
    """Stamps cannot be taken back here, or not now."""


class SyncAbortedError(SyncError):
    """This run could not end; a later one may."""


class ManifestChecksumError(SyncAbortedError):
    """A manifest is not what its sender signed with the checksum, or has none: it was damaged on the way."""


class ClockDriftError(SyncAbortedError):
    """A peer's clock is too far ahead."""


class TransportError(SyncAbortedError):
    """The peer could not be reached, or its answer did not arrive."""


class NodeLockedError(SyncAbortedError):
    """Another session holds the node."""


class MassChangeError(SyncAbortedError):
    """A run would destroy so much on a node that a person has to say so first.

    Args:
        message: what it would do.
        changes: the same in detail, as `tasks.database.storages.guard.MassChange`; none where the peer has refused.
    """

    def __init__(self, message: str, changes: tuple[Any, ...] = ()) -> None:
        super().__init__(message)
        self.changes = changes


class HeldLimitError(SyncAbortedError):
    """Too many records could not be applied; before they are mended, nothing more is taken."""
