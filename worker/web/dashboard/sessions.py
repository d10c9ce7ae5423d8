"""Sessions: a signed cookie, so that any number of web processes know it and nobody has to remember it."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import Response

from config import Settings

#: Seconds after which a person logs in again: a week.
LASTS = 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Session:
    """One browser."""

    #: What its forms send back: another site cannot know it.
    token: str
    #: What it may do, by the password with which it was logged in; `None` before that.
    role: str | None = None
    #: Whether the browser has it yet.
    known: bool = False

    @classmethod
    def new(cls, role: str | None = None) -> Session:
        """A session that nobody had."""
        return cls(secrets.token_urlsafe(24), role)


class Sessions:
    """Reads and writes the cookie.

    The key is made of the passwords, so another password ends all sessions, and of the installation's number; made
    slowly, so that nobody finds out the password from a cookie by trying.
    """

    def __init__(self, settings: Settings, installation: int) -> None:
        passwords = (settings.web_password, settings.web_readonly_password)
        secret = "\0".join("" if one is None else one.get_secret_value() for one in passwords)
        key = hashlib.scrypt(secret.encode(), salt=str(installation).encode(), n=2**14, r=8, p=1)
        self._signer = URLSafeTimedSerializer(key, salt="lockstep-session")
        # Cookies do not tell ports apart: two installations on one machine have names of their own.
        self._name = "lockstep-" + hashlib.sha256(str(installation).encode()).hexdigest()[:8]

    def read(self, request: Request, *, secure: bool) -> Session:
        """The session of a request; a new one where there is none."""
        try:
            data: Any = self._signer.loads(request.cookies.get(self._called(secure), ""), max_age=LASTS)
            return Session(str(data["token"]), data["role"], known=True)
        except (BadData, KeyError, TypeError):
            return Session.new()

    def write(self, response: Response, session: Session, *, secure: bool) -> None:
        """Let the browser have a session."""
        response.set_cookie(
            self._called(secure),
            str(self._signer.dumps({"token": session.token, "role": session.role})),
            max_age=LASTS,
            path="/",
            secure=secure,
            httponly=True,
            samesite="lax",
        )

    def _called(self, secure: bool) -> str:
        return f"__Host-{self._name}" if secure else self._name
