"""One task's place in the schedule of a beat, and the message that is sent for one of its runs."""

from __future__ import annotations

from typing import Any

from celery.beat import ScheduleEntry
from celery.schedules import schedule

from worker.schedule.claims import Claim

#: Seconds between two looks at an entry whose next run waits for the end of the present one. They grow from
#: the first to the second.
FIRST_LOOK, LAST_LOOK = 0.5, 10.0
#: A message is sent at once or later again, so that one broken connection does not hold up all entries.
PUBLISH_RETRIES = {"max_retries": 2, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.2}


class Message(ScheduleEntry):
    """What is sent for one claim; the entry that Celery and Sentry see."""

    claim = 0
    sent = False


class SyncEntry(ScheduleEntry):
    """One task's place in the schedule."""

    name: str
    task: str
    schedule: schedule
    options: dict[str, Any]

    def __init__(self, *args: Any, total: int | None = None, periodic: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        #: How many runs there are in all; `None` is without end.
        self.total = total
        #: Whether it has a period. Without one, runs follow each other, and `every` is the time after which
        #: one that did not come to an end is sent again.
        self.periodic = periodic
        #: When the last run was claimed or started, in seconds of the Redis server's clock.
        self.last: float | None = None
        #: Seconds until the next look, while a run is waited for.
        self.look = FIRST_LOOK
        #: The attempt under which this beat asks; the same one until its message is sent.
        self.token = ""
        #: The message that could not be sent yet.
        self.unsent: Message | None = None

    @property
    def every(self) -> float:
        """Seconds between two runs."""
        return float(self.schedule.seconds)

    def message(self, claim: Claim) -> Message:
        """The message of a claim."""
        options = {**self.options, "task_id": claim.message_id, "retry_policy": PUBLISH_RETRIES}
        message = Message(
            name=self.name, task=self.task, schedule=self.schedule, options=options, app=self.app
        )
        message.claim = claim.number
        return message

    def next_look(self) -> float:
        """Seconds until the next look at a run that is waited for."""
        look, self.look = self.look, min(1.5 * self.look, LAST_LOOK)
        return look
