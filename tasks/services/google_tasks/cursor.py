"""Where the changes of a task list start, by Google's own clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tasks.errors import CursorExpiredError
from tasks.services.google_tasks.task_list import ListInfo

#: What is read again of the time before a cursor: an edit may be shown a little later than its stamp says.
OVERLAP = timedelta(minutes=2)


def cursor_of(before: ListInfo) -> Any:
    """A cursor for all that changes after a list was as it says; `None` where Google does not say when that was."""
    if before.updated is None:
        return None
    since = (before.updated - OVERLAP).isoformat()
    return {"list": before.id, "since": since, "version": before.etag}


def read_cursor(cursor: Any, list_id: str) -> tuple[datetime, str | None]:
    """From when on changes are to be read, and the version that the list had.

    Raises:
        CursorExpiredError: it is of another list, or none of ours.
    """
    try:
        since = datetime.fromisoformat(cursor["since"]).astimezone(UTC)
        of_list, version = cursor["list"], cursor["version"]
    except (TypeError, KeyError, ValueError):
        raise CursorExpiredError("the cursor is not one of Google Tasks: all tasks are listed") from None
    if of_list != list_id:
        raise CursorExpiredError("another task list than before: all tasks are listed")
    return since, version
