"""Serves the stand-in from a thread on a free port."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from sandbox.github import routes, shapes
from sandbox.github.apps import Apps
from sandbox.github.clock import Clock
from sandbox.github.errors import ApiError, MovedError, not_found
from sandbox.github.faults import Fault, Faults
from sandbox.github.repository import Repository
from sandbox.served import Served

#: Where an Enterprise server has its API.
ENTERPRISE = "/api/v3"
LIMIT = 5000


class GitHub(Served):
    """All repositories, served over HTTP.

    `url` is the API's address, `enterprise_url` the one that it has at an Enterprise server. Every token is let in,
    unless some are named.
    """

    def __init__(self, *, tokens: Collection[str] | None = None) -> None:
        self.clock = Clock()
        self.faults = Faults()
        self.apps = Apps(self.clock)
        self.tokens = set(tokens) if tokens is not None else None
        self.lock = threading.RLock()
        #: What was asked: method, path, status.
        self.requests: list[tuple[str, str, int]] = []
        #: Requests that are left in this hour; a 304 costs none.
        self.remaining = LIMIT
        #: When the token of every request expires; told with each answer.
        self.token_expires: datetime | None = None
        self._reset = self.clock.now() + timedelta(hours=1)
        self._repositories: dict[int, Repository] = {}
        self._former: dict[str, int] = {}
        # Named as TCP, so that asyncio sends small answers at once.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.enterprise_url = self.url + ENTERPRISE
        methods = ["GET", "POST", "PATCH", "DELETE"]
        application = Starlette(routes=[Route("/{path:path}", self._serve, methods=methods)])
        config = uvicorn.Config(
            application, log_level="warning", access_log=False, server_header=False, date_header=False
        )
        server = uvicorn.Server(config)
        super().__init__(server, listener, "github", RuntimeError("the GitHub stand-in did not start"))

    # -- repositories -------------------------------------------------------------------------------------

    def make_repository(self, name: str) -> Repository:
        """A new repository, `owner/name`; a former one of this name is not led to any more."""
        with self.lock:
            made = Repository(name, self.clock, self.lock)
            self._repositories[made.id] = made
            self._former.pop(name, None)
            return made

    def rename(self, repository: Repository, name: str) -> None:
        """Give a repository another name; the old one leads to it."""
        with self.lock:
            self._former[repository.name] = repository.id
            repository.name = name

    def remove(self, repository: Repository) -> None:
        """Delete a repository."""
        with self.lock:
            del self._repositories[repository.id]

    def named(self, name: str, rest: str, *, write: bool) -> Repository:
        """The repository of a name; raises `MovedError` for a former one."""
        for one in self._repositories.values():
            if one.name.casefold() == name.casefold():
                return one
        if name in self._former:
            raise MovedError(f"{self.url}/repositories/{self._former[name]}{rest}", write=write)
        raise not_found()

    def by_id(self, number: int) -> Repository:
        """The repository of an id."""
        if number not in self._repositories:
            raise not_found()
        return self._repositories[number]

    def all(self) -> list[Repository]:
        """All repositories that the token may see."""
        return [one for one in self._repositories.values() if not one.hidden]

    def by_node(self, node_id: str) -> tuple[Repository, int] | None:
        """The issue of an id for GraphQL."""
        for repository in self._repositories.values():
            for one in repository.here():
                if shapes.node("Issue", one.id) == node_id:
                    return repository, one.number
        return None

    def use_up(self, reset_in: timedelta) -> None:
        """Let the hour's requests be used up."""
        self.remaining, self._reset = 0, self.clock.now() + reset_in

    # -- serving ------------------------------------------------------------------------------------------

    async def _serve(self, request: Request) -> Response:
        raw = await request.body()
        path = "/" + request.path_params["path"]
        fault = self.faults.take(request.method, path)
        response = self._struck(fault, request, path, raw) if fault else self._answer(request, path, raw)
        if fault is not None:
            response.headers["x-sandbox-fault"] = "true"
        status = response.status_code if not isinstance(response, _Dropped) else 0
        self.requests.append((request.method, path, status))
        return response

    def _struck(self, fault: Fault, request: Request, path: str, raw: bytes) -> Response:
        response = self._answer(request, path, raw) if fault.applied or not fault.refuses else None
        if fault.then is not None:
            fault.then()
        if fault.drop:
            return _Dropped()
        if fault.status or fault.body is not None:
            body = fault.body if fault.body is not None else {"message": fault.message}
            return self._reply(fault.status or 200, body, dict(fault.headers))
        assert response is not None, "without a refusal there is an answer"  # noqa: S101
        if fault.cut:
            return Response(
                bytes(response.body)[: len(response.body) // 2], 200, media_type="application/json"
            )
        return response

    def _answer(self, request: Request, path: str, raw: bytes) -> Response:
        with self.lock:
            try:
                scheme, _, token = request.headers.get("authorization", "").partition(" ")
                known = path.removeprefix(ENTERPRISE).replace("/api/graphql", "/graphql").lstrip("/")
                asked = self.apps.answer(request.method, known, token, self.named)
                if asked is not None:
                    return self._reply(201 if request.method == "POST" else 200, asked, {})
                self._let_in(scheme, token)
                self._let_through()
                body = json.loads(raw) if raw.strip() else {}
                params = dict(request.query_params)
                reply = routes.answer(routes.Call(self, request.method, known, params, body))
            except ValueError:
                return self._reply(400, {"message": "Problems parsing JSON"}, {})
            except ApiError as error:
                return self._reply(error.status, error.body, error.headers)
            headers = {"Link": reply.link} if reply.link else {}
            if request.method == "GET" and reply.body is not None:
                tag = hashlib.sha256(json.dumps([reply.body, reply.link]).encode()).hexdigest()
                headers["ETag"] = f'W/"{tag}"'
                if request.headers.get("if-none-match") == headers["ETag"]:
                    return self._reply(304, None, headers)
            self.remaining -= 1
            return self._reply(reply.status, reply.body, headers)

    def _let_through(self) -> None:
        if self.clock.now() >= self._reset:
            self.remaining, self._reset = LIMIT, self.clock.now() + timedelta(hours=1)
        if self.remaining <= 0:
            raise ApiError(403, "API rate limit exceeded for user ID 1.")

    def _let_in(self, scheme: str, token: str) -> None:
        if self.apps.knows(token):
            return
        if scheme.lower() not in ("bearer", "token") or not token:
            raise ApiError(401, "Requires authentication")
        if self.tokens is not None and token not in self.tokens:
            raise ApiError(401, "Bad credentials")

    def _reply(self, status: int, body: Any, headers: dict[str, str]) -> Response:
        usual = {
            "x-ratelimit-limit": str(LIMIT),
            "x-ratelimit-remaining": str(self.remaining),
            "x-ratelimit-reset": str(int(self._reset.timestamp())),
            "date": self.clock.now().strftime("%a, %d %b %Y %H:%M:%S GMT"),
        }
        if self.token_expires is not None:
            usual["github-authentication-token-expiration"] = f"{self.token_expires:%Y-%m-%d %H:%M:%S UTC}"
        lower = {name.lower(): value for name, value in headers.items()}
        content = b"" if body is None else json.dumps(body).encode()
        if content:
            lower["content-type"] = "application/json; charset=utf-8"
        return Response(content, status, headers={**usual, **lower})


class _Dropped(Response):
    """Closes the connection without an answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport = getattr(getattr(receive, "__self__", None), "transport", None)
        if transport is None:
            raise RuntimeError("a connection can only be dropped behind uvicorn")
        transport.abort()
        while (await receive())["type"] != "http.disconnect":
            pass  # the server has to learn of it
