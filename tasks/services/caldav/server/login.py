"""Who is logged in, and in which of the ways that servers ask for."""

from __future__ import annotations

import re
from collections.abc import Generator

import httpx
from pydantic import SecretStr


class Login(httpx.Auth):
    """Logs in by the scheme that the server asks for first, and from then on at once.

    Arguments:
        username: The user.
        password: The user's password; sent as a token where the server asks for that.
        token: A bearer token instead of both, sent without being asked for.
    """

    def __init__(
        self, username: str | None, password: SecretStr | None, token: SecretStr | None = None
    ) -> None:
        self.username = username
        self._password = password
        self._scheme: httpx.Auth | None = None
        #: Whether the server was asked for the scheme in an earlier run only.
        self._is_assumed = False
        #: Schemes that the server offers where none of them is known.
        self.unknown = ""
        if token is not None:
            self.bear(token)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send a request, and once more where the answer says how to log in."""
        if self._scheme is None or self._is_assumed:
            assumed, self._is_assumed = self._is_assumed, False
            if assumed and self._scheme is not None:
                next(self._scheme.auth_flow(request))
            response = yield request
            if response.status_code != 401 or self.username is None or self._password is None:
                return
            request.headers.pop("Authorization", None)
            before, self._scheme = self._scheme, None
            self._scheme = self._chosen(response.headers.get_list("WWW-Authenticate"))
            if self._scheme is None or (assumed and type(before) is type(self._scheme)):
                return  # it knows the login already, and refuses it
        yield from self._scheme.auth_flow(request)

    def bear(self, token: SecretStr) -> None:
        """Log in by this token from now on."""
        self._scheme = _Bearer(token.get_secret_value())

    @property
    def is_known(self) -> bool:
        """Whether requests need not be tried out first."""
        return self._scheme is not None

    @property
    def by_challenge(self) -> bool:
        """Whether each server's challenge has to be met before it lets anybody in."""
        return isinstance(self._scheme, httpx.DigestAuth)

    @property
    def kind(self) -> str | None:
        """The scheme, where it is one that another run may begin with."""
        return "basic" if isinstance(self._scheme, httpx.BasicAuth) else None

    def assume(self, kind: str | None) -> None:
        """Begin with the scheme that the server asked for in an earlier run."""
        if (
            kind == "basic"
            and self._scheme is None
            and self.username is not None
            and self._password is not None
        ):
            self._scheme = httpx.BasicAuth(self.username, self._password.get_secret_value())
            self._is_assumed = True

    def _chosen(self, challenges: list[str]) -> httpx.Auth | None:
        offered = [
            name.lower() for one in challenges for name in re.findall(r"(?:^|,\s*)([\w-]+)(?=\s|$)", one)
        ]
        username, password = self.username or "", self._password.get_secret_value() if self._password else ""
        if any(one.lower().startswith("digest ") for one in challenges):
            return httpx.DigestAuth(username, password)
        if "basic" in offered or not offered:
            return httpx.BasicAuth(username, password)
        if "bearer" in offered:
            return _Bearer(password)
        self.unknown = ", ".join(offered)
        return None


class _Bearer(httpx.Auth):
    def __init__(self, token: str) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request
