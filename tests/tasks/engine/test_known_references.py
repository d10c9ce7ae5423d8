"""A run by changes of a task with references does, with some links, what it would do if it knew all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest

from tasks.engine.known import Known
from tasks.engine.report import Order, RunReport
from tasks.journal.state import State
from tasks.journal.state_journal import StateJournal
from tasks.merge import ID, End, Link
from tasks.sides import Listing
from tests.tasks.references.graphs import START, Graph, task
from tests.world.loop import OF_A_SIDE, run_alone, steady

STEPS = 14


class Viewed(Graph):
    """Shows all objects, or some only: another scope, with which pairs are out of sight."""

    part = False

    def scope(self) -> str:
        return f"{self.label} in part" if self.part else self.label

    def list(self) -> Any:
        listed = super().list()
        return Listing(filter(self._in_view, listed), cursor=listed.cursor)

    def changes(self, cursor: Any) -> Any:
        found = super().changes(cursor)
        return replace(found, changed=list(filter(self._in_view, found.changed)))

    def _in_view(self, one: str) -> bool:
        return not (self.part and self.things[one].title.endswith(("1", "3")))


SteadyGraph = steady(Viewed, *(name for name in OF_A_SIDE if name in vars(Graph)))
#: Objects that are there from the start; nothing befalls the last of them, which refer to nothing.
MANY = 8


class Watched(StateJournal):
    """Tells which links a run has asked for."""

    #: Whether a run by changes loads every link, as each did before.
    whole = False

    def __init__(self) -> None:
        super().__init__(State())
        self.calls: Counter[str] = Counter()
        self.given: set[ID] = set()

    def give(self, kind: str, links: Sequence[Link]) -> Sequence[Link]:
        self.calls[kind] += len(links)
        self.given |= {link.left_id for link in links}
        return links

    async def load(self) -> Any:
        base = await super().load()
        self.calls["load"] += 1
        self.give("all", base.links)
        return base

    async def unsettled(self, attributes: Collection[str]) -> Sequence[Link]:
        return self.give("unsettled", await super().unsettled(attributes))

    async def referring(self, ids: Mapping[End, Collection[ID]]) -> Sequence[Link]:
        return self.give("referring", await super().referring(ids))

    async def links(self, end: End, ids: Collection[ID]) -> Sequence[Link]:
        return self.give("links", await super().links(end, ids))


class Whole(Watched):
    """Belongs to a run that knows all links."""

    whole = True


@pytest.fixture(autouse=True)
def _load_all_where_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    ordinary = Known.load_unsettled

    async def load(known: Known, attributes: Collection[str], ids: Any) -> None:
        if getattr(known._journal, "whole", False):
            await known.load_all()
        await ordinary(known, attributes, ids)

    monkeypatch.setattr(Known, "load_unsettled", load)


class World:
    """Two graphs, the task between them, and the time."""

    def __init__(
        self, journal: Watched, *, single: bool = False, drops: bool = False, views: bool = False
    ) -> None:
        self.views = views
        self.journal, self.now = journal, START
        self.left = SteadyGraph("left", deltas=True, drops=drops)
        self.right = SteadyGraph("right", deltas=True, drops=drops, single=single)
        self.graphs = (self.left, self.right)
        self.sync = task(self.left, self.right)
        self.sync.full_listing_every = timedelta(days=10_000)
        self.sync.handful = 99

    def run(self) -> RunReport:
        self.now += timedelta(minutes=1)
        for graph in self.graphs:
            graph.now = self.now
        self.journal.calls.clear()
        self.journal.given.clear()
        now: datetime = self.now
        return run_alone(self.sync.run(self.journal, order=Order(clock=lambda: now)))

    @property
    def in_part(self) -> bool:
        return not self.journal.calls["load"]


def told(report: RunReport) -> tuple[Any, ...]:
    plan = report.plan
    assert plan is not None
    names = [action.name for action in plan.actions]
    return report.status, report.reason, plan.actions, names, plan.in_step, plan.listed, report.outcome


def shown(world: World) -> Any:
    return [(graph.things, graph.gone) for graph in world.graphs]


def befall(world: World, step: int, chance: Random) -> str:
    """What people do in a step; the same with the same chance."""
    graph = world.graphs[chance.randrange(2)]
    known = [one for one, thing in sorted(graph.things.items()) if not thing.title.startswith("quiet")]
    most = 1 if graph.single else 3
    refs = chance.sample(known, min(len(known), chance.randrange(most + 1)))
    every = ("nothing", "add", "add", "refer", "refer", "edit", "remove", "remove both", "add two", "again")
    what = chance.choice((*every, "other view") if world.views else every)
    match what:
        case "add":
            graph.add(f"t{step}", *refs)
        case "add two":  # of which one refers to the other
            graph.add(f"u{step}", *refs[: most - 1], graph.add(f"t{step}"))
        case "refer" if known:
            graph.refer(chance.choice(known), *refs)
        case "other view":
            graph.part = not graph.part
        case "edit" if known:
            one = chance.choice(known)
            graph.things[one].note = f"note {step}"
            graph.touch(one)
        case "remove" if known:
            graph.remove(chance.choice(known))
        case "remove both" if known:
            one = chance.choice(known)
            title = graph.things[one].title
            for each in world.graphs:
                if title in each.ids():
                    each.remove(each.ids()[title])
        case "again" if known:  # deleted, and made again under another id
            one = chance.choice(known)
            title, kept = graph.things[one].title, graph.things[one].refs - {one}
            graph.remove(one)
            graph.add(title, *sorted(kept & graph.things.keys()))
    return what


def play(seed: int, reached: Counter[str], **kind: bool) -> None:
    worlds = [World(journal(), **kind) for journal in (Watched, Whole)]
    chances = [Random(seed), Random(seed)]
    for world, chance in zip(worlds, chances, strict=True):
        for number in range(MANY):
            known = sorted(world.left.things)
            world.left.add(f"row {number}", *chance.sample(known, min(len(known), 2)))
        for number in range(MANY):
            world.left.add(f"quiet {number} of all")
        while world.run().plan.actions:  # type: ignore[union-attr]
            pass
    for step in range(STEPS):
        what = [befall(world, step, chance) for world, chance in zip(worlds, chances, strict=True)]
        assert what[0] == what[1]
        for _ in range(2 if step % 3 else 1):
            mine, whole = (world.run() for world in worlds)
            assert told(mine) == told(whole), (seed, step, what)
            assert worlds[0].journal.state == worlds[1].journal.state, (seed, step, what)
            assert shown(worlds[0]) == shown(worlds[1])
            assert not worlds[1].in_part
            if worlds[0].in_part:
                reached[f"{what[0]} in part"] += 1
                out = {one.left_id for one in run_alone(worlds[0].journal.out_of_sight())}
                reached["beside what is out of sight"] += bool(out - worlds[0].journal.given)
                quiet = {
                    one for one, thing in worlds[0].left.things.items() if thing.title.startswith("quiet")
                }
                assert not worlds[0].journal.given & quiet
                reached["referring"] += worlds[0].journal.calls["referring"]
                assert mine.plan is not None
                reached.update(f"plan {type(one).__name__}" for one in mine.plan.actions)
                reached["followed"] += (
                    mine.outcome.counts["left_updated"] + mine.outcome.counts["right_updated"]
                )


def test_histories_are_the_same_as_with_every_link() -> None:
    reached: Counter[str] = Counter()
    for single in (False, True):
        for drops in (False, True):
            for seed in range(5):
                play(seed, reached, single=single, drops=drops)
            for seed in range(6):
                play(seed, reached, single=single, drops=drops, views=True)
    print(reached)
    assert reached["beside what is out of sight"] > 20
    wanted = [f"{what} in part" for what in ("nothing", "add", "add two", "refer", "edit", "remove", "again")]
    wanted += [
        "referring",
        "followed",
        *(f"plan {kind}" for kind in ("Agree", "Create", "Delete", "Update", "Unlink")),
    ]
    assert all(reached[one] for one in wanted), [one for one in wanted if not reached[one]]


def ready() -> World:
    """A hub to which twenty objects refer, and one that refers to two of these."""
    world = World(Watched())
    hub = world.left.add("hub")
    rows = [world.left.add(f"row {number}", hub) for number in range(20)]
    world.left.add("refers", *rows[:2])
    while world.run().plan.actions:  # type: ignore[union-attr]
        pass
    return world


def test_an_idle_poll_loads_no_link() -> None:
    world = ready()
    for _ in range(3):
        report = world.run()
        assert (world.in_part, world.journal.given) == (True, set())
        assert report.plan is not None
        assert (report.plan.in_step, report.plan.listed) == (22, dict.fromkeys(End, 22))


def test_an_edit_brings_in_its_own_link_however_many_refer_to_it() -> None:
    world = ready()
    hub = world.left.ids()["hub"]
    world.left.things[hub].note = "edited"
    world.left.touch(hub)
    assert world.run().outcome.counts["right_updated"] == 1
    assert (world.in_part, world.journal.given) == (True, {hub})


def test_an_object_that_goes_brings_in_what_refers_to_it() -> None:
    world = ready()
    ids = world.left.ids()
    world.left.remove(ids["row 0"])
    assert world.run().outcome.counts["right_deleted"] == 1
    # The hub is looked up for its title, which people are told.
    assert (world.in_part, world.journal.given) == (True, {ids["row 0"], ids["refers"], ids["hub"]})
    while world.run().plan.actions:  # type: ignore[union-attr]
        assert world.in_part
    world.run()
    assert not world.journal.given


def test_what_waited_for_an_object_is_written_with_it() -> None:
    """It referred to what the task did not take yet, and is not told again once that is linked."""
    world = ready()
    ids = world.left.ids()
    world.left.things["late"] = late = type(world.left.things[ids["hub"]])("late")
    world.left.refer(ids["row 3"], ids["hub"], "late")
    late.version = -1  # nobody is told of it
    world.run()
    world.left.touch("late")
    report = world.run()
    assert report.outcome.counts["right_created"] == 1
    assert report.outcome.counts["right_updated"] == 1
    assert (world.in_part, world.journal.given) == (True, {ids["row 3"]})
    assert ("row 3", "late") in world.right.edges()
