"""The server: the Tasks API below /tasks/v1/, and OAuth below /oauth2/."""

from __future__ import annotations

import base64
import json
import threading
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from anyio import to_thread
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from sandbox.google_tasks.account import Account
from sandbox.google_tasks.clock import Clock
from sandbox.google_tasks.errors import ApiError, invalid, not_found, unauthorised
from sandbox.google_tasks.faults import Fault, Faults
from sandbox.google_tasks.resources import Json, etag
from sandbox.google_tasks.tokens import OAuthError, Tokens

LISTS, TASKS = "users/@me/lists", "lists"


@dataclass
class Google:
    """All that stands behind the server."""

    clock: Clock = field(default_factory=Clock)
    faults: Faults = field(default_factory=Faults)
    account: Account = field(init=False)
    tokens: Tokens = field(init=False)
    #: The method and path of each request to the API, and the status of its answer; 0 for none.
    requests: list[tuple[str, str, int]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.account = Account(self.clock)
        self.tokens = Tokens(self.clock)


def app(google: Google | None = None) -> Starlette:
    """The server as an ASGI application; its `state.google` is what stands behind it."""
    behind = google or Google()

    async def api(request: Request) -> Response:
        return await _answer(behind, request)

    async def consent(request: Request) -> Response:
        try:
            return RedirectResponse(behind.tokens.consent(dict(request.query_params)), 302)
        except OAuthError as error:
            return HTMLResponse(f"<h1>Error 400: {error.error}</h1>", 400)

    async def token(request: Request) -> Response:
        raw = await request.body()
        fault = behind.faults.take("POST", request.url.path)
        if fault is not None and fault.drop:
            return _Dropped()
        if fault is not None and fault.status:
            return JSONResponse({"error": fault.reason or "internal_failure"}, fault.status)
        try:
            return JSONResponse(behind.tokens.exchange(dict(parse_qsl(raw.decode()))))
        except OAuthError as error:
            return JSONResponse({"error": error.error, "error_description": error.description}, 400)

    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    application = Starlette(
        routes=[
            Route("/tasks/v1/{path:path}", api, methods=methods),
            Route("/oauth2/auth", consent),
            Route("/oauth2/token", token, methods=["POST"]),
        ]
    )
    application.state.google = behind
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
            pass


async def _answer(google: Google, request: Request) -> Response:
    """One request to the API, which may have to do with a fault."""
    try:
        raw = await request.body()
    except ClientDisconnect:
        return Response()
    fault = google.faults.take(request.method, request.url.path) or Fault()
    refused = bool(fault.status or fault.drop or fault.cut)
    response = Response()
    if fault.applied or fault.cut or not refused:
        response = await to_thread.run_sync(_respond, google, request, raw, fault)
        if fault.then is not None:
            await to_thread.run_sync(fault.then)
    if fault.drop:
        response = _Dropped()
    elif fault.cut:
        response = Response(response.body[: len(response.body) // 2], 200, media_type="application/json")
    elif fault.html:
        response = HTMLResponse("<html><body>Error</body></html>", fault.status or 502)
    elif fault.status and (not fault.applied or response.status_code < 300):
        response = JSONResponse(fault.error().body(), fault.status)
    if fault.retry_after is not None:
        response.headers["Retry-After"] = str(fault.retry_after)
    status = 0 if fault.drop else response.status_code
    with google.lock:
        google.requests.append((request.method, request.url.path.removeprefix("/tasks/v1/"), status))
    return response


def _respond(google: Google, request: Request, raw: bytes, fault: Fault) -> Response:
    try:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not google.tokens.lets_in(token.strip()):
            raise unauthorised()
        call = _Call(google.account, request, raw)
        answer = call.answer()
    except ApiError as error:
        return JSONResponse(error.body(), error.status)
    if answer is None:
        return Response(b"", 204, {"content-type": "application/json; charset=UTF-8"})
    if fault.last_page:
        answer.pop("nextPageToken", None)
    headers = {"etag": answer["etag"]} if call.shows_version else {}
    if request.method == "GET" and request.headers.get("if-none-match") == answer["etag"]:
        return Response(b"", 304, headers)
    return Response(
        json.dumps(answer, indent=2, ensure_ascii=False).encode(),
        200,
        {"content-type": "application/json; charset=UTF-8", **headers},
    )


class _Call:
    """A request, taken apart."""

    def __init__(self, account: Account, request: Request, raw: bytes) -> None:
        self.account = account
        self.method = request.method
        self.path: str = request.path_params["path"]
        self.query = dict(request.query_params)
        self.if_match = request.headers.get("if-match")
        self.raw = raw
        #: Whether the answer has the version in a header too: what was read or made, not what was changed.
        self.shows_version = self.method == "GET" or (
            self.method == "POST" and not self.path.endswith(("/move", "/clear"))
        )

    @property
    def body(self) -> Json:
        try:
            found = json.loads(self.raw or b"{}")
        except ValueError:
            raise invalid("Invalid JSON payload received.") from None
        if not isinstance(found, dict):
            raise invalid("Invalid JSON payload received.")
        return found

    def answer(self) -> Json | None:
        """What the API says; `None` for nothing."""
        if self.path == LISTS or self.path.startswith(f"{LISTS}/"):
            return self._of_lists(self.path.removeprefix(LISTS).strip("/"))
        parts = self.path.split("/")
        if parts[0] == TASKS and len(parts) >= 3:
            return self._of_tasks(parts[1], parts[2:])
        raise ApiError(404, "notFound", "Method not found.")

    def _of_lists(self, list_id: str) -> Json | None:
        account = self.account
        match self.method, bool(list_id):
            case "GET", False:
                return self._page("tasks#taskLists", account.all_lists(), 1000, 1000)
            case "POST", False:
                return account.insert_list(self.body.get("title"))
            case "GET", True:
                return account.get_list(list_id)
            case "PATCH", True:
                return account.patch_list(list_id, self.body, if_match=self.if_match)
            case "PUT", True:
                return account.patch_list(list_id, {"title": "", **self.body}, if_match=self.if_match)
            case "DELETE", True:
                account.delete_list(list_id, if_match=self.if_match)
                return None
        raise ApiError(404, "notFound", "Method not found.")

    def _of_tasks(self, list_id: str, rest: list[str]) -> Json | None:
        account, place = (
            self.account,
            {name: self.query[name] for name in ("parent", "previous") if name in self.query},
        )
        match self.method, rest:
            case "GET", ["tasks"]:
                return self._page("tasks#tasks", account.listed(list_id, self.query), 20, 100)
            case "POST", ["tasks"]:
                return account.insert(self.body, list_id, **place)
            case "POST", ["clear"]:
                account.clear(list_id)
                return None
            case "GET", ["tasks", task_id]:
                return account.get(task_id, list_id)
            case "PATCH", ["tasks", task_id]:
                return account.patch(task_id, self.body, list_id, if_match=self.if_match)
            case "PUT", ["tasks", task_id]:
                body = self.body
                if "id" not in body:
                    raise ApiError(400, "required", "Missing task ID")
                if body["id"] != task_id:
                    raise invalid("Invalid task ID")
                return account.patch(task_id, body, list_id, whole=True, if_match=self.if_match)
            case "DELETE", ["tasks", task_id]:
                account.delete(task_id, list_id, if_match=self.if_match)
                return None
            case "POST", ["tasks", task_id, "move"]:
                goal = self.query.get("destinationTasklist")
                return account.move(task_id, list_id, **place, destination=goal, if_match=self.if_match)
        raise not_found("Method")

    def _page(self, kind: str, items: list[Json], usual: int, most: int) -> Json:
        """One page of a listing. Where it goes on is said by the number of what was shown, as the listing was then."""
        try:
            size = min(int(self.query.get("maxResults", usual)), most)
            begin = int(base64.urlsafe_b64decode(self.query.get("pageToken", "MA==").encode()))
        except ValueError:
            raise invalid("Invalid value for: pageToken or maxResults") from None
        if size < 1 or begin < 0:
            raise invalid("Invalid value for: maxResults")
        shown = items[begin : begin + size]
        page: Json = {"kind": kind, "etag": etag({"items": shown, "from": begin})}
        if begin + size < len(items):
            page["nextPageToken"] = base64.urlsafe_b64encode(str(begin + size).encode()).decode()
        return {**page, "items": shown}
