"""Objects put into a workspace as an answer of the API shows them, with their ids and times."""

from __future__ import annotations

import copy
import uuid
from datetime import datetime
from typing import Any

from sandbox.notion.columns.columns import OPTION_TYPES, READ_ONLY
from sandbox.notion.requests import errors
from sandbox.notion.state.clock import Clock, milliseconds
from sandbox.notion.state.ids import ROOT_PAGE_ID, TITLE, decode_column_id, parse_id
from sandbox.notion.state.store import Store
from sandbox.notion.state.stored import WORKSPACE, Stored

Json = dict[str, Any]
_LOOKS: Json = {"title": [], "description": [], "icon": None, "cover": None}
_PARENT_KINDS = {"data_source_id": "data_source", "database_id": "database", "page_id": "page"}
_BARE: dict[str, Json] = {
    "data_source": {**_LOOKS, "columns": {}, "counter": 0},
    "database": {**_LOOKS, "is_inline": False, "is_locked": False},
    "page": {"values": {TITLE: []}, "icon": None, "cover": None, "is_locked": False, "is_archived": False},
    "block": {"type": "paragraph", "content": {"rich_text": [], "icon": None, "color": "default"}},
}
#: Read-only columns whose value follows from the page itself.
_OWN = frozenset({"created_time", "created_by", "last_edited_time", "last_edited_by", "unique_id", "button"})


def seed_object(store: Store, clock: Clock, shown: Json) -> None:
    """Store a user, page, data source, database, view, block or comment; one that is there already is replaced.

    Raises:
        ApiError: The object has no known kind or no id.
    """
    shown = _with_sources(store, clock, shown)
    kind = shown.get("object")
    reader = _READERS.get(str(kind))
    object_id = parse_id(shown.get("id"))
    if reader is None or object_id is None:
        raise errors.validation(f"Not an object to put into a workspace: {kind} {shown.get('id')}")
    known = store.get(object_id)
    doc = reader(store, shown, known.doc if known else None)
    obj = _stored(clock, shown | {"id": object_id}, str(kind), doc)
    above = store.get(obj.parent)
    if kind != "user" and obj.parent != WORKSPACE and above is None:
        _seed_parent(store, clock, obj, shown)
    elif (
        above is not None and above.kind == "database" and shown.get("database_parent") and not above.indexed
    ):
        above.doc["given_parent"] = shown["database_parent"]
        store.save(above)
    if known is not None:  # the newest of what is put in, where it was among its siblings
        obj.position = known.position if known.indexed else 0.0
        store.delete(known.id)
    store.insert(obj)
    for source in shown.get("data_sources", []) if kind == "database" else []:
        if store.get(source["id"]) is None:
            _insert_bare(store, clock, obj, source["id"], "data_source", obj.id, title=source["name"])


def _with_sources(store: Store, clock: Clock, shown: Json) -> Json:
    """An object as later versions show it: until 2022-06-28 a database was its only data source."""
    parent = shown.get("parent") or {}
    if shown.get("object") == "page" and parent.get("type") == "database_id":
        source = {"data_source_id": _only_source(store, parent["database_id"])}
        return shown | {"parent": {"type": "data_source_id", "database_id": parent["database_id"], **source}}
    if shown.get("object") != "database" or "properties" not in shown:
        return shown
    source_id = _only_source(store, shown["id"])
    columns = {name: _with_target(store, column) for name, column in shown["properties"].items()}
    inside = {"parent": {"type": "database_id", "database_id": shown["id"]}, "database_parent": parent}
    seed_object(
        store, clock, shown | inside | {"object": "data_source", "id": source_id, "properties": columns}
    )
    return {key: value for key, value in shown.items() if key != "properties"}


def _with_target(store: Store, column: Json) -> Json:
    relation = column.get("relation")
    if column.get("type") != "relation" or not isinstance(relation, dict) or "data_source_id" in relation:
        return column
    target = {"data_source_id": _only_source(store, relation["database_id"])}
    return column | {"relation": relation | target}


def _only_source(store: Store, database_id: str) -> str:
    """The id of the data source of a database that is known only as a whole."""
    there = store.children(database_id, ("data_source",), trashed=True)
    return there[0].id if there else str(uuid.uuid5(uuid.UUID(database_id), "data source"))


def _stored(clock: Clock, shown: Json, kind: str, doc: Json) -> Stored:
    created = _ms(shown.get("created_time"), clock)
    return Stored(
        id=shown["id"],
        kind=kind,
        parent=_parent_id(shown.get("parent")),
        created=created,
        edited=_ms(shown.get("last_edited_time"), clock),
        created_by=(shown.get("created_by") or shown)["id"],
        edited_by=(shown.get("last_edited_by") or shown)["id"],
        doc=doc,
        in_trash=bool(shown.get("in_trash", shown.get("archived", False))),
    )


def _ms(text: Any, clock: Clock) -> int:
    return clock.now() if text is None else milliseconds(datetime.fromisoformat(text))


def _parent_id(parent: Any) -> str:
    if not isinstance(parent, dict) or parent.get("type") == "workspace":
        return WORKSPACE
    return str(parent[parent["type"]])


def _seed_parent(store: Store, clock: Clock, obj: Stored, shown: Json) -> None:
    """What a seeded object lies in, known only by its id so far."""
    kind = _PARENT_KINDS.get(shown["parent"]["type"], "block")
    above = ROOT_PAGE_ID
    if kind == "data_source":
        above = shown["parent"].get("database_id") or ROOT_PAGE_ID
        if store.get(above) is None:
            _insert_bare(store, clock, obj, above, "database", ROOT_PAGE_ID)
    elif kind == "database" and shown.get("database_parent"):
        above = _parent_id(shown["database_parent"])
    _insert_bare(store, clock, obj, obj.parent, kind, above, given=shown.get("database_parent"))
    if kind == "data_source":
        _learn_columns(store, shown)


def _insert_bare(
    store: Store,
    clock: Clock,
    by: Stored,
    object_id: str,
    kind: str,
    parent: str,
    given: Json | None = None,
    title: str = "",
) -> None:
    doc = copy.deepcopy(_BARE[kind])
    if title:
        doc["title"] = [{"type": "text", "text": {"content": title, "link": None}, "plain_text": title}]
    if given is not None:
        doc["given_parent"] = given
    now = clock.now()
    store.insert(Stored(object_id, kind, parent, now, now, by.created_by, by.edited_by, doc, indexed=False))


def _user(_: Store, shown: Json, __: Json | None) -> Json:
    return {key: value for key, value in shown.items() if key != "request_id"}


def _database(_: Store, shown: Json, __: Json | None) -> Json:
    doc = {key: shown.get(key, value) for key, value in _LOOKS.items()}
    return doc | {"is_inline": shown.get("is_inline", False), "is_locked": shown.get("is_locked", False)}


def _data_source(_: Store, shown: Json, known: Json | None) -> Json:
    columns = {}
    for column in shown["properties"].values():
        column_id = decode_column_id(column["id"])
        columns[column_id] = {
            "name": column["name"],
            "type": column["type"],
            "description": column.get("description"),
            "config": _config(column["type"], column[column["type"]]),
        }
    doc = {key: shown.get(key, value) for key, value in _LOOKS.items()}
    return doc | {"columns": columns, "counter": (known or {}).get("counter", 0)}


def _config(kind: str, shown: Json) -> Json:
    if kind == "relation":
        config: Json = {"data_source_id": shown["data_source_id"], "database_id": shown.get("database_id")}
        if shown.get("type") == "dual_property":
            dual = shown["dual_property"]
            config |= {"dual": dual, "synced": decode_column_id(dual["synced_property_id"])}
        return config
    if kind == "rollup":
        return {
            "relation": shown["relation_property_id"],
            "target": shown["rollup_property_id"],
            "target_name": shown["rollup_property_name"],
            "function": shown["function"],
        }
    return dict(shown)


def _page(store: Store, shown: Json, known: Json | None) -> Json:
    doc: Json = {
        "values": dict((known or {}).get("values", {})),
        "given": dict((known or {}).get("given", {})),
        "icon": shown.get("icon"),
        "cover": shown.get("cover"),
        "is_locked": shown.get("is_locked", False),
        "is_archived": shown.get("is_archived", False),
    }
    _learn_columns(store, shown)
    for cell in shown["properties"].values():
        _keep_cell(doc, decode_column_id(cell["id"]), cell["type"], cell[cell["type"]])
    if shown["parent"]["type"] not in ("data_source_id", "workspace", "page_id", "database_id"):
        doc["given_parent"] = shown["parent"]
    return doc


def _keep_cell(doc: Json, column_id: str, kind: str, value: Any) -> None:
    if kind == "unique_id":
        doc["number"] = value["number"]
    elif kind in READ_ONLY:
        if kind not in _OWN:
            doc["given"][column_id] = value
    elif kind in OPTION_TYPES:
        ids = [option["id"] for option in (value if isinstance(value, list) else [value]) if option]
        doc["values"][column_id] = ids if kind == "multi_select" else next(iter(ids), None)
    elif kind in ("people", "relation"):
        doc["values"][column_id] = [entry["id"] for entry in value]
    else:
        doc["values"][column_id] = value


def _learn_columns(store: Store, shown: Json) -> None:
    """Columns and options that a page shows and its data source, never seen itself, lacks."""
    source = store.get(_parent_id(shown["parent"]))
    if source is None or source.kind != "data_source":
        return
    columns = source.doc["columns"]
    for name, cell in shown["properties"].items():
        column_id = decode_column_id(cell["id"])
        value = cell[cell["type"]]
        if column_id not in columns:
            columns[column_id] = {"name": name, "type": cell["type"], "description": None, "config": {}}
            if cell["type"] == "relation":
                columns[column_id]["config"] = {"data_source_id": source.id}
        config = columns[column_id]["config"]
        if cell["type"] in OPTION_TYPES:
            options = config.setdefault("options", [])
            for option in value if isinstance(value, list) else [value]:
                if option and all(known["id"] != option["id"] for known in options):
                    options.append({**option, "description": None})
        elif cell["type"] == "unique_id":
            config.setdefault("prefix", value["prefix"])
            source.doc["counter"] = max(source.doc.get("counter", 0), value["number"] or 0)
    store.save(source)


def _block(_: Store, shown: Json, __: Json | None) -> Json:
    kept = {"type": shown["type"], "content": shown[shown["type"]]}
    return kept | ({"has_children": True} if shown.get("has_children") else {})


def _comment(_: Store, shown: Json, __: Json | None) -> Json:
    return {
        "rich_text": shown["rich_text"],
        "discussion": shown["discussion_id"],
        "display_name": shown.get("display_name"),
    }


def _view(_: Store, shown: Json, __: Json | None) -> Json:
    kept = {key: shown.get(key) for key in ("filter", "sorts", "quick_filters", "configuration")}
    return {
        "source": shown.get("data_source_id"),
        "type": shown["type"],
        "name": shown.get("name", ""),
        **kept,
    }


_READERS = {
    "user": _user,
    "view": _view,
    "database": _database,
    "data_source": _data_source,
    "page": _page,
    "block": _block,
    "comment": _comment,
}
