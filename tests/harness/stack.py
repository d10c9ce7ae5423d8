"""Redis, workers and beats of one test, over probe tasks, each a real process."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.harness.process import Process
from tests.harness.sides import ProbeSpec, Sides
from worker.machine.redis_server import RedisServer
from worker.store import RunRecord, Store

ROOT = Path(__file__).resolve().parents[2]
#: Of the environment of the test run only these reach the processes, so that no setting of a person does.
PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "SYSTEMROOT")


class Stack:
    """An installation of its own below `directory`; leaving the `with` block ends all of it.

    with Stack(tmp_path, ProbeSpec(every=1)) as stack:
        stack.worker().wait_for_line("ready")
        stack.beat()
        stack.sides().notion.create(Name="milk", Done=False)
        eventually(stack.sides().equal)
    """

    def __init__(
        self,
        directory: Path,
        *specs: ProbeSpec,
        lease_seconds: float = 3.0,
        redis: RedisServer | None = None,
        database_url: str | None = None,
        env: dict[str, str] | None = None,
    ) -> None:
        """`redis=None` starts a server of its own; `env` is added to every process."""
        self.directory = directory
        self.specs = specs or (ProbeSpec(),)
        self._own_redis = redis is None
        self.redis = redis or RedisServer(directory / "redis")
        self._lease = lease_seconds
        self._database_url = database_url
        self._env = env or {}
        self._processes: list[Process] = []
        self._exit = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for name in ("cwd", "home", "state", "sides"):
                (self.directory / name).mkdir(parents=True, exist_ok=True)
            if self._own_redis:
                stack.enter_context(self.redis)
            self._exit = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            for process in self._processes:
                print(process.tail(), file=sys.stderr)
        self._exit.close()

    @property
    def state_dir(self) -> Path:
        return self.directory / "state"

    def history(self, task: str = "probe") -> list[RunRecord]:
        """All runs of a task, the newest first."""
        return self._store.runs.list(task, 1000)

    @cached_property
    def _store(self) -> Store:
        """Opened once: it is looked at often, and each opening costs ten times what a look does."""
        store = Store(self._database_url or f"sqlite:///{self.state_dir / 'lockstep.db'}")
        self._exit.callback(store.close)
        store.migrate()
        return store

    def sides(self, name: str | None = None) -> Sides:
        """The two sides of a task; of the first one without a name."""
        return Sides(self.directory / "sides", name or self.specs[0].name)

    def env(self, **more: str) -> dict[str, str]:
        """The whole environment of a process of this stack."""
        env = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        env.update(
            HOME=str(self.directory / "home"),
            PYTHONPATH=str(ROOT),
            PYTHONUNBUFFERED="1",
            PYTHONFAULTHANDLER="1",
            REDIS_URL=self.redis.url,
            LOCKSTEP_STATE_DIR=str(self.state_dir),
            LOCKSTEP_TASKS="tests.harness.probe_tasks",
            LOCKSTEP_LEASE_SECONDS=str(self._lease),
            LOCKSTEP_NOTION_LAG_SECONDS="1",
            PROBE_DIR=str(self.directory / "sides"),
            PROBE_TASKS=json.dumps([spec.to_json() for spec in self.specs]),
        )
        if self._database_url is not None:
            env["DATABASE_URL"] = self._database_url
        return {**env, **self._env, **more}

    def worker(self, *arguments: str, ready: bool = True, **env: str) -> Process:
        """A worker with a node name of its own; returns when it takes tasks, unless `ready` is False."""
        number = len(self._processes)
        process = self.celery(
            "worker",
            "--loglevel=INFO",
            f"--hostname=w{number}@%h",
            *arguments,
            name=f"worker-{number}",
            **env,
        )
        if ready:
            process.wait_for_line(r" ready\.$", timeout=40)
        return process

    def beat(self, *arguments: str, ready: bool = True, **env: str) -> Process:
        """A beat; returns when it has started, unless `ready` is False."""
        name = f"beat-{len(self._processes)}"
        process = self.celery("beat", "--loglevel=INFO", "--pidfile=", *arguments, name=name, **env)
        if ready:
            process.wait_for_line(r"beat: Starting", timeout=40)
        return process

    def celery(self, *arguments: str, name: str, **env: str) -> Process:
        """`celery -A worker …`, the way a person starts it."""
        return self.run([sys.executable, "-m", "celery", "-A", "worker", *arguments], name=name, **env)

    def lockstep(self, *arguments: str, name: str = "lockstep", **env: str) -> Process:
        """The command line of the project."""
        command = [sys.executable, "-c", "from worker.cli import main; main()", *arguments]
        return self.run(command, name=name, **env)

    def run(self, arguments: Sequence[str], *, name: str, afresh: bool = False, **env: str) -> Process:
        """Any program in this installation; it is ended with the stack."""
        process = Process(
            arguments,
            log=self.directory / "logs" / f"{name}.log",
            env=self.env(**env),
            cwd=self.directory / "cwd",
            name=name,
            afresh=afresh,
        )
        self._processes.append(process)
        return self._exit.enter_context(process)


MakeStack = Callable[..., Stack]


@contextmanager
def stacks(directory: Path, *, lease_seconds: float, **env: str) -> Iterator[MakeStack]:
    """Starts stacks of probe tasks, with more of an environment each; what is left of them is killed in the end."""
    started: list[Stack] = []

    def make(*specs: ProbeSpec, **more: str) -> Stack:
        started.append(Stack(directory, *specs, lease_seconds=lease_seconds, env={**env, **more}))
        return started[-1].__enter__()

    yield make
    for stack in started:
        for process in stack._processes:
            process.kill()
        stack.__exit__(None, None, None)
