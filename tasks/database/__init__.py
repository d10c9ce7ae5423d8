"""Database nodes: tables of the same shape on several machines, kept in step with each other.

*node*         a database that takes part; a session of it exchanges manifests with one peer after another.
*record*       a row as it travels: values, and for each the stamp of its last edit.
*stamp*        the time of an edit by a hybrid logical clock; the newer one wins, field by field.
*tombstone*    the stamp of a deletion.
*arrival*      the place of a change in a node's own order, by which its peers read on.
*checkpoint*   how far a node has read of a peer, kept in one transaction with what was read.
*manifest*     what one node sends another in an exchange.
*held*         what came, or is to go, and cannot be applied: named on both nodes, and stopping nothing else.
"""

from __future__ import annotations

from tasks.database.deciding.reconciler import PayloadReconciler, ReconciliationResult
from tasks.database.engine.engine import DatabaseEngine
from tasks.database.engine.lock import SessionLock, SyncLock
from tasks.database.enums import SyncPhase, SyncStage, SyncStatus
from tasks.database.exceptions import SyncAbortedError, SyncError
from tasks.database.records.clock import HybridLogicalClock
from tasks.database.records.conflict import (
    ConflictResolver,
    ConflictType,
    FieldConflict,
    FieldOwnershipWins,
    FieldTimestampWins,
    LocalWins,
    RecordConflict,
    RecordResolution,
    RemoteWins,
    ResolutionSource,
)
from tasks.database.records.graph import DependencyGraph
from tasks.database.records.manifest import ModelPayload, SyncManifest
from tasks.database.records.record import SyncRecord
from tasks.database.records.result import ConflictEntry, DatabaseResult
from tasks.database.records.tracker import FieldUpdateTracker
from tasks.database.storages.memory import MemoryStorage
from tasks.database.storages.storage import ArrivalStorage, DatabaseSyncStorage, Tombstone
from tasks.database.transport import MemoryTransport, Transport

__all__ = [
    "ArrivalStorage",
    "ConflictEntry",
    "ConflictResolver",
    "ConflictType",
    "DatabaseEngine",
    "DatabaseResult",
    "DatabaseSyncStorage",
    "DependencyGraph",
    "FieldConflict",
    "FieldOwnershipWins",
    "FieldTimestampWins",
    "FieldUpdateTracker",
    "HybridLogicalClock",
    "LocalWins",
    "MemoryStorage",
    "MemoryTransport",
    "ModelPayload",
    "PayloadReconciler",
    "ReconciliationResult",
    "RecordConflict",
    "RecordResolution",
    "RemoteWins",
    "ResolutionSource",
    "SessionLock",
    "SyncAbortedError",
    "SyncError",
    "SyncLock",
    "SyncManifest",
    "SyncPhase",
    "SyncRecord",
    "SyncStage",
    "SyncStatus",
    "Tombstone",
    "Transport",
]
