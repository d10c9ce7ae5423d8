"""People and bots. Every token has a bot of its own; one person lives in the workspace from the start."""

from __future__ import annotations

import uuid
from typing import Any

from sandbox.notion.requests import errors
from sandbox.notion.requests.call import Call, listing, page_size
from sandbox.notion.state.clock import Clock
from sandbox.notion.state.ids import PERSON_ID, WORKSPACE_ID, bot_id, parse_id
from sandbox.notion.state.store import Store
from sandbox.notion.state.stored import WORKSPACE, Stored

_OWNER = {
    "owner": {"type": "workspace", "workspace": True},
    "workspace_name": "Sandbox",
    "workspace_id": WORKSPACE_ID,
    "workspace_limits": {},
}
_PERSON = {
    "object": "user",
    "id": PERSON_ID,
    "name": "Alex Person",
    "avatar_url": None,
    "type": "person",
    "person": {"email": "alex@example.com"},
}


def add_user(store: Store, clock: Clock, doc: dict[str, Any]) -> Stored:
    """Add a user; `doc` is the user as answers show it."""
    now = clock.now()
    return store.insert(Stored(doc["id"], "user", WORKSPACE, now, now, doc["id"], doc["id"], doc))


def person(store: Store, clock: Clock, who: str | None = None) -> Stored:
    """A person: the one who is always there, the one with an id, or the one of a name, who joins if need be."""
    user_id = PERSON_ID if who is None else parse_id(who)
    if user_id is None:
        return _named(store, clock, who or "")
    found = store.get(user_id)
    if found is not None and found.kind == "user":
        return found
    if who is not None:
        raise errors.ApiError(404, "object_not_found", f"Could not find user with ID: {who}.")
    return add_user(store, clock, _PERSON)


def _named(store: Store, clock: Clock, name: str) -> Stored:
    if not name.strip():
        raise errors.validation("A person needs a name.")
    for user in store.of_kind("user"):
        if (user.doc.get("type"), user.doc.get("name")) == ("person", name):
            return user
    user_id = str(uuid.uuid5(uuid.UUID(WORKSPACE_ID), f"person:{name}"))
    email = f"{''.join(char for char in name.lower() if char.isalnum()) or 'person'}@example.com"
    return add_user(store, clock, _PERSON | {"id": user_id, "name": name, "person": {"email": email}})


def bot(store: Store, clock: Clock, token: str) -> Stored:
    """The bot that a token belongs to."""
    user_id = store.fact(f"bot:{bot_id(token)}") or bot_id(token)
    found = store.get(user_id)
    if found is not None:
        return found
    name = f"Bot {user_id[:4]}"
    doc = {"object": "user", "id": user_id, "name": name, "avatar_url": None, "type": "bot", "bot": _OWNER}
    return add_user(store, clock, doc)


def show_user(user: Stored, *, own: bool = False) -> dict[str, Any]:
    """A user as answers show it; only a bot itself sees whose it is."""
    doc = dict(user.doc)
    if doc.get("type") == "bot" and not own:
        doc["bot"] = {}
    return doc


def full_user(call: Call, user_id: str) -> dict[str, Any]:
    """A user in a column, with a name."""
    user = call.store.get(user_id)
    return show_user(user) if user else {"object": "user", "id": user_id}


def me(call: Call) -> dict[str, Any]:
    """GET /users/me."""
    return _seen_by(call, call.user)


def _seen_by(call: Call, user: Stored) -> dict[str, Any]:
    """A user as the caller sees it."""
    shown = show_user(user, own=user.id == call.user.id)
    if shown.get("bot", {}).get("workspace_limits") == {}:
        limits = {"max_file_upload_size_in_bytes": call.limits.file_bytes}
        shown["bot"] = {**shown["bot"], "workspace_limits": limits}
    return shown


def retrieve(call: Call, raw_id: str) -> dict[str, Any]:
    """GET /users/{id}."""
    user_id = parse_id(raw_id)
    if user_id is None:
        raise errors.validation(
            f"path failed validation: path.user_id should be a valid uuid, instead was {errors.shown(raw_id)}."
        )
    user = call.store.get(user_id)
    if user is None or user.kind != "user":
        raise errors.ApiError(404, "object_not_found", f"Could not find user with ID: {user_id}.")
    return _seen_by(call, user)


def list_users(call: Call, query: dict[str, str]) -> dict[str, Any]:
    """GET /users."""
    users = call.store.of_kind("user")
    size = page_size(query.get("page_size"), call.limits.page_size, "query")
    start = 0
    if "start_cursor" in query:
        ids = [user.id for user in users]
        cursor = parse_id(query["start_cursor"])
        if cursor not in ids:
            raise errors.validation(f"The start_cursor provided is invalid: {query['start_cursor']}")
        start = ids.index(cursor)
    shown = [_seen_by(call, user) for user in users[start : start + size]]
    following = users[start + size].id if start + size < len(users) else None
    return listing("user", shown, following)
