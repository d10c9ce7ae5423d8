"""Coming in by a password, and going out."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable

from starlette.responses import RedirectResponse, Response

from worker.web.dashboard.paths import path_to
from worker.web.dashboard.visit import RefusedError, Visit

log = logging.getLogger(__name__)

#: Gives the browser a session with a role, and leads on.
LogIn = Callable[[Visit, str | None, str], Awaitable[Response]]


class Login:
    """The form, and what it sends. Only one password is looked at at a time: hashes are made to be slow."""

    def __init__(self, log_in: LogIn) -> None:
        self._log_in = log_in
        self._turn = asyncio.Lock()

    async def form(self, visit: Visit) -> Response:
        """Where a password is asked for."""
        if not visit.desk.access.has_password or visit.visitor is not None:
            return RedirectResponse("/", 303)
        return visit.show("login.html", to=_within(visit.request.query_params.get("to", "")), wrong="")

    async def enter(self, visit: Visit) -> Response:
        """Look at the password."""
        desk = visit.desk
        address, to = desk.access.address(visit.request), _within(visit.form.get("to", ""))
        async with self._turn:
            wait = desk.attempts.wait(address)
            if wait > 0:
                minutes = math.ceil(wait / 60)
                raise RefusedError(429, f"Too many attempts: try again in {minutes} min.")
            role = await asyncio.to_thread(desk.access.role_for, visit.form.get("password", ""))
            if role is None:
                desk.attempts.failed(address)
        if role is None:
            log.warning("A wrong password was given to the dashboard from %s.", address or "a socket")
            return visit.show("login.html", 401, to=to, wrong="That is not the password.")
        return await self._log_in(visit, role, to)

    async def leave(self, visit: Visit) -> Response:
        """Forget who it was."""
        return await self._log_in(visit, None, path_to("login") if visit.desk.access.has_password else "/")


def _within(to: str) -> str:
    """A path of the dashboard; the first page where an address would lead elsewhere."""
    return to if to.startswith("/") and not to.startswith(("//", "/\\")) and to.isprintable() else "/"
