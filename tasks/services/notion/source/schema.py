"""How a data source is set up: its columns, as an answer of Notion's shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tasks.services.notion.api.client import Json
from tasks.services.notion.columns import rich_text
from tasks.services.notion.columns.column import Column
from tasks.services.notion.pages.page import is_trashed


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

    @property
    def where(self) -> str:
        """What it is called in messages."""
        return f"Notion data source {self.title or self.id!r}"


def read_schema(raw: Json) -> Schema:
    """The columns in an answer of Notion's."""
    columns = {name: _column(name, column) for name, column in raw.get("properties", {}).items()}
    database = (raw.get("parent") or {}).get("database_id")
    return Schema(raw["id"], rich_text.plain(raw.get("title")), columns, is_trashed(raw), database)


def _column(name: str, column: Json) -> Column:
    options = _options(column)
    return Column(
        name,
        column["id"],
        column["type"],
        tuple(options.values()),
        _groups(column),
        options,
        leads_to=_leads_to(column),
    )


def _leads_to(column: Json) -> tuple[str, ...]:
    relation = column.get("relation") or {}
    return tuple(relation[key] for key in ("data_source_id", "database_id") if relation.get(key))


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
