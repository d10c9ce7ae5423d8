"""Which tasks a listing is asked for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sandbox.google_tasks.resources import Task, moment

#: Which time of a task each bound of a query is about.
_BOUNDS: dict[str, str] = {
    "updatedMin": "updated",
    "completedMin": "completed",
    "completedMax": "completed",
    "dueMin": "due",
    "dueMax": "due",
}


def _filter(asked: dict[str, str], name: str, field: str) -> Callable[[Task], bool]:
    bound = moment(name, asked[name])

    def passes(task: Task) -> bool:
        value: datetime | str | None = getattr(task, field)
        at = moment(field, value) if isinstance(value, str) else value
        return at is not None and (at >= bound if name.endswith("Min") else at <= bound)

    return passes


def _is_shown(task: Task, asked: dict[str, str]) -> bool:
    def wants(name: str, default: str = "false") -> bool:
        return asked.get(name, default).lower() == "true"

    return (
        (not task.deleted or wants("showDeleted"))
        and (not task.hidden or wants("showHidden"))
        and (task.status != "completed" or wants("showCompleted", "true"))
        and (task.assignment is None or wants("showAssigned"))
    )


def asked_for(query: dict[str, str]) -> Callable[[Task], bool]:
    """Whether a query asks for a task; `ApiError` for a bound that is no time."""
    bounds = [_filter(query, name, field) for name, field in _BOUNDS.items() if name in query]
    return lambda task: _is_shown(task, query) and all(passes(task) for passes in bounds)
