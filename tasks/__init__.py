"""What is synced: any two sides (`TwoWay`, or `SyncTask` with both in one class), or databases with each other.

>>> from tasks import SyncTask, TwoWay, all_tasks, run_all_tasks

A task has a name and a schedule; `all_tasks` holds those that were scheduled. Nothing here knows Celery or Redis: how
tasks are run, and where their state is kept, is `worker`.
"""

from tasks import lean_http  # noqa: F401  before all others

# isort: split
from tasks.conflict_modes import ConflictMode
from tasks.dispute import Dispute
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
from tasks.merge import UNRESOLVED
from tasks.schedule import Schedule
from tasks.scheduled import all_tasks, run_all_tasks
from tasks.sides import ID, Side
from tasks.sides.listing import Changes, Listing
from tasks.sync_task.task import SyncTask
from tasks.two_way import TwoWay
from tasks.values.date_range import DateRange
from tasks.values.file import File
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
    "File",
    "ItemError",
    "Listing",
    "LockLostError",
    "Lossy",
    "Opaque",
    "OutcomeUnknownError",
    "PreconditionError",
    "Schedule",
    "Side",
    "SideError",
    "State",
    "StateError",
    "SyncTask",
    "TaskDefinitionError",
    "TaskError",
    "TwoWay",
    "UnfitError",
    "all_tasks",
    "run_all_tasks",
]
