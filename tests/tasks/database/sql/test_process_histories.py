"""Histories of real processes over HTTP, killed in the middle: an office and two nodes that ask it."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import pytest

from tests.harness.starting import Started, piped
from tests.tasks.database.sql.people import People, skew

Node = Any  # the class of the conftest

HERE = Path(__file__).parent
#: Edits and syncs; `make proof` asks for more.
STEPS = int(os.environ.get("LOCKSTEP_NODE_PROCESS_STEPS", "10"))
REACHABLE = [
    "created",
    "edited",
    "deleted",
    "recreated",
    "both_modified",
    "synced",
    "client_killed",
    "server_killed",
    "answer_lost",
    "no_answer",
]

#: How the client says that a later sync may end.
NO_ANSWER = 3

pytestmark = [pytest.mark.processes, pytest.mark.timeout(3600)]


def python(script: str, *arguments: str) -> tuple[Started, TextIO]:
    """A process, and what it prints."""
    return piped(
        [sys.executable, str(HERE / script), *arguments],
        cwd=HERE.parents[3],
        env={
            "PYTHONPATH": ".",
            "PATH": "",
            "LOCKSTEP_STATE_DIR": os.environ.get("LOCKSTEP_STATE_DIR", ".lockstep"),
        },
    )


class Office:
    """The web process; whenever it is dead it is started again, perhaps to die at some statement."""

    def __init__(self, node: Node, people: People) -> None:
        self.node, self.people = node, people
        self.process: Started | None = None
        self.printed: TextIO
        self.url, self.crash = "", ""

    def up(self, *, crash: bool) -> str:
        """Its address; sometimes it is killed and started again."""
        if self.people.chance.random() < 0.3:
            self.end()
        if self.process is None:
            chance = self.people.chance
            self.crash = chance.choice(["", "", "answer", str(chance.randrange(20))]) if crash else ""
            self.process, self.printed = python("node_server.py", self.node.url, f"crash={self.crash}")
            self.url = f"http://127.0.0.1:{self.printed.readline().strip()}"
        return self.url

    def look(self) -> None:
        """It gave no answer, so it has died or is about to."""
        if self.process is not None and self.crash:
            assert self.process.wait(60) == 9
            self.people.reach["answer_lost" if self.crash == "answer" else "server_killed"] += 1
            self.end()

    def end(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.printed.close()
            self.process = None


def sync(name: str, node: Node, url: str, people: People, *, crash: bool) -> int:
    chance = people.chance
    crash_at = str(chance.randint(1, 60)) if crash and chance.random() < 0.3 else ""
    process, printed = python("node_client.py", name, node.url, url, f"crash={crash_at}")
    with printed:
        ended = process.wait(120)
    assert ended in {0, NO_ANSWER, -9} if crash else ended == 0
    people.reach[{0: "synced", NO_ANSWER: "no_answer", -9: "client_killed"}[ended]] += 1
    return ended


def test_killed_processes_lose_nothing(make_node: Callable[[str], Node]) -> None:
    people = People(random.Random(1))
    nodes = {
        "office": make_node("postgresql"),
        "laptop": make_node("sqlite"),
        "phone": make_node("postgresql"),
    }
    storages = {name: node.storage() for name, node in nodes.items()}
    for (name, node), ms in zip(nodes.items(), (0, -90_000, 60_000), strict=True):
        storages[name].prepare()
        skew(node, ms)
    office = Office(nodes["office"], people)
    try:
        for _ in range(STEPS):
            if people.chance.random() < 0.55:
                name = people.chance.choice(list(nodes))
                people.act(nodes[name], storages[name])
            else:
                name = people.chance.choice(["laptop", "phone"])
                if sync(name, nodes[name], office.up(crash=True), people, crash=True) == NO_ANSWER:
                    office.look()
        office.end()
        url = office.up(crash=False)
        for name in ("laptop", "phone", "laptop", "phone"):
            sync(name, nodes[name], url, people, crash=False)
    finally:
        office.end()
    faults = people.judge(storages)
    print(f"{STEPS} steps of three processes:", dict(sorted(people.reach.items())))
    assert not faults, faults[:3]
    if STEPS >= 100:
        assert not [kind for kind in REACHABLE if not people.reach[kind]]
