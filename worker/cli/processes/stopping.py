"""Being asked to end: once in order, a second time at once.

A signal may come anywhere: while things start, while they run, and while they are ended. What the handler writes goes
straight to the file, since it may have interrupted somebody who is writing.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

#: What is taken for a request to end.
REQUESTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: Signals within this many seconds are one request: hosts and terminals may send several.
ONE_REQUEST = 0.2


class AskedToEndError(BaseException):
    """Ends what is being started; no `Exception`, so that nobody takes it for a failure."""


class Stopping:
    """Requests to end one process.

    Before `runs` a request raises `AskedToEndError`; from then on it calls what `runs` was given.
    """

    def __init__(self) -> None:
        #: The first signal, if there was one.
        self.by: signal.Signals | None = None
        #: Whether there was a second one.
        self.at_once = False
        self._asked_at = 0.0
        self._stop: Callable[[], None] | None = None
        self._kills: list[Callable[[], None]] = []

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Take requests for as long as this lasts."""
        before = {number: signal.signal(number, self._ask) for number in REQUESTS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def runs(self, stop: Callable[[], None]) -> None:
        """All is started: from now on a request calls `stop`, in the handler of the signal."""
        self._stop = stop

    def kills(self, kill: Callable[[], None]) -> None:
        """A second request calls this as well."""
        self._kills.append(kill)

    @property
    def name(self) -> str:
        """What asked, for people."""
        return "Ctrl-C" if self.by is signal.SIGINT else "" if self.by is None else self.by.name

    def _ask(self, number: int, _: FrameType | None) -> None:
        now = time.monotonic()
        if self.by is None:
            self.by, self._asked_at = signal.Signals(number), now
            if self._stop is None:
                raise AskedToEndError
            say(f"Stopping ({self.name}): runs get their time to end; a second signal ends all at once.")
            self._stop()
        elif now - self._asked_at > ONE_REQUEST and not self.at_once:
            self.at_once = True
            say("Ending at once: a second signal came.")
            for kill in self._kills:
                kill()


def say(text: str) -> None:
    """One line on standard output, also inside of a signal handler; a terminal that is gone hears nothing."""
    with suppress(OSError):
        os.write(sys.__stdout__.fileno() if sys.__stdout__ is not None else 1, f"{text}\n".encode())
