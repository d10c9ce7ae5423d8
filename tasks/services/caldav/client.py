"""Requests to a CalDAV server, and what each kind of answer means for a run."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit, urlunsplit

from pydantic import SecretStr

from tasks.errors import ItemError, OutcomeUnknownError, PreconditionError, SideError, TaskDefinitionError

#: Seconds for one request; large calendars are slow to list.
TIMEOUT_SECONDS = 60
#: Waits for a server that is busy (429, or 503 with `Retry-After`): the least, and all of one request.
SHORTEST_WAIT_SECONDS = 1
LONGEST_WAIT_SECONDS = 120

WRITES = frozenset({"PUT", "DELETE", "MKCALENDAR"})


class CalDAVClient:
    """One server and one user.

    It wraps the library's client, which negotiates basic and digest authentication. Redirects are refused:
    followed, a `PUT` would turn into a `GET` that succeeds.

    Raises:
        TaskDefinitionError: the address is not one of HTTP.
    """

    def __init__(self, url: str, username: str | None = None, password: SecretStr | None = None) -> None:
        self.url, in_url = split_credentials(url)
        self.username = username if username is not None else in_url[0]
        self._password = password if password is not None or username is not None else in_url[1]
        self._library: Any = None
        self._first = asyncio.Lock()
        self._known = False
        #: Called right before each write is sent, after all waiting; what it raises stops the write.
        self.before_write: Callable[[], None] = lambda: None

    async def __aenter__(self) -> Self:
        # The library and its HTTP client take long to import; only runs that need CalDAV load them.
        from caldav.async_davclient import AsyncDAVClient

        self._library = AsyncDAVClient(
            url=self.url,
            username=self.username,
            password=self._password.get_secret_value() if self._password is not None else None,
            timeout=TIMEOUT_SECONDS,
            enable_rfc6764=False,
            rate_limit_handle=False,  # it would wait and then write unasked
        )
        self._library.session.max_redirects = 0
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._library is not None:
            await self._library.close()
            self._library = None

    @property
    def server(self) -> str:
        """How messages name the server."""
        return f"CalDAV server {urlsplit(self.url).netloc}"

    async def request(
        self,
        method: str,
        url: str,
        body: str = "",
        headers: dict[str, str] | None = None,
        *,
        subject: str = "",
    ) -> Any:
        """Send one request and return the library's answer with `status`, `headers`, `tree` and `raw`.

        Arguments:
            method: The HTTP method.
            url: The absolute address.
            body: XML or iCalendar.
            headers: Further headers.
            subject: What the request is about, for messages.

        Raises:
            SideError: the server cannot be reached, or refuses the user.
            OutcomeUnknownError: a write was sent and its answer did not come.
        """
        from caldav.lib import error as refusals
        from niquests import exceptions as failures

        about = f"{subject}: " if subject else ""
        try:
            answer = await self._send(method, url, body, headers or {})
        except refusals.AuthorizationError as error:
            if _status(error) == 403:
                raise self._forbidden(method, about) from None
            raise self._unauthorised() from None
        except refusals.RateLimitError:
            raise SideError(
                f"{self.server} is busy and asks to come back later; the next run tries again"
            ) from None
        except NotImplementedError:
            raise SideError(
                f"{self.server} asks for a kind of login other than basic, digest or bearer"
            ) from None
        except failures.TooManyRedirects:
            raise SideError(f"{self.server} redirects {url}: give the address that it leads to") from None
        except (
            failures.ConnectTimeout,
            failures.SSLError,
            failures.InvalidURL,
            failures.ProxyError,
        ) as error:
            raise self._unreachable(error) from None
        except (failures.RequestException, OSError, asyncio.IncompleteReadError) as error:
            if _unsent(error):
                raise self._unreachable(error) from None
            if method in WRITES:
                raise OutcomeUnknownError(f"{about}no answer came to {method}: {_short(error)}") from None
            raise SideError(f"{self.server} broke off its answer: {_short(error)}") from None
        except (refusals.DAVError, SyntaxError) as error:  # lxml's error for broken XML is a SyntaxError
            if method in WRITES:
                raise OutcomeUnknownError(f"{about}the answer to {method} cannot be read") from None
            raise SideError(
                f"{self.server} gave an answer that cannot be read: {type(error).__name__}"
            ) from None
        if answer.status >= 500 and answer.status != 507:
            if method in WRITES:
                raise OutcomeUnknownError(f"{about}the server failed at {method} with status {answer.status}")
            raise SideError(f"{self.server} failed with status {answer.status}; the next run tries again")
        return answer

    async def _send(self, method: str, url: str, body: str, headers: dict[str, str]) -> Any:
        """Send, and send again after the time that a busy server asks for."""
        from caldav.lib.error import RateLimitError

        waited = 0.0
        while True:
            if method in WRITES:
                self.before_write()
            try:
                async with self._first:
                    if not self._known:
                        return await self._introduce(method, url, body, headers)
                return await self._library.request(url, method, body, headers)
            except RateLimitError as error:
                pause = max(float(error.retry_after_seconds or 0), SHORTEST_WAIT_SECONDS)
                waited += pause
                if waited > LONGEST_WAIT_SECONDS:
                    raise
                await asyncio.sleep(pause)

    async def _introduce(self, method: str, url: str, body: str, headers: dict[str, str]) -> Any:
        """The first request, alone: the library learns from its answer how the server wants to be greeted.

        Two at once would both be refused, and the second one taken for a wrong password.
        """
        answer = await self._library.request(url, method, body, headers)
        self._known = True
        return answer

    def _unauthorised(self) -> SideError:
        if self.username is None:
            return SideError(f"{self.server} asks for a login: set CALDAV_USERNAME and CALDAV_PASSWORD")
        return SideError(
            f"{self.server} refused user {self.username!r}: check CALDAV_USERNAME and CALDAV_PASSWORD"
        )

    def _forbidden(self, method: str, about: str) -> SideError | ItemError:
        if method in WRITES:
            return ItemError(f"{about}{self.server} does not allow {method}: the calendar may be read-only")
        return SideError(f"{self.server} does not let user {self.username!r} read {self.url}")

    def _unreachable(self, error: Exception) -> SideError:
        return SideError(f"{self.server} cannot be reached: {_short(error)}")


def refuse(answer: Any, subject: str) -> ItemError:
    """The error for a write that the server did not take.

    Arguments:
        answer: The library's answer, with a status that is not a success.
        subject: What was written.
    """
    if answer.status in (404, 410, 412):
        return PreconditionError(f"{subject}: it changed on the server meanwhile; the next run sees how")
    rules = [element.tag.partition("}")[2] for element in answer.tree] if answer.tree is not None else []
    why = f" ({', '.join(rules)})" if rules and answer.tree.tag == "{DAV:}error" else ""
    return ItemError(f"{subject}: the server refused it with status {answer.status}{why}")


def split_credentials(url: str) -> tuple[str, tuple[str | None, SecretStr | None]]:
    """An address without the user and password in it, and these.

    Raises:
        TaskDefinitionError: it is not an address of HTTP.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        host = None
    if host is None or parts.scheme not in ("http", "https"):
        raise TaskDefinitionError("calendar_url must begin with https:// or http:// and name a server")
    netloc = f"[{host}]" if ":" in host else host
    netloc += f":{port}" if port is not None else ""
    bare = urlunsplit((parts.scheme, netloc, parts.path.rstrip("/") + "/", "", ""))
    user = unquote(parts.username) if parts.username else None
    return bare, (user, SecretStr(unquote(parts.password)) if parts.password else None)


def _status(error: Any) -> int | None:
    status = getattr(error, "status", None)
    return status if isinstance(status, int) else None


def _unsent(error: BaseException) -> bool:
    """Whether no connection was made, so that nothing can have been written."""
    names = {"NewConnectionError", "NameResolutionError", "ConnectTimeoutError", "ConnectionRefusedError"}
    seen: list[Any] = [error]
    for cause in seen:
        if type(cause).__name__ in names:
            return True
        further = (
            *getattr(cause, "args", ()),
            getattr(cause, "reason", None),
            cause.__cause__,
            cause.__context__,
        )
        seen += [one for one in further if isinstance(one, BaseException) and one not in seen]
    return False


def _short(error: BaseException) -> str:
    """The last cause in a few words; the whole text repeats addresses and objects."""
    text = str(error)
    if match := re.search(r"Failed to resolve ('[^']*')", text):
        return f"the name {match[1]} is unknown"
    if match := re.search(r"Failed to establish a new connection: ([^\"]*)", text):
        return match[1]
    return type(error).__name__
