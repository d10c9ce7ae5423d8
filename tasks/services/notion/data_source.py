"""A Notion data source: its columns, all its rows, and writes to one row."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from tasks.errors import PreconditionError, SideError, TaskDefinitionError
from tasks.services.notion import rich_text
from tasks.services.notion.answers import RefusedError
from tasks.services.notion.client import Compose, Json, NotionClient
from tasks.services.notion.column import Column
from tasks.services.notion.ids import parse_id
from tasks.services.notion.page import WHOLE, data_source_of, is_trashed, may_be_cut, readable
from tasks.sides.listing import Listing

#: Rows per answer; Notion gives no more.
PAGE_SIZE = 100

#: Rows after which Notion ends a listing, whether or not it says so.
QUERY_LIMIT = 10_000

#: Most columns that a listing names to have only these.
SHOWN_COLUMNS = 50

#: Times that a listing is taken up again after Notion refused its own cursor.
CURSOR_REPEATS = 5

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Schema:
    """A data source as it is set up now."""

    id: str
    title: str
    #: The columns by their names.
    columns: Mapping[str, Column]
    in_trash: bool
    #: The database that holds it, where Notion says so.
    database_id: str | None = None


@dataclass
class _Walk:
    """One query from its first answer to its last."""

    rows: int = 0
    #: Creation of the newest row that was seen.
    newest: str | None = None
    #: Why Notion ended it before the last row; `None` when it did not.
    cut: str | None = None
    #: Notion refused a cursor that it gave itself.
    lost_cursor: bool = False


class DataSource:
    """The rows and columns of one data source.

    Parameters:
        client: for the requests; who made it closes it.
        id: of the data source, or of a database that holds just one; also as a link copied in Notion.
        filter: which rows to list, in Notion's own filter grammar.

    Raises:
        TaskDefinitionError: there is no id in `id`.
    """

    def __init__(self, client: NotionClient, id: str, *, filter: Mapping[str, Any] | None = None) -> None:
        self._client = client
        self._filter = filter
        #: Names of the columns that listings show, by decoded id; all columns where there is none.
        self.shown: Mapping[str, str] = {}
        self._given = parse_id(id)
        self._found: str | None = None

    @property
    def id(self) -> str:
        """The id of the data source, once `schema` has found it; until then the one that was given."""
        return self._found or self._given

    async def schema(self) -> Schema:
        """The columns as they are now.

        Raises:
            SideError: Notion does not show the data source to this token.
            TaskDefinitionError: a database was given that has no data source, or several.
        """
        raw = await self._retrieve()
        columns = {
            name: Column(
                name,
                column["id"],
                column["type"],
                tuple(_options(column).values()),
                _groups(column),
                _options(column),
            )
            for name, column in raw.get("properties", {}).items()
        }
        database = (raw.get("parent") or {}).get("database_id")
        return Schema(raw["id"], rich_text.plain(raw.get("title")), columns, is_trashed(raw), database)

    async def rows(self, *, edited_since: str | None = None) -> Listing:
        """All rows outside the trash, as Notion's JSON, oldest first.

        Notion ends a query after 10,000 rows; the listing then goes on from the minute of the last row. Rows
        that are made while the listing runs may be in it or not.

        Parameters:
            edited_since: only rows that were edited at this moment or later, ISO 8601.

        Returns:
            A listing that says why it is partial where its completeness is not proven.

        Raises:
            SideError: Notion does not answer, or does not show the data source to this token.
        """
        if self._found is None:
            await self._retrieve()
        seen: dict[str, Json] = {}
        since: str | None = None
        lost = 0
        while True:
            walk = await self._walk(since, seen, edited_since)
            if walk.lost_cursor:
                lost = lost + 1 if walk.newest == since else 1
                if lost > CURSOR_REPEATS:
                    raise SideError(f"{self._subject}: Notion refuses its own cursors again and again")
                since = walk.newest or since
                continue
            if walk.cut is None:
                return _listing(seen)
            if walk.cut != "query_result_limit_reached":
                return _listing(seen, f"Notion ended the listing early: {walk.cut}")
            if walk.newest is None or walk.newest == since:
                return _listing(
                    seen,
                    f"Notion lists at most {walk.rows:,} rows at once, and more were created in one minute",
                )
            since = walk.newest

    async def edited(self, since: str, *, answers: int) -> list[Json] | None:
        """Rows outside the trash that were edited at a moment or later, whatever the filter says.

        Parameters:
            since: ISO 8601.
            answers: how many answers are read at most.

        Returns:
            `None` where there are more, or Notion does not show all.
        """
        body: Json = {
            "page_size": PAGE_SIZE,
            "filter": {"timestamp": "last_edited_time", "last_edited_time": {"on_or_after": since}},
            "sorts": [{"timestamp": "created_time", "direction": "ascending"}],
        }
        rows: list[Json] = []
        for _ in range(answers):
            try:
                answer = await self._client.query(
                    f"data_sources/{self.id}/query", body, subject=self._subject, params=self._shown_params()
                )
            except RefusedError as error:
                log.info("%s: %s", self._subject, error)
                return None
            if (answer.get("request_status") or {}).get("type", "complete") != "complete":
                return None
            found, odd = self._pages(answer)
            if odd:
                return None
            rows += [row for row in found if not is_trashed(row)]
            if not answer.get("has_more"):
                return rows
            body["start_cursor"] = answer.get("next_cursor")
        return None

    def _pages(self, answer: Json) -> tuple[list[Json], bool]:
        """The rows in an answer, and whether it holds others that nothing can be said of.

        Raises:
            SideError: it is no list of rows.
        """
        found = answer.get("results")
        if not isinstance(found, list):
            raise SideError(f"{self._subject}: Notion's answer to a query is no list of rows")
        odd = [row for row in found if not isinstance(row, dict) or not isinstance(row.get("id"), str)]
        return [row for row in found if row not in odd and row.get("object") == "page"], bool(odd)

    def _shown_params(self) -> Json | None:
        # An address takes no endless list; all columns are right as well.
        few = 0 < len(self.shown) <= SHOWN_COLUMNS
        return {"filter_properties": list(self.shown)} if few else None

    async def get(self, page_id: str) -> Json:
        """A row as it is now, also from the trash.

        Raises:
            RefusedError: Notion does not show it to this token.
        """
        return await self._client.read(f"pages/{page_id}", subject=f"page {page_id}")

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
        params: Json = {"page_size": PAGE_SIZE}
        while True:
            answer = await self._client.read(
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
            raw = await self._client.read(f"data_sources/{source}", subject=f"Notion data source {source}")
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
        return await self._client.create("pages", body, subject=f"new page in {self._subject}")

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
            return await self._client.set(f"pages/{page_id}", body, subject=f"page {page_id}")
        except RefusedError as error:
            if error.status == 400 and "archived" in error.reason:
                raise PreconditionError(f"page {page_id} is in the trash by now") from None
            raise

    async def trash(self, page_id: str) -> Json:
        """Move a row to the trash, from where people can restore it."""
        return await self.update(page_id, {"in_trash": True})

    @property
    def _subject(self) -> str:
        return f"Notion data source {self.id}"

    async def _retrieve(self) -> Json:
        try:
            raw = await self._client.read(f"data_sources/{self.id}", subject=self._subject)
        except RefusedError as error:
            if self._found is None and error.status in (400, 404):
                self._found = await self._only_source()
                return await self._retrieve()
            raise self._refused(error) from None
        self._found = self.id
        return raw

    async def _only_source(self) -> str:
        """The one data source of the database whose id was given."""
        try:
            raw = await self._client.read(
                f"databases/{self._given}", subject=f"Notion database {self._given}"
            )
        except RefusedError as error:
            raise self._refused(error) from None
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

    def _refused(self, error: RefusedError) -> SideError:
        if error.status == 404 or self._found is None:
            return SideError(
                f"{self._subject} does not exist, or the integration may not see it: share it with the "
                "integration (menu of the database, Connections)"
            )
        return SideError(str(error))

    def _filter_from(self, created_since: str | None, edited_since: str | None) -> Json | None:
        """The filter of one query: the user's own, and those that a walk needs."""
        stamps = {"created_time": created_since, "last_edited_time": edited_since}
        parts: list[Any] = [
            {"timestamp": stamp, stamp: {"on_or_after": moment}} for stamp, moment in stamps.items() if moment
        ]
        if self._filter is None or not parts:
            parts = parts if self._filter is None else [self._filter]
            return None if not parts else dict(parts[0]) if len(parts) == 1 else {"and": parts}
        # A filter may be nested two levels deep, so that the stamps go inside.
        choices = [{"and": [*_all_of(choice), *parts]} for choice in _any_of(self._filter)]
        return choices[0] if len(choices) == 1 else {"or": choices}

    async def _walk(self, since: str | None, seen: dict[str, Json], edited_since: str | None) -> _Walk:
        """Read a query to its end and put its rows to those seen."""
        walk = _Walk()
        cursors: set[str] = set()
        body: Json = {
            "page_size": PAGE_SIZE,
            # Creation never changes, so that no edit moves a row across the walk.
            "sorts": [{"timestamp": "created_time", "direction": "ascending"}],
        }
        wanted = self._filter_from(since, edited_since)
        if wanted is not None:
            body["filter"] = wanted
        params = self._shown_params()
        while True:
            try:
                answer = await self._client.query(
                    f"data_sources/{self.id}/query", body, subject=self._subject, params=params
                )
            except RefusedError as error:
                if "start_cursor" in body and error.status == 400 and "cursor" in error.reason:
                    walk.lost_cursor = True
                    return walk
                missing = [name for id, name in self.shown.items() if error.reason.endswith(f": {id}")]
                if params and error.status == 400 and missing:
                    raise SideError(
                        f"Notion property {missing[0]!r} disappeared while the sync ran; nothing more was written"
                    ) from None
                raise self._refused(error) from None
            walk.rows += len(answer.get("results") or ())
            pages, odd = self._pages(answer)
            walk.cut = walk.cut or ("it names rows without an id" if odd else None)
            for row in pages:
                walk.newest = _later(walk.newest, row.get("created_time"))
                if not is_trashed(row):
                    seen[row["id"]] = row
            status = answer.get("request_status") or {}
            if status.get("type", "complete") != "complete":
                walk.cut = status.get("incomplete_reason") or "no reason given"
            cursor = answer.get("next_cursor")
            if not answer.get("has_more"):
                if walk.cut is None and walk.rows >= QUERY_LIMIT:
                    walk.cut = "query_result_limit_reached"
                return walk
            if not cursor or cursor in cursors:
                walk.cut = "its cursor does not move on"
                return walk
            cursors.add(cursor)
            body["start_cursor"] = cursor


def _listing(seen: dict[str, Json], partial: str | None = None) -> Listing:
    return Listing(seen.values(), partial=partial)


def _later(one: str | None, two: str | None) -> str | None:
    if one is None or not _is_moment(two):
        return one or (two if _is_moment(two) else None)
    return max(one, two or one, key=datetime.fromisoformat)


def _is_moment(text: Any) -> bool:
    try:
        return datetime.fromisoformat(text).utcoffset() is not None
    except (TypeError, ValueError):
        return False


def _options(column: Json) -> dict[str, str]:
    options = (column.get(column["type"]) or {}).get("options") or ()
    return {option["id"]: option["name"] for option in options}


def _groups(column: Json) -> dict[str, str]:
    status = column.get("status") or {}
    names = {option["id"]: option["name"] for option in status.get("options", ())}
    return {
        names[option]: group["name"]
        for group in status.get("groups", ())
        for option in group.get("option_ids", ())
        if option in names
    }


def _any_of(filter: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if set(filter) != {"or"}:
        return [filter]
    return [part for choice in filter["or"] for part in _any_of(choice)]


def _all_of(filter: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if set(filter) != {"and"}:
        return [filter]
    return [part for condition in filter["and"] for part in _all_of(condition)]
