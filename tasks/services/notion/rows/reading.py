"""Rows as a sync sees them: with all of their synced values, and as new as they were ever seen."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from tasks.clock import boot_seconds
from tasks.errors import ItemError
from tasks.services.notion.api.answers import RefusedError
from tasks.services.notion.api.client import Json, NotionClient
from tasks.services.notion.columns.column import Column
from tasks.services.notion.pages.body import Bodies, with_body
from tasks.services.notion.pages.contents import Contents
from tasks.services.notion.pages.latest_rows import LatestRows
from tasks.services.notion.pages.page import Page, data_source_of, is_trashed, read_page
from tasks.services.notion.pages.preconditions import check_place
from tasks.services.notion.pages.recent_edits import MOST_ANSWERS, RecentEdits
from tasks.services.notion.rows.rows import Rows
from tasks.services.notion.rows.watermark import Watermark
from tasks.sides import ID


class Reader:
    """Reads the rows of one run.

    Parameters:
        client: for the requests.
        rows: of the data source.
        latest: what earlier runs wrote or read of single rows a moment ago.
        bodies: what is known of the contents of pages.
        contents: what is known of the bytes of files.
        lag: how long queries may not show an edit.
        look_counts_for: for how long a look at all rows stands for a look at each.
    """

    def __init__(
        self,
        client: NotionClient,
        rows: Rows,
        latest: LatestRows,
        bodies: Bodies,
        contents: Contents,
        lag: timedelta,
        look_counts_for: timedelta,
    ) -> None:
        self._client = client
        self._rows = rows
        self._latest = latest
        self._bodies = bodies
        self.contents = contents
        self._lag = lag
        #: The synced columns by the names under which the task knows them; none before they were found.
        self.columns: Mapping[str, Column] = {}
        #: Those that writes take along, and that nobody reads.
        self.along: Mapping[str, Column] = {}
        #: The newest stamp of a row whose content was asked for.
        self._newest: datetime | None = None
        #: Whether the contents of pages are synced.
        self.with_bodies = False
        self.edits = RecentEdits(
            lambda since: rows.edited(since, answers=MOST_ANSWERS),
            self.page,
            boot_seconds,
            lag,
            look_counts_for,
        )

    async def page(self, raw: Json) -> Page:
        """The row, with all of its synced values but the content of its page."""
        page = read_page(await self._rows.complete(raw, self.columns.values()), self.columns)
        return self.contents.named(page, self.columns)

    async def listed(self, rows: Iterable[Json]) -> tuple[list[Page], dict[ID, str]]:
        """The rows of a listing with their contents, and by id why some of them cannot be read.

        Those are read again that were newer when they were seen last.
        """
        pages: list[Page] = []
        unreadable: dict[ID, str] = {}
        for raw in rows:
            try:
                page = await self.page(raw)
                now = await self._alone(page.id) if self._latest.may_be_newer_than(page) else page
                pages += [now] if now is not None else []
            except ItemError as error:
                unreadable[raw["id"]] = str(error)
        return await self._with_contents(pages), unreadable

    def keep(self, ids: Collection[ID]) -> None:
        """Forget the contents of all pages but these."""
        self._bodies.keep(ids)

    async def get(self, page_id: ID) -> Page | None:
        """A row by its id; `None` where it is trashed, moved away or not shown to this token."""
        page = await self._alone(page_id)
        return None if page is None else await self.with_content(page)

    async def _alone(self, page_id: ID) -> Page | None:
        begun = boot_seconds()
        raw = await self.shown(page_id)
        if raw is None or is_trashed(raw) or data_source_of(raw) != self._rows.id:
            return None
        self.edits.saw(raw, begun)
        page = await self.page(raw)
        self.note(page)
        return page

    async def shown(self, page_id: ID) -> Json | None:
        """A row as it is now, also from the trash; `None` where it is not shown to this token."""
        try:
            return await self._rows.get(page_id)
        except RefusedError as error:
            if error.status != 404:
                raise
            return None

    async def with_content(self, page: Page) -> Page:
        """The row with its content, where contents are synced."""
        (found,) = await self._with_contents([page])
        return found

    async def _with_contents(self, pages: list[Page]) -> list[Page]:
        if not self.with_bodies or not pages:
            return pages
        newest = max(page.last_edited for page in pages)
        newest = self._newest = newest if self._newest is None else max(newest, self._newest)
        return [with_body(page, await self._bodies.read(self._client, page, newest)) for page in pages]

    # -- right before a write -----------------------------------------------------------------------------

    async def as_it_is(self, listed: Page, *, alone: bool) -> Page:
        """The row right before it is written; `alone`: as Notion shows it by itself.

        Raises:
            PreconditionError: it is not where it was listed.
        """
        found = False if alone else await self.edits.look(listed.id)
        if found is True:
            return listed
        raw = found if isinstance(found, dict) else await self._rows.get(listed.id)
        return await self.again(raw, listed)

    async def again(self, raw: Json, listed: Page) -> Page:
        """The row again, unless it is not to be written any more.

        Raises:
            PreconditionError: it is not where it was listed.
        """
        check_place(raw, listed)
        return await self.page(raw)

    # -- what queries may not show yet -----------------------------------------------------------------------

    def begin(self) -> float:
        """When a listing begins: what it may lack is decided now, however long it takes."""
        begun = boot_seconds()
        self.edits.list_from(begun)
        self.forget()
        return begun

    def forget(self) -> None:
        """Forget what every listing shows by now."""
        self._latest.forget(time.time() - self._lag.total_seconds())

    def note(self, page: Page) -> None:
        """Remember a row that was shown by itself."""
        self._latest.note(page, time.time())

    def note_trashed(self, page_id: ID) -> None:
        """Remember that a row was put into the trash."""
        self._latest.note_trashed(page_id, time.time())

    def wrote(self, page: Page, begun: float) -> Page:
        """Remember the answer to a write that was begun at this time."""
        self.note(page)
        self.edits.wrote(page, begun)
        return page

    def mark(
        self, scope: str, stamps: Iterable[datetime], begun: float, before: Watermark | None
    ) -> Watermark:
        """Where the changes start that a listing of rows with these stamps may lack which was begun at this time."""
        seconds = boot_seconds() - begun
        mark = Watermark.of_walk(scope, stamps, seconds=seconds, now=time.time(), before=before)
        return mark.with_options(self.options())

    def options(self) -> dict[str, str]:
        """Names of the options of all synced columns, by id."""
        return {
            f"{attr} {option}": name
            for attr, column in self.columns.items()
            for option, name in column.option_names.items()
        }
