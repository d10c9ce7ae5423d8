"""Requests to GitHub: paced, repeated where that is safe, and told apart where it is not."""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from tasks.errors import OutcomeUnknownError, SideError
from tasks.limited_http import LimitedClient
from tasks.services.github.answers import Answer
from tasks.services.github.login import Login
from tasks.services.github.pace import Pace, pace_of
from tasks.waits import wait

#: The version of the API that this package speaks; Enterprise servers know it too.
API_VERSION = "2022-11-28"

#: Seconds to wait for an answer; GitHub itself gives up after ten.
TIMEOUT = 30.0
#: Seconds that one request may take in all, with every wait.
PATIENCE = 180.0
#: Times that a request is sent again after an error that is not a rate limit.
REPEATS = 4
FIRST_DELAY = 0.5

log = logging.getLogger(__name__)


class Client:
    """A connection to GitHub for one run.

    Arguments:
        base_url: Where the API is, such as `https://api.github.com`.
        login: Who asks.
        pace: How fast; by default that of the login in this process.
        transport: Another way to send than over the network.
    """

    def __init__(
        self,
        base_url: str,
        login: Login,
        *,
        pace: Pace | None = None,
        timeout: float = TIMEOUT,
        patience: float = PATIENCE,
        repeats: int = REPEATS,
        first_delay: float = FIRST_DELAY,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._login = login
        self._pace = pace or pace_of(f"{self.base_url} {login.budget}")
        self._patience = patience
        self._repeats = repeats
        self._first_delay = first_delay
        self._http = LimitedClient(
            transport=transport,
            timeout=timeout,
            headers={
                "Accept": "application/vnd.github+json",
                "User-Agent": "lockstep",
                "X-GitHub-Api-Version": API_VERSION,
            },
        )
        #: When the login expires, as far as an answer has told.
        self.login_expires: datetime | None = None
        #: Called right before each write is sent; what it raises stops the write.
        self.before_write: Callable[[], None] = lambda: None

    def __repr__(self) -> str:
        return f"<Client {self.base_url}>"

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    @property
    def graphql_url(self) -> str:
        """Where GraphQL is asked: beside the API at an Enterprise server, below it elsewhere."""
        if self.base_url.endswith("/api/v3"):
            return self.base_url.removesuffix("v3") + "graphql"
        return f"{self.base_url}/graphql"

    def is_home(self, url: str) -> bool:
        """Whether an address is one of this API, so that the login may be sent there."""
        one, base = urlsplit(url), urlsplit(self.base_url)
        return (one.scheme, one.netloc) == (base.scheme, base.netloc)

    async def get(
        self,
        path: str,
        *,
        subject: str,
        params: Mapping[str, str] | None = None,
        etag: str | None = None,
    ) -> Answer:
        """GET, sent again where no answer comes; 304 where the ETag still holds.

        Raises:
            SideError: GitHub cannot be reached, refuses the login or stays overrun.
        """
        headers = {"If-None-Match": etag} if etag else {}
        return await self._answer("GET", path, subject, params=params, headers=headers)

    async def follow(self, path: str, *, subject: str) -> Answer:
        """GET, also at the address to which a repository was moved; raises as `get` does."""
        for _ in range(4):
            answer = await self.get(path, subject=subject)
            if not answer.moved:
                return answer
            path = self._within(path, answer, subject)
        raise SideError(f"{subject}: GitHub sends from address to address; it cannot be found")

    async def write(self, method: str, path: str, body: Mapping[str, Any], *, subject: str) -> Answer:
        """Send a write, once: only where it was surely not carried out it is sent again.

        Raises:
            SideError: GitHub cannot be reached, refuses the login or stays overrun.
            OutcomeUnknownError: no answer came: it may have been carried out.
        """
        return await self._answer(method, path, subject, body=body)

    def _within(self, path: str, answer: Answer, subject: str) -> str:
        target = urljoin(self._url(path), answer.headers.get("location", ""))
        if not self.is_home(target):
            raise SideError(f"{subject}: GitHub sends to {urlsplit(target).netloc}, which is not asked")
        return target

    def _url(self, path: str) -> str:
        return path if "://" in path else f"{self.base_url}/{path.lstrip('/')}"

    async def _answer(
        self,
        method: str,
        path: str,
        subject: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Answer:
        write = method != "GET"
        deadline = time.monotonic() + self._patience
        repeats = 0
        renewed = False
        while True:
            await self._wait_for_turn(deadline, subject, write=write)
            authorization = await self._login.authorization(self._plain)
            if write:
                self.before_write()
            request = self._http.build_request(
                method,
                self._url(path),
                params=params,
                headers={**(headers or {}), "Authorization": authorization},
                json=body,
            )
            sent, found = await self._send(request)
            if isinstance(found, Answer) and found.status < 500:
                if found.status == 401:
                    if self._login.refused() and not renewed:
                        renewed = True
                        continue
                    raise SideError(f"GitHub refuses the login ({found.message}): {self._login.mend}")
                if found.wait is None:
                    return found
                self._pace.pause(found.wait)
                log.info("GitHub's rate limit is reached: all requests pause for %.0f s", found.wait)
                continue
            why = f"status {found.status}" if isinstance(found, Answer) else found
            if write and sent:
                raise OutcomeUnknownError(
                    f"{subject}: GitHub did not confirm the write ({why}); it may have been carried out"
                )
            delay = self._first_delay * 2**repeats * (0.5 + random.random())  # noqa: S311 - jitter
            repeats += 1
            if repeats > self._repeats or time.monotonic() + delay > deadline:
                raise SideError(
                    f"{subject}: GitHub at {self.base_url} does not answer ({why}); the next run tries again"
                )
            await wait(delay)

    async def _wait_for_turn(self, deadline: float, subject: str, *, write: bool) -> None:
        seconds = self._pace.turn(write=write)
        while True:
            if time.monotonic() + seconds > deadline:
                raise SideError(
                    f"{subject}: GitHub's rate limit lets no request through for {seconds:.0f} s; the next run "
                    "tries again. Run the sync less often, or fewer syncs with this login"
                )
            await wait(seconds)
            seconds = self._pace.pause_left
            if seconds <= 0:
                return

    async def _plain(self, method: str, path: str, authorization: str) -> Answer:
        """A request for the login itself.

        Raises:
            SideError: no answer came.
        """
        request = self._http.build_request(method, self._url(path), headers={"Authorization": authorization})
        _, found = await self._send(request)
        if isinstance(found, str):
            raise SideError(f"GitHub at {self.base_url} does not answer ({found}); the next run tries again")
        return found

    async def _send(self, request: httpx.Request) -> tuple[bool, Answer | str]:
        """Whether it may have arrived, and the answer, or why there is none."""
        try:
            response = await self._http.send(request)
        except (
            httpx.ConnectError,
            httpx.ConnectTimeout,
            httpx.PoolTimeout,
            httpx.UnsupportedProtocol,
        ) as error:
            return False, str(error) or type(error).__name__
        except httpx.HTTPError as error:
            return True, type(error).__name__
        try:
            body = json.loads(response.content) if response.content.strip() else None
        except ValueError:
            if response.is_success:
                return True, "an answer that is no JSON"
            body = None
        headers = {name.lower(): value for name, value in response.headers.items()}
        answer = Answer(response.status_code, headers, body)
        self.login_expires = answer.login_expires or self.login_expires
        return True, answer
