"""The Notion side of a sync task, whole: what is left to write is the other side."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote

from pydantic import SecretStr

from config import get_settings
from tasks.clock import boot_seconds
from tasks.conflict_modes import ConflictMode
from tasks.errors import ItemError, SideError, TaskDefinitionError, UnfitError
from tasks.services.notion.answers import RefusedError
from tasks.services.notion.body import PAGE_BODY, Bodies, checked_body, with_body
from tasks.services.notion.client import Json, NotionClient, Settled
from tasks.services.notion.data_source import PAGE_SIZE, DataSource
from tasks.services.notion.ids import ids_among, parse_id
from tasks.services.notion.known_columns import KnownColumns
from tasks.services.notion.latest_rows import LatestRows
from tasks.services.notion.page import Page, data_source_of, is_trashed, known_page, read_page
from tasks.services.notion.preconditions import check_place, check_size, check_unchanged
from tasks.services.notion.properties import Column, decode, encode, keeps_more
from tasks.services.notion.recent_edits import MOST_ANSWERS, RecentEdits
from tasks.services.notion.throttle import Throttle
from tasks.services.notion.watermark import Watermark
from tasks.sides import ID
from tasks.sides.listing import Changes, Listing
from tasks.sync_task.task import SyncTask
from tasks.values.canonical import same

log = logging.getLogger(__name__)


class NotionSide(SyncTask):
    """A task whose Notion objects are the rows of a data source.

    `attr_map` names Notion properties as they were called in the task's first run. They are addressed by id:
    one that is renamed goes on working, and the log tells of it. `page body` stands for the content of a page, as
    Markdown; it takes one more request for each row that was edited.

    More rows than one answer of Notion's holds are read by their changes, and in full every
    `full_listing_every`: a row that is deleted in Notion, or leaves the filter, is missed only then.
    Every update and deletion looks at the row right before it writes, and is given up where a synced value
    changed since the listing (`RecentEdits`). Notion has no conditional writes, so an edit in the seconds since
    that look can still be overwritten.

    Parameters:
        data_source: id of the data source, or of a database that holds just one; also as a link.
        token: of the integration; by default NOTION_TOKEN.
        base_url: of the API; by default NOTION_BASE_URL.
        throttle: the request budget; by default the one that this process has for the token.
        property_types: types that fit, by Notion property, where not every type will do.
        filter: which rows to sync, in Notion's own filter grammar, with ids or names of properties. A row
            that leaves the filter is not deleted on the other side.
        column_ids: ids of properties, by the names in `attr_map`, where the name is not that of the first run.
            To put one in or take it out says that the property is meant as it is now.
        date_ranges: date properties whose value is a `DateRange`, with end and zone; of others it is the start.

    Raises:
        TaskDefinitionError: `data_source` holds no id, or `column_ids` or `date_ranges` names what `attr_map`
            does not.
    """

    #: For how long one query for all rows that were edited lately stands for a look at each of them before it is
    #: written. What a person edits meanwhile in the very property can be overwritten; with zero, each row is
    #: read right before its write, at the price of one more request.
    look_counts_for: timedelta = timedelta(seconds=2)

    def __init__(
        self,
        name: str,
        attr_map: dict[str, str],
        conflict_mode: ConflictMode | str = ConflictMode.NEWER,
        *,
        data_source: str,
        token: SecretStr | None = None,
        base_url: str | None = None,
        throttle: Throttle | None = None,
        property_types: Mapping[str, Collection[str]] | None = None,
        filter: Mapping[str, Any] | None = None,
        column_ids: Mapping[str, str] | None = None,
        date_ranges: Collection[str] = (),
    ) -> None:
        super().__init__(name, attr_map, conflict_mode)
        if type(self).notion_settling is SyncTask.notion_settling:
            self.notion_settling = timedelta(seconds=get_settings().notion_lag_seconds)
        self.filter = filter
        self.column_ids = dict(column_ids or {})
        self.date_ranges = frozenset(date_ranges)
        for said, names in (("column_ids", self.column_ids.keys()), ("date_ranges", self.date_ranges)):
            unknown = names - attr_map.keys()
            if unknown:
                raise TaskDefinitionError(
                    f"task {name!r}: {said} names {', '.join(sorted(unknown))}, which attr_map does not"
                )
        parse_id(data_source)
        self.data_source = data_source
        self._token = token
        self._base_url = base_url
        self._throttle = throttle
        self._property_types = property_types or {}
        self._client: NotionClient | None = None
        self._source: DataSource | None = None
        self._latest = LatestRows()
        self._bodies = Bodies()
        self._recent: RecentEdits | None = None
        #: The columns of `attr_map` by the names in it, in this run.
        self._columns: dict[str, Column] = {}
        self._known = KnownColumns(name, self.column_ids)
        #: The data source that `check` found.
        self._listed_id = parse_id(data_source)
        #: The database in which it is, where `check` was told.
        self._database_id: str | None = None

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
        self._client = self.make_client()
        self._client.before_write = self.before_write
        self._source = DataSource(self._client, self.data_source, filter=self.filter)
        source = self._source
        self._recent = RecentEdits(
            lambda since: source.edited(since, answers=MOST_ANSWERS),
            self._read,
            boot_seconds,
            self.notion_settling,
            self.look_counts_for,
        )

    async def close(self) -> None:
        """Close the connection; a subclass that opened more calls this too."""
        client, self._client, self._source = self._client, None, None
        if client is not None:
            await client.close()

    async def check(self) -> None:
        """Find the columns of `attr_map`.

        Raises:
            TaskDefinitionError: one is missing, of a type that cannot be synced, or another than before.
            SideError: Notion does not show the data source to this token, or it is in the trash.
        """
        schema = await self._rows_of.schema()
        where = f"Notion data source {schema.title or schema.id!r}"
        if schema.in_trash:
            raise SideError(f"{where} is in the trash: restore it, or take the task {self.name!r} out")
        ranges = {attr: {"date"} for attr in self.date_ranges}
        if self._with_bodies and PAGE_BODY in schema.columns:
            raise TaskDefinitionError(
                f"{where} has a property {PAGE_BODY!r}, which in attr_map stands for the content of pages: rename it"
            )
        attrs = [attr for attr in self.attr_map if attr != PAGE_BODY]
        self._known.find(schema, attrs, {**self._property_types, **ranges})
        self._columns = {
            attr: replace(self._known.column(schema, attr), as_range=attr in self.date_ranges)
            for attr in attrs
        }
        titles_of = (attr for attr, column in self._columns.items() if column.type == "title")
        self.title_attr = next(titles_of, self.title_attr)
        self._listed_id, self._database_id = schema.id, schema.database_id
        titles = {column.name: column for column in schema.columns.values() if column.type == "title"}
        self._rows_of.shown = {
            unquote(column.id): name for name, column in sorted((titles | self._columns).items())
        }

    def recall(self, remembered: Any, synced: Mapping[ID, Mapping[str, Any]]) -> None:
        """Take over what an earlier run knew of the columns and of the contents of pages, and what it wrote."""
        if remembered is not None:
            self._known.from_json(remembered)
            self._latest.from_json(remembered.get("latest"))
        if self._with_bodies:
            texts = {page_id: values[PAGE_BODY] for page_id, values in synced.items() if PAGE_BODY in values}
            self._bodies.from_json((remembered or {}).get("bodies", {}), texts)

    def remembered(self) -> Any:
        """What is known of the columns, their options and the contents of pages, and what was written lately."""
        self._latest.forget(self._lag_begins())
        bodies = {"bodies": self._bodies.to_json()} if self._with_bodies else {}
        return {**self._known.to_json(), "latest": self._latest.to_json(), **bodies}

    def attr_forms(self) -> dict[str, str]:
        """Which dates are compared as ranges, and which columns took the place of others."""
        forms = {attr: ["range"] if attr in self.date_ranges else [] for attr in self.attr_map}
        return {attr: " ".join([*form, self._known.form(attr)]).strip() for attr, form in forms.items()}

    def concerns(self, entity: Mapping[str, Any]) -> bool:
        """Whether an event is about the data source or a row in it, by its entity with `parent`.

        An event of an older subscription names the database only, which then may be the one.
        """
        parent = entity.get("parent") or {}
        places = {self._listed_id, parse_id(self.data_source)}
        if not places.isdisjoint(ids_among(entity.get("id"), parent.get("id"), parent.get("data_source_id"))):
            return True
        older = parent.get("type") == "database" and not parent.get("data_source_id")
        return older and self._database_id in (None, *ids_among(parent.get("id")))

    def scope(self) -> str:
        """The data source and the filter."""
        return json.dumps([self._listed_id, self.filter], sort_keys=True)

    @property
    def _rows_of(self) -> DataSource:
        if self._source is None:
            raise RuntimeError(f"task {self.name!r} is not open")
        return self._source

    @property
    def _connection(self) -> NotionClient:
        if self._client is None:
            raise RuntimeError(f"task {self.name!r} is not open")
        return self._client

    @property
    def _with_bodies(self) -> bool:
        return PAGE_BODY in self.attr_map

    @property
    def _edits(self) -> RecentEdits:
        if self._recent is None:
            raise RuntimeError(f"task {self.name!r} is not open")
        return self._recent

    async def _read(self, raw: Json) -> Page:
        """The row, with all of its synced values."""
        return read_page(await self._rows_of.complete(raw, self._columns.values()), self._columns)

    async def get_notion_objects(self) -> Listing:
        """All rows outside the trash."""
        begun = self._begin_listing()
        rows = await self._rows_of.rows()
        listed, unreadable = await self._read_rows(rows)
        pages = await self._with_contents(listed)
        whole = rows.partial is None and not unreadable
        self._known.see(pages, self._columns, all_rows=whole)
        if whole:
            self._bodies.keep({page.id for page in pages})
        # What fits into one answer is listed as cheaply as its changes are, and shows deletions as well.
        cursor = None
        if rows.partial is None and len(pages) > PAGE_SIZE:
            cursor = self._mark(pages, begun, None).to_json()
        return Listing(pages, partial=rows.partial, cursor=cursor, unreadable=unreadable)

    async def notion_changes(self, cursor: Any) -> Changes:
        """The rows that were edited since a cursor; some may be among them that were not.

        Raises:
            CursorExpiredError: the cursor is of another data source or filter.
        """
        before = Watermark.from_json(cursor, self.scope(), self._options())
        begun = self._begin_listing()
        rows = await self._rows_of.rows(edited_since=before.since)
        listed, unreadable = await self._read_rows(rows)
        pages = await self._with_contents(listed)
        self._known.see(pages, self._columns, all_rows=False)
        cursor = self._mark(pages, begun, before).to_json()
        return Changes(pages, cursor=cursor, partial=rows.partial, unreadable=unreadable)

    async def _read_rows(self, rows: Listing) -> tuple[list[Page], dict[ID, str]]:
        """The rows of a listing, and by id why some of them cannot be read.

        Those are read again that were newer when they were seen last.
        """
        pages: list[Page] = []
        unreadable: dict[ID, str] = {}
        for raw in rows:
            try:
                page = await self._read(raw)
                now = await self._get(page.id) if self._latest.may_be_newer_than(page) else page
                pages += [now] if now is not None else []
            except ItemError as error:
                unreadable[raw["id"]] = str(error)
        return pages, unreadable

    def _begin_listing(self) -> float:
        """When a listing begins: what it may lack is decided now, however long it takes."""
        begun = boot_seconds()
        self._edits.list_from(begun)
        self._latest.forget(self._lag_begins())
        return begun

    def _lag_begins(self) -> float:
        """What was written before this every listing shows, in seconds since 1970."""
        return time.time() - self.notion_settling.total_seconds()

    def _wrote(self, page: Page, begun: float) -> Page:
        self._latest.note(page, time.time())
        self._edits.wrote(page, begun)
        return page

    def _mark(self, pages: list[Page], begun: float, before: Watermark | None) -> Watermark:
        stamps = (page.last_edited for page in pages)
        seconds = boot_seconds() - begun
        mark = Watermark.of_walk(self.scope(), stamps, seconds=seconds, now=time.time(), before=before)
        return mark.with_options(self._options())

    def _options(self) -> dict[str, str]:
        """Names of the options of all synced columns, by id."""
        columns = self._columns.items()
        return {
            f"{attr} {option}": name
            for attr, column in columns
            for option, name in column.option_names.items()
        }

    async def _with_contents(self, pages: list[Page]) -> list[Page]:
        """The rows with their contents, where these are synced."""
        if not self._with_bodies or not pages:
            return pages
        newest = max(page.last_edited for page in pages)
        return [with_body(page, await self._bodies.read(self._connection, page, newest)) for page in pages]

    async def notion_get_obj(self, obj_id: ID) -> Page | None:
        """A row by its id; `None` where it is trashed, moved away or not shown to this token."""
        page = await self._get(obj_id)
        return None if page is None else (await self._with_contents([page]))[0]

    async def _get(self, obj_id: ID) -> Page | None:
        begun = boot_seconds()
        try:
            raw = await self._rows_of.get(obj_id)
        except RefusedError as error:
            if error.status != 404:
                raise
            return None
        if is_trashed(raw) or data_source_of(raw) != self._listed_id:
            return None
        self._edits.saw(raw, begun)
        page = await self._read(raw)
        self._latest.note(page, time.time())
        return page

    def notion_known_obj(self, obj_id: ID, values: Mapping[str, Any]) -> Any:
        """A row that was not edited since its values were synced; a write looks at it again by itself.

        A task with a common form or a rule of its own gets rows as Notion shows them instead.
        """
        own = ("notion_to_dict", "notion_update_attrs", "notion_delete_obj", "resolve_conflict")
        if any(getattr(type(self), name) is not getattr(NotionSide, name) for name in own):
            return NotImplemented
        if self.filter is not None:  # changes do not tell of edits to rows that left it
            return NotImplemented
        return known_page(obj_id, values, self._listed_id)

    def notion_id(self, obj: Page) -> ID:
        """The id of the page."""
        return obj.id

    def notion_hash(self, obj: Page) -> str:
        """The title without regard to case and outer blanks."""
        return obj.title.strip().casefold()

    def notion_obj_title(self, obj: Page) -> str:
        """The title of the row."""
        return obj.title

    def notion_obj_address(self, obj: Page) -> str:
        """The address of the page in Notion."""
        return obj.url

    def notion_timestamp(self, obj: Page) -> datetime:
        """When the page was edited last, floored to the minute."""
        return obj.last_edited

    def notion_to_dict(self, obj: Page) -> dict[str, Any]:
        """The values of the synced properties.

        Raises:
            ItemError: Notion may not have shown one as a whole.
        """
        obj.check_whole()
        return dict(obj.values)

    async def notion_is_gone(self, obj_id: ID) -> bool:
        """Whether the page is in the trash; one that is not found may just not be shared any more."""
        return await self._rows_of.is_gone(obj_id)

    async def notion_restore_obj(self, obj_id: ID) -> Page | None:
        """Take a row out of the trash, with all that was never synced; `None` where it is gone for good or elsewhere.

        Raises:
            ItemError: Notion refuses, as for a row of a database that is in the trash itself.
            OutcomeUnknownError: it may be out of the trash.
        """
        try:
            raw = await self._rows_of.get(obj_id)
        except RefusedError as error:
            if error.status != 404:
                raise
            return None
        if data_source_of(raw) != self._listed_id:
            return None
        begun = boot_seconds()
        if is_trashed(raw):
            raw = await self._rows_of.update(obj_id, {"in_trash": False})
        page = self._wrote(await self._read(raw), begun)
        return (await self._with_contents([page]))[0]

    async def notion_create_obj(self, /, **kwargs: Any) -> Page:
        """Make a row with these values.

        Raises:
            ItemError: Notion does not take a value.
            OutcomeUnknownError: the row may have been made.
        """
        text = checked_body(kwargs.pop(PAGE_BODY, None)) if self._with_bodies else ""
        properties: Json = {}
        for attr, value in kwargs.items():
            column = self._synced(attr)
            properties[column.id] = encode(column, value)
        check_size(properties | {"markdown": text})
        begun = boot_seconds()
        raw = await self._rows_of.create(properties, text)
        made = self._wrote(await self._read(raw), begun)
        if not self._with_bodies:
            return made
        return with_body(made, await self._bodies.made(self._connection, raw, text))

    async def notion_update_obj(self, obj: Page, attr: str, value: Any) -> Page:
        """Set one property; see `notion_update_attrs`."""
        return await self.notion_update_attrs(obj, {attr: value})

    async def notion_update_attrs(self, obj: Page, changes: dict[str, Any]) -> Page:
        """Set properties in one write and return the row as it is then.

        Properties that hold their new value already are not sent, so that their formatting stays.

        Raises:
            PreconditionError: the row was changed, moved or trashed since it was listed.
            UnfitError: Notion does not take some of the values; nothing was sent.
        """
        self._check_fit(obj, changes)
        if not self._with_bodies:
            return await self._update_properties(obj, changes)
        properties = {attr: value for attr, value in changes.items() if attr != PAGE_BODY}
        body = obj.values[PAGE_BODY]
        if PAGE_BODY in changes:
            body = await self._bodies.write(self._connection, obj.id, body, changes[PAGE_BODY])
        page = await self._update_properties(obj, properties) if properties else obj
        return with_body(page, body)

    def _check_fit(self, obj: Page, changes: Mapping[str, Any]) -> None:
        """Make sure, before anything is sent, that Notion takes every value.

        Raises:
            UnfitError: it does not take some.
        """
        unfit: dict[str, str] = {}
        for attr, value in changes.items():
            if attr == PAGE_BODY:
                continue
            column = self._synced(attr)
            if keeps_more(column) and not obj.properties:
                continue  # what the row holds, which decides, is not known yet
            try:
                encode(column, value, obj.property(column))
            except ItemError as error:
                unfit[attr] = str(error)
        if unfit:
            raise UnfitError(f"page {obj.id}: {'; '.join(unfit.values())}", unfit)

    async def _update_properties(self, obj: Page, changes: Mapping[str, Any]) -> Page:
        wanted = {attr: (self._synced(attr), value) for attr, value in changes.items()}
        needs_all = any(keeps_more(column) for column, _ in wanted.values()) and not obj.properties
        now, begun, attempts = obj, 0.0, 0

        async def compose() -> Json | Settled:
            nonlocal now, begun, attempts
            attempts += 1  # what came before a repeated one may have been applied, or have met another write
            now = await self._as_it_is(obj, read=needs_all or attempts > 1)
            begun = boot_seconds()
            properties: Json = {}
            targets: dict[str, Any] = {}
            for attr, (column, value) in wanted.items():
                sent = encode(column, value, now.property(column))
                targets[attr] = decode(column, sent)
                if not same(now.values[attr], targets[attr]):
                    properties[column.id] = sent
            check_unchanged(obj, now, targets)
            check_size(properties)
            return {"properties": properties} if properties else Settled({})

        async with self._edits.writing():
            answer = await self._rows_of.update(obj.id, compose)
            # A look at all rows does not tell of one that was moved away meanwhile.
            if answer:
                return self._wrote(await self._reread(answer, obj), begun)
            if now is not obj:  # it has its values already, of which the next listing may know nothing
                self._latest.note(now, time.time())
            return now

    async def notion_delete_obj(self, obj: Page) -> None:
        """Move the row to the trash.

        Raises:
            PreconditionError: the row was changed or moved since it was listed.
        """

        async def compose() -> Json | Settled:
            if self._with_bodies:
                await self._bodies.check_unchanged(self._connection, obj.id, obj.values[PAGE_BODY])
            raw = await self._rows_of.get(obj.id)
            if is_trashed(raw):
                return Settled(raw)
            check_unchanged(obj, await self._reread(raw, obj), {})
            return {"in_trash": True}

        await self._rows_of.update(obj.id, compose)
        self._latest.note_trashed(obj.id, time.time())

    def _synced(self, attr: str) -> Column:
        column = self._columns.get(attr)
        if column is None:
            raise ItemError(
                f"task {self.name!r} does not sync a Notion property {attr!r}; add it to attr_map"
            )
        return column

    async def _as_it_is(self, listed: Page, *, read: bool) -> Page:
        """The row right before it is written; `read`: as Notion shows it by itself."""
        found = False if read else await self._edits.look(listed.id)
        if found is True:
            return listed
        raw = found if isinstance(found, dict) else await self._rows_of.get(listed.id)
        return await self._reread(raw, listed)

    async def _reread(self, raw: Json, listed: Page) -> Page:
        """The row again, unless it is not to be written any more."""
        check_place(raw, listed)
        return await self._read(raw)
