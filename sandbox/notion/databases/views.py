"""Views of databases: a filter and sorts with a name, and the snapshots of rows that queries of them keep."""

from __future__ import annotations

from typing import Any

from sandbox.notion.columns.columns import Columns
from sandbox.notion.databases import view_configuration
from sandbox.notion.databases.query import matching_rows
from sandbox.notion.pages.pages import path_id, refuse_unknown
from sandbox.notion.parts.parents import refuse_trashed
from sandbox.notion.requests import errors
from sandbox.notion.requests.call import Call, listing, page_size, window
from sandbox.notion.state.clock import exact_text
from sandbox.notion.state.ids import new_id
from sandbox.notion.state.stored import Stored

Json = dict[str, Any]
TYPES = frozenset(
    {"table", "board", "calendar", "timeline", "gallery", "list", "form", "chart", "map", "dashboard"}
)
#: How long a snapshot is kept, in milliseconds.
SNAPSHOT_MS = 15 * 60 * 1000
_LOOKS = frozenset({"name", "filter", "sorts", "quick_filters", "configuration"})
_CREATE = _LOOKS | {"database_id", "data_source_id", "type", "position"}
#: The type is taken, and stays as it is.
_UPDATE = _LOOKS | {"type"}


def add_view(call: Call, source: Stored, kind: str = "table", name: str = "") -> Stored:
    """A new view of a data source; every data source has one from the start."""
    doc: Json = {"source": source.id, "type": kind, "name": name, "filter": None, "sorts": None}
    looks = view_configuration.default(Columns(source), kind)
    return call.store.insert(
        call.new(new_id(), "view", source.parent, doc | {"quick_filters": None, "configuration": looks})
    )


def create(call: Call, body: Json) -> Json:
    """POST /views: in the database of a data source."""
    refuse_unknown(body, _CREATE)
    source = call.find_in_body("data_source", "data_source_id", body.get("data_source_id"))
    database = call.find_in_body("database", "database_id", body.get("database_id"))
    if source.parent != database.id:
        raise errors.validation(f"Data source {source.id} is not in database {database.id}.")
    refuse_trashed(call, database, None)
    kind = body.get("type")
    if not isinstance(kind, str) or kind not in TYPES:
        raise errors.bad_body("type", "a type of view", kind)
    view = add_view(call, source, kind)
    return _write(call, view, {"name": body.get("name")} | body)


def list_views(call: Call, query: dict[str, str]) -> Json:
    """GET /views: references to those of a database or of a data source, oldest first."""
    if "database_id" in query:
        above = call.find("database", path_id(query["database_id"], "database_id", "query"))
        found = call.store.children(above.id, ("view",))
    else:
        source = call.find("data_source", path_id(query.get("data_source_id"), "data_source_id", "query"))
        found = [view for view in call.store.of_kind("view") if view.doc["source"] == source.id]
    start, size = window([view.id for view in found], query, call.limits.page_size)
    following = found[start + size].id if start + size < len(found) else None
    references = [{"object": "view", "id": view.id} for view in found[start : start + size]]
    return listing("view", references, following)


def retrieve(call: Call, raw_id: str) -> Json:
    """GET /views/{id}."""
    return _show(call, _find(call, raw_id))


def update(call: Call, raw_id: str, body: Json) -> Json:
    """PATCH /views/{id}: null takes a filter or sorts away."""
    refuse_unknown(body, _UPDATE)
    return _write(call, _find(call, raw_id), body)


def delete(call: Call, raw_id: str) -> Json:
    """DELETE /views/{id}."""
    view = _find(call, raw_id)
    if len(call.store.children(view.parent, ("view",))) == 1:
        raise errors.validation("Cannot delete the last view of a database.")
    call.store.delete_tree(view.id)
    return _partial(view)


def _find(call: Call, raw_id: str) -> Stored:
    return call.find("view", path_id(raw_id, "view_id"))


def _write(call: Call, view: Stored, body: Json) -> Json:
    source = call.find("data_source", view.doc["source"])
    if "name" in body:
        view.doc["name"] = errors.a_string(body["name"], "name")
    for key in ("filter", "sorts", "quick_filters"):
        if key in body:
            view.doc[key] = body[key]
    if "configuration" in body:
        before = view.doc["configuration"] or {}
        given = body["configuration"]
        view.doc["configuration"] = view_configuration.read(Columns(source), view.doc["type"], before, given)
    matching_rows(call, source, view.doc["filter"], view.doc["sorts"])  # refuses what cannot be asked
    call.touch(view)
    call.store.save(view)
    return _show(call, view)


def _partial(view: Stored) -> Json:
    parent = {"type": "database_id", "database_id": view.parent}
    return {"object": "view", "id": view.id, "parent": parent, "type": view.doc["type"]}


def _show(call: Call, view: Stored) -> Json:
    source = call.find("data_source", view.doc["source"])
    looks = view.doc["configuration"] or {}
    return {
        **_partial(view),
        "data_source_id": view.doc["source"],
        "name": view.doc["name"],
        **{key: view.doc[key] for key in ("filter", "sorts", "quick_filters")},
        "configuration": view_configuration.show(Columns(source), view.doc["type"], looks),
        "created_time": exact_text(view.created),
        "last_edited_time": exact_text(view.edited),
        "created_by": {"object": "user", "id": view.created_by},
        "last_edited_by": {"object": "user", "id": view.edited_by},
        "url": f"https://app.notion.com/p/{view.parent.replace('-', '')}?v={view.id.replace('-', '')}",
    }


# -- snapshots --------------------------------------------------------------------------------------------


def query(call: Call, raw_id: str, body: Json) -> Json:
    """POST /views/{id}/queries: keep what the view shows now, and give the first rows."""
    refuse_unknown(body, frozenset({"page_size"}))
    view = _find(call, raw_id)
    size = page_size(body.get("page_size"), call.limits.page_size)
    source = call.find("data_source", view.doc["source"])
    rows = matching_rows(call, source, view.doc["filter"], view.doc["sorts"])
    kept = [row.id for row in rows[: call.limits.query_results]]
    doc: Json = {"rows": kept, "expires": call.now() + SNAPSHOT_MS, "cut": len(rows) > len(kept)}
    snapshot = call.store.insert(call.new(new_id(), "view_query", view.id, doc))
    head = {
        "object": "view_query",
        "id": snapshot.id,
        "view_id": view.id,
        "expires_at": exact_text(doc["expires"]),
        "total_count": len(kept),
    }
    return head | _rows(snapshot, 0, size)


def results(call: Call, raw_id: str, raw_query: str, query: dict[str, str]) -> Json:
    """GET /views/{id}/queries/{query}: more rows of a snapshot; 404 when it is too old."""
    view = _find(call, raw_id)
    query_id = path_id(raw_query, "query_id")
    snapshot = call.find("view_query", query_id)
    if snapshot.parent != view.id or call.now() >= snapshot.doc["expires"]:
        raise call.missing("view_query", query_id)
    start, size = window(snapshot.doc["rows"], query, call.limits.page_size)
    return {"object": "list", "type": "page", "page": {}} | _rows(snapshot, start, size)


def forget(call: Call, raw_id: str, raw_query: str) -> Json:
    """DELETE /views/{id}/queries/{query}; one that is not there is forgotten already."""
    _find(call, raw_id)
    query_id = path_id(raw_query, "query_id")
    snapshot = call.store.get(query_id)
    if snapshot is not None and snapshot.kind == "view_query":
        call.store.delete(query_id)
    return {"object": "view_query", "id": query_id, "deleted": True}


def _rows(snapshot: Stored, start: int, size: int) -> Json:
    ids = snapshot.doc["rows"]
    following = ids[start + size] if start + size < len(ids) else None
    shown = [{"object": "page", "id": row_id} for row_id in ids[start : start + size]]
    answer: Json = {"results": shown, "next_cursor": following, "has_more": following is not None}
    if snapshot.doc["cut"]:
        answer["request_status"] = {"type": "incomplete", "incomplete_reason": "query_result_limit_reached"}
    return answer
