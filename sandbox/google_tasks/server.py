"""Runs the account as a server in a thread beside a test or a demo."""

from __future__ import annotations

import socket

import uvicorn

from sandbox.google_tasks.account import Account
from sandbox.google_tasks.app import Google, app
from sandbox.google_tasks.clock import Clock
from sandbox.google_tasks.faults import Faults
from sandbox.google_tasks.tokens import Tokens
from sandbox.served import Served


class GoogleTasks(Served):
    """An account served from a thread on a free port.

    `url` is the base of the API, `auth_url` the page that asks for consent, `token_url` where tokens come from.
    """

    def __init__(self, *, port: int = 0, host: str = "127.0.0.1") -> None:
        self.google = Google()
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
        self.port = int(listener.getsockname()[1])
        root = f"http://{host}:{self.port}"
        self.url, self.auth_url, self.token_url = root, f"{root}/oauth2/auth", f"{root}/oauth2/token"
        server = uvicorn.Server(
            uvicorn.Config(
                app(self.google),
                log_level="warning",
                access_log=False,
                lifespan="off",
                timeout_graceful_shutdown=3,
            )
        )
        super().__init__(
            server, listener, "google-tasks-sandbox", RuntimeError("the Google Tasks sandbox did not start")
        )

    @property
    def account(self) -> Account:
        """The task lists, and what people do in their apps."""
        return self.google.account

    @property
    def clock(self) -> Clock:
        """The time of the account."""
        return self.google.clock

    @property
    def faults(self) -> Faults:
        """What goes wrong with the next requests."""
        return self.google.faults

    @property
    def tokens(self) -> Tokens:
        """Who is let in."""
        return self.google.tokens

    @property
    def requests(self) -> list[tuple[str, str, int]]:
        """The method, path and status of each request to the API."""
        return self.google.requests

    def clear(self) -> None:
        """Begin anew: an account as at first, nobody logged in, no faults, the real time."""
        self.faults.clear()
        self.clock.set(None)
        self.google.account, self.google.tokens = Account(self.clock), Tokens(self.clock)
        self.requests.clear()
