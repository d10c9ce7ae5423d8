"""Start Python programs that have their imports behind them.

A start costs more than a second of the processor, nearly all of it for imports. `start` asks a process that has made
them, one for the test run, to fork: the program is a process of its own as any other, with its arguments, environment,
directory and output, and has run no line of ours but imports. What is to be started afresh, such as a program whose
imports are what is tested, is given to `subprocess`.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from signal import SIGKILL
from typing import TextIO

from worker.machine.child_process import tied

ROOT = Path(__file__).resolve().parents[2]
#: Settings of Python that a program which was forked still heeds; with any other one it is started afresh.
HEEDED = {
    "PYTHONPATH", "PYTHONUNBUFFERED", "PYTHONWARNINGS", "PYTHONFAULTHANDLER", "PYTHONDONTWRITEBYTECODE",
}  # fmt: skip
#: What Celery and Typer read as they are imported; where a program has any of it, it imports them itself.
READ_BY_IMPORTS = (
    "REMAP_SIGTERM",
    "NOSETPS",
    "AUTOSCALE_",
    "CELERY_",
    "C_FAKEFORK",
    "C_BENCH",
    "TYPER_",
    "TERMINAL_WIDTH",
)
#: Where it reads as it starts how it is to encode.
ENCODINGS = ("LC_ALL", "LC_CTYPE", "LANG")


class Forked:
    """A program that was forked: what `subprocess.Popen` says of one, as far as it is asked."""

    def __init__(self, arguments: Sequence[str], told: socket.socket) -> None:
        self.args = list(arguments)
        self.returncode: int | None = None
        self._told = told.makefile("r")
        self._socket = told
        self.pid = int(self._told.readline())

    def poll(self) -> int | None:
        return self._look(0)

    def wait(self, timeout: float | None = None) -> int:
        code = self._look(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(SIGKILL)

    def _look(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self._socket], [], [], timeout)[0]:
            line = self._told.readline()
            # The process that forks is gone, and with it what it had forked.
            self.returncode = int(line) if line else -SIGKILL
            self._told.close()
            self._socket.close()
        return self.returncode


Started = Forked | subprocess.Popen[bytes]


def start(
    arguments: Sequence[str],
    *,
    output: int,
    errors: int | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Started:
    """Start a program in a session of its own that ends with the test run; both files are descriptors.

    Without a file for errors they come with the output.
    """
    env = dict(os.environ if env is None else env)
    if _may_be_forked(arguments, env):
        return _fork(arguments, output, output if errors is None else errors, env, cwd or Path.cwd())
    return fresh(arguments, output=output, errors=errors, env=env, cwd=cwd)


def fresh(
    arguments: Sequence[str],
    *,
    output: int,
    errors: int | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start any program so, in an interpreter of its own."""
    return subprocess.Popen(
        tied(arguments, SIGKILL),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if errors is None else errors,
        env=None if env is None else dict(env),
        cwd=cwd,
        start_new_session=True,
    )


def piped(
    arguments: Sequence[str], *, env: Mapping[str, str], cwd: Path, with_errors: bool = False
) -> tuple[Started, TextIO]:
    """Start a program; the other end of what it prints, with errors or without, which the caller closes."""
    ours, theirs = os.pipe()
    try:
        errors = None if with_errors else 2
        return start(arguments, output=theirs, errors=errors, env=env, cwd=cwd), os.fdopen(ours)
    finally:
        os.close(theirs)


def run(
    arguments: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float = 60,
) -> subprocess.CompletedProcess[str]:
    """Start a program and wait for its end; what it printed."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        process = start(arguments, output=output.fileno(), errors=errors.fileno(), env=env, cwd=cwd)
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        printed = []
        for file in (output, errors):
            file.seek(0)
            printed.append(file.read().decode())
    return subprocess.CompletedProcess(list(arguments), code, *printed)


def _may_be_forked(arguments: Sequence[str], env: Mapping[str, str]) -> bool:
    of_python = {name for name in {*env, *os.environ} if name.startswith("PYTHON")} - HEEDED
    return (
        len(arguments) > 1
        and arguments[0] == sys.executable
        and (arguments[1] in ("-c", "-m") or arguments[1].endswith(".py"))
        and all(env.get(name) == os.environ.get(name) for name in of_python)
        and not any(name.startswith(READ_BY_IMPORTS) for name in env)
        and _encodes_as_usual(env)
        and _encodes_as_usual(os.environ)
    )


def _encodes_as_usual(env: Mapping[str, str]) -> bool:
    """In UTF-8, as Python does unless a locale is named that has another encoding."""
    named = next((env[name] for name in ENCODINGS if env.get(name)), "C")
    return named in ("C", "POSIX") or "utf" in named.lower()


def _fork(arguments: Sequence[str], output: int, errors: int, env: Mapping[str, str], cwd: Path) -> Forked:
    ours, theirs = socket.socketpair()
    with theirs:
        wanted = json.dumps({"arguments": list(arguments), "env": dict(env), "cwd": str(cwd)}).encode()
        with tempfile.TemporaryFile() as request:
            request.write(wanted)
            request.flush()
            socket.send_fds(_forking(), [b"\n"], [request.fileno(), output, errors, theirs.fileno()])
            return Forked(arguments, ours)


@cache
def _forking() -> socket.socket:
    """The process that has made the imports; it ends when this end of its socket is closed, with this process."""
    ours, theirs = socket.socketpair()
    with theirs:
        # Not tied to the thread that happens to be the first to start something.
        process = subprocess.Popen(
            [sys.executable, "-P", str(Path(__file__).with_name("forking.py")), str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            env={
                name: value
                for name, value in os.environ.items()
                if name not in HEEDED and not name.startswith(READ_BY_IMPORTS)
            },
            cwd=ROOT,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours
