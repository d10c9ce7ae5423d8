"""Who asks: a token, or an app with the token of its installation."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from pydantic import SecretStr

from tasks.errors import SideError
from tasks.services.github.answers import Answer

#: Sends a request with an authorization of its own: method, path, authorization.
Send = Callable[[str, str, str], Awaitable[Answer]]

#: An app signs for less than the ten minutes that GitHub allows; its clock may be a minute fast.
_SIGNED_FOR = timedelta(minutes=9)
_FAST = timedelta(minutes=1)
#: A token is not used in its last minutes.
_SPARE = timedelta(minutes=5)


class Login(Protocol):
    """Gives requests their authorization."""

    @property
    def budget(self) -> str:
        """What requests are counted by; only a digest of it is kept."""
        ...

    @property
    def mend(self) -> str:
        """What a person is to do where it is refused."""
        ...

    async def authorization(self, send: Send) -> str:
        """The header of the next request.

        Raises:
            SideError: there is none to be had.
        """
        ...

    def refused(self) -> bool:
        """Take note that the header was refused; whether another one may do."""
        ...


@dataclass(frozen=True)
class TokenLogin:
    """A personal access token, or one that somebody else fetched."""

    token: SecretStr

    def __post_init__(self) -> None:
        secret = self.token.get_secret_value()
        if not secret or not secret.isascii() or not secret.isprintable() or " " in secret:
            raise SideError("GITHUB_TOKEN holds signs that no token has: copy the token again")

    @property
    def budget(self) -> str:
        """The token."""
        return self.token.get_secret_value()

    @property
    def mend(self) -> str:
        """It may have ended, or been taken back."""
        return "check GITHUB_TOKEN"

    async def authorization(self, send: Send) -> str:
        """The token as a header."""
        return f"Bearer {self.token.get_secret_value()}"

    def refused(self) -> bool:
        """There is only this one."""
        return False


class AppLogin:
    """A GitHub App, by the token of its installation at the repository, which lasts an hour.

    Arguments:
        app: Its client id, or its app id.
        key: Its private key, as PEM.
        installation: Path of the installation, `app/installations/12`, or of what asks for it,
            `repos/octo/board/installation`.

    Raises:
        SideError: the key is none.
    """

    def __init__(self, app: str, key: SecretStr, installation: str) -> None:
        self._app = app
        self._key = key
        self._installation = installation
        self._token = ""
        self._until = datetime.min.replace(tzinfo=UTC)

    @classmethod
    def of(cls, app: str, key_file: Path, installation: str) -> AppLogin:
        """An app with its key in a file.

        Raises:
            SideError: it cannot be read.
        """
        try:
            key = SecretStr(key_file.expanduser().read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            raise SideError(f"the app's private key cannot be read from {key_file}: {why}") from None
        return cls(app, key, installation)

    @property
    def budget(self) -> str:
        """The app at the place."""
        return f"{self._app}/{self._installation}"

    @property
    def mend(self) -> str:
        """It may have been taken away."""
        return f"check the app and its installation ({self._app})"

    async def authorization(self, send: Send) -> str:
        """The installation's token, a new one where the last one is about to end."""
        if datetime.now(UTC) + _SPARE >= self._until:
            await self._renew(send)
        return f"Bearer {self._token}"

    def refused(self) -> bool:
        """The next request fetches another token, if there was one."""
        had, self._token = bool(self._token), ""
        self._until = datetime.min.replace(tzinfo=UTC)
        return had

    def __repr__(self) -> str:
        return f"<AppLogin {self._app}>"

    async def _renew(self, send: Send) -> None:
        signed = f"Bearer {self._signed()}"
        path = self._installation
        if not path.startswith("app/"):
            found = await send("GET", path, signed)
            number = found.body.get("id") if found.taken and isinstance(found.body, dict) else None
            if not isinstance(number, int):
                raise self._no_token(found, "is it installed at the repository?")
            path = f"app/installations/{number}"
        made = await send("POST", f"{path}/access_tokens", signed)
        try:
            self._token = str(made.body["token"])
            self._until = datetime.fromisoformat(made.body["expires_at"])
        except (KeyError, TypeError, ValueError):
            raise self._no_token(made, "check the app's id, its installation and its key") from None

    def _no_token(self, answer: Answer, mend: str) -> SideError:
        why = f", {answer.message}" if answer.message else ""
        return SideError(f"GitHub gives the app {self._app} no token ({answer.status}{why}): {mend}")

    def _signed(self) -> str:
        import jwt  # takes a while, and few need it

        now = datetime.now(UTC)
        claims = {"iat": now - _FAST, "exp": now + _SIGNED_FOR, "iss": self._app}
        try:
            return jwt.encode(claims, self._key.get_secret_value(), algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError):
            raise SideError(
                f"the private key of the app {self._app} is no RSA key in PEM: download it anew"
            ) from None


def login_of(
    repository: str,
    token: SecretStr | None,
    app: str | None,
    private_key: Path | None,
    installation: int | None,
) -> Login:
    """The login of an app, else a token, else that of the environment.

    Raises:
        SideError: there is none, or it cannot be used.
    """
    if app is not None and private_key is not None:
        asked = f"repos/{repository}/installation"
        place = asked if installation is None else f"app/installations/{installation}"
        return AppLogin.of(app, private_key, place)
    given = token.get_secret_value() if token is not None else ""
    secret = (given or os.environ.get("GITHUB_TOKEN") or os.environ.get("GH_TOKEN") or "").strip()
    if not secret:
        raise SideError("GITHUB_TOKEN is not set: give a token that may read and write issues")
    return TokenLogin(SecretStr(secret))
