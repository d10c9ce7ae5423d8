"""Single issues of a repository: made, changed, taken away. Every write looks first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tasks.errors import ItemError, OutcomeUnknownError, PreconditionError
from tasks.services.github.answers import refusal
from tasks.services.github.history import was_open
from tasks.services.github.issue import (
    ATTRIBUTE_OF,
    Issue,
    is_issue,
    named,
)
from tasks.services.github.looking import Looking
from tasks.services.github.marks import has_label, mark_in, mark_of, marked
from tasks.services.github.writing import BODY_MAX, state_fields
from tasks.sides import State
from tasks.values.canonical import same

#: Issues that are looked through for one that an earlier attempt made.
LATEST = 100

_DELETE = "mutation($id: ID!) { deleteIssue(input: {issueId: $id}) { clientMutationId } }"


@dataclass(slots=True)
class Records(Looking):
    """The issues of a repository, made, changed and taken away."""

    #: Numbers of issues that Lockstep made, by their marks, as far as they were seen.
    made: dict[str, int] = field(default_factory=dict)
    #: Whether all that was made lately was seen; else the latest issues are looked through before one is made.
    complete: bool = False

    def saw(self, raw: Mapping[str, Any]) -> None:
        """Take note of an issue that Lockstep made."""
        mark = mark_in(raw.get("body"))
        if mark is not None and self.is_there(raw):
            number = int(raw["number"])
            self.made[mark] = min(number, self.made.get(mark, number))  # another one has a copy of its text

    # -- writes -------------------------------------------------------------------------------------------

    async def create(self, key: str, values: Mapping[str, Any]) -> Issue:
        """Make an issue, or give the one that an earlier attempt with this key made.

        Raises:
            UnfitError: some values do not fit.
            ItemError: GitHub does not take it.
            OutcomeUnknownError: it may have been made.
        """
        subject = f"new issue {str(values.get('title') or '')[:80]!r}"
        wanted = await self.offers.fit({"title": "", **values}, self.deleted_label, subject)
        state = wanted.pop("state", State.OPEN)
        raw = await self.made_before(key)
        if raw is None:
            body = wanted.get("body", "")
            with_mark = marked(body, key)
            wanted["body"] = with_mark if len(with_mark) <= BODY_MAX else body
            fields = await self.offers.fields(
                {name: value for name, value in wanted.items() if value}, subject
            )
            self.complete = False
            raw = await self._send("POST", f"{self.repository.path}/issues", fields, subject)
            self.complete = True
            wanted["body"] = body
        elif raw["created_at"] != raw["updated_at"]:
            return self.read(raw)  # somebody went on with it
        self.saw(raw)
        if state is not State.OPEN and raw["state"] == "open":
            subject = named(raw)
            raw = await self._send("PATCH", self.path(raw["number"]), state_fields(state), subject)
        return self._taken(raw, {**wanted, "state": state})

    async def update(self, issue: Issue, changes: Mapping[str, Any]) -> Issue:
        """Set values of an issue that is as it was read.

        Raises:
            PreconditionError: it is not.
            UnfitError: some values do not fit; nothing was written.
            ItemError: GitHub does not take it.
            OutcomeUnknownError: it may have been written.
        """
        subject = f"issue #{issue.number}"
        wanted = await self.offers.fit(changes, self.deleted_label, subject)
        raw = await self.as_read(issue, wanted)
        now = self.read(raw)
        new = {name: value for name, value in wanted.items() if not _alike(value, now.values[name])}
        if not new:
            return now
        fields = await self.offers.fields(new, subject)
        if has_label(raw, self.deleted_label) and "labels" not in fields:
            fields["labels"] = self.living(raw)  # it was opened again
        try:
            raw = await self._send("PATCH", self.path(issue.number), fields, subject)
        except OutcomeUnknownError:
            raw = await self._settled(issue.number, new)
        if "state" in new and not same(self.read(raw).values["state"], new["state"]):
            # The reason is taken only where the state changes with it.
            await self._send("PATCH", self.path(issue.number), {"state": "open"}, subject)
            raw = await self._send("PATCH", self.path(issue.number), state_fields(new["state"]), subject)
        return self._taken(raw, new)

    async def close(self, issue: Issue) -> None:
        """Close an issue in the place of a deletion, with the label that says so.

        Raises:
            PreconditionError: it is not as it was read.
        """
        raw = await self.as_read(issue, {})
        fields: dict[str, Any] = {} if raw["state"] == "closed" else state_fields(State.CANCELLED)
        fields["labels"] = [*self.living(raw), self.deleted_label]
        raw = await self._send("PATCH", self.path(issue.number), fields, f"issue #{issue.number}")
        if self.is_there(raw):
            raise ItemError(
                f"{named(raw)}: GitHub did not close it with the label {self.deleted_label!r}: "
                "the login needs the right to set labels"
            )

    async def delete_for_good(self, issue: Issue) -> None:
        """Delete an issue as only administrators can.

        Raises:
            PreconditionError: it is not as it was read.
            ItemError: GitHub does not delete it.
        """
        raw = await self.as_read(issue, {})
        subject = named(raw)
        body = {"query": _DELETE, "variables": {"id": raw["node_id"]}}
        answer = await self.client.write("POST", self.client.graphql_url, body, subject=subject)
        errors = answer.body.get("errors") if isinstance(answer.body, Mapping) else None
        if not answer.taken or errors:
            why = str(errors[0].get("message")) if errors else f"{answer.status}, {answer.message}"
            raise ItemError(
                f"{subject}: GitHub does not delete it ({why}): only administrators may; "
                'use delete = "close", or a login that may'
            )
        if await self.find(issue.number) is not None:
            raise ItemError(f"{subject}: GitHub says that it deleted it, but shows it still")

    async def reopen(self, number: int) -> Issue | None:
        """Take back that an issue was closed in the place of a deletion; `None` where it is gone for good."""
        answer = await self.look(number)
        raw = answer.body
        if not answer.taken or not isinstance(raw, Mapping) or not is_issue(raw):
            return None
        fields: dict[str, Any] = {}
        if raw["state"] == "closed" and was_open(await self.events(number), self.deleted_label):
            fields["state"] = "open"
        if has_label(raw, self.deleted_label):
            fields["labels"] = self.living(raw)
        if fields:
            raw = await self._send("PATCH", self.path(number), fields, named(raw))
        return self.read(raw) if self.is_there(raw) else None

    async def _settled(self, number: int, wanted: Mapping[str, Any]) -> Mapping[str, Any]:
        """An issue whose write got no answer, if it shows what was written.

        Raises:
            OutcomeUnknownError: it does not.
        """
        raw = await self.find(number)
        if raw is not None and all(
            same(self.read(raw).values[name], value) for name, value in wanted.items()
        ):
            return raw
        raise OutcomeUnknownError(
            f"issue #{number}: GitHub did not confirm the write; it may have been carried out"
        )

    async def made_before(self, key: str) -> Mapping[str, Any] | None:
        """The issue that an earlier attempt made with a key."""
        if mark_of(key) not in self.made and not self.complete:
            answer = await self.client.get(
                f"{self.repository.path}/issues",
                params={"state": "all", "sort": "created", "direction": "desc", "per_page": str(LATEST)},
                subject=f"the latest issues of {self.repository.name}",
            )
            if not answer.taken or not isinstance(answer.body, list):
                raise refusal(answer, "the latest issues", self.repository.name, {})
            for raw in answer.body:
                self.saw(raw)
            self.complete = True
        number = self.made.get(mark_of(key))
        return await self.find(number) if number is not None else None

    # -- sending ------------------------------------------------------------------------------------------

    async def _send(
        self, method: str, path: str, fields: Mapping[str, Any], subject: str
    ) -> Mapping[str, Any]:
        answer = await self.client.write(method, path, fields, subject=subject)
        if answer.taken and isinstance(answer.body, Mapping) and "number" in answer.body:
            return answer.body
        if answer.taken:
            raise OutcomeUnknownError(f"{subject}: GitHub's answer shows no issue; it may have been written")
        if method == "PATCH" and (answer.moved or answer.status in (404, 410)):
            raise PreconditionError(f"{subject} was deleted or moved while the sync ran ({answer.status})")
        raise refusal(answer, subject, self.repository.name, ATTRIBUTE_OF)

    def _taken(self, raw: Mapping[str, Any], wanted: Mapping[str, Any]) -> Issue:
        """An issue after a write.

        Raises:
            ItemError: GitHub dropped some of it without a word, as it does where rights are missing.
        """
        issue = self.read(raw)
        self.saw(raw)
        dropped = [
            name
            for name in ("labels", "assignees", "milestone", "type", "state")
            if name in wanted and not _alike(wanted[name], issue.values[name])
        ]
        if dropped:
            raise ItemError(
                f"{named(raw)}: GitHub took the write but not its {', '.join(dropped)}: "
                "the login needs the right to write in the repository"
            )
        return issue


def _alike(one: Any, two: Any) -> bool:
    """Whether two values mean the same to GitHub, which knows no case of names."""
    if isinstance(one, tuple) and isinstance(two, tuple):
        return sorted(name.casefold() for name in one) == sorted(name.casefold() for name in two)
    return same(one, two)
