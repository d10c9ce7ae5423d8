"""A deletion that does not go across: the object stays, and neither is made again."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.errors import TaskDefinitionError
from tasks.journal.state_journal import StateJournal
from tasks.merge import Delete, Effect, Mark, Park, plan_digest, plan_from_data, plan_to_data, undo
from tasks.sides import State
from tasks.values.canonical import dump, load
from tests.tasks.policies.places import Sync

UNLINK = {"delete": {"to_other": "unlink"}}


def marked(attribute: str, value: Any = ...) -> dict[str, Any]:
    return {"delete": {"to_other": {"mark": attribute} | ({} if value is ... else {"value": value})}}


@pytest.mark.parametrize("deltas", [False, True])
async def test_what_stays_is_never_made_again_not_for_an_edit_and_not_after_a_full_listing(
    deltas: bool,
) -> None:
    sync = Sync(deltas=deltas, **UNLINK)
    row, _ = sync.pair("tea"), sync.pair("bread")
    await sync.runs(2)
    sync.rows.remove(row)
    report = await sync.runs()
    assert [type(action) for action in report.plan.actions] == [Park]
    assert report.outcome.counts == {"unlinked": 1}
    assert sync.todos.shown() == ["bread", "tea"]
    for _ in range(3):
        sync.todos.edit(sync.todo("tea"), summary="green tea")
        sync.todos.edit(sync.todo("green tea"), summary="tea")
        sync.clock.later(hours=2)  # listed in full
        report = await sync.runs()
        assert report.plan.actions == ()
    assert (sync.rows.shown(), sync.todos.shown()) == (["bread"], ["bread", "tea"])
    assert sync.rows.log.calls["is_gone"] <= 1


async def test_it_is_told_once_and_in_the_plan() -> None:
    sync = Sync(**UNLINK)
    sync.pair("tea")
    sync.pair("bread")
    await sync.runs()
    sync.rows.remove(sync.row("tea"))
    planned = await sync.run(dry_run=True)
    assert planned.plan.told[-1] == (
        "what is deleted in the board rows stays in the list todos, and is synced no more"
    )
    assert (
        planned.plan.actions[0].reason
        == "deleted in the board rows; the task says that it stays in the list todos"
    )
    report = await sync.runs()
    assert report.reason == (
        "the list todos todos-1: deleted in the board rows; the task says that it stays in the list todos, where it is "
        "synced no more"
    )
    assert (await sync.runs()).reason == ""


async def test_the_other_direction_is_as_ever() -> None:
    sync = Sync(**UNLINK)
    sync.pair("tea")
    await sync.runs()
    sync.todos.remove(sync.todo("tea"))
    report = await sync.runs()
    assert [type(action) for action in report.plan.actions] == [Delete]
    assert sync.rows.shown() == []


@pytest.mark.parametrize("deltas", [False, True])
async def test_out_of_the_trash_it_is_synced_again_with_what_was_edited_on_both_sides(deltas: bool) -> None:
    sync = Sync(deltas=deltas, **UNLINK)
    row, _ = sync.pair("tea"), sync.pair("bread")
    await sync.runs(2)
    sync.rows.remove(row)
    await sync.runs(2)
    sync.todos.edit(sync.todo("tea"), status=State.DONE)
    await sync.runs()
    sync.rows.bring_back(row)
    sync.rows.edit(row, Name="green tea")
    await sync.runs()
    assert sync.rows.shown("Name", "Status") == [("bread", "Open"), ("green tea", "Done")]
    assert sync.todos.shown("summary", "status") == [("bread", State.OPEN), ("green tea", State.DONE)]
    assert (await sync.runs()).plan.actions == ()


@pytest.mark.parametrize("deltas", [False, True])
async def test_made_again_by_a_person_it_is_linked_and_not_doubled(deltas: bool) -> None:
    sync = Sync(deltas=deltas, **UNLINK)
    row, _ = sync.pair("tea"), sync.pair("bread")
    await sync.runs(2)
    sync.rows.remove(row)
    await sync.runs()
    sync.todos.edit(sync.todo("tea"), status=State.DONE)
    await sync.runs(2)
    sync.clock.later(minutes=9)
    sync.rows.add(Name="Tea", Status="Open")
    await sync.runs()
    assert sync.todos.shown("summary", "status") == [("Tea", State.OPEN), ("bread", State.OPEN)]
    assert sync.rows.shown() == ["Tea", "bread"]
    sync.todos.edit(sync.todo("Tea"), summary="black tea")
    await sync.runs()
    assert sync.rows.shown() == ["black tea", "bread"]


async def test_deleted_on_both_sides_in_turn_nothing_is_left_to_remember() -> None:
    sync = Sync(**UNLINK)
    row, _ = sync.pair("tea"), sync.pair("bread")
    await sync.runs()
    sync.rows.remove(row)
    await sync.runs()
    todo = sync.todo("tea")
    sync.todos.move_out(todo)
    await sync.runs()
    assert len(sync.journal.state.ids) == 2  # the list does not say that it is deleted
    sync.todos.move_in(todo)
    sync.todos.remove(todo)
    sync.clock.later(days=2)
    await sync.runs()
    assert list(sync.journal.state.ids) == [sync.row("bread")]
    assert sync.journal.state.parked == {}


async def test_back_here_while_it_is_deleted_across_it_counts_as_new() -> None:
    sync = Sync(**UNLINK)
    row, _ = sync.pair("tea"), sync.pair("bread")
    await sync.runs()
    sync.rows.remove(row)
    await sync.runs()
    sync.todos.remove(sync.todo("tea"))
    sync.rows.bring_back(row)
    await sync.runs(2)
    assert sync.rows.shown() == sync.todos.shown() == ["bread", "tea"]


async def test_a_partial_listing_lets_nothing_go_apart() -> None:
    sync = Sync(**UNLINK)
    row, _ = sync.pair("tea"), sync.pair("bread")
    await sync.runs()
    sync.rows.remove(row)
    sync.rows.partial = "cut off"
    assert (await sync.run()).status == "incomplete"
    assert sync.journal.state.parked == {}


async def test_a_partial_listing_forgets_nothing_that_went_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    sync = Sync(**UNLINK)
    row, _ = sync.pair("tea"), sync.pair("bread")
    await sync.runs()
    sync.rows.remove(row)
    await sync.runs()
    cut_off = sync.todos.things.pop(sync.todo("tea"))
    monkeypatch.setattr(sync.todos, "is_gone", lambda *_: True)  # as of a side that cannot say
    sync.todos.partial = "cut off"
    await sync.run()
    sync.todos.partial = None
    sync.todos.things[cut_off.id] = cut_off
    await sync.runs(2)
    assert sync.rows.shown() == ["bread"]


async def test_what_went_apart_is_no_reason_to_halt_when_one_side_is_empty() -> None:
    sync = Sync(**UNLINK)
    for name in ("tea", "bread", "salt"):
        sync.pair(name)
    await sync.runs()
    for name in ("tea", "bread"):
        sync.rows.remove(sync.row(name))
        await sync.runs()
    sync.rows.remove(sync.row("salt"))
    await sync.runs(2)
    assert sync.todos.shown() == ["bread", "salt", "tea"]


# -- marks ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("deltas", [False, True])
async def test_a_mark_is_set_once_and_what_is_marked_stays(deltas: bool) -> None:
    sync = Sync(deltas=deltas, **marked("hidden"))
    row, _ = sync.pair("tea"), sync.pair("bread")
    await sync.runs(2)
    sync.rows.remove(row)
    report = await sync.runs()
    assert [type(action) for action in report.plan.actions] == [Mark]
    assert report.outcome.counts == {"right_marked": 1}
    assert report.reason.endswith("only marked in the list todos, where it is synced no more")
    assert sync.todos.shown("summary", "hidden") == [("bread", None), ("tea", True)]
    sync.todos.edit(sync.todo("tea"), summary="green tea", hidden=False)
    sync.clock.later(hours=2)
    assert (await sync.runs()).plan.actions == ()
    assert sync.todos.log.writes.count(("update", sync.todo("green tea"))) == 1
    assert sync.rows.shown() == ["bread"]


async def test_a_mark_of_an_attribute_that_is_synced_is_no_edit_when_the_object_is_back() -> None:
    sync = Sync(delete={"to_notion": {"mark": "Status", "value": "Archived"}})
    row, _ = sync.pair("tea"), sync.pair("bread")
    await sync.runs()
    todo = sync.todo("tea")
    sync.todos.remove(todo)
    report = await sync.runs()
    assert sync.rows.shown("Name", "Status") == [("bread", "Open"), ("tea", "Archived")]
    assert plan_from_data(load(dump(plan_to_data(report.plan)))) == report.plan
    assert plan_digest(plan_from_data(plan_to_data(report.plan))) == plan_digest(report.plan)
    sync.todos.bring_back(todo)
    await sync.runs()
    assert sync.todos.things[todo].values["status"] == State.OPEN
    sync.rows.edit(row, Status="Done")  # which takes it off
    await sync.runs()
    assert sync.todos.things[todo].values["status"] == State.DONE


@pytest.mark.parametrize("leave", ["unlink", "keep"])
async def test_only_what_is_surely_deleted_is_marked(leave: str) -> None:
    sync = Sync(leave=leave, **marked("hidden"))
    row, _ = sync.pair("tea"), sync.pair("bread")
    await sync.runs()
    sync.rows.move_out(row)
    await sync.runs()
    assert sync.todos.shown("summary", "hidden") == [("bread", None), ("tea", None)]


async def test_more_marks_than_a_run_may_delete_halt_it() -> None:
    sync = Sync(**marked("hidden"))
    for number in range(20):
        sync.pair(f"row {number}")
    await sync.runs()
    for row in list(sync.rows.things)[:12]:
        sync.rows.remove(row)
    task = sync.task()
    task.handful = 5
    report = await task.run(sync.journal)
    assert report.status == "halted"
    assert report.reason.startswith("this run would mark as deleted 12 of 20 linked objects")
    assert not sync.todos.log.writes[20:]


async def test_a_mark_that_lost_its_answer_is_set_and_the_object_goes_apart_in_the_next_run() -> None:
    sync = Sync(**marked("hidden"))
    row, _ = sync.pair("tea"), sync.pair("bread")
    await sync.runs()
    sync.rows.remove(row)
    todo = sync.todo("tea")
    sync.todos.edit(todo, hidden=True)  # as a write without an answer leaves it
    await sync.runs()
    assert ("update", todo) not in sync.todos.log.writes
    assert sync.journal.state.parked == {row: ["apart", "left"]}


async def test_an_undo_takes_back_the_mark_of_an_attribute_that_is_synced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sync = Sync(delete={"to_notion": {"mark": "Status", "value": "Archived"}})
    sync.pair("tea")
    await sync.runs()
    sync.todos.remove(sync.todo("tea"))
    effects: list[Effect] = []
    begin = StateJournal.begin

    async def keep(journal: Any, intent: Any, effect: Any = None) -> None:
        effects.extend([effect] if effect is not None else [])
        await begin(journal, intent, effect)

    monkeypatch.setattr(StateJournal, "begin", keep)
    await sync.runs()
    assert sync.rows.shown("Status") == ["Archived"]

    def back(base: Any, views: Any, policy: Any) -> Any:
        return undo(effects, base.links, {end: view.snapshot for end, view in views.items()}, policy)

    await sync.run(planner=back)
    assert sync.rows.shown("Status") == ["Open"]
    assert (await sync.runs()).plan.actions == ()


# -- words ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"to_othr": "unlink"}, "unknown key 'delete.to_othr': did you mean 'to_other'?"),
        ({"to_other": "keep"}, 'delete.to_other: it is one of "propagate" or "unlink"; a mark is {'),
        ({"to_other": {"value": 1}}, "delete.to_other: a mark is { mark ="),
        ({"to_other": {"mark": "hidden", "valeu": 1}}, "'delete.to_other.valeu': did you mean 'value'?"),
        (
            {"to_other": {"mark": "hidden", "value": ""}},
            "delete.to_other: the value of a mark says something",
        ),
        ("unlink", 'delete: it is a table, such as { to_other = "unlink" }'),
    ],
)
def test_words_that_do_not_fit_are_refused(said: Any, message: str) -> None:
    with pytest.raises(TaskDefinitionError, match="task 't': ") as caught:
        Sync(delete=said).task()
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"to_other": {"mark": "hiden"}}, "the mark 'hiden' of the list todos is no attribute; there are"),
        ({"to_notion": {"mark": "Code", "value": 3}}, "'Code' of the board rows cannot be written"),
        (
            {"to_notion": {"mark": "Status", "value": "Gone"}},
            "'Status' of the board rows: there is no such option",
        ),
        ({"to_other": {"mark": "hidden", "value": "perhaps"}}, "the mark 'hidden' of the list todos: "),
    ],
)
async def test_what_the_sides_do_not_have_is_refused_before_anything_is_listed(
    said: Any, message: str
) -> None:
    sync = Sync(delete=said)
    with pytest.raises(TaskDefinitionError, match="task 't': delete: ") as caught:
        await sync.run()
    assert message in str(caught.value)
    assert not sync.rows.log.calls


async def test_a_mark_may_not_stand_where_its_attribute_has_its_source() -> None:
    mapping = {"Name": "summary", "Status": {"to": "status", "only_to": "other"}}
    await Sync(mapping=mapping, delete={"to_other": {"mark": "status", "value": "cancelled"}}).runs()
    with pytest.raises(TaskDefinitionError, match="goes only to the list todos: choose another attribute"):
        await Sync(mapping=mapping, delete={"to_notion": {"mark": "Status", "value": "Archived"}}).run()


@pytest.mark.parametrize("deltas", [False, True])
async def test_what_comes_out_of_the_trash_with_an_edit_of_its_own_is_a_conflict(deltas: bool) -> None:
    """Whoever changed it before deleting it was not the last word, and neither is who changed it across."""
    sync = Sync(deltas=deltas)
    row, _ = sync.pair("tea"), sync.pair("bread")
    await sync.runs(2)
    sync.rows.edit(row, Name="green tea")
    sync.rows.remove(row)
    sync.clock.later(minutes=9)
    sync.todos.edit(sync.todo("tea"), summary="black tea", status=State.DONE)
    await sync.runs()
    report = await sync.runs()
    assert (report.status, report.outcome.failed) == ("succeeded", {})
    assert sync.rows.shown("Name", "Status") == [("bread", "Open"), ("green tea", "Done")]
    assert sync.todos.shown("summary", "status") == [("bread", State.OPEN), ("green tea", State.DONE)]
    assert report.outcome.conflicts == 1
    assert (await sync.runs()).plan.actions == ()
    assert not (await sync.journal.load()).memory.held
