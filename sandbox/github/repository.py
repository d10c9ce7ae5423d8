"""A repository with its issues: what people do there, and what the API does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import count
from threading import RLock
from typing import Any

from sandbox.github.clock import Clock
from sandbox.github.errors import ApiError, invalid, not_found
from sandbox.github.records import EventRecord, IssueRecord, LabelRecord, MilestoneRecord

TITLE_MAX, BODY_MAX, LABEL_MAX, ASSIGNEES_MAX = 256, 65_536, 50, 10
_REASONS = ("completed", "not_planned", "duplicate", "reopened")
#: Ids are of all repositories together.
_IDS = count(1001)


class Repository:
    """One repository. Fields of issues are named as the API names them, labels and milestones by their names.

    Every method raises `ApiError` for what is not there or does not fit.
    """

    def __init__(self, name: str, clock: Clock, lock: RLock) -> None:
        self.id = next(_IDS)
        self.name = name
        self.has_issues = True
        self.archived = False
        #: Whether the token may see it.
        self.hidden = False
        #: Whether the token may only read: then labels, people, milestones and types are dropped without a word.
        self.drops = False
        #: Whether the token may delete issues for good.
        self.administered = True
        self.people = ["ada", "octocat"]
        self.types: list[str] | None = ["Bug", "Feature", "Task"]
        self.labels: list[LabelRecord] = []
        self.milestones: list[MilestoneRecord] = []
        self.issues: dict[int, IssueRecord] = {}
        self.created = clock.now()
        self._numbers = count(1)
        self._clock = clock
        self._lock = lock

    # -- people -------------------------------------------------------------------------------------------

    def open_issue(self, title: str, **fields: Any) -> int:
        """Somebody opens an issue; its number."""
        with self._lock:
            state: dict[str, Any] = {
                name: fields.pop(name) for name in ("state", "state_reason") if name in fields
            }
            number = self.create({"title": title, **fields}).number
            if state:
                self.update(number, state)
            return number

    def open_pull(self, title: str) -> int:
        """Somebody opens a pull request."""
        with self._lock:
            one = self.create({"title": title})
            one.is_pull = True
            return one.number

    def edit(self, number: int, **fields: Any) -> None:
        """Somebody edits an issue."""
        with self._lock:
            self.update(number, fields)

    def comment(self, number: int) -> None:
        """Somebody comments on an issue, which counts as a change of it."""
        with self._lock:
            one = self.find(number)
            one.comments += 1
            one.updated = self._clock.now()

    def delete(self, number: int) -> None:
        """Somebody deletes an issue for good."""
        with self._lock:
            self.find(number).deleted = True

    def transfer(self, number: int, other: Repository) -> int:
        """Somebody moves an issue to another repository; its number there."""
        with self._lock:
            one = self.find(number)
            there = other.create({"title": one.title, "body": one.body})
            one.moved_to = (other.id, there.number)
            return there.number

    def add_label(self, name: str) -> None:
        """Somebody makes a label."""
        with self._lock:
            self._label(name)

    def rename_label(self, old: str, new: str) -> None:
        """Somebody renames a label; its issues do not count as changed."""
        with self._lock:
            next(one for one in self.labels if one.name == old).name = new

    # -- the API ------------------------------------------------------------------------------------------

    def find(self, number: int) -> IssueRecord:
        """An issue that is here."""
        one = self.issues.get(number)
        if one is None:
            raise not_found()
        if one.deleted:
            raise ApiError(410, "This issue was deleted")
        return one

    def here(self) -> list[IssueRecord]:
        """All issues and pull requests that are here."""
        return [one for one in self.issues.values() if not one.deleted and one.moved_to is None]

    def create(self, fields: Mapping[str, Any]) -> IssueRecord:
        """A new issue."""
        if "title" not in fields:
            raise ApiError(422, 'Invalid request.\n\n"title" wasn\'t supplied.')
        number, now = next(self._numbers), self._clock.now()
        one = IssueRecord(next(_IDS), number, "", now, now)
        self._set(one, {name: value for name, value in fields.items() if not name.startswith("state")})
        self.issues[number] = one
        self._note(one, [], "open")
        return one

    def update(self, number: int, fields: Mapping[str, Any]) -> IssueRecord:
        """An issue with other values; it counts as changed where one is another than before."""
        one = self.find(number)
        before = repr(one)
        state, labels = one.state, list(one.labels)
        self._set(one, fields)
        if repr(one) != before:
            one.updated = self._clock.now()
        self._note(one, labels, state)
        return one

    def label_names(self, one: IssueRecord) -> list[str]:
        """The labels of an issue."""
        return sorted(label.name for label in self.labels if label.id in one.labels)

    def add_milestone(self, title: str) -> MilestoneRecord:
        """A new milestone."""
        if not title.strip():
            raise invalid("title", "missing_field", "Milestone")
        if any(one.title == title for one in self.milestones):
            raise invalid("title", "already_exists", "Milestone")
        one = MilestoneRecord(next(_IDS), len(self.milestones) + 1, title, self._clock.now())
        self.milestones.append(one)
        return one

    def _note(self, one: IssueRecord, labels: list[int], state: str) -> None:
        """Keep what became of its labels and its state."""
        names = {label.id: label.name for label in self.labels}
        noted = [("labeled", names[label]) for label in one.labels if label not in labels]
        noted += [("unlabeled", names[label]) for label in labels if label not in one.labels]
        happened: list[tuple[str, str | None]] = [*noted]
        if one.state != state:
            happened.append(("closed" if one.state == "closed" else "reopened", None))
        for event, name in happened:
            one.events.append(EventRecord(next(_IDS), event, self._clock.now(), name))

    def _set(self, one: IssueRecord, fields: Mapping[str, Any]) -> None:
        """Set all fields, or none where one does not fit."""
        setters: list[Callable[[], None]] = []
        for name, value in fields.items():
            match name:
                case "title":
                    title = _title(value)
                    setters.append(lambda title=title: setattr(one, "title", title))  # type: ignore[misc]
                case "body":
                    body = _body(value)
                    setters.append(lambda body=body: setattr(one, "body", body))  # type: ignore[misc]
                case "state":
                    reason = fields.get("state_reason")
                    if value not in ("open", "closed"):
                        raise invalid("state", "invalid")
                    if reason is not None and reason not in _REASONS:
                        raise invalid("state_reason", "invalid")
                    setters.append(lambda v=value, r=reason: self._set_state(one, v, r))  # type: ignore[misc]
                case "labels" | "assignees" | "milestone" | "type":
                    found = getattr(self, f"_checked_{name}")(value)
                    if not self.drops:
                        setters.append(lambda name=name, f=found: setattr(one, name, f()))  # type: ignore[misc]
        for setter in setters:
            setter()

    def _set_state(self, one: IssueRecord, state: str, reason: str | None) -> None:
        if one.state == state:
            return  # the reason is ignored unless the state changes
        one.state = state
        one.closed = self._clock.now() if state == "closed" else None
        one.reason = (reason or "completed") if state == "closed" else "reopened"

    def _checked_labels(self, value: Any) -> Callable[[], list[int]]:
        names = [one if isinstance(one, str) else str(one.get("name")) for one in value or ()]
        for name in names:
            if not name.strip() or len(name) > LABEL_MAX:
                raise invalid("name", "invalid", "Label")
        return lambda: list(dict.fromkeys(self._label(name.strip()).id for name in names))

    def _checked_assignees(self, value: Any) -> Callable[[], list[str]]:
        known = {login.casefold(): login for login in self.people}
        for login in value or ():
            if login.casefold() not in known:
                raise invalid("assignees", "invalid")
        found = list(dict.fromkeys(known[login.casefold()] for login in value or ()))
        return lambda: found[:ASSIGNEES_MAX]

    def _checked_milestone(self, value: Any) -> Callable[[], int | None]:
        if value is not None and not any(one.number == value for one in self.milestones):
            raise invalid("milestone", "invalid")
        return lambda: value

    def _checked_type(self, value: Any) -> Callable[[], str | None]:
        if value is not None and value not in (self.types or ()):
            raise invalid("type", "invalid")
        return lambda: value

    def _label(self, name: str) -> LabelRecord:
        for one in self.labels:
            if one.name.casefold() == name.casefold():
                return one
        made = LabelRecord(next(_IDS), name)
        self.labels.append(made)
        return made

    @property
    def changed(self) -> datetime:
        """When anything in it changed last."""
        return max((one.updated for one in self.issues.values()), default=self.created)


def _title(value: Any) -> str:
    title = str(value if value is not None else "").strip()
    if not title:
        raise invalid("title", "missing_field")
    if len(title) > TITLE_MAX:
        raise invalid("title", "custom", message=f"title is too long (maximum is {TITLE_MAX} characters)")
    return title


def _body(value: Any) -> str | None:
    if value is None:
        return None
    body = str(value)
    if len(body) > BODY_MAX:
        raise invalid("body", "custom", message=f"body is too long (maximum is {BODY_MAX} characters)")
    return body
