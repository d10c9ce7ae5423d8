"""A run by changes that knows some links only does what it would do if it knew all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks import ConflictMode, SyncTask
from tasks.engine.known import Known, Synced
from tasks.engine.report import Order, RunReport
from tasks.journal.contract import memory_from_data
from tasks.journal.state import State
from tasks.journal.state_changes import change_state
from tasks.journal.state_journal import StateJournal
from tasks.journal.state_links import links_of
from tasks.merge import ID, End, Held, Intent, Link, Policy, Record, Snapshot, is_settled, make_plan
from tasks.values.opaque import Opaque
from tests.tasks.boards import START, Board, Boards
from tests.tasks.engine.watched import Watched
from tests.world.loop import run_alone

#: How many pairs of a world nothing befalls.
QUIET = 7
LEFT, RIGHT = End


class Whole(StateJournal):
    """Gives every link where it is asked for some: with it, a run by changes knows all of them."""

    async def unsettled(self, attributes: Collection[str]) -> Sequence[Link]:
        return links_of(self.state, End.LEFT, None)


# -- worlds that differ in nothing but the journal -----------------------------------------------------------------


def _as_coroutine(method: Callable[..., Any]) -> Callable[..., Any]:
    async def call(*args: Any, **values: Any) -> Any:
        return method(*args, **values)

    return call


#: Boards whose methods are coroutines: with threads, two runs would end in different orders.
Steady: type[Boards] = type(
    "Steady",
    (Boards,),
    {
        name: _as_coroutine(method)
        for name, method in vars(Boards).items()
        if name.startswith(("notion_", "other_", "get_"))
    },
)


class World:
    """Two boards in step after their first run, and what befell some of their pairs since."""

    def __init__(self, journal: StateJournal, mode: ConflictMode) -> None:
        self.journal = journal
        self.task = Steady(mode=mode, deltas=True)
        self.boards: dict[End, Board] = {LEFT: self.task.notion, RIGHT: self.task.other}
        self.pairs = [self.task.pair(A=f"row {number}", B="") for number in range(QUIET + 4)]
        self.begun = 0
        assert self.run().status == "succeeded"
        self.task.later(minutes=5)

    def run(self) -> RunReport:
        return run_alone(self.task.run(self.journal, order=Order(clock=self.task.clock)))

    def set(self, end: End, number: int, value: Any, *, told: bool = True) -> None:
        row_id = self.pairs[number][end is RIGHT]
        name = "B" if end is LEFT else "b"
        board = self.boards[end]
        if row_id in board.rows and told:
            board.edit(row_id, **{name: value})
        elif row_id in board.rows:
            board.rows[row_id].values[name] = value

    def add(self, end: End, title: str, value: str = "") -> ID:
        return self.boards[end].add(**({"A": title, "B": value} if end is LEFT else {"a": title, "b": value}))

    def remove(self, end: End, number: int) -> None:
        row_id = self.pairs[number][end is RIGHT]
        if row_id in self.boards[end].rows:
            self.boards[end].remove(row_id)

    def relink(self, number: int, change: Callable[[Link], Link]) -> None:
        (link,) = links_of(self.journal.state, LEFT, [self.pairs[number][0]])
        change_state(self.journal.state, put=change(link))

    def hold(self, pair: tuple[ID, ID], hours: int) -> None:
        memory = memory_from_data(self.journal.state.memory)
        held = Held(pair, "it failed", "content", 1, START, START + timedelta(hours=hours))
        change_state(self.journal.state, memory=replace(memory, held=(*memory.held, held)))

    def begin(self, end: End, source_id: ID, target_id: ID | None, value: str, title: str) -> None:
        self.begun += 1
        values = {"B": value} if target_id else {"A": title, "B": value}
        at = None if target_id else self.task.now - timedelta(hours=1)
        intent = Intent(f"key {self.begun}", end, source_id, values, target_id, begun_at=at, hash=title)
        change_state(self.journal.state, begin=intent)

    def park(self, end: End, number: int, *, apart: bool) -> None:
        self.boards[end].hidden.add(self.pairs[number][end is RIGHT])
        self.relink(number, lambda link: replace(link, parked=frozenset({end}), apart=apart))


def _base(link: Link, end: End, base: dict[str, Any]) -> Link:
    return replace(link, left=base) if end is LEFT else replace(link, right=base)


def lacks(world: World, end: End, number: int) -> None:
    def cut(link: Link) -> Link:
        return _base(link, end, {name: value for name, value in link.base_on(end).items() if name != "B"})

    world.relink(number, cut)


def odd(world: World, end: End, number: int) -> None:
    hidden = Opaque("a thing", odd=True)
    world.set(end, number, hidden, told=False)
    world.relink(number, lambda link: _base(link, end, {**link.base_on(end), "B": hidden}))


def moved(world: World, end: End, number: int) -> None:
    world.boards[end].moved.add(world.pairs[number][end is RIGHT])
    world.remove(end, number)


def remade(world: World, end: End, number: int) -> None:
    world.remove(end, number)
    world.add(end, f"row {number}", "again")


def seen_again(world: World, end: End, number: int) -> None:
    world.park(end, number, apart=False)
    world.boards[end].hidden.discard(world.pairs[number][end is RIGHT])
    world.set(end, number, "back")


def update_begun(world: World, end: End, number: int, *, arrived: bool) -> None:
    ids = world.pairs[number]
    world.begin(end, ids[end is LEFT], ids[end is RIGHT], "w", "")
    world.set(end.opposite, number, "w", told=False)
    if arrived:
        world.set(end, number, "w", told=False)


def create_begun(world: World, end: End, number: int, *, arrived: bool) -> None:
    source_id = world.add(end.opposite, f"new {number}")
    world.begin(end, source_id, None, "", f"new {number}")
    if arrived:
        world.add(end, f"new {number}")


#: What may befall a pair, seen from one end.
FATES: dict[str, Callable[[World, End, int], Any]] = {
    "edited": lambda world, end, number: world.set(end, number, "e"),
    "edited on both": lambda world, end, number: [world.set(one, number, one.value) for one in End],
    "deleted": lambda world, end, number: world.remove(end, number),
    "deleted on both": lambda world, end, number: [world.remove(one, number) for one in End],
    "moved": moved,
    "made again": remade,
    "a twin": lambda world, end, number: world.add(end, f"row {number}"),
    "new": lambda world, end, number: world.add(end, f"fresh {number}"),
    "parked": lambda world, end, number: world.park(end, number, apart=False),
    "back in sight": seen_again,
    "apart": lambda world, end, number: world.park(end, number, apart=True),
    "apart, and one made again": lambda world, end, number: (
        world.park(end, number, apart=True),
        world.add(end, f"row {number}", "again"),
    ),
    "lacks a base": lacks,
    "odd": odd,
    "held": lambda world, end, number: world.hold(world.pairs[number], 0),
    "held until later": lambda world, end, number: world.hold(world.pairs[number], 9),
    "held by one id": lambda world, end, number: world.hold(
        (world.pairs[number][0], "") if end is LEFT else ("", world.pairs[number][1]), 0
    ),
    "update begun": lambda world, end, number: update_begun(world, end, number, arrived=False),
    "update arrived": lambda world, end, number: update_begun(world, end, number, arrived=True),
    "create begun": lambda world, end, number: create_begun(world, end, number, arrived=False),
    "create arrived": lambda world, end, number: create_begun(world, end, number, arrived=True),
    "linked create begun": lambda world, end, number: world.begin(
        end, world.pairs[number][end is LEFT], None, "w", f"row {number}"
    ),
}

REACHED: Counter[str] = Counter()
#: By pair, what befalls it in turn, and at which ends.
CASES = st.lists(
    st.lists(st.tuples(st.sampled_from(sorted(FATES)), st.sampled_from(End)), min_size=1, max_size=2),
    min_size=1,
    max_size=4,
)


def check(case: list[list[tuple[str, End]]], mode: ConflictMode) -> None:
    watched = Watched()
    worlds = [World(watched, mode), World(Whole(State()), mode)]
    for world in worlds:
        for number, fates in enumerate(case):
            for fate, end in fates:
                FATES[fate](world, end, number)
    quiet = {ours for ours, _ in worlds[0].pairs[len(case) :]}
    for turn in range(3):
        watched.calls.clear()
        watched.given.clear()
        mine, whole = (world.run() for world in worlds)
        assert mine.plan == whole.plan
        assert [action.name for action in mine.plan.actions] == [action.name for action in whole.plan.actions]
        assert (mine.status, mine.reason, mine.outcome.counts) == (
            whole.status,
            whole.reason,
            whole.outcome.counts,
        )
        assert watched.state.to_json() == worlds[1].journal.state.to_json()
        for end in End:
            assert worlds[0].boards[end].rows == worlds[1].boards[end].rows
            assert worlds[0].boards[end].calls == worlds[1].boards[end].calls
        in_part = not watched.calls["load"]
        if in_part:
            assert not watched.given & quiet
        for fates in case if turn == 0 else ():
            for fate, end in fates:
                REACHED[f"{fate} {end.value} {'in part' if in_part else 'whole'}"] += 1
        if in_part:
            REACHED.update(f"plan {type(action).__name__}" for action in mine.plan.actions)
        for world in worlds:
            world.task.later(minutes=10)


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(CASES, st.sampled_from([ConflictMode.NEWER, ConflictMode.ERROR]))
def check_any(case: list[list[tuple[str, End]]], mode: ConflictMode) -> None:
    check(case, mode)


def test_what_is_planned_and_kept_is_the_same_as_with_every_link() -> None:
    REACHED.clear()
    for fate in FATES:
        for end in End:
            for mode in (ConflictMode.NEWER, ConflictMode.ERROR):
                check([[(fate, end)]], mode)
    check_any()
    print(REACHED)
    missing = [
        f"{fate} {end.value}" for fate in FATES for end in End if not REACHED[f"{fate} {end.value} in part"]
    ]
    assert not missing, f"never met by a run that knew some links only: {missing}"
    planned = ("Adopt", "Agree", "Conflict", "Create", "Delete", "Park", "Skip", "Unlink", "Update")
    assert all(REACHED[f"plan {kind}"] for kind in planned), REACHED


# -- a settled link says nothing -----------------------------------------------------------------------------------

VALUES = st.sampled_from(
    [None, "", "a", 0, False, float("nan"), ("a",), Opaque("x"), Opaque("x", odd=True), {"a": 1}]
)
BASES = st.dictionaries(st.sampled_from("ABC"), VALUES)
FULL = st.fixed_dictionaries({"A": VALUES, "B": VALUES})
PARKED = st.sampled_from([frozenset[End]()] * 3 + [frozenset({LEFT}), frozenset(End)])
LINKS = st.builds(
    lambda left, right, parked, apart: Link("l", "r", left, right, parked, apart=apart and bool(parked)),
    BASES | FULL,
    BASES | FULL,
    PARKED,
    st.booleans(),
)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(LINKS, st.sampled_from(["newer", "error", "left"]), st.sampled_from([None, *End]))
def check_one(link: Link, mode: str, only_to: End | None) -> None:
    attributes = ("A", "B")
    if not is_settled(link, attributes):
        REACHED["not settled"] += 1
        return
    REACHED["settled"] += 1
    shown = {end: {link.id_on(end): Record(link.id_on(end), link.base_on(end))} for end in End}
    snapshots = [Snapshot(end, {} if end in link.parked else shown[end], full=False) for end in End]
    policy = Policy(
        attributes, mode, only_to={} if only_to is None else {"A": only_to}, keeps_target_edits=mode == "left"
    )
    plan = make_plan([link], *snapshots, policy)
    assert (plan.actions, plan.in_step, plan.told) == ((), 1, ()) or (not link.parked and plan.told)


def test_a_plan_passes_over_a_settled_link_that_shows_its_base() -> None:
    check_one()
    assert REACHED["settled"] > 20
    assert REACHED["not settled"] > 20


# -- what a side is told of the last sync --------------------------------------------------------------------------


class Asking(Boards):
    """Asks of some objects what they showed last, when it says what changed."""

    def __init__(self) -> None:
        super().__init__(deltas=True)
        self.synced: Any = {}
        self.ask: Callable[[Any], Any] = lambda synced: None
        self.answers: list[Any] = []

    def recall(self, remembered: Any, synced: Any) -> None:
        self.synced = synced

    def notion_changes(self, cursor: Any) -> Any:
        self.answers.append(self.ask(self.synced))
        return super().notion_changes(cursor)


@pytest.mark.parametrize("way", ["get", "in", "keys", "items"])
async def test_a_side_that_asks_for_one_object_loads_no_more(way: str) -> None:
    assert SyncTask.recall is not Asking.recall
    task, journal = Asking(), Watched()
    ours = [task.pair(A=f"row {number}", B="")[0] for number in range(9)]
    await task.run(journal, order=Order(clock=task.clock))
    journal.calls.clear()
    journal.given.clear()
    asked: dict[str, Callable[[Any], Any]] = {
        "get": lambda synced: (synced.get(ours[3]), synced.get("nobody"), synced.get(3)),
        "in": lambda synced: (ours[3] in synced, "nobody" in synced, None in synced),
        "keys": lambda synced: (len(synced), set(synced) == set(ours), bool(synced)),
        "items": lambda synced: (len(synced), dict(synced.items())[ours[3]]),
    }
    task.ask = asked[way]
    report = await task.run(journal, order=Order(clock=task.clock))
    shown = {"A": "row 3", "B": ""}
    assert task.answers == [
        {
            "get": (shown, None, None),
            "in": (True, False, False),
            "keys": (9, True, True),
            "items": (9, shown),
        }[way]
    ]
    assert (report.plan.in_step, report.plan.listed) == (9, {LEFT: 9, RIGHT: 9})
    assert (journal.calls["load"], journal.given - {ours[3]}) == (0, set())


async def test_what_was_looked_up_stays_as_it_was_before_the_run() -> None:
    journal = Watched()
    before, after = Link("n1", "o1", {"A": "old"}, {"a": "old"}), Link("n1", "o1", {"A": "new"}, {"a": "new"})
    await journal.confirm(put=before)
    known = Known(journal, await journal.recall())
    await known.load({LEFT: ["n1"], RIGHT: []})
    await journal.confirm(put=after)
    assert Synced({"A": "Title"}, known, LEFT)["n1"] == {"Title": "old"}
    assert known.get(RIGHT, "o1") == before
    await known.load_all()
    assert known.base.links == [after]


async def test_a_create_that_gives_an_object_of_a_link_that_was_not_known_takes_it_from_nobody() -> None:
    """A service that answers a create with what an earlier one of the same key made."""
    task, journal = Boards(deltas=True), Watched()
    pairs = [task.pair(A=f"row {number}", B="") for number in range(9)]
    await task.run(journal, order=Order(clock=task.clock))
    task.notion.add(A="new", B="")
    create, answers = task._create, [task.other.rows[pairs[4][1]]]
    task._create = lambda board, values: answers.pop() if answers else create(board, values)  # type: ignore[method-assign]
    journal.calls.clear()
    await task.run(journal, order=Order(clock=task.clock))
    assert not journal.calls["load"]
    assert journal.state.ids[pairs[4][0]] == pairs[4][1]
    assert task.notion.shown() == task.other.shown()
    assert len(journal.state.ids) == 10


async def test_the_guards_know_of_links_that_were_not_loaded() -> None:
    """Seven deletions of twenty pairs are no reason to halt, nor to list everything and see."""
    task, journal = Boards(deltas=True), Watched()
    pairs = [task.pair(A=f"row {number}", B="") for number in range(20)]
    await task.run(journal, order=Order(clock=task.clock))
    for ours, _ in pairs[:7]:
        task.notion.remove(ours)
    journal.calls.clear()
    task.notion.calls.clear()
    report = await task.run(journal, order=Order(clock=task.clock))
    assert (report.status, report.outcome.counts["right_deleted"]) == ("succeeded", 7)
    assert (report.plan.in_step, report.plan.listed) == (13, {LEFT: 13, RIGHT: 20})
    assert (task.notion.calls["list"], journal.calls["load"]) == (0, 0)


async def test_a_side_that_has_to_be_listed_is_compared_with_every_link() -> None:
    task, journal = Boards(deltas=True), Watched()
    for number in range(9):
        task.pair(A=f"row {number}", B="")
    await task.run(journal, order=Order(clock=task.clock))
    task.notion.oldest = 99
    report = await task.run(journal, order=Order(clock=task.clock))
    assert (task.notion.calls["list"], task.other.calls["list"]) == (2, 1)
    assert (report.plan.in_step, report.plan.actions) == (9, ())
