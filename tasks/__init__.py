"""What is synced: write a `SyncTask`, schedule it, and let the workers keep both sides in step.

>>> from tasks import SyncTask, all_tasks, run_all_tasks
"""

from tasks.date_range import DateRange
from tasks.errors import (
    CursorExpiredError,
    ItemError,
    LockLostError,
    OutcomeUnknownError,
    PreconditionError,
    SideError,
    StateError,
    TaskDefinitionError,
    TaskError,
    UnfitError,
)
from tasks.listing import Changes, Listing
from tasks.lossy import Lossy
from tasks.merge import UNRESOLVED, Dispute
from tasks.opaque import Opaque
from tasks.schedule import Schedule
from tasks.state import State
from tasks.sync_task import ID, ConflictMode, SyncTask, all_tasks, run_all_tasks

__all__ = [
    "ID",
    "UNRESOLVED",
    "Changes",
    "ConflictMode",
    "CursorExpiredError",
    "DateRange",
    "Dispute",
    "ItemError",
    "Listing",
    "LockLostError",
    "Lossy",
    "Opaque",
    "OutcomeUnknownError",
    "PreconditionError",
    "Schedule",
    "SideError",
    "State",
    "StateError",
    "SyncTask",
    "TaskDefinitionError",
    "TaskError",
    "UnfitError",
    "all_tasks",
    "run_all_tasks",
]
