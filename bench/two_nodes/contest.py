"""Two processes of one contender, one exchange after the other, and whether their tables are equal then."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.two_nodes import databases

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Contender:
    """A way to keep two databases in step: a module that knows the words of `bench.two_nodes.own`."""

    name: str
    module: str
    python: str = sys.executable

    def run(self, database: str, *words: str) -> str:
        """What a process of its own prints."""
        done = subprocess.run(
            self._command(words), check=True, stdout=subprocess.PIPE, **self._where(database)
        )
        return str(done.stdout)

    @contextmanager
    def served(self, database: str) -> Iterator[str]:
        """The address of a process that answers."""
        process = subprocess.Popen(self._command(["serve"]), stdout=subprocess.PIPE, **self._where(database))
        try:
            if process.stdout is None:
                raise RuntimeError("the server's output is not to be had")
            yield process.stdout.readline().strip()
        finally:
            process.kill()
            process.communicate()

    def _command(self, words: tuple[str, ...] | list[str]) -> list[str]:
        return [self.python, "-m", self.module, *words]

    def _where(self, database: str) -> dict[str, object]:
        environment = os.environ | {"PYTHONPATH": str(ROOT), "BENCH_DATABASE": database}
        return {"env": environment, "cwd": ROOT, "text": True}


@dataclass(frozen=True)
class Exchange:
    """What one sync took."""

    contender: str
    what: str
    #: Records that differed before.
    count: int
    seconds: float
    #: Seconds of CPU time of the node that asks, and of the one that answers, without the database's server.
    cpu: tuple[float, float]
    bytes: int
    #: Megabytes at most, of the same two.
    memory: tuple[float, float]


def play(contender: Contender, size: int, make: Callable[[str], str]) -> Iterator[Exchange]:
    """A first sync of so many records, one after 5 % changed, one after a single one did, and one after none.

    Raises:
        RuntimeError: the tables are not equal afterwards.
    """
    office, laptop = (make(f"{name}_{abs(hash(contender)) % 10**6}") for name in ("office", "laptop"))
    for database in (office, laptop):
        contender.run(database, "prepare")
    contender.run(office, "fill", str(size))
    with contender.served(office) as address:
        yield _exchange(contender, "first sync", size, office, laptop, address)
        contender.run(office, "change", "20")
        yield _exchange(contender, "5 % changed", size // 20, office, laptop, address)
        contender.run(office, "change", str(size))
        yield _exchange(contender, "1 changed", 1, office, laptop, address)
        yield _exchange(contender, "nothing changed", 0, office, laptop, address)


def _exchange(
    contender: Contender, what: str, count: int, office: str, laptop: str, address: str
) -> Exchange:
    before = httpx.get(f"{address}/usage").json()
    asked = json.loads(contender.run(laptop, "ask", address).splitlines()[-1])
    after = httpx.get(f"{address}/usage").json()
    here, there = (databases.run(each, _SUMS)[0] for each in (laptop, office))
    if here != there or (what != "first sync" and not here[1]):
        raise RuntimeError(f"{contender.name}, {what}: the tables are not equal: {here}, {there}")
    return Exchange(
        contender.name,
        what,
        count,
        asked["seconds"],
        (asked["cpu"], after["cpu"] - before["cpu"]),
        asked["bytes"],
        (asked["memory"], after["memory"]),
    )


_SUMS = (
    "SELECT count(*), sum(CASE WHEN substr(a, 1, 7) = 'changed' THEN 1 ELSE 0 END), sum(id), sum(f), sum(length(d)), "
    "sum(length(a)), sum(g) FROM item"
)
