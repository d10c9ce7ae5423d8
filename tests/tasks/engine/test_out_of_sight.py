"""Pairs that are out of sight are loaded where a change may be about them only: nothing else comes of it.

The oracle is a run that loads all of them each time; that one is held to a run that knows every link in `test_known`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from tasks import ItemError, Listing, TwoWay
from tasks.engine.report import Order, RunReport
from tasks.journal.state import State
from tasks.journal.state_journal import StateJournal
from tasks.merge import End, Link
from tasks.values.opaque import Opaque
from tests.tasks.boards import Boards
from tests.tasks.engine.watched import Watched
from tests.tasks.policies.places import MAP, ROWS, TODOS, Clock, Place
from tests.world.loop import OF_A_SIDE, run_alone, steady

STEPS = 24
SEEDS = 3
OPEN = {"notion": {"Status": ["Open"]}}
DONE = {"notion": {"Status": ["Open", "Done"]}}


class Viewed(Place):
    """Shows all objects, or two thirds of them: another scope, which parks pairs without setting them apart.

    Some cannot be read.
    """

    part = False
    broken: frozenset[str] = frozenset()

    def values(self, obj: Any) -> dict[str, Any]:
        if obj.id in self.broken:
            raise ItemError("it cannot be read")
        return super().values(obj)

    def scope(self) -> str:
        return f"{self.label} in part" if self.part else self.label

    def list(self) -> Any:
        listed = super().list()
        return Listing(
            [one for one in listed if self._in_view(one)], partial=listed.partial, cursor=listed.cursor
        )

    def changes(self, cursor: Any) -> Any:
        found = super().changes(cursor)
        return replace(found, changed=[one for one in found.changed if self._in_view(one)])

    def _in_view(self, thing: Any) -> bool:
        return not (self.part and int(thing.id.split("-")[1]) % 3 == 0)


SteadyPlace = steady(Viewed, *(name for name in OF_A_SIDE if name in vars(Place)))


class Watcher(Watched):
    """Tells of those out of sight as well."""

    async def out_of_sight(self) -> Sequence[Link]:
        return self.give("out of sight", await super().out_of_sight())


class Former(StateJournal):
    """Gives what is out of sight to every run."""

    async def unsettled(self, attributes: Collection[str]) -> Sequence[Link]:
        links = [*await super().unsettled(attributes), *await super().out_of_sight()]
        return list({link.left_id: link for link in links}.values())


KINDS: dict[str, dict[str, Any]] = {
    "filter": {"only": OPEN, "leave": "unlink"},
    "filter that keeps": {"only": OPEN, "leave": "keep"},
    "leaves on one side": {"only": OPEN, "leave": {"from_notion": "unlink", "from_other": "delete"}},
    "window": {"window": {"attribute": "due", "past": "2d"}, "leave": "unlink"},
    "deletions that stay": {"delete": {"to_notion": "unlink", "to_other": "unlink"}, "leave": "unlink"},
    "mirror": {"only_to": "other", "target_edits": "keep", "leave": "unlink"},
    "match": {"match": ["Name"], "only": OPEN, "leave": "unlink"},
}


class World:
    """A task, its two sides, and the time."""

    def __init__(self, journal: StateJournal, kind: str) -> None:
        self.journal, self.said, self.clock = journal, dict(KINDS[kind]), Clock()
        self.rows: Viewed = SteadyPlace("the board rows", ROWS, self.clock, deltas=True)
        self.todos: Viewed = SteadyPlace("the list todos", TODOS, self.clock, deltas=True)
        self.listed = False

    @property
    def sides(self) -> tuple[Viewed, Viewed]:
        return self.rows, self.todos

    def run(self) -> RunReport:
        self.clock.later(minutes=7)
        sync = TwoWay("t", self.rows, self.todos, dict(MAP), **self.said)
        sync.handful = 99
        sync.full_listing_every = timedelta(0) if self.listed else timedelta(days=10_000)
        now = self.clock.now
        return run_alone(sync.run(self.journal, order=Order(clock=lambda: now)))


def befall(world: World, step: int, chance: Random) -> str:
    """What people do in a step; the same with the same chance."""
    place = world.sides[chance.randrange(2)]
    title = next(iter(place.attributes))
    known = sorted(place.things)
    one = chance.choice(known) if known else ""
    world.listed = chance.random() < 0.2
    what = chance.choice(
        (
            *(
                "nothing",
                "nothing",
                "nothing",
                "add",
                "edit",
                "edit",
                "leave",
                "leave",
                "come back",
                "remove",
            ),
            *(
                "remove both",
                "move out",
                "move in",
                "bring back",
                "again",
                "twin",
                "other scope",
                "other view",
                "a day",
                "break",
            ),
        )
    )
    rows, number = world.rows, chance.randrange(9)
    match what:
        case "add":
            place.add(**{title: f"new {step}"}, **({"Status": "Open"} if place is rows else {}))
        case "edit" if one:
            when = world.clock.now.date() + timedelta(days=number - 4)
            place.edit(one, **{"When" if place is rows else "due": when})
        case "leave" | "come back":
            wanted = "Open" if what == "leave" else "Done"
            some = [key for key, thing in sorted(rows.things.items()) if thing.values["Status"] == wanted]
            if some:
                rows.edit(chance.choice(some), Status="Done" if what == "leave" else "Open")
        case "remove" if one:
            place.remove(one)
        case "remove both" if one:
            name = place.things[one].values[title]
            for each in world.sides:
                for found in each.named(name)[:1]:
                    each.remove(found)
        case "move out" if one:
            place.move_out(one)
        case "move in" if place.outside:
            place.move_in(chance.choice(sorted(place.outside)))
        case "bring back" if place.trash:
            place.bring_back(chance.choice(sorted(place.trash)))
        case "again" if one:  # deleted, and made again under another id
            thing = place.things[one]
            place.remove(one)
            place.add(**thing.values)
        case "twin":  # as one that is missing, or not
            every = sorted(
                {str(thing.values["Name"]) for thing in (*rows.things.values(), *rows.trash.values())}
            )
            if every:
                name = chance.choice(every)
                place.add(**{title: name}, **({"Status": "Open"} if place is rows else {}))
        case "other scope" if "only" in world.said and chance.random() < 0.4:
            world.said["only"] = DONE if world.said["only"] is OPEN else OPEN
        case "break" if one:
            place.broken ^= {one}
            place.edit(one, **{title: place.things[one].values[title]})
        case "other view" if chance.random() < 0.4:
            place.part = not place.part
        case "a day":
            world.clock.later(days=1)
    return what


def told(report: RunReport) -> tuple[Any, ...]:
    plan = report.plan
    assert plan is not None
    names = [action.name for action in plan.actions]
    return (
        *(report.status, report.reason, plan.actions, names, plan.in_step, plan.listed, plan.told, plan.void),
        report.outcome,
    )


def shown(world: World) -> Any:
    return [
        (place.things, place.trash, place.outside, place.log.calls, place.log.writes) for place in world.sides
    ]


def play(kind: str, seed: int, reached: Counter[str]) -> None:
    watched = Watcher()
    worlds = [World(journal, kind) for journal in (watched, Former(State()))]
    chances = [Random(seed), Random(seed)]
    for world in worlds:
        for number in range(8):
            when = world.clock.now.date() + timedelta(days=number - 1)
            world.rows.add(Name=f"row {number}", Status="Open", When=when)
        world.run()
    for step in range(STEPS):
        what = [befall(world, step, chance) for world, chance in zip(worlds, chances, strict=True)]
        assert what[0] == what[1]
        for _ in range(1 + step % 3 % 2):
            absent = run_alone(StateJournal.out_of_sight(watched))
            out = {link.left_id for link in absent}
            watched.calls.clear()
            watched.given.clear()
            mine, former = (world.run() for world in worlds)
            assert told(mine) == told(former), (kind, seed, step, what)
            assert watched.state == worlds[1].journal.state, (kind, seed, step, what)
            assert shown(worlds[0]) == shown(worlds[1])
            assert mine.plan is not None
            if watched.calls["load"] or not out:
                continue
            reached["not apart"] += any(not link.apart for link in absent)
            acted = "with a plan" if mine.plan.actions else "idle"
            if not watched.given & out:
                reached[f"none known, {acted}"] += 1
            elif watched.calls["out of sight"]:
                reached[f"all known, {acted}"] += 1
            else:
                reached[f"some known, {acted}"] += 1
            reached.update(f"plan {type(one).__name__}" for one in mine.plan.actions)


def test_histories_are_the_same_as_with_all_that_is_out_of_sight() -> None:
    reached: Counter[str] = Counter()
    by_kind: Counter[str] = Counter()
    for kind in KINDS:
        for seed in range(SEEDS):
            before = reached["none known, idle"]
            play(kind, seed, reached)
            by_kind[kind] += reached["none known, idle"] - before
    print(reached, by_kind)
    for one in ("none known, idle", "none known, with a plan", "all known, with a plan", "some known, idle"):
        assert reached[one] > 10, one
    assert reached["not apart"] > 10
    assert all(reached[f"plan {kind}"] for kind in ("Create", "Update", "Park", "Unlink", "Skip"))
    assert all(by_kind[kind] for kind in KINDS), by_kind


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("end", End)
async def test_what_is_told_of_a_pair_out_of_sight_is_told_still(end: End, apart: bool) -> None:
    reports = []
    for journal in (Watcher(), Former(State())):
        task = Boards(deltas=True)
        for number in range(5):
            task.pair(A=f"row {number}", B="")
        await task.run(journal, order=Order(clock=task.clock))
        ids = list(journal.state.ids.items())
        for number, value in enumerate(("", Opaque("button"), Opaque("button", odd=True))):
            base = {"A": f"row {number}", "B": value}
            parked = frozenset({end})
            await journal.confirm(put=Link(*ids[number], base, base, parked, apart=apart))
        reports.append(await task.run(journal, order=Order(clock=task.clock)))
        if isinstance(journal, Watched):
            assert journal.given.isdisjoint({ids[0][0], ids[3][0], ids[4][0]})
    assert told(reports[0]) == told(reports[1])
    assert reports[0].plan is not None
    assert [one for one in reports[0].plan.told if "1 object" in one]
    assert reports[0].plan.listed == {end: 2, end.opposite: 5}


async def test_the_guards_do_not_count_pairs_that_went_apart() -> None:
    """Six deletions are too many of eight pairs, though eighteen are linked."""
    task, journal = Boards(deltas=True), Watcher()
    pairs = [task.pair(A=f"row {number}", B="") for number in range(18)]
    await task.run(journal, order=Order(clock=task.clock))
    for ours, theirs in pairs[8:]:
        base = {"A": "row", "B": ""}
        await journal.confirm(put=Link(ours, theirs, base, base, frozenset({End.LEFT}), apart=True))
        task.notion.hidden.add(ours)
    for ours, _ in pairs[:6]:
        task.notion.remove(ours)
    journal.calls.clear()
    report = await task.run(journal, order=Order(clock=task.clock))
    assert report.status == "halted"
    assert "delete 6 of 8 linked objects" in report.reason


async def test_what_is_new_on_either_side_may_be_what_is_missing() -> None:
    """The pair that went apart is linked again, instead of a second one beside what stayed."""
    for end in End:
        task, journal = Boards(deltas=True), Watcher()
        for number in range(4):
            task.pair(A=f"row {number}", B="")
        await task.run(journal, order=Order(clock=task.clock))
        ours, theirs = next(iter(journal.state.ids.items()))
        base = {"A": "row 0", "B": ""}
        await journal.confirm(put=Link(ours, theirs, base, base, frozenset({end}), apart=True))
        board = task.notion if end is End.LEFT else task.other
        board.remove((ours, theirs)[end is End.RIGHT])
        board.version = board.deleted[(ours, theirs)[end is End.RIGHT]]
        task.later(minutes=5)
        await task.run(journal, order=Order(clock=task.clock))
        board.add(**({"A": "row 0", "B": ""} if end is End.LEFT else {"a": "row 0", "b": ""}))
        task.later(minutes=5)
        await task.run(journal, order=Order(clock=task.clock))
        assert [len(one.rows) for one in (task.notion, task.other)] == [4, 4]
