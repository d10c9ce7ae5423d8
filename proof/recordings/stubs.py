"""Objects known by little more than their id, in the shape of answers."""

from __future__ import annotations

from typing import Any


def stub_page(page_id: str) -> dict[str, Any]:
    """A page without a title at the top of the workspace."""
    title = {"id": "title", "type": "title", "title": []}
    return {
        "object": "page",
        "id": page_id,
        "parent": {"type": "workspace", "workspace": True},
        "properties": {"title": title},
    }


def stub_block(block_id: str) -> dict[str, Any]:
    """An empty paragraph."""
    return {
        "object": "block",
        "id": block_id,
        "parent": {"type": "workspace", "workspace": True},
        "type": "paragraph",
        "paragraph": {"rich_text": [], "icon": None, "color": "default"},
    }


def stub_source(source_id: str) -> dict[str, Any]:
    """A data source with a title column only."""
    title: dict[str, Any] = {"id": "title", "name": "Name", "description": None, "type": "title", "title": {}}
    return {
        "object": "data_source",
        "id": source_id,
        "parent": {"type": "database_id", "database_id": source_id[:-4] + "ffff"},
        "database_parent": {"type": "workspace", "workspace": True},
        "properties": {"Name": title},
    }


def stub_database(database_id: str) -> dict[str, Any]:
    """A database without a data source."""
    return {"object": "database", "id": database_id, "parent": {"type": "workspace", "workspace": True}}


def stub_view(view_id: str, database_id: str, source_id: str) -> dict[str, Any]:
    """A table without a name."""
    return {
        "object": "view",
        "id": view_id,
        "parent": {"type": "database_id", "database_id": database_id},
        "data_source_id": source_id,
        "type": "table",
    }


def page_of_item(page_id: str, answer: dict[str, Any]) -> dict[str, Any] | None:
    """The page that an answer of the property endpoint is about, as far as it tells; None when it tells nothing."""
    about = answer.get("property_item", answer)
    kind, column = about.get("type"), about.get("id")
    if not isinstance(kind, str) or not isinstance(column, str) or kind not in about:
        return None
    if answer.get("object") == "property_item":
        value = answer[kind]
    elif kind == "rollup":
        items = [{key: part for key, part in item.items() if key != "object"} for item in answer["results"]]
        value = about[kind] | {"array": items}
    else:
        value = [item[kind] for item in answer["results"]]
    source = {
        "type": "data_source_id",
        "data_source_id": page_id[:-4] + "fffe",
        "database_id": page_id[:-4] + "ffff",
    }
    cell = {"Property": {"id": column, "type": kind, kind: value}}
    return stub_page(page_id) | {"parent": source, "properties": cell}
