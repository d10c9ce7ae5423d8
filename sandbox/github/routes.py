"""Which request is about what."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import unquote, urlencode

from sandbox.github import shapes
from sandbox.github.clock import Clock, stamp
from sandbox.github.errors import ApiError, MovedError, invalid, not_found
from sandbox.github.records import IssueRecord
from sandbox.github.repository import Repository

PER_PAGE, PER_PAGE_MAX = 30, 100


class Place(Protocol):
    """All repositories, and where they are."""

    url: str
    clock: Clock

    def named(self, name: str, rest: str, *, write: bool) -> Repository:
        """The repository of a name; raises `MovedError` for a former one."""
        ...

    def by_id(self, number: int) -> Repository:
        """The repository of an id."""
        ...

    def all(self) -> list[Repository]:
        """All repositories that the token may see."""
        ...

    def by_node(self, node_id: str) -> tuple[Repository, int] | None:
        """The issue of an id for GraphQL."""
        ...


@dataclass(frozen=True)
class Call:
    """One request."""

    place: Place
    method: str
    path: str
    params: Mapping[str, str]
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Reply:
    """What it is answered."""

    body: Any
    status: int = 200
    link: str = ""


def answer(call: Call) -> Reply:
    """The answer to a request."""
    if call.path == "graphql" and call.method == "POST":
        return _graphql(call)
    if call.path == "user/repos" and call.method == "GET":
        return _of_user(call)
    found = re.fullmatch(r"(?:repos/([^/]+/[^/]+)|repositories/(\d+))(/.*)?", call.path)
    if found is None:
        raise not_found()
    rest = (found[3] or "").rstrip("/")
    if found[1]:
        repository = call.place.named(found[1], rest, write=call.method != "GET")
    else:
        repository = call.place.by_id(int(found[2]))
    if repository.hidden:
        raise not_found()
    if repository.archived and call.method != "GET":
        raise ApiError(403, "Repository was archived so is read-only.")
    for method, pattern, route in ROUTES:
        match = re.fullmatch(pattern, rest)
        if match is not None and method == call.method:
            return route(call, repository, *(unquote(part) for part in match.groups()))
    raise not_found()


def _of_user(call: Call) -> Reply:
    found = sorted(
        call.place.all(), key=lambda one: one.changed, reverse=call.params.get("sort") == "updated"
    )
    return _pages(call, "user/repos", found, lambda one: _repository(call, one).body)


def _repository(call: Call, repository: Repository) -> Reply:
    here = _here(call, repository)
    owner, name = repository.name.split("/")
    return Reply(
        {
            "id": repository.id,
            "node_id": shapes.node("Repository", repository.id),
            "name": name,
            "full_name": repository.name,
            "private": False,
            "owner": shapes.user(call.place.url, owner),
            "html_url": f"{call.place.url}/{repository.name}",
            "url": here,
            "has_issues": repository.has_issues,
            "archived": repository.archived,
            "created_at": stamp(repository.created),
            "updated_at": stamp(repository.changed),
        }
    )


def _list_issues(call: Call, repository: Repository) -> Reply:
    if not repository.has_issues:
        raise ApiError(410, "Issues has been disabled in this repository.")
    state = call.params.get("state", "open")
    found = [one for one in repository.here() if state in ("all", one.state)]
    since = call.params.get("since")
    if since:
        try:
            moment = datetime.fromisoformat(since)
        except ValueError:
            raise invalid("since", "invalid") from None
        found = [one for one in found if one.updated >= moment]
    by = call.params.get("sort", "created")
    found.sort(
        key=lambda one: (one.updated if by == "updated" else one.created, one.number),
        reverse=call.params.get("direction", "desc") == "desc",
    )
    return _paged(call, repository, found, lambda one: _issue(call, repository, one))


def _get_issue(call: Call, repository: Repository, number: str) -> Reply:
    if not repository.has_issues:
        raise ApiError(410, "Issues has been disabled in this repository.")
    return Reply(_issue(call, repository, _here_or_moved(call, repository, int(number))))


def _create_issue(call: Call, repository: Repository) -> Reply:
    if not repository.has_issues:
        raise ApiError(410, "Issues has been disabled in this repository.")
    return Reply(_issue(call, repository, repository.create(call.body)), 201)


def _update_issue(call: Call, repository: Repository, number: str) -> Reply:
    one = _here_or_moved(call, repository, int(number))
    return Reply(_issue(call, repository, repository.update(one.number, call.body)))


def _events(call: Call, repository: Repository, number: str) -> Reply:
    here, one = _here(call, repository), _here_or_moved(call, repository, int(number))
    return _paged(call, repository, one.events, lambda event: shapes.event(call.place.url, here, event))


def _labels(call: Call, repository: Repository) -> Reply:
    here = _here(call, repository)
    return _paged(call, repository, repository.labels, lambda one: shapes.label(here, one))


def _milestones(call: Call, repository: Repository) -> Reply:
    here = _here(call, repository)
    return _paged(
        call, repository, repository.milestones, lambda one: shapes.milestone(call.place.url, here, one)
    )


def _create_milestone(call: Call, repository: Repository) -> Reply:
    made = repository.add_milestone(str(call.body.get("title") or ""))
    return Reply(shapes.milestone(call.place.url, _here(call, repository), made), 201)


def _assignees(call: Call, repository: Repository) -> Reply:
    return _paged(call, repository, repository.people, lambda login: shapes.user(call.place.url, login))


def _assignee(call: Call, repository: Repository, login: str) -> Reply:
    if login.casefold() not in (one.casefold() for one in repository.people):
        raise not_found()
    return Reply(None, 204)


def _types(call: Call, repository: Repository) -> Reply:
    if repository.types is None:
        raise not_found()
    return Reply([shapes.issue_type(name, number) for number, name in enumerate(repository.types, 1)])


ROUTES: tuple[tuple[str, str, Callable[..., Reply]], ...] = (
    ("GET", "", _repository),
    ("GET", "/issues", _list_issues),
    ("POST", "/issues", _create_issue),
    ("GET", r"/issues/(\d+)", _get_issue),
    ("PATCH", r"/issues/(\d+)", _update_issue),
    ("GET", r"/issues/(\d+)/events", _events),
    ("GET", "/labels", _labels),
    ("GET", "/milestones", _milestones),
    ("POST", "/milestones", _create_milestone),
    ("GET", "/assignees", _assignees),
    ("GET", "/assignees/([^/]+)", _assignee),
    ("GET", "/issue-types", _types),
)


def _graphql(call: Call) -> Reply:
    variables = call.body.get("variables") or {}
    found = call.place.by_node(str(variables.get("id")))
    if "deleteIssue" not in str(call.body.get("query")) or found is None:
        message = f"Could not resolve to a node with the global id of '{variables.get('id')}'"
        return Reply({"data": None, "errors": [{"type": "NOT_FOUND", "message": message}]})
    repository, number = found
    if not repository.administered:
        message = "Viewer not authorized to delete"
        return Reply({"data": None, "errors": [{"type": "FORBIDDEN", "message": message}]})
    repository.delete(number)
    return Reply({"data": {"deleteIssue": {"clientMutationId": None}}})


def _here(call: Call, repository: Repository) -> str:
    return f"{call.place.url}/repos/{repository.name}"


def _here_or_moved(call: Call, repository: Repository, number: int) -> IssueRecord:
    one = repository.find(number)
    if one.moved_to is not None:
        place, there = one.moved_to
        raise MovedError(f"{call.place.url}/repositories/{place}/issues/{there}", write=call.method != "GET")
    return one


def _issue(call: Call, repository: Repository, one: IssueRecord) -> dict[str, Any]:
    here = _here(call, repository)
    labels = [shapes.label(here, label) for label in repository.labels if label.id in one.labels]
    milestones = [mark for mark in repository.milestones if mark.number == one.milestone]
    parts = {
        "labels": labels,
        "milestone": shapes.milestone(call.place.url, here, milestones[0]) if milestones else None,
        "type": shapes.issue_type(one.type, (repository.types or [one.type]).index(one.type) + 1)
        if one.type
        else None,
    }
    return shapes.issue(call.place.url, here, one, parts)


def _paged(call: Call, repository: Repository, found: list[Any], shape: Callable[[Any], Any]) -> Reply:
    rest = call.path.partition("/")[2].partition("/")[2]
    rest = rest.partition("/")[2] if call.path.startswith("repos/") else rest
    return _pages(call, f"repositories/{repository.id}/{rest}", found, shape)


def _pages(call: Call, place: str, found: list[Any], shape: Callable[[Any], Any]) -> Reply:
    try:
        size = min(int(call.params.get("per_page", PER_PAGE)), PER_PAGE_MAX)
        page = max(1, int(call.params.get("page", 1)))
    except ValueError:
        size, page = PER_PAGE, 1
    size = max(1, size)
    last = max(1, -(-len(found) // size))

    def to(number: int, name: str) -> str:
        query = urlencode({**call.params, "page": str(number)})
        return f'<{call.place.url}/{place}?{query}>; rel="{name}"'

    links = [to(page - 1, "prev"), to(1, "first")] if page > 1 else []
    links += [to(page + 1, "next"), to(last, "last")] if page < last else []
    return Reply([shape(one) for one in found[(page - 1) * size : page * size]], link=", ".join(links))
