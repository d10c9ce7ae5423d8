"""Single issues of a repository as they are now, and what is known of their end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tasks.errors import PreconditionError, SideError
from tasks.services.github.answers import Answer
from tasks.services.github.client import Client
from tasks.services.github.history import was_opened_since
from tasks.services.github.issue import WRITABLE, Issue, is_deleted, is_issue, named, number_in, read_issue
from tasks.services.github.marks import label_names, same_label
from tasks.services.github.offers import Offers
from tasks.services.github.repository import Repository, read_all, read_answer
from tasks.values.canonical import same


@dataclass(slots=True)
class Looking:
    """The issues of a repository, one by one."""

    client: Client
    offers: Offers
    deleted_label: str
    #: Whether a closed issue is as good as deleted.
    closed_are_gone: bool

    @property
    def repository(self) -> Repository:
        """Whose issues they are."""
        return self.offers.repository

    def read(self, raw: Any) -> Issue:
        """An issue.

        Raises:
            ItemError: it cannot be read.
        """
        return read_issue(raw, self.repository.id, self.deleted_label)

    def is_there(self, raw: Mapping[str, Any]) -> bool:
        """Whether it is an issue that was not deleted."""
        if not is_issue(raw) or is_deleted(raw, self.deleted_label):
            return False
        return not (self.closed_are_gone and raw.get("state") == "closed")

    async def look(self, number: int) -> Answer:
        """What GitHub says of an issue now."""
        return await self.client.get(self.path(number), subject=f"issue #{number}")

    async def find(self, number: int) -> Mapping[str, Any] | None:
        """An issue as it is now; `None` where it is not here any more.

        Raises:
            SideError: GitHub does not say.
        """
        answer = await self.look(number)
        if answer.taken and isinstance(answer.body, Mapping):
            return answer.body if self.is_there(answer.body) else None
        if answer.moved or answer.status in (404, 410):
            return None
        raise SideError(f"issue #{number}: GitHub does not show it ({answer.status}, {answer.message})")

    async def is_gone(self, number: int) -> bool:
        """Whether GitHub says that it was deleted.

        404 says as well that this login may not see it, a redirect that it was moved to another repository, and 410
        that issues are switched off: none of these is a deletion. Neither is a label that somebody left on an issue
        when opening it again, and who closed it later.
        """
        answer = await self.look(number)
        if answer.taken and isinstance(answer.body, Mapping):
            if not is_issue(answer.body) or self.is_there(answer.body):
                return False
            if self.closed_are_gone:
                return True
            return not was_opened_since(await self.events(number), self.deleted_label)
        if answer.status != 410:
            return False
        place = await self.client.get(self.repository.path, subject=f"the repository {self.repository.name}")
        return bool(read_answer(place, self.repository.name)["has_issues"])

    async def as_read(self, issue: Issue, wanted: Mapping[str, Any]) -> Mapping[str, Any]:
        """An issue as it is now, if nobody edited it since, but to what is wanted.

        Raises:
            PreconditionError: somebody did, or it is not here any more.
        """
        here = number_in(issue.id, self.repository.id) == issue.number
        raw = await self.find(issue.number) if here else None
        if raw is None:
            raise PreconditionError(f"issue #{issue.number} was deleted, moved or closed while the sync ran")
        now = self.read(raw).values
        changed = [
            name
            for name, value in issue.values.items()
            if name in WRITABLE
            and not same(value, now[name])
            and not (name in wanted and same(wanted[name], now[name]))
        ]
        if changed:
            raise PreconditionError(
                f"{named(raw)} was edited while the sync ran ({', '.join(changed)}); the next run takes it up"
            )
        return raw

    async def events(self, number: int) -> Sequence[Any]:
        """What happened to an issue.

        Raises:
            SideError: GitHub does not say.
        """
        return await read_all(
            self.client, f"{self.path(number)}/events", {}, f"the history of issue #{number}", needed=True
        )

    def living(self, raw: Mapping[str, Any]) -> list[str]:
        """The labels of an issue that is not deleted."""
        return [name for name in label_names(raw) if not same_label(name, self.deleted_label)]

    def path(self, number: int) -> str:
        """The address of an issue."""
        return f"{self.repository.path}/issues/{number}"
