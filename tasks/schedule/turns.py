"""When the next turn of a task is: pure, so that any number of schedulers find the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from tasks.errors import TaskDefinitionError
from tasks.schedule.schedule import Schedule

#: By how much a turn may be late before it counts as missed: a scheduler that is restarted is away for less.
MISSED = timedelta(seconds=60)
#: Any moment will do to see whether a turn ever comes.
_ANY = datetime(2024, 1, 1, tzinfo=UTC)
#: Turns that are looked at for one that is not in quiet hours. With one a day, that is more than two years.
_TURNS = 800
#: Quiet hours that are passed with the delay at their end; one that is longer than what lies between is left out.
_REMOVALS = 20


@dataclass(frozen=True, slots=True)
class Turn:
    """One start that is due."""

    #: Not before.
    at: datetime
    #: Not after; then it was missed, and is left out. `None`: it is made up for whenever that is.
    until: datetime | None = None


def next_turn(schedule: Schedule, last: datetime, name: str) -> Turn | None:
    """The turn after the one that was taken at `last`; `None` where there is none by the clock.

    Arguments:
        schedule: Of the task.
        last: When its last turn was taken, or since when it is known to the schedule.
        name: Its name; the delay of each turn is made of it.
    """
    skips = schedule.catch_up == "skip"
    quiet = schedule.quiet_hours
    nominal = _following(schedule, last)
    for _ in range(_TURNS):
        if nominal is None:
            return None
        delay = delay_of(schedule.jitter, name, nominal)
        at = nominal + delay
        if quiet is None or not quiet.has(at):
            return Turn(at, at + MISSED if skips else None)
        if not skips:
            for _ in range(_REMOVALS):
                at = quiet.end(at) + delay
                if not quiet.has(at):
                    return Turn(at)
            return Turn(quiet.end(at))
        nominal = _from(schedule, last, quiet.end(at))
    return None


def checked(schedule: Schedule) -> Schedule:
    """The schedule, if its parts go together and a turn ever comes.

    Raises:
        TaskDefinitionError: they do not, or none does.
    """
    schedule.check()
    if schedule.recurs and next_turn(schedule, _ANY, "") is None:
        raise TaskDefinitionError(
            'it would never run: all its times are in its quiet hours, and catch_up = "skip" leaves them out'
        )
    return schedule


def delay_of(jitter: timedelta, name: str, nominal: datetime) -> timedelta:
    """By how much one turn is put off: the same whoever asks, other for each task and turn, at most `jitter`."""
    if not jitter:
        return timedelta(0)
    digest = sha256(f"{name}\0{nominal.timestamp():.3f}".encode()).digest()
    return jitter * (int.from_bytes(digest[:6]) / 2**48)


def _following(schedule: Schedule, last: datetime) -> datetime | None:
    """The first time after `last` that the schedule says."""
    if schedule.calendar is not None:
        return schedule.calendar.after(last)
    return None if schedule.every is None else last.astimezone(UTC) + schedule.every


def _from(schedule: Schedule, last: datetime, moment: datetime) -> datetime | None:
    """The first time after `last` that is not before `moment`."""
    if schedule.calendar is not None:
        return schedule.calendar.after(moment - timedelta(microseconds=1))
    if schedule.every is None:
        return None
    return last.astimezone(UTC) + schedule.every * -((last - moment) // schedule.every)
