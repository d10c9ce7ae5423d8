"""Data sources: create, read, change title and columns, trash."""

from __future__ import annotations

from typing import Any

from sandbox.notion.columns.columns import show_columns
from sandbox.notion.columns.schema import change_columns, create_columns
from sandbox.notion.databases.views import add_view
from sandbox.notion.pages.pages import path_id, refuse_unknown
from sandbox.notion.parts import rich_text
from sandbox.notion.parts.parents import (
    find_container,
    is_trashed,
    place,
    read_icon,
    refuse_trashed,
    show_parent,
)
from sandbox.notion.requests.call import Call, stamps, url
from sandbox.notion.state.ids import new_id
from sandbox.notion.state.stored import Stored

_CREATE = frozenset({"parent", "properties", "title", "icon", "description"})
_UPDATE = frozenset({"title", "icon", "properties", "in_trash", "archived", "parent", "description", "cover"})


def make(call: Call, database: Stored, title: list[dict[str, Any]], properties: Any, path: str) -> Stored:
    """A new data source in a database."""
    doc: dict[str, Any] = {
        "title": title,
        "description": [],
        "icon": None,
        "cover": None,
        "columns": {},
        "counter": 0,
    }
    source = call.store.insert(call.new(new_id(), "data_source", database.id, doc))
    create_columns(call, source, properties, path)
    add_view(call, source)
    return source


def create(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    """POST /data_sources: one more data source in a database."""
    refuse_unknown(body, _CREATE)
    database = find_container(call, body.get("parent"), ("database_id",))
    title = rich_text.normalise(call, body.get("title") or [], "title")
    source = make(call, database, title, body.get("properties") or {}, "properties")
    if "icon" in body:
        source.doc["icon"] = read_icon(call, body["icon"], "icon")
        call.store.save(source)
    return show_data_source(call, source)


def retrieve(call: Call, raw_id: str) -> dict[str, Any]:
    """GET /data_sources/{id}."""
    return show_data_source(call, call.find("data_source", path_id(raw_id, "data_source_id")))


def update(call: Call, raw_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """PATCH /data_sources/{id}."""
    refuse_unknown(body, _UPDATE)
    source = call.find("data_source", path_id(raw_id, "data_source_id"))
    wish = call.trash_wish(body)
    refuse_trashed(call, source, wish)
    if "properties" in body:
        change_columns(call, source, body["properties"])
    for key in ("title", "description"):
        if key in body:
            source.doc[key] = rich_text.normalise(call, body[key], key)
            _tell_database(call, source, key)
    for key in ("icon", "cover"):
        if key in body:
            source.doc[key] = read_icon(call, body[key], key)
    if body.get("parent") is not None:
        _move(call, source, find_container(call, body["parent"], ("database_id",)))
    if wish is not None:
        source.in_trash = wish
    if body:
        call.touch(source)
    call.store.save(source)
    return show_data_source(call, source)


def _move(call: Call, source: Stored, database: Stored) -> None:
    """Into another database, which gets a table for it; the views in the old one stay, linked."""
    if database.id != source.parent:
        place(call, source, database)
        add_view(call, source)


def _tell_database(call: Call, source: Stored, key: str) -> None:
    """A database with one data source shares its title and description with it."""
    database = call.store.get(source.parent)
    if database is not None and len(call.store.children(database.id, ("data_source",))) == 1:
        database.doc[key] = source.doc[key]
        if key == "title":
            call.touch(database)
        call.store.save(database)


def show_data_source(call: Call, source: Stored) -> dict[str, Any]:
    """A data source as answers show it."""
    database = call.store.get(source.parent)
    doc = source.doc
    above = show_parent(call, database) if database else doc.get("database_parent")
    return {
        "object": "data_source",
        "id": source.id,
        "cover": doc["cover"],
        "icon": doc["icon"],
        **stamps(source),
        "title": doc["title"],
        "description": doc["description"],
        "is_inline": database.doc["is_inline"] if database else False,
        "properties": show_columns(call, source),
        "parent": {"type": "database_id", "database_id": source.parent},
        "database_parent": above,
        "url": url(rich_text.title_of(source), source.parent),
        "public_url": None,
        **call.trash_flags(is_trashed(call, source)),
    }


def templates(call: Call, raw_id: str) -> dict[str, Any]:
    """GET /data_sources/{id}/templates: this workspace has none."""
    call.find("data_source", path_id(raw_id, "data_source_id"))
    return {"templates": [], "has_more": False, "next_cursor": None}
