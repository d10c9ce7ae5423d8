"""What becomes of single objects when their writes fail, in the ways that random histories do not reach."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tasks import ItemError, OutcomeUnknownError, State, TaskError
from tasks.engine.report import RunReport
from tasks.errors import UnfitError
from tasks.merge import Skip
from tasks.sync_task.steps import StateJournal
from tests.tasks.boards import Boards, Row
from tests.tasks.sync_task.seed_style import START, Page, Services, ToDo, ToDos

LATER = START + timedelta(hours=1)


async def run(task: ToDos, journal: StateJournal) -> RunReport:
    task.services.writes.clear()
    return await task.run(journal)


class Flaky(ToDos):
    """Refuses what it is told to, and knows of moved objects."""

    refuse: Exception | None = None
    moved: tuple[str, ...] = ()

    def other_update_obj(self, obj: ToDo, attr: str, value: Any) -> None:
        if attr == "completed" and self.refuse is not None:
            raise self.refuse
        super().other_update_obj(obj, attr, value)

    def notion_is_gone(self, obj_id: str) -> bool:
        return obj_id not in self.moved


@pytest.fixture
def services() -> Services:
    services = Services()
    services.page("Milk"), services.page("Bread")
    return services


@pytest.fixture
def journal() -> StateJournal:
    return StateJournal(State())


@pytest.mark.parametrize("refusal", [ItemError("read-only"), OutcomeUnknownError("no answer")])
async def test_of_an_update_that_fails_midway_the_written_part_is_base(
    services: Services, journal: StateJournal, refusal: Exception
) -> None:
    task = Flaky(services)
    await run(task, journal)
    page = services.find(Page, "Milk")
    page.title, page.done, page.edited = "Oat milk", True, LATER
    task.refuse = refusal
    report = await run(task, journal)
    assert report.status == "failed"
    assert str(refusal) in report.reason
    assert journal.state.objs[page.id] == {"Title": "Oat milk", "Done": False}
    assert bool(journal.state.intents) == isinstance(refusal, OutcomeUnknownError)

    # An edit of the part that was written is an edit of one side, not a conflict with our own write.
    todo = services.find(ToDo, "Oat milk")
    todo.summary = "Soy milk"
    task.refuse = None
    report = await run(task, journal)
    assert report.status == "succeeded"
    assert services.agreed() == [("Bread", False), ("Soy milk", True)]
    assert journal.state.intents == {}


class Choosy(ToDos):
    """Takes no `completed`, and says so before it writes anything."""

    fits = False

    def other_update_attrs(self, obj: ToDo, changes: dict[str, Any]) -> ToDo:
        if "completed" in changes and not self.fits:
            raise UnfitError("it cannot be completed", ["completed"])
        for attr, value in changes.items():
            super().other_update_obj(obj, attr, value)
        return obj


async def test_of_an_update_that_does_not_fit_in_full_the_rest_is_written(
    services: Services, journal: StateJournal
) -> None:
    task = Choosy(services)
    await run(task, journal)
    page = services.find(Page, "Milk")
    page.title, page.done, page.edited = "Oat milk", True, LATER
    report = await run(task, journal)
    assert (report.status, report.outcome.counts["right_updated"]) == ("failed", 1)
    assert "it cannot be completed" in report.reason
    assert journal.state.objs[page.id] == {"Title": "Oat milk", "Done": False}
    assert journal.state.intents == {}

    # Alone it is no update at all; the other value goes across in both directions.
    page.title, page.edited = "Soy milk", LATER + timedelta(hours=1)
    assert (await run(task, journal)).status == "failed"
    services.find(ToDo, "Soy milk").summary = "Milk again"
    assert (await run(task, journal)).status == "failed"
    assert page.title == "Milk again"
    task.fits = True
    page.title, page.edited = "Rice milk", LATER + timedelta(hours=2)
    assert (await run(task, journal)).status == "succeeded"
    assert services.agreed() == [("Bread", False), ("Rice milk", True)]


async def test_the_intent_is_kept_before_the_write_is_sent(services: Services) -> None:
    seen: list[tuple[str, list[Any]]] = []

    class Watching(ToDos):
        def other_create_obj(self, **kwargs: Any) -> ToDo:
            seen.append(("create", [intent["values"] for intent in journal.state.intents.values()]))
            return super().other_create_obj(**kwargs)

        def other_update_obj(self, obj: ToDo, attr: str, value: Any) -> None:
            seen.append(("update", [intent["values"] for intent in journal.state.intents.values()]))
            super().other_update_obj(obj, attr, value)

    journal = StateJournal(State())
    services.pages.pop()
    task = Watching(services)
    await run(task, journal)
    services.pages[0].done = True
    await run(task, journal)
    assert seen == [("create", [{"Title": "Milk", "Done": False}]), ("update", [{"Done": True}])]
    assert journal.state.intents == {}


async def test_an_error_of_the_tasks_own_code_fails_its_object_only(
    services: Services, journal: StateJournal
) -> None:
    task = Flaky(services)
    await run(task, journal)
    for page in services.pages:
        page.edited = LATER
    services.pages[0].done, services.pages[1].title = True, "Rye"
    task.refuse = KeyError("completed")
    report = await run(task, journal)
    assert report.status == "failed"
    assert "KeyError: 'completed'" in report.reason
    assert services.find(ToDo, "Rye")
    task.refuse = None
    assert (await run(task, journal)).status == "succeeded"
    assert services.agreed() == [("Milk", True), ("Rye", False)]


@pytest.mark.parametrize("edited", [False, True])
async def test_the_counterpart_of_an_object_that_only_moved_away_is_left_as_it_is(
    services: Services, journal: StateJournal, edited: bool
) -> None:
    task = Flaky(services)
    await run(task, journal)
    page = services.find(Page, "Milk")
    services.pages.remove(page)
    task.moved = (page.id,)
    if edited:
        todo = services.find(ToDo, "Milk")
        todo.completed, todo.modified = True, LATER
    report = await run(task, journal)
    assert report.status == "succeeded"
    assert services.writes == []
    assert len(report.outcome.skipped) == 1
    assert "does not say that it was deleted" in report.outcome.skipped[0]
    assert page.id in journal.state.ids

    services.pages.append(page)  # it comes back
    await run(task, journal)
    assert services.agreed() == [("Bread", False), ("Milk", edited)]


async def test_an_object_that_cannot_be_read_is_accounted_for_and_never_deleted(
    services: Services, journal: StateJournal
) -> None:
    class Unreadable(ToDos):
        def notion_to_dict(self, obj: Page) -> dict[str, Any]:
            if obj.title.startswith("Bad"):
                raise ItemError("garbled")
            return super().notion_to_dict(obj)

    task = Unreadable(services)
    await run(task, journal)
    services.find(Page, "Milk").title = "Bad milk"
    new = services.page("Bad and new")
    report = await run(task, journal)
    assert services.writes == []
    left = {skip.id: skip.reason for skip in report.plan.of(Skip)}
    assert left == {"p1": "cannot be read: garbled", new.id: "cannot be read: garbled"}
    assert len(journal.state.ids) == 2


async def test_a_create_that_returns_nothing_is_told(services: Services, journal: StateJournal) -> None:
    class Forgetful(ToDos):
        def other_create_obj(self, **kwargs: Any) -> None:  # type: ignore[override]
            super().other_create_obj(**kwargs)

    with pytest.raises(TaskError, match="other_create_obj must return the object that it made"):
        await run(Forgetful(services), journal)
    await run(ToDos(services), journal)  # mended: what was made meanwhile is found again and not made twice
    assert services.agreed() == [("Bread", False), ("Milk", False)]


async def test_close_is_called_however_a_run_ends(services: Services, journal: StateJournal) -> None:
    class Closing(ToDos):
        calls: list[str]

        def open(self) -> None:
            self.calls.append("open")

        async def check(self) -> None:
            self.calls.append("check")
            raise ItemError("not today")

        def close(self) -> None:
            self.calls.append("close")

    task = Closing(services)
    task.calls = []
    with pytest.raises(ItemError):
        await run(task, journal)
    assert task.calls == ["open", "check", "close"]


# -- objects that are not changed in place ----------------------------------------------------------------------


class OneByOne(Boards):
    """A seed-like task whose rows are replaced, not changed, by an update of one attribute."""

    def other_update_attrs(self, obj: Row, changes: dict[str, Any]) -> Any:
        return NotImplemented


async def test_an_edit_right_after_an_unproved_write_is_no_conflict() -> None:
    task, journal = OneByOne(mode="other"), StateJournal(State())
    ours, theirs = task.pair(A="x", B="")
    await task.run(journal)
    task.notion.edit(ours, B="first")
    await task.run(journal)
    task.notion.edit(ours, B="second")
    report = await task.run(journal)
    assert (report.outcome.conflicts, task.other.rows[theirs].values["b"]) == (0, "second")
    await task.run(journal)
    assert (await task.run(journal)).plan.actions == ()
    assert journal.state.intents == {}


async def test_a_service_that_silently_keeps_its_value_undoes_no_edit() -> None:
    class Stubborn(OneByOne):
        def other_update_obj(self, obj: Row, attr: str, value: Any) -> None:
            self.other.calls["update"] += 1

    task, journal = Stubborn(mode="other"), StateJournal(State())
    ours, _ = task.pair(A="x", B="")
    await task.run(journal)
    task.notion.edit(ours, B="mine")
    for _ in range(4):
        await task.run(journal)
    assert task.notion.rows[ours].values["B"] == "mine"
    assert task.other.calls["update"] == 1
    assert task.notion.writes == 0
    assert journal.state.intents == {}
