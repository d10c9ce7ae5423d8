"""Notion among the services that a table of `lockstep.toml` can name: `[sync.notion]`."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from tasks.services.notion.set_up import SET_UP
from tasks.services.notion.side import DataSource
from tasks.sides import Service


class NotionTable(BaseModel):
    """A data source. Token and address of the API come from the settings."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    data_source: str = Field(
        description="id or link of the data source, or of a database that holds just one", min_length=1
    )
    token_variable: str = Field(
        default="NOTION_TOKEN",
        description="the variable of .env that holds the token, where data sources are of several workspaces",
        min_length=1,
    )
    filter: dict[str, Any] | None = Field(
        default=None, description="which rows are synced, in Notion's own filter grammar; by default all"
    )
    only: dict[str, Any] | None = Field(
        default=None,
        description="the same in short: of properties the value, or the list of values, that rows have",
    )
    view: str | None = Field(
        default=None, description="address or id of a view, whose filter counts too, as it is at each run"
    )
    search_trash: bool = Field(
        default=True,
        description="whether runs that read only changes search the trash for deletions, for one more request each",
    )
    column_ids: dict[str, str] = Field(
        default_factory=dict,
        description="ids of properties by the names in the mapping, where a property has another name by now",
    )
    date_ranges: tuple[str, ...] = Field(
        default=(), description="date properties that are synced with their end and time zone"
    )
    max_file_mb: int = Field(
        default=100, description="megabytes of a file, at most, that is carried to Notion or from there", ge=1
    )


def _make(table: NotionTable) -> DataSource:
    return DataSource(
        table.data_source,
        token_variable=table.token_variable,
        filter=table.filter,
        only=table.only,
        view=table.view,
        search_trash=table.search_trash,
        column_ids=table.column_ids,
        date_ranges=table.date_ranges,
        max_file_mb=table.max_file_mb,
    )


SERVICE = Service(name="notion", label="Notion", table=NotionTable, make=_make, set_up=SET_UP)
