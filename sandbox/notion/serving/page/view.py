"""What the page shows: data sources by name, and one of them with its rows."""

from __future__ import annotations

from typing import Any

from sandbox.notion.columns.columns import READ_ONLY, Columns
from sandbox.notion.databases.data_sources import show_data_source
from sandbox.notion.pages.pages import show_page
from sandbox.notion.parts.parents import UNTITLED, is_trashed
from sandbox.notion.parts.rich_text import title_of
from sandbox.notion.parts.users import show_user
from sandbox.notion.requests.call import Call
from sandbox.notion.state.stored import Stored

Json = dict[str, Any]

#: Rows that the page shows at most, and that it offers for a relation.
ROWS = 300


def overview(call: Call) -> Json:
    """Data sources that are not in the trash, oldest first, with their numbers of rows; and the users."""
    return {
        "sources": [
            {
                "id": source.id,
                "title": title_of(source) or UNTITLED,
                "rows": call.store.count_rows(source.id),
            }
            for source in _sources(call)
        ],
        "users": {user.id: show_user(user).get("name") or "" for user in call.store.of_kind("user")},
    }


def table(call: Call, source_id: str, *, trashed: bool) -> Json:
    """A data source as the API shows it, its newest rows, and the titles of what its relations may name.

    Args:
        trashed: whether to show the rows in the trash instead of the others.
    """
    source = call.find("data_source", source_id)
    shown = show_data_source(call, source)
    columns = Columns(source)
    pages = call.store.children(source.id, ("page",), trashed=True)
    chosen = [page for page in pages if page.in_trash == trashed and not page.doc["is_archived"]]
    related = {
        column["relation"]["data_source_id"]
        for column in shown["properties"].values()
        if column["type"] == "relation"
    }
    return {
        "source": shown,
        "order": [
            columns.title.name,
            *(each.name for each in columns.by_id.values() if each.type != "title"),
        ],
        "read_only": sorted(READ_ONLY),
        "rows": [show_page(call, page, columns=columns) for page in chosen[-ROWS:]],
        "left_out": max(len(chosen) - ROWS, 0),
        "trashed": sum(page.in_trash for page in pages),
        "titles": {target: _titles(call, target) for target in related},
    }


def _sources(call: Call) -> list[Stored]:
    return [source for source in call.store.of_kind("data_source") if not is_trashed(call, source)]


def _titles(call: Call, source_id: str) -> Json:
    return {row.id: title_of(row) for row in call.store.rows(source_id, limit=ROWS)}
