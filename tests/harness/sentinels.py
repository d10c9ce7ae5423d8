"""A primary, a replica, and sentinels that make the one of the other when it is gone; each a real process."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import redis

from tests.harness.process import eventually
from worker.machine.child_process import tied
from worker.machine.redis_server import RedisServer, find_server, free_port
from worker.redis_client import connect_url

SERVICE = "mymaster"


class Member(RedisServer):
    """A server that may be primary or replica: both have the same password, and each copies from the other by it."""

    def __init__(self, directory: Path, password: str | None = None, primary: int | None = None) -> None:
        """`primary` is the port of the one that it begins as a replica of."""
        super().__init__(directory)
        self._password = password or self._password
        self._primary = primary

    @property
    def password(self) -> str:
        return self._password

    def _configuration(self, port: int) -> str:
        lines = [f"masterauth {self._password}", "repl-diskless-sync yes", "repl-diskless-sync-delay 0"]
        if self._primary is not None:
            lines.append(f"replicaof 127.0.0.1 {self._primary}")
        return super()._configuration(port) + "\n".join(lines) + "\n"


class SentinelProcess:
    """`redis-server --sentinel` on a port of its own."""

    def __init__(
        self, directory: Path, primary: Member, *, quorum: int, password: str, down_after: int, at: int | None
    ) -> None:
        self.directory, self.port = directory, free_port()
        directory.mkdir(parents=True)
        lines = [
            f"port {self.port}",
            "bind 127.0.0.1",
            f"dir {directory}",
            "logfile sentinel.log",
            f"sentinel monitor {SERVICE} 127.0.0.1 {at or primary.port} {quorum}",
            f"sentinel auth-pass {SERVICE} {primary.password}",
            f"sentinel down-after-milliseconds {SERVICE} {down_after}",
            f"sentinel failover-timeout {SERVICE} 5000",
        ]
        if password:
            lines.append(f"requirepass {password}")
            lines.append(f"sentinel sentinel-pass {password}")
        (directory / "sentinel.conf").write_text("\n".join(lines) + "\n")
        self.process = subprocess.Popen(
            tied([find_server(), str(directory / "sentinel.conf"), "--sentinel"]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.client = redis.Redis(port=self.port, password=password or None, decode_responses=True)

    def knows(self, *, replicas: int, others: int) -> bool:
        """Whether it has found the replicas and the other sentinels."""
        try:
            state = self.client.sentinel_masters()[SERVICE]
        except (redis.RedisError, KeyError):
            return False
        return (state["num-slaves"], state["num-other-sentinels"]) == (replicas, others)

    def kill(self) -> None:
        self.client.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()


class Watched:
    """The servers of one test below `directory`; a `Stack` takes it in place of its Redis."""

    def __init__(
        self,
        directory: Path,
        *,
        sentinels: int = 1,
        password: str = "",
        down_after: int = 500,
        front: Callable[[int], int] | None = None,
        scheme: str = "sentinel",
        options: str = "",
    ) -> None:
        """`password` is that of the sentinels; `down_after` is in milliseconds.

        `front` gives the port by which the one at this port is reached by clients.
        """
        self.directory = directory
        self.primary = Member(directory / "a")
        self._count, self._sentinel_password, self._down_after = sentinels, password, down_after
        self._front, self._scheme, self._options = front, scheme, options
        self.sentinels: list[SentinelProcess] = []
        self._exit = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self.primary)
            self.replica = stack.enter_context(
                Member(self.directory / "b", self.primary.password, self.primary.port)
            )
            for number in range(self._count):
                sentinel = SentinelProcess(
                    self.directory / f"sentinel-{number}",
                    self.primary,
                    quorum=self._count // 2 + 1,
                    password=self._sentinel_password,
                    down_after=self._down_after,
                    at=None if self._front is None else self._front(self.primary.port),
                )
                self.sentinels.append(sentinel)
                stack.callback(sentinel.kill)
            for sentinel in self.sentinels:
                eventually(lambda s=sentinel: s.knows(replicas=1, others=self._count - 1), 30)
            eventually(self.in_step, 30)
            self._exit = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exit.close()

    @property
    def url(self) -> str:
        """The address as `REDIS_URL` takes it."""
        ports = [sentinel.port for sentinel in self.sentinels]
        hosts = ",".join(f"127.0.0.1:{port if self._front is None else self._front(port)}" for port in ports)
        login = f"&sentinel_password={self._sentinel_password}" if self._sentinel_password else ""
        return f"{self._scheme}://:{self.primary.password}@{hosts}/0?service={SERVICE}{login}{self._options}"

    def in_step(self) -> bool:
        """Whether the replica has all that the primary has."""
        with connect_url(self.primary.url) as one, connect_url(self.replica.url) as other:
            there = other.info("replication")
            return (
                there.get("master_link_status") == "up"
                and one.info("replication")["master_repl_offset"] == there["slave_repl_offset"]
            )

    def stop_copying(self) -> None:
        """Let the replica miss what is written from now on; sentinels see nothing in it that they should mend."""
        with connect_url(self.replica.url) as client:
            client.config_set("masterauth", "another one")
            client.execute_command("CLIENT KILL TYPE master")  # type: ignore[no-untyped-call]  # so it is there
            eventually(lambda: client.info("replication")["master_link_status"] == "down")

    def lose_primary(self) -> None:
        """Kill it, and wait until the replica is the primary."""
        self.primary.kill()
        self.wait_for_promotion()

    def wait_for_promotion(self) -> None:
        """Wait until the replica is the primary, and at least one sentinel says so."""
        with connect_url(self.replica.url) as client:
            eventually(lambda: client.info("replication")["role"] == "master", 30)
        eventually(lambda: self.replica.port in [self._named_by(each) for each in self.sentinels], 30)

    @staticmethod
    def _named_by(sentinel: SentinelProcess) -> int | None:
        try:
            found = sentinel.client.sentinel_get_master_addr_by_name(SERVICE)
        except redis.RedisError:
            return None
        return None if found is None else int(found[1])
