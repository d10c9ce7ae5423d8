"""All rows of a data source, or what became of them since a cursor."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from tasks.services.notion.api.queries import PAGE_SIZE
from tasks.services.notion.pages.page import Page
from tasks.services.notion.rows.reading import Reader
from tasks.services.notion.rows.rows import Rows
from tasks.services.notion.rows.trash import Trashed, look_in_trash
from tasks.services.notion.rows.watermark import Watermark
from tasks.services.notion.source.known_columns import KnownColumns
from tasks.sides import Changes, Listing


async def list_all(rows: Rows, reader: Reader, known: KnownColumns, scope: str) -> Listing:
    """All rows outside the trash.

    Args:
        rows: of the data source.
        reader: of the same run.
        known: takes in which options the rows have.
        scope: names what is listed; a cursor counts for the same only.
    """
    begun = reader.begin()
    found = await rows.rows()
    complete = found.partial is None
    pages, unreadable = await reader.listed(found, all_rows=complete)
    known.see(pages, reader.columns, all_rows=complete and not unreadable)
    # What fits into one answer is listed as cheaply as its changes are, and shows deletions as well.
    cursor = None
    if complete and len(pages) > PAGE_SIZE:
        cursor = reader.mark(scope, pages, begun, None).to_json()
    return Listing(pages, partial=found.partial, cursor=cursor, unreadable=unreadable)


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
    pages, unreadable = await reader.listed(found, all_rows=False)
    known.see(pages, reader.columns, all_rows=False)
    mark = reader.mark(scope, pages, begun, before)
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
