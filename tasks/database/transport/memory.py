"""A peer in the same process."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tasks.database.records.manifest import SyncManifest


class MemoryTransport:
    """Hands manifests to another engine's `process`, as JSON, so that nothing is shared by accident."""

    def __init__(self, process: Callable[[SyncManifest], tuple[SyncManifest, Any]]) -> None:
        self._process = process

    def exchange(self, manifest: SyncManifest) -> SyncManifest:
        """The answer of the other engine."""
        answer, _ = self._process(_copied(manifest))
        return _copied(answer)


def _copied(manifest: SyncManifest) -> SyncManifest:
    return SyncManifest.from_dict(json.loads(json.dumps(manifest.to_dict())))
