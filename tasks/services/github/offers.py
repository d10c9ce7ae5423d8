"""What issues of a repository may be given: looked up before anything is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from tasks.errors import SideError, UnfitError
from tasks.services.github.answers import refusal
from tasks.services.github.client import Client
from tasks.services.github.repository import Repository, read_repository
from tasks.services.github.writing import clean, fields_of


@dataclass(slots=True)
class Offers:
    """A repository, read anew where it does not know a name."""

    client: Client
    repository: Repository

    async def fit(self, values: Mapping[str, Any], deleted_label: str, subject: str) -> dict[str, Any]:
        """Values as GitHub keeps them, looked up where they name what must be there.

        Raises:
            UnfitError: some do not fit.
        """
        try:
            wanted = clean(values, deleted_label)
        except UnfitError as error:
            raise UnfitError(f"{subject}: {error}", error.attributes) from None
        unfit: dict[str, str] = {}
        if "labels" in wanted:
            wanted["labels"] = _as_spelt(wanted["labels"], self.repository.labels)
        if wanted.get("assignees"):
            wanted["assignees"] = _as_spelt(wanted["assignees"], self.repository.people)
            strange = [one for one in wanted["assignees"] if not await self._may_be_assigned(one)]
            if strange:
                unfit["assignees"] = f"{', '.join(strange)} cannot be assigned in {self.repository.name}"
        if wanted.get("type") is not None:
            kind = await self._type(wanted["type"])
            if kind is None:
                unfit["type"] = f"{self.repository.name} has no type of issues {wanted['type']!r}"
            wanted["type"] = kind
        if unfit:
            raise UnfitError(f"{subject}: {'; '.join(unfit.values())}", unfit)
        return wanted

    async def _may_be_assigned(self, login: str) -> bool:
        if login in self.repository.people:
            return True
        path = f"{self.repository.path}/assignees/{quote(login, safe='')}"
        return (await self.client.get(path, subject=f"the user {login}")).taken

    async def _read_again(self) -> None:
        """Read the repository anew.

        Raises:
            SideError: another one has its name by now, and what is written must not go there.
        """
        now = await read_repository(self.client, self.repository.name)
        if now.id != self.repository.id:
            raise SideError(
                f"{self.repository.name} is another repository than when the run began; the next run looks at it"
            )
        self.repository = now

    async def _type(self, name: str) -> str | None:
        for again in (False, True):
            if again:
                await self._read_again()
            found = [one for one in self.repository.types or () if one.casefold() == name.casefold()]
            if found:
                return found[0]
        return None

    async def fields(self, values: Mapping[str, Any], subject: str) -> dict[str, Any]:
        """The fields of a request that sets values which fit; a milestone that is missing is made.

        Raises:
            ItemError: GitHub does not take the milestone.
            OutcomeUnknownError: it may have been made.
        """
        title = values.get("milestone")
        return fields_of(values, await self._milestone(title, subject) if title else None)

    async def _milestone(self, title: str, subject: str) -> int:
        """The number of a milestone, which is made where there is none."""
        if title not in self.repository.milestones:
            await self._read_again()
        if title not in self.repository.milestones:
            path = f"{self.repository.path}/milestones"
            answer = await self.client.write("POST", path, {"title": title}, subject=subject)
            if not answer.taken or not isinstance(answer.body, Mapping):
                raise refusal(answer, subject, self.repository.name, {"title": "milestone"})
            made = answer.body
            milestones = {**self.repository.milestones, title: int(made["number"])}
            self.repository = replace(self.repository, milestones=milestones)
        return self.repository.milestones[title]


def _as_spelt(names: Iterable[str], known: Iterable[str]) -> tuple[str, ...]:
    """Names, as those that are known are spelt."""
    spelt = {name.casefold(): name for name in known}
    return tuple(sorted({spelt.get(name.casefold(), name) for name in names}))
