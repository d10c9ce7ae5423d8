"""What was there before a task synced first, and gets no counterpart where the user says so."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from typing import Any

import pytest
from hypothesis import example, given, note, settings
from hypothesis import strategies as st

from tasks.errors import StateError, TaskDefinitionError
from tasks.journal.state_journal import StateJournal
from tasks.journal.state_links import base_of
from tasks.merge import Create, End, Spare
from tests.tasks.policies.places import Place, Sync

EXAMPLES = int(os.environ.get("LOCKSTEP_EXAMPLES", "60"))
reached: Counter[str] = Counter()


def both_sides(sync: Sync) -> Sync:
    for name in ("both", "row"):
        sync.rows.add(Name=name)
    for name in ("both", "todo"):
        sync.todos.add(summary=name)
    return sync


def spared(report: Any) -> list[str]:
    return [action.name.title for action in report.plan.of(Spare)]


@pytest.mark.parametrize("deltas", [False, True])
@pytest.mark.parametrize(
    ("first", "rows", "todos", "named"),
    [
        ("to_notion", ["both", "row", "todo"], ["both", "todo"], ["row"]),
        ("to_other", ["both", "row"], ["both", "row", "todo"], ["todo"]),
        ("neither", ["both", "row"], ["both", "todo"], ["row", "todo"]),
        ("both", ["both", "row", "todo"], ["both", "row", "todo"], []),
    ],
)
async def test_what_was_there_stays_alone_and_what_comes_later_is_carried(
    deltas: bool, first: str, rows: list[str], todos: list[str], named: list[str]
) -> None:
    sync = both_sides(Sync(deltas=deltas, first_sync=first))
    planned = await sync.run(dry_run=True)
    assert spared(planned) == named
    await sync.runs(2)
    assert (sync.rows.shown(), sync.todos.shown()) == (rows, todos)
    sync.rows.add(Name="new row")
    sync.todos.add(summary="new todo")
    for name in named:  # an edit makes nothing new
        place, title = (sync.rows, "Status") if name == "row" else (sync.todos, "hidden")
        place.edit(place.named(name)[0], **{title: "Done" if name == "row" else True})
    report = await sync.runs()
    assert not spared(report)
    assert sync.rows.shown() == sorted([*rows, "new row", "new todo"])
    assert sync.todos.shown() == sorted([*todos, "new row", "new todo"])
    assert spared(await sync.run(dry_run=True)) == named  # a person who looks sees them each time
    sync.said = {}
    await sync.runs(2)  # and whoever wants all of it just leaves the word out
    everything = ["both", "new row", "new todo", "row", "todo"]
    assert sync.rows.shown() == sync.todos.shown() == everything
    assert "there_before" not in sync.journal.state.memory["own"]


@pytest.mark.parametrize("deltas", [False, True])
async def test_what_stood_alone_is_linked_with_the_same_thing_made_across(deltas: bool) -> None:
    sync = both_sides(Sync(deltas=deltas, first_sync="neither"))
    await sync.runs(2)
    sync.todos.add(summary="row")
    await sync.runs(2)
    assert (sync.rows.shown(), sync.todos.shown()) == (["both", "row"], ["both", "row", "todo"])
    assert sync.journal.state.ids[sync.row("row")] == sync.todo("row")
    sync.rows.remove(sync.row("row"))  # linked, it is a pair like any other
    await sync.runs()
    assert sync.todos.shown() == ["both", "todo"]


async def test_a_side_that_was_not_listed_in_full_is_still_at_its_first_sync() -> None:
    sync = both_sides(Sync(first_sync="neither"))
    sync.rows.partial = "a page is missing"
    hidden = sync.rows.things.pop(sync.row("row"))
    await sync.run()
    sync.rows.things[hidden.id] = hidden
    sync.todos.add(summary="later")
    await sync.run()
    sync.rows.partial = None
    await sync.runs(2)
    assert (sync.rows.shown(), sync.todos.shown()) == (["both", "later", "row"], ["both", "later", "todo"])


async def test_a_first_sync_that_a_guard_halts_has_not_begun() -> None:
    sync = both_sides(Sync())
    await sync.runs()
    sync.said = {"first_sync": "neither", "create": "both"}
    sync.rows.add(Name="before")
    for thing in list(sync.todos.things):
        sync.todos.remove(thing)
    report = await sync.run()
    assert report.status == "halted"
    assert "there_before" not in (sync.journal.state.memory["own"] or {})


@pytest.mark.parametrize("after", [False, True])
async def test_a_first_sync_that_is_cut_off_goes_on_as_one(
    after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever entry in the journal is the last one, what people add then is new, and nothing old is."""
    number, crashed, late = 0, True, 0
    while crashed:
        sync = both_sides(Sync(first_sync="to_notion"))
        sync.todos.add(summary="second")
        left, crashed = number, False

        def entry(name: str) -> Any:
            plain = getattr(StateJournal, name)

            async def disturbed(journal: StateJournal, *arguments: Any, **named: Any) -> None:
                nonlocal left, crashed
                left -= 1
                if left >= 0 or after:
                    await plain(journal, *arguments, **named)
                if left < 0:
                    crashed = True
                    raise StateError("it ends here")

            return disturbed

        with monkeypatch.context() as patch:
            for name in ("begin", "confirm", "remember"):
                patch.setattr(StateJournal, name, entry(name))
            try:
                await sync.run()
            except StateError:
                assert crashed
        begun = "there_before" in (sync.journal.state.memory.get("own") or {})
        late += begun
        sync.rows.add(Name="while it was down")
        # Not linked yet, it is the same thing no more: that makes it no new one either.
        sync.rows.edit(sync.row("both"), Name="edited")
        await sync.runs(3)
        linked = sync.rows.named("edited")[0] in sync.journal.state.ids
        assert sync.rows.shown() == sorted(
            ["edited", "row", "second", "todo", "while it was down", *([] if linked else ["both"])]
        ), number
        assert sync.todos.shown() == sorted(
            ["edited" if linked else "both", "second", "todo", *(["while it was down"] if begun else [])]
        ), number
        assert not [kind for kind, _ in [*sync.rows.log.writes, *sync.todos.log.writes] if kind == "delete"]
        number += 1
    assert number > 4
    assert late > 3


# -- histories --------------------------------------------------------------------------------------------------

NAMES = ("a", "b", "c", "d")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["make", "make", "edit", "delete", "restore", "run", "crash", "crash", "later"]),
        st.sampled_from(["rows", "todos"]),
        st.sampled_from(NAMES),
    ),
    max_size=14,
)
START = st.fixed_dictionaries({at: st.sets(st.sampled_from(NAMES)) for at in ("rows", "todos")})


class World:
    """A sync, and what its judge knows: which objects were there when a run first looked."""

    def __init__(self, first: str, deltas: bool, start: dict[str, set[str]]) -> None:
        self.sync = Sync(deltas=deltas, first_sync=first)
        self.places: dict[str, Place] = {"rows": self.sync.rows, "todos": self.sync.todos}
        #: Where nothing is made of what was there.
        makes = {"neither": (), "to_notion": ("rows",), "to_other": ("todos",)}[first]
        self.closed = {at for at in self.places if at not in makes}
        for at, names in start.items():
            for name in sorted(names):
                self.make(at, name)
        #: Whether the last run wrote nothing, as a side was empty.
        self.halted = False
        #: Ids of objects that were there before, by place; `None` before a run has come to its first write.
        self.before: dict[str, set[str]] | None = None

    def make(self, at: str, name: str) -> None:
        if not self.places[at].named(name):
            self.places[at].add(**({"Name": name} if at == "rows" else {"summary": name}))

    def edit(self, at: str, name: str) -> None:
        for thing in self.places[at].named(name):
            self.places[at].edit(thing, **({"When": None} if at == "rows" else {"hidden": True}))

    def delete(self, at: str, name: str) -> None:
        for thing in self.places[at].named(name):
            self.places[at].remove(thing)

    def restore(self, at: str, name: str) -> None:
        title = "Name" if at == "rows" else "summary"
        if not self.places[at].named(name):
            for thing in list(self.places[at].trash.values())[-1:]:
                if thing.values[title] == name:
                    self.places[at].bring_back(thing.id)

    def later(self, *_: str) -> None:
        self.sync.clock.later(hours=2)

    def crash(self, at: str, name: str) -> None:
        """A run that is cut off after some entries in the journal."""
        left = NAMES.index(name) // 2
        plain = StateJournal.confirm

        async def disturbed(journal: StateJournal, *arguments: Any, **named: Any) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise StateError("it ends here")
            await plain(journal, *arguments, **named)

        StateJournal.confirm = disturbed  # type: ignore[method-assign]
        try:
            self.run(at, name)
        finally:
            StateJournal.confirm = plain  # type: ignore[method-assign]

    def run(self, *_: str) -> None:
        there = {at: set(place.things) for at, place in self.places.items()}
        linked = {**self.sync.journal.state.ids}
        known = {"rows": set(linked), "todos": set(linked.values())}
        for place in self.places.values():
            place.log.writes.clear()
        gone = {at: known[at] - there[at] for at in there}
        for intent in base_of(self.sync.journal.state).intents:  # what was made of it is not linked yet
            of = "rows" if intent.side is End.RIGHT else "todos"
            gone[of] |= {intent.source_id} - there[of]
        self.halted = False
        try:
            report = asyncio.run(self.sync.run())
            assert report.status in ("succeeded", "halted"), report.reason
            ended = report.status == "succeeded"
            self.halted = not ended
        except StateError:
            reached["cut off"] += 1
            ended = True  # only `confirm` is: what is there was kept before
        if self.before is None and ended:
            self.before = there
        if self.before is None:
            return
        links = {**linked, **self.sync.journal.state.ids}
        made_of = {"rows": links, "todos": {two: one for one, two in links.items()}}
        for at, place in self.places.items():
            other = "todos" if at == "rows" else "rows"
            for kind, thing in place.log.writes:
                source = made_of[at].get(thing)
                if kind == "create" and at in self.closed and source and source not in known[other]:
                    old = source in self.before[other]
                    assert not old, f"{source} was there before, and was made in {at}"
                    reached["carried later"] += 1
                if kind == "delete":
                    assert gone[other], f"{thing} was deleted in {at}, and nobody deleted anything across"
        # What was linked once is alone no more: if it goes and is brought back, it is brought back across.
        self.before = {
            "rows": self.before["rows"] - set(links),
            "todos": self.before["todos"] - set(links.values()),
        }

    def judge_rest(self) -> None:
        """What is on one side alone was there before, where that stays so."""
        self.sync.clock.later(hours=2)
        for _ in range(3):
            self.run()
        assert self.before is not None
        links = self.sync.journal.state.ids
        known = {"rows": set(links), "todos": set(links.values())}
        for at, place in self.places.items():
            other = "todos" if at == "rows" else "rows"
            for thing in place.things.keys() - known[at]:
                spared = other in self.closed and thing in self.before[at]
                assert spared or self.halted, f"{thing} of {at} was not carried"
                reached[f"alone in {at}"] += 1
            titles = place.shown()
            assert len(titles) == len(set(titles)), f"{titles} has something twice"
        reached["linked"] += len(links)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.sampled_from(["neither", "to_notion", "to_other"]), st.booleans(), START, STEPS)
# Chance alone meets these in two runs of three.
@example(
    "neither",
    False,
    {"rows": {"a", "b"}, "todos": {"b", "c"}},
    [
        ("run", "rows", "a"),
        ("make", "rows", "d"),
        ("run", "rows", "a"),
        ("delete", "rows", "b"),
        ("crash", "rows", "a"),
    ],
)
def test_nothing_old_is_made_across_and_nothing_new_is_left(
    first: str, deltas: bool, start: dict[str, set[str]], steps: list[tuple[str, str, str]]
) -> None:
    world = World(first, deltas, start)
    for what, at, name in steps:
        note(f"{what} {at} {name}")
        getattr(world, what)(at, name)
    world.judge_rest()


def test_the_histories_reached_what_they_are_for() -> None:
    assert all(
        reached[one] for one in ("carried later", "cut off", "alone in rows", "alone in todos", "linked")
    ), reached


# -- words ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"first_sync": "nothing"}, 'first_sync: it is one of "both", "to_notion", "to_other" or "neither"'),
        (
            {"first_sync": "to_notion", "only_to": "other"},
            "first_sync: nothing is made in the source of a mirror",
        ),
    ],
)
def test_words_that_do_not_fit_are_refused(said: Any, message: str) -> None:
    with pytest.raises(TaskDefinitionError) as caught:
        Sync(**said).task()
    assert message in str(caught.value)


async def test_it_is_told_before_anything_is_written() -> None:
    planned = await both_sides(Sync(first_sync="to_notion")).run(dry_run=True)
    assert (
        "nothing is made in the list todos of what the board rows had before the first sync"
        in planned.plan.told
    )
    assert [action.side for action in planned.plan.of(Create)] == ["left"]
