"""Every request passes here: who asks, from which page, and whether they may."""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from urllib.parse import parse_qsl, urlsplit

import redis
from kombu.exceptions import OperationalError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from config import SettingsError
from config.redaction import redacted
from tasks.errors import TaskError
from worker.errors import RedisUnavailableError, StoreError
from worker.telling.failures import CommandError
from worker.web.dashboard.paths import path_to
from worker.web.dashboard.rendering import SAFE
from worker.web.dashboard.sessions import Session, Sessions
from worker.web.dashboard.visit import Desk, Handler, RefusedError, Visit

log = logging.getLogger(__name__)

#: Fields that a form may have.
_FIELDS = 20

Endpoint = Callable[[Request], Awaitable[Response]]


class Serving:
    """Makes routes of handlers."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._sessions: Sessions | None = None

    def page(self, path: str, handler: Handler, *, is_open: bool = False) -> Route:
        """What is only looked at; an open one also by who is not known yet."""
        return Route(path, self._endpoint(handler, acts=False, is_open=is_open), methods=["GET"])

    def deed(self, path: str, handler: Handler, *, is_open: bool = False) -> Route:
        """What changes something."""
        return Route(path, self._endpoint(handler, acts=True, is_open=is_open), methods=["POST"])

    def _endpoint(self, handler: Handler, *, acts: bool, is_open: bool) -> Endpoint:
        serve = partial(self._serve, handler=handler, acts=acts, is_open=is_open)

        async def endpoint(request: Request) -> Response:
            response = await serve(request)
            for name, value in SAFE.items():
                response.headers.setdefault(name, value)
            return response

        return endpoint

    async def _serve(self, request: Request, *, handler: Handler, acts: bool, is_open: bool) -> Response:
        visit = Visit(request, self._desk, None, Session.new())
        try:
            let_in = await self._let_in(request, acts=acts, is_open=is_open)
            if isinstance(let_in, Response):
                return let_in
            visit = let_in
            response = await handler(visit)
        except RefusedError as error:
            return _refused(visit, error.status, str(error))
        except Exception as error:
            told = _failed(visit, error)
            if told is None:
                raise
            return told
        if not visit.session.known and "set-cookie" not in response.headers:
            sessions = await self._known_sessions()
            sessions.write(response, visit.session, secure=self._desk.access.is_secure(request))
        return response

    async def _let_in(self, request: Request, *, acts: bool, is_open: bool) -> Visit | Response:
        """The visit, or where to go first.

        Raises:
            RefusedError: it may not come in, or not do this.
            StoreError: the database does not answer.
        """
        access = self._desk.access
        refusal = access.refusal(request)
        if refusal is not None:
            raise RefusedError(403, refusal)
        sessions = await self._known_sessions()
        session = sessions.read(request, secure=access.is_secure(request))
        visitor = access.visitor(request, session.role)
        if acts:
            self._check_origin(request)
        if visitor is None and not is_open:
            return self._to_login(request, acts=acts)
        if not acts:
            return Visit(request, self._desk, visitor, session)
        if visitor is not None and not visitor.may_act and not is_open:
            raise RefusedError(403, "You may look, but not change anything: your login is for reading.")
        visit = Visit(request, self._desk, visitor, session, await _form(request))
        if not hmac.compare_digest(visit.form.get("token", "").encode(), session.token.encode()):
            raise RefusedError(
                403, "This form is too old, or not from here: go back, load the page again, and repeat it."
            )
        return visit

    async def _known_sessions(self) -> Sessions:
        """Made at the first request: the installation's number is in the database.

        Raises:
            StoreError: it does not answer.
        """
        if self._sessions is None:
            resources = self._desk.resources
            installation = await asyncio.to_thread(lambda: resources.store.installation)
            self._sessions = await asyncio.to_thread(Sessions, resources.settings, installation)
        return self._sessions

    async def log_in(self, visit: Visit, role: str | None, to: str) -> Response:
        """Give the browser a new session, with what it may do from now on."""
        response = RedirectResponse(to, 303)
        sessions = await self._known_sessions()
        sessions.write(response, Session.new(role), secure=self._desk.access.is_secure(visit.request))
        return response

    def _check_origin(self, request: Request) -> None:
        """See to it that one of our own pages sent it.

        Raises:
            RefusedError: another site did, or the browser does not say.
        """
        origin = request.headers.get("origin", "")
        hosts = self._desk.access.hosts(request)
        if request.headers.get("sec-fetch-site", "same-origin") != "same-origin" or (
            urlsplit(origin).netloc not in hosts
        ):
            raise RefusedError(403, "This was not sent from a page of this dashboard.")

    def _to_login(self, request: Request, *, acts: bool) -> Response:
        if not self._desk.access.has_password:
            raise RefusedError(
                403, "This dashboard is behind a proxy that asks who you are: come in by that."
            )
        if request.headers.get("x-live"):  # the script would take the login for the page
            return Response(status_code=401)
        to = "" if acts or request.url.path == "/" else request.url.path
        return RedirectResponse(path_to("login") + (f"?to={to}" if to else ""), 303)


async def _form(request: Request) -> dict[str, str]:
    body = (await request.body()).decode("utf-8", "replace")
    try:
        return dict(parse_qsl(body, keep_blank_values=True, max_num_fields=_FIELDS))
    except ValueError:
        raise RefusedError(400, "This form has too many fields.") from None


def _refused(visit: Visit, status: int, message: str) -> Response:
    return visit.show("refused.html", status, code=status, message=message)


def _failed(visit: Visit, error: Exception) -> Response | None:
    """What is said of a foreseeable error; `None` for any other, which is a fault of ours."""
    if isinstance(error, StoreError):
        log.warning("A page cannot be shown: %s", error)
        return _refused(visit, 503, "The database does not answer; the log of the web process says why.")
    if isinstance(error, redis.RedisError | RedisUnavailableError | OperationalError):
        log.warning("A page cannot be shown: %s", error)
        return _refused(visit, 503, "Redis does not answer, so nothing can be asked for just now.")
    if isinstance(error, CommandError | TaskError | SettingsError):
        return _refused(visit, 409, redacted(str(error)))
    return None
