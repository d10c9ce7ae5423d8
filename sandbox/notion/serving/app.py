"""The server: the Notion API under /v1/, and a back door for demos and tests under /_sandbox/."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import anyio
from anyio import to_thread
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from sandbox.notion.parts import file_uploads, kept_files
from sandbox.notion.requests import errors
from sandbox.notion.requests.call import NEWEST, VERSIONS, Limits
from sandbox.notion.requests.counters import DROPPED
from sandbox.notion.requests.errors import ApiError
from sandbox.notion.requests.hosts import Hosts, OnlyUnder
from sandbox.notion.requests.json_body import read_body
from sandbox.notion.requests.rate_limit import RateLimit
from sandbox.notion.serving import back_door
from sandbox.notion.serving.page import page_routes
from sandbox.notion.workspace import routes
from sandbox.notion.workspace.faults import Fault
from sandbox.notion.workspace.person import Person, act
from sandbox.notion.workspace.workspace import Workspace

_METHODS = ["GET", "POST", "PATCH", "DELETE", "PUT"]


def app(
    path: Path | None = None,
    *,
    tokens: Collection[str] | None = None,
    limits: Limits | None = None,
    rate_limit: RateLimit | None = None,
    hosts: Hosts | None = None,
) -> Starlette:
    """The server as an ASGI application; its `state.workspace` is the workspace.

    It answers under the names of `hosts` only, by default those of this machine for itself.
    """
    workspace = Workspace(path, tokens=tokens, limits=limits, rate_limit=rate_limit)

    async def serve_api(request: Request) -> Response:
        return await _Api(workspace, request).respond()

    async def serve_back_door(request: Request) -> Response:
        return await _BackDoor(workspace, request).respond()

    async def serve_file(request: Request) -> Response:
        raw_path = request.scope["raw_path"].decode().removeprefix(kept_files.PATH)
        fault = workspace.faults.take(request.method, kept_files.PATH)
        if fault is not None and fault.refuses:
            return _Dropped() if fault.drop else Response(status_code=fault.status)
        data = await to_thread.run_sync(
            kept_files.read, workspace.store, workspace.clock, raw_path, request.url.query
        )
        workspace.counters.add(f"GET {kept_files.PATH}", "", 403 if data is None else 200)
        if data is None:
            return Response("<Error><Code>AccessDenied</Code></Error>", 403, media_type="application/xml")
        return Response(data, media_type="application/octet-stream")

    @asynccontextmanager
    async def lifespan(_: Starlette) -> Any:
        yield
        workspace.close()

    application = Starlette(
        routes=[
            *page_routes(workspace),
            Route("/_sandbox/{path:path}", serve_back_door, methods=_METHODS),
            Route(f"{kept_files.PATH}{{path:path}}", serve_file),
            Route("/{path:path}", serve_api, methods=_METHODS),
        ],
        middleware=[Middleware(OnlyUnder, hosts=hosts or Hosts.of("localhost", None))],
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
        while (await receive())["type"] != "http.disconnect":
            pass  # the server has to learn of it: else it complains of an answer that never began


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
        try:
            answer = await to_thread.run_sync(self.answer, raw)
            return self.send(answer, 202 if self.accepts(answer) else 200)
        except ApiError as error:
            return self.refuse(error)

    def answer(self, raw: bytes) -> Any:
        raise NotImplementedError

    def accepts(self, answer: Any) -> bool:
        """Whether an answer says that the request will be carried out later."""
        return self.request.method != "GET" and answer.get("object") == "async_task"

    def send(self, body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
        known = {"x-notion-request-id": self.request_id, "content-type": "application/json; charset=utf-8"}
        return JSONResponse(body, status, headers=known | (headers or {}))

    def refuse(self, error: ApiError, *, html: bool = False) -> Response:
        headers = {} if error.retry_after is None else {"retry-after": str(error.retry_after)}
        if html:
            text = f"<html><body>{error.status}</body></html>"
            return HTMLResponse(text, error.status, headers=headers | {"cf-ray": self.request_id[:16]})
        return self.send(error.body(self.request_id), error.status, headers)

    def body(self, raw: bytes) -> dict[str, Any]:
        content_type = self.request.headers.get("content-type", "")
        if content_type.startswith("multipart/form-data"):
            return file_uploads.read_multipart(content_type, raw)
        return read_body(raw)

    def asked(self, path: str, raw: bytes) -> routes.Request:
        params = self.request.query_params
        body = self.body(raw) if self.request.method in ("POST", "PATCH") else {}
        only = params.getlist("filter_properties") + params.getlist("filter_properties[]")
        return routes.Request(self.request.method, path, dict(params), only, body)


class _Api(_Responder):
    """A request to the Notion API, which may be one too many, or have to do with a fault."""

    async def respond(self) -> Response:
        try:
            self.workspace.rate_limiter.take(self._token()[1])
        except ApiError as error:
            return self._counted(self.refuse(error))
        fault = self.workspace.faults.take(self.request.method, self.request.url.path)
        if fault is None:
            return self._counted(await super().respond())
        return self._counted(await self._struck(fault))

    async def _struck(self, fault: Fault) -> Response:
        if fault.forget_cursors:
            self.workspace.walks.forget()
        response: Response | None = None
        if fault.applied or not fault.refuses:
            response = await super().respond()
            try:
                await to_thread.run_sync(self._let_people_act, fault)
            except ApiError as error:
                return self.refuse(error)
        await anyio.sleep(fault.delay)
        if fault.drop:
            return _Dropped()
        if response is None or (fault.status and response.status_code < 300):
            return self.refuse(fault.error(), html=fault.html)
        return response

    def _let_people_act(self, fault: Fault) -> None:
        for deed in fault.then:
            act(Person(self.workspace, deed.who), deed.action, deed.arguments)

    def _counted(self, response: Response) -> Response:
        status = DROPPED if isinstance(response, _Dropped) else response.status_code
        path = str(self.request.path_params["path"]).removeprefix("v1/")
        endpoint = routes.endpoint(self.request.method, path)
        self.workspace.counters.add(endpoint, self._token()[1], status)
        return response

    def _token(self) -> tuple[str, str]:
        scheme, _, token = self.request.headers.get("authorization", "").partition(" ")
        return scheme.lower(), token.strip()

    def answer(self, raw: bytes) -> Any:
        path = self.request.path_params["path"]
        if not path.startswith("v1/"):
            raise errors.invalid_url()
        scheme, token = self._token()
        tokens = self.workspace.tokens
        if scheme != "bearer" or not token or (tokens is not None and token not in tokens):
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
        if "origin" in self.request.headers:  # only browsers send it
            raise ApiError(403, "restricted_resource", "The back door is not open to web pages.")
        if path.startswith("person/"):
            version = self.request.headers.get("notion-version") or NEWEST
            if version not in VERSIONS:
                raise errors.validation(f"There is no version {version}; known are {', '.join(VERSIONS)}.")
            who = unquote(self.request.headers.get("sandbox-user", "")) or None
            path = path.removeprefix("person/")
            if path.startswith("v1/"):
                call = self.workspace.person_call(version, who)
                return routes.answer(call, self.workspace.walks, self.asked(path.removeprefix("v1/"), raw))
            if self.request.method != "POST":
                raise errors.invalid_url()
            return {"result": act(Person(self.workspace, who), path, self.body(raw))}
        return back_door.answer(self.workspace, self.request.method, path, self.body(raw))
