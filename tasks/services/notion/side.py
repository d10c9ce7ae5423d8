"""The rows of a Notion data source as a side of a sync."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from pydantic import SecretStr

from config import get_settings
from tasks.services.notion.api.client import NotionClient
from tasks.services.notion.api.ids import parse_id
from tasks.services.notion.api.refusals import TOKEN_NAME
from tasks.services.notion.api.throttle import Throttle
from tasks.services.notion.api.webhooks import is_of_source
from tasks.services.notion.pages.body import PAGE_BODY
from tasks.services.notion.pages.contents import Contents
from tasks.services.notion.pages.objects import PagesSide
from tasks.services.notion.pages.page import Page, known_page
from tasks.services.notion.rows.files import RowFiles
from tasks.services.notion.rows.listing import list_changes, list_pages
from tasks.services.notion.rows.opened import Opened
from tasks.services.notion.rows.reading import Reader
from tasks.services.notion.rows.rows import Rows
from tasks.services.notion.rows.transfers import Transfers
from tasks.services.notion.rows.writing import Writer
from tasks.services.notion.source.attributes import described
from tasks.services.notion.source.memory import Memory
from tasks.services.notion.source.schema import Schema
from tasks.services.notion.source.scope import Scope, check_names, view_id
from tasks.sides import ID, Attribute, Changes, File, Listing, Person, Side, gathered


class DataSource(PagesSide):
    """The rows of a data source.

    Its attributes are the properties, by the names that they had in the task's first run. They are addressed by id:
    one that is renamed goes on working, and the log tells of it. `page body` stands for the content of a page, as
    Markdown; it takes one more request for each row that was edited.

    More rows than one answer of Notion's holds are read by their changes, and in full now and then. A deletion
    is noticed by a search of the trash, surely by the next full listing; a row that leaves the filter is missed only
    then. Updates and deletions look at the row right before they write, and are given up where a synced value changed
    since the listing (`RecentEdits`). Notion has no conditional writes: an edit in the seconds since can be lost.

    Parameters:
        data_source: id of the data source, or of a database that holds just one; also as a link.
        token: of the integration; by default what is in `token_variable`.
        token_variable: the variable of the environment with the token, where there are several workspaces.
        base_url: of the API; by default NOTION_BASE_URL.
        throttle: the request budget; by default the one that this process has for the token.
        filter: which rows to sync, in Notion's filter grammar. A row that leaves it is not deleted across.
        only: the same in short, by property the value or values that rows have: `{"State": ["To do", "Doing"]}`.
        view: address or id of a view of Notion's, whose filter counts as it is at each run.
        search_trash: whether runs by changes search the trash for deletions, which takes one more request each.
        column_ids: ids of properties, by the names in the mapping, where the name is not that of the first run.
            To put one in or take it out says that the property is meant as it is now.
        date_ranges: date properties whose value is a `DateRange`, with end and zone; of others it is the start.
        max_file_mb: megabytes of a file, at most, that is carried to Notion or from there.
        label: what people call it, inside a sentence.

    Raises:
        TaskDefinitionError: `data_source` or `view` holds no id.
    """

    granularity = timedelta(minutes=1)
    #: For how long one query for all rows that were edited lately stands for a look at each before it is written. What
    #: a person edits meanwhile in the very property can be lost; with zero, each row is read right before its write.
    look_counts_for: timedelta = timedelta(seconds=2)

    def __init__(
        self,
        data_source: str,
        *,
        token: SecretStr | None = None,
        token_variable: str = TOKEN_NAME,
        base_url: str | None = None,
        throttle: Throttle | None = None,
        filter: Mapping[str, Any] | None = None,
        only: Mapping[str, Any] | None = None,
        view: str | None = None,
        search_trash: bool = True,
        column_ids: Mapping[str, str] | None = None,
        date_ranges: Collection[str] = (),
        max_file_mb: int = 100,
        label: str = "Notion",
    ) -> None:
        self.data_source = data_source
        self.filter = filter
        self.only = only
        self.view = view
        self.search_trash = search_trash
        self.column_ids = dict(column_ids or {})
        self.date_ranges = frozenset(date_ranges)
        self.max_file_mb = max_file_mb
        self.label = label
        if type(self).settling is Side.settling:
            self.settling = timedelta(seconds=get_settings().notion_lag_seconds)
        self._token = token
        self._token_variable = token_variable
        self._base_url = base_url
        self._throttle = throttle
        #: The data source that `check` found, until then the id that was given.
        self._listed_id = parse_id(data_source)
        if view is not None:
            view_id(view)  # says at once where there is none
        #: The database in which it is, where `check` was told.
        self._database_id: str | None = None
        self._memory = Memory(self.column_ids)
        #: What the rows showed when they were synced last.
        self._synced: Mapping[ID, Mapping[str, Any]] = {}
        # What belongs to one run.
        self._run: Opened | None = None
        self._schema: Schema | None = None

    # -- a run --------------------------------------------------------------------------------------------

    def make_client(self) -> NotionClient:
        """The connection for one run.

        Raises:
            SideError: the token is missing.
        """
        settings = get_settings()
        token = self._token
        if token is None and self._token_variable == TOKEN_NAME:
            token = settings.notion_token
        elif token is None:
            token = SecretStr(os.environ.get(self._token_variable, ""))
        return NotionClient(
            token,
            base_url=self._base_url or settings.notion_base_url,
            throttle=self._throttle,
            token_name=self._token_variable,
        )

    async def open(self) -> None:
        """Make the connection; a subclass that opens more calls this too."""
        client = self.make_client()
        client.before_write = self.before_write
        rows, contents = Rows(client, self.data_source, filter=self.filter), Contents(self._synced)
        latest, bodies, lag = self._memory.latest, self._memory.bodies, self.settling
        reader = Reader(client, rows, latest, bodies, contents, lag, self.look_counts_for)
        transfers = Transfers(client, self.max_file_mb * 1_000_000)
        self._run = Opened(client, rows, reader, RowFiles(transfers, reader))

    async def close(self) -> None:
        """Close the connection; a subclass that opened more calls this too."""
        run, self._run, self._schema, self._synced = self._run, None, None, {}
        if run is not None:
            await run.client.close()

    def recall(self, remembered: Any, synced: Mapping[ID, Mapping[str, Any]]) -> None:
        """Take over what an earlier run knew of the columns and of the contents of pages, and what it wrote."""
        self._synced = synced
        self._opened.reader.contents.recall(synced)
        self._memory.from_json(remembered, synced)

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
        known = self._memory.columns
        self._schema = schema = await self._opened.rows.schema()
        columns = self._memory.along.named(schema, known.named(schema))
        forms = {name: known.form(schema, name, column) for name, column in columns.items()}
        people: tuple[Person, ...] = ()
        if any(column.type == "people" for column in columns.values()):
            people = await self._memory.people.read(self._opened.rows.client)
        return described(columns, forms, self.date_ranges, known.synced_last(schema), people, schema.id)

    async def check(self, attributes: Collection[str]) -> None:
        """Find the columns that are synced, as the data source was described, or else as it is.

        Raises:
            TaskDefinitionError: one is missing, of a type that cannot be synced, or another than before; or
                `column_ids` names what is not synced, or `date_ranges`, a filter or the view what there is not.
            SideError: Notion does not show the data source to this token, or it is in the trash.
        """
        run, known = self._opened, self._memory.columns
        schema = self._schema or await run.rows.schema()
        check_names(schema, attributes, known.named(schema), self.column_ids, self.date_ranges)
        attrs = [attr for attr in attributes if attr != PAGE_BODY]
        known.find(schema, attrs, {attr: {"date"} for attr in self.date_ranges})
        found = {attr: known.column(schema, attr) for attr in attrs}
        columns = {attr: replace(one, as_range=attr in self.date_ranges) for attr, one in found.items()}
        run.reader.columns, run.reader.with_bodies = columns, PAGE_BODY in attributes
        self._listed_id, self._database_id = schema.id, schema.database_id
        titles = {one.name: one for one in schema.columns.values() if one.type == "title"}
        scope = Scope(self.filter, self.only, self.view)
        run.rows.filter = await scope.as_filter(run.rows.client, schema, known.named(schema))
        run.rows.shown = {unquote(column.id): name for name, column in sorted((titles | columns).items())}

    async def accept(self, attributes: Collection[str]) -> None:
        """Find the properties that writes take along."""
        run, memory = self._opened, self._memory
        schema = self._schema or await run.rows.schema()
        run.reader.along = memory.along.find(schema, memory.columns.named(schema), attributes)

    def takes_along(self, changes: Collection[str]) -> bool:
        """Whether more is written than the content of a page, which is a request of its own."""
        return any(name != PAGE_BODY for name in changes)

    def scope(self) -> str:
        """The data source and the filter, with that of the view."""
        return json.dumps([self._listed_id, self._opened.rows.filter], sort_keys=True)

    @property
    def places(self) -> frozenset[str]:
        """The data source and its database, by which relations name it."""
        known = (parse_id(self.data_source), self._listed_id, self._database_id)
        return frozenset(one for one in known if one)

    def remembered(self) -> Any:
        """What is known of the columns, their options and the contents of pages, and what was written lately."""
        reader = self._opened.reader
        reader.forget()
        return self._memory.to_json(with_bodies=reader.with_bodies)

    def concerns(self, event: Mapping[str, Any]) -> bool:
        """Whether an event is about the data source or a row in it, by its entity with `parent`.

        An event of an older subscription names the database only, which then may be the one.
        """
        places = {self._listed_id, parse_id(self.data_source)}
        return is_of_source(event, places, self._database_id)

    @property
    def _opened(self) -> Opened:
        if self._run is None:
            raise RuntimeError("the data source is not open")
        return self._run

    @property
    def _writer(self) -> Writer:
        return self._opened.writer(self._memory.bodies)

    # -- reading ------------------------------------------------------------------------------------------

    async def list(self) -> Listing:
        """All rows outside the trash."""
        return await gathered(self.pages())

    def pages(self) -> AsyncIterator[Listing]:
        """The same rows, an answer of Notion's at a time."""
        run = self._opened
        return list_pages(run.rows, run.reader, self._memory.columns, self.scope())

    async def changes(self, cursor: Any) -> Changes:
        """The rows that were edited or deleted since a cursor; some may be among them that were not edited.

        Raises:
            CursorExpiredError: the cursor is of another data source or filter.
        """
        run, known = self._opened, self._memory.columns
        linked = self._synced if self.search_trash else None
        return await list_changes(run.rows, run.reader, known, self.scope(), cursor, linked)

    async def get(self, obj_id: ID) -> Page | None:
        """A row by its id; `None` where it is trashed, moved away or not shown to this token."""
        return await self._opened.reader.get(obj_id)

    def known(self, obj_id: ID, values: Mapping[str, Any]) -> Any:
        """A row that was not edited since its values were synced; a write looks at it again by itself."""
        if self._opened.rows.filter is not None:  # changes do not tell of edits to rows that left it
            return NotImplemented
        return known_page(obj_id, values, self._listed_id)

    async def is_gone(self, obj_id: ID) -> bool:
        """Whether the page is in the trash; one that is not found may just not be shared any more."""
        return await self._opened.rows.is_gone(obj_id)

    async def gone_among(self, attribute: str, ids: Collection[ID]) -> Collection[ID]:
        """The pages that are in the trash: Notion takes them out of relations."""
        return [one for one in ids if await self._opened.rows.is_gone(one)]

    # -- files --------------------------------------------------------------------------------------------

    async def read_file(self, obj_id: ID, file: File, path: Path) -> None:
        """Download a file that Notion keeps.

        Raises:
            PreconditionError: the page does not hold it any more.
            ItemError: it cannot be downloaded, or is too large.
        """
        await self._opened.files.transfers.download(obj_id, file.place, path)

    async def lacks_files(self, obj: Page | None, attribute: str, files: Sequence[File]) -> Sequence[File]:
        """Which files have to be uploaded, because the property does not hold their content yet.

        Raises:
            ItemError: Notion does not take one by its name or size.
        """
        return await self._opened.files.lacking(obj, attribute, files)

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
