"""What is known of a process by its last sign of life."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from tasks.schedule import TIMING, Schedule

#: The two kinds of processes that give signs.
SCHEDULER, WORKER = "scheduler", "worker"
#: Seconds between two signs of a process.
EVERY = 5.0
#: Seconds for which those of a kind may be away without being missed: they are restarted, or are about to start.
GRACE = 60.0
#: Seconds without a sign after which a process does not count as alive: it has missed six.
SILENT = 6 * EVERY


@dataclass(frozen=True, slots=True)
class Definition:
    """One task as a process has read it."""

    #: As people read it, such as `every 5 min`.
    schedule: str
    #: Seconds between two runs; `None` for a task without a period.
    every: float | None = None
    total: int | None = None
    #: Digest of what else the task is made of; empty where it is not known.
    settings: str = ""
    #: What else the schedule says, in the words of tables.
    said: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, schedule: Schedule, settings: str = "") -> Self:
        """The definition with this schedule."""
        every = None if schedule.every is None else schedule.every.total_seconds()
        said = (
            {}
            if schedule.is_plain
            else {word: value for word, value in schedule.said().items() if word in TIMING}
        )
        return cls(str(schedule), every, schedule.total, settings, said)

    @property
    def plan(self) -> Schedule:
        """The schedule.

        Raises:
            TaskDefinitionError: it cannot be read; another version has told it.
        """
        every = None if self.every is None else timedelta(seconds=self.every)
        return replace(
            Schedule.of({**self.said, "every": None, "in_total": self.total}), every=every, total=self.total
        )

    def same_schedule(self, other: Definition) -> bool:
        """Whether both run as often."""
        return (self.every, self.total, self.said) == (other.every, other.total, other.said)


@dataclass(frozen=True, slots=True)
class Running:
    """A message that a worker works on."""

    #: Celery's name of the task, `sync.<name>`.
    task: str
    since: datetime

    def to_json(self) -> dict[str, Any]:
        """For scripts."""
        return {"task": self.task.removeprefix("sync."), "since": self.since}


@dataclass(frozen=True, slots=True)
class Sign:
    """The last sign of one process."""

    kind: str
    #: Unique among all processes, also those of other times.
    id: str
    #: As people know it: the host, or a worker's node name.
    name: str
    host: str
    pid: int
    #: When it came, and since when the process runs, both by the clock of Redis.
    seen: datetime
    since: datetime
    #: Seconds since it came.
    ago: float
    #: Whether it was the last one before the process ended in order.
    ended: bool = False
    #: Of a worker: whether it takes messages; else it is stopping, or its main loop is held up.
    takes: bool = True
    stopping: bool = False
    pool: str = ""
    concurrency: int = 0
    queues: tuple[str, ...] = ()
    running: tuple[Running, ...] = ()
    #: Whether it takes over tasks that are defined anew, and why it does not take over what changed last.
    reloads: bool = False
    refused: str = ""
    #: The tasks that it has read, by name; `None` where that is not known any more.
    tasks: Mapping[str, Definition] | None = field(default=None, compare=False)

    @property
    def lives(self) -> bool:
        """Whether it can be taken to be there."""
        return not self.ended and self.ago <= SILENT

    def __str__(self) -> str:
        return f"{self.name} (pid {self.pid})"

    def to_json(self) -> dict[str, Any]:
        """For scripts."""
        made: dict[str, Any] = {
            "name": self.name,
            "host": self.host,
            "pid": self.pid,
            "alive": self.lives,
            "seen": self.seen,
            "seconds_ago": round(self.ago, 1),
            "since": self.since,
            "ended": self.ended,
            "refused": self.refused or None,
        }
        if self.kind == WORKER:
            return made | {
                "takes_messages": self.takes,
                "stopping": self.stopping,
                "pool": self.pool,
                "concurrency": self.concurrency,
                "queues": list(self.queues),
                "running": [running.to_json() for running in self.running],
            }
        tasks = sorted((self.tasks or {}).items())
        made["tasks"] = self.tasks and {
            name: {"schedule": each.schedule, "every_seconds": each.every, "total": each.total}
            for name, each in tasks
        }
        return made


@dataclass(frozen=True, slots=True)
class Signs:
    """The last signs of all processes, those that came last first."""

    schedulers: tuple[Sign, ...] = ()
    workers: tuple[Sign, ...] = ()

    @property
    def living_schedulers(self) -> list[Sign]:
        """Those that can be taken to be there."""
        return [sign for sign in self.schedulers if sign.lives]

    @property
    def living_workers(self) -> list[Sign]:
        """Those that can be taken to be there, also if they take no messages just now."""
        return [sign for sign in self.workers if sign.lives]

    @property
    def working(self) -> bool:
        """Whether a worker is at work: takes messages, or ends what it has before another one follows."""
        return any(sign.lives and (sign.takes or sign.stopping) for sign in self.workers)

    @property
    def ready_workers(self) -> list[Sign]:
        """Those that take messages."""
        return [sign for sign in self.workers if sign.lives and sign.takes]

    def schedulers_with(self, task: str) -> list[tuple[Sign, Definition]]:
        """Living schedulers that have a task, each with the task as it has it."""
        return [
            (sign, sign.tasks[task])
            for sign in self.living_schedulers
            if sign.tasks is not None and task in sign.tasks
        ]


def sign_of(
    kind: str, sign_id: str, milliseconds: int, told: Mapping[str, Any], *, now: datetime, tasks: Any
) -> Sign:
    """The sign that a process gave.

    Args:
        kind: of the process.
        sign_id: its id.
        milliseconds: when the sign came, by the clock of Redis.
        told: what the process told.
        now: the time by the same clock.
        tasks: the tasks that it has read, as they were told; `None` where they are not known.

    Raises:
        ValueError: it is none.
        KeyError: something is missing.
        TypeError: something is of another type.
        OSError: it came at no time that there is; the same for `OverflowError`.
    """
    seen = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return Sign(
        kind=kind,
        id=sign_id,
        name=str(told["name"]),
        host=str(told["host"]),
        pid=int(told["pid"]),
        seen=seen,
        since=seen - timedelta(seconds=float(told["up"])),
        ago=max((now - seen).total_seconds(), 0.0),
        ended=bool(told.get("ended")),
        takes=bool(told.get("takes", True)),
        stopping=bool(told.get("stopping")),
        pool=str(told.get("pool", "")),
        concurrency=int(told.get("concurrency") or 0),
        queues=tuple(map(str, told.get("queues", ()))),
        running=tuple(
            Running(str(task), seen - timedelta(seconds=float(seconds)))
            for task, seconds in told.get("running", ())
        ),
        reloads=bool(told.get("reloads")),
        refused=str(told.get("refused") or ""),
        tasks=None if tasks is None else _definitions(tasks),
    )


def _definitions(told: Mapping[str, Iterable[Any]]) -> dict[str, Definition]:
    return {name: Definition(*values) for name, values in told.items()}
