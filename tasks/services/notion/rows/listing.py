"""All rows of a data source, or what became of them since a cursor."""

from __future__ import annotations

from collections.abc import AsyncIterator, Container
from datetime import datetime
from typing import Any

from tasks.services.notion.api.queries import PAGE_SIZE
from tasks.services.notion.pages.page import Page
from tasks.services.notion.rows.reading import Reader
from tasks.services.notion.rows.rows import Rows
from tasks.services.notion.rows.trash import Trashed, look_in_trash
from tasks.services.notion.rows.watermark import Watermark
from tasks.services.notion.source.known_columns import KnownColumns, options_of
from tasks.sides import ID, Changes, Listing


async def list_pages(rows: Rows, reader: Reader, known: KnownColumns, scope: str) -> AsyncIterator[Listing]:
    """All rows outside the trash, an answer of Notion's at a time; the last one says where the changes start.

    Args:
        rows: of the data source.
        reader: of the same run.
        known: takes in which options the rows have.
        scope: names what is listed; a cursor counts for the same only.
    """
    begun = reader.begin()
    seen: set[ID] = set()
    read: set[ID] = set()
    stamps: set[datetime] = set()
    options = options_of((), reader.columns)
    complete = whole = True
    async for answer in rows.answers():
        # A row that comes again was edited meanwhile at the most, and then it is among the changes.
        fresh = [row for row in {row["id"]: row for row in answer}.values() if row["id"] not in seen]
        seen.update(row["id"] for row in fresh)
        pages, unreadable = await reader.listed(fresh)
        complete, whole = complete and answer.partial is None, whole and not unreadable
        read.update(page.id for page in pages)
        stamps.update(page.last_edited for page in pages)
        for attr, found in options_of(pages, reader.columns).items():
            options[attr] |= found
        yield Listing(pages, partial=answer.partial, unreadable=unreadable)
    known.see(options, all_rows=complete and whole)
    if complete and whole:
        reader.keep(read)
    # What fits into one answer is listed as cheaply as its changes are, and shows deletions as well.
    if complete and len(read) > PAGE_SIZE:
        yield Listing(cursor=reader.mark(scope, stamps, begun, None).to_json())


async def list_changes(
    rows: Rows, reader: Reader, known: KnownColumns, scope: str, cursor: Any, linked: Container[str] | None
) -> Changes:
    """The rows that were edited or deleted since a cursor; some may be among them that were not edited.

    Args:
        rows: of the data source.
        reader: of the same run.
        known: takes in which options the rows have.
        scope: names what is listed.
        cursor: of a listing, or of the changes before.
        linked: ids of the rows that are looked for in the trash; `None` where it is not searched.

    Raises:
        CursorExpiredError: the cursor is of another scope.
    """
    before = Watermark.from_json(cursor, scope, reader.options())
    begun = reader.begin()
    found = await rows.rows(edited_since=before.since)
    pages, unreadable = await reader.listed(found)
    known.see(options_of(pages, reader.columns), all_rows=False)
    mark = reader.mark(scope, (page.last_edited for page in pages), begun, before)
    trashed = Trashed(frozenset(), {})
    if linked is not None:
        trashed = await look_in_trash(rows.client, rows.id, linked, before.trashed, reader.shown)
    return Changes(
        _but(pages, trashed),
        deleted=sorted(trashed.new),
        cursor=mark.with_trashed(trashed.told).to_json(),
        partial=found.partial,
        unreadable={row: why for row, why in unreadable.items() if row not in trashed.new},
    )


def _but(pages: list[Page], trashed: Trashed) -> list[Page]:
    """Those that are not in the trash: Notion's word on the row itself is newer than that of the query."""
    return [page for page in pages if page.id not in trashed.new]
