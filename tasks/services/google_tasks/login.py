"""Logins at Google: the token file of a consent, or the key of a service account."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import stat
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from google.auth.credentials import Credentials
from google.auth.exceptions import GoogleAuthError, RefreshError, TransportError
from google.auth.transport.requests import Request
from google.oauth2 import credentials as users
from google.oauth2 import service_account

from tasks.clock import pass_time
from tasks.errors import SideError

SCOPE = "https://www.googleapis.com/auth/tasks"
#: Where tokens come from, if a token file does not say it.
TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
#: How a user gets a token file.
COMMAND = "python -m tasks.services.google_tasks CLIENT_SECRET.json"

#: Seconds before a connection to the server of logins is tried again.
DELAYS = (0.5, 2.0)

log = logging.getLogger(__name__)


class GoogleLogin:
    """Gives access tokens, and gets new ones before the old ones run out.

    Parameters:
        credentials: of a user or a service account.
        who: how messages name the login.
        mend: what a user can do when Google takes it no more.
        keep: called with credentials that have a new token.
    """

    def __init__(
        self,
        credentials: Credentials,
        who: str,
        mend: str,
        keep: Callable[[Credentials], None] = lambda _: None,
    ) -> None:
        self._credentials = credentials
        self._who = who
        self._mend = mend
        self._keep = keep
        self._rejected = ""
        self._turn = asyncio.Lock()

    async def token(self) -> str:
        """An access token that Google should take.

        Raises:
            SideError: the consent was taken back, the account is gone, or Google cannot be reached.
        """
        async with self._turn:
            if not self._credentials.valid or self._credentials.token == self._rejected:
                await self._renew()
                await asyncio.to_thread(self._keep, self._credentials)
            return str(self._credentials.token)

    async def _renew(self) -> None:
        """Get a new token; a connection that breaks is made again."""
        for delay in DELAYS:
            try:
                return await asyncio.to_thread(self._refresh)
            except TransportError:
                await pass_time(delay)
        try:
            return await asyncio.to_thread(self._refresh)
        except TransportError:
            raise SideError(
                f"Google's server of logins cannot be reached for {self._who}: check the network"
            ) from None

    def reject(self, token: str) -> None:
        """Take note that Google refuses a token: another one is asked for."""
        self._rejected = token

    def _refresh(self) -> None:
        try:
            self._credentials.refresh(Request())  # type: ignore[no-untyped-call]
        except RefreshError as error:
            raise self._refused(error) from None
        except TransportError:
            raise
        except (GoogleAuthError, ValueError) as error:
            raise SideError(f"{self._who} is of no use ({type(error).__name__}): {self._mend}") from None

    def _refused(self, error: RefreshError) -> SideError:
        # The words of the error may repeat what was sent; only Google's code is told.
        document = error.args[1] if len(error.args) > 1 else None
        code = str(document.get("error", "")) if isinstance(document, dict) else ""
        code = code if code.replace("_", "").isalnum() else ""
        if code == "invalid_grant":
            return SideError(
                f"Google does not take {self._who} any more (invalid_grant): the consent was taken back or ran out, "
                f"as it does after seven days where the project's consent screen is in testing; {self._mend}"
            )
        if error.retryable or not code:
            return SideError(
                f"Google's server of logins does not answer for {self._who}; the next run tries again"
            )
        return SideError(f"Google refuses {self._who} ({code}): {self._mend}")


def user_login(token_file: Path) -> GoogleLogin:
    """The login of a user who gave consent.

    Raises:
        SideError: there is no token file, or it is none.
    """
    mend = f"log in again with `{COMMAND} --token-file {token_file}`"
    document = _read_json(token_file, f"there is no login at {token_file}: log in with `{COMMAND}`", mend)
    credentials = _user(document)
    if credentials is None:
        raise SideError(f"{token_file} is no token file of Google's: {mend}")

    def keep(fresh: Credentials) -> None:
        try:
            now = json.loads(token_file.read_text("utf-8"))
            if not isinstance(now, dict) or now.get("refresh_token") != document["refresh_token"]:
                return  # somebody logged in anew meanwhile
            write_private(token_file, fresh.to_json())  # type: ignore[attr-defined]
        except (
            OSError,
            ValueError,
        ) as error:  # it was taken away, or cannot be written: each run asks for its own
            log.info("the new access token is not kept in %s: %s", token_file, type(error).__name__)

    return GoogleLogin(credentials, f"the login in {token_file}", mend, keep)


def _user(document: Mapping[str, Any]) -> users.Credentials | None:
    """What a token file holds; `None` where it lacks a part.

    By hand: the library's own reader overlooks where tokens come from.
    """
    needed = [document.get(name) for name in ("refresh_token", "client_id", "client_secret")]
    token_uri = document.get("token_uri", TOKEN_URI)
    if not all(isinstance(one, str) and one for one in (*needed, token_uri)):
        return None
    refresh_token, client_id, client_secret = needed
    try:
        until = datetime.fromisoformat(str(document.get("expiry"))).astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        until = None
    return users.Credentials(  # type: ignore[no-untyped-call]
        token=document.get("token") if until is not None else None,
        refresh_token=refresh_token,
        token_uri=token_uri,
        client_id=client_id,
        client_secret=client_secret,
        scopes=[SCOPE],
        expiry=until,
    )


def service_login(key_file: Path, subject: str | None) -> GoogleLogin:
    """The login of a service account, or of a user for whom it stands by delegation.

    Raises:
        SideError: there is no key file, or it is none.
    """
    mend = f"make a new key of the service account in the Google Cloud console and put it at {key_file}"
    document = _read_json(key_file, f"there is no key of a service account at {key_file}", mend)
    try:
        credentials = service_account.Credentials.from_service_account_info(  # type: ignore[no-untyped-call]
            document, scopes=[SCOPE], subject=subject
        )
    except (ValueError, TypeError, AttributeError):
        raise SideError(f"{key_file} is no key of a service account: {mend}") from None
    who = f"the service account of {key_file}" + (f" for {subject}" if subject else "")
    if subject:
        mend += ", and allow it domain-wide delegation with the scope " + SCOPE
    return GoogleLogin(credentials, who, mend)


def _read_json(path: Path, missing: str, mend: str) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise SideError(missing) from None
    except OSError as error:
        raise SideError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise SideError(f"{path} is not JSON: {mend}") from None
    if not isinstance(document, dict):
        raise SideError(f"{path} is not what Google gives: {mend}")
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        log.warning("%s can be read by other users of this machine: chmod 600 it", path)
    return document


def write_private(path: Path, text: str) -> None:
    """Replace a file by one that only this user reads, or leave it as it is.

    Raises:
        OSError: it cannot be written.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")  # with mode 600
    fresh = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
