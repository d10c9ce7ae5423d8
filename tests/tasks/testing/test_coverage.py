"""A report claims no more than was tried."""

from __future__ import annotations

from functools import partial
from typing import Any

from tasks import Changes, SyncTask
from tasks.testing import Invariant, check_task
from tasks.testing.task.coverage import METHODS
from tests.tasks.testing.examples import AsyncContacts, Contacts


class ListsLittle(AsyncContacts):
    """Offers changes of both sides; that of Notion lists too little for a cursor."""

    async def get_notion_objects(self) -> Any:
        return self.notion.all()


class NoCursors(ListsLittle):
    """Gives no cursor on either side."""

    async def get_other_objects(self) -> Any:
        return self.other.all()


class Keeps(Contacts):
    """Deletes nothing on the other side."""

    def other_delete_obj(self, obj: Any) -> Any:
        pass


class Turned(Contacts):
    """Shows the mail of the other side turned round."""

    def other_to_dict(self, obj: Any) -> Any:
        return {**super().other_to_dict(obj), "email": obj["email"][::-1]}


def test_a_side_that_lists_little_needs_no_cursor() -> None:
    report = check_task(ListsLittle, histories=3)
    assert report.ok, report.text
    assert Invariant.DELTAS in report.tried
    assert report.uncalled["notion_changes"] == "get_notion_objects gave no cursor for so few objects"
    assert "other_changes" not in report.uncalled
    assert "not called: notion_changes: get_notion_objects gave no cursor" in report.text


def test_changes_without_any_cursor_are_not_said_to_agree() -> None:
    report = check_task(NoCursors, histories=3)
    assert report.ok, report.text
    assert "notion_changes: get_notion_objects gave no cursor" in report.untried[Invariant.DELTAS]
    assert "other_changes: get_other_objects gave no cursor" in report.untried[Invariant.DELTAS]
    assert report.held(Invariant.DELTAS) is None


def test_changes_that_are_wrong_are_found_on_a_side_beside_one_without_a_cursor() -> None:
    class Forgets(ListsLittle):
        async def other_changes(self, cursor: Any) -> Changes:
            return Changes([], [], len(self.other.log))

    assert check_task(Forgets, histories=1).broken == {"I16"}


def test_without_a_history_only_the_methods_are_tried() -> None:
    report = check_task(Contacts, histories=0)
    assert report.tried == (Invariant.CONTRACT,)
    assert report.untried[Invariant.NO_LOST_UPDATE] == "no history was played"
    assert "All 1 invariants" in report.text


def test_one_history_alone_tries_the_methods_not_one_by_one() -> None:
    report = check_task(Contacts, only=1)
    assert Invariant.CONTRACT in report.untried
    for one, kinds in ((Invariant.ISOLATION, ["object refused"]), (Invariant.PARTIAL, ["partial listing"])):
        assert (one in report.tried) is any(report.reached.get(kind) for kind in kinds)


def test_every_method_that_was_written_is_either_called_or_not() -> None:
    report = check_task(AsyncContacts, histories=10)
    written = {name for name in METHODS if getattr(AsyncContacts, name) is not getattr(SyncTask, name)}
    assert report.calls.keys() | report.uncalled.keys() == written
    assert not report.calls.keys() & report.uncalled.keys()
    assert report.calls["other_delete_obj"] > 0
    assert report.uncalled["notion_update_obj"] == "notion_update_attrs is called in its place"


def test_what_a_finding_kept_from_being_tried_is_not_said_to_hold() -> None:
    for kind, broken in ((Keeps, {"I5"}), (Turned, {"I21"})):
        report = check_task(kind, histories=5)
        assert report.broken == broken, report.text
        assert {report.held(one) for one in Invariant} == {False, None}
        assert set(report.uncalled.values()) <= {"the check ended before"}


def test_a_task_keeps_its_kind_while_its_calls_are_counted() -> None:
    seen: list[SyncTask] = []

    class Slotted(Contacts):
        __slots__ = ("extra",)

        @staticmethod
        def notion_id(obj: Any) -> Any:
            return obj["id"]

        other_hash = partial(lambda obj: obj["email"].casefold())

        def open(self) -> None:
            self.extra = 1
            seen.append(self)

    report = check_task(Slotted, histories=1)
    assert report.ok, report.text
    assert report.calls["notion_id"] > 0
    assert isinstance(seen[0], Slotted)
    assert type(seen[0]).__qualname__.endswith("Slotted")
