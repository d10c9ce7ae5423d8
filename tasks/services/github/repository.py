"""The repository: where it is, and what its issues may be given."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from tasks.errors import SideError, TaskDefinitionError
from tasks.services.github.answers import Answer
from tasks.services.github.client import Client
from tasks.services.github.issue import ISSUE
from tasks.sides import Attribute, Kind, Option

GITHUB = "https://api.github.com"
#: How long what a repository offers counts as known.
KNOWN_FOR = timedelta(hours=1)

_NAME = re.compile(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+")


def read_place(repository: str, url: str | None) -> tuple[str, str]:
    """The API's address and `owner/name`, of a name or a link.

    Raises:
        TaskDefinitionError: it names no repository.
    """
    name, host = repository.strip(), ""
    if "://" in name:
        link = urlsplit(name)
        host, name = link.netloc, "/".join(link.path.strip("/").split("/")[:2])
    name = name.removesuffix(".git")
    if not _NAME.fullmatch(name):
        raise TaskDefinitionError(
            f"{repository!r} names no repository: use owner/name, or the link of its page"
        )
    given = (url or "").strip().rstrip("/")
    if not given:
        given = GITHUB if host in ("", "github.com", "www.github.com") else f"https://{host}/api/v3"
    parts = urlsplit(given)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.username:
        raise TaskDefinitionError(
            f"{parts.hostname or given!r} is no address of an API such as https://github.example.org/api/v3"
        )
    return given, name


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository and what its issues may be given, as it was at a moment."""

    id: int
    name: str
    labels: tuple[str, ...]
    #: Who can be assigned.
    people: tuple[str, ...]
    #: Numbers by title.
    milestones: Mapping[str, int]
    #: `None` where there are no types.
    types: tuple[str, ...] | None
    read_at: datetime

    def to_json(self) -> dict[str, Any]:
        """As it is kept from run to run."""
        return {
            "id": self.id,
            "name": self.name,
            "labels": list(self.labels),
            "people": list(self.people),
            "milestones": dict(self.milestones),
            "types": None if self.types is None else list(self.types),
            "read_at": self.read_at.isoformat(),
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Repository:
        """What `to_json` gave."""
        return cls(
            kept["id"],
            kept["name"],
            tuple(kept["labels"]),
            tuple(kept["people"]),
            dict(kept["milestones"]),
            None if kept["types"] is None else tuple(kept["types"]),
            datetime.fromisoformat(kept["read_at"]),
        )

    @property
    def is_fresh(self) -> bool:
        """Whether it was read so recently that it need not be read again."""
        return timedelta(0) <= datetime.now(UTC) - self.read_at < KNOWN_FOR

    @property
    def path(self) -> str:
        """Its address, which stays when it is renamed."""
        return f"repositories/{self.id}"

    def attributes(self, *, people: bool, closed_are_gone: bool) -> dict[str, Attribute]:
        """The attributes of its issues.

        Args:
            people: whether those who are assigned are people, not names.
            closed_are_gone: whether all issues are open.
        """
        found = dict(ISSUE)
        found["labels"] = replace(found["labels"], options=_options(self.labels))
        found["milestone"] = replace(found["milestone"], options=_options(self.milestones))
        found["assignees"] = (
            Attribute(Kind.PERSON, meaning="assignees")
            if people
            else replace(found["assignees"], options=_options(self.people))
        )
        if self.types:
            found["type"] = replace(found["type"], options=_options(self.types))
        else:
            del found["type"]
        if closed_are_gone:
            del found["state"]
        return found


def _options(names: Sequence[str] | Mapping[str, Any]) -> tuple[Option, ...]:
    return tuple(Option(name) for name in dict.fromkeys(names))


async def read_repository(client: Client, name: str) -> Repository:
    """The repository of this name, also where it was renamed since.

    Raises:
        TaskDefinitionError: its issues are switched off.
        SideError: there is none for this login, or GitHub cannot be reached.
    """
    answer = await client.follow(f"repos/{name}", subject=f"the repository {name}")
    found = read_answer(answer, name)
    if not found["has_issues"]:
        raise TaskDefinitionError(f"issues are switched off in the repository {name}: switch them on")
    path = f"repositories/{found['id']}"
    milestones = await read_all(client, f"{path}/milestones", {"state": "all"}, "milestones")
    types = await client.get(f"{path}/issue-types", subject=f"the types of issues in {name}")
    return Repository(
        id=int(found["id"]),
        name=str(found["full_name"]),
        labels=tuple(str(one["name"]) for one in await read_all(client, f"{path}/labels", {}, "labels")),
        people=tuple(str(one["login"]) for one in await read_all(client, f"{path}/assignees", {}, "people")),
        milestones={str(one["title"]): int(one["number"]) for one in milestones},
        types=tuple(
            str(one["name"])
            for one in (types.body if types.taken and isinstance(types.body, list) else ())
            if one.get("is_enabled", True)
        )
        or None,
        read_at=datetime.now(UTC),
    )


def read_answer(answer: Answer, name: str) -> Mapping[str, Any]:
    """What an answer says of the repository.

    Raises:
        SideError: there is none for this login.
    """
    if answer.status in (404, 403, 451):
        why = f", {answer.message}" if answer.message else ""
        raise SideError(
            f"GitHub shows this login no repository {name} ({answer.status}{why}): "
            "check the name, and that the login may read its issues"
        )
    if not answer.taken or not isinstance(answer.body, Mapping) or "full_name" not in answer.body:
        raise SideError(
            f"GitHub does not show the repository {name} ({answer.status}); check the API's address"
        )
    return answer.body


async def read_all(
    client: Client, path: str, params: Mapping[str, str], what: str, *, needed: bool = False
) -> list[Mapping[str, Any]]:
    """All of what a short listing shows; nothing where this login may not see it, unless it is needed.

    Raises:
        SideError: it is needed, and GitHub does not show it.
    """
    found: list[Mapping[str, Any]] = []
    answer = await client.get(path, params={**params, "per_page": "100"}, subject=what)
    while answer.taken and isinstance(answer.body, list):
        found += answer.body
        following = answer.next_page
        if following is None or not client.is_home(following):
            return found
        answer = await client.get(following, subject=what)
    if needed:
        raise SideError(f"{what}: GitHub does not show it ({answer.status}, {answer.message})")
    return found
