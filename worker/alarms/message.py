"""The words in which an alert is told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from worker.alarms.alarm import Severity
from worker.alarms.course import Stage
from worker.alarms.ledger import Message
from worker.telling.numbers import some

#: Alerts that one message names; more of them are counted.
NAMED = 20


def sentence(message: Message) -> str:
    """One alert, in a line."""
    alert = message.alert
    alarm = alert.alarm
    if message.stage is Stage.OVER:
        end = alert.over_at or alert.seen_at
        return f"Over, after {lasted(alert.began_at, end)}: {alarm.text}"
    since = f" (since {alert.began_at:%Y-%m-%d %H:%M} UTC)" if message.stage is Stage.AGAIN else ""
    return f"{alarm.text}{since} {alarm.mend}."


def title(messages: Sequence[Message]) -> str:
    """What a message is about, in a few words."""
    going = [each for each in messages if each.stage is not Stage.OVER]
    if len(messages) > 1:
        told = [some(len(going), "alert")] if going else []
        told += [f"{len(messages) - len(going)} over"] if len(going) < len(messages) else []
        return f"Lockstep: {', '.join(told)}"
    alarm = messages[0].alert.alarm
    about = f"{alarm.kind} of {alarm.task}" if alarm.task else str(alarm.kind)
    how = {Stage.BEGIN: str(alarm.severity), Stage.AGAIN: "still", Stage.OVER: "over"}[messages[0].stage]
    return f"Lockstep: {about}, {how}"


def body(messages: Sequence[Message]) -> str:
    """The whole message; the worst comes first."""
    ordered = sorted(
        messages,
        key=lambda each: (each.stage is Stage.OVER, each.alert.alarm.severity is not Severity.CRITICAL),
    )
    lines = [sentence(each) for each in ordered[:NAMED]]
    if len(ordered) > NAMED:
        lines.append(f"And {len(ordered) - NAMED} more: lockstep alerts")
    return "\n".join(lines)


def lasted(began: datetime, end: datetime) -> str:
    """How long something was so, in the unit that makes a small number of it."""
    minutes = max((end - began).total_seconds(), 0.0) / 60
    if minutes < 120:
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.0f} h" if minutes < 48 * 60 else f"{minutes / 1440:.0f} days"
