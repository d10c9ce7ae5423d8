"""A real CalDAV server on this machine, for the demo and the tests."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import httpx

from tasks.errors import SideError

#: Seconds that the server may take to answer its first request.
START_SECONDS = 30
#: Seconds that it may take to end.
STOP_SECONDS = 10

_MAKE_CALENDAR = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop>'
    "<C:supported-calendar-component-set>{kinds}</C:supported-calendar-component-set>"
    "</D:prop></D:set></C:mkcalendar>"
)


class RadicaleServer:
    """Radicale in a process of its own, with one user and a free port.

    Arguments:
        folder: Where it keeps its calendars; without one, a temporary folder that `stop` removes.
        username: The user.
        password: The user's password; without one, a random one.
        port: Its port; 0 takes a free one, which stays the same over `restart`.

    Raises:
        SideError: it does not start, for instance because the port is in use.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        username: str = "anna",
        password: str | None = None,
        port: int = 0,
    ) -> None:
        self.username = username
        self.password = password if password is not None else secrets.token_urlsafe(12)
        self.port = port
        self._temporary = folder is None
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The server's address, ending in a slash."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def pid(self) -> int | None:
        """The server's process, `None` while it does not run."""
        return self._process.pid if self._process is not None else None

    @property
    def folder(self) -> Path:
        """Where the server keeps calendars, users and log."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="lockstep-radicale-"))
        return self._folder

    def calendar_url(self, name: str) -> str:
        """The address of one of the user's calendars."""
        return f"{self.url}{quote(self.username)}/{quote(name)}/"

    def start(self) -> Self:
        """Start and wait until it answers."""
        if self._process is not None:
            return self
        self.folder.mkdir(parents=True, exist_ok=True)
        users = self.folder / "users"
        users.touch(mode=0o600)
        users.write_text(f"{self.username}:{self.password}\n")
        # A port that was free a moment ago may be taken by another program before the server has it.
        ports = [self.port] if self.port else [_free_port() for _ in range(3)]
        for self.port in ports:
            self._process = self._spawn(users)
            if self._wait():
                return self
            self._end_process()
        log = (self.folder / "log").read_text(errors="replace").strip().splitlines()
        reason = log[-1].rpartition("] ")[2] if log else "it gave no reason"
        raise SideError(f"Radicale did not start at {self.url}: {reason}; is the port in use?")

    def stop(self) -> None:
        """End the server; a temporary folder goes with it."""
        self._end_process()
        if self._temporary and self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def restart(self) -> None:
        """End the server and start it again at the same address with what it kept."""
        self._end_process()
        self.start()

    def make_calendar(self, name: str, *kinds: str) -> str:
        """Make a calendar and give its address; for to-dos where no kinds of components are named.

        Raises:
            SideError: the server does not make it, for instance because it exists.
        """
        named = "".join(f'<C:comp name="{kind}"/>' for kind in kinds or ("VTODO",))
        with self.http() as http:
            answer = http.request(
                "MKCALENDAR", self.calendar_url(name), content=_MAKE_CALENDAR.format(kinds=named)
            )
        if answer.status_code != 201:
            raise SideError(f"Radicale did not make calendar {name!r}: status {answer.status_code}")
        return self.calendar_url(name)

    def http(self, timeout: float = START_SECONDS) -> httpx.Client:
        """A plain HTTP client that is logged in, for edits that another program would make."""
        return httpx.Client(auth=(self.username, self.password), timeout=timeout, trust_env=False)

    def _spawn(self, users: Path) -> subprocess.Popen[bytes]:
        options = {
            "--config": "",  # nothing of this machine's own Radicale
            "--server-hosts": f"127.0.0.1:{self.port}",
            "--storage-filesystem-folder": str(self.folder / "collections"),
            "--auth-type": "htpasswd",
            "--auth-htpasswd-filename": str(users),
            "--auth-htpasswd-encryption": "plain",
            "--auth-delay": "0",
            "--logging-level": "warning",
        }
        arguments = [part for pair in options.items() for part in pair]
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "radicale", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )

    def _wait(self) -> bool:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process is not None and self._process.poll() is None:
            if self._is_ours():
                return True
            time.sleep(0.05)
        return False

    def _is_ours(self) -> bool:
        """Whether it is this server that answers there, and not one that has the port already."""
        try:
            with self.http(timeout=1) as http:
                home = f"{self.url}{quote(self.username)}/"
                answer = http.request("PROPFIND", home, headers={"Depth": "0"})
        except httpx.HTTPError:
            return False
        return answer.status_code == 207 and self._process is not None and self._process.poll() is None

    def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
