"""Task lists and tasks: what is kept of them, how the API shows them, and what it takes."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
import string
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.google_tasks.clock import text
from sandbox.google_tasks.errors import ApiError, invalid

Json = dict[str, Any]

TITLE_MOST, NOTES_MOST = 1024, 8192
STATUSES = ("needsAction", "completed")
_API = "https://www.googleapis.com/tasks/v1"
_SIGNS = string.ascii_letters + string.digits + "-_"
_LATEST = 9_999_999_999_999_999_999
#: What the API shows and does not take: it is ignored where it is sent.
_READ_ONLY = frozenset(
    {
        "kind", "id", "etag", "updated", "selfLink", "parent", "position", "hidden", "links", "webViewLink",
        "assignmentInfo",
    }
)  # fmt: skip
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")


def new_id() -> str:
    """An id as Google makes them: sixteen signs in base64."""
    return encoded("".join(secrets.choice(_SIGNS) for _ in range(16)))


def encoded(token: str) -> str:
    """Text in the base64 of addresses, without padding."""
    return base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")


def etag(shown: Json) -> str:
    """A version that depends on nothing but what is shown: what is put back has its old one again."""
    digest = hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).digest()
    return f'"{base64.urlsafe_b64encode(digest[:8]).decode().rstrip("=")}"'


@dataclass
class TaskList:
    """A task list."""

    id: str
    title: str
    updated: datetime

    def shown(self) -> Json:
        """As the API shows it."""
        rest = {
            "title": self.title,
            "updated": text(self.updated),
            "selfLink": f"{_API}/users/@me/lists/{self.id}",
        }
        head = {"kind": "tasks#taskList", "id": self.id}
        return {**head, "etag": etag({**head, **rest}), **rest}


@dataclass
class Task:
    """A task, without its place among others."""

    id: str
    list_id: str
    updated: datetime
    title: str = ""
    notes: str = ""
    status: str = "needsAction"
    #: A day, as the API shows it.
    due: str | None = None
    completed: datetime | None = None
    deleted: bool = False
    hidden: bool = False
    parent: str | None = None
    links: tuple[Json, ...] = ()
    assignment: Json | None = None
    #: What the place was when it had one.
    last_position: int = 0

    def shown(self, index: int | None) -> Json:
        """As the API shows it, at a place among its siblings."""
        if index is not None:
            self.last_position = index
        at_end = (self.deleted or self.hidden) and self.completed is not None
        place = _LATEST - _milliseconds(self.completed) if at_end else self.last_position
        fields: Json = {
            "title": self.title,
            "updated": text(self.updated),
            "selfLink": f"{_API}/lists/{self.list_id}/tasks/{self.id}",
            "parent": self.parent,
            "position": f"{place:020d}",
            "notes": self.notes or None,
            "status": self.status,
            "due": self.due,
            "completed": text(self.completed) if self.completed else None,
            "deleted": self.deleted or None,
            "hidden": self.hidden or None,
            "links": list(self.links),
            "webViewLink": f"https://tasks.google.com/task/{_token(self.id)}?sa=6",
            "assignmentInfo": self.assignment,
        }
        rest = {name: value for name, value in fields.items() if value is not None}
        head = {"kind": "tasks#task", "id": self.id}
        return {**head, "etag": etag({**head, **rest}), **rest}

    def take(self, body: Json, now: datetime, *, whole: bool) -> None:
        """Set what a request says: of a whole task, what it leaves out is empty from then on.

        Raises:
            ApiError: something does not fit; then nothing was set.
        """
        given = checked(body)
        if whole:
            empty: Json = dict.fromkeys(("title", "notes", "due", "status", "completed", "deleted"))
            given = {**empty, **given}
        self.title = given.get("title", self.title) or ""
        self.notes = given.get("notes", self.notes) or ""
        self.due = given.get("due", self.due)
        self.deleted = bool(given.get("deleted", self.deleted))
        self.status = given.get("status", self.status) or STATUSES[0]
        if self.status == STATUSES[0]:
            self.completed, self.hidden = None, False
        elif given.get("completed"):
            self.completed = given["completed"]
        elif self.completed is None or "completed" in given:
            self.completed = now


def checked(body: Json) -> Json:
    """What a request sets, read.

    Raises:
        ApiError: something does not fit.
    """
    given: Json = {}
    for name, value in body.items():
        if name in _READ_ONLY:
            continue
        if name not in ("title", "notes", "due", "status", "completed", "deleted"):
            raise invalid(f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.')
        given[name] = None if value is None else _field(name, value)
    return given


def _field(name: str, value: Any) -> Any:
    match name:
        case "deleted":
            if not isinstance(value, bool):
                raise invalid("Invalid value at 'task.deleted' (TYPE_BOOL)")
            return value
        case "due":
            return text(_moment(name, value).replace(hour=0, minute=0, second=0, microsecond=0))
        case "completed":
            return _moment(name, value)
        case "status":
            if value not in STATUSES:
                raise invalid("Invalid Value")
            return value
    if not isinstance(value, str):
        raise invalid(f"Invalid value at 'task.{name}' (TYPE_STRING)")
    if len(value) > (TITLE_MOST if name == "title" else NOTES_MOST):
        raise invalid("Request contains an invalid argument.")
    return value


def moment(name: str, value: Any) -> datetime:
    """A time as RFC 3339 writes it.

    Raises:
        ApiError: it is none.
    """
    return _moment(name, value)


def _moment(name: str, value: Any) -> datetime:
    found = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ApiError(400, "invalid", f"Invalid value for: {name}")
    try:
        day, time, fraction, zone = found.groups()
        zone = "+00:00" if zone in "Zz" else zone
        return datetime.fromisoformat(f"{day}T{time}{(fraction or '.0')[:7]:0<7}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise ApiError(400, "invalid", f"Invalid value for: {name}") from None


def _milliseconds(at: datetime | None) -> int:
    return 0 if at is None else (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def _token(task_id: str) -> str:
    try:
        return base64.urlsafe_b64decode(task_id + "=" * (-len(task_id) % 4)).decode("ascii")
    except ValueError:
        return task_id
