"""A sync that goes one way: its source is never written, whatever happens, and its target follows."""

from __future__ import annotations

import asyncio
import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from tasks.errors import TaskDefinitionError
from tasks.merge import (
    Action,
    Change,
    Conflict,
    Create,
    Delete,
    Mark,
    Park,
    Plan,
    Restore,
    Skip,
    Update,
    Withdraw,
    take_back,
)
from tasks.sides import End, State
from tests.tasks.policies.places import Sync

EXAMPLES = int(os.environ.get("LOCKSTEP_EXAMPLES", "60"))
reached: Counter[str] = Counter()
ENGINE = Path(__file__).parents[3] / "tasks" / "engine"
MIRROR = {"only_to": "other"}


def kept(report: Any) -> list[tuple[Any, ...]]:
    return [(one.attribute, one.rule, one.winner) for one in report.plan.of(Conflict)]


async def test_the_source_has_its_way_and_what_was_typed_at_the_target_is_told_once() -> None:
    sync = Sync(**MIRROR)
    sync.pair("tea")
    await sync.runs()
    sync.todos.edit(sync.todo("tea"), status=State.DONE)
    report = await sync.runs()
    assert kept(report) == [("Status", "one way", End.LEFT)]
    assert report.outcome.conflicts == 1
    assert sync.todos.shown("summary", "status") == [("tea", State.OPEN)]
    assert (await sync.runs()).plan.actions == ()
    assert not sync.rows.log.writes


async def test_where_edits_are_kept_they_stay_until_the_source_changes() -> None:
    sync = Sync(target_edits="keep", **MIRROR)
    row = sync.pair("tea")
    await sync.runs()
    todo = sync.todo("tea")
    sync.todos.edit(todo, status=State.DONE)
    report = await sync.runs()
    assert kept(report) == [("Status", "kept", End.RIGHT)]
    assert (
        report.plan.actions[0].reason
        == "Status edited in the list todos: it stays so until it is edited in the board rows"
    )
    sync.rows.edit(row, Name="green tea")
    assert kept(await sync.runs()) == []
    assert sync.todos.shown("summary", "status") == [("green tea", State.DONE)]
    sync.rows.edit(row, Status="Archived")
    await sync.runs()
    assert sync.todos.shown("summary", "status") == [("green tea", State.CANCELLED)]
    sync.todos.edit(todo, summary="black tea")
    sync.rows.edit(row, Name="white tea")
    assert kept(await sync.runs()) == [("Name", "one way", End.LEFT)]
    assert sync.todos.shown() == ["white tea"]
    assert not sync.rows.log.writes


@pytest.mark.parametrize("edits", ["overwrite", "keep"])
async def test_deletions_go_one_way_too(edits: str) -> None:
    sync = Sync(target_edits=edits, **MIRROR)
    tea, _, salt = sync.pair("tea"), sync.pair("bread"), sync.pair("salt")
    await sync.runs()
    sync.todos.remove(sync.todo("tea"))
    await sync.runs(2)
    assert sync.todos.shown() == (["bread", "salt", "tea"] if edits == "overwrite" else ["bread", "salt"])
    sync.rows.remove(tea)
    sync.todos.edit(sync.todo("salt"), due=sync.clock.now.date())
    sync.rows.remove(salt)
    report = await sync.runs()
    assert sync.todos.shown() == (["bread"] if edits == "overwrite" else ["bread", "salt"])
    if edits == "overwrite":
        assert (None, "one way", End.LEFT) in kept(report)
    else:
        assert [action.reason for action in report.plan.of(Park)] == [
            "deleted in the board rows, but When edited in the list todos: it stays there"
        ]
    assert not sync.rows.log.writes
    assert (await sync.runs()).plan.actions == ()


async def test_what_the_target_has_of_its_own_is_left_alone_and_told_in_the_plan() -> None:
    sync = Sync(**MIRROR)
    sync.pair("tea")
    sync.todos.add(summary="its own")
    report = await sync.runs()
    assert (
        "1 object has no counterpart: the list todos keeps what it has, as nothing is made in the board rows"
        in (report.plan.told)
    )
    assert report.plan.told[-2].startswith("the board rows is never written: the list todos mirrors it")
    assert (sync.rows.shown(), sync.todos.shown()) == (["tea"], ["its own", "tea"])
    sync.rows.add(Name="its own", Status="Done")  # the same thing is linked, and follows
    await sync.runs()
    assert sync.todos.shown("summary", "status") == [("its own", State.DONE), ("tea", State.OPEN)]


async def test_the_left_side_may_be_the_target_and_the_pairs_may_go_without_saying() -> None:
    sync = Sync(mapping={"Name": "summary"}, only_to="notion")
    sync.todos.add(summary="tea")
    sync.rows.add(Name="its own")
    await sync.runs(2)
    assert (sync.rows.shown(), sync.todos.shown()) == (["its own", "tea"], ["tea"])
    assert not sync.todos.log.writes


async def test_what_was_lost_at_the_source_is_not_brought_back_there() -> None:
    sync = Sync(**MIRROR)
    sync.pair("tea")
    await sync.runs()

    def back(base: Any, views: Any, policy: Any) -> Plan:
        snapshots = {end: view.snapshot for end, view in views.items()}
        values = {End.LEFT: {"Name": "x"}, End.RIGHT: None}
        return take_back(None, None, values, End.LEFT, snapshots, policy, "gone")

    report = await sync.run(planner=back)
    assert [type(action) for action in report.plan.actions] == [Skip]
    assert report.plan.actions[0].reason == "the board rows is mirrored, and never written"


# -- the guard at the writes ----------------------------------------------------------------------------------


def wrong_writes(row: str, todo: str) -> list[Action]:
    """Whatever a faulty plan could do to the source."""
    pair = {"left_id": row, "right_id": todo}
    change = {"Name": Change("tea", "coffee")}
    side = End.LEFT
    return [
        Update(side=side, **pair, changes=change, source={"Name": "coffee"}, reason="a fault"),
        Create(side=side, source_id=todo, values={"Name": "coffee"}, reason="a fault"),
        Delete(side=side, **pair, reason="a fault"),
        Withdraw(side=side, **pair, values={}, reason="a fault"),
        Restore(side=side, former_id="row-9", values={"Name": "coffee"}, reason="a fault"),
        Restore(side=side, former_id="", values={"Name": "coffee"}, reason="a fault"),
        Mark(side=side, **pair, attribute="Gone", value=True, reason="a fault"),
    ]


@pytest.mark.parametrize("number", range(7))
async def test_no_plan_can_write_the_source(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    sync = Sync(**MIRROR)
    row = sync.pair("tea")
    await sync.runs()
    wrong = wrong_writes(row, sync.todo("tea"))[number]
    monkeypatch.setattr(type(sync.todos), "is_gone", lambda *_: True)
    before = dict(sync.rows.things)
    with pytest.raises(
        TaskDefinitionError, match="task 't': the board rows is the source of this sync and is never"
    ):
        await sync.run(planner=lambda *_: Plan((wrong,)))
    assert (sync.rows.things, sync.rows.log.writes) == (before, [])


def test_every_write_of_the_engine_goes_through_the_guard() -> None:
    writes = re.compile(r"\.side\.(create|update|update_one|delete|restore)\b")
    found = {file.name for file in ENGINE.glob("*.py") if writes.search(file.read_text("utf-8"))}
    assert found == {"adapter.py"}
    text = (ENGINE / "adapter.py").read_text("utf-8")
    for method in re.split(r"\n    (?:async )?def ", text)[1:]:
        sent = re.search(r"self\.call\(self\.side\.(create|update|update_one|delete|restore)\b", method)
        assert sent is None or "self._may_write()" in method, method.splitlines()[0]


# -- histories ------------------------------------------------------------------------------------------------

PLACES, NAMES = st.sampled_from(["rows", "todos"]), st.sampled_from("abc")
HAPPENINGS = st.one_of(
    st.tuples(st.sampled_from(["make", "delete", "restore", "finish", "edit", "edit"]), PLACES, NAMES),
    st.tuples(st.just("run"), PLACES, NAMES),
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.sampled_from(["overwrite", "keep"]), st.booleans(), st.lists(HAPPENINGS, min_size=4, max_size=14))
def test_whatever_happens_the_source_is_as_people_left_it(
    edits: str, deltas: bool, happenings: list[Any]
) -> None:
    note(f"{edits}, deltas {deltas}: {happenings}")
    sync = Sync(target_edits=edits, deltas=deltas, **MIRROR)
    for name in "abcd":
        sync.pair(name)
    asyncio.run(sync.runs())
    for what, at, name in happenings:
        place = {"rows": sync.rows, "todos": sync.todos}[at]
        title, status, done = (
            ("Name", "Status", "Done") if at == "rows" else ("summary", "status", State.DONE)
        )
        there = place.named(name)
        if what == "run":
            before = dict(sync.rows.things)
            asyncio.run(sync.runs())
            assert sync.rows.things == before
        elif what == "make" and not there:
            place.add(**{title: name})
        elif what == "delete" and there:
            place.remove(there[0])
        elif what == "restore" and not there:
            for thing in [one.id for one in place.trash.values() if one.values[title] == name][:1]:
                place.bring_back(thing)
        elif what == "finish" and there:
            place.edit(there[0], **{status: done})
        elif what == "edit" and there:
            place.edit(there[0], **{"When" if at == "rows" else "due": sync.clock.now.date()})
    before = dict(sync.rows.things)
    for _ in range(3):
        sync.clock.later(hours=2)
        report = asyncio.run(sync.runs())
    assert sync.rows.things == before
    assert not sync.rows.log.writes
    assert report.plan.actions == ()
    states = {"Open": State.OPEN, "Done": State.DONE, None: State.OPEN}
    wanted = {
        (row.values["Name"], states[row.values["Status"]], row.values["When"]) for row in before.values()
    }
    todos = sync.todos.shown("summary", "status", "due")
    shown = {(title, status or State.OPEN, due) for title, status, due in todos}
    if edits == "overwrite":
        assert wanted <= shown, "the target does not show what its source does"
        reached["followed"] += 1
    assert len(sync.todos.shown()) == len(set(sync.todos.shown())), "something was doubled"


# -- words ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"only_to": "othr"}, 'only_to: it is one of "notion" or "other", the only end that is written'),
        ({"only_to": "other", "target_edits": "lose"}, 'target_edits: it is one of "overwrite" or "keep"'),
        ({"target_edits": "keep"}, "target_edits is for a sync that goes one way: add only_to"),
        (
            {"only_to": "other", "delete": {"to_notion": "unlink"}},
            "nothing is deleted in the source of a mirror",
        ),
        (
            {"only_to": "other", "mapping": {"Name": "summary", "When": {"to": "due", "only_to": "notion"}}},
            "the mapping of 'When' goes to notion, but the sync does not",
        ),
        (
            {"only_to": "other", "mapping": {"Name": {"to": "summary", "conflict_mode": "newer"}}},
            "the mapping of 'Name' says conflict_mode, but in a sync that goes one way nothing is in conflict",
        ),
    ],
)
def test_words_that_do_not_fit_are_refused(said: Any, message: str) -> None:
    with pytest.raises(TaskDefinitionError, match="task 't': ") as caught:
        Sync(**said).task()
    assert message in str(caught.value)
