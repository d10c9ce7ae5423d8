"""Seeded histories on SQLite and PostgreSQL: clocks apart and moved back, lost, doubled and late exchanges, crashes."""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from tasks.database.engine.engine import DatabaseEngine
from tasks.database.exceptions import SyncAbortedError, SyncError, TransportError
from tasks.database.records.clock import HybridLogicalClock, wall_ms
from tasks.database.records.graph import DependencyGraph
from tasks.database.records.manifest import SyncManifest
from tests.tasks.database.sql import restoring
from tests.tasks.database.sql.people import People, skew

Node = Any  # the class of the conftest

#: Steps of one history; `make proof` plays many more of them.
STEPS = 60
HISTORIES = int(os.environ.get("LOCKSTEP_NODE_HISTORIES", "1"))
REACHABLE = [
    "created",
    "edited",
    "deleted",
    "recreated",
    "both_modified",
    "delete_vs_modify",
    "modify_vs_delete",
    "request_lost",
    "answer_lost",
    "duplicated",
    "delivered_late",
    "server_crashed",
    "client_crashed",
    "restarted_back",
    "edited_at_client_meanwhile",
    "edited_at_server_meanwhile",
    "more_pages",
    "dry_run",
    *restoring.REACHABLE,
]

GRAPH = DependencyGraph({"city": set(), "person": {"city"}})


class Crash(BaseException):
    """The process has died."""


class Place:
    """One node: a database, and the process that works on it."""

    def __init__(self, name: str, node: Node, skew_ms: int, batch_size: int | None) -> None:
        self.name, self.node, self.skew_ms, self.batch_size = name, node, skew_ms, batch_size
        self.fuse = -1
        self.start()

    def start(self) -> None:
        """As after a crash: all that was in memory is gone."""
        self.fuse = -1
        self.storage = self.node.storage()
        self.storage.prepare()
        skew(self.node, self.skew_ms)
        sa.event.listen(self.storage.database.engine, "before_cursor_execute", self._burn)
        self.clock = HybridLogicalClock(lambda: wall_ms() + self.skew_ms)
        self.server = self.engine()

    def _burn(self, *_: Any) -> None:
        self.fuse -= self.fuse >= 0
        if self.fuse == 0:
            self.fuse = -1
            raise Crash

    def engine(self, transport: Any = None) -> DatabaseEngine:
        return DatabaseEngine(
            self.storage, GRAPH, self.clock, self.name, transport=transport, batch_size=self.batch_size
        )


class World:
    """A hub, two spokes, and all that can happen between them."""

    people_class = People

    def __init__(self, seed: str, nodes: list[Node]) -> None:
        self.chance = random.Random(seed)
        self.people = self.people_class(self.chance)
        self.people.nodes = nodes
        self.reach: Counter[str] = self.people.reach
        self.faults = True
        self.sent: list[str] = []
        self.places = [
            Place(
                f"n{number}", node, self.chance.choice([0, -90_000, 90_000]), self.chance.choice([None, 1, 2])
            )
            for number, node in enumerate(nodes)
        ]
        self.hub = self.places[0]
        self.restoring = restoring.Restoring(self)
        self.asking = self.hub

    def act(self, place: Place, reached: str = "") -> None:
        fuse, place.fuse = place.fuse, -1  # a program of its own
        self.people.act(place.node, place.storage)
        place.fuse = fuse
        if reached:
            self.reach[reached] += 1

    def exchange(self, manifest: SyncManifest) -> SyncManifest:
        """The network."""
        chance = self.chance.random
        body = json.dumps(manifest.to_dict())
        self.sent.append(body)
        self.reach["more_pages"] += manifest.has_more
        if self.faults and chance() < 0.06:
            self.reach["request_lost"] += 1
            raise TransportError("the request was lost")
        if self.faults and chance() < 0.1:
            self.act(self.hub, "edited_at_server_meanwhile")
        answer = self.deliver(body)
        if self.faults and chance() < 0.08:
            self.reach["duplicated"] += 1
            answer = self.chance.choice([answer, self.deliver(body)])
        if self.faults and chance() < 0.12:
            self.act(self.asking, "edited_at_client_meanwhile")
        if self.faults and chance() < 0.08:
            self.reach["answer_lost"] += 1
            raise TransportError("the answer was lost")
        return SyncManifest.from_dict(json.loads(answer))

    def deliver(self, body: str) -> str:
        if self.faults and self.chance.random() < 0.08:
            self.hub.fuse = self.chance.randint(1, 14)
        try:
            answer, _ = self.hub.server.process(SyncManifest.from_dict(json.loads(body)))
        except Crash:
            self.reach["server_crashed"] += 1
            self.restart(self.hub)
            raise TransportError("the server died") from None
        finally:
            self.hub.fuse = -1
        return json.dumps(answer.to_dict())

    def restart(self, place: Place) -> None:
        if self.chance.random() < 0.5:
            place.skew_ms = max(-120_000, place.skew_ms - self.chance.choice([1, 1000, 60_000]))
            self.reach["restarted_back"] += 1
        place.start()

    def sync(self, place: Place, *, dry_run: bool = False) -> bool:
        """Whether it ended, and nothing was done."""
        self.asking = place
        if self.faults and not dry_run and self.chance.random() < 0.15:
            place.fuse = self.chance.randint(1, 40)
        try:
            return not place.engine(self).sync(dry_run).counts()
        except Crash:
            self.reach["client_crashed"] += 1
            self.restart(place)
        except SyncAbortedError:
            pass
        finally:
            place.fuse = -1
        return False

    def step(self) -> None:
        kinds = ["act", "sync", "late", "restart", "dry", "back up", "restore"]
        weights = [45, 40, 4, 3, 2, 5, 4]
        kind = self.chance.choices(kinds, weights)[0]
        place = self.chance.choice(self.places)
        if kind == "act":
            self.act(place)
        elif kind == "late" and self.sent:
            self.reach["delivered_late"] += 1
            try:
                self.deliver(self.chance.choice(self.sent[-20:]))
            except SyncError:
                self.reach["late_refused"] += 1
        elif kind == "restart":
            self.restart(place)
        elif kind == "back up":
            self.restoring.back_up(place)
        elif kind == "restore":
            self.restoring.restore(place)
        elif kind == "dry" and place is not self.hub:
            self.faults, before = False, self.rows()
            self.sync(place, dry_run=True)
            assert self.rows() == before, "a dry run has changed something"
            self.faults = True
            self.reach["dry_run"] += 1
        elif place is not self.hub:
            self.sync(place)

    def rows(self) -> list[Any]:
        return [place.node.run("SELECT id, name, mail FROM person ORDER BY id") for place in self.places]

    def settle(self) -> None:
        """No more edits and faults."""
        self.faults = False
        for _ in range(10):
            if all(list(map(self.sync, self.places[1:]))):
                return
        raise AssertionError("the nodes do not come to rest")


def play(make_node: Callable[[str], Node], world_class: type[World] = World) -> Counter[str]:
    """As many histories as are asked for, each judged; return what they reached."""
    reach: Counter[str] = Counter()
    for number in range(HISTORIES):
        for kinds in (("postgresql", "sqlite", "sqlite"), ("sqlite", "postgresql", "sqlite")):
            seed = f"{kinds[0]}{number}"
            world = world_class(seed, [make_node(kind) for kind in kinds])
            for _ in range(STEPS):
                world.step()
            world.settle()
            faults = world.people.judge({place.name: place.storage for place in world.places})
            assert not faults, f"{seed}: {faults[:3]}"
            reach += world.reach
            for place in world.places:
                place.node.close()
    print(f"{2 * HISTORIES} histories of {STEPS} steps on real databases:", dict(sorted(reach.items())))
    return reach


@pytest.mark.timeout(3600)
def test_real_databases_converge_and_lose_nothing(make_node: Callable[[str], Node]) -> None:
    reach = play(make_node)
    if HISTORIES >= 5:
        assert not [kind for kind in REACHABLE if not reach[kind]]
