"""GitHub Apps: installations, and the tokens that they get for a signature."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from sandbox.github.clock import Clock, stamp
from sandbox.github.errors import ApiError, not_found

_LASTS = timedelta(hours=1)


class Apps:
    """The apps that are installed; `verify` tells whose signature a token is, or raises `ValueError`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tokens: dict[str, datetime] = {}
        self._numbers = count(1)
        self.verify: Callable[[str], str] | None = None
        #: Ids of installations by app.
        self.installations: dict[str, int] = {}

    def knows(self, token: str) -> bool:
        """Whether a token is one of an installation."""
        until = self._tokens.get(token)
        if until is None:
            return False
        if self._clock.now() >= until:
            raise ApiError(401, "Bad credentials")
        return True

    def revoke(self) -> None:
        """Let no token count any more."""
        self._tokens = dict.fromkeys(self._tokens, self._clock.now())

    def answer(self, method: str, path: str, token: str, named: Callable[..., Any]) -> Any:
        """The answer to a request that an app signs; `None` for any other one."""
        installed = re.fullmatch(r"repos/([^/]+/[^/]+)/installation", path)
        tokens = re.fullmatch(r"app/installations/(\d+)/access_tokens", path)
        if not (installed and method == "GET") and not (tokens and method == "POST"):
            return None
        try:
            app = self.verify(token) if self.verify is not None else ""
        except ValueError:
            app = ""
        if app not in self.installations:
            raise ApiError(401, "A JSON web token could not be decoded")
        number = self.installations[app]
        if installed is not None:
            named(installed[1], "/installation", write=False)
            return {"id": number, "app_slug": app}
        if tokens is None or int(tokens[1]) != number:
            raise not_found()
        made = f"ghs_{next(self._numbers)}"
        until = self._clock.now() + _LASTS
        self._tokens[made] = until
        return {"token": made, "expires_at": stamp(until), "permissions": {"issues": "write"}}
