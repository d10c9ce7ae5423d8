"""Random histories of a task with status columns and of one without, of which every run does the same otherwise."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from typing import Any

import pytest
from hypothesis import example, given, note, settings
from hypothesis import strategies as st

from tasks import ConflictMode
from tasks.engine.report import RunReport
from tasks.errors import ItemError, StateError, TaskError
from tasks.journal.state_journal import StateJournal
from tasks.merge import plan_digest
from tasks.sides import State
from tests.tasks.policies.boards import STATUS, Board, Told
from tests.tasks.policies.places import day

EXAMPLES = int(os.environ.get("LOCKSTEP_EXAMPLES", "60"))
reached: Counter[str] = Counter()
NAMES = "abc"
SYNCED = {"rows": ("Name", "Status", "When"), "todos": ("summary", "status", "due")}


class World:
    """One task; what people do is done alike in another one."""

    def __init__(self, when: str, deltas: bool, mode: str) -> None:
        self.sync = Told(when, deltas=deltas)
        if not when:
            self.sync.said.pop("columns")
        self.mode = mode
        self.places: dict[str, Board] = {"rows": self.sync.rows, "todos": self.sync.todos}

    def find(self, at: str, name: str) -> str | None:
        found = self.places[at].named(name)
        assert len(found) < 2, f"{name} is there twice in {at}"
        return found[0] if found else None

    def run(self) -> RunReport:
        plain = Told.task

        def task() -> Any:
            made = plain(self.sync)
            made.conflict_mode = ConflictMode(self.mode)
            return made

        self.sync.task = task  # type: ignore[method-assign]
        for place in self.places.values():
            place.sent.clear()
            place.log.calls.clear()
        return asyncio.run(self.sync.run())

    def shown(self) -> dict[str, list[Any]]:
        return {at: self.places[at].shown(*SYNCED[at]) for at in self.places}


class Twins:
    """Two worlds, and a judge who compares them."""

    def __init__(self, when: str, deltas: bool, mode: str) -> None:
        self.when = when
        self.told, self.plain = World(when, deltas, mode), World("", deltas, mode)
        self.calm = False

    @property
    def both(self) -> tuple[World, World]:
        return self.told, self.plain

    # -- people -----------------------------------------------------------------------------------------------

    def make(self, at: str, name: str) -> None:
        for world in self.both:
            if not any(world.find(one, name) for one in world.places):
                values = {"Name": name, "Status": "Open"} if at == "rows" else {"summary": name}
                world.places[at].add(**values)

    def edit(self, at: str, name: str, number: int) -> None:
        for world in self.both:
            world.sync.clock.later(minutes=1)  # by its clock alone, an edit is told from what a run wrote
            thing = world.find(at, name)
            if thing is not None:
                states = {
                    "rows": ("Open", "Done", "Archived"),
                    "todos": (State.OPEN, State.DONE, State.CANCELLED),
                }[at]
                status, due = SYNCED[at][1:]
                values = {status: states[number]} if number < len(states) else {due: day(number)}
                world.places[at].edit(thing, **values)

    def clash(self, at: str, name: str, number: int) -> None:
        """Both sides are edited, one after the other."""
        other = "todos" if at == "rows" else "rows"
        self.edit(at, name, number)
        self.later()
        self.edit(other, name, (number + 1) % 3)

    def hold(self, at: str, name: str, number: int) -> None:
        """An edit that the other side does not take."""
        other = "todos" if at == "rows" else "rows"
        for world in self.both:
            world.places[other].refused[SYNCED[other][1]] = ItemError("no room")
        self.edit(at, name, number)
        self.run()

    def delete(self, at: str, name: str) -> None:
        for world in self.both:
            thing = world.find(at, name)
            if thing is not None:
                world.places[at].remove(thing)

    def scribble(self, at: str, name: str) -> None:
        """A person writes into a column; the service counts that as an edit, so it is done where nothing waits."""
        for world in self.both:
            thing = world.find("rows", name)
            if thing is not None and self.calm:
                world.places["rows"].edit(thing, Sync=f"{at} was here", Where=None)
                reached["scribbled"] += 1

    def refuse(self, at: str, *_: str) -> None:
        """A service does not take some values until further notice; another time it takes all."""
        for world in self.both:
            refused, status = world.places[at].refused, SYNCED[at][1]
            if status in refused:
                del refused[status]
            else:
                refused[status] = ItemError("no room")

    def refuse_columns(self, *_: str) -> None:
        refused = self.told.places["rows"].refused
        if "Sync" in refused:
            del refused["Sync"]
        else:
            refused["Sync"] = ItemError("no such column")

    def later(self, *_: str) -> None:
        for world in self.both:
            world.sync.clock.later(minutes=7)

    # -- a run, judged ----------------------------------------------------------------------------------------

    def run(self, *_: str) -> None:
        told, plain = (world.run() for world in self.both)
        assert told.status == plain.status, (told.reason, plain.reason)
        assert plan_digest(told.plan) == plan_digest(plain.plan)
        assert self.told.shown() == self.plain.shown()
        assert told.outcome.counts == plain.outcome.counts
        sent, wanted = self.told.places["rows"].sent, self.plain.places["rows"].sent
        without = [
            (kind, one, rest)
            for kind, one, values in sent
            if (rest := {name: value for name, value in values.items() if name not in STATUS})
        ]
        assert sorted(map(repr, without)) == sorted(map(repr, wanted))
        assert sorted(map(repr, self.told.places["todos"].sent)) == sorted(
            map(repr, self.plain.places["todos"].sent)
        )
        alone = len(sent) - len(without)
        if self.when == "written":
            assert not alone
            for at, place in self.told.places.items():
                assert place.log.calls == self.plain.places[at].log.calls
        reached["alone"] += alone
        reached["along"] += sum(not STATUS.keys().isdisjoint(values) for *_, values in sent) - alone
        reached["left out"] += any("were not written" in one for one in told.outcome.notes)
        self.judge_words(told)
        self.calm = told.status == "succeeded"

    def judge_words(self, report: RunReport) -> None:
        """What was written in this run says how it is."""
        rows, todos = self.told.places["rows"], self.told.places["todos"]
        failed = {one["pair"][0] for one in self.told.sync.journal.state.memory["held"] if one["failures"]}
        for kind, obj_id, values in rows.sent:
            if "Sync" not in values or "Where" in rows.refused:
                continue
            thing = rows.things.get(obj_id) if obj_id else None
            if kind == "update" and thing is not None:
                across = self.told.find("todos", str(thing.values["Name"]))
                if across is not None and values.get("Where"):
                    assert values["Where"] == f"https://{across}"
                if self.when == "changed" and "Sync" not in rows.refused:
                    word = str(thing.values["Sync"]).split(":")[0]
                    assert (word == "held") is (obj_id in failed), (word, report.reason)
                    reached[word] += 1
        assert todos is not rows

    def judge_end(self) -> None:
        """All is well: no row says that it is held, and nothing is written any more."""
        for world in self.both:
            for place in world.places.values():
                place.refused.clear()
            world.sync.clock.later(days=2)
        for _ in range(3):
            for world in self.both:
                world.sync.clock.later(hours=2)
            self.run()
        assert self.told.places["rows"].sent == []
        if self.when == "changed":
            for thing in self.told.places["rows"].things.values():
                assert not str(thing.values.get("Sync") or "").startswith("held"), thing


PLACES = st.sampled_from(["rows", "todos"])
HAPPENINGS = st.one_of(
    st.tuples(st.just("make"), PLACES, st.sampled_from(NAMES)),
    st.tuples(st.just("edit"), PLACES, st.sampled_from(NAMES), st.integers(0, 4)),
    st.tuples(st.just("edit"), PLACES, st.sampled_from(NAMES), st.integers(0, 4)),
    st.tuples(st.just("clash"), PLACES, st.sampled_from(NAMES), st.integers(0, 2)),
    st.tuples(st.just("hold"), PLACES, st.sampled_from(NAMES), st.integers(0, 2)),
    st.tuples(st.just("delete"), PLACES, st.sampled_from(NAMES)),
    st.tuples(st.just("scribble"), PLACES, st.sampled_from(NAMES)),
    st.tuples(st.just("refuse"), PLACES),
    st.tuples(st.just("refuse_columns")),
    st.tuples(st.just("later")),
    st.tuples(st.just("run")),
    st.tuples(st.just("run")),
    st.tuples(st.just("run")),
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    st.sampled_from(["written", "changed"]),
    st.booleans(),
    st.sampled_from(["newer", "error"]),
    st.lists(HAPPENINGS, min_size=6, max_size=18),
)
@example("changed", False, "error", [("clash", "rows", "a", 1), ("run",)])  # chance meets few conflicts
def test_but_for_the_columns_every_run_does_the_same_as_without_them(
    when: str, deltas: bool, mode: str, happenings: list[Any]
) -> None:
    twins = Twins(when, deltas, mode)
    for name in "abd":  # the last one stays
        twins.make("rows", name)
    twins.run()
    note(f"{when}, deltas {deltas}, {mode}: {happenings}")
    for what, *arguments in happenings:
        getattr(twins, what)(*arguments)
    twins.judge_end()


def test_all_that_matters_was_reached() -> None:
    wanted = {"alone", "along", "left out", "scribbled", "held", "synced", "conflict"}
    assert {name for name in wanted if not reached[name]} == set()


# -- crashes --------------------------------------------------------------------------------------------------------

ENTRIES = ("begin", "confirm", "keep_conflict", "remember")


async def happen(sync: Told) -> None:
    """Whatever people do between two runs."""
    for name in ("fails", "both", "plain"):
        sync.pair(name, When=day(1))
    await sync.runs()
    sync.rows.edit(sync.row("fails"), Status="Done")
    sync.todos.edit(sync.todo("both"), status=State.DONE)
    sync.clock.later(minutes=2)
    sync.rows.edit(sync.row("both"), Status="Archived", When=day(3))
    sync.rows.add(Name="new here", Status="Open", When=day(2))
    sync.todos.add(summary="new there", status=State.OPEN)
    sync.todos.edit(sync.todo("plain"), due=day(9))


async def end(sync: Told) -> tuple[Any, Any]:
    sync.todos.refused.clear()
    for _ in range(3):
        sync.clock.later(hours=2)
        report = await sync.run()
    assert (report.status, report.plan.actions) == ("succeeded", ())
    await sync.idle()
    columns = {
        (thing.values["Name"], name): thing.values.get(name)
        for thing in sync.rows.things.values()
        for name in ("Where", "Sync")
    }
    return (sync.rows.shown("Name", "Status", "When"), sync.todos.shown("summary", "status", "due")), columns


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("when", ["written", "changed"])
async def test_a_crash_costs_nothing_but_columns_that_come_later(
    when: str, after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = Told(when)
    await happen(undisturbed)
    undisturbed.todos.refused["status"] = ItemError("no room")
    await undisturbed.run()
    wanted, told = await end(undisturbed)
    number, crashed = 0, True
    while crashed:
        sync = Told(when)
        await happen(sync)
        sync.todos.refused["status"] = ItemError("no room")
        left, crashed = number, False

        def counted(plain: Any, *, is_method: bool) -> Any:
            def check(before: bool) -> None:
                nonlocal left, crashed
                left -= before
                if left < 0 and before is not after:
                    crashed = True
                    raise StateError("it ends here")

            async def disturbed(*arguments: Any, **named: Any) -> Any:
                check(before=True)
                answer = await plain(*arguments, **named)
                check(before=False)
                return answer

            def disturbed_write(*arguments: Any) -> Any:
                check(before=True)
                answer = plain(*arguments)
                check(before=False)
                return answer

            return disturbed_write if is_method else disturbed

        with monkeypatch.context() as patch:
            for name in ENTRIES:
                patch.setattr(StateJournal, name, counted(getattr(StateJournal, name), is_method=False))
            for board in (sync.rows, sync.todos):
                for name in ("create", "update"):
                    patch.setattr(board, name, counted(getattr(board, name), is_method=True))
            try:
                await sync.run()
            except TaskError:
                assert crashed
        shown, columns = await end(sync)
        assert shown == wanted, f"after step {number}"
        for (name, column), value in columns.items():
            known = value in (None, told[name, column])
            assert known or column == "Sync", f"{name}, {column} after step {number}"
            if column == "Sync" and value is not None:
                assert value.startswith(("synced", "conflict")), f"{name} after step {number}"
        number += 1
    assert number > 15
