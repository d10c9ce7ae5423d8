"""The page over HTTP: its files, what it shows, and what a person does on it."""

from __future__ import annotations

from importlib import resources
from typing import Any

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.notion.requests import errors
from sandbox.notion.requests.call import NEWEST
from sandbox.notion.requests.errors import ApiError
from sandbox.notion.requests.json_body import read_body
from sandbox.notion.serving.page import view
from sandbox.notion.workspace import routes
from sandbox.notion.workspace.workspace import Workspace

Json = dict[str, Any]

#: The page's own requests carry this header; another site's page cannot send it without being asked first.
OWN = "x-sandbox-page"
_FILES = {
    "": ("page.html", "text/html"),
    "_page/page.css": ("page.css", "text/css"),
    "_page/page.js": ("page.js", "text/javascript"),
    "_page/cells.js": ("cells.js", "text/javascript"),
}
_SAFE = {
    "content-security-policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


def page_routes(workspace: Workspace) -> list[BaseRoute]:
    """Routes for `/` and `/_page/`."""

    async def state(request: Request) -> Response:
        return await _answer(request, _state, workspace, dict(request.query_params))

    async def do(request: Request) -> Response:
        return await _answer(request, _do, workspace, await request.body())

    return [
        *(Route(f"/{path}", _file(name, kind), methods=["GET"]) for path, (name, kind) in _FILES.items()),
        Route("/_page/state", state, methods=["GET"]),
        Route("/_page/do", do, methods=["POST"]),
    ]


def _file(name: str, kind: str) -> Any:
    content = (resources.files(__package__) / "static" / name).read_bytes()

    async def serve(request: Request) -> Response:
        return Response(content, media_type=kind, headers=_SAFE)

    return serve


async def _answer(request: Request, function: Any, *arguments: Any) -> Response:
    if OWN not in request.headers:
        return Response(status_code=403)
    try:
        found = await to_thread.run_sync(function, *arguments)
    except ApiError as error:
        return JSONResponse({"message": error.message}, error.status, headers=_SAFE)
    return Response(status_code=204, headers=_SAFE) if found is None else JSONResponse(found, headers=_SAFE)


def _state(workspace: Workspace, asked: dict[str, str]) -> Json | None:
    """All that is shown; None when nothing has changed since the version that was `seen`."""
    call = workspace.person_call(NEWEST)
    with workspace.store.transaction():
        version = "-".join(map(str, workspace.store.version()))
        if asked.get("seen") == version:
            return None
        found = view.overview(call)
        known = [source["id"] for source in found["sources"]]
        wanted = asked.get("source") if asked.get("source") in known else next(iter(known), None)
        trashed = asked.get("trashed") == "1"
        shown = view.table(call, wanted, trashed=trashed) if wanted else None
        return found | {"version": version, "me": call.user.id, "table": shown}


def _do(workspace: Workspace, raw: bytes) -> Json:
    """Carry out a request to the API as the person who sits before the page."""
    deed = read_body(raw)
    if not isinstance(deed.get("path"), str):
        raise errors.bad_body("path", "a string", deed)
    body = deed.get("body")
    asked = routes.Request(
        str(deed.get("method")), deed["path"], {}, [], body if isinstance(body, dict) else {}
    )
    return routes.answer(workspace.person_call(NEWEST), workspace.walks, asked)
