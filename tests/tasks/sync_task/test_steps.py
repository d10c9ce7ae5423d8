"""The steps of a sync, called one by one."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tasks import ConflictMode, ItemError, State
from tasks.sync_task.steps import StepError
from tests.tasks.sync_task.seed_style import START, AsyncToDos, Page, Services, ToDo, ToDos

LATER = START + timedelta(hours=1)


def notion(services: Services) -> dict[str, Page]:
    return {page.id: page for page in services.pages}


def other(services: Services) -> dict[str, ToDo]:
    return {todo.uid: todo for todo in services.todos}


def linked(*titles: str) -> tuple[Services, State]:
    """Services in step, and the state of it."""
    services = Services()
    for title in titles:
        services.page(title)
    state = ToDos(services).sync(None)
    services.writes.clear()
    return services, state


@pytest.mark.parametrize("kind", [ToDos, AsyncToDos])
def test_sync_goes_from_no_state_to_a_state_and_on(kind: type[ToDos]) -> None:
    services = Services()
    task = kind(services)
    services.page("a"), services.todo("b"), services.page("c"), services.todo("c")
    state = task.sync(None)
    assert services.agreed() == [("a", False), ("b", False), ("c", False)]
    pairs = [
        (notion(services)[page].title, other(services)[todo].summary) for page, todo in state.ids.items()
    ]
    assert sorted(pairs) == [("a", "a"), ("b", "b"), ("c", "c")]
    assert state.ids["p3"] == "t4"
    assert state.objs["p1"] == {"Title": "a", "Done": False}
    services.writes.clear()
    assert task.sync(state) == state
    assert services.writes == []


async def test_the_steps_can_be_called_where_a_loop_runs() -> None:
    services = Services()
    services.page("a")
    assert AsyncToDos(services).sync(None).ids == {"p1": "t2"}


def test_initial_sync_links_and_settles_but_creates_nothing() -> None:
    services = Services()
    services.page("a", done=True, edited=LATER), services.page("only here")
    services.todo("a"), services.todo("only there")
    state = ToDos(services).initial_sync(notion(services), other(services))
    assert state.ids == {"p1": "t3"}
    assert services.writes == [("other", "update", "t3", "completed", True)]
    assert state.objs["p1"] == {"Title": "a", "Done": True}


def test_created_objects_get_a_counterpart_on_the_side_of_the_step_only() -> None:
    services, state = linked("a")
    services.page("b"), services.todo("c")
    task = ToDos(services)
    first = task.sync_notion_created(state, notion(services))
    assert services.writes == [("other", "create", "b")]
    assert first.ids == {**state.ids, "p3": "t5"}
    second = task.sync_other_created(first, {"t4": services.todos[1]})
    assert services.writes[1:] == [("notion", "create", "c")]
    assert second.ids == {**first.ids, "p6": "t4"}
    assert list(state.ids) == ["p1"]  # the state that was given is not changed
    services.writes.clear()
    assert task.sync(second) == second
    assert services.writes == []


def test_deletions_are_carried_across_and_edits_beat_them() -> None:
    services, state = linked("a", "b", "c", "d")
    task = ToDos(services)
    services.pages = [page for page in services.pages if page.title in "cd"]
    services.todos = [todo for todo in services.todos if todo.summary in "abc"]
    edited = next(todo for todo in services.todos if todo.summary == "b")
    edited.completed = True
    state = task.sync_notion_deleted(state, notion(services), other(services))
    assert sorted(write[:2] for write in services.writes) == [("notion", "create"), ("other", "delete")]
    state = task.sync_other_deleted(state, notion(services), other(services))
    assert [write[:2] for write in services.writes[2:]] == [("notion", "delete")]
    assert services.agreed() == [("b", True), ("c", False)]
    assert task.sync(state) == state


def test_changes_are_carried_across_in_both_directions() -> None:
    services, state = linked("a", "b", "c")
    task = ToDos(services)
    services.pages[0].title = "A"
    services.todos[1].completed = True
    services.pages[2].title, services.todos[2].summary = "ours", "theirs"
    services.todos[2].modified = LATER
    state = task.sync_state_changes(state, notion(services), other(services))
    assert services.agreed() == [("A", False), ("b", True), ("theirs", False)]
    assert len(services.writes) == 3
    services.writes.clear()
    assert task.sync_state_changes(state, notion(services), other(services)) == state
    assert services.writes == []


@pytest.mark.parametrize(
    ("mode", "stays", "written"),
    [
        (ConflictMode.NEWER, "theirs", ("notion", "update", "p1", "Title", "theirs")),
        (ConflictMode.NOTION, "ours", ("other", "update", "t2", "summary", "ours")),
        (ConflictMode.OTHER, "theirs", ("notion", "update", "p1", "Title", "theirs")),
    ],
)
def test_a_conflict_is_resolved_by_the_mode(mode: ConflictMode, stays: str, written: tuple[str, ...]) -> None:
    services = Services()
    page, todo = services.page("ours"), services.todo("theirs", modified=LATER)
    task = ToDos(services, mode=mode)
    assert task.resolve_conflict(page, todo, "Title", "summary") == stays
    assert services.writes == [written]
    assert (page.title, todo.summary) == (stays, stays)


def test_in_mode_error_neither_side_is_written() -> None:
    services = Services()
    page, todo = services.page("ours"), services.todo("theirs")
    task = ToDos(services, mode="error")
    with pytest.raises(StepError, match="neither is written"):
        task.resolve_conflict(page, todo, "Title", "summary")
    assert services.writes == []


def test_an_object_that_cannot_be_read_is_told() -> None:
    class Unreadable(ToDos):
        def other_to_dict(self, obj: ToDo) -> dict[str, object]:
            raise ItemError("garbled")

    services = Services()
    page, todo = services.page("ours"), services.todo("theirs")
    with pytest.raises(StepError, match="the other side's object cannot be read: garbled"):
        Unreadable(services).resolve_conflict(page, todo, "Title", "summary")


def test_a_step_that_fails_gives_back_what_was_agreed() -> None:
    class Picky(ToDos):
        def other_create_obj(self, **kwargs: object) -> ToDo:
            if kwargs["summary"] == "bad":
                raise ItemError("refused")
            return super().other_create_obj(**kwargs)

    services = Services()
    services.page("bad"), services.page("good")
    task = Picky(services)
    with pytest.raises(StepError, match="refused") as caught:
        task.sync_notion_created(State(), notion(services))
    assert list(caught.value.state.ids) == ["p2"]
    with pytest.raises(StepError, match="refused") as again:
        task.sync(caught.value.state)
    assert list(again.value.state.ids) == ["p2"]
