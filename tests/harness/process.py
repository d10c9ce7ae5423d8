"""One real process, with its output in a file."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from tests.harness.starting import fresh, start

T = TypeVar("T")

#: Lines of a log that a failure shows.
TAIL = 40
#: Seconds between two looks.
PAUSE = 0.05
#: Time-outs are what a quiet machine never needs; a busy one gets this many times as long.
PATIENCE = 3.0


def hear_interrupts() -> None:
    """For a child before it begins: a test run in the background of a shell ignores Ctrl-C, and would pass that on."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def eventually(predicate: Callable[[], T], timeout: float = 10.0, what: str = "") -> T:
    """The first true answer of `predicate`; `AssertionError` when there is none in time.

    An `AssertionError` of the predicate counts as "not yet", and the last one is shown.
    """
    timeout *= PATIENCE
    give_up_at = time.monotonic() + timeout
    while True:
        failure: AssertionError | None = None
        answer = None
        try:
            answer = predicate()
            if answer:
                return answer
        except AssertionError as error:
            failure = error
        if time.monotonic() >= give_up_at:
            name = what or getattr(predicate, "__name__", "the predicate")
            seen = failure if failure is not None else f"last answer {answer!r}"
            raise AssertionError(f"not within {timeout:g} s: {name} ({seen})") from failure
        time.sleep(PAUSE)


class Process:
    """A program in a process group of its own; leaving the `with` block ends the whole group.

    It is also ended by the kernel when the test run dies, on Linux.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        name: str | None = None,
        afresh: bool = False,
    ) -> None:
        """`afresh` has an interpreter of its own start it, as the imports are what is tested."""
        self.arguments = list(arguments)
        self.name = name or Path(self.arguments[0]).name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._process = (fresh if afresh else start)(
                self.arguments, output=output.fileno(), env=env, cwd=cwd
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """`None` while it runs."""
        return self._process.poll()

    @property
    def running(self) -> bool:
        return self.returncode is None

    def output(self) -> str:
        """All that it has printed."""
        return self.log.read_text(errors="replace")

    def tail(self) -> str:
        """The end of the output with a heading, for messages."""
        state = "running" if self.running else f"ended with {self.returncode}"
        lines = self.output().splitlines()[-TAIL:]
        return "\n".join([f"--- {self.name}, pid {self.pid}, {state}, {self.log}:", *lines, "---"])

    def wait_for_line(self, pattern: str, timeout: float = 20.0, *, after: int = 0) -> re.Match[str]:
        """The first match of the regular expression in the output from character `after` on.

        `after=len(process.output())` waits for news only.
        """
        expression = re.compile(pattern, re.MULTILINE)
        return self.wait_until(
            lambda: expression.search(self.output(), after), timeout, f"a line like {pattern!r}"
        )

    def wait_until(self, predicate: Callable[[], T | None], timeout: float = 20.0, what: str = "") -> T:
        """The first true answer of `predicate`, which must come while the process runs."""
        timeout *= PATIENCE
        give_up_at = time.monotonic() + timeout
        while True:
            # Asked before the predicate: what was printed last is still looked at.
            ended = not self.running
            answer = predicate()
            if answer:
                return answer
            name = what or getattr(predicate, "__name__", "the predicate")
            if ended:
                raise AssertionError(f"{self.name} ended before {name}\n{self.tail()}")
            if time.monotonic() >= give_up_at:
                raise AssertionError(f"{self.name}: not within {timeout:g} s: {name}\n{self.tail()}")
            time.sleep(PAUSE)

    def wait_exit(self, timeout: float = 20.0) -> int:
        """The exit code; `AssertionError` when the process does not end in time."""
        try:
            return self._process.wait(timeout * PATIENCE)
        except subprocess.TimeoutExpired:
            tail = self.tail()
            raise AssertionError(
                f"{self.name} did not end within {timeout * PATIENCE:g} s\n{tail}\n{self.stacks()}"
            ) from None

    def stacks(self) -> str:
        """End it, and where its threads were; nothing where `PYTHONFAULTHANDLER` did not ask for that."""
        seen = len(self.output())
        self.signal(signal.SIGABRT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        return self.output()[seen:]

    def stop(self) -> None:
        """Freeze it (SIGSTOP)."""
        self._signal_group(signal.SIGSTOP)

    def cont(self) -> None:
        """Let it go on (SIGCONT)."""
        self._signal_group(signal.SIGCONT)

    def terminate(self) -> None:
        """Ask the first process of the group to end (SIGTERM)."""
        self.signal(signal.SIGTERM)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the first process of the group."""
        self._process.send_signal(number)

    def kill(self) -> int:
        """End the whole group at once (SIGKILL) and return the exit code."""
        self._signal_group(signal.SIGKILL)
        return self.wait_exit()

    def end(self, timeout: float = 5.0) -> None:
        """Ask it to end, and end whatever of the group is there after `timeout` seconds. Safe to repeat."""
        if self.running:
            self.cont()
            self.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout)
        self._signal_group(signal.SIGKILL)
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def _signal_group(self, number: signal.Signals) -> None:
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            return
