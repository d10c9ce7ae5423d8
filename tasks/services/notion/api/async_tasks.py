"""Writes that Notion accepts at once and carries out later: when to ask for one, and what came of it. Pure."""

from __future__ import annotations

from typing import Any

from tasks.errors import OutcomeUnknownError
from tasks.services.notion.api.answers import RefusedError

Json = dict[str, Any]

#: Seconds between two questions: as Notion says, but no fewer and no more.
POLL = (0.5, 30.0)
#: Refusals of which nobody knows whether they would be made again.
_PASSING = (408, 409, 425, 429)


def is_over(task: Json) -> bool:
    """Whether it was carried out, or failed."""
    return task.get("status") in ("succeeded", "failed")


def pause(task: Json) -> float:
    """Seconds until Notion is to be asked again."""
    asked = task.get("poll_after_seconds")
    return min(max(float(asked) if isinstance(asked, int | float) else 0.0, POLL[0]), POLL[1])


def result(task: Json, subject: str) -> Json:
    """The answer that the request would have had.

    Raises:
        RefusedError: Notion refused it.
        OutcomeUnknownError: it failed, perhaps half-way.
    """
    if task["status"] == "succeeded":
        return task.get("result") or {}
    told = task.get("error") or {}
    reason, status = str(told.get("message")), told.get("status")
    if isinstance(status, int) and 400 <= status < 500 and status not in _PASSING:
        raise RefusedError(reason, status=status, code=told.get("code"), subject=subject)
    raise OutcomeUnknownError(
        f"{subject}: Notion accepted the write and did not carry it out whole ({reason})"
    )
