"""Polls of tasks that refer to objects of another task: without a link, they do what they would do with every link."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest

from tasks.engine.report import Order, RunReport
from tasks.merge import ID, End
from tasks.scheduled import all_tasks
from tests.tasks.engine.test_lulls import Restless, Watched, told
from tests.tasks.references.graphs import START, Graph, Ledger, task
from tests.world.loop import OF_A_SIDE, run_alone, steady

STEPS, SEEDS = 16, 12
#: Objects that are there from the start; nothing befalls the last ones.
MANY, LEFT_ALONE = 6, 2

SteadyGraph = steady(Graph, *(name for name in OF_A_SIDE if name in vars(Graph)))


class Projects(Ledger):
    """Something happens when it was asked for counterparts."""

    meanwhile: Callable[[], Awaitable[Any]] | None = None

    async def counterparts(self, end: End, ids: Collection[ID]) -> Mapping[ID, ID]:
        found = await super().counterparts(end, ids)
        if self.meanwhile is not None:
            happens, self.meanwhile = self.meanwhile, None
            await happens()
        return found


class World:
    """Projects and what belongs to them, each with a task of its own."""

    def __init__(self, kind: type[Watched], *, drops: bool = False) -> None:
        self.now = START
        self.projects = [SteadyGraph(f"{side} projects", place=f"{side}-p", deltas=True) for side in End]
        self.graphs = [SteadyGraph(str(side), refers_to=(f"{side}-p",), deltas=True) for side in End]
        for graph in self.graphs:
            graph.drops = drops
        self.of_projects = Projects()
        self.journal = kind({"projects": self.of_projects})
        self.first = task(*self.projects, name="projects")
        self.second = task(*self.graphs, name="tasks", links="projects")
        for one in (self.first, self.second):
            one.full_listing_every = timedelta(days=10_000)
            one.handful = 99
        for number in range(MANY):
            house = self.projects[0].add(f"house {number}")
            self.graphs[0].add(f"task {number}", house)

    def run(self, of_projects: bool = False) -> RunReport:
        self.now += timedelta(minutes=1)
        for graph in (*self.projects, *self.graphs):
            graph.now = self.now
        now: datetime = self.now
        sync, journal = (self.first, self.of_projects) if of_projects else (self.second, self.journal)
        self.journal.calls.clear()
        all_tasks.add(self.first)  # there is one of that name in each world
        try:
            return run_alone(sync.run(journal, order=Order(clock=lambda: now)))
        finally:
            all_tasks.discard(self.first)

    @property
    def looked_at_all(self) -> bool:
        return bool(self.journal.calls["load"])


def act(world: World, chance: Random, step: int) -> str:
    """What somebody does; the same in each world for the same chance."""
    side = chance.randrange(2)
    projects, graph = world.projects[side], world.graphs[side]
    houses, tasks = [*projects.things], [*graph.things]
    house = chance.choice(houses) if houses else "none"
    one = chance.choice(tasks[:-LEFT_ALONE]) if len(tasks) > LEFT_ALONE else None
    match chance.choice(
        ["nothing", "nothing", "new project", "gone project", "new", "refer", "edit", "gone"]
    ):
        case "new project":
            projects.add(f"house at {step}")
            return "project"
        case "gone project" if len(houses) > LEFT_ALONE:
            gone = chance.choice(houses[:-LEFT_ALONE])
            projects.remove(gone)
            for thing in graph.things.values() if graph.drops else ():
                thing.refs.discard(gone)
            return "project"
        case "new":
            graph.add(f"task at {step}", house)
        case "refer" if one is not None:
            graph.refer(one, house)
        case "edit" if one is not None:
            graph.things[one].note = f"at {step}"
            graph.touch(one)
        case "gone" if one is not None:
            graph.remove(one)
    return "task"


@pytest.mark.parametrize("drops", [False, True])
def test_what_another_task_links_is_seen_and_nothing_else_is_looked_at(drops: bool) -> None:
    reached: Counter[str] = Counter()
    for seed in range(SEEDS):
        worlds = [World(kind, drops=drops) for kind in (Watched, Restless)]
        chances = [Random(seed), Random(seed)]
        for step in range(STEPS):
            for world, chance in zip(worlds, chances, strict=True):
                at_projects = act(world, chance, step) == "project"
                if chance.random() < (0.6 if at_projects else 0.1):
                    world.run(of_projects=True)
            for _ in range(2):
                mine, whole = (world.run() for world in worlds)
                assert told(mine) == told(whole)
                assert worlds[0].journal.state == worlds[1].journal.state
                assert [one.edges() for one in worlds[0].graphs] == [one.edges() for one in worlds[1].graphs]
                acts = bool(mine.plan and mine.plan.actions)
                reached[("all" if worlds[0].looked_at_all else "some") + (", acts" if acts else "")] += 1
    assert reached["some"] > 30, reached
    assert reached["some, acts"] > 15, reached
    assert reached["all, acts"] > 15, reached
    print(reached)


def at_rest() -> World:
    world = World(Watched)
    world.run(of_projects=True)
    for _ in range(4):
        world.run()
    assert not world.looked_at_all
    return world


def test_a_link_of_the_other_task_ends_the_lull_and_an_edit_there_does_not() -> None:
    world = at_rest()
    world.projects[0].add("another")
    world.run()
    assert not world.looked_at_all  # nobody has linked it yet
    world.run(of_projects=True)
    world.run()
    assert world.looked_at_all
    world.run()
    assert not world.looked_at_all


def test_what_is_linked_while_a_run_is_at_it_is_seen_by_the_next_one() -> None:
    world = at_rest()
    projects = world.projects[0]
    barn = f"{projects.label[0]}{projects.number + 2}"  # as it will be called
    world.graphs[0].add("waits", barn)
    for _ in range(3):
        world.run()

    async def linked() -> None:
        assert projects.add("barn") == barn
        await world.first.run(world.of_projects)

    projects.add("another")
    world.run(of_projects=True)
    world.of_projects.meanwhile = linked
    world.run()
    assert world.of_projects.meanwhile is None
    assert world.looked_at_all
    world.run()
    assert world.looked_at_all
    theirs = world.projects[1].ids()["barn"]
    assert world.graphs[1].things[world.graphs[1].ids()["waits"]].refs == {theirs}


def test_without_a_word_of_the_other_task_every_link_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    world = at_rest()

    async def unknown(_: Any) -> None:
        return None

    monkeypatch.setattr(Ledger, "pairing", unknown)
    for _ in range(3):
        world.run()
        assert world.looked_at_all
