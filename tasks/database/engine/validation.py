"""What an engine takes: parameters from its program, manifests from its peers."""

from __future__ import annotations

import json

from tasks.database.exceptions import (
    ClockDriftError,
    InvalidParameterError,
    ManifestChecksumError,
    PayloadLimitError,
)
from tasks.database.records.clock import COUNTER_BITS, HybridLogicalClock
from tasks.database.records.manifest import SyncManifest
from tasks.database.records.record import STAMP_MAX


def check_parameters(
    node_id: str,
    identity_field: str,
    batch_bytes: int | None,
    batch_size: int | None,
    clock_drift_max: int | None,
    payload_bytes_max: int | None,
    payload_records_max: int | None,
    record_bytes_max: int | None,
) -> None:
    """Refuse what cannot work.

    Raises:
        InvalidParameterError: a value does not fit.
    """
    if not node_id:
        raise InvalidParameterError("node_id must be a non-empty string")
    if not identity_field:
        raise InvalidParameterError("identity_field must be a non-empty string")
    for name, value in (
        ("batch_bytes", batch_bytes),
        ("batch_size", batch_size),
        ("payload_bytes_max", payload_bytes_max),
        ("payload_records_max", payload_records_max),
        ("record_bytes_max", record_bytes_max),
    ):
        if value is not None and value < 1:
            raise InvalidParameterError(f"{name} must be >= 1 or None, got {value}")
    if clock_drift_max is not None and clock_drift_max < 0:
        raise InvalidParameterError(f"clock_drift_max must be non-negative or None, got {clock_drift_max}")


class Limits:
    """Which manifests of peers are taken."""

    def __init__(
        self,
        clock: HybridLogicalClock,
        clock_drift_max: int | None,
        payload_bytes_max: int | None,
        payload_records_max: int | None,
    ) -> None:
        self._clock = clock
        self._drift = clock_drift_max
        self._bytes = payload_bytes_max
        self._records = payload_records_max

    def stamp_max(self) -> int:
        """The largest stamp that is taken now; never one that leaves the clock no room."""
        room = STAMP_MAX >> 1
        if self._drift is None:
            return room
        return min(room, (self._clock.wall() + self._drift * 1000) << COUNTER_BITS)

    def known_max(self) -> int:
        """The largest stamp that a peer may have taken: its clock may be ahead of this one as far as a stamp of it."""
        room = STAMP_MAX >> 1
        if self._drift is None:
            return room
        return min(room, (self._clock.wall() + 2 * self._drift * 1000) << COUNTER_BITS)

    def apart(self, seconds: int) -> bool:
        """Whether clocks that are so far apart are not allowed."""
        return self._drift is not None and seconds > self._drift

    def check(self, manifest: SyncManifest) -> None:
        """Refuse a manifest that is damaged, too large or of the future.

        A clock that is behind is no fault: only stamps from the future do harm.

        Raises:
            ManifestChecksumError: the checksum is missing or wrong.
            ClockDriftError: the peer's clock is too far ahead.
            PayloadLimitError: there is too much in it.
        """
        count = sum(len(payload.records) + len(payload.deletes) for payload in manifest.payloads)
        if self._records is not None and count > self._records:
            raise PayloadLimitError(f"the manifest holds {count} records, more than {self._records}")
        if self._bytes is not None:
            size = len(json.dumps([payload.to_dict() for payload in manifest.payloads]).encode())
            if size > self._bytes:
                raise PayloadLimitError(f"the manifest holds {size} bytes, more than {self._bytes}")
        if not (manifest.intact or manifest.verify()):
            raise ManifestChecksumError(f"the manifest of node {manifest.node_id!r} has no right checksum")
        ahead = manifest.node_time - self._clock.wall() // 1000
        if self.apart(ahead):
            raise ClockDriftError(
                f"the clock of node {manifest.node_id!r} is {ahead} s ahead of this node's, more than {self._drift} s"
            )
