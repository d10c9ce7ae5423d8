"""How manifests get to a peer and back."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from tasks.database.records.manifest import SyncManifest
from tasks.database.transport.memory import MemoryTransport

__all__ = ["MemoryTransport", "Transport"]


@runtime_checkable
class Transport(Protocol):
    """Carries one manifest to the peer and brings its answer.

    One that also has `begin(manifest)`, which returns what waits for the answer, is asked for the next page while
    the one before is written.
    """

    def exchange(self, manifest: SyncManifest) -> SyncManifest:
        """The peer's answer.

        Raises:
            TransportError: no answer came, though the peer may have taken the manifest; a later run may mend it.
            SyncError: the peer refused the manifest.
        """
        ...
