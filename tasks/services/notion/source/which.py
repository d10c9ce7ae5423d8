"""Which data source is meant: the one whose id is given, or the only one of a database."""

from __future__ import annotations

from tasks.errors import SideError, TaskDefinitionError
from tasks.services.notion.api.answers import RefusedError
from tasks.services.notion.api.client import Json, NotionClient
from tasks.services.notion.api.ids import parse_id
from tasks.services.notion.columns import rich_text


class Source:
    """A data source by an id that a person gave.

    Parameters:
        client: for the requests; who made it closes it.
        given: id of the data source, or of a database that holds just one; also as a link copied in Notion.

    Raises:
        TaskDefinitionError: there is no id in `given`.
    """

    def __init__(self, client: NotionClient, given: str) -> None:
        self._client = client
        self._given = parse_id(given)
        self._found: str | None = None

    @property
    def id(self) -> str:
        """The id of the data source, once it was found; until then the one that was given."""
        return self._found or self._given

    @property
    def subject(self) -> str:
        """What it is called in messages about requests."""
        return f"Notion data source {self.id}"

    async def find(self) -> None:
        """Make sure that the id is that of the data source.

        Raises:
            SideError: Notion does not show it to this token.
            TaskDefinitionError: a database was given that has no data source, or several.
        """
        if self._found is None:
            await self.retrieve()

    async def retrieve(self) -> Json:
        """The data source as it is now, in Notion's words.

        Raises:
            SideError: Notion does not show it to this token.
            TaskDefinitionError: a database was given that has no data source, or several.
        """
        try:
            raw = await self._client.read(f"data_sources/{self.id}", subject=self.subject)
        except RefusedError as error:
            if self._found is None and error.status in (400, 404):
                self._found = await self._only_source()
                return await self.retrieve()
            raise self.refused(error) from None
        self._found = self.id
        return raw

    async def _only_source(self) -> str:
        """The one data source of the database whose id was given."""
        try:
            raw = await self._client.read(
                f"databases/{self._given}", subject=f"Notion database {self._given}"
            )
        except RefusedError as error:
            raise self.refused(error) from None
        sources = raw.get("data_sources") or []
        title = rich_text.plain(raw.get("title")) or self._given
        if not sources:
            raise TaskDefinitionError(f"Notion database {title!r} has no data source that this token can see")
        if len(sources) > 1:
            listed = ", ".join(f"{source.get('name')!r} {source['id']}" for source in sources)
            raise TaskDefinitionError(
                f"Notion database {title!r} has {len(sources)} data sources: "
                f"give the id of one of them: {listed}"
            )
        return str(sources[0]["id"])

    def refused(self, error: RefusedError) -> SideError:
        """What it means that Notion refused a request about the data source."""
        if error.status == 404 or self._found is None:
            return SideError(
                f"{self.subject} does not exist, or the integration may not see it: share it with the "
                "integration (menu of the database, Connections)"
            )
        return SideError(str(error))
