"""GitHub as a side of a sync: the issues of one repository."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from pydantic import SecretStr

from tasks.errors import ItemError, SideError, TaskDefinitionError
from tasks.services.github.client import Client
from tasks.services.github.cursor import Cursor
from tasks.services.github.issue import Issue, is_issue, issue_id, named, number_in
from tasks.services.github.login import Login, login_of
from tasks.services.github.marks import DELETED_LABEL
from tasks.services.github.offers import Offers
from tasks.services.github.pages import Pages
from tasks.services.github.records import Records
from tasks.services.github.repository import Repository, read_place, read_repository
from tasks.sides import ID, Attribute, Changes, Listing, Side, gathered, title_key


class Issues(Side):
    """The issues of one repository; pull requests are none.

    Arguments:
        repository: `owner/name`, or the link of its page.
        token: Who asks; without one, `GITHUB_TOKEN` or `GH_TOKEN` at the time of a run.
        url: The API's address where it is not github.com's, such as `https://github.example.org/api/v3`.
        app: The client id, or the id, of a GitHub App that asks instead of a token.
        private_key: The file with the app's private key.
        installation: The id of the app's installation; without one, that at the repository.
        delete: What becomes of an issue whose counterpart was deleted: it is closed with a label, or deleted for good,
            which only administrators may.
        deleted_label: That label.
        closed: Whether closed issues are synced like all others, or are as good as deleted.
        assignees: Whether those who are assigned are names, or people.

    Raises:
        TaskDefinitionError: the repository or the address does not fit, or half of an app is named.
    """

    label = "GitHub"
    granularity = timedelta(seconds=1)
    #: GitHub's listings are read from copies of its database.
    settling = timedelta(seconds=30)
    #: GitHub asks not to send requests at once.
    concurrency = 1

    def __init__(
        self,
        repository: str,
        *,
        token: SecretStr | str | None = None,
        url: str | None = None,
        app: str | None = None,
        private_key: Path | str | None = None,
        installation: int | None = None,
        delete: Literal["close", "delete"] = "close",
        deleted_label: str = DELETED_LABEL,
        closed: Literal["synced", "gone"] = "synced",
        assignees: Literal["names", "people"] = "names",
    ) -> None:
        self._url, self._name = read_place(repository, url)
        self._token = SecretStr(token) if isinstance(token, str) else token
        if (app is None) != (private_key is None) or (app is not None and token is not None):
            raise TaskDefinitionError(
                "GitHub: an app needs app and private_key, and no token; without an app, give neither"
            )
        self._app = app
        self._private_key = Path(private_key) if private_key is not None else None
        self._installation = installation
        if not deleted_label.strip():
            raise TaskDefinitionError("GitHub: deleted_label is empty: name a label")
        self._delete = delete
        self._deleted_label = deleted_label.strip()
        self._closed = closed
        self._assignees = assignees
        self._client: Client | None = None
        self._records: Records | None = None
        self._known: Repository | None = None

    # -- a run --------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Make the client, with the login of the environment where none was given."""
        login = login_of(self._name, self._token, self._app, self._private_key, self._installation)
        self._client = self.make_client(login)
        self._client.before_write = self.before_write

    def make_client(self, login: Login) -> Client:
        """The client of a run."""
        return Client(self._url, login)

    @property
    def login_expires(self) -> datetime | None:
        """When the token expires; an app fetches its own, so those are nobody's to renew."""
        return self._client.login_expires if self._client is not None and self._app is None else None

    async def close(self) -> None:
        """Close the client."""
        client, self._client, self._records = self._client, None, None
        if client is not None:
            await client.close()

    def recall(self, remembered: Any, synced: Mapping[ID, Mapping[str, Any]]) -> None:
        """Take over what the repository offers."""
        self._records = None
        if remembered is not None and remembered["place"] == self._place:
            self._known = Repository.from_json(remembered["repository"])

    def remembered(self) -> Any:
        """What the repository offers."""
        known = self._records.repository if self._records is not None else self._known
        return {"place": self._place, "repository": known.to_json()} if known is not None else None

    @property
    def _place(self) -> str:
        return f"{self._url}/{self._name}"

    async def reach(self) -> None:
        """Read what the repository offers, also where that is known."""
        self._records, self._known = None, None
        await self.records()

    async def records(self) -> Records:
        """The issues, one by one."""
        if self._client is None:
            raise SideError("GitHub is asked before the run began")
        if self._records is None:
            if self._known is None or not self._known.is_fresh:
                self._known = await read_repository(self._client, self._name)
            self.label = f"the repository {self._known.name}"
            self._records = Records(
                self._client,
                Offers(self._client, self._known),
                self._deleted_label,
                self._closed == "gone",
            )
        return self._records

    async def describe(self) -> Mapping[str, Attribute]:
        """The attributes of an issue, with what the repository offers."""
        repository = (await self.records()).repository
        return repository.attributes(
            people=self._assignees == "people", closed_are_gone=self._closed == "gone"
        )

    async def check(self, attributes: Collection[str]) -> None:
        """Make sure that issues have these attributes.

        Raises:
            TaskDefinitionError: one they have not.
        """
        there = await self.describe()
        unknown = sorted(set(attributes) - there.keys())
        if unknown:
            raise TaskDefinitionError(
                f"an issue of {self._name} has no {', '.join(unknown)}, only {', '.join(there)}"
            )

    def scope(self) -> str:
        """The repository, whatever it is called by now, and whether closed issues are listed."""
        known = self._records.repository if self._records is not None else self._known
        place = known.path if known is not None else self._name
        return f"{self._url}/{place}, closed {self._closed}"

    # -- reading ------------------------------------------------------------------------------------------

    async def list(self) -> Listing:
        """All issues, with a cursor for what is changed from now on.

        Raises:
            SideError: the repository does not show its issues.
        """
        return await gathered(self.pages())

    async def pages(self) -> AsyncIterator[Listing]:
        """The same, a hundred at a time.

        Raises:
            SideError: the repository does not show its issues.
        """
        records = await self.records()
        params = {"state": "open" if self._closed == "gone" else "all", "sort": "created", "direction": "asc"}
        pages = self._pages(records, params)
        await pages.begin(None)
        async for objects in pages.objects():
            found, unreadable, _ = _sorted(objects, records)
            yield Listing(found, unreadable=unreadable)
        records.complete = pages.partial is None
        cursor = Cursor.behind(pages, records.repository.id).to_json()
        # Changes never tell of what was deleted: the next run lists all again.
        yield Listing(partial=pages.partial, cursor=None if pages.some_left else cursor)

    async def changes(self, cursor: Any) -> Changes:
        """What changed since a cursor: one request where nothing did, which costs nothing of the rate limit.

        Raises:
            CursorExpiredError: it is none of this repository.
            SideError: the repository does not show its issues.
        """
        records = await self.records()
        start = Cursor.read(cursor, records.repository.id)
        params = {"state": "all", "sort": "updated", "direction": "desc", "since": start.since}
        pages = self._pages(records, params)
        if not await pages.begin(start.etag):
            return Changes((), cursor=cursor)
        objects = [one async for page in pages.objects() for one in page]
        found, unreadable, gone = _sorted(objects, records)
        deleted = [issue_id(records.repository.id, number) for number in gone]
        return Changes(found, deleted, start.after(pages).to_json(), pages.partial, unreadable)

    def _pages(self, records: Records, params: Mapping[str, str]) -> Pages:
        repository = records.repository
        return Pages(records.client, f"{repository.path}/issues", params, f"the issues of {repository.name}")

    async def get(self, obj_id: ID) -> Issue | None:
        """An issue by its id."""
        records = await self.records()
        number = number_in(obj_id, records.repository.id)
        raw = await records.find(number) if number is not None else None
        return records.read(raw) if raw is not None else None

    def known(self, obj_id: ID, values: Mapping[str, Any]) -> Issue:
        """An issue by what it showed; every write looks at it again."""
        return Issue(obj_id, int(obj_id.rpartition("#")[2]), dict(values))

    async def is_gone(self, obj_id: ID) -> bool:
        """Whether GitHub says that it was deleted, or it was closed in the place of that."""
        records = await self.records()
        number = number_in(obj_id, records.repository.id)
        return number is not None and await records.is_gone(number)

    # -- one object ---------------------------------------------------------------------------------------

    def id(self, obj: Issue) -> str:
        """The repository's id and the issue's number."""
        return obj.id

    def key(self, obj: Issue) -> str:
        """The title, without regard to case and the space around it."""
        return title_key(obj.values["title"])

    def edited(self, obj: Issue) -> datetime | None:
        """When anything of it changed last."""
        return obj.updated

    def values(self, obj: Issue) -> Mapping[str, Any]:
        """Its values."""
        return obj.values

    def title(self, obj: Issue) -> str:
        """Its title and number."""
        return f"{obj.values.get('title', '')} (#{obj.number})".strip()

    def address(self, obj: Issue) -> str | None:
        """Its page."""
        url = obj.values.get("url")
        return str(url) if url else None

    # -- writing ------------------------------------------------------------------------------------------

    async def create(self, key: str, values: Mapping[str, Any]) -> Issue:
        """Make an issue; one that was made with this key before is given instead."""
        return await (await self.records()).create(key, values)

    async def made(self, key: str) -> ID | None:
        """The issue whose text bears the mark of this key still."""
        records = await self.records()
        raw = await records.made_before(key)
        return records.read(raw).id if raw is not None else None

    async def update(self, obj: Issue, changes: Mapping[str, Any]) -> Issue:
        """Set values in one write, where the issue is as it was read."""
        return await (await self.records()).update(obj, changes)

    async def delete(self, obj: Issue) -> None:
        """Close an issue with the label that says why, or delete it for good where that is wanted."""
        records = await self.records()
        await (records.delete_for_good(obj) if self._delete == "delete" else records.close(obj))

    async def restore(self, obj_id: ID) -> Issue | None:
        """Open an issue again that was closed in the place of a deletion, if it was open."""
        records = await self.records()
        number = number_in(obj_id, records.repository.id)
        return await records.reopen(number) if number is not None else None


def _sorted(objects: Sequence[Any], records: Records) -> tuple[list[Issue], dict[str, str], list[int]]:
    """Issues, those that cannot be read, and the numbers of those that are as good as deleted.

    Raises:
        SideError: something listed is no issue at all.
    """
    found: list[Issue] = []
    unreadable: dict[str, str] = {}
    gone: list[int] = []
    for raw in filter(is_issue, objects):
        number = raw.get("number") if isinstance(raw, Mapping) else None
        if not isinstance(number, int):
            raise SideError(f"GitHub lists what is no issue in {records.repository.name}")
        try:
            if not records.is_there(raw):
                gone.append(number)
                continue
            found.append(records.read(raw))
            records.saw(raw)
        except (ItemError, AttributeError, KeyError, TypeError) as error:
            why = str(error) if isinstance(error, ItemError) else f"{named(raw)} cannot be read: {error}"
            unreadable[issue_id(records.repository.id, number)] = why
    return found, unreadable, gone
