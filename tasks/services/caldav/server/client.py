"""Requests to a CalDAV server, and what each kind of answer means for a run.

On plain HTTP and not a CalDAV library: here a login leaves for one server only, no write is sent again unasked,
and no answer takes more memory than it may.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit, urlunsplit

import httpx
from pydantic import SecretStr

from tasks import server_clock
from tasks.errors import ItemError, OutcomeUnknownError, PreconditionError, SideError, TaskDefinitionError
from tasks.services.caldav.server.answer import Answer, TooLargeError, Unpacked
from tasks.services.caldav.server.login import Login
from tasks.services.caldav.server.oauth import TokenFile
from tasks.waits import wait

#: Seconds without a sign of the server; large calendars are slow to list.
TIMEOUT_SECONDS = 60
#: Waits for a server that is busy (429, or 503 with `Retry-After`): the least, and all of one request.
SHORTEST_WAIT_SECONDS = 1
LONGEST_WAIT_SECONDS = 120

WRITES = frozenset({"PUT", "DELETE", "MKCALENDAR"})
_PORTS = {"http": 80, "https": 443}


class CalDAVClient:
    """One server and one user.

    Redirects are refused: followed, a `PUT` would turn into a `GET` that succeeds. Nothing is ever sent to
    another scheme, host or port than the calendar's.

    Raises:
        TaskDefinitionError: the address is not one of HTTP.
    """

    def __init__(
        self,
        url: str,
        username: str | None = None,
        password: SecretStr | None = None,
        *,
        token: SecretStr | None = None,
        tokens: TokenFile | None = None,
    ) -> None:
        self.url, in_url = split_credentials(url)
        self.username = username if username is not None else in_url[0]
        self._password = password if password is not None or username is not None else in_url[1]
        self._http: httpx.AsyncClient | None = None
        self._is_by_token = token is not None or tokens is not None
        self._tokens = tokens
        self.login = Login(self.username, self._password, token)
        self._greeting = asyncio.Lock()
        self._greeted = False
        #: Called right before each write is sent, after all waiting; what it raises stops the write.
        self.before_write: Callable[[], None] = lambda: None

    async def __aenter__(self) -> Self:
        self._http = httpx.AsyncClient(
            timeout=TIMEOUT_SECONDS,
            verify=_trusted() if self.url.startswith("https:") else False,
            follow_redirects=False,
            headers={"User-Agent": "lockstep", "Accept": "*/*", "Accept-Encoding": "gzip"},
            event_hooks={"response": [server_clock.heed]},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        http, self._http = self._http, None
        if http is not None:
            await http.aclose()

    @property
    def server(self) -> str:
        """How messages name the server."""
        return f"CalDAV server {urlsplit(self.url).netloc}"

    def is_home(self, url: str) -> bool:
        """Whether an address lies on the calendar's own scheme, host and port, and can be asked."""
        try:
            httpx.URL(url)
        except httpx.InvalidURL:
            return False
        return _origin(url) == _origin(self.url)

    async def request(
        self,
        method: str,
        url: str,
        body: str = "",
        headers: dict[str, str] | None = None,
        *,
        subject: str = "",
        of_one: bool = False,
    ) -> Answer:
        """Send one request and give the answer, of whatever status.

        Arguments:
            method: The HTTP method.
            url: The absolute address.
            body: XML or iCalendar.
            headers: Further headers.
            subject: What the request is about, for messages.
            of_one: Whether only one resource is asked for, so that a failure says nothing of the server.

        Raises:
            SideError: the server cannot be reached, fails, or refuses the user.
            ItemError: a write is not allowed.
            OutcomeUnknownError: a write was sent and its answer did not come.
        """
        about = f"{subject}: " if subject else ""
        if not self.is_home(url):
            raise SideError(f"{about}{url} is not on {self.server}; nothing is sent there")
        try:
            answer = await self._send(method, url, body, headers or {})
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as error:
            raise SideError(f"{self.server} cannot be reached: {_short(error)}") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TooLargeError) as error:
            if method in WRITES:
                raise OutcomeUnknownError(f"{about}no answer came to {method}: {_short(error)}") from None
            raise SideError(f"{self.server} broke off its answer: {_short(error)}") from None
        return self._checked(answer, method, url, about, of_one)

    def _checked(self, answer: Answer, method: str, url: str, about: str, of_one: bool) -> Answer:
        status, write = answer.status, method in WRITES
        if status == 401:
            raise self._unauthorised()
        if status == 403 and not of_one:
            raise self._forbidden(write, about, answer)
        if 300 <= status < 400 and (write or not of_one):
            raise SideError(f"{self.server} redirects {url}: give the address that it leads to")
        if status == 429 or (status == 503 and "Retry-After" in answer.headers):
            raise SideError(f"{self.server} is busy and asks to come back later; the next run tries again")
        if status >= 500 and status != 507 and not of_one:
            if write:
                raise OutcomeUnknownError(f"{about}the server failed at {method} with status {status}")
            raise SideError(f"{self.server} failed with status {status}; the next run tries again")
        return answer

    async def _send(self, method: str, url: str, body: str, headers: dict[str, str]) -> Answer:
        """Send, and send again after the time that a busy server asks for."""
        await self._bear()
        await self._greet()
        waited, renewed = 0.0, False
        while True:
            if method in WRITES:
                self.before_write()
            answer = await self._exchange(method, url, body, headers)
            if answer.status == 401 and not renewed:
                renewed = await self._bear(anew=True)
                if renewed:
                    continue
            pause = answer.asks_to_wait
            if pause is None:
                return answer
            pause = max(pause, SHORTEST_WAIT_SECONDS)
            waited += pause
            if waited > LONGEST_WAIT_SECONDS:
                return answer
            await wait(pause)

    async def _bear(self, *, anew: bool = False) -> bool:
        """Log in by a token that is good for now, where there is a file of them."""
        if self._tokens is None or self._http is None:
            return False
        self.login.bear(await self._tokens.token(self._http, anew=anew))
        return True

    async def _exchange(self, method: str, url: str, body: str, headers: dict[str, str]) -> Answer:
        """One request with its login: sent again where the answer asks for one."""
        if self._http is None:
            raise TaskDefinitionError("the CalDAV client is not open, use it with `async with`")
        request = self._http.build_request(method, url, content=body.encode() or None, headers=headers)
        # Driven here and not by the HTTP client, which would unpack the answers in between without a limit.
        flow = self.login.auth_flow(request)
        request = next(flow)
        while True:
            answer, response = await self._answer(self._http, request)
            try:
                request = flow.send(response)
            except StopIteration:
                return answer
            except (NotImplementedError, ValueError, KeyError):  # of a challenge that is not known or broken
                raise SideError(f"{self.server} asks for a login in a way that is not understood") from None

    async def _greet(self) -> None:
        """Learn how the server wants to be logged in to by a request without a body, before all others.

        One that is refused before its body was read breaks the connection with some servers, and the answer
        is lost: nobody could say then whether a write was one of those.
        """
        http = self._http
        if http is None or self.login.username is None or self.login.is_known:
            return
        async with self._greeting:
            if self._greeted:
                return
            request = http.build_request("PROPFIND", self.url, headers={"Depth": "0"})
            flow = self.login.auth_flow(request)
            _, response = await self._answer(http, next(flow))
            with suppress(
                StopIteration, NotImplementedError, ValueError, KeyError
            ):  # told of the next answer
                request = flow.send(response)
                while self.login.by_challenge:
                    _, response = await self._answer(http, request)
                    request = flow.send(response)
            self._greeted = True

    async def _answer(self, http: httpx.AsyncClient, request: httpx.Request) -> tuple[Answer, httpx.Response]:
        """Send one request; gives the answer, and as what it came."""
        response = await http.send(request, stream=True, auth=None)
        try:
            unpacked = Unpacked(response.headers.get("Content-Encoding", ""))
            async for chunk in response.aiter_raw():
                unpacked.add(chunk)
            return Answer(response.status_code, response.headers, unpacked.whole()), response
        finally:
            await response.aclose()

    def _unauthorised(self) -> SideError:
        if self.login.unknown:
            return SideError(
                f"{self.server} asks for a kind of login other than basic, digest or bearer: {self.login.unknown}"
            )
        if self._is_by_token:
            return SideError(f"{self.server} refused the token: it may be revoked or too old, give a new one")
        if self.username is None:
            return SideError(f"{self.server} asks for a login: set CALDAV_USERNAME and CALDAV_PASSWORD")
        return SideError(
            f"{self.server} refused user {self.username!r}: check CALDAV_USERNAME and CALDAV_PASSWORD, or what its "
            "table says instead"
        )

    def _forbidden(self, write: bool, about: str, answer: Answer) -> SideError | ItemError:
        why = f" ({answer.reason})" if answer.reason else ""
        if write:
            return ItemError(f"{about}{self.server} does not allow it, the calendar may be read-only{why}")
        return SideError(f"{self.server} does not let user {self.username!r} read {self.url}{why}")


def refuse(answer: Answer, subject: str) -> ItemError:
    """The error for a write that the server did not take.

    Arguments:
        answer: An answer with a status that is not a success.
        subject: What was written.
    """
    if answer.status in (404, 410, 412):
        return PreconditionError(f"{subject}: it changed on the server meanwhile; the next run sees how")
    why = f" ({answer.reason})" if answer.reason else ""
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
        raise TaskDefinitionError("its address must begin with https:// or http:// and name a server")
    netloc = f"[{host}]" if ":" in host else host
    netloc += f":{port}" if port is not None else ""
    bare = urlunsplit((parts.scheme, netloc, parts.path.rstrip("/") + "/", "", ""))
    user = unquote(parts.username) if parts.username else None
    return bare, (user, SecretStr(unquote(parts.password)) if parts.password else None)


def _origin(url: str) -> tuple[str, str, int | None] | None:
    """Scheme, host and port; `None` for what is no address, or names a user of its own."""
    try:
        parts = urlsplit(url)
        if "@" in parts.netloc or "\\" in parts.netloc or parts.hostname is None:
            return None
        return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None


def _trusted() -> ssl.SSLContext:
    """The usual certificates, and those that this machine trusts."""
    context = httpx.create_ssl_context()
    context.load_default_certs()
    return context


def _short(error: BaseException) -> str:
    """The first cause in a few words; the whole text repeats addresses and objects."""
    if isinstance(error, TooLargeError):
        return str(error)
    cause: BaseException | None = error
    while cause is not None:
        match cause:
            case socket.gaierror():
                return f"the name {_host(error)!r} is unknown"
            case ConnectionRefusedError():
                return "connection refused"
            case ssl.SSLCertVerificationError():
                return f"its certificate is not trusted ({cause.verify_message})"
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__


def _host(error: BaseException) -> str:
    try:
        return error.request.url.host if isinstance(error, httpx.RequestError) else ""
    except RuntimeError:  # it was raised without its request
        return ""
