"""Requests to Notion: paced, repeated where that is safe, and told apart where it is not."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx
from notion_client import AsyncClient
from notion_client.client import ClientOptions
from pydantic import SecretStr

from tasks import waits
from tasks.clock import pass_time
from tasks.errors import ItemError, OutcomeUnknownError, SideError
from tasks.limited_http import LimitedClient
from tasks.services.notion.api import async_tasks
from tasks.services.notion.api.answers import Effect, Failure, Limit, RefusedError, Trouble, read_failure
from tasks.services.notion.api.download import download
from tasks.services.notion.api.refusals import TOKEN_NAME, given_up, overrun
from tasks.services.notion.api.throttle import Throttle, throttle_for
from tasks.services.notion.api.workspaces import fellows_of, note_workspace, workspace_of

#: The version of the API that this package speaks; the library's own default is older.
NOTION_VERSION = "2026-03-11"

#: Seconds to wait for an answer: more than the 60 after which Notion itself gives up.
TIMEOUT = 70.0
CONNECT_TIMEOUT = 10.0

#: Seconds that one request may take in all, with every wait; a workspace's limit lasts minutes.
PATIENCE = 600.0

#: Seconds to pause when Notion is overrun and does not say for how long.
DEFAULT_PAUSE = 30.0

#: Longest pause that is believed: a mistaken header must not stop a worker for days.
LONGEST_PAUSE = 3600.0

#: Times that a request is sent again after an error that is not the rate limit, about 15 seconds in all.
REPEATS = 5
FIRST_DELAY = 0.5

log = logging.getLogger(__name__)

Json = dict[str, Any]


@dataclass(frozen=True)
class Settled:
    """There is nothing to send: the object is already as it should be."""

    answer: Json


#: Makes the body of a write from what Notion holds at that moment; what it raises stops the write.
Compose = Callable[[], Awaitable[Json | Settled]]


@dataclass(frozen=True)
class _Request:
    method: str
    path: str
    body: Mapping[str, Any] | Compose | None
    effect: Effect
    #: What it is about, for messages.
    subject: str
    params: Mapping[str, Any] | None = None
    #: Sent as a form instead of the body: texts, and files as name, bytes and type.
    form: Mapping[str, Any] | None = None


#: Whether a request may be sent again after such a failure.
_REPEATABLE = {
    Effect.READ: {Trouble.LIMITED, Trouble.OVERLOADED, Trouble.CONFLICT, Trouble.UNSENT, Trouble.UNANSWERED},
    Effect.SET: {Trouble.LIMITED, Trouble.OVERLOADED, Trouble.CONFLICT, Trouble.UNSENT, Trouble.UNANSWERED},
    Effect.CREATE: {Trouble.LIMITED, Trouble.CONFLICT, Trouble.UNSENT},
}


class NotionClient:
    """A connection to Notion for one run.

    Parameters:
        token: of the integration; it stands in no message, log or repr.
        base_url: where the API is, without `/v1`.
        throttle: the budget to draw from; by default the one that this process has for the token.
        timeout: seconds to wait for one answer.
        patience: seconds that one request may take with all its waits and repeats.
        default_pause: seconds to pause when Notion is overrun and names no time.
        repeats: how often a request is sent again for other reasons than the rate limit.
        first_delay: seconds before the first repeat; each further one waits twice as long.
        transport: another way to send than over the network.
        token_name: the setting in which the token stands, for messages.

    Raises:
        SideError: the token or the address cannot be used as it is.
    """

    def __init__(
        self,
        token: SecretStr | None,
        *,
        base_url: str = "https://api.notion.com",
        throttle: Throttle | None = None,
        timeout: float = TIMEOUT,
        patience: float = PATIENCE,
        default_pause: float = DEFAULT_PAUSE,
        repeats: int = REPEATS,
        first_delay: float = FIRST_DELAY,
        transport: httpx.AsyncBaseTransport | None = None,
        token_name: str = TOKEN_NAME,
    ) -> None:
        secret = _usable_token(token, token_name)
        self._token_name = token_name
        self.base_url = _usable_address(base_url)
        self._throttle = throttle or throttle_for(SecretStr(secret))
        self._patience = patience
        self._default_pause = default_pause
        self._repeats = repeats
        self._first_delay = first_delay
        #: Whether the workspace of the token is to be asked for before the next request.
        self._asks_whose = False
        #: Called right before each write is sent; what it raises stops the write.
        self.before_write: Callable[[], None] = lambda: None
        # Its own repeats are off: they cut Retry-After at a minute and leave queries out.
        self._notion = AsyncClient(
            ClientOptions(
                auth=secret,
                base_url=self.base_url,
                notion_version=NOTION_VERSION,
                logger=logging.getLogger("tasks.services.notion.requests"),
                log_level=logging.CRITICAL,
                retry=False,
            ),
            client=LimitedClient(transport=transport),
        )
        self._transport = transport
        self._notion.client.timeout = httpx.Timeout(timeout, connect=min(timeout, CONNECT_TIMEOUT))

    async def close(self) -> None:
        """Close all connections."""
        await self._notion.aclose()
        if "_files" in self.__dict__:
            await self._files.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<NotionClient {self.base_url}>"

    async def read(self, path: str, *, subject: str, params: Mapping[str, Any] | None = None) -> Json:
        """GET an object.

        Parameters:
            path: below `/v1/`.
            subject: what the request is about, for messages.
            params: of the query string, not yet percent-encoded.

        Raises:
            RefusedError: Notion has no such object for this token, or finds the request wrong.
            SideError: Notion cannot be reached, refuses the token, or stays overrun.
        """
        return await self._answer(_Request("GET", path, None, Effect.READ, subject, params))

    async def query(
        self, path: str, body: Mapping[str, Any], *, subject: str, params: Mapping[str, Any] | None = None
    ) -> Json:
        """POST a query, which changes nothing; raises as `read` does."""
        return await self._answer(_Request("POST", path, body, Effect.READ, subject, params))

    async def hint(self, path: str, body: Mapping[str, Any], *, subject: str) -> Json | None:
        """POST a query that a run can do without, once; `None` where there is no answer, which the log tells.

        Raises:
            SideError: the rate limit lets no request through.
        """
        request = _Request("POST", path, body, Effect.READ, subject)
        await self._wait_for_turn(time.monotonic() + self._patience, subject)
        answer = await self._send(request, body)
        if not isinstance(answer, Failure):
            return answer
        if answer.trouble in (Trouble.LIMITED, Trouble.OVERLOADED):
            await self._pause(answer)
        log.info("%s: %s; the run goes on without it", subject, answer.reason)
        return None

    async def set(self, path: str, body: Mapping[str, Any] | Compose, *, subject: str) -> Json:
        """PATCH absolute values; raises as `read` does.

        Parameters:
            body: or a function that is awaited right before each sending, also a repeated one, so that the
                body fits what Notion holds then.

        Raises:
            OutcomeUnknownError: no answer came, however often it was sent.
        """
        return await self._answer(_Request("PATCH", path, body, Effect.SET, subject))

    async def create(
        self, path: str, body: Mapping[str, Any], *, subject: str, form: Mapping[str, Any] | None = None
    ) -> Json:
        """POST something new; raises as `read` does. Never sent again once it may have been applied.

        Parameters:
            form: instead of the body: texts by name, and files as name, bytes and type.

        Raises:
            OutcomeUnknownError: no answer came: it may exist by now.
        """
        return await self._answer(_Request("POST", path, body, Effect.CREATE, subject, form=form))

    async def download(self, address: str, path: Path, *, subject: str, most_bytes: int) -> None:
        """GET a file from an address that Notion gave, without the token, into a file here.

        Raises:
            RefusedError: the address is of no use, or not any more.
            ItemError: the file is too large, or does not arrive.
        """
        for pause in (*(self._first_delay * 2**n for n in range(self._repeats)), None):
            try:
                await download(self._files, address, path, subject=subject, most_bytes=most_bytes)
            except httpx.InvalidURL:
                raise ItemError(f"{subject} has an address that is none") from None
            except httpx.TransportError as error:
                if pause is None:
                    raise ItemError(f"{subject} does not arrive ({type(error).__name__})") from None
                await waits.wait(pause)
            else:
                return

    @cached_property
    def _files(self) -> httpx.AsyncClient:
        timeout = httpx.Timeout(TIMEOUT, connect=CONNECT_TIMEOUT)
        return httpx.AsyncClient(transport=self._transport, timeout=timeout, follow_redirects=False)

    async def _answer(self, request: _Request) -> Json:
        effect, subject = request.effect, request.subject
        deadline = time.monotonic() + self._patience
        repeats = 0
        while True:
            await self._wait_for_turn(deadline, subject)
            if self._asks_whose:
                await self._learn_workspace()
                await self._wait_for_turn(deadline, subject)
            body = await request.body() if callable(request.body) else request.body
            if isinstance(body, Settled):
                return body.answer
            failure = await self._send(request, body)
            if not isinstance(failure, Failure):
                later = failure["object"] == "async_task" and effect is not Effect.READ
                return await self._outcome(failure, request) if later else failure
            wait = failure.trouble in (Trouble.LIMITED, Trouble.OVERLOADED)
            pause = await self._pause(failure) if wait else 0.0
            if effect is Effect.CREATE and failure.made is not None:
                return await self._read_made(request, failure)
            if failure.trouble not in _REPEATABLE[effect]:
                raise given_up(failure, effect, subject, self.base_url, self._token_name) from None
            if wait:
                self._check_patience(failure, pause, deadline, subject)
                if failure.limit is Limit.ENDPOINT:
                    await waits.wait(pause)
                continue
            delay = self._first_delay * 2**repeats * (0.5 + random.random())  # noqa: S311 - jitter
            repeats += 1
            if repeats > self._repeats or time.monotonic() + delay > deadline:
                raise given_up(failure, effect, subject, self.base_url, self._token_name) from None
            log.info("%s: %s; sent again in %.1f s", subject, failure.reason, delay)
            await waits.wait(delay)

    async def _outcome(self, task: Json, request: _Request) -> Json:
        """What came of a request that Notion accepted, to carry it out later."""
        subject, deadline = request.subject, time.monotonic() + self._patience
        while not async_tasks.is_over(task):
            pause = async_tasks.pause(task)
            if time.monotonic() + pause > deadline:
                raise OutcomeUnknownError(
                    f"{subject}: Notion accepted the write, and has not carried it out for {self._patience:.0f} s"
                )
            await pass_time(pause)
            try:
                task = await self.read(f"async_tasks/{task.get('id')}", subject=subject)
            except RefusedError as error:
                raise OutcomeUnknownError(
                    f"{error}; the write was accepted, and may be carried out"
                ) from None
        return async_tasks.result(task, subject)

    async def _read_made(self, request: _Request, failure: Failure) -> Json:
        """What Notion says it made, though it answered with an error."""
        log.info("%s: %s, but it was made", request.subject, failure.reason)
        try:
            return await self.read(f"{request.path}/{failure.made}", subject=request.subject)
        except (SideError, RefusedError):
            raise given_up(
                failure, request.effect, request.subject, self.base_url, self._token_name
            ) from None

    async def _send(self, request: _Request, body: Mapping[str, Any] | None) -> Json | Failure:
        if request.effect is not Effect.READ:
            self.before_write()
        json = None if body is None else dict(body)
        try:
            answer = await self._notion.request(
                request.path,
                request.method,
                query=dict(request.params or {}) or None,
                body=json,
                form_data=None if request.form is None else dict(request.form),
            )
        except Exception as error:
            return read_failure(error)
        if not isinstance(answer, dict):
            return Failure(Trouble.UNANSWERED, "the answer is not an object")
        if "object" not in answer:
            return Failure(Trouble.FOREIGN, "an answer that does not say what it is")
        return answer

    async def _wait_for_turn(self, deadline: float, subject: str) -> None:
        try:
            async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
                await self._throttle.acquire()
        except TimeoutError:
            raise SideError(
                f"{subject}: Notion's rate limit let no request through for {self._patience:.0f} s; "
                "run the sync less often, or run fewer syncs with this token"
            ) from None

    async def _pause(self, failure: Failure) -> float:
        """Stop everybody who shares the budget for as long as Notion asks; returns the seconds."""
        asked = self._default_pause if failure.retry_after is None else failure.retry_after
        seconds = min(asked, LONGEST_PAUSE)
        if failure.limit is Limit.ENDPOINT:  # others may go on
            log.info("%s: it is sent again in %.0f s", overrun(failure), seconds)
            return seconds
        log.info("%s: all requests pause for %.0f s", overrun(failure), seconds)
        await self._throttle.pause(seconds)
        if failure.limit is Limit.WORKSPACE:
            for fellow in fellows_of(self._throttle):
                await fellow.pause(seconds)
            self._asks_whose = workspace_of(self._throttle) is None
        return seconds

    async def _learn_workspace(self) -> None:
        """Ask of which workspace the token is, so that the next limit of the workspace pauses its other tokens too."""
        self._asks_whose = False
        answer = await self._send(_Request("GET", "users/me", None, Effect.READ, "the integration"), None)
        if isinstance(answer, Failure):
            log.info("Notion does not say of which workspace the token is: %s", answer.reason)
            return
        bot = answer.get("bot")
        workspace = bot.get("workspace_id") if isinstance(bot, dict) else None
        if isinstance(workspace, str):
            note_workspace(self._throttle, workspace)

    def _check_patience(self, failure: Failure, pause: float, deadline: float, subject: str) -> None:
        if time.monotonic() + pause > deadline:
            raise SideError(
                f"{subject}: {overrun(failure)}, and it asks to wait {pause:.0f} s, longer "
                f"than the {self._patience:.0f} s that one request may take; the next run tries again"
            )


def _usable_token(token: SecretStr | None, name: str) -> str:
    secret = token.get_secret_value().strip() if token else ""
    if not secret:
        raise SideError(f"{name} is not set: give the token of a Notion integration")
    if not secret.isascii() or not secret.isprintable() or " " in secret:
        raise SideError(f"{name} holds signs that no token has: copy the integration's token again")
    return secret


def _usable_address(base_url: str) -> str:
    address = base_url.strip().rstrip("/").removesuffix("/v1")
    try:
        url = urlsplit(address)
        usable = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise SideError("NOTION_BASE_URL is not an address such as https://api.notion.com")
    if url.username or url.password or url.query or url.fragment:
        raise SideError("NOTION_BASE_URL must hold no password, query or fragment")
    return address
