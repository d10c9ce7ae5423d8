"""OAuth: bearer tokens that last an hour, made of what a user allowed once (RFC 6749, 6).

The file is an authorised user's, as Google's tools write it. On plain HTTP and not an OAuth library: it is one request.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from tasks.clock import boot_seconds
from tasks.errors import SideError, TaskDefinitionError

#: Seconds before its end at which a token is not begun with any more.
MARGIN_SECONDS = 60
_SHORTEST_SECONDS = 300
#: Tokens of this process, by what they were made of, with the second at which they end.
_fresh: dict[tuple[str, str, str], tuple[SecretStr, float]] = {}


class AuthorisedUser(BaseModel):
    """What a user allowed, with the client to whom it was allowed."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    client_id: str
    client_secret: SecretStr
    refresh_token: SecretStr
    token_uri: str = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address


class TokenFile:
    """The tokens of one file.

    Raises:
        TaskDefinitionError: it cannot be read, or is no such file.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._user = AuthorisedUser.model_validate_json(path.read_bytes())
        except OSError as error:
            raise TaskDefinitionError(f"token_file {path} cannot be read: {error.strerror}") from None
        except ValidationError as error:
            places = ", ".join(sorted({".".join(map(str, each["loc"])) or "JSON" for each in error.errors()}))
            raise TaskDefinitionError(
                f"token_file {path} is no file of an authorised user: {places} is missing or wrong; it has client_id, "
                "client_secret and refresh_token"
            ) from None
        parts = urlsplit(self._user.token_uri)
        if parts.scheme != "https" and parts.hostname not in ("localhost", "127.0.0.1"):
            raise TaskDefinitionError(f"token_file {path}: token_uri must begin with https://")

    async def token(self, http: httpx.AsyncClient, *, anew: bool = False) -> SecretStr:
        """A token that is good for now.

        Raises:
            SideError: none is given, perhaps because the user took the permission back.
        """
        user = self._user
        key = (user.token_uri, user.client_id, user.refresh_token.get_secret_value())
        known, until = _fresh.get(key, (None, 0.0))
        if known is not None and not anew and boot_seconds() < until:
            return known
        host = urlsplit(user.token_uri).netloc
        try:
            answer = await http.post(
                user.token_uri,
                data={
                    "grant_type": "refresh_token",
                    "client_id": user.client_id,
                    "client_secret": user.client_secret.get_secret_value(),
                    "refresh_token": user.refresh_token.get_secret_value(),
                },
                headers={"Accept": "application/json"},
            )
            said: Any = answer.json()
        except httpx.HTTPError as error:
            raise SideError(f"{host} cannot be reached for a new token: {type(error).__name__}") from None
        except (json.JSONDecodeError, UnicodeDecodeError):
            said = {}
        said = said if isinstance(said, dict) else {}
        if answer.status_code in (400, 401, 403):
            why = str(said.get("error", answer.status_code))[:60]
            raise SideError(
                f"{host} gives no new token ({why}): the permission was taken back or is too old; allow it anew and "
                "replace token_file"
            )
        token, lasts = said.get("access_token"), said.get("expires_in", _SHORTEST_SECONDS)
        if answer.status_code != 200 or not isinstance(token, str) or not isinstance(lasts, int | float):
            raise SideError(
                f"{host} gives no new token: status {answer.status_code}; the next run tries again"
            )
        fresh = SecretStr(token)
        _fresh[key] = fresh, boot_seconds() + lasts - MARGIN_SECONDS
        return fresh
