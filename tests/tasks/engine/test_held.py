"""Objects that fail: alone, with back-off, in quarantine, and taken up when they are edited."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tasks import Listing, OutcomeUnknownError
from tasks.engine.report import Order, RunReport
from tasks.journal.state import State
from tasks.journal.state_journal import StateJournal
from tests.tasks.boards import Boards, Row


@pytest.fixture
def journal() -> StateJournal:
    return StateJournal(State())


async def run(task: Boards, journal: StateJournal) -> RunReport:
    return await task.run(journal, order=Order(clock=task.clock))


async def test_one_failing_object_fails_alone_and_is_tried_ever_more_rarely(journal: StateJournal) -> None:
    task = Boards()
    task.notion.add(A="bad", B="")
    task.notion.add(A="good", B="")
    task.other.refused = {"bad"}
    tried = []
    for minute in range(60):
        before = task.other.calls["create"]
        report = await run(task, journal)
        assert report.status == "failed", minute
        tried += [minute] * (task.other.calls["create"] - before - (minute == 0))
        task.later(minutes=1)
    assert task.other.shown() == [("good", "")]
    # At once in the next run, then after 1, 5 and 30 minutes, and then in quarantine.
    assert tried == [0, 1, 2, 7, 37]
    (held,) = (await journal.load()).memory.held
    assert held.quarantined
    assert held.failures == 5
    report = await run(task, journal)
    assert report.reason.startswith("1 object is left out after failures: in quarantine after 5 failures")
    assert report.reason.endswith("this value is not taken")
    task.later(days=1)
    task.other.refused = set()
    assert (await run(task, journal)).status == "succeeded"
    assert (await journal.load()).memory.held == ()
    assert task.other.shown() == task.notion.shown() == [("bad", ""), ("good", "")]


async def test_an_object_in_quarantine_is_taken_up_when_it_is_edited(journal: StateJournal) -> None:
    task = Boards()
    ours, theirs = task.pair(A="x", B="")
    await run(task, journal)
    task.other.refused = {"bad"}
    task.notion.edit(ours, B="bad")
    for _ in range(6):
        await run(task, journal)
        task.later(hours=1)
    calls = task.other.calls["update"]
    assert (await run(task, journal)).status == "failed"
    assert task.other.calls["update"] == calls  # left alone
    task.notion.edit(ours, B="fine")
    assert (await run(task, journal)).status == "succeeded"
    assert task.other.rows[theirs].values["b"] == "fine"
    task.notion.edit(ours, B="bad")
    await run(task, journal)
    (held,) = (await journal.load()).memory.held
    assert held.failures == 1  # counted anew


async def test_what_was_edited_on_the_other_side_is_taken_up_too(journal: StateJournal) -> None:
    task = Boards()
    ours, theirs = task.pair(A="x", B="")
    await run(task, journal)
    task.other.refused = {"bad"}
    task.notion.edit(ours, B="bad")
    for _ in range(6):
        await run(task, journal)
        task.later(hours=1)
    task.other.edit(theirs, a="y")
    await run(task, journal)
    assert task.notion.rows[ours].values == {"A": "y", "B": "bad"}


async def test_a_side_that_does_not_say_whether_an_object_is_deleted_is_asked_ever_more_rarely(
    journal: StateJournal,
) -> None:
    task = Boards()
    ours, _ = task.pair(A="x", B="")
    task.pair(A="y", B="")
    await run(task, journal)
    task.notion.remove(ours)
    task.notion.moved = {ours}
    for _ in range(60):
        report = await run(task, journal)
        assert report.status == "succeeded"
        task.later(minutes=1)
    assert len(task.other.rows) == 2
    assert task.notion.calls["is_gone"] < 12
    task.notion.moved = set()
    task.later(days=1)
    assert (await run(task, journal)).status == "succeeded"
    assert task.other.shown() == [("y", "")]


async def test_a_changed_mapping_is_no_edit(journal: StateJournal) -> None:
    task = Boards(attributes="A")
    ours, theirs = task.pair(A="x", B="ours")
    task.other.rows[theirs].values["b"] = ""
    await run(task, journal)
    # A column more: what is empty is filled, nothing is blanked.
    task.attr_map = {"A": "a", "B": "b"}
    assert (await run(task, journal)).status == "succeeded"
    assert task.other.rows[theirs].values == {"a": "x", "b": "ours"}
    # A column less, edited meanwhile on both sides, and mapped again: no value wins by an old base.
    task.attr_map = {"A": "a"}
    await run(task, journal)
    writes = task.notion.writes + task.other.writes
    task.notion.edit(ours, B="new")
    await run(task, journal)
    assert task.notion.writes + task.other.writes == writes
    task.other.edit(theirs, b="newer")
    task.attr_map = {"A": "a", "B": "b"}
    report = await run(task, journal)
    assert report.outcome.conflicts == 1
    assert task.notion.rows[ours].values["B"] == task.other.rows[theirs].values["b"]


async def test_another_form_of_the_values_is_no_edit(journal: StateJournal) -> None:
    task = Boards()
    for number in range(20):
        task.pair(A=f"Row {number}", B="x")
    await run(task, journal)
    task.forms = {"A": "lower case"}
    for row in [*task.notion.rows.values()]:  # the same content, as it is read from now on
        row.values["A"] = row.values["A"].lower()
    for row in [*task.other.rows.values()]:
        row.values["a"] = row.values["a"].lower()
    report = await run(task, journal)
    assert (report.status, task.notion.writes, task.other.writes) == ("succeeded", 0, 0)
    assert (await run(task, journal)).plan.actions == ()


async def test_what_leaves_the_scope_is_parked_and_comes_back(journal: StateJournal) -> None:
    task = Boards()
    pairs = [task.pair(A=f"row {number}", B="") for number in range(20)]
    task.the_scope = "all"
    await run(task, journal)
    task.the_scope = "some"
    task.notion.hidden = {ours for ours, _ in pairs[:15]}
    for _ in range(3):
        assert (await run(task, journal)).status == "succeeded"
    assert len(task.other.rows) == 20
    assert task.notion.calls["is_gone"] == 0
    assert len((await journal.load()).links) == 20
    # Edited out of sight, and deleted on the other side: nothing happens until it comes back.
    task.notion.edit(pairs[0][0], B="edited")
    task.other.remove(pairs[1][1])
    assert (await run(task, journal)).status == "succeeded"
    assert len(task.notion.rows) == 20
    task.the_scope = "all again"
    task.notion.hidden = set()
    task.later(hours=1)
    for _ in range(2):
        assert (await run(task, journal)).status == "succeeded"
    assert task.other.rows[pairs[0][1]].values["b"] == "edited"
    # The listing of a new scope proves no deletion, so this one is parked; it is not made again either.
    assert len(task.other.rows) == 19


class NarrowSight(Boards):
    """Its Notion cannot be asked about what it does not list; the first update of the other one arrives late."""

    lose = True

    def notion_is_gone(self, obj_id: str) -> bool:
        return obj_id not in self.notion.rows or obj_id in self.notion.hidden

    def other_update_attrs(self, obj: Row, changes: dict[str, object]) -> Row:
        if self.lose:
            self.lose = False
            raise OutcomeUnknownError("no answer")
        return super().other_update_attrs(obj, changes)


async def test_what_left_the_scope_while_a_write_was_not_answered_is_not_deleted_across(
    journal: StateJournal,
) -> None:
    task = NarrowSight()
    (ours, theirs), _ = task.pair(A="x", B=""), task.pair(A="y", B="")
    task.the_scope = "all"
    await run(task, journal)
    task.notion.edit(ours, B="edited")
    assert (await run(task, journal)).status == "failed"
    task.the_scope, task.notion.hidden = "some", {ours}
    assert (await run(task, journal)).status == "succeeded"
    task.other.edit(theirs, b="edited")
    for _ in range(2):
        assert (await run(task, journal)).status == "succeeded"
    assert task.other.rows[theirs].values == {"a": "x", "b": "edited"}
    assert (await journal.load()).intents == []


async def test_within_a_scope_what_is_missing_is_deleted(journal: StateJournal) -> None:
    task = Boards()
    task.the_scope = "all"
    (ours, _), _ = task.pair(A="x", B=""), task.pair(A="y", B="")
    await run(task, journal)
    task.notion.remove(ours)
    await run(task, journal)
    assert task.other.shown() == [("y", "")]


async def test_the_share_that_may_change_is_the_tasks_to_set(journal: StateJournal) -> None:
    task = Boards()
    pairs = [task.pair(A=f"row {number}", B="x") for number in range(20)]
    await run(task, journal)
    for ours, _ in pairs[:11]:
        task.notion.edit(ours, B="")
    report = await run(task, journal)
    assert report.status == "halted"
    assert "would blank 'B' on 11 of 20 objects" in report.reason
    assert task.other.writes == 0
    task.change_share = 0.6
    assert (await run(task, journal)).status == "succeeded"
    assert task.other.writes == 11


async def test_a_conflict_that_a_person_must_decide_is_told_in_every_run(journal: StateJournal) -> None:
    task = Boards(mode="error")
    ours, theirs = task.pair(A="x", B="")
    await run(task, journal)
    task.notion.edit(ours, B="ours")
    task.other.edit(theirs, b="theirs")
    for _ in range(20):
        assert (await run(task, journal)).status == "conflicts"
        task.later(minutes=1)


class Lagging(Boards):
    """The other side's listing lacks what was made in the last minute, and a create loses its answer."""

    other_settling = timedelta(minutes=2)
    lose = True

    def get_other_objects(self) -> Listing:
        self.other.hidden = {
            row.id for row in self.other.rows.values() if self.now - row.edited < timedelta(minutes=1)
        }
        return super().get_other_objects()

    def other_create_obj(self, **kwargs: object) -> Row:
        row = super().other_create_obj(**kwargs)
        if self.lose:
            self.lose = False
            raise OutcomeUnknownError("no answer")
        return row


async def test_a_create_without_an_answer_waits_for_the_listing(journal: StateJournal) -> None:
    task = Lagging()
    task.notion.add(A="x", B="")
    assert (await run(task, journal)).status == "failed"
    for _ in range(5):
        await run(task, journal)
        task.later(seconds=30)
    assert len(task.other.rows) == 1
    assert len((await journal.load()).links) == 1
    assert (await run(task, journal)).plan.actions == ()


async def test_a_listing_that_takes_long_shows_what_was_there_when_it_began(journal: StateJournal) -> None:
    """One side answers at once, the other one after minutes; the first does not show by then what it lacked."""

    class Slow(Lagging):
        def get_other_objects(self) -> Listing:
            listing = super().get_other_objects()
            self.later(minutes=3)
            return listing

    task = Slow()
    task.notion.add(A="x", B="")
    assert (await run(task, journal)).status == "failed"
    await run(task, journal)
    assert len(task.other.rows) == 1
    task.later(minutes=3)
    await run(task, journal)
    assert len(task.other.rows) == 1
    assert len((await journal.load()).links) == 1


async def test_a_create_that_never_arrived_is_made_after_that_time(journal: StateJournal) -> None:
    task = Lagging()
    task.notion.add(A="x", B="")
    await run(task, journal)
    task.other.rows.clear()
    for _ in range(8):
        await run(task, journal)
        task.later(seconds=30)
    assert task.other.shown() == [("x", "")]
