"""Polls of tasks with a window of time: without a link, they do what they would do with every link."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest

from tasks import TwoWay
from tasks.engine.report import Order, RunReport
from tasks.journal.contract import Base, Linked
from tasks.journal.state import State
from tasks.journal.state_journal import StateJournal
from tasks.merge import ID, End, Link, Window
from tests.tasks.policies.places import MAP, ROWS, START, TODOS, Clock, Place
from tests.world.loop import run_alone

STEPS = 20


class Watched(StateJournal):
    """Tells what a run has asked for."""

    def __init__(self, beside: Mapping[str, Linked] | None = None) -> None:
        super().__init__(State(), beside)
        self.calls: Counter[str] = Counter()

    async def load(self) -> Any:
        self.calls["load"] += 1
        return await super().load()

    async def links(self, end: End, ids: Collection[ID]) -> Sequence[Link]:
        self.calls["links"] += len(ids)
        return await super().links(end, ids)


class Restless(Watched):
    """Knows of no lull: each run looks at every link."""

    async def recall(self) -> Base:
        return replace(await super().recall(), lull=None)


class World:
    """A task, its two sides, and the time."""

    def __init__(
        self, journal: Watched, sides: tuple[Any, Any], sync: TwoWay, clock: Clock | None = None
    ) -> None:
        self.journal, self.sides, self.sync = journal, sides, sync
        self.clock = clock or Clock()
        self.looked_at_all = False

    @property
    def now(self) -> datetime:
        return self.clock.now

    def run(self, **later: float) -> RunReport:
        self.clock.later(**(later or {"minutes": 1}))
        for side in self.sides:
            side.now = self.now
        self.journal.calls.clear()
        report = run_alone(self.sync.run(self.journal, order=Order(clock=lambda: self.now)))
        self.looked_at_all = bool(self.journal.calls["load"])
        return report


def seldom_listed(sync: TwoWay) -> TwoWay:
    sync.full_listing_every = timedelta(days=10_000)
    return sync


def told(report: RunReport) -> tuple[Any, ...]:
    plan = report.plan
    assert plan is not None
    return report.status, report.reason, plan.actions, plan.in_step, plan.listed, report.outcome


def at_rest() -> World:
    """A task with a window that has seen that there is nothing to do."""
    world = windowed(Watched(), past="2d")
    world.sides[0].add(Name="row", Status="Open", When=world.now.date())
    for _ in range(4):
        world.run()
    assert not world.looked_at_all
    return world


Stir = Callable[[Watched], Any]
STIRS: dict[str, Stir] = {
    "a link": lambda journal: journal.confirm(put=Link("x", "y", {}, {})),
    "a link that is gone": lambda journal: journal.confirm(drop=Link("x", "y", {}, {})),
    "an attribute forgotten": lambda journal: journal.remember(_memory(journal), forget=["due"]),
}


def _memory(journal: Watched) -> Any:
    from tasks.journal.contract import memory_from_data

    return memory_from_data(journal.state.memory)


@pytest.mark.parametrize("stir", STIRS)
def test_whatever_is_kept_of_a_link_ends_it(stir: str) -> None:
    world = at_rest()
    run_alone(STIRS[stir](world.journal))
    world.run()
    assert world.looked_at_all


def test_a_task_that_is_defined_otherwise_looks_at_every_link() -> None:
    world = at_rest()
    world.sync = seldom_listed(
        TwoWay(
            "t",
            *world.sides,
            {**MAP, "Status": {"to": "status", "only_to": "right"}},
            leave="unlink",
            window={"attribute": "due", "past": "2d"},
        )
    )
    world.run()
    assert world.looked_at_all


def windowed(journal: Watched, **window: str) -> World:
    clock = Clock()
    rows = Place("the board rows", ROWS, clock, deltas=True)
    todos = Place("the list todos", TODOS, clock, deltas=True)
    sync = TwoWay("t", rows, todos, dict(MAP), leave="unlink", window={"attribute": "due", **window})
    sync.handful = 99
    return World(journal, (rows, todos), seldom_listed(sync), clock)


@pytest.mark.parametrize("window", [{"past": "2d"}, {"future": "3d"}, {"past": "1d", "future": "4d"}])
def test_a_window_is_looked_at_when_its_first_moment_comes(window: dict[str, str]) -> None:
    spared = 0
    acted: Counter[bool] = Counter()  # by whether it had to look at every link
    for seed in range(4):
        worlds = [windowed(journal(), **window) for journal in (Watched, Restless)]
        chances = [Random(seed), Random(seed)]
        for step in range(STEPS):
            for world, chance in zip(worlds, chances, strict=True):
                rows = world.sides[0]
                when = world.now.date() + timedelta(days=chance.randrange(-4, 6))
                what = chance.randrange(4)
                if what == 0:
                    rows.add(Name=f"row {step}", Status="Open", When=when)
                elif what == 1 and (names := rows.shown("Name")):
                    rows.edit(rows.named(chance.choice(names))[0], When=when)
            mine, whole = (world.run(hours=(1, 5, 12)[step % 3]) for world in worlds)
            assert told(mine) == told(whole)
            assert worlds[0].journal.state == worlds[1].journal.state
            spared += not worlds[0].looked_at_all
            assert mine.plan is not None
            acted[worlds[0].looked_at_all] += bool(mine.plan.actions)
    assert spared > 10
    assert acted[False] > 10
    assert acted[True]


@pytest.mark.parametrize("hours", range(0, 200, 7))
@pytest.mark.parametrize("value", [START, START.date(), START + timedelta(days=3)])
def test_nothing_moves_before_the_moment_that_a_window_tells(value: Any, hours: int) -> None:
    window = Window("A", timedelta(days=1), timedelta(days=2))
    now: datetime = START - timedelta(days=4) + timedelta(hours=hours)
    moment, holds = window.moves_at({"A": value}, now), window.holds({"A": value}, now)
    until = moment if moment is not None else now + timedelta(days=400)
    assert until >= now
    between = [now + (until - now) * part / 10 for part in range(10)]
    assert {window.holds({"A": value}, one) for one in between if one < until} <= {holds}
    if moment is not None:
        around = {window.holds({"A": value}, moment + timedelta(seconds=one)) for one in (-1, 1)}
        assert around == {True, False}
