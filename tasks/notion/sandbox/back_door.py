"""The back door: what happens to a workspace from outside of its API. See the package for the list."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from tasks.notion.sandbox import databases, errors, users
from tasks.notion.sandbox.call import NEWEST
from tasks.notion.sandbox.clock import moment
from tasks.notion.sandbox.errors import ApiError
from tasks.notion.sandbox.ids import bot_id, parse_id
from tasks.notion.sandbox.seed import seed_object
from tasks.notion.sandbox.workspace import Workspace

Json = dict[str, Any]


def answer(workspace: Workspace, method: str, path: str, body: Json) -> Json:
    """The JSON that answers a request to the back door; `ApiError` when it is refused."""
    handler = _HANDLERS.get((method, path.rstrip("/")))
    if handler is None:
        raise errors.invalid_url()
    with workspace.store.transaction():
        return handler(workspace, body)


def _clock(workspace: Workspace, body: Json) -> Json:
    clock = workspace.clock
    if "now" in body:
        try:
            wanted = None if body["now"] is None else datetime.fromisoformat(body["now"])
        except (TypeError, ValueError):
            raise errors.bad_body("now", "an ISO 8601 date-time with an offset", body["now"]) from None
        if wanted is not None and wanted.tzinfo is None:
            raise errors.bad_body("now", "an ISO 8601 date-time with an offset", body["now"])
        clock.set(wanted)
    if "advance" in body:
        clock.advance(timedelta(seconds=body["advance"]))
    return {"now": moment(clock.now()).isoformat()}


def _add_fault(workspace: Workspace, body: Json) -> Json:
    workspace.faults.add(body)
    return _faults(workspace, body)


def _faults(workspace: Workspace, _: Json) -> Json:
    return {"faults": workspace.faults.waiting()}


def _clear_faults(workspace: Workspace, body: Json) -> Json:
    workspace.faults.clear()
    return _faults(workspace, body)


def _data_source(workspace: Workspace, body: Json) -> Json:
    made = databases.create(
        workspace.person_call(NEWEST),
        {
            "parent": body.get("parent") or {"type": "workspace", "workspace": True},
            "title": [{"text": {"content": body.get("title", "Tasks")}}],
            "initial_data_source": {"properties": body.get("properties") or {}},
        },
    )
    return {"database_id": made["id"], "data_source_id": made["data_sources"][0]["id"]}


def _erase(workspace: Workspace, body: Json) -> Json:
    object_id = parse_id(body.get("id"))
    if object_id is None:
        raise errors.bad_body("id", "a valid uuid", body.get("id"))
    workspace.store.delete(object_id)
    return {"erased": object_id}


def _forget_cursors(workspace: Workspace, _: Json) -> Json:
    workspace.walks.forget()
    return {}


def _objects(workspace: Workspace, body: Json) -> Json:
    for doc in body.get("objects", []):
        seed_object(workspace.store, workspace.clock, doc)
    return {"seeded": len(body.get("objects", []))}


def _bot(workspace: Workspace, body: Json) -> Json:
    """From now on this user is the bot of a token."""
    user_id, token = parse_id(body.get("id")), body.get("token")
    if user_id is None or not isinstance(token, str):
        raise errors.validation("A bot needs a token and the id of a user.")
    if workspace.store.get(user_id) is None:
        users.add_user(
            workspace.store, workspace.clock, {"object": "user", **body, "id": user_id, "token": None}
        )
    workspace.store.set_fact(f"bot:{bot_id(token)}", user_id)
    return {"id": user_id}


def _index(workspace: Workspace, body: Json) -> Json:
    """Put objects into the search index, or take them out."""
    for object_id, known in body.items():
        obj = workspace.store.get(object_id)
        if obj is None:
            raise ApiError(404, "object_not_found", f"Could not find {object_id}.")
        obj.indexed = bool(known)
        if obj.in_trash:
            obj.doc["indexed_in_trash"] = bool(known)
        workspace.store.save(obj)
    return {}


_HANDLERS: dict[tuple[str, str], Callable[[Workspace, Json], Json]] = {
    ("POST", "clock"): _clock,
    ("GET", "faults"): _faults,
    ("POST", "faults"): _add_fault,
    ("DELETE", "faults"): _clear_faults,
    ("POST", "data_sources"): _data_source,
    ("POST", "erase"): _erase,
    ("POST", "forget_cursors"): _forget_cursors,
    ("POST", "objects"): _objects,
    ("POST", "bot"): _bot,
    ("POST", "search_index"): _index,
}
