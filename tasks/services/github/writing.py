"""What is sent to set values of an issue, or why they do not fit: pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tasks.errors import ItemError, UnfitError
from tasks.services.github.issue import one_line
from tasks.services.github.marks import same_label
from tasks.sides import State

TITLE_MAX = 256
BODY_MAX = 65_536
LABEL_MAX = 50
ASSIGNEES_MAX = 10


def clean(values: Mapping[str, Any], deleted_label: str) -> dict[str, Any]:
    """Values as GitHub keeps them.

    Raises:
        UnfitError: some do not fit.
    """
    unfit: dict[str, str] = {}
    found: dict[str, Any] = {}
    for name, value in values.items():
        try:
            found[name] = _CLEAN[name](value, deleted_label)
        except KeyError:
            unfit[name] = f"{name} of an issue cannot be written"
        except ItemError as error:
            unfit[name] = str(error)
    if unfit:
        raise UnfitError("; ".join(unfit.values()), unfit)
    return found


def _text(value: Any, what: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ItemError(f"{what} is no text, but {type(value).__name__}")
    if "\0" in value or any("\ud800" <= sign <= "\udfff" for sign in value):
        raise ItemError(f"{what} holds a sign that GitHub does not take")
    return value


def _name(value: Any, what: str) -> str:
    return one_line(_text(value, what))


def _title(value: Any, _: str) -> str:
    title = _name(value, "the title")
    if not title:
        raise ItemError("an issue needs a title")
    if len(title) > TITLE_MAX:
        raise ItemError(f"the title has {len(title)} signs, GitHub takes {TITLE_MAX}")
    return title


def _body(value: Any, _: str) -> str:
    body = _text(value, "the body").replace("\r\n", "\n").replace("\r", "\n")
    if len(body) > BODY_MAX:
        raise ItemError(f"the body has {len(body):,} signs, GitHub takes {BODY_MAX:,}")
    return body


def _state(value: Any, _: str) -> State:
    try:
        state = State(value) if value is not None else State.OPEN
    except ValueError:
        raise ItemError(f"state {value!r} is unknown: there are {', '.join(State)}") from None
    return State.OPEN if state is State.ACTIVE else state


def _names(value: Any, what: str) -> dict[str, str]:
    """Names without those that are the same but for their case."""
    names = [_name(one, f"a name in {what}") for one in value or ()]
    return {name.casefold(): name for name in sorted(names, reverse=True) if name}


def _labels(value: Any, deleted_label: str) -> tuple[str, ...]:
    names = _names(value, "labels").values()
    long = next((name for name in names if len(name) > LABEL_MAX), None)
    if long is not None:
        raise ItemError(f"the label {long[:20]!r}… has {len(long)} signs, GitHub takes {LABEL_MAX}")
    if any(same_label(name, deleted_label) for name in names):
        raise ItemError(f"the label {deleted_label!r} says that an issue is deleted; give it another name")
    return tuple(sorted(names))


def _assignees(value: Any, _: str) -> tuple[str, ...]:
    names = _names(value, "assignees").values()
    if len(names) > ASSIGNEES_MAX:
        raise ItemError(f"{len(names)} people are to be assigned, GitHub takes {ASSIGNEES_MAX}")
    return tuple(sorted(names))


_CLEAN: Mapping[str, Callable[[Any, str], Any]] = {
    "title": _title,
    "body": _body,
    "state": _state,
    "labels": _labels,
    "assignees": _assignees,
    "milestone": lambda value, _: _name(value, "the milestone") or None,
    "type": lambda value, _: _name(value, "the type") or None,
}


def fields_of(values: Mapping[str, Any], milestone: int | None) -> dict[str, Any]:
    """The fields of a request that sets clean values; the milestone goes by its number."""
    fields: dict[str, Any] = {}
    for name, value in values.items():
        match name:
            case "state":
                fields |= state_fields(value)
            case "milestone":
                fields[name] = milestone
            case "labels" | "assignees":
                fields[name] = list(value)
            case _:
                fields[name] = value
    return fields


def state_fields(state: State) -> dict[str, str]:
    """The fields that bring an issue into a state."""
    if state is State.OPEN:
        return {"state": "open"}
    return {"state": "closed", "state_reason": "completed" if state is State.DONE else "not_planned"}
