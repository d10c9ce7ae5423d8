"""New objects with defaults, through whole runs: what is empty across stays so, and nothing comes back of itself."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from tasks.errors import StateError
from tasks.journal.state_journal import StateJournal
from tasks.sides import Attribute, Kind, Option, State
from tests.tasks.policies.places import ROWS, TODOS, Place, Sync

EXAMPLES = int(os.environ.get("LOCKSTEP_EXAMPLES", "60"))
ROW = {
    **ROWS,
    "Status": Attribute(
        Kind.CHOICE,
        options=(Option("Open", State.OPEN), Option("Later", State.OPEN), Option("Done", State.DONE)),
    ),
    "Memo": Attribute(Kind.TEXT),
    "Size": Attribute(Kind.CHOICE, options=tuple(map(Option, ("S", "M", "L")))),
}
TODO = {**TODOS, "memo": Attribute(Kind.TEXT), "size": Attribute(Kind.TEXT)}
#: By attribute of a row: that of a to-do, and the defaults of both.
PAIRS: dict[str, tuple[str, Any, Any]] = {
    "Status": ("status", "Later", State.OPEN),
    "When": ("due", date(2026, 7, 4), date(2026, 8, 5)),
    "Memo": ("memo", None, "nothing yet"),
    "Size": ("size", "M", None),
}
MAP: dict[str, Any] = {
    "Name": "summary",
    "Status": {"to": "status", "default": {"notion": "Later", "other": "needs action"}},
    "When": {"to": "due", "default": {"notion": "2026-07-04", "other": date(2026, 8, 5)}},
    "Memo": {"to": "memo", "default": "nothing yet"},
    "Size": {"to": "size", "default": {"notion": "M"}},
}
reached: Counter[str] = Counter()


class Defaulted(Sync):
    """A task whose new objects get defaults at both ends."""

    def __init__(self, **said: Any) -> None:
        deltas = said.pop("deltas", False)
        super().__init__(deltas=deltas, mapping=MAP, **said)
        self.rows = Place("the board rows", ROW, self.clock, deltas=deltas)
        self.todos = Place("the list todos", TODO, self.clock, deltas=deltas)

    def writes(self) -> list[str]:
        """What was written since this was asked last."""
        found = [kind for place in (self.rows, self.todos) for kind, _ in place.log.writes]
        for place in (self.rows, self.todos):
            place.log.writes.clear()
        return found

    async def settle(self) -> list[str]:
        """What a run wrote, after which there is nothing to do any more."""
        await self.runs()
        written = self.writes()
        report = await self.runs(2)
        assert (self.writes(), report.plan.actions) == ([], ())
        return written


def row(sync: Sync, name: str = "Tea") -> dict[str, Any]:
    values = sync.rows.things[sync.row(name)].values
    return {attribute: values[attribute] or None for attribute in PAIRS}


def todo(sync: Sync, name: str = "Tea") -> dict[str, Any]:
    values = sync.todos.things[sync.todo(name)].values
    return {attribute: values[there] or None for attribute, (there, *_) in PAIRS.items()}


EMPTY = dict.fromkeys(PAIRS)
GIVEN_ROW = {"Status": "Later", "When": date(2026, 7, 4), "Memo": None, "Size": "M"}
GIVEN_TODO = {"Status": State.OPEN, "When": date(2026, 8, 5), "Memo": "nothing yet", "Size": None}


@pytest.fixture(params=[False, True], ids=["listings", "changes"])
def sync(request: pytest.FixtureRequest) -> Defaulted:
    return Defaulted(deltas=request.param)


async def test_a_new_object_gets_defaults_and_its_source_stays_empty(sync: Defaulted) -> None:
    sync.rows.add(Name="Tea")
    assert await sync.settle() == ["create"]
    assert (row(sync), todo(sync)) == (EMPTY, GIVEN_TODO)
    sync.todos.add(summary="Coffee")
    assert await sync.settle() == ["create"]
    assert (row(sync, "Coffee"), todo(sync, "Coffee")) == (GIVEN_ROW, EMPTY)


async def test_what_is_there_across_is_taken_in_place_of_a_default(sync: Defaulted) -> None:
    sync.rows.add(Name="Tea", Status="Open", When=date(2026, 1, 1), Memo="hot", Size="L")
    sync.todos.add(summary="Coffee", status=State.OPEN, due=date(2026, 1, 2), memo="", size="S")
    await sync.settle()
    assert todo(sync) == {"Status": State.OPEN, "When": date(2026, 1, 1), "Memo": "hot", "Size": "L"}
    assert row(sync, "Coffee") == {"Status": "Open", "When": date(2026, 1, 2), "Memo": None, "Size": "S"}


async def test_edits_go_both_ways_as_ever(sync: Defaulted) -> None:
    tea = sync.rows.add(Name="Tea")
    await sync.settle()
    sync.todos.edit(sync.todo("Tea"), memo="hot", size="S")
    assert await sync.settle() == ["update"]
    assert row(sync) == {**EMPTY, "Memo": "hot", "Size": "S"}
    sync.rows.edit(tea, When=date(2026, 1, 1), Memo=None)
    assert await sync.settle() == ["update"]
    assert todo(sync) == {**GIVEN_TODO, "When": date(2026, 1, 1), "Memo": None, "Size": "S"}
    sync.rows.edit(tea, When=None, Name="Green tea")
    assert await sync.settle() == ["update"]
    assert todo(sync, "Green tea")["When"] is None  # it is not new any more
    sync.todos.edit(sync.todo("Green tea"), due=date(2026, 8, 5))
    await sync.settle()
    assert row(sync, "Green tea")["When"] == date(2026, 8, 5)


async def test_taking_a_default_away_is_no_edit_across_and_it_stays_away(sync: Defaulted) -> None:
    sync.rows.add(Name="Tea")
    await sync.settle()
    sync.todos.edit(sync.todo("Tea"), due=None, memo="")
    assert await sync.settle() == []
    assert (row(sync), todo(sync)) == (EMPTY, {**GIVEN_TODO, "When": None, "Memo": None})


async def test_objects_that_were_on_both_sides_get_none(sync: Defaulted) -> None:
    sync.rows.add(Name="Tea")
    sync.todos.add(summary="Tea")
    await sync.settle()
    assert (row(sync), todo(sync)) == (EMPTY, EMPTY)


async def test_what_is_made_again_gets_what_it_got_as_a_new_one(
    sync: Defaulted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Place, "restore", lambda place, obj_id: None)
    tea = sync.rows.add(Name="Tea", Size="L")
    await sync.settle()
    sync.rows.edit(tea, When=date(2026, 1, 1))
    await sync.settle()
    sync.todos.edit(sync.todo("Tea"), due=None)
    await sync.settle()
    sync.todos.remove(sync.todo("Tea"))
    sync.rows.edit(tea, Size="S")
    await sync.run()
    assert (await sync.run()).plan.actions == ()
    assert row(sync) == {**EMPTY, "Size": "S"}
    assert todo(sync) == {**GIVEN_TODO, "When": None, "Size": "S"}


async def test_what_is_made_again_gets_what_its_source_says_by_now(
    sync: Defaulted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Place, "restore", lambda place, obj_id: None)
    tea = sync.rows.add(Name="Tea", Memo="hot")
    await sync.settle()
    sync.todos.remove(sync.todo("Tea"))
    sync.rows.edit(tea, When=date(2026, 1, 1), Memo=None)
    await sync.run()
    assert (await sync.run()).plan.actions == ()
    assert todo(sync) == {**GIVEN_TODO, "When": date(2026, 1, 1), "Memo": None}


async def test_with_another_default_what_is_made_again_gets_what_it_had(
    sync: Defaulted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Place, "restore", lambda place, obj_id: None)
    tea = sync.rows.add(Name="Tea")
    await sync.settle()
    sync.mapping = {**MAP, "When": {"to": "due", "default": "2030-01-01"}}
    assert await sync.settle() == []
    sync.todos.remove(sync.todo("Tea"))
    sync.rows.edit(tea, Size="S")
    await sync.run()
    assert (await sync.run()).plan.actions == ()
    assert todo(sync) == {**GIVEN_TODO, "Size": "S"}


async def test_out_of_the_trash_it_comes_as_it_was(sync: Defaulted) -> None:
    tea = sync.rows.add(Name="Tea", Size="L")
    await sync.settle()
    sync.todos.edit(sync.todo("Tea"), memo="")
    await sync.settle()
    sync.todos.remove(sync.todo("Tea"))
    sync.rows.edit(tea, Size="S")
    await sync.run()
    await sync.settle()
    assert todo(sync) == {**GIVEN_TODO, "Memo": None, "Size": "S"}


async def test_a_mirror_that_is_made_again_gets_them_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Place, "restore", lambda place, obj_id: None)
    sync = Defaulted(only_to="other", deltas=True)
    sync.mapping = {**MAP, "Status": "status", "Size": "size", "When": {"to": "due", "default": "2026-08-05"}}
    sync.rows.add(Name="Tea")
    await sync.settle()
    sync.todos.remove(sync.todo("Tea"))
    assert [one.rule for one in (await sync.run()).plan.actions if hasattr(one, "rule")] == ["one way"]
    assert (await sync.run()).plan.actions == ()
    assert (row(sync), todo(sync)) == (EMPTY, GIVEN_TODO)


async def test_the_same_thing_under_another_id_goes_on_with_its_default(sync: Defaulted) -> None:
    sync.rows.add(Name="Tea")
    await sync.settle()
    old = sync.todos.things[sync.todo("Tea")]
    sync.todos.remove(old.id)
    sync.todos.add(**old.values)
    assert await sync.settle() == []
    assert (row(sync), todo(sync)) == (EMPTY, GIVEN_TODO)


async def test_a_plan_has_the_defaults(sync: Defaulted) -> None:
    sync.rows.add(Name="Tea")
    report = await sync.run(dry_run=True)
    (action,) = report.plan.actions
    assert (action.values["When"], sorted(action.defaults)) == (  # type: ignore[attr-defined]
        date(2026, 8, 5),
        ["Memo", "Status", "When"],
    )
    assert any("gets 'nothing yet' where nothing is there" in told for told in report.plan.told)


# -- crashes and histories --------------------------------------------------------------------------------

ENTRIES = ("begin", "confirm", "keep_conflict", "remember")


async def cut_off(sync: Sync, number: int, *, after: bool) -> bool:
    """A run that ends before or after an entry in the journal; whether there was such an entry."""
    left, crashed = number, False

    def entry(name: str) -> Callable[..., Any]:
        plain = getattr(StateJournal, name)

        async def disturbed(journal: StateJournal, *arguments: Any, **named: Any) -> None:
            nonlocal left, crashed
            left -= 1
            crashed = crashed or left < 0
            if left < 0 and not after:
                raise StateError("it ends here")
            await plain(journal, *arguments, **named)
            if left < 0:
                raise StateError("it ends here")

        return disturbed

    with pytest.MonkeyPatch.context() as patch:
        for name in ENTRIES:
            patch.setattr(StateJournal, name, entry(name))
        try:
            await sync.run()
        except StateError:
            assert crashed
    return crashed


@pytest.mark.parametrize("after", [False, True])
async def test_a_run_that_is_cut_off_gives_no_other_values(sync: Defaulted, after: bool) -> None:
    deltas, number, crashed = sync.rows.deltas, 0, True
    while crashed:
        sync = Defaulted(deltas=deltas)
        sync.rows.add(Name="Tea")
        sync.todos.add(summary="Coffee", due=date(2026, 1, 1))
        crashed = await cut_off(sync, number, after=after)
        await sync.runs(2)
        sync.writes()
        assert await sync.settle() == []
        assert (row(sync), todo(sync)) == (EMPTY, GIVEN_TODO)
        assert row(sync, "Coffee") == {**GIVEN_ROW, "When": date(2026, 1, 1)}
        assert todo(sync, "Coffee") == {**EMPTY, "When": date(2026, 1, 1)}
        number += 1
    assert number > 3


@pytest.mark.parametrize("first", range(3))
@pytest.mark.parametrize("second", range(6))
async def test_an_edit_between_two_runs_that_are_cut_off_takes_no_default_away(
    sync: Defaulted, first: int, second: int
) -> None:
    sync.rows.add(Name="Tea", Size="L")
    await cut_off(sync, first, after=False)
    for made in sync.todos.named("Tea"):
        sync.todos.edit(made, size="S")
    await cut_off(sync, second, after=True)
    for _ in range(3):
        await sync.run()
    sync.writes()
    assert await sync.settle() == []
    size = todo(sync)["Size"]
    assert (row(sync), todo(sync)) == ({**EMPTY, "Size": size}, {**GIVEN_TODO, "Size": size})


class World:
    """People at both ends, a sync, and what a judge expects to stand where."""

    def __init__(self, *, deltas: bool) -> None:
        self.sync = Defaulted(deltas=deltas)
        #: By name and end what stands there, after the run.
        self.stands: dict[tuple[str, str], dict[str, Any]] = {}
        #: Names of which only one end has the object, and the attributes that were edited since the last run.
        self.new: dict[str, str] = {}
        self.edited: set[tuple[str, str]] = set()
        self.add("rows", "one that stays, as a side without any object is a fault", {})

    def native(self, at: str, name: str, value: Any) -> dict[str, Any]:
        return {name if at == "rows" else PAIRS[name][0]: value}

    def add(self, at: str, name: str, values: dict[str, Any]) -> None:
        if (name, "rows") in self.stands or name in self.new or (name, "When") in self.edited:
            return
        place = self.sync.rows if at == "rows" else self.sync.todos
        shown = {"Name" if at == "rows" else "summary": name}
        for attribute, pick in values.items():
            shown |= self.native(at, attribute, CHOICES[attribute][at][pick])
        place.add(**shown)
        self.new[name] = at
        self.stands[name, at] = {
            attribute: CHOICES[attribute][at][values.get(attribute, 0)] for attribute in PAIRS
        }

    def edit(self, at: str, name: str, attribute: str, pick: int) -> None:
        if (name, at) not in self.stands or (name, attribute) in self.edited:
            return
        value = CHOICES[attribute][at][pick]
        place = self.sync.rows if at == "rows" else self.sync.todos
        (thing,) = place.named(name)
        place.edit(thing, **self.native(at, attribute, value))
        before, self.stands[name, at][attribute] = self.stands[name, at][attribute], value
        other = "todos" if at == "rows" else "rows"
        if name in self.new or means(before) == means(value):
            return
        self.edited.add((name, attribute))
        there = self.stands[name, other]
        reached["filled" if before is None else "emptied" if value is None else "edited"] += 1
        if means(there[attribute]) != means(value):
            there[attribute] = carried(attribute, other, value)

    def remove(self, at: str, name: str) -> None:
        there = (name, "rows") in self.stands and (name, "todos") in self.stands
        if there and name not in self.new and not any(one == name for one, _ in self.edited):
            place = self.sync.rows if at == "rows" else self.sync.todos
            place.remove(*place.named(name))
            self.edited |= {(name, attribute) for attribute in PAIRS}
            for end in ("rows", "todos"):
                del self.stands[name, end]

    def run(self, crash: int, *, after: bool) -> None:
        for name, at in self.new.items():
            other = "todos" if at == "rows" else "rows"
            shown = self.stands[name, at]
            self.stands[name, other] = {
                attribute: default(attribute, other)
                if shown[attribute] is None and default(attribute, other) is not None
                else carried(attribute, other, shown[attribute])
                for attribute in PAIRS
            }
            reached["made"] += 1
        reached["cut off"] += crash < 20 and asyncio.run(cut_off(self.sync, crash, after=after))
        asyncio.run(self.sync.runs(2 if crash < 20 else 1))
        self.sync.writes()
        report = asyncio.run(self.sync.runs())
        assert (self.sync.writes(), report.plan.actions) == ([], ()), "it writes again"
        self.new.clear()
        self.edited.clear()
        for (name, at), wanted in self.stands.items():
            assert (row if at == "rows" else todo)(self.sync, name) == wanted, (name, at)
        for place in (self.sync.rows, self.sync.todos):
            assert sorted(place.shown()) == sorted({name for name, _ in self.stands})


#: By attribute and end, what people may put there; the first one is nothing.
CHOICES: dict[str, dict[str, list[Any]]] = {
    "Status": {"rows": [None, "Open", "Later", "Done"], "todos": [None, State.OPEN, State.DONE, State.DONE]},
    "When": {end: [None, date(2026, 7, 4), date(2026, 8, 5), date(2026, 9, 9)] for end in ("rows", "todos")},
    "Memo": {end: [None, "nothing yet", "hot", "cold"] for end in ("rows", "todos")},
    "Size": {end: [None, "S", "M", "L"] for end in ("rows", "todos")},
}


def default(attribute: str, end: str) -> Any:
    return PAIRS[attribute][1 if end == "rows" else 2]


def means(value: Any) -> Any:
    """What is compared: options of one state are the same, and of states nothing is open."""
    return {"Open": None, "Later": None, State.OPEN: None, State.DONE: "Done"}.get(value, value)


def carried(attribute: str, end: str, value: Any) -> Any:
    if attribute != "Status":
        return value
    return {"rows": {None: "Open", "Done": "Done"}, "todos": {None: State.OPEN, "Done": State.DONE}}[end][
        means(value)
    ]


NAMES, AT, PICKS = st.sampled_from("ab"), st.sampled_from(["rows", "todos"]), st.sampled_from([0, 0, 1, 2, 3])
STEPS = st.one_of(
    st.tuples(st.just("add"), AT, NAMES, st.dictionaries(st.sampled_from([*PAIRS]), PICKS)),
    *[st.tuples(st.just("edit"), AT, NAMES, st.sampled_from([*PAIRS]), PICKS)] * 3,
    st.tuples(st.just("remove"), AT, NAMES),
)
#: What people do, and where the run after it is cut off.
ROUNDS = st.tuples(st.lists(STEPS, min_size=2, max_size=9), st.integers(0, 40), st.booleans())


@settings(max_examples=EXAMPLES, deadline=None, database=None)
@given(st.booleans(), st.lists(ROUNDS, min_size=2, max_size=6))
def test_whatever_people_do_defaults_are_for_new_objects_only(deltas: bool, rounds: list[Any]) -> None:
    world = World(deltas=deltas)
    for steps, crash, after in rounds:
        for step in steps:
            note(str(step))
            what, *arguments = step
            getattr(world, what)(*arguments)
        note(f"run cut off at {crash}")
        world.run(crash, after=after)


def test_every_kind_of_history_was_there() -> None:
    if not reached:
        pytest.skip("the histories ran elsewhere")
    assert {"made", "filled", "emptied", "edited", "cut off"} <= {
        what for what, times in reached.items() if times
    }
