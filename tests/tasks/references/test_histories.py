"""Random histories of objects that refer to each other: what people say stays said, on both sides.

People make, edit and delete objects on both sides, alone and in cycles; runs are cut off before and after their writes.
The judge knows nothing of links: it goes by titles, of which each is given once. In the end both sides tell the same of
everything that is there; an edge is missing only if a person took it away, and there only if a person drew it; and a
further run writes nothing.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from random import Random

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tasks.errors import SideError
from tasks.values.references import References
from tests.tasks.references.graphs import Graph, Ledger, minutes, run, task, writes
from tests.world.loop import run_alone

REACHED: Counter[str] = Counter()
#: Runs after which nothing may be left to do.
SETTLED = 5
Edge = tuple[str, str]


@dataclass
class Told:
    """What people did, by titles."""

    drawn: set[Edge] = field(default_factory=set)
    #: Edges that the last person who touched them took away, or that went with an edit of the whole.
    erased: set[Edge] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    #: Objects of which somebody said on a side with room for one reference that they have none, or one that was deleted
    #: before it went across or that was deleted there.
    cleared: set[str] = field(default_factory=set)
    #: Edges that were drawn since a run last came to its end, by side.
    unseen: set[tuple[str, Edge]] = field(default_factory=set)
    #: Those of them whose goal was deleted before, or that were replaced: nobody across ever knew of them.
    unknown: set[Edge] = field(default_factory=set)
    #: Edges that were taken away since a run last came to its end, by side.
    unsaid: set[tuple[str, Edge]] = field(default_factory=set)
    #: Edges whose goal was deleted where they had been taken away, before that went across: a service that drops
    #: references with their object shows just the same, so that they come back with a goal that was edited across.
    as_if_dropped: set[Edge] = field(default_factory=set)


class History:
    """One history."""

    def __init__(self, seed: int, *, drops: tuple[bool, bool], deltas: bool, single: bool, mode: str) -> None:
        self.random = Random(seed)
        self.left = Graph("left", drops=drops[0], deltas=deltas)
        self.right = Graph("right", drops=drops[1], deltas=deltas, single=single)
        self.journal = Ledger()
        self.task = task(self.left, self.right, mode)
        self.told = Told()
        self.time = 0
        self.titles = 0
        self.cut_off = False
        for _ in range(3):
            self.make(self.left)

    # -- people -----------------------------------------------------------------------------------------------

    def some(self, graph: Graph, most: int) -> list[str]:
        known = sorted(graph.things)
        return self.random.sample(known, min(len(known), self.random.randint(0, most)))

    def most(self, graph: Graph) -> int:
        return 1 if graph.single else 3

    def make(self, graph: Graph) -> None:
        self.titles += 1
        title = f"t{self.titles}"
        refs = self.some(graph, self.most(graph))
        graph.add(title, *refs)
        edges = {(title, graph.things[ref].title) for ref in refs}
        self.told.drawn |= edges
        self.told.unseen |= {(graph.label, edge) for edge in edges}

    def tie(self, graph: Graph) -> None:
        """Two new objects that refer to each other, or one that refers to itself."""
        self.titles += 2
        one, two = f"t{self.titles - 1}", f"t{self.titles}"
        first = graph.add(one)
        second = graph.add(two, first)
        graph.refer(first, second)
        self.told.drawn |= {(one, two), (two, one)}
        self.told.unseen |= {(graph.label, (one, two)), (graph.label, (two, one))}
        REACHED["cycles"] += 1

    def refer(self, graph: Graph) -> None:
        obj_id = self.random.choice(sorted(graph.things))
        thing = graph.things[obj_id]
        before = {ref for ref in thing.refs if ref in graph.things}
        if self.random.random() < 0.5 and not graph.single:
            refs = {*thing.refs, *self.some(graph, 2)}
        else:
            refs = set(self.some(graph, self.most(graph)))
        graph.refer(obj_id, *refs)
        if graph.single and self.told.deleted.issuperset(graph.things[ref].title for ref in refs):
            self.told.cleared.add(thing.title)
        for ref in before - refs:
            self.erase(graph, (thing.title, graph.things[ref].title))
        for ref in refs:
            if ref in graph.things and ref not in before:
                self.draw(graph, (thing.title, graph.things[ref].title))

    def erase(self, graph: Graph, edge: Edge) -> None:
        unseen = (graph.label, edge) in self.told.unseen
        # What is drawn and taken away again is no edit: what was drawn across stays.
        if unseen and (graph.single or edge in self.across(graph).edges()):
            self.told.unknown.add(edge)
        else:
            self.told.erased.add(edge)
            self.told.unsaid.add((graph.label, edge))
        self.told.as_if_dropped.discard(edge)

    def draw(self, graph: Graph, edge: Edge) -> None:
        # Neither is what is taken away and drawn again: what was taken away across is gone.
        if (graph.label, edge) in self.told.unsaid and edge not in self.across(graph).edges():
            self.told.unknown.add(edge)
        self.told.drawn.add(edge)
        self.told.erased.discard(edge)
        self.told.unseen.add((graph.label, edge))

    def across(self, graph: Graph) -> Graph:
        return self.right if graph is self.left else self.left

    def note(self, graph: Graph) -> None:
        obj_id = self.random.choice(sorted(graph.things))
        graph.things[obj_id].note = f"note {self.random.randint(1, 10**9)}"
        graph.touch(obj_id)

    def delete(self, graph: Graph) -> None:
        known = sorted(graph.things)
        if len(known) > 2:
            obj_id = self.random.choice(known)
            title = graph.things[obj_id].title
            self.told.deleted.add(title)
            self.told.unknown |= {edge for _, edge in self.told.unseen if edge[1] == title}
            across = self.across(graph)
            unsaid = self.told.erased & (across.edges() - graph.edges())
            self.told.as_if_dropped |= {edge for edge in unsaid if edge[1] == title}
            if graph.single:
                chosen = {edge for side, edge in self.told.unseen if side == graph.label}
                fresh = graph.edges() - across.edges() | graph.edges() & chosen
                self.told.cleared |= {one for one, goal in fresh if goal == title}
            graph.remove(obj_id)
            REACHED["deletions"] += 1

    def people(self) -> None:
        for _ in range(self.random.randint(0, 4)):
            graph = self.random.choice([self.left, self.right])
            if not graph.things:
                continue
            graph.now = minutes(self.time) if self.random.random() < 0.5 else minutes(self.time - 1)
            what = [
                self.make,
                self.make,
                self.tie,
                self.refer,
                self.refer,
                self.refer,
                self.note,
                self.delete,
            ]
            self.random.choice(what)(graph)

    # -- runs -------------------------------------------------------------------------------------------------

    async def sync(self, *, faults: bool) -> str:
        self.time += 1
        before = writes(self.task)
        for graph in (self.left, self.right):
            graph.now = minutes(self.time)
            graph.away_after = self.random.randint(0, 4) if faults and self.random.random() < 0.5 else None
            graph.arrives = self.random.random() < 0.5
        try:
            status = (await run(self.task, self.journal, minutes(self.time))).status
        except SideError:
            status = "cut off"
            self.cut_off = True
        if status == "succeeded":
            self.told.unseen.clear()
            self.told.unsaid.clear()
        REACHED[status] += 1
        REACHED["runs that write"] += writes(self.task) > before
        return status

    async def play(self) -> None:
        for _ in range(self.random.randint(2, 7)):
            self.people()
            await self.sync(faults=self.random.random() < 0.4)
        for _ in range(SETTLED):
            # What was left is looked at again in time.
            self.time += 1000
            status = await self.sync(faults=False)
        assert status == "succeeded", status
        self.judge()
        before = writes(self.task)
        await self.sync(faults=False)
        assert writes(self.task) == before, "a run without edits writes"

    # -- the judge --------------------------------------------------------------------------------------------

    def judge(self) -> None:
        for graph in (self.left, self.right):
            titles = Counter(thing.title for thing in graph.things.values())
            assert max(titles.values(), default=1) == 1, f"{graph.label}: made twice: {titles}"
        here, there = self.left.ids(), self.right.ids()
        assert here.keys() == there.keys(), f"{here.keys() ^ there.keys()} on one side only"
        assert self.told.deleted >= {f"t{n}" for n in range(1, self.titles + 1)} - here.keys(), "lost"
        left, right = self.left.edges(), self.right.edges()
        if self.right.single:
            assert right <= left, f"only on the right: {right - left}"
            blank = {one for one, _ in left} - {one for one, _ in right} - self.told.cleared
            assert not blank or self.cut_off, f"blank: {blank}"
        else:
            assert left == right, f"left only {left - right}, right only {right - left}"
        assert left <= self.told.drawn, f"nobody drew {left - self.told.drawn}"
        disputed = self.disputed()
        lost = {
            edge
            for edge in self.told.drawn - self.told.erased - self.told.unknown - left
            if edge[0] in here
            and edge[1] in here
            and edge[0] not in disputed
            # Where there is room for one only, nobody else knew of the others when their object was made again.
            and not (self.right.single and edge[1] in self.told.deleted)
        }
        assert not lost, f"nobody took {lost} away"
        taken = self.told.erased - self.told.as_if_dropped
        back = {edge for edge in left & taken if edge[0] not in disputed}
        # Of a write without an answer nobody knows what was taken away since, where one of several is shown.
        assert not back or (self.right.single and self.cut_off), f"{back} was taken away and is there"
        REACHED["edges"] += len(left)
        REACHED["disputed"] += len(disputed)

    def disputed(self) -> set[str]:
        """The titles of objects whose references both sides edited, of which one lost and is in the ledger; and of
        those that were deleted on one side and edited on the other."""
        found = set(self.told.deleted)
        for entry in self.journal.entries:
            if entry.attribute == "refs":
                assert any(isinstance(version.value, References) for version in entry.versions)
                for graph, version in zip((self.left, self.right), entry.versions, strict=True):
                    if version.id in graph.things:
                        found.add(graph.things[version.id].title)
        return found


@settings(
    max_examples=int(os.environ.get("REFERENCE_HISTORIES", "150")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(
    seed=st.integers(0, 10**9),
    drops=st.tuples(st.booleans(), st.booleans()),
    deltas=st.booleans(),
    single=st.booleans(),
    mode=st.sampled_from(["newer", "notion", "other"]),
)
# Taken away and deleted at once; waiting for what is new, and deleted before the next run, on either kind of side.
@example(seed=13752729, drops=(False, False), deltas=False, single=False, mode="newer")
@example(seed=1000229, drops=(True, True), deltas=False, single=False, mode="notion")
@example(seed=2000220, drops=(True, False), deltas=False, single=True, mode="notion")
@example(seed=7002116, drops=(False, False), deltas=False, single=True, mode="notion")
# Chosen where it was deleted across; taken away on both sides and drawn again on one; the other way round.
@example(seed=4000598, drops=(False, True), deltas=True, single=True, mode="notion")
@example(seed=3001005, drops=(True, True), deltas=True, single=True, mode="newer")
@example(seed=4001512, drops=(True, False), deltas=False, single=False, mode="newer")
# Made again by a run that had linked it before.
@example(seed=4000587, drops=(False, False), deltas=True, single=True, mode="other")
def test_what_people_say_stays_said(
    seed: int, drops: tuple[bool, bool], deltas: bool, single: bool, mode: str
) -> None:
    history = History(seed, drops=drops, deltas=deltas, single=single, mode=mode)
    run_alone(history.play())


def test_everything_was_reached() -> None:
    wanted = {"cycles", "deletions", "cut off", "succeeded", "runs that write", "edges", "disputed"}
    assert wanted <= {name for name, number in REACHED.items() if number}, REACHED
