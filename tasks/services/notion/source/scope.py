"""Which rows of a data source a task is about."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tasks.errors import SideError, TaskDefinitionError
from tasks.services.notion.api.answers import RefusedError
from tasks.services.notion.api.client import Json, NotionClient
from tasks.services.notion.api.ids import parse_id
from tasks.services.notion.columns.column import Column
from tasks.services.notion.pages.body import PAGE_BODY
from tasks.services.notion.source.filters import all_of, checked, is_filter, picked
from tasks.services.notion.source.schema import Schema


@dataclass(frozen=True)
class Scope:
    """Rows that fulfil a filter, its short form, and the filter of a view: each of those that are given."""

    filter: Mapping[str, Any] | None = None
    only: Mapping[str, Any] | None = None
    #: Address or id of a view.
    view: str | None = None

    async def as_filter(
        self, client: NotionClient, schema: Schema, columns: Mapping[str, Column]
    ) -> Json | None:
        """One filter that stands for all, as it is now; a view costs one request.

        Args:
            client: for the view.
            schema: of the data source.
            columns: its columns by the names under which the task knows them.

        Raises:
            TaskDefinitionError: a property, condition, option or view is not there, or the view is of another
                data source.
            SideError: Notion does not show the view to this token.
        """
        columns = {**schema.columns, **columns}
        return all_of(
            None if self.filter is None else checked(self.filter, columns, schema.where),
            None if self.only is None else picked(self.only, columns, schema.where),
            None if self.view is None else await _filter_of_view(client, self.view, schema),
        )


def view_id(text: str) -> str:
    """The id of a view, from an id or from the address of a database that shows it.

    Raises:
        TaskDefinitionError: there is none in the text.
    """
    url = urlsplit(text.strip())
    told = parse_qs(url.query).get("v", [])
    if not told and (url.scheme or re.search(r"[/?]", text)):
        raise TaskDefinitionError(
            f"view: {text!r} names no view: open it in Notion and copy the address, which has a part '?v=…'"
        )
    return parse_id(told[0] if told else text)


async def _filter_of_view(client: NotionClient, view: str, schema: Schema) -> Json | None:
    id_ = view_id(view)
    try:
        raw = await client.read(f"views/{id_}", subject=f"Notion view {id_}")
    except RefusedError as error:
        if error.status not in (400, 404):
            raise SideError(str(error)) from None
        raise SideError(
            f"Notion view {id_} does not exist, or the integration may not see it: give the address of a view "
            f"of {schema.where}"
        ) from None
    name = raw.get("name") or id_
    if raw.get("data_source_id") != schema.id:
        raise TaskDefinitionError(
            f"view: {name!r} does not show {schema.where}: give the address of a view that does"
        )
    found = raw.get("filter")
    if found is None or found == {}:
        return None
    if not is_filter(found):
        raise SideError(f"Notion's answer does not say what view {name!r} shows")
    return dict(found)


def check_names(
    schema: Schema,
    attributes: Collection[str],
    known: Mapping[str, Column],
    column_ids: Mapping[str, str],
    date_ranges: Collection[str],
) -> None:
    """Make sure that what a task says of a data source fits it.

    Args:
        schema: of the data source.
        attributes: what is synced.
        known: the columns by the names that the task may use.
        column_ids: ids of properties, by the names in the mapping.
        date_ranges: date properties with end and zone.

    Raises:
        TaskDefinitionError: there is no such property, or none that could mean the content of pages only.
        SideError: it is in the trash.
    """
    for said, names, there, where in (
        ("column_ids", column_ids, attributes, "the mapping does not"),
        ("date_ranges", date_ranges, known, f"{schema.where} does not have"),
    ):
        unknown = sorted(set(names) - set(there))
        if unknown:
            raise TaskDefinitionError(f"{said} names {', '.join(unknown)}, which {where}")
    if schema.in_trash:
        raise SideError(f"{schema.where} is in the trash: restore it, or take the task out")
    if PAGE_BODY in attributes and PAGE_BODY in schema.columns:
        raise TaskDefinitionError(
            f"{schema.where} has a property {PAGE_BODY!r}, which in a mapping stands for the content of pages: "
            "rename it"
        )
