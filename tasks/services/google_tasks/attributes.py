"""The attributes of a task in common form, and what Google takes for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from tasks.errors import ItemError, UnfitError
from tasks.services.google_tasks.task import COMPLETED, OPEN, Task
from tasks.sides import Attribute, Kind, Option, State
from tasks.values.opaque import Opaque

#: Signs that Google takes of each text, counted as UTF-16, which no way of counting exceeds.
MOST_SIGNS: Mapping[str, int] = {"title": 1024, "notes": 8192}

_STATES = (State.OPEN, State.DONE)

#: What every task has.
ATTRIBUTES: Mapping[str, Attribute] = {
    "title": Attribute(Kind.TEXT, meaning="title"),
    "notes": Attribute(Kind.TEXT, meaning="notes"),
    "due": Attribute(Kind.DATE, meaning="due"),
    "status": Attribute(
        Kind.STATE, meaning="status", options=tuple(Option(state.value, state) for state in _STATES)
    ),
    "done": Attribute(Kind.YES_NO, meaning="done"),
    "completed": Attribute(Kind.MOMENT, writable=False),
    "parent": Attribute(Kind.REFERENCE, meaning="parent", single=True),
    "position": Attribute(Kind.TEXT, writable=False),
    "hidden": Attribute(Kind.YES_NO, writable=False),
    "link": Attribute(Kind.ADDRESS, writable=False),
    "webViewLink": Attribute(Kind.ADDRESS, writable=False),
}
#: What changes without a trace in the time of a task's last edit, and so is missing where only edits are asked for.
PLACES = frozenset({"parent", "position"})


def values_of(task: Task) -> dict[str, Any]:
    """All attributes."""
    odd = task.status if isinstance(task.status, Opaque) else None
    is_done = task.status == COMPLETED
    return {
        "title": task.title,
        "notes": task.notes,
        "due": task.due,
        "status": odd or (State.DONE if is_done else State.OPEN),
        "done": odd or is_done,
        "completed": task.completed,
        "parent": () if task.parent is None else (task.parent,),
        "position": task.position,
        "hidden": task.hidden,
        "link": task.link,
        "webViewLink": task.web_view_link,
    }


def recalled(task_id: str, values: Mapping[str, Any]) -> Task | None:
    """A task of which these attributes are known; `None` where one of them could not be read."""
    known = {name: value for name, value in values.items() if ATTRIBUTES[name].writable}
    if any(isinstance(value, Opaque) for value in known.values()):
        return None
    names = {"status" if name == "done" else name for name in known}
    return Task(
        id=task_id,
        etag=None,
        title=known.get("title") or "",
        notes=known.get("notes") or "",
        due=known.get("due"),
        status=_status(known),
        completed=None,
        parent=next(iter(known.get("parent") or ()), None),
        position="",
        deleted=False,
        hidden=False,
        updated=None,
        link=None,
        web_view_link=None,
        recalled=frozenset(names),
    )


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be written."""

    #: By the names of Google's fields.
    fields: Mapping[str, Any]
    #: The parent, empty for none; `None` where it stays as it is.
    parent: str | None = None

    def body_for(self, now: Task) -> dict[str, Any]:
        """What a task does not show yet, as a patch."""
        shown: dict[str, Any] = {
            "title": now.title, "notes": now.notes, "due": _sent_day(now.due), "status": now.status,
        }  # fmt: skip
        body = {name: value for name, value in self.fields.items() if value != shown[name]}
        if body.get("status") == OPEN:
            body["completed"] = None
        return body


def wanted(values: Mapping[str, Any], now: Task | None = None) -> Wanted:
    """What is to be written for values, of a task that shows something already.

    Raises:
        UnfitError: Google does not take some of them, or they would be written over what cannot be read.
    """
    unfit: dict[str, str] = {}
    fields: dict[str, Any] = {}
    parent: str | None = None
    for name, value in values.items():
        try:
            _check_writable(name, now)
            match name:
                case "title" | "notes":
                    fields[name] = _text(name, value)
                case "due":
                    fields[name] = _sent_day(_due(value))
                case "parent":
                    parent = _parent(value)
                case "status" | "done":
                    fields["status"] = _status(values)
        except ItemError as error:
            unfit[name] = str(error)
    if unfit:
        raise UnfitError("; ".join(dict.fromkeys(unfit.values())), unfit)
    return Wanted(fields, parent)


def _check_writable(name: str, now: Task | None) -> None:
    if name not in ATTRIBUTES:
        raise ItemError(f"a task has no {name}: there are {', '.join(ATTRIBUTES)}")
    if not ATTRIBUTES[name].writable:
        raise ItemError(f"{name} is Google's to say, it cannot be written")
    shown = values_of(now).get(name) if now is not None else None
    if isinstance(shown, Opaque):
        raise ItemError(f"its {name} is not written over: {shown.type}")


def _text(name: str, value: Any) -> str:
    text = "" if value is None else value
    if not isinstance(text, str):
        raise ItemError(f"{name} is no text, but {type(value).__name__}")
    try:
        signs = len(text.encode("utf-16-le")) // 2
    except UnicodeEncodeError:
        raise ItemError(f"{name} holds half a sign (a lone surrogate), which no service takes") from None
    if signs > MOST_SIGNS[name]:
        raise ItemError(f"{name} has {signs:,} signs, Google takes at most {MOST_SIGNS[name]:,}")
    return text


def _due(value: Any) -> date | None:
    if value is None or value == "":
        return None
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ItemError(f"due is a date without a time of day, not {type(value).__name__}")
    return value


def _sent_day(day: Any) -> str | None:
    return f"{day.isoformat()}T00:00:00.000Z" if isinstance(day, date) else None


def _parent(value: Any) -> str:
    given = () if value is None else (value,) if isinstance(value, str) else tuple(value)
    if len(given) > 1 or not all(isinstance(one, str) for one in given):
        raise ItemError(f"a task has one parent, not {len(given)}")
    return given[0] if given else ""


#: What stands for each state where there is only done and not done.
_STATUS: Mapping[Any, str] = {
    None: OPEN,
    State.OPEN: OPEN,
    State.ACTIVE: OPEN,
    State.DONE: COMPLETED,
    State.CANCELLED: COMPLETED,
}


def _status(values: Mapping[str, Any]) -> str:
    """The status that is meant; of two that contradict each other, done is the one that somebody meant."""
    said = [_STATUS_READERS[name](values[name]) for name in _STATUS_READERS if name in values]
    return COMPLETED if COMPLETED in said else OPEN


def _of_state(value: Any) -> str:
    found = _STATUS.get(value) if value is None or isinstance(value, str) else None
    if found is None:
        raise ItemError(f"status {value!r:.40} is none of {', '.join(State)}")
    return found


def _of_tick(value: Any) -> str:
    if value is not None and not isinstance(value, bool):
        raise ItemError(f"done is yes or no, not {type(value).__name__}")
    return COMPLETED if value else OPEN


_STATUS_READERS: Mapping[str, Callable[[Any], str]] = {"status": _of_state, "done": _of_tick}
