"""What is synced: write a `SyncTask`, schedule it, and let the workers keep both sides in step.

>>> from tasks import SyncTask, all_tasks, run_all_tasks
"""

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
from tasks.journal.state import State
from tasks.merge import UNRESOLVED, Dispute
from tasks.schedule import Schedule
from tasks.sides.listing import Changes, Listing
from tasks.sync_task.task import ID, ConflictMode, SyncTask, all_tasks, run_all_tasks
from tasks.values.date_range import DateRange
from tasks.values.lossy import Lossy
from tasks.values.opaque import Opaque

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
