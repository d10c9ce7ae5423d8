"""What becomes of the states that are kept, after one more look: a pure function.

A state is told when it has lasted as long as its kind has to, again after a day, and once more when it is over; one
that goes before it was told was nothing. Where it cannot be said whether there is one, nothing changes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from worker.alarms.alarm import HOLD, Alarm, Kind
from worker.alarms.judging import Judged

#: When a state that lasts is told again.
AGAIN = timedelta(days=1)
#: Where nobody has looked for so long, nothing is known of what was in between.
GAP = timedelta(minutes=5)


class Stage(StrEnum):
    """Where in its course a state is told."""

    BEGIN = "begin"
    AGAIN = "again"
    OVER = "over"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A state as it is kept, from its begin to its end."""

    id: int
    alarm: Alarm
    began_at: datetime
    #: When it was so last.
    seen_at: datetime
    #: When it was told last; `None`: it has not lasted long enough yet.
    told_at: datetime | None = None
    over_at: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        """For scripts."""
        alarm = self.alarm
        return {
            "key": alarm.key,
            "kind": alarm.kind,
            "task": alarm.task,
            "severity": alarm.severity,
            "text": alarm.text,
            "mend": alarm.mend,
            "began_at": self.began_at,
            "told_at": self.told_at,
            "over_at": self.over_at,
        }


@dataclass(slots=True)
class Course:
    """What is to be done about the states that are kept."""

    #: New ones; whether each is told at once.
    begin: list[tuple[Alarm, bool]] = field(default_factory=list)
    #: Those that are so still, with how they are now, since when they count, and how they are told, if they are.
    last: list[tuple[Alert, Alarm, datetime, Stage | None]] = field(default_factory=list)
    #: Those that went before they were told.
    drop: list[Alert] = field(default_factory=list)
    #: Those that are over.
    end: list[Alert] = field(default_factory=list)


def course(known: Iterable[Alert], judged: Judged, now: datetime) -> Course:
    """What becomes of those that are known.

    Args:
        known: the open ones, each key once.
        judged: what there is now.
        now: the time of that.
    """
    made, met = Course(), set()
    for alert in known:
        met.add(alert.alarm.key)
        alarm = judged.alarms.get(alert.alarm.key)
        if alarm is not None:
            made.last.append(_lasting(alert, alarm, now))
        elif alert.alarm.kind in judged.unknown:
            continue
        elif alert.told_at is None:
            made.drop.append(alert)
        elif now - alert.seen_at >= _hold(alert.alarm.kind):
            made.end.append(alert)
    made.begin = [
        (alarm, _hold(alarm.kind) == timedelta(0)) for key, alarm in judged.alarms.items() if key not in met
    ]
    return made


def _lasting(alert: Alert, alarm: Alarm, now: datetime) -> tuple[Alert, Alarm, datetime, Stage | None]:
    began = alert.began_at
    if alert.told_at is None:
        if now - alert.seen_at > GAP:
            began = now
        told = Stage.BEGIN if now - began >= _hold(alarm.kind) else None
    else:
        told = Stage.AGAIN if now - alert.told_at >= AGAIN else None
    return alert, alarm, began, told


def _hold(kind: Kind) -> timedelta:
    return HOLD.get(kind, timedelta(0))
