"""The process that `starting.py` asks for programs: it imports what they need, and forks for each.

Run as `python -P forking.py FD`; what is forked goes on as if the interpreter had just been started for it.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import importlib
import io
import json
import os
import pkgutil
import runpy
import selectors
import signal
import socket
import sys
import time
import types
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Of the product, what is imported by any command; never what looks at settings as it is imported.
PACKAGES = ("config", "tasks", "worker")
NOT_IMPORTED = {"worker.celery"}
#: Sentry wraps a function of Celery's before this takes it, so it has to come after the settings are read.
NOT_YET = "celery.worker.consumer"
#: Which descriptors a program may have: none of ours but the three that all have.
MOST_DESCRIPTORS = 4096


@dataclass(frozen=True)
class Wanted:
    """A program to be."""

    arguments: list[str]
    env: dict[str, str]
    cwd: str
    output: int
    errors: int


def imported() -> None:
    """Import Celery with its commands, and the product."""
    importlib.import_module("celery.bin.celery")
    sys.modules[NOT_YET] = None  # type: ignore[assignment]
    for name in PACKAGES:
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            if module.name not in NOT_IMPORTED and not module.name.endswith("__main__"):
                with contextlib.suppress(ImportError):
                    importlib.import_module(module.name)
    del sys.modules[NOT_YET]


def serve(control: socket.socket) -> Wanted | None:
    """Fork for each request until the other end is closed. Returns in what was forked, or `None` at the end."""
    woken, wakes = socket.socketpair()
    for end in (woken, wakes):
        end.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakes.fileno(), warn_on_full_buffer=False)
    tell: dict[int, socket.socket] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        selector.register(woken, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is woken:
                    woken.recv(4096)
                    reap(tell)
                    continue
                word, files, _, _ = socket.recv_fds(control, 1, 4)
                if not word:
                    return None
                wanted = read(files)
                pid = os.fork()
                if pid == 0:
                    signal.set_wakeup_fd(-1)
                    os.setsid()  # before anybody knows the process
                    os.write(files[3], f"{os.getpid()}\n".encode())
                    return wanted
                tell[pid] = socket.socket(fileno=files[3])
                for file in files[:3]:
                    os.close(file)


def read(files: list[int]) -> Wanted:
    """What the first of the files asks for; the next two are for output."""
    length = os.fstat(files[0]).st_size
    return Wanted(**json.loads(os.pread(files[0], length, 0)), output=files[1], errors=files[2])


def reap(tell: dict[int, socket.socket]) -> None:
    """Tell how programs have ended."""
    while tell:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        with tell.pop(pid) as told, contextlib.suppress(OSError):
            told.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())


def become(wanted: Wanted, parent: int, path: list[str]) -> None:
    """Take on all that a program gets from the one who starts it, and what the interpreter makes of it."""
    for file, place in ((os.open(os.devnull, os.O_RDONLY), 0), (wanted.output, 1), (wanted.errors, 2)):
        os.dup2(file, place)
    os.closerange(3, MOST_DESCRIPTORS)
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit("the starting process has ended")
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(wanted.env)
    time.tzset()
    os.chdir(wanted.cwd)
    heed(wanted.env)
    way, *rest = wanted.arguments[1:]
    first = {"-c": "", "-m": wanted.cwd}.get(way, str(Path(way).parent))
    sys.path[:] = [first, *filter(None, wanted.env.get("PYTHONPATH", "").split(os.pathsep)), *path]
    importlib.invalidate_caches()
    sys.orig_argv = wanted.arguments
    sys.argv = [way, *rest[1:]] if way in ("-c", "-m") else [way, *rest]


def heed(env: dict[str, str]) -> None:
    """What variables of Python do as it starts."""
    unbuffered = bool(env.get("PYTHONUNBUFFERED"))

    def opened(file: int, errors: str, by_line: bool) -> io.TextIOWrapper:
        return io.TextIOWrapper(
            os.fdopen(file, "wb", 0 if unbuffered else -1, closefd=False),  # type: ignore[arg-type]
            encoding=sys.stdout.encoding,
            errors=errors,
            line_buffering=by_line and not unbuffered,
            write_through=unbuffered,
        )

    sys.stdin = sys.__stdin__ = open(0, encoding=sys.stdin.encoding, closefd=False)  # noqa: SIM115
    sys.stdout = sys.__stdout__ = opened(1, "strict", by_line=False)  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = opened(2, "backslashreplace", by_line=True)  # type: ignore[misc]
    for name in filter(None, env.get("PYTHONWARNINGS", "").split(",")):
        warnings.simplefilter(name)  # type: ignore[arg-type]
    sys.dont_write_bytecode = bool(env.get("PYTHONDONTWRITEBYTECODE"))
    if env.get("PYTHONFAULTHANDLER"):
        faulthandler.enable()


def main_module(arguments: list[str]) -> None:
    """Run what stands behind `-c` or `-m`, or a file, as the main module."""
    if arguments[1] == "-m":
        runpy.run_module(arguments[2], run_name="__main__", alter_sys=True)
        return
    if arguments[1] != "-c":
        runpy.run_path(arguments[1], run_name="__main__")
        return
    module: Any = types.ModuleType("__main__")
    module.__builtins__ = __builtins__
    sys.modules["__main__"] = module
    exec(compile(arguments[2], "<string>", "exec"), module.__dict__)


def main() -> Wanted | None:
    control = socket.socket(fileno=int(sys.argv[1]))
    path = list(sys.path)
    sys.path.insert(0, str(Path.cwd()))
    imported()
    gc.collect()
    gc.freeze()
    parent = os.getpid()
    wanted = serve(control)
    if wanted is not None:
        control.detach()
        become(wanted, parent, path)
    return wanted


if __name__ == "__main__":
    program = main()
    # Out of the functions above, so that a traceback of the program is short and its end that of the interpreter.
    if program is not None:
        main_module(program.arguments)
