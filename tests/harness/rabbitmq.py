"""A RabbitMQ server of the tests' own, where one is installed: a real process below one directory."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from signal import SIGKILL, SIGTERM
from types import TracebackType
from typing import Self

import amqp

from worker.machine.child_process import tied
from worker.machine.redis_server import free_port

#: Where Debian has the server itself; what it puts on the PATH wants to be another user.
DEBIAN = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
USER, PASSWORD = "guest", "guest"
#: Seconds that a start may take on a busy machine.
PATIENCE = 120.0


def find_rabbitmq() -> str | None:
    """The program; `None` where none is installed."""
    return str(DEBIAN) if DEBIAN.exists() else shutil.which("rabbitmq-server")


class RabbitMQ:
    """A server on ports of its own; it keeps what is durable over `restart`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self._of_nodes = free_port()
        self._of_names = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        #: Erlang's register of names, which would go on by itself if the server started it.
        self._names: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        for name in ("home", "data", "log"):
            (self.directory / name).mkdir(parents=True)
        (self.directory / "plugins").write_text("[].\n")
        # A port that is tied to this machine, no statistics, and no disk that is too full.
        (self.directory / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\n"
            "disk_free_limit.absolute = 1MB\nlog.console = false\nlog.file.level = info\n"
        )
        program = shutil.which("epmd")
        assert program is not None, "Erlang comes with it"
        with (self.directory / "log" / "names").open("ab") as output:
            self._names = subprocess.Popen(
                tied([program, "-port", str(self._of_names), "-address", "127.0.0.1"], SIGKILL),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        if self._names is not None:
            self._names.kill()
            self._names.wait()

    def url(self, vhost: str = "", *, user: str = USER, password: str = PASSWORD) -> str:
        """The address as `LOCKSTEP_BROKER_URL` takes it."""
        return f"amqp://{user}:{password}@127.0.0.1:{self.port}/{vhost}"

    def start(self) -> None:
        """Start it, and wait until it takes logins."""
        program = find_rabbitmq()
        assert program is not None
        names = ("PATH", "LANG", "LC_ALL", "TMPDIR")
        env = {name: os.environ[name] for name in names if name in os.environ} | {
            "HOME": str(self.directory / "home"),
            "RABBITMQ_NODENAME": f"lockstep{self.port}@localhost",
            "RABBITMQ_MNESIA_BASE": str(self.directory / "data"),
            "RABBITMQ_LOG_BASE": str(self.directory / "log"),
            "RABBITMQ_CONFIG_FILE": str(self.directory / "rabbitmq"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.directory / "plugins"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(self.directory / "data" / "config"),
            "RABBITMQ_DIST_PORT": str(self._of_nodes),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            # No shell stays beside it, so that it ends with the test run.
            "RUNNING_UNDER_SYSTEMD": "true",
            "ERL_EPMD_PORT": str(self._of_names),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            # It waits for work without using a processor.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+sbwt none +sbwtdcpu none +sbwtdio none",
        }
        with (self.directory / "log" / "output").open("ab") as output:
            self._process = subprocess.Popen(
                tied([program], SIGKILL),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=env,
                cwd=self.directory,
                start_new_session=True,
            )
        give_up_at = time.monotonic() + PATIENCE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > give_up_at:
                raise RuntimeError(f"RabbitMQ did not start:\n{self._told()}")
            time.sleep(0.1)

    def stop(self) -> None:
        """End it as an operator does, with all that it was told on the disk."""
        if self._process is not None:
            os.killpg(self._process.pid, SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(PATIENCE)
        self.kill()

    def kill(self) -> None:
        """End it at once, as a machine that fails does: what it was told in the last two seconds may be lost."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, SIGKILL)
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        """The same server with what it had kept."""
        self.kill()
        self.start()

    def connect(self) -> amqp.Connection:
        """A connection past everything that is tested."""
        found = amqp.Connection(f"127.0.0.1:{self.port}", userid=USER, password=PASSWORD, connect_timeout=5)
        found.connect()
        return found

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1):
                pass
            self.connect().close()
        except (OSError, amqp.AMQPError):
            return False
        return True

    def _told(self) -> str:
        return "".join(
            path.read_text(errors="replace")[-3000:]
            for path in (self.directory / "log").glob("*")
            if path.is_file()
        )
