"""What the history of an issue tells of its deletion, which its labels alone do not: pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from tasks.services.github.issue import read_moment
from tasks.services.github.marks import same_label

#: What one write does bears the same time, but for a second or two.
ONE_WRITE = timedelta(seconds=5)


def was_opened_since(events: Iterable[Any], deleted_label: str) -> bool:
    """Whether an issue was opened again after it got the label of a deletion."""
    found = _told(events)
    labelled = _labelled(found, deleted_label)
    return labelled is not None and any(
        event["event"] == "reopened" and moment > labelled for event, moment in found
    )


def was_open(events: Iterable[Any], deleted_label: str) -> bool:
    """Whether it was open until it got that label: then both are one write."""
    found = _told(events)
    labelled = _labelled(found, deleted_label)
    return labelled is None or any(
        event["event"] == "closed" and abs(moment - labelled) <= ONE_WRITE for event, moment in found
    )


def _told(events: Iterable[Any]) -> list[tuple[Mapping[str, Any], datetime]]:
    """The events with their times; those that cannot be read say nothing."""
    found = []
    for event in events:
        try:
            moment = read_moment(event["created_at"])
            if moment is not None and isinstance(event["event"], str):
                found.append((event, moment))
        except (KeyError, TypeError, ValueError):
            continue
    return found


def _labelled(events: Sequence[tuple[Mapping[str, Any], datetime]], deleted_label: str) -> datetime | None:
    """When it got the label last."""
    moments = [
        moment
        for event, moment in events
        if event["event"] == "labeled" and same_label(str(event["label"]["name"]), deleted_label)
    ]
    return max(moments, default=None)
