"""What is listed, what changes tell, and how writes meet what people do."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from sandbox.google_tasks import Fault
from tasks.errors import (
    CursorExpiredError,
    ItemError,
    OutcomeUnknownError,
    PreconditionError,
    SideError,
    TaskDefinitionError,
    UnfitError,
)
from tasks.services.google_tasks import task_list
from tasks.sides import State
from tests.tasks.services.google_tasks.near import Desk, by_title


async def test_all_pages_and_what_is_hidden_are_listed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_list, "PAGE_SIZE", 2)
    for number in range(5):
        desk.add(f"open {number}")
    done = desk.add("done", status="completed")
    desk.google.account.clear(desk.list_id)
    desk.google.account.delete(desk.add("deleted"), desk.list_id)
    desk.add("done and shown", status="completed")
    assert desk.shown(done)["hidden"]
    async with desk.opened() as side:
        listing = await side.list()
        assert {task.title for task in listing} == {
            *(f"open {n}" for n in range(5)),
            "done",
            "done and shown",
        }
        assert listing.partial is None
        assert not await side.is_gone(done), "what was cleared away is hidden, not deleted"
        assert side.values(await side.get(done)) | {"hidden": True} == side.values(await side.get(done))


async def test_what_happens_between_pages_is_among_the_changes(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_list, "PAGE_SIZE", 2)
    for number in range(5):
        desk.add(f"task {number}")
    async with desk.opened() as side:
        pages = side.pages()
        listed = [first, second] = [*await anext(pages)]
        desk.edit(second.id, title="edited")
        desk.add("new")  # before all others: those that were shown come again
        rest = [page async for page in pages]
        listed += [task for page in rest for task in page]
        assert sorted(task.title for task in listed) == [f"task {number}" for number in range(5)]
        assert len({task.id for task in listed}) == len(listed)
        changed = {task.title: task for task in (await side.changes(rest[-1].cursor)).changed}
        assert {"edited", "new"} <= changed.keys()
        assert changed["edited"].id == second.id
        assert first.title in {task.title for task in await side.list()}


async def test_the_values_of_a_task(desk: Desk) -> None:
    over = desk.add("over")
    under = desk.add(
        "under", parent=over, notes="two\nlines", due="2026-05-06T22:30:00-07:00", status="completed",
        completed="2026-05-01T10:00:00Z",
    )  # fmt: skip
    async with desk.opened() as side:
        task = (await by_title(side))["under"]
        assert side.values(task) == {
            "title": "under",
            "notes": "two\nlines",
            "due": date(2026, 5, 7),
            "status": State.DONE,
            "done": True,
            "completed": datetime(2026, 5, 1, 10, tzinfo=UTC),
            "parent": (over,),
            "position": "0" * 20,
            "hidden": False,
            "link": None,
            "webViewLink": desk.shown(under)["webViewLink"],
        }
        assert side.address(task) == desk.shown(under)["webViewLink"]
        assert side.title(task) == "under"


# -- changes --------------------------------------------------------------------------------------------------


async def test_an_idle_poll_costs_two_requests(desk: Desk) -> None:
    for number in range(3):
        desk.add(f"{number}")
    desk.google.clock.advance(timedelta(minutes=10))
    async with desk.opened() as side:
        cursor = (await side.list()).cursor
    desk.google.clock.advance(timedelta(minutes=10))
    desk.add("new")
    desk.google.clock.advance(timedelta(minutes=10))
    async with desk.opened() as side:
        changes = await side.changes(cursor)
        assert "new" in {task.title for task in changes.changed}
        cursor = changes.cursor
    desk.google.clock.advance(timedelta(minutes=10))
    desk.asked()
    async with desk.opened() as side:
        changes = await side.changes(cursor)
        assert [task.title for task in changes.changed] == ["new"], (
            "read again, as it may be newer than it says"
        )
    assert desk.asked() == ["GET lists", "GET tasks"]


async def test_changes_tell_what_was_edited_and_deleted(desk: Desk) -> None:
    kept, edited, deleted = (desk.add(title) for title in ("kept", "edited", "deleted"))
    desk.google.clock.advance(timedelta(hours=1))
    desk.add("marks the hour")
    async with desk.opened() as side:
        cursor = (await side.list()).cursor
    desk.google.clock.advance(timedelta(hours=1))
    desk.edit(edited, notes="x")
    desk.google.account.delete(deleted, desk.list_id)
    desk.google.account.clear(desk.list_id)
    async with desk.opened() as side:
        changes = await side.changes(cursor)
    assert {task.id for task in changes.changed} >= {edited}
    assert kept not in {task.id for task in changes.changed}
    assert changes.deleted == [deleted]


async def test_a_move_is_seen_where_parents_are_synced(desk: Desk) -> None:
    over, under = desk.add("over"), desk.add("under")
    desk.google.clock.advance(timedelta(hours=1))
    async with desk.opened(None, "title", "parent") as side:
        cursor = (await side.list()).cursor
        desk.asked()
        assert not (await side.changes(cursor)).changed
        assert desk.asked() == [f"GET {desk.list_id}"], "one request where nothing happened"
    before = desk.shown(under)["updated"]
    desk.google.account.move(under, desk.list_id, parent=over)
    assert desk.shown(under)["updated"] == before, "Google does not stamp it"
    async with desk.opened(None, "title", "parent") as side:
        changes = await side.changes(cursor)
        assert {task.id: task.parent for task in changes.changed} == {over: None, under: over}
        assert not (await side.changes(changes.cursor)).changed


@pytest.mark.parametrize("cursor", [None, 1, {}, {"list": "x", "since": "never", "version": None}])
async def test_a_cursor_of_no_use_expires(desk: Desk, cursor: Any) -> None:
    async with desk.opened() as side:
        with pytest.raises(CursorExpiredError):
            await side.changes(cursor)
        with pytest.raises(CursorExpiredError, match="another task list"):
            await side.changes({"list": "x", "since": "2026-01-01T00:00:00+00:00", "version": None})


# -- deletions ------------------------------------------------------------------------------------------------


async def test_what_was_moved_to_another_list_is_not_gone(desk: Desk) -> None:
    task_id, deleted = desk.add("a"), desk.add("b")
    desk.google.account.move(task_id, desk.list_id, destination="@default")
    desk.google.account.delete(deleted, desk.list_id)
    async with desk.opened() as side:
        assert await side.get(task_id) is None
        assert not await side.is_gone(task_id)
        assert await side.get(deleted) is None
        assert await side.is_gone(deleted)
        assert not await side.is_gone("never-was")


@pytest.mark.parametrize("go_along", [True, False])
async def test_subtasks_outlive_a_parent_that_is_deleted(desk: Desk, go_along: bool) -> None:
    desk.google.account.subtasks_go_along = go_along
    desk.add("below")
    over = desk.add("over")
    desk.add("above")
    done = desk.add("done", parent=over, status="completed")
    second = desk.add("second", parent=over)
    first = desk.add("first", parent=over)
    deep = desk.add("deep", parent=second)
    desk.google.account.clear(desk.list_id)
    async with desk.opened(None, "title", "parent") as side:
        tasks = await by_title(side)
        await side.delete(tasks["over"])
        assert await side.is_gone(over)
        assert desk.titles() == {"below", "above", "done", "second", "first", "deep"}
        assert "parent" not in desk.shown(done)
        assert desk.shown(deep)["parent"] == second
        order = sorted(desk.live(), key=lambda one: one["position"])
        assert [one["title"] for one in order if "parent" not in one and "hidden" not in one] == [
            "above", "first", "second", "below",
        ]  # fmt: skip
        # Its subtasks can still be written to as they were read: that they moved is nobody's edit.
        after = await side.update(tasks["first"], {"title": "first of all"})
        assert (after.title, after.parent) == ("first of all", None)
        await side.delete(tasks["second"])
    assert desk.shown(first)["title"] == "first of all"
    assert "parent" not in desk.shown(deep)


@pytest.mark.parametrize("how", ["put there after the look", "not shown to the look"])
async def test_a_subtask_that_the_look_did_not_see_is_brought_back(
    desk: Desk, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    over, under, theirs = desk.add("over"), desk.add("under"), desk.add("theirs")
    if how == "put there after the look":
        fault = Fault(path="*/tasks", then=lambda: desk.google.account.move(under, desk.list_id, parent=over))
    else:
        monkeypatch.setattr(task_list, "PAGE_SIZE", 1)
        desk.google.account.move(under, desk.list_id, parent=over)
        fault = Fault(path="*/tasks", last_page=True)
    desk.google.clock.advance(timedelta(minutes=5))
    desk.google.account.move(theirs, desk.list_id, parent=over)
    desk.google.account.delete(theirs, desk.list_id)
    desk.google.clock.advance(timedelta(minutes=5))
    async with desk.opened() as side:
        task = (await by_title(side))["over"]
        desk.google.faults.add(fault)
        await side.delete(task)
        assert await side.is_gone(over)
        assert not await side.is_gone(under)
        assert await side.is_gone(theirs), "somebody deleted that one"
    assert "parent" not in desk.shown(under)


async def test_a_parent_that_is_hidden_is_deleted_without_its_subtasks(desk: Desk) -> None:
    over = desk.add("over", status="completed")
    under = desk.add("under", parent=over)
    desk.google.account.clear(desk.list_id)
    async with desk.opened() as side:
        await side.delete((await by_title(side))["over"])
        assert await side.is_gone(over)
    assert "parent" not in desk.shown(under)


async def test_a_subtask_that_is_to_be_deleted_too_is_not_brought_back(desk: Desk) -> None:
    over = desk.add("over")
    under = desk.add("under", parent=over)
    async with desk.opened() as side:
        tasks = await by_title(side)
        await side.delete(tasks["under"])
        await side.delete(tasks["over"])
        assert await side.is_gone(over)
        assert await side.is_gone(under)


async def test_a_parent_stays_whose_subtask_cannot_be_kept(desk: Desk) -> None:
    over = desk.add("over")
    under = desk.add("under", parent=over)
    async with desk.opened() as side:
        task = (await by_title(side))["over"]
        desk.google.faults.add(Fault(path="*/move", status=400, reason="invalid", times=2))
        with pytest.raises(ItemError, match="Google refuses it"):
            await side.delete(task)
    assert desk.shown(under)["parent"] == over
    assert not desk.shown(over).get("deleted")


async def test_a_subtask_is_brought_back_though_the_answer_to_the_deletion_was_lost(desk: Desk) -> None:
    over, under = desk.add("over"), desk.add("under")
    async with desk.opened() as side:
        task = (await by_title(side))["over"]
        desk.google.faults.add(
            Fault(path="*/tasks", then=lambda: desk.google.account.move(under, desk.list_id, parent=over))
        )
        desk.google.faults.add(Fault(method="DELETE", drop=True, applied=True))
        with pytest.raises(OutcomeUnknownError):
            await side.delete(task)
        assert await side.is_gone(over)
    assert "parent" not in desk.shown(under)


async def test_a_deletion_that_is_not_shown_is_told(desk: Desk) -> None:
    desk.add("a")
    async with desk.opened() as side:
        task = (await by_title(side))["a"]
        desk.google.faults.add(Fault(method="DELETE", status=204))
        with pytest.raises(ItemError, match="shows it still"):
            await side.delete(task)


async def test_what_somebody_deleted_meanwhile_need_not_be_deleted(desk: Desk) -> None:
    task_id = desk.add("a")
    async with desk.opened() as side:
        task = (await by_title(side))["a"]
        desk.google.account.delete(task_id, desk.list_id)
        await side.delete(task)
        restored = await side.restore(task_id)
        assert restored is not None
        assert side.values(restored) == side.values(task)
        assert await side.restore("never-was") is None
    assert desk.titles() == {"a"}


async def test_what_google_does_not_take_back_is_gone_for_good(desk: Desk) -> None:
    task_id = desk.add("a")
    desk.google.account.delete(task_id, desk.list_id)
    async with desk.opened() as side:
        desk.google.faults.add(Fault(method="PATCH", status=400, reason="invalid"))
        assert await side.restore(task_id) is None


# -- writes ---------------------------------------------------------------------------------------------------


async def test_what_is_made_keeps_its_order(desk: Desk) -> None:
    desk.add("was there")
    async with desk.opened() as side:
        for title in "abc":
            await side.create(f"key {title}", {"title": title})
        desk.google.account.delete((await by_title(side))["c"].id, desk.list_id)
        await side.create("key d", {"title": "d"})  # the one before it is gone
    order = sorted(desk.live(), key=lambda one: one["position"])
    assert [one["title"] for one in order] == ["d", "a", "b", "was there"]


async def test_a_write_is_not_stopped_by_others_that_move(desk: Desk) -> None:
    """Whatever is made on top gives all others another version."""
    task_id = desk.add("a")
    async with desk.opened() as side:
        task = (await by_title(side))["a"]
        desk.add("on top")
        assert desk.shown(task_id)["etag"] != task.etag
        desk.google.faults.add(
            Fault(method="GET", path=f"*/tasks/{task_id}", then=lambda: desk.add("on top of that"))
        )
        after = await side.update(task, {"notes": "n"})
    assert (after.notes, desk.shown(task_id)["notes"]) == ("n", "n")
    assert [line for line in desk.asked() if line.startswith("PATCH")] == [f"PATCH {task_id}"] * 2


@pytest.mark.parametrize("write", ["update", "delete"])
async def test_an_edit_between_the_look_and_the_write_is_kept(desk: Desk, write: str) -> None:
    task_id = desk.add("a")
    async with desk.opened() as side:
        task = (await by_title(side))["a"]
        looks = 2 if write == "delete" else 1
        desk.google.faults.add(
            Fault(
                method="GET",
                path=f"*/tasks/{task_id}",
                skip=looks - 1,
                then=lambda: desk.edit(task_id, notes="theirs"),
            )
        )
        with pytest.raises(PreconditionError):
            await (side.delete(task) if write == "delete" else side.update(task, {"notes": "ours"}))
    assert desk.shown(task_id)["notes"] == "theirs"


async def test_what_is_shown_already_is_not_sent(desk: Desk) -> None:
    desk.add("a", due="2026-01-02T00:00:00Z", status="completed")
    async with desk.opened() as side:
        task = (await by_title(side))["a"]
        desk.asked()
        values = {"title": "a", "due": date(2026, 1, 2), "done": True, "notes": None, "parent": ()}
        assert await side.update(task, values) == task
        assert desk.asked() == [f"GET {task.id}"]


async def test_a_patch_leaves_the_rest_as_it_is(desk: Desk) -> None:
    first = desk.add("a", notes="n", due="2026-01-02T00:00:00Z")
    desk.add("b")
    async with desk.opened() as side:
        await side.update((await by_title(side))["a"], {"done": True})
    shown = desk.shown(first)
    assert (shown["notes"], shown["due"][:10], shown["position"][-1]) == ("n", "2026-01-02", "1")
    assert shown["completed"]


async def test_a_parent_that_is_none_is_unfit_and_nothing_is_written(desk: Desk) -> None:
    task_id = desk.add("a")
    async with desk.opened(None, "title", "parent") as side:
        task = (await by_title(side))["a"]
        with pytest.raises(UnfitError, match="its parent must be an open task") as caught:
            await side.update(task, {"title": "b", "parent": ("no-such-task",)})
        assert caught.value.attributes == {"parent"}
        desk.google.faults.add(Fault(path="*/move", status=404, reason="notFound"))
        with pytest.raises(UnfitError, match="its parent must be an open task"):
            await side.update(task, {"parent": ("deleted-meanwhile",)})
        with pytest.raises(ItemError, match="new task 'c'"):
            await side.create("key", {"title": "c", "parent": ("no-such-task",)})
    assert desk.shown(task_id)["title"] == "a"
    assert desk.titles() == {"a"}


# -- which list -----------------------------------------------------------------------------------------------


async def test_a_list_is_found_by_its_title_and_followed_by_its_id(desk: Desk) -> None:
    desk.add("a")
    side = desk.side("Errands")
    async with desk.opened(side):
        assert side.scope() == desk.list_id
        assert side.label == "the task list Errands"
        remembered = side.remembered()
    desk.google.account.patch_list(desk.list_id, {"title": "Chores"})
    with pytest.raises(SideError, match="no task list 'Errands' in this account, only 'My Tasks', 'Chores'"):
        async with desk.opened(desk.side("Errands")):
            pass
    renamed = desk.side("Errands")
    renamed.recall(remembered, {})
    async with desk.opened(renamed):
        assert renamed.scope() == desk.list_id
        assert renamed.label == "the task list Chores"


async def test_two_lists_of_one_title_are_told_apart_by_id(desk: Desk) -> None:
    other = desk.google.account.insert_list("Errands")["id"]
    with pytest.raises(TaskDefinitionError, match=f"2 task lists are called 'Errands'.*{other}"):
        async with desk.opened(desk.side("Errands")):
            pass
    async with desk.opened(desk.side(other)) as side:
        assert side.scope() == other


async def test_without_a_name_it_is_the_default_list(desk: Desk) -> None:
    side = desk.side()
    side._wanted = None
    async with desk.opened(side):
        assert side.scope() == desk.google.account.list_id()
        assert side.label == "the task list My Tasks"


@pytest.mark.parametrize("names", [("title",), ("title", "parent")])
async def test_a_list_that_vanishes_is_no_empty_one(desk: Desk, names: tuple[str, ...]) -> None:
    task_id = desk.add("a")
    async with desk.opened(None, *names) as side:
        cursor = (await side.list()).cursor
        desk.google.account.delete_list(desk.list_id)
        with pytest.raises(SideError, match=r"it was deleted|is gone"):
            await side.list()
        with pytest.raises(SideError, match=r"it was deleted|is gone"):
            await side.changes(cursor)
        assert not await side.is_gone(task_id)


async def test_unknown_attributes_are_refused_before_anything_is_asked(desk: Desk) -> None:
    side = desk.side()
    with pytest.raises(TaskDefinitionError, match="a task has no colour, only title"):
        async with desk.opened(side, "title", "colour"):
            pass
    assert desk.asked() == []
