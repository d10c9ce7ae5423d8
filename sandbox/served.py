"""A stand-in that is served from a thread beside a test or a demo."""

from __future__ import annotations

import socket
import threading
import time
from types import TracebackType
from typing import Self

import uvicorn

_START_SECONDS = 20.0


class Served:
    """A server in a thread of its own, from `start` to `stop` or for as long as a `with` block.

    Args:
        server: what answers.
        listener: the socket on which it does, which is closed with it.
        name: of the thread.
        not_started: what is raised where it does not begin to answer.
    """

    def __init__(
        self, server: uvicorn.Server, listener: socket.socket, name: str, not_started: Exception
    ) -> None:
        self._server, self._listener, self._not_started = server, listener, not_started
        self._thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listener]}, name=name, daemon=True
        )

    def start(self) -> None:
        """Serve, and come back when requests are answered."""
        self._thread.start()
        limit = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if time.monotonic() > limit or not self._thread.is_alive():
                raise self._not_started
            time.sleep(0.01)

    def stop(self) -> None:
        """Stop serving."""
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
