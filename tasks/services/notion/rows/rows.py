"""The rows of a data source: all of them, those that were edited lately, and reads and writes of a single one."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any
from urllib.parse import unquote

from tasks.errors import PreconditionError, SideError, TaskDefinitionError, TaskError
from tasks.services.notion.api import queries
from tasks.services.notion.api.answers import RefusedError
from tasks.services.notion.api.client import Compose, Json, NotionClient
from tasks.services.notion.api.queries import Walk
from tasks.services.notion.columns.column import Column
from tasks.services.notion.pages.page import WHOLE, data_source_of, is_trashed, may_be_cut, readable
from tasks.services.notion.source.filters import all_of
from tasks.services.notion.source.schema import Schema, read_schema
from tasks.services.notion.source.which import Source
from tasks.sides.listing import Listing

#: Rows after which Notion ends a listing, whether or not it says so.
QUERY_LIMIT = 10_000

#: Most columns that a listing names to have only these.
SHOWN_COLUMNS = 50

#: Times that a listing is taken up again after Notion refused its own cursor.
CURSOR_REPEATS = 5

log = logging.getLogger(__name__)


class Rows:
    """The rows and columns of one data source, in Notion's words.

    Parameters:
        client: for the requests; who made it closes it.
        id: of the data source, or of a database that holds just one; also as a link copied in Notion.
        filter: which rows to list, in Notion's own filter grammar.

    Raises:
        TaskDefinitionError: there is no id in `id`.
    """

    def __init__(self, client: NotionClient, id: str, *, filter: Mapping[str, Any] | None = None) -> None:
        self.client = client
        #: Which rows are listed, in Notion's own filter grammar; `None` for all.
        self.filter = filter
        self._source = Source(client, id)
        #: Names of the columns that listings show, by decoded id; all columns where there is none.
        self.shown: Mapping[str, str] = {}

    @property
    def id(self) -> str:
        """The id of the data source, once `schema` has found it; until then the one that was given."""
        return self._source.id

    async def schema(self) -> Schema:
        """The columns as they are now.

        Raises:
            SideError: Notion does not show the data source to this token.
            TaskDefinitionError: a database was given that has no data source, or several.
        """
        return read_schema(await self._source.retrieve())

    async def rows(self, *, edited_since: str | None = None) -> Listing:
        """All rows outside the trash, as Notion's JSON, oldest first.

        Parameters:
            edited_since: only rows that were edited at this moment or later, ISO 8601.

        Returns:
            A listing that says why it is partial where its completeness is not proven.

        Raises:
            SideError: Notion does not answer, or does not show the data source to this token.
            TaskDefinitionError: Notion does not take the filter.
        """
        seen: dict[str, Json] = {}
        partial = None
        async for answer in self.answers(edited_since=edited_since):
            seen.update((row["id"], row) for row in answer)
            partial = answer.partial or partial
        return Listing(seen.values(), partial=partial)

    async def answers(self, *, edited_since: str | None = None) -> AsyncIterator[Listing]:
        """The same rows, an answer of Notion's at a time. Some may come twice.

        Notion ends a query after 10,000 rows; the listing then goes on from the minute of the last row. Rows
        that are made while the listing runs may be in it or not.
        """
        await self._source.find()
        since: str | None = None
        lost = 0
        while True:
            walk = Walk()
            async for rows in self._walk(walk, since, edited_since):
                yield Listing(rows)
            if walk.lost_cursor:
                lost = lost + 1 if walk.newest == since else 1
                if lost > CURSOR_REPEATS:
                    raise SideError(f"{self._source.subject}: Notion refuses its own cursors again and again")
                since = walk.newest or since
                continue
            if walk.cut is None:
                return
            if walk.cut != "query_result_limit_reached":
                yield Listing(partial=f"Notion ended the listing early: {walk.cut}")
                return
            if walk.newest is None or walk.newest == since:
                yield Listing(
                    partial=f"Notion lists at most {walk.rows:,} rows at once, and more were created in one minute"
                )
                return
            since = walk.newest

    async def edited(self, since: str, *, answers: int) -> list[Json] | None:
        """Rows outside the trash that were edited at a moment or later, whatever the filter says.

        Parameters:
            since: ISO 8601.
            answers: how many answers are read at most.

        Returns:
            `None` where there are more, or Notion does not show all.
        """
        body = queries.query(all_of(*queries.since(last_edited_time=since)))
        rows: list[Json] = []
        for _ in range(answers):
            try:
                answer = await self._ask(body)
            except RefusedError as error:
                log.info("%s: %s", self._source.subject, error)
                return None
            found, odd = queries.rows_in(answer, self._source.subject)
            if odd or queries.cut_short(answer):
                return None
            rows += [row for row in found if not is_trashed(row)]
            if not answer.get("has_more"):
                return rows
            body["start_cursor"] = answer.get("next_cursor")
        return None

    async def _walk(
        self, walk: Walk, since: str | None, edited_since: str | None
    ) -> AsyncIterator[list[Json]]:
        """Read a query to its end, and note how it went."""
        cursors: set[str] = set()
        conditions = queries.since(created_time=since, last_edited_time=edited_since)
        body = queries.query(all_of(self.filter, *conditions))
        while True:
            try:
                answer = await self._ask(body)
            except RefusedError as error:
                if "start_cursor" in body and error.status == 400 and "cursor" in error.reason:
                    walk.lost_cursor = True
                    return
                raise self._refused(error) from None
            found, odd = queries.rows_in(answer, self._source.subject)
            walk.rows += len(answer["results"])
            walk.cut = walk.cut or ("it names rows without an id" if odd else None)
            for row in found:
                walk.see(row)
            walk.cut = queries.cut_short(answer) or walk.cut
            yield [row for row in found if not is_trashed(row)]
            cursor = answer.get("next_cursor")
            if not answer.get("has_more"):
                if walk.cut is None and walk.rows >= QUERY_LIMIT:
                    walk.cut = "query_result_limit_reached"
                return
            if not cursor or cursor in cursors:
                walk.cut = "its cursor does not move on"
                return
            cursors.add(cursor)
            body["start_cursor"] = cursor

    async def _ask(self, body: Json) -> Json:
        return await self.client.query(
            f"data_sources/{self.id}/query", body, subject=self._source.subject, params=self._shown_params()
        )

    def _refused(self, error: RefusedError) -> TaskError:
        missing = [name for id, name in self.shown.items() if error.reason.endswith(f": {id}")]
        if self._shown_params() and error.status == 400 and missing:
            return SideError(
                f"Notion property {missing[0]!r} disappeared while the sync ran; nothing more was written"
            )
        if self.filter is not None and error.status == 400:
            return TaskDefinitionError(
                f"{self._source.subject}: Notion does not take the filter of the task, or of its view "
                f"({error.reason}): nothing was written"
            )
        return self._source.refused(error)

    def _shown_params(self) -> Json | None:
        # An address takes no endless list; all columns are right as well.
        few = 0 < len(self.shown) <= SHOWN_COLUMNS
        return {"filter_properties": list(self.shown)} if few else None

    async def get(self, page_id: str) -> Json:
        """A row as it is now, also from the trash.

        Raises:
            RefusedError: Notion does not show it to this token.
        """
        return await self.client.read(f"pages/{page_id}", subject=f"page {page_id}")

    async def complete(self, row: Json, columns: Collection[Column]) -> Json:
        """Read those values of a row item by item of which Notion may not have shown all.

        Parameters:
            columns: whose values are needed.

        Raises:
            SideError: Notion does not answer.
            RefusedError: Notion does not show the row any more.
            ItemError: the row has a form that is not known.
        """
        needed = {unquote(column.id) for column in columns}
        with readable(row):
            for value in (row.get("properties") or {}).values():
                if unquote(value["id"]) in needed and may_be_cut(value):
                    value[value["type"]] = await self._items(row["id"], value)
                    value[WHOLE] = True
        return row

    async def _items(self, page_id: str, value: Json) -> list[Json]:
        items: list[Json] = []
        params: Json = {"page_size": queries.PAGE_SIZE}
        while True:
            answer = await self.client.read(
                f"pages/{page_id}/properties/{value['id']}", subject=f"page {page_id}", params=params
            )
            items += [item[value["type"]] for item in answer["results"]]
            cursor = answer.get("next_cursor")
            if not answer.get("has_more"):
                return items
            if not cursor or cursor == params.get("start_cursor"):
                raise SideError(f"page {page_id}: Notion's list of property items does not move on")
            params["start_cursor"] = cursor

    async def is_gone(self, page_id: str) -> bool:
        """Whether Notion says that the row is in the trash, and by itself.

        A page that is not found may just not be shared any more, and one that was moved still exists:
        neither is gone. Nor are rows that went into the trash with their whole data source: nobody deleted those.
        """
        try:
            row = await self.get(page_id)
            if not is_trashed(row):
                return False
            source = data_source_of(row) or self.id
            raw = await self.client.read(f"data_sources/{source}", subject=f"Notion data source {source}")
            if is_trashed(raw):
                log.info("page %s is in the trash with its data source, not deleted by itself", page_id)
            return not is_trashed(raw)
        except RefusedError as error:
            log.info(
                "%s is not shown (%s), which does not mean that it is deleted", error.subject, error.status
            )
            return False

    async def create(self, properties: Json, markdown: str = "") -> Json:
        """Make a row and return it as Notion shows it.

        Parameters:
            properties: values by id or name of the property.
            markdown: the content of the page.

        Raises:
            RefusedError: Notion does not take the values.
            OutcomeUnknownError: no answer came; the row may exist by now.
        """
        parent = {"type": "data_source_id", "data_source_id": self.id}
        body: Json = {"parent": parent, "properties": properties}
        if markdown:
            body["markdown"] = markdown
            # Without a title Notion takes the first heading out of the content to make it one.
            body["properties"] = {"title": {"title": []}} | properties
        return await self.client.create("pages", body, subject=f"new page in {self._source.subject}")

    async def update(self, page_id: str, body: Mapping[str, Any] | Compose) -> Json:
        """Change a row in one write and return it as Notion shows it.

        Parameters:
            body: of the PATCH, with `properties` or `in_trash`, or what makes it when it is to be sent.

        Raises:
            RefusedError: Notion does not take the values, or does not show the row to this token.
            PreconditionError: the row is in the trash by now.
            OutcomeUnknownError: no answer came.
        """
        try:
            return await self.client.set(f"pages/{page_id}", body, subject=f"page {page_id}")
        except RefusedError as error:
            if error.status == 400 and "archived" in error.reason:
                raise PreconditionError(f"page {page_id} is in the trash by now") from None
            raise

    async def trash(self, page_id: str) -> Json:
        """Move a row to the trash, from where people can restore it."""
        return await self.update(page_id, {"in_trash": True})
