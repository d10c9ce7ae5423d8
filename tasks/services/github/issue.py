"""An issue as it is synced, read from GitHub's JSON: pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tasks.errors import ItemError
from tasks.services.github.marks import has_label, label_names, same_label, unmarked
from tasks.sides import Attribute, Kind, Option, State

#: What every issue has. Who is assigned may be synced as people instead of names; not every repository has types.
ISSUE: Mapping[str, Attribute] = {
    "title": Attribute(Kind.TEXT, meaning="title"),
    "body": Attribute(Kind.FORMATTED, meaning="notes"),
    "state": Attribute(
        Kind.STATE,
        meaning="status",
        options=tuple(Option(state.value, state) for state in (State.OPEN, State.DONE, State.CANCELLED)),
    ),
    "labels": Attribute(Kind.CHOICES, meaning="tags", new_options=True),
    "assignees": Attribute(Kind.CHOICES, meaning="assignees"),
    "milestone": Attribute(Kind.CHOICE, meaning="milestone", new_options=True),
    "type": Attribute(Kind.CHOICE, meaning="type"),
    "number": Attribute(Kind.WHOLE, writable=False),
    "url": Attribute(Kind.ADDRESS, writable=False, meaning="link"),
    "created": Attribute(Kind.MOMENT, writable=False),
    "updated": Attribute(Kind.MOMENT, writable=False),
    "closed": Attribute(Kind.MOMENT, writable=False),
}

#: What can be set, where the repository has it.
WRITABLE = ("title", "body", "state", "labels", "assignees", "milestone", "type")
#: The side's names of GitHub's fields.
ATTRIBUTE_OF: Mapping[str, str] = {
    **{name: name for name in WRITABLE},
    "state_reason": "state",
    "assignee": "assignees",
    "name": "labels",
}

#: Reasons for which an issue is closed that is not done.
_NOT_DONE = ("not_planned", "duplicate")


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue, as much of it as is synced."""

    id: str
    number: int
    values: Mapping[str, Any] = field(repr=False)
    #: When anything of it changed last; `None` where it was not read.
    updated: datetime | None = None
    #: The issue's id for GraphQL.
    node_id: str = ""


def issue_id(repository: int, number: int) -> str:
    """The id of an issue: numbers begin anew in a repository that is made anew."""
    return f"{repository}#{number}"


def number_in(obj_id: str, repository: int) -> int | None:
    """The number of an issue of a repository; `None` for one of another."""
    place, _, number = obj_id.partition("#")
    return int(number) if place == str(repository) and number.isdecimal() else None


def read_issue(raw: Any, repository: int, deleted_label: str) -> Issue:
    """An issue of a repository.

    Raises:
        ItemError: it cannot be read.
    """
    try:
        number = int(raw["number"])
        updated = read_moment(raw["updated_at"])
        values: dict[str, Any] = {
            "title": one_line(str(raw["title"])),
            "body": read_text(raw.get("body")),
            "state": state_of(raw),
            "labels": tuple(sorted(n for n in label_names(raw) if not same_label(n, deleted_label))),
            "assignees": tuple(sorted({str(user["login"]) for user in raw.get("assignees") or () if user})),
            "milestone": str(raw["milestone"]["title"]) if raw.get("milestone") else None,
            "type": str(raw["type"]["name"]) if raw.get("type") else None,
            "number": number,
            "url": str(raw["html_url"]),
            "created": read_moment(raw["created_at"]),
            "updated": updated,
            "closed": read_moment(raw.get("closed_at")),
        }
        return Issue(issue_id(repository, number), number, values, updated, str(raw["node_id"]))
    except (KeyError, TypeError, ValueError) as error:
        raise ItemError(f"{named(raw)} cannot be read: {type(error).__name__} {error}") from None


def named(raw: Any) -> str:
    """What people call an issue, in a message."""
    if not isinstance(raw, Mapping):
        return "an issue"
    return f"issue #{raw.get('number')} {str(raw.get('title') or '')[:80]!r}"


def state_of(raw: Mapping[str, Any]) -> State:
    """How far an issue is.

    Raises:
        ValueError: GitHub's word is not known.
    """
    match raw["state"]:
        case "open":
            return State.OPEN
        case "closed":
            return State.CANCELLED if raw.get("state_reason") in _NOT_DONE else State.DONE
    raise ValueError(f"state {raw['state']!r} is unknown")


def is_deleted(raw: Mapping[str, Any], deleted_label: str) -> bool:
    """Whether an issue was closed in the place of a deletion."""
    return raw.get("state") == "closed" and has_label(raw, deleted_label)


def is_issue(raw: Any) -> bool:
    """Whether what a listing shows is no pull request."""
    return not (isinstance(raw, Mapping) and raw.get("pull_request"))


def one_line(text: str) -> str:
    """A text in one line, without the space around it."""
    return " ".join(text.splitlines()).strip()


def read_text(body: Any) -> str:
    """The text of an issue with the line ends of everybody else."""
    return unmarked(str(body or "").replace("\r\n", "\n").replace("\r", "\n"))


def read_moment(text: Any) -> datetime | None:
    """A moment in UTC.

    Raises:
        ValueError: it is none.
    """
    return datetime.fromisoformat(str(text)).astimezone(UTC) if text else None
