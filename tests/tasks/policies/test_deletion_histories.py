"""Random histories of people who delete, restore and make again, under all policies, and a judge of every write."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from typing import Any

from hypothesis import given, note, settings
from hypothesis import strategies as st

from tasks.sides import State
from tests.tasks.policies.places import Place, Sync

EXAMPLES = int(os.environ.get("LOCKSTEP_EXAMPLES", "60"))
reached: Counter[str] = Counter()
MARKS = {"rows": {"mark": "Gone"}, "todos": {"mark": "hidden"}}
MARK_OF = {"rows": "Gone", "todos": "hidden"}


class World:
    """A sync, and what the judge knows of it: who deleted what, and what stands where by whose hand."""

    def __init__(self, policies: dict[str, str], deltas: bool) -> None:
        said = {
            {"rows": "to_notion", "todos": "to_other"}[at]: MARKS[at] if how == "mark" else how
            for at, how in policies.items()
        }
        self.policies = policies
        self.sync = Sync(deltas=deltas, delete=said)
        self.places: dict[str, Place] = {"rows": self.sync.rows, "todos": self.sync.todos}
        #: Names whose object a person deleted at a place, and did not bring back.
        self.deleted: set[tuple[str, str]] = set()
        #: Names that were deleted on both sides when a run looked.
        self.forgotten: set[str] = set()
        #: By name, where its object stood when the last run ended.
        self.left: dict[str, set[str]] = {}
        #: What was deleted since the last run, made again since or not.
        self.lately: set[tuple[str, str]] = set()
        #: What people made since the last run.
        self.fresh: set[tuple[str, str]] = set()

    def name_of(self, at: str, thing: str) -> str:
        place = self.places[at]
        known = place.things.get(thing) or place.trash[thing]
        return str(known.values[next(iter(place.attributes))])

    def find(self, at: str, name: str) -> str | None:
        found = self.places[at].named(name)
        assert len(found) < 2, f"{name} is there twice in {at}"
        return found[0] if found else None

    # -- people -----------------------------------------------------------------------------------------------

    def make(self, at: str, name: str) -> None:
        other = "todos" if at == "rows" else "rows"
        if self.find(at, name) is None and (self.find(other, name) is None or (at, name) in self.deleted):
            self.places[at].add(**({"Name": name, "Status": "Open"} if at == "rows" else {"summary": name}))
            self.deleted -= {(at, name), (other, name)}
            self.forgotten.discard(name)
            self.fresh.add((at, name))

    def delete(self, at: str, name: str) -> None:
        thing = self.find(at, name)
        if thing is not None:
            self.places[at].remove(thing)
            self.deleted.add((at, name))
            self.lately.add((at, name))

    def restore(self, at: str, name: str) -> None:
        for thing in reversed(list(self.places[at].trash)):  # what was deleted last
            if self.name_of(at, thing) == name and self.find(at, name) is None:
                self.places[at].bring_back(thing)
                self.deleted.discard((at, name))
                other = "todos" if at == "rows" else "rows"
                if name in self.forgotten:  # deleted on both, and back: as good as new
                    self.deleted.discard((other, name))

    def edit(self, at: str, name: str) -> None:
        thing = self.find(at, name)
        if thing is not None:
            done = {"rows": ("Done", "Open"), "todos": (State.DONE, State.OPEN)}[at]
            attribute = "Status" if at == "rows" else "status"
            now = self.places[at].things[thing].values[attribute]
            self.places[at].edit(thing, **{attribute: done[now == done[0]]})

    def later(self, *_: str) -> None:
        self.sync.clock.later(hours=2)

    # -- a run, judged ----------------------------------------------------------------------------------------

    def run(self, *_: str) -> None:
        for name, stood in self.left.items():
            now = {at for at in self.places if self.find(at, name)}
            if len(stood) == len(now) == 1 and stood != now:  # back here, gone there: as good as new
                self.deleted -= {(at, name) for at in stood}
        before = {at: {name for _, name in self.present(at)} for at in self.places}
        there = {at: set(names) for at, names in before.items()}
        for place in self.places.values():
            place.log.writes.clear()
        report = asyncio.run(self.sync.run())
        assert report.status in ("succeeded", "conflicts"), report.reason
        for at, place in self.places.items():
            # Each pair is written by itself, in whatever order.
            there[at] -= {self.name_of(at, thing) for kind, thing in place.log.writes if kind == "delete"}
            other = "todos" if at == "rows" else "rows"
            how = self.policies[at]
            for kind, thing in place.log.writes:
                name = self.name_of(at, thing)
                if kind == "delete":
                    assert how == "propagate", f"{name} was deleted in {at}, where it only may be {how}"
                    by_a_person = self.deleted | self.lately
                    assert (other, name) in by_a_person, f"{name} was deleted in {at}, and nobody deleted it"
                    reached["deleted"] += 1
                elif kind in ("create", "restore"):
                    assert name not in there[at], f"{name} was made twice in {at}"
                    new = (other, name) in self.lately | self.fresh  # as good as what was never linked
                    spared = (at, name) in self.deleted and not new and self.policies[other] != "propagate"
                    assert not spared, f"{name} was made again in {at}, where a person deleted it"
            for thing, name in self.present(at):
                marked = bool(place.things[thing].values[MARK_OF[at]])
                assert not marked or how == "mark", f"{name} was marked in {at}"
                reached["marked"] += marked
        for at, name in self.deleted:
            other = "todos" if at == "rows" else "rows"
            if self.policies[other] != "propagate" and name in before[other]:
                assert self.find(other, name), f"{name} did not stay in {other}"
                reached[f"spared {self.policies[other]}"] += 1
        for name in ("a", "b", "c"):
            self.left[name] = {at for at in self.places if self.find(at, name)}
            self.forgotten |= {name} if not self.left[name] else set()
            self.forgotten -= {name} if self.left[name] else set()

        self.lately.clear()
        self.fresh.clear()

    def present(self, at: str) -> list[tuple[str, str]]:
        return [(thing, self.name_of(at, thing)) for thing in self.places[at].things]

    def judge_rest(self) -> None:
        """What nobody deleted on either side is on both, and alike."""
        for name in ("a", "b", "c"):
            here, across = self.find("rows", name), self.find("todos", name)
            untouched = not {("rows", name), ("todos", name)} & self.deleted
            if untouched:
                assert (here is None) is (across is None), f"{name} is on one side only"
            if here and across:
                states = {"Open": State.OPEN, "Done": State.DONE, "Archived": State.CANCELLED}
                shown = self.places["rows"].things[here].values["Status"]
                across_shown = self.places["todos"].things[across].values["status"]
                assert states.get(shown, State.OPEN) == (across_shown or State.OPEN), name
                reached["in step"] += 1


PLACES, NAMES = st.sampled_from(["rows", "todos"]), st.sampled_from("abc")
HAPPENINGS = st.one_of(
    st.tuples(st.just("make"), PLACES, NAMES),
    st.tuples(st.just("delete"), PLACES, NAMES),
    st.tuples(st.just("delete"), PLACES, NAMES),
    st.tuples(st.just("restore"), PLACES, NAMES),
    st.tuples(st.just("edit"), PLACES, NAMES),
    st.tuples(st.just("run")),
    st.tuples(st.just("run")),
    st.tuples(st.just("later")),
)
HOW = st.sampled_from(["propagate", "unlink", "mark"])


@settings(max_examples=EXAMPLES, deadline=None)
@given(HOW, HOW, st.booleans(), st.lists(HAPPENINGS, min_size=6, max_size=16))
def test_whatever_is_deleted_only_what_may_go_goes_and_nothing_rises_again(
    rows: str, todos: str, deltas: bool, happenings: list[Any]
) -> None:
    world = World({"rows": rows, "todos": todos}, deltas)
    for name in "abcd":  # the last one stays: a side without any halts every run
        world.make("rows", name)
    world.run()
    note(f"rows {rows}, todos {todos}, deltas {deltas}: {happenings}")
    for what, *arguments in happenings:
        getattr(world, what)(*arguments)
    for _ in range(3):
        world.later()
        world.run()
    world.judge_rest()


def test_all_that_matters_was_reached() -> None:
    wanted = {"deleted", "marked", "spared unlink", "spared mark", "in step"}
    assert {name for name in wanted if not reached[name]} == set()
