"""Tasks that have written steps themselves hold what any task holds, whichever of them they leave to ours."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from tasks import State, SyncTask
from tasks.engine import reading
from tasks.sync_task.overrides import STEPS
from tasks.testing import check_task
from tests.tasks.sync_task.composed import by_steps
from tests.tasks.testing.examples import AsyncContacts, Contacts, PagedContacts, advance


def with_own(steps: Iterable[str], base: type[Contacts]) -> type[SyncTask]:
    """A task that has written these steps itself, and leaves the work to ours."""

    class Own(base):  # type: ignore[misc, valid-type]
        pass

    def own(step: str) -> Any:
        def plain(self: Any, *args: Any) -> Any:
            return getattr(super(Own, self), step)(*args)

        async def later(self: Any, *args: Any) -> Any:
            return await asyncio.to_thread(getattr(super(Own, self), step), *args)

        return plain if base is Contacts else later

    for step in steps:
        setattr(Own, step, own(step))
    return Own


class Composed(Contacts):
    """Its own `sync` lists both sides and calls the steps one after the other."""

    def sync(self, state: State | None) -> State:
        listed = self.get_notion_objects(), self.get_other_objects()
        if any(getattr(one, "partial", None) for one in listed):
            return state or State()
        ours, theirs = (
            {self.notion_id(obj): obj for obj in listed[0]},
            {self.other_id(obj): obj for obj in listed[1]},
        )
        return by_steps(self, state, ours, theirs)


@pytest.mark.parametrize(
    "kind",
    [
        *(
            pytest.param(with_own([step], Contacts), id=step)
            for step in ("sync_other_created", "sync_notion_deleted", "sync")
        ),
        *(
            pytest.param(with_own(STEPS, base), id=f"all of {base.__name__}")
            for base in (Contacts, AsyncContacts, PagedContacts)
        ),
        Composed,
    ],
)
def test_a_task_with_steps_of_its_own_passes(monkeypatch: pytest.MonkeyPatch, kind: type[SyncTask]) -> None:
    monkeypatch.setattr(reading, "KEPT", 0)
    report = check_task(kind, histories=40, seed=7, advance=advance)
    assert report.ok, report.text
    assert report.reached["partial listing"]
