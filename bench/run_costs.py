"""What one run asks of the database and of Redis, and its CPU: with nothing to do, and with one edit to carry.

Beside it, what a run costs a worker process that has many at once, and what Celery alone costs there.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
import sqlalchemy as sa
from redis.connection import Connection as RedisConnection
from rich import box
from rich.table import Table

from bench.fake_sides import Sides
from bench.objects import DeltaTask
from bench.polls import carry_out
from bench.two_nodes.databases import databases
from bench.worker_costs import Cost, celery_alone, empty_run
from worker.lock import RedisSyncLock
from worker.machine.redis_server import RedisServer
from worker.redis_client import connect_url
from worker.store import Store

#: Pairs that are linked.
PAIRS = 50
ROUNDS, QUICK_ROUNDS = 8, 1
KINDS = ("sqlite", "postgresql")
_FRAMES = ("BEGIN", "SAVEPOINT", "RELEASE", "PRAGMA")


@dataclass
class Asked:
    """What was asked meanwhile."""

    statements: int = 0
    #: Transactions, and those of them that wrote.
    transactions: int = 0
    written: int = 0
    #: Requests to Redis, several commands in one of them count once.
    requests: int = 0
    #: Commands that Redis carried out, those of scripts among them.
    commands: int = 0
    #: The connections whose transaction has written.
    writing: set[Any] = field(default_factory=set)


@contextmanager
def asking(engine: sa.Engine, client: redis.Redis) -> Iterator[Asked]:
    """Count what one database and one Redis are asked for."""
    asked = Asked()

    def begin(connection: sa.Connection) -> None:
        asked.transactions += 1
        asked.writing.discard(connection.connection.dbapi_connection)

    def statement(connection: sa.Connection, _: Any, text: str, *__: Any) -> None:
        word = text.split(None, 1)[0].upper()
        asked.statements += word not in _FRAMES
        if word in {"INSERT", "UPDATE", "DELETE"}:
            asked.writing.add(connection.connection.dbapi_connection)

    def commit(connection: sa.Connection) -> None:
        asked.written += connection.connection.dbapi_connection in asked.writing

    heard: dict[str, Callable[..., None]] = {
        "begin": begin,
        "before_cursor_execute": statement,
        "commit": commit,
    }
    send = RedisConnection.send_packed_command

    def counted(self: RedisConnection, *arguments: Any, **more: Any) -> Any:
        asked.requests += 1
        return send(self, *arguments, **more)

    before = _commands(client)
    RedisConnection.send_packed_command = counted  # type: ignore[method-assign]
    for name, listener in heard.items():
        sa.event.listen(engine, name, listener)
    try:
        yield asked
    finally:
        for name, listener in heard.items():
            sa.event.remove(engine, name, listener)
        RedisConnection.send_packed_command = send  # type: ignore[method-assign]
        asked.commands = _commands(client) - before - 1  # the first look at them was one


def _commands(client: redis.Redis) -> int:
    return int(client.info("stats")["total_commands_processed"])


class Place:
    """A task in step whose services say what changed, as a worker has it: with a database, and a lock in Redis."""

    def __init__(self, folder: Path, database: str, client: redis.Redis) -> None:
        self.client = client
        self.sides = Sides()
        self.task = DeltaTask(self.sides, "costs")
        self.task.run_every(hours=1)
        self.task.state_path = folder / "costs.json"
        self.store = Store(database)
        self.store.migrate()
        self.lock = RedisSyncLock(client)
        self.turns = 0
        for number in range(PAIRS):
            for service in self.sides.both:
                service.add(f"Task {number}", number)
        for _ in range(2):  # the second one takes what the first one left
            self.run()

    def run(self) -> None:
        """One run."""
        carry_out(self.task, self.store, self.lock)

    def edit(self) -> None:
        """A person edits one object."""
        self.turns += 1
        service = self.sides.notion
        service.edit(next(iter(service.rows)), {"Notes": f"edit {self.turns}"})

    def quiet(self) -> None:
        """Nothing happens, and what a run wrote has been seen by the next one."""
        self.run()

    def close(self) -> None:
        """Let go of all."""
        self.lock.close()
        self.store.close()


def counted(place: Place, prepare: Callable[[], None], rounds: int) -> tuple[Asked, float]:
    """What a run asks for after something was prepared, and its seconds of CPU: of some, the least."""
    found, seconds = [], []
    for _ in range(rounds):
        prepare()
        with asking(place.store.engine, place.client) as asked:
            place.run()
        found.append(asked)
        prepare()
        began = time.process_time()
        place.run()
        seconds.append(time.process_time() - began)
    return min(found, key=lambda one: (one.statements, one.commands)), min(seconds)


def measure(*, quick: bool = False) -> Table:
    """What a run costs on each database."""
    table = Table(
        title=f"What one run asks for, {PAIRS} pairs linked, both sides by changes", box=box.MARKDOWN
    )
    table.add_column("A run")
    for header in ("statements", "transactions", "that write", "requests to Redis", "its commands", "CPU ms"):
        table.add_column(header, justify="right")
    rounds = QUICK_ROUNDS if quick else ROUNDS
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(RedisServer(folder / "redis"))
        client = connect_url(server.url)
        stack.callback(client.close)
        if not quick:  # a worker takes longest to start
            table.add_row("Celery alone: busy worker", *_of_worker(celery_alone(folder / "celery")))
        for kind in KINDS:
            made = stack.enter_context(databases(kind))
            place = Place(folder, made.make("costs"), client)
            stack.callback(place.close)

            def edited(place: Place = place) -> None:
                place.quiet()
                place.edit()

            for name, prepare in (("nothing to do", place.quiet), ("one edit", edited)):
                asked, seconds = counted(place, prepare, rounds)
                table.add_row(
                    f"{kind}: {name}",
                    *map(str, (asked.statements, asked.transactions, asked.written)),
                    *map(str, (asked.requests, asked.commands)),
                    f"{seconds * 1e3:.1f}",
                )
            if not quick or kind == KINDS[0]:
                busy = empty_run(folder / f"{kind} worker", made.make("busy"), quick=quick)
                table.add_row(f"{kind}: busy worker", *_of_worker(busy))
    return table


def _of_worker(cost: Cost) -> list[str]:
    return [*"----", f"{cost.commands:.1f}", f"{cost.cpu_seconds * 1e3:.1f}"]
