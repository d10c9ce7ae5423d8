"""Notion among the services that a table of `lockstep.toml` can name: `[sync.notion]`."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from tasks.services.notion.side import DataSource
from tasks.sides import Service


class NotionTable(BaseModel):
    """A data source. Token and address of the API come from the settings."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    data_source: str = Field(
        description="id or link of the data source, or of a database that holds just one", min_length=1
    )
    filter: dict[str, Any] | None = Field(
        default=None, description="which rows are synced, in Notion's own filter grammar; by default all"
    )
    column_ids: dict[str, str] = Field(
        default_factory=dict,
        description="ids of properties by the names in the mapping, where a property has another name by now",
    )
    date_ranges: tuple[str, ...] = Field(
        default=(), description="date properties that are synced with their end and time zone"
    )


def _make(table: NotionTable) -> DataSource:
    return DataSource(
        table.data_source,
        filter=table.filter,
        column_ids=table.column_ids,
        date_ranges=table.date_ranges,
    )


SERVICE = Service(name="notion", label="Notion", table=NotionTable, make=_make)
