"""Random histories of two people whose sync carries some attributes one way, and a judge that knows every edit."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.merge import (
    Adopt,
    Agree,
    Conflict,
    Create,
    Delete,
    End,
    Link,
    Plan,
    Policy,
    Record,
    Snapshot,
    Unlink,
    Update,
    make_plan,
)

EXAMPLES = int(os.environ.get("LOCKSTEP_EXAMPLES", "400"))
#: Where an attribute has its source; `A` goes both ways.
SOURCE = {"M": End.LEFT, "N": End.RIGHT}
NAMES = ("A", *SOURCE)
POLICY = Policy(NAMES, only_to={name: source.opposite for name, source in SOURCE.items()}, handful=99)
reached: Counter[str] = Counter()


@dataclass
class World:
    """Two sides that are edited by people and by plans, and what the judge saw of it."""

    #: Whether a source fills its attribute by itself, as a formula does.
    computed: bool
    edit_beats_delete: bool
    sides: dict[End, dict[str, dict[str, Any]]] = field(default_factory=lambda: {end: {} for end in End})
    links: list[Link] = field(default_factory=list)
    ledger: list[Conflict] = field(default_factory=list)
    #: Values that people typed at a target and that stand there still.
    typed: set[tuple[End, str, str]] = field(default_factory=set)
    made: int = 0

    def edit(self, end: End, key: str, name: str, value: str) -> None:
        for obj_id, values in self.sides[end].items():
            if values["key"] == key:
                values[name] = value
                if SOURCE.get(name) is end.opposite:
                    self.typed.add((end, obj_id, name))

    def create(self, end: End, key: str, name: str, value: str) -> None:
        if all(values["key"] != key for values in self.sides[end].values()):
            self.add(end, {"key": key, **dict.fromkeys(NAMES, ""), name: value})
            self.edit(end, key, name, value)

    def delete(self, end: End, key: str) -> None:
        for obj_id in [one for one, values in self.sides[end].items() if values["key"] == key]:
            del self.sides[end][obj_id]

    def bereave(self, end: End, key: str, name: str, value: str) -> None:
        """An object that was in step is deleted, and edited across."""
        self.create(end, key, "A", "1")
        for _ in range(3):
            self.run()
        self.delete(end, key)
        self.edit(end.opposite, key, name, value)

    def add(self, end: End, values: dict[str, Any]) -> str:
        self.made += 1
        obj_id = f"{end[0]}{self.made}"
        self.sides[end][obj_id] = values
        return obj_id

    # -- a run ------------------------------------------------------------------------------------------------

    def plan(self) -> Plan:
        snapshots = [
            Snapshot(
                end, {i: Record(i, dict(values), values["key"]) for i, values in self.sides[end].items()}
            )
            for end in End
        ]
        return make_plan(self.links, *snapshots, replace(POLICY, edit_beats_delete=self.edit_beats_delete))

    def run(self, stop_after: int = 99) -> int:
        """Carry a plan out, or the beginning of it; gives how many actions it had."""
        plan = self.plan()
        for action in plan.actions[:stop_after]:
            self.apply(action)
        return len(plan.actions)

    def apply(self, action: Any) -> None:
        match action:
            case Conflict():
                self.ledger.append(action)
                reached[f"ledger {action.rule}"] += 1
            case Create():
                self.judge_create(action)
                self.make(action)
            case Update():
                values = self.sides[action.side][action.target_id]
                for name, change in action.changes.items():
                    self.judge_write(action, name, change.new)
                    values[name] = change.new
                written = {name: change.new for name, change in action.changes.items()}
                self.advance(action, *self.as_pair(action.side, written, dict(action.source)))
            case Agree():
                self.advance(action, dict(action.left), dict(action.right))
            case Adopt():
                self.links = [link for link in self.links if link != action.instead_of]
                self.links.append(Link(action.left_id, action.right_id, action.left, action.right))
            case Delete():
                self.judge_delete(action)
                del self.sides[action.side][action.target_id]
                self.unlink(action)
            case Unlink():
                self.unlink(action)

    def make(self, action: Create) -> None:
        values: dict[str, Any] = {**dict.fromkeys(NAMES, ""), **action.values}
        values["key"] = self.sides[action.side.opposite][action.source_id]["key"]
        for name, source in SOURCE.items():
            if source is action.side and self.computed:
                values[name] = f"{name} of {values['key']}"
        made = self.add(action.side, values)
        ids = (made, action.source_id) if action.side is End.LEFT else (action.source_id, made)
        shown = {name: values[name] for name in NAMES}
        if action.instead_of is not None:
            self.links = [one for one in self.links if action.instead_of != one.id_on(action.side)]
        self.links.append(Link(*ids, *self.as_pair(action.side, shown, dict(action.source))))

    @staticmethod
    def as_pair(
        end: End, here: dict[str, Any], across: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        return (here, across) if end is End.LEFT else (across, here)

    def advance(self, action: Any, left: dict[str, Any], right: dict[str, Any]) -> None:
        ids = (action.left_id, action.right_id)
        self.links = [
            Link(*ids, {**one.left, **left}, {**one.right, **right})
            if (one.left_id, one.right_id) == ids
            else one
            for one in self.links
        ]

    def unlink(self, action: Any) -> None:
        ids = (action.left_id, action.right_id)
        self.links = [one for one in self.links if (one.left_id, one.right_id) != ids]

    # -- the judge --------------------------------------------------------------------------------------------

    def judge_write(self, action: Update, name: str, new: Any) -> None:
        if name not in SOURCE:
            return
        assert action.side is not SOURCE[name], f"{name} was written where it comes from"
        across = action.right_id if action.side is End.LEFT else action.left_id
        assert new == self.sides[SOURCE[name]][across][name], f"{name} is not what its source shows"
        self.judge_lost(action.side, action.target_id, name)
        reached[f"one way to the {action.side}"] += 1

    def judge_lost(self, end: End, obj_id: str, name: str) -> None:
        """What a person typed is only written over when the ledger has it."""
        value = self.sides[end][obj_id][name]
        typed = (end, obj_id, name) in self.typed
        self.typed.discard((end, obj_id, name))
        agreed = [link.base_on(end).get(name) for link in self.links if link.id_on(end) == obj_id]
        if not typed or value == "" or value in agreed:  # typed again as both had it
            return
        kept = [
            one
            for one in self.ledger
            if one.rule in ("one way", "delete beats edit") and obj_id in (one.left_id, one.right_id)
            for shown in [one.left if end is End.LEFT else one.right]
            if (shown == value if one.attribute == name else one.attribute is None and shown[name] == value)
        ]
        assert kept, f"{name}={value!r} of {obj_id} is lost"
        reached["kept"] += 1

    def judge_create(self, action: Create) -> None:
        if action.instead_of is not None:
            self.judge_rescue(action)
        for name, source in SOURCE.items():
            if source is action.side:
                assert name not in action.values, f"{name} was written where it comes from"
                reached["made at a source"] += 1
            else:
                assert action.values[name] == self.sides[source][action.source_id][name]
                reached["made at a target"] += 1

    def judge_rescue(self, action: Create) -> None:
        """A deleted object is only made again for an edit that would have gone there."""
        (link,) = (one for one in self.links if one.id_on(action.side) == action.instead_of)
        base = link.base_on(action.side.opposite)
        shown = self.sides[action.side.opposite][action.source_id]
        goes = [name for name in NAMES if SOURCE.get(name) is not action.side]
        assert any(shown[name] != base.get(name, "") for name in goes), "it was brought back for nothing"
        reached["made again"] += 1

    def judge_delete(self, action: Delete) -> None:
        for name, source in SOURCE.items():
            if source is action.side.opposite:
                self.judge_lost(action.side, action.target_id, name)
        reached["deleted"] += 1

    def judge_rest(self) -> None:
        """Where both records of a pair are there, the target shows what the source does."""
        for link in self.links:
            for name, source in SOURCE.items():
                here = self.sides[source][link.id_on(source)][name]
                assert self.sides[source.opposite][link.id_on(source.opposite)][name] == here
            assert self.sides[End.LEFT][link.left_id]["A"] == self.sides[End.RIGHT][link.right_id]["A"]


ENDS, KEYS, VALUES = st.sampled_from(End), st.sampled_from("xy"), st.sampled_from(["", "1", "2"])
HAPPENINGS = st.one_of(
    st.tuples(st.just("edit"), ENDS, KEYS, st.sampled_from(NAMES), VALUES),
    st.tuples(st.just("edit"), ENDS, KEYS, st.sampled_from(NAMES), VALUES),
    st.tuples(st.just("create"), ENDS, KEYS, st.sampled_from(NAMES), VALUES),
    st.tuples(st.just("delete"), ENDS, KEYS),
    st.tuples(st.just("bereave"), ENDS, KEYS, st.sampled_from(NAMES), VALUES),
    st.tuples(st.just("run"), st.sampled_from([99, 99, 1, 2])),
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.booleans(), st.booleans(), st.lists(HAPPENINGS, min_size=3, max_size=14))
def test_whatever_happens_the_source_has_its_way_and_nothing_is_lost(
    computed: bool, edit_beats_delete: bool, happenings: list[Any]
) -> None:
    world = World(computed, edit_beats_delete)
    for what, *arguments in happenings:
        getattr(world, what)(*arguments)
    untouched = {
        (end, obj_id, name): world.sides[end][obj_id][name]
        for name, end in SOURCE.items()
        for obj_id in world.sides[end]
    }
    runs = 0
    while world.run():
        runs += 1
        assert runs <= 3, "it flaps"
    world.judge_rest()
    for (end, obj_id, name), value in untouched.items():
        assert world.sides[end].get(obj_id, {name: value})[name] == value


def test_all_that_matters_was_reached() -> None:
    wanted = {
        "one way to the left",
        "one way to the right",
        "ledger one way",
        "ledger edit beats delete",
        "ledger delete beats edit",
        "kept",
        "made at a source",
        "made at a target",
        "made again",
        "deleted",
    }
    assert {name for name in wanted if not reached[name]} == set()
