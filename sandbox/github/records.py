"""What the stand-in keeps."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass
class LabelRecord:
    """A label of a repository."""

    id: int
    name: str


@dataclass
class MilestoneRecord:
    """A milestone of a repository."""

    id: int
    number: int
    title: str
    created: datetime


@dataclass
class EventRecord:
    """Something that happened to an issue."""

    id: int
    event: str
    created: datetime
    label: str | None = None


@dataclass
class IssueRecord:
    """An issue or a pull request."""

    id: int
    number: int
    title: str
    created: datetime
    updated: datetime
    body: str | None = None
    author: str | None = "octocat"
    state: str = "open"
    reason: str | None = None
    closed: datetime | None = None
    #: Ids.
    labels: list[int] = field(default_factory=list)
    milestone: int | None = None
    assignees: list[str] = field(default_factory=list)
    type: str | None = None
    is_pull: bool = False
    locked: bool = False
    comments: int = 0
    #: Keys of the repository in which it goes on, and its number there.
    moved_to: tuple[int, int] | None = None
    deleted: bool = False
    events: list[EventRecord] = field(default_factory=list)
