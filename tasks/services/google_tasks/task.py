"""A task as Google shows it, read: a field that is odd makes only itself `Opaque`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from tasks.values.opaque import Opaque

OPEN, COMPLETED = "needsAction", "completed"
#: What people edit.
CONTENT = frozenset({"title", "notes", "due", "status", "parent"})


@dataclass(frozen=True, slots=True)
class Task:
    """A task."""

    id: str
    etag: str | None
    title: str
    notes: str | Opaque
    due: date | Opaque | None
    #: `OPEN` or `COMPLETED`.
    status: str | Opaque
    completed: datetime | Opaque | None
    parent: str | None
    position: str
    deleted: bool
    hidden: bool
    #: Of the last edit; a move is none.
    updated: datetime | None
    #: What it was made of, such as a mail.
    link: str | None
    web_view_link: str | None
    #: The fields that are known of it, where it was not read but recalled; `None` for all.
    recalled: frozenset[str] | None = None

    def shows_still(self, then: Task, *, apart_from: str = "") -> bool:
        """Whether nobody edited it since it was read, as far as it was.

        Its place among others does not count: that changes as soon as another one is made.
        """
        known = CONTENT if then.recalled is None else CONTENT & then.recalled
        return self.deleted == then.deleted and all(
            getattr(self, name) == getattr(then, name) for name in known - {apart_from}
        )


def read_task(raw: Mapping[str, Any]) -> Task:
    """Read a task.

    Raises:
        ValueError: it has no id, or a title that is no text.
    """
    task_id, title = raw.get("id"), raw.get("title", "")
    if not isinstance(task_id, str) or not task_id:
        raise ValueError("it has no id")
    if not isinstance(title, str):
        raise ValueError("its title is no text")  # noqa: TRY004 - of what Google says, not of a caller
    updated = _shown(raw, "updated", _moment)
    return Task(
        id=task_id,
        etag=_text(raw.get("etag")),
        title=title,
        notes=_shown(raw, "notes", _a_text) or "",
        due=_shown(raw, "due", _day),
        status=_shown(raw, "status", _status) or OPEN,
        completed=_shown(raw, "completed", _moment),
        parent=_text(raw.get("parent")),
        position=_text(raw.get("position")) or "",
        deleted=raw.get("deleted") is True,
        hidden=raw.get("hidden") is True,
        updated=updated if isinstance(updated, datetime) else None,
        link=_first_link(raw.get("links")),
        web_view_link=_text(raw.get("webViewLink")),
    )


def read_moment(value: Any) -> datetime | None:
    """A time as Google writes it; `None` for what is none."""
    try:
        return _moment(value)
    except ValueError:
        return None


def _shown(raw: Mapping[str, Any], name: str, read: Callable[[Any], Any]) -> Any:
    value = raw.get(name)
    if value is None:
        return None
    try:
        return read(value)
    except ValueError:
        return Opaque(f"{name} is {value!r:.60}, which is not understood", odd=True)


def _a_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise ValueError


def _status(value: Any) -> str:
    if value not in (OPEN, COMPLETED):
        raise ValueError
    return str(value)


def _day(value: Any) -> date:
    """The day that a due time stands for: its time of day is always midnight in UTC."""
    return _moment(value).date()


def _moment(value: Any) -> datetime:
    found = datetime.fromisoformat(value if isinstance(value, str) else "")
    if found.tzinfo is None:
        raise ValueError
    try:
        return found.astimezone(UTC)
    except OverflowError:
        raise ValueError from None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _first_link(links: Any) -> str | None:
    if not isinstance(links, list):
        return None
    found = (_text(one.get("link")) for one in links if isinstance(one, Mapping))
    return next((one for one in found if one), None)
