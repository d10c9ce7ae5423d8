"""Xandikos in a process of its own: another real CalDAV server, which keeps its files in Git and lets everybody in."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

START_SECONDS = 60


@dataclass(frozen=True)
class XandikosServer:
    """A server that runs."""

    url: str
    username: None = None
    password: None = None

    def make_calendar(self, name: str, *_kinds: str) -> str:
        """Make a calendar, which takes every kind of component, and give its address."""
        address = f"{self.url}user/calendars/{name}/"
        with self.http() as http:
            http.request("MKCALENDAR", address).raise_for_status()
        return address

    def http(self) -> httpx.Client:
        """A plain HTTP client, for edits that another program would make."""
        return httpx.Client(timeout=START_SECONDS, trust_env=False)


@contextmanager
def xandikos_server(folder: Path) -> Iterator[XandikosServer]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    options = ("--listen-address", "127.0.0.1", "--port", str(port), "--state-dir", str(folder / "state"))
    kept = ("--directory", str(folder / "collections"), "--defaults", "--no-detect-systemd")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "xandikos", "serve", *options, *kept],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    server = XandikosServer(f"http://127.0.0.1:{port}/")
    try:
        _wait(server, process)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=10)


def _wait(server: XandikosServer, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    with server.http() as http:
        while process.poll() is None and time.monotonic() < deadline:
            try:
                http.get(server.url)
            except httpx.ConnectError:
                time.sleep(0.05)
            else:
                return
    raise RuntimeError("Xandikos does not start")
