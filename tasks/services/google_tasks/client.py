"""Requests to Google: with a token that is good, backed off where there are too many, repeated where that is safe."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, NoReturn, Protocol
from urllib.parse import urlsplit

import httpx

from tasks.clock import boot_seconds
from tasks.errors import OutcomeUnknownError, SideError, TaskDefinitionError
from tasks.limited_http import LimitedClient
from tasks.services.google_tasks.answers import Failure, RefusedError, Trouble, read_failure
from tasks.waits import wait

BASE_URL = "https://tasks.googleapis.com"

#: Seconds to wait for one answer, and for a connection.
TIMEOUT, CONNECT_TIMEOUT = 60.0, 10.0
#: Seconds that one request may take in all, with every wait.
PATIENCE = 180.0
#: Seconds before the first repeat; each further one waits twice as long, give or take a half.
FIRST_DELAY = 1.0
LONGEST_DELAY = 32.0

log = logging.getLogger(__name__)

Json = dict[str, Any]


class Effect(Enum):
    """What a request does, hence what may be done when its outcome is unknown."""

    #: Nothing.
    READ = "read"
    #: It sets something: twice is the same as once.
    SET = "set"
    #: It makes something new: twice makes two.
    CREATE = "create"


_REPEATABLE: Mapping[Effect, frozenset[Trouble]] = {
    Effect.READ: frozenset({Trouble.LIMITED, Trouble.FAILED, Trouble.UNSENT, Trouble.UNANSWERED}),
    Effect.SET: frozenset({Trouble.LIMITED, Trouble.FAILED, Trouble.UNSENT, Trouble.UNANSWERED}),
    Effect.CREATE: frozenset({Trouble.LIMITED, Trouble.UNSENT}),
}


class Login(Protocol):
    """Who asks."""

    async def token(self) -> str:
        """An access token; `SideError` where there is none."""
        ...

    def reject(self, token: str) -> None:
        """Take note that Google refuses a token."""
        ...


class GoogleClient:
    """A connection to the Tasks API for one run.

    Parameters:
        login: whose token it is.
        base_url: where the API is.
        patience: seconds that one request may take with all its waits and repeats.
        first_delay: seconds before the first repeat.
        transport: another way to send than over the network.

    Raises:
        TaskDefinitionError: the address cannot be used as it is.
    """

    def __init__(
        self,
        login: Login,
        *,
        base_url: str = BASE_URL,
        patience: float = PATIENCE,
        first_delay: float = FIRST_DELAY,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._root = f"{_usable_address(base_url)}/tasks/v1/"
        self._login = login
        self._patience = patience
        self._first_delay = first_delay
        self._http = LimitedClient(
            transport=transport, timeout=httpx.Timeout(TIMEOUT, connect=CONNECT_TIMEOUT)
        )
        #: Called right before each write is sent; what it raises stops the write.
        self.before_write: Callable[[], None] = lambda: None

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def request(
        self,
        method: str,
        path: str,
        *,
        subject: str,
        effect: Effect = Effect.READ,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        if_match: str | None = None,
    ) -> Json:
        """Send a request and give the object that is answered, empty where none is.

        Parameters:
            path: below `/tasks/v1/`.
            subject: what it is about, for messages.
            if_match: the version that it must meet.

        Raises:
            RefusedError: Google does not do it.
            SideError: Google cannot be reached, refuses the login, or has enough of us.
            OutcomeUnknownError: a write may have been applied.
        """
        request = self._http.build_request(
            method,
            self._root + path,
            params=params,
            content=None if body is None else json.dumps(body).encode(),
            headers={
                "Accept": "application/json",
                **({} if body is None else {"Content-Type": "application/json"}),
                **({} if if_match is None else {"If-Match": if_match}),
            },
        )
        deadline, repeats, refreshed, unsure = boot_seconds() + self._patience, 0, False, False
        while True:
            answer, token = await self._send(request, effect)
            if not isinstance(answer, Failure):
                return answer
            if answer.trouble is Trouble.UNAUTHORISED and not refreshed:
                self._login.reject(token)
                refreshed = True
                continue
            if answer.trouble is Trouble.REFUSED and unsure and answer.status in (404, 410, 412):
                # What was sent before may be the very change that is met here.
                raise OutcomeUnknownError(
                    f"{subject}: no answer came to a write, and now it is changed; it may have been applied"
                )
            unsure = unsure or answer.trouble in (Trouble.FAILED, Trouble.UNANSWERED)
            delay = self._delay(answer, repeats)
            if answer.trouble not in _REPEATABLE[effect] or boot_seconds() + delay > deadline:
                self._give_up(answer, effect, subject)
            repeats += 1
            log.info("%s: %s; sent again in %.1f s", subject, answer.reason, delay)
            await wait(delay)

    def _delay(self, failure: Failure, repeats: int) -> float:
        """Seconds to wait: as long as Google asks, or ever longer; never the same for two who wait."""
        chance: float = random.random()  # noqa: S311 - jitter
        if failure.retry_after is not None:
            return failure.retry_after + chance * self._first_delay
        longest = LONGEST_DELAY * self._first_delay / FIRST_DELAY
        return min(self._first_delay * 2.0**repeats, longest) * (0.5 + chance)

    async def _send(self, request: httpx.Request, effect: Effect) -> tuple[Json | Failure, str]:
        token = await self._login.token()
        if effect is not Effect.READ:
            self.before_write()
        request.headers["Authorization"] = f"Bearer {token}"
        try:
            answer = await self._http.send(request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as error:
            return Failure(Trouble.UNSENT, type(error).__name__), token
        except (httpx.HTTPError, OSError) as error:
            return Failure(Trouble.UNANSWERED, type(error).__name__), token
        return _read(answer), token

    def _give_up(self, failure: Failure, effect: Effect, subject: str) -> NoReturn:
        match failure.trouble:
            case Trouble.UNSENT:
                raise SideError(
                    f"Google Tasks cannot be reached at {self._root} ({failure.reason}): check the network"
                )
            case Trouble.UNAUTHORISED:
                raise SideError(
                    f"Google refuses the login ({failure.reason}): log in again with "
                    "`python -m tasks.services.google_tasks`, or check the service account"
                )
            case Trouble.SWITCHED_OFF:
                raise SideError(
                    "the Google Tasks API is not switched on for the project of this login: enable it in the Google "
                    f"Cloud console under APIs & services ({failure.reason})"
                )
            case Trouble.SCOPE:
                raise SideError(
                    "the login does not cover Google Tasks: log in again with "
                    f"`python -m tasks.services.google_tasks`, and allow tasks ({failure.reason})"
                )
            case Trouble.EXHAUSTED:
                raise SideError(
                    f"Google's quota of this day is used up ({failure.reason}): run the sync less often, or ask for "
                    "more in the Google Cloud console"
                )
            case Trouble.LIMITED:
                raise SideError(
                    f"{subject}: Google takes no more requests for now ({failure.reason}); the next run tries again"
                )
            case Trouble.FOREIGN:
                raise SideError(
                    f"{self._root} answers, but not as Google does ({failure.reason}): check base_url"
                )
            case Trouble.REFUSED:
                raise RefusedError(f"{subject}: Google refuses it: {failure.reason}", failure.status)
            case _ if effect is Effect.READ:
                raise SideError(
                    f"{subject}: Google Tasks does not answer ({failure.reason}); the next run tries again"
                )
        raise OutcomeUnknownError(
            f"{subject}: Google did not confirm the write ({failure.reason}); it may have been applied"
        )


def _read(answer: httpx.Response) -> Json | Failure:
    if answer.status_code == 204:
        return {}
    if not 200 <= answer.status_code < 300:
        return read_failure(answer)
    try:
        document = json.loads(answer.content)
    except (ValueError, RecursionError):
        return Failure(Trouble.UNANSWERED, "an answer that cannot be read", answer.status_code)
    if not isinstance(document, dict):
        return Failure(Trouble.UNANSWERED, "an answer that is no object", answer.status_code)
    return document


def _usable_address(base_url: str) -> str:
    address = base_url.strip().rstrip("/").removesuffix("/tasks/v1")
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.username or parts.password or parts.query or parts.fragment:
        raise TaskDefinitionError(f"base_url is not an address such as {BASE_URL}, without a login in it")
    return address
