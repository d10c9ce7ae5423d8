"""The server: the Notion API under /v1/, and a back door for demos and tests under /_sandbox/."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
from anyio import to_thread
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tasks.notion.sandbox import back_door, errors, file_uploads, routes
from tasks.notion.sandbox.call import NEWEST, VERSIONS, Limits
from tasks.notion.sandbox.errors import ApiError
from tasks.notion.sandbox.faults import Fault
from tasks.notion.sandbox.workspace import Workspace

_METHODS = ["GET", "POST", "PATCH", "DELETE", "PUT"]
#: Largest body, in bytes.
MAX_BODY = 500_000


def app(
    path: Path | None = None, *, tokens: Collection[str] | None = None, limits: Limits | None = None
) -> Starlette:
    """The server as an ASGI application; its `state.workspace` is the workspace."""
    workspace = Workspace(path, tokens=tokens, limits=limits)

    async def serve_api(request: Request) -> Response:
        return await _Api(workspace, request).respond()

    async def serve_back_door(request: Request) -> Response:
        return await _BackDoor(workspace, request).respond()

    @asynccontextmanager
    async def lifespan(_: Starlette) -> Any:
        yield
        workspace.close()

    application = Starlette(
        routes=[
            Route("/_sandbox/{path:path}", serve_back_door, methods=_METHODS),
            Route("/{path:path}", serve_api, methods=_METHODS),
        ],
        lifespan=lifespan,
    )
    application.state.workspace = workspace
    return application


class _Dropped(Response):
    """Closes the connection without an answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport = getattr(getattr(receive, "__self__", None), "transport", None)
        if transport is None:  # not behind uvicorn: the nearest is an answer that breaks off
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})
            return
        transport.abort()


class _Responder:
    """One request, from its bytes to the bytes of its answer."""

    def __init__(self, workspace: Workspace, request: Request) -> None:
        self.workspace = workspace
        self.request = request
        self.request_id = str(uuid.uuid4())

    async def respond(self) -> Response:
        try:
            raw = await self.request.body()
        except ClientDisconnect:
            return Response()
        fault = self.fault()
        try:
            if fault is not None and not fault.applied:
                await _hold(fault)
                if fault.drop:
                    return _Dropped()
                if fault.status:
                    raise fault.error()
            answer = await to_thread.run_sync(self.answer, raw)
            if fault is not None and fault.applied:
                await _hold(fault)
                if fault.drop:
                    return _Dropped()
                if fault.status:
                    raise fault.error()
        except ApiError as error:
            return self.refuse(error, fault)
        return self.send(answer)

    def fault(self) -> Fault | None:
        return None

    def answer(self, raw: bytes) -> Any:
        raise NotImplementedError

    def send(self, body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
        known = {"x-notion-request-id": self.request_id, "content-type": "application/json; charset=utf-8"}
        return JSONResponse(body, status, headers=known | (headers or {}))

    def refuse(self, error: ApiError, fault: Fault | None) -> Response:
        headers = {}
        if fault is not None and fault.retry_after is not None:
            headers["retry-after"] = str(fault.retry_after)
        if fault is not None and fault.html:
            text = f"<html><body>{error.status}</body></html>"
            return HTMLResponse(text, error.status, headers=headers | {"cf-ray": self.request_id[:16]})
        return self.send(error.body(self.request_id), error.status, headers)

    def body(self, raw: bytes) -> dict[str, Any]:
        content_type = self.request.headers.get("content-type", "")
        if content_type.startswith("multipart/form-data"):
            return file_uploads.read_multipart(content_type, raw)
        if len(raw) > MAX_BODY:
            raise errors.validation(f"body failed validation: body should be ≤ `{MAX_BODY}` bytes.")
        if not raw.strip():
            return {}
        try:
            body = json.loads(raw)
            if b"\\ud" in raw.lower():  # half of a surrogate pair cannot be kept
                json.dumps(body, ensure_ascii=False).encode()
        except ValueError:
            raise ApiError(400, "invalid_json", "Error parsing JSON body.") from None
        if not isinstance(body, dict):
            raise errors.bad_body("", "an object", body)
        return body

    def asked(self, path: str, raw: bytes) -> routes.Request:
        params = self.request.query_params
        body = self.body(raw) if self.request.method in ("POST", "PATCH") else {}
        only = params.getlist("filter_properties") + params.getlist("filter_properties[]")
        return routes.Request(self.request.method, path, dict(params), only, body)


async def _hold(fault: Fault) -> None:
    if fault.delay:
        await anyio.sleep(fault.delay)


class _Api(_Responder):
    """A request to the Notion API."""

    def fault(self) -> Fault | None:
        return self.workspace.faults.take(self.request.method, self.request.url.path)

    def answer(self, raw: bytes) -> Any:
        path = self.request.path_params["path"]
        if not path.startswith("v1/"):
            raise errors.invalid_url()
        scheme, _, token = self.request.headers.get("authorization", "").partition(" ")
        token = token.strip()
        tokens = self.workspace.tokens
        if scheme.lower() != "bearer" or not token or (tokens is not None and token not in tokens):
            raise ApiError(401, "unauthorized", "API token is invalid.")
        call = self.workspace.call(token, self._version())
        body = routes.answer(call, self.workspace.walks, self.asked(path.removeprefix("v1/"), raw))
        return body if "templates" in body else body | {"request_id": self.request_id}

    def _version(self) -> str:
        version = self.request.headers.get("notion-version")
        rule = "Notion-Version header failed validation: Notion-Version header should be"
        if not version:
            raise ApiError(400, "missing_version", f"{rule} defined, instead was `undefined`.")
        if version not in VERSIONS:
            known = ", ".join(f'`"{name}"`' for name in VERSIONS)
            raise errors.validation(f'{rule} {known}, instead was `"{version}"`.')
        return version


class _BackDoor(_Responder):
    """A request to the back door."""

    def answer(self, raw: bytes) -> Any:
        path = self.request.path_params["path"]
        if path.startswith("person/"):
            version = self.request.headers.get("notion-version") or NEWEST
            call = self.workspace.person_call(version, self.request.headers.get("sandbox-user"))
            asked = self.asked(path.removeprefix("person/").removeprefix("v1/"), raw)
            return routes.answer(call, self.workspace.walks, asked)
        return back_door.answer(self.workspace, self.request.method, path, self.body(raw))
