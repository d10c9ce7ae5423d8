"""Which function answers which request."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from typing import Any

from sandbox.notion.blocks import blocks
from sandbox.notion.databases import data_sources, databases, query, search, views
from sandbox.notion.pages import comments, markdown, pages, property_items
from sandbox.notion.parts import custom_emojis, file_uploads, users
from sandbox.notion.parts.parents import only_source
from sandbox.notion.requests import async_tasks, errors
from sandbox.notion.requests.call import Call

Json = dict[str, Any]


@dataclass
class Request:
    """A request without its transport: percent-decoded path, query string, body."""

    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    only: list[str] = field(default_factory=list)
    body: Json = field(default_factory=dict)


Handler = Callable[[Call, query.Walks, Request, str, str], Json]


def _query_database(call: Call, walks: query.Walks, request: Request, database_id: str) -> Json:
    if call.has_data_sources:
        raise errors.invalid_url()
    database = call.find("database", pages.path_id(database_id, "database_id"))
    return query.run_query(
        call, walks, only_source(call, database).id, request.body, request.only, search.show
    )


def _indexed(handler: Handler) -> Handler:
    """Of the state that the index has, which may be an older one."""

    def answered(call: Call, walks: query.Walks, request: Request, first: str, second: str) -> Json:
        with call.store.as_of(call.index()):
            return handler(call, walks, request, first, second)

    return answered


def _create_page(call: Call, walks: query.Walks, request: Request, _: str, __: str) -> Json:
    if request.body.get("allow_async") is True and "markdown" not in request.body:
        raise errors.bad_body("markdown", "defined")
    return async_tasks.carry_out(
        call, "POST /v1/pages", asdict(request), lambda body: pages.create(call, body, request.only)
    )


def _update_markdown(call: Call, walks: query.Walks, request: Request, page_id: str, _: str) -> Json:
    operation = "PATCH /v1/pages/:page_id/markdown"
    return async_tasks.carry_out(
        call, operation, asdict(request), lambda body: markdown.update(call, page_id, body)
    )


_ID = r"([^/]+)"
_ROUTES: list[tuple[str, str, Handler]] = [
    ("GET", "users/me", lambda c, w, r, a, b: users.me(c)),
    ("GET", "users", lambda c, w, r, a, b: users.list_users(c, r.query)),
    ("GET", f"users/{_ID}", lambda c, w, r, a, b: users.retrieve(c, a)),
    ("POST", "search", _indexed(lambda c, w, r, a, b: search.search(c, r.body))),
    ("POST", "pages", _create_page),
    ("GET", f"pages/{_ID}", lambda c, w, r, a, b: pages.retrieve(c, a, r.only)),
    ("PATCH", f"pages/{_ID}", lambda c, w, r, a, b: pages.update(c, a, r.body, r.only)),
    ("POST", f"pages/{_ID}/move", lambda c, w, r, a, b: pages.move(c, a, r.body)),
    ("GET", f"pages/{_ID}/properties/(.+)", lambda c, w, r, a, b: property_items.retrieve(c, a, b, r.query)),
    ("GET", f"pages/{_ID}/markdown", lambda c, w, r, a, b: markdown.retrieve(c, a)),
    ("PATCH", f"pages/{_ID}/markdown", _update_markdown),
    ("POST", "databases", lambda c, w, r, a, b: databases.create(c, r.body)),
    ("GET", f"databases/{_ID}", lambda c, w, r, a, b: databases.retrieve(c, a)),
    ("PATCH", f"databases/{_ID}", lambda c, w, r, a, b: databases.update(c, a, r.body)),
    ("POST", f"databases/{_ID}/query", _indexed(lambda c, w, r, a, b: _query_database(c, w, r, a))),
    ("POST", "data_sources", lambda c, w, r, a, b: data_sources.create(c, r.body)),
    ("GET", f"data_sources/{_ID}", lambda c, w, r, a, b: data_sources.retrieve(c, a)),
    ("PATCH", f"data_sources/{_ID}", lambda c, w, r, a, b: data_sources.update(c, a, r.body)),
    (
        "POST",
        f"data_sources/{_ID}/query",
        _indexed(lambda c, w, r, a, b: query.run_query(c, w, a, r.body, r.only, search.show)),
    ),
    ("GET", f"data_sources/{_ID}/templates", lambda c, w, r, a, b: data_sources.templates(c, a)),
    ("GET", "views", lambda c, w, r, a, b: views.list_views(c, r.query)),
    ("POST", "views", lambda c, w, r, a, b: views.create(c, r.body)),
    ("GET", f"views/{_ID}", lambda c, w, r, a, b: views.retrieve(c, a)),
    ("PATCH", f"views/{_ID}", lambda c, w, r, a, b: views.update(c, a, r.body)),
    ("DELETE", f"views/{_ID}", lambda c, w, r, a, b: views.delete(c, a)),
    ("POST", f"views/{_ID}/queries", _indexed(lambda c, w, r, a, b: views.query(c, a, r.body))),
    ("GET", f"views/{_ID}/queries/{_ID}", lambda c, w, r, a, b: views.results(c, a, b, r.query)),
    ("DELETE", f"views/{_ID}/queries/{_ID}", lambda c, w, r, a, b: views.forget(c, a, b)),
    ("GET", f"blocks/{_ID}", lambda c, w, r, a, b: blocks.retrieve(c, a)),
    ("PATCH", f"blocks/{_ID}", lambda c, w, r, a, b: blocks.update(c, a, r.body)),
    ("DELETE", f"blocks/{_ID}", lambda c, w, r, a, b: blocks.delete(c, a)),
    ("GET", f"blocks/{_ID}/children", lambda c, w, r, a, b: blocks.list_children(c, a, r.query)),
    ("PATCH", f"blocks/{_ID}/children", lambda c, w, r, a, b: blocks.append(c, a, r.body)),
    ("GET", f"async_tasks/{_ID}", lambda c, w, r, a, b: async_tasks.retrieve(c, a)),
    ("GET", "custom_emojis", lambda c, w, r, a, b: custom_emojis.list_emojis(c, r.query)),
    ("POST", "file_uploads", lambda c, w, r, a, b: file_uploads.create(c, r.body)),
    ("GET", "file_uploads", lambda c, w, r, a, b: file_uploads.list_uploads(c, r.query)),
    ("GET", f"file_uploads/{_ID}", lambda c, w, r, a, b: file_uploads.retrieve(c, a)),
    ("POST", f"file_uploads/{_ID}/send", lambda c, w, r, a, b: file_uploads.send(c, a, r.body)),
    ("POST", f"file_uploads/{_ID}/complete", lambda c, w, r, a, b: file_uploads.complete(c, a)),
    ("GET", "comments", lambda c, w, r, a, b: comments.list_comments(c, r.query)),
    ("POST", "comments", lambda c, w, r, a, b: comments.create(c, r.body)),
    ("GET", f"comments/{_ID}", lambda c, w, r, a, b: comments.retrieve(c, a)),
    ("PATCH", f"comments/{_ID}", lambda c, w, r, a, b: comments.update(c, a, r.body)),
    ("DELETE", f"comments/{_ID}", lambda c, w, r, a, b: comments.delete(c, a)),
]
_COMPILED = [(method, re.compile(pattern), handler) for method, pattern, handler in _ROUTES]


def endpoint(method: str, path: str) -> str:
    """Method and route of a request (`PATCH /v1/pages/{id}`); `unknown` for none."""
    for known, pattern, _ in _COMPILED:
        if known == method and pattern.fullmatch(path):
            return f"{method} /v1/{pattern.pattern.replace(_ID, '{id}').replace('(.+)', '{property_id}')}"
    return "unknown"


def answer(call: Call, walks: query.Walks, request: Request) -> Json:
    """The JSON that answers a request, within one transaction; `ApiError` when it is refused."""
    for method, pattern, handler in _COMPILED:
        match = pattern.fullmatch(request.path) if method == request.method else None
        if match is not None:
            if request.path.startswith(("data_sources", "views")) and not call.has_data_sources:
                raise errors.invalid_url()
            first, second = (*match.groups(), "", "")[:2]
            with call.store.transaction(), nullcontext() if call.everything else call.store.as_shared():
                return handler(call, walks, request, first, second)
    raise errors.invalid_url()
