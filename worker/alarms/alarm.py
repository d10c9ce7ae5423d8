"""One state that a person must hear of, as data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Severity(StrEnum):
    """How soon somebody has to look."""

    #: In working hours: the rest goes on.
    WARNING = "warning"
    #: Now: something stands still.
    CRITICAL = "critical"


class Kind(StrEnum):
    """What is wrong."""

    #: A task has not succeeded for some periods.
    STALE = "stale"
    #: A guard stopped a task's run, and its plan waits for a person.
    HALTED = "halted"
    #: Conflicts of the mode `error` wait for a person.
    CONFLICTS = "conflicts"
    #: Objects failed so often that they are tried once a day only.
    QUARANTINE = "quarantine"
    #: A token of one of a task's services expires soon.
    LOGIN = "login"
    #: No scheduler gives signs of life.
    SCHEDULER = "scheduler"
    #: No worker gives signs of life, or none takes messages.
    WORKERS = "workers"
    #: More is due than is made.
    QUEUE = "queue"
    #: Redis does not answer, or takes no writes.
    REDIS = "redis"
    #: The database cannot be read or takes no writes.
    DATABASE = "database"


#: How long a state must last before it is told, and be over before its end is: what goes back and forth is told once.
#: The others are as they are until a run or a person changes them.
HOLD = {
    Kind.SCHEDULER: timedelta(minutes=4),  # beside the minute for which nobody is missed
    Kind.WORKERS: timedelta(minutes=4),
    Kind.QUEUE: timedelta(minutes=10),
    Kind.REDIS: timedelta(minutes=2),
    Kind.DATABASE: timedelta(minutes=2),
}


#: Letters of a key that the database keeps.
LONGEST = 500


@dataclass(frozen=True, slots=True)
class Alarm:
    """One state as it is now. It holds no titles and no values: alerts go to services of others."""

    kind: Kind
    severity: Severity
    #: What is wrong, in a sentence.
    text: str
    #: What to do about it.
    mend: str
    #: The task that it is about; `None`: all of them.
    task: str | None = None
    #: Tells several of a kind and task apart, such as a side's name.
    part: str = ""

    @property
    def key(self) -> str:
        """The same for as long as the state lasts, whatever changes in its words."""
        return ":".join(part for part in (self.kind, self.task or "", self.part) if part)[:LONGEST]

    @property
    def hold(self) -> timedelta:
        """How long it must last, and be over, before that is told."""
        return HOLD.get(self.kind, timedelta(0))
