"""Databases: containers of data sources. Before version 2025-09-03 a database is its only data source."""

from __future__ import annotations

from typing import Any

from sandbox.notion.columns.columns import show_columns
from sandbox.notion.columns.schema import change_columns
from sandbox.notion.databases import data_sources
from sandbox.notion.pages.pages import path_id, refuse_unknown
from sandbox.notion.parts import kept_files, rich_text
from sandbox.notion.parts.parents import (
    find_parent,
    is_trashed,
    only_source,
    place,
    read_icon,
    refuse_trashed,
    show_parent,
    shown_name,
    shown_title,
    touch_page_above,
)
from sandbox.notion.requests import errors
from sandbox.notion.requests.call import Call, stamps, url
from sandbox.notion.state.clock import exact_text
from sandbox.notion.state.ids import new_id
from sandbox.notion.state.stored import WORKSPACE, Stored

_LOOKS = frozenset({"parent", "title", "description", "is_inline", "icon", "cover"})
_CREATE = _LOOKS | {"initial_data_source"}
_UPDATE = _LOOKS | {"in_trash", "archived", "is_locked"}


def create(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    """POST /databases."""
    refuse_unknown(body, _CREATE if call.has_data_sources else _LOOKS | {"properties"})
    parent = find_parent(call, body.get("parent"), ("page_id", "workspace"))
    doc: dict[str, Any] = {
        "title": [],
        "description": [],
        "icon": None,
        "cover": None,
        "is_inline": False,
        "is_locked": False,
    }
    database = call.new(new_id(), "database", parent.id if parent else WORKSPACE, doc)
    _write_looks(call, database, body)
    call.store.insert(database)
    inside = body
    if call.has_data_sources:
        inside = errors.an_object(body.get("initial_data_source") or {}, "initial_data_source")
    where = "initial_data_source.properties" if call.has_data_sources else "properties"
    source = data_sources.make(call, database, doc["title"], inside.get("properties") or {}, where)
    source.doc["description"] = doc["description"]
    source.indexed = database.indexed = call.limits.search_delay <= 0
    call.store.save(source)
    touch_page_above(call, database)
    return show_database(call, database)


def retrieve(call: Call, raw_id: str) -> dict[str, Any]:
    """GET /databases/{id}."""
    return show_database(call, call.find("database", path_id(raw_id, "database_id")))


def update(call: Call, raw_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """PATCH /databases/{id}."""
    refuse_unknown(body, _UPDATE if call.has_data_sources else _UPDATE | {"properties"})
    database = call.find("database", path_id(raw_id, "database_id"))
    wish = call.trash_wish(body)
    refuse_trashed(call, database, wish)
    sources = call.store.children(database.id, ("data_source",))
    if not call.has_data_sources and "properties" in body:
        change_columns(call, only_source(call, database), body["properties"])
        sources = call.store.children(database.id, ("data_source",))
    if body.get("parent") is not None:
        parent = find_parent(call, body["parent"], ("page_id", "workspace"))
        place(call, database, parent)
    _write_looks(call, database, body)
    if len(sources) == 1:
        for key in ("title", "description"):
            if key in body:
                sources[0].doc[key] = database.doc[key]
        if body:
            call.touch(sources[0])
        call.store.save(sources[0])
    if wish is not None:
        database.in_trash = wish
        call.touch(database)
        touch_page_above(call, database)
    call.store.save(database)
    return show_database(call, database)


def _write_looks(call: Call, database: Stored, body: dict[str, Any]) -> None:
    for key in ("title", "description"):
        if body.get(key) is not None:
            database.doc[key] = rich_text.normalise(call, body[key], key)
    for key in ("icon", "cover"):
        if key in body:
            database.doc[key] = read_icon(call, body[key], key)
    for key in ("is_inline", "is_locked"):
        if body.get(key) is not None:
            database.doc[key] = bool(body[key])


def show_database(call: Call, database: Stored) -> dict[str, Any]:
    """A database as answers show it, in the caller's version."""
    doc = database.doc
    shown = {
        "object": "database",
        "id": database.id,
        "title": shown_title(call, database),
        "description": doc["description"],
        "parent": show_parent(call, database),
        "is_inline": doc["is_inline"],
        "icon": kept_files.shown(call, doc["icon"]),
        "cover": kept_files.shown(call, doc["cover"]),
        "url": url("", database.id),
        "public_url": None,
    }
    if not call.has_data_sources:
        source = only_source(call, database)
        return (
            shown
            | stamps(source)
            | {
                "properties": show_columns(call, source),
                **call.trash_flags(is_trashed(call, database)),
            }
        )
    sources = call.store.children(database.id, ("data_source",))
    return shown | {
        "is_locked": doc["is_locked"],
        "created_time": exact_text(database.created),
        "last_edited_time": exact_text(database.edited),
        "data_sources": [{"id": source.id, "name": shown_name(call, source)} for source in sources],
        **call.trash_flags(is_trashed(call, database)),
    }
