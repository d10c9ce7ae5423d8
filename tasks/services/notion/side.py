"""The rows of a Notion data source as a side of a sync."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote

from pydantic import SecretStr

from config import get_settings
from tasks.errors import SideError, TaskDefinitionError
from tasks.services.notion.attributes import described
from tasks.services.notion.body import PAGE_BODY, Bodies
from tasks.services.notion.client import NotionClient
from tasks.services.notion.ids import ids_among, parse_id
from tasks.services.notion.known_columns import KnownColumns
from tasks.services.notion.latest_rows import LatestRows
from tasks.services.notion.page import Page, known_page
from tasks.services.notion.queries import PAGE_SIZE
from tasks.services.notion.reading import Reader
from tasks.services.notion.rows import Rows
from tasks.services.notion.schema import Schema
from tasks.services.notion.throttle import Throttle
from tasks.services.notion.watermark import Watermark
from tasks.services.notion.writing import Writer
from tasks.sides import ID, Attribute, Changes, Listing, Side, title_key


class DataSource(Side):
    """The rows of a data source.

    Its attributes are the properties, by the names that they had in the task's first run. They are addressed by id:
    one that is renamed goes on working, and the log tells of it. `page body` stands for the content of a page, as
    Markdown; it takes one more request for each row that was edited.

    More rows than one answer of Notion's holds are read by their changes, and in full now and then: a row that is
    deleted in Notion, or leaves the filter, is missed only then. Every update and deletion looks at the row right
    before it writes, and is given up where a synced value changed since the listing (`RecentEdits`). Notion has no
    conditional writes, so an edit in the seconds since that look can still be overwritten.

    Parameters:
        data_source: id of the data source, or of a database that holds just one; also as a link.
        token: of the integration; by default NOTION_TOKEN.
        base_url: of the API; by default NOTION_BASE_URL.
        throttle: the request budget; by default the one that this process has for the token.
        filter: which rows to sync, in Notion's own filter grammar, with ids or names of properties. A row
            that leaves the filter is not deleted on the other side.
        column_ids: ids of properties, by the names in the mapping, where the name is not that of the first run.
            To put one in or take it out says that the property is meant as it is now.
        date_ranges: date properties whose value is a `DateRange`, with end and zone; of others it is the start.
        label: what people call it, inside a sentence.

    Raises:
        TaskDefinitionError: `data_source` holds no id.
    """

    granularity = timedelta(minutes=1)
    #: For how long one query for all rows that were edited lately stands for a look at each of them before it is
    #: written. What a person edits meanwhile in the very property can be overwritten; with zero, each row is
    #: read right before its write, at the price of one more request.
    look_counts_for: timedelta = timedelta(seconds=2)

    def __init__(
        self,
        data_source: str,
        *,
        token: SecretStr | None = None,
        base_url: str | None = None,
        throttle: Throttle | None = None,
        filter: Mapping[str, Any] | None = None,
        column_ids: Mapping[str, str] | None = None,
        date_ranges: Collection[str] = (),
        label: str = "Notion",
    ) -> None:
        self.data_source = data_source
        self.filter = filter
        self.column_ids = dict(column_ids or {})
        self.date_ranges = frozenset(date_ranges)
        self.label = label
        if type(self).settling is Side.settling:
            self.settling = timedelta(seconds=get_settings().notion_lag_seconds)
        self._token = token
        self._base_url = base_url
        self._throttle = throttle
        #: The data source that `check` found, until then the id that was given.
        self._listed_id = parse_id(data_source)
        #: The database in which it is, where `check` was told.
        self._database_id: str | None = None
        # What outlives a run.
        self._known = KnownColumns(self.column_ids)
        self._latest = LatestRows()
        self._bodies = Bodies()
        # What belongs to one run.
        self._client: NotionClient | None = None
        self._rows_of_run: Rows | None = None
        self._reader_of_run: Reader | None = None
        self._schema: Schema | None = None

    # -- a run --------------------------------------------------------------------------------------------

    def make_client(self) -> NotionClient:
        """The connection for one run.

        Raises:
            SideError: the token is missing.
        """
        settings = get_settings()
        return NotionClient(
            self._token or settings.notion_token,
            base_url=self._base_url or settings.notion_base_url,
            throttle=self._throttle,
        )

    async def open(self) -> None:
        """Make the connection; a subclass that opens more calls this too."""
        self._client = client = self.make_client()
        client.before_write = self.before_write
        self._rows_of_run = rows = Rows(client, self.data_source, filter=self.filter)
        self._reader_of_run = Reader(
            client, rows, self._latest, self._bodies, self.settling, self.look_counts_for
        )

    async def close(self) -> None:
        """Close the connection; a subclass that opened more calls this too."""
        client, self._client = self._client, None
        self._rows_of_run = self._reader_of_run = self._schema = None
        if client is not None:
            await client.close()

    def recall(self, remembered: Any, synced: Mapping[ID, Mapping[str, Any]]) -> None:
        """Take over what an earlier run knew of the columns and of the contents of pages, and what it wrote."""
        if remembered is not None:
            self._known.from_json(remembered)
            self._latest.from_json(remembered.get("latest"))
        texts = {page_id: values[PAGE_BODY] for page_id, values in synced.items() if PAGE_BODY in values}
        self._bodies.from_json((remembered or {}).get("bodies", {}), texts)

    @property
    def full_label(self) -> str:
        """The data source by its title, once it is known."""
        return self.label if self._schema is None else self._schema.where

    async def describe(self) -> dict[str, Attribute]:
        """All properties, by the names that they had when they were synced first, and the content of pages.

        Raises:
            SideError: Notion does not show the data source to this token.
            TaskDefinitionError: a database was given that has no data source, or several.
        """
        self._schema = schema = await self._rows.schema()
        columns = self._known.named(schema)
        forms = {name: self._known.form(schema, name, column) for name, column in columns.items()}
        return described(columns, forms, self.date_ranges, self._known.synced_last(schema))

    async def check(self, attributes: Collection[str]) -> None:
        """Find the columns that are synced, as the data source was described, or else as it is.

        Raises:
            TaskDefinitionError: one is missing, of a type that cannot be synced, or another than before; or
                `column_ids` names what is not synced, or `date_ranges` what there is not.
            SideError: Notion does not show the data source to this token, or it is in the trash.
        """
        schema = self._schema or await self._rows.schema()
        for said, names, known, where in (
            ("column_ids", self.column_ids, attributes, "the mapping does not"),
            ("date_ranges", self.date_ranges, self._known.named(schema), f"{schema.where} does not have"),
        ):
            unknown = sorted(set(names) - set(known))
            if unknown:
                raise TaskDefinitionError(f"{said} names {', '.join(unknown)}, which {where}")
        if schema.in_trash:
            raise SideError(f"{schema.where} is in the trash: restore it, or take the task out")
        with_bodies = PAGE_BODY in attributes
        if with_bodies and PAGE_BODY in schema.columns:
            raise TaskDefinitionError(
                f"{schema.where} has a property {PAGE_BODY!r}, which in a mapping stands for the content of pages: "
                "rename it"
            )
        attrs = [attr for attr in attributes if attr != PAGE_BODY]
        self._known.find(schema, attrs, {attr: {"date"} for attr in self.date_ranges})
        columns = {
            attr: replace(self._known.column(schema, attr), as_range=attr in self.date_ranges)
            for attr in attrs
        }
        self._reader.columns, self._reader.with_bodies = columns, with_bodies
        self._listed_id, self._database_id = schema.id, schema.database_id
        titles = {column.name: column for column in schema.columns.values() if column.type == "title"}
        self._rows.shown = {unquote(column.id): name for name, column in sorted((titles | columns).items())}

    def scope(self) -> str:
        """The data source and the filter."""
        return json.dumps([self._listed_id, self.filter], sort_keys=True)

    def remembered(self) -> Any:
        """What is known of the columns, their options and the contents of pages, and what was written lately."""
        self._reader.forget()
        bodies = {"bodies": self._bodies.to_json()} if self._reader.with_bodies else {}
        return {**self._known.to_json(), "latest": self._latest.to_json(), **bodies}

    def concerns(self, event: Mapping[str, Any]) -> bool:
        """Whether an event is about the data source or a row in it, by its entity with `parent`.

        An event of an older subscription names the database only, which then may be the one.
        """
        parent = event.get("parent") or {}
        places = {self._listed_id, parse_id(self.data_source)}
        if not places.isdisjoint(ids_among(event.get("id"), parent.get("id"), parent.get("data_source_id"))):
            return True
        older = parent.get("type") == "database" and not parent.get("data_source_id")
        return older and self._database_id in (None, *ids_among(parent.get("id")))

    @property
    def _rows(self) -> Rows:
        if self._rows_of_run is None:
            raise RuntimeError("the data source is not open")
        return self._rows_of_run

    @property
    def _reader(self) -> Reader:
        if self._reader_of_run is None:
            raise RuntimeError("the data source is not open")
        return self._reader_of_run

    @property
    def _writer(self) -> Writer:
        if self._client is None:
            raise RuntimeError("the data source is not open")
        return Writer(self._client, self._rows, self._reader, self._bodies)

    # -- reading ------------------------------------------------------------------------------------------

    async def list(self) -> Listing:
        """All rows outside the trash."""
        begun = self._reader.begin()
        rows = await self._rows.rows()
        complete = rows.partial is None
        pages, unreadable = await self._reader.listed(rows, all_rows=complete)
        self._known.see(pages, self._reader.columns, all_rows=complete and not unreadable)
        # What fits into one answer is listed as cheaply as its changes are, and shows deletions as well.
        cursor = None
        if complete and len(pages) > PAGE_SIZE:
            cursor = self._reader.mark(self.scope(), pages, begun, None).to_json()
        return Listing(pages, partial=rows.partial, cursor=cursor, unreadable=unreadable)

    async def changes(self, cursor: Any) -> Changes:
        """The rows that were edited since a cursor; some may be among them that were not.

        Raises:
            CursorExpiredError: the cursor is of another data source or filter.
        """
        before = Watermark.from_json(cursor, self.scope(), self._reader.options())
        begun = self._reader.begin()
        rows = await self._rows.rows(edited_since=before.since)
        pages, unreadable = await self._reader.listed(rows, all_rows=False)
        self._known.see(pages, self._reader.columns, all_rows=False)
        cursor = self._reader.mark(self.scope(), pages, begun, before).to_json()
        return Changes(pages, cursor=cursor, partial=rows.partial, unreadable=unreadable)

    async def get(self, obj_id: ID) -> Page | None:
        """A row by its id; `None` where it is trashed, moved away or not shown to this token."""
        return await self._reader.get(obj_id)

    def known(self, obj_id: ID, values: Mapping[str, Any]) -> Any:
        """A row that was not edited since its values were synced; a write looks at it again by itself."""
        if self.filter is not None:  # changes do not tell of edits to rows that left it
            return NotImplemented
        return known_page(obj_id, values, self._listed_id)

    async def is_gone(self, obj_id: ID) -> bool:
        """Whether the page is in the trash; one that is not found may just not be shared any more."""
        return await self._rows.is_gone(obj_id)

    # -- one row ------------------------------------------------------------------------------------------

    def id(self, obj: Page) -> ID:
        """The id of the page."""
        return obj.id

    def key(self, obj: Page) -> str:
        """The title without regard to case and outer blanks."""
        return title_key(obj.title)

    def edited(self, obj: Page) -> datetime:
        """When the page was edited last, floored to the minute."""
        return obj.last_edited

    def values(self, obj: Page) -> dict[str, Any]:
        """The values of the synced properties.

        Raises:
            ItemError: Notion may not have shown one as a whole.
        """
        obj.check_whole()
        return dict(obj.values)

    def title(self, obj: Page) -> str:
        """The title of the row."""
        return obj.title

    def address(self, obj: Page) -> str:
        """The address of the page in Notion."""
        return obj.url

    # -- writing ------------------------------------------------------------------------------------------

    async def create(self, key: str, values: Mapping[str, Any]) -> Page:
        """Make a row with these values.

        Raises:
            ItemError: Notion does not take a value.
            OutcomeUnknownError: the row may have been made.
        """
        return await self._writer.create(values)

    async def update(self, obj: Page, changes: Mapping[str, Any]) -> Page:
        """Set properties in one write and return the row as it is then.

        Properties that hold their new value already are not sent, so that their formatting stays.

        Raises:
            PreconditionError: the row was changed, moved or trashed since it was listed.
            UnfitError: Notion does not take some of the values; nothing was sent.
            OutcomeUnknownError: it may have been written.
        """
        return await self._writer.update(obj, changes)

    async def delete(self, obj: Page) -> None:
        """Move the row to the trash.

        Raises:
            PreconditionError: the row was changed or moved since it was listed.
        """
        await self._writer.trash(obj)

    async def restore(self, obj_id: ID) -> Page | None:
        """Take a row out of the trash, with all that was never synced; `None` where it is gone for good or elsewhere.

        Raises:
            ItemError: Notion refuses, as for a row of a database that is in the trash itself.
            OutcomeUnknownError: it may be out of the trash.
        """
        return await self._writer.restore(obj_id)
