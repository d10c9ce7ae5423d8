"""One task's place in the schedule of a beat, and the message that is sent for one of its runs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from celery.beat import ScheduleEntry
from celery.schedules import schedule

from tasks.schedule import Schedule, next_turn
from worker.schedule.claims import At, Claim

#: Seconds between two looks at an entry whose next run waits for the end of the present one. They grow from
#: the first to the second.
FIRST_LOOK, LAST_LOOK = 0.5, 10.0
#: Seconds until a turn that no calendar has.
FAR = 50 * 365 * 86_400.0
#: A message is sent at once or later again, so that one broken connection does not hold up all entries.
PUBLISH_RETRIES = {"max_retries": 2, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.2}


class Message(ScheduleEntry):
    """What is sent for one claim; the entry that Celery and Sentry see."""

    claim = 0
    sent = False
    #: Why it could not be sent.
    refusal = ""


class SyncEntry(ScheduleEntry):
    """One task's place in the schedule."""

    name: str
    task: str
    schedule: schedule
    options: dict[str, Any]

    def __init__(
        self,
        *args: Any,
        total: int | None = None,
        periodic: bool = True,
        plan: Schedule | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        #: What it was made of, where more than a period decides when the next run is.
        self.timing = None if plan is None or plan.is_plain else plan
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

    @property
    def made_of(self) -> tuple[Any, ...]:
        """What an entry that is to run alike has as well."""
        return self.task, self.every, self.total, self.periodic, self.timing

    def take_over(self, old: SyncEntry) -> None:
        """Go on where an entry of the same name was, whose schedule this one replaces."""
        self.last, self.look, self.token, self.unsent = old.last, old.look, old.token, old.unsent

    @property
    def counted(self) -> float | None:
        """Seconds between two of its runs, where that is known."""
        known = self.periodic and (self.timing is None or self.timing.every is not None)
        return self.every if known else None

    def quiet_until(self, now: float) -> float:
        """Until when nothing may be started, by a clock that shows `now`, in seconds; that is `now` if it may."""
        quiet = None if self.timing is None else self.timing.quiet_hours
        return now if quiet is None else max(now, quiet.end(_moment(now)).timestamp())

    def turn(self) -> At | None:
        """When the next run is due, where that is not one period after the last one, or at once."""
        timing, last = self.timing, self.last
        if timing is None or not timing.recurs:
            return None
        if last is None:
            return None if timing.cron is None else At()
        found = next_turn(timing, _moment(last), self.name)
        if found is None:
            return At(last + FAR)
        return At(found.at.timestamp(), None if found.until is None else found.until.timestamp())

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


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
