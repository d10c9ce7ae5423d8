"""Sides that can take an object out of their trash."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tasks import OutcomeUnknownError
from tasks.testing import check_task
from tasks.testing.histories.instrument import Fault, FaultKind, Instrument
from tests.tasks.testing.examples import AsyncContacts


class WithTrash(AsyncContacts):
    """The other side keeps what is deleted."""

    def __init__(self) -> None:
        super().__init__()
        self.trash: dict[str, dict[str, Any]] = {}

    async def other_delete_obj(self, obj: Any) -> None:
        self.trash[obj["id"]] = self.other.cards[obj["id"]]
        self.other.remove(obj["id"])

    async def other_restore_obj(self, obj_id: str) -> Any:
        if obj_id in self.trash:
            self.other.cards[obj_id] = self.trash.pop(obj_id)
            return self.other.touch(obj_id)
        return self.other.cards.get(obj_id)


def put_back(values: dict[str, Any]) -> Callable[..., Any]:
    async def restore(self: WithTrash, obj_id: str) -> Any:
        card = await WithTrash.other_restore_obj(self, obj_id)
        return self.other.change(obj_id, values) if card else None

    return restore


async def only_says_so(self: WithTrash, obj_id: str) -> Any:
    return self.trash.get(obj_id)


async def makes_a_new_one(self: WithTrash, obj_id: str) -> Any:
    return self.other.add({name: self.trash[obj_id][name] for name in self.attr_map.values()})


async def brings_all_back(self: WithTrash, obj_id: str) -> Any:
    card = await WithTrash.other_restore_obj(self, obj_id)
    self.other.add({"full_name": "x", "email": "x@example.org", "birthday": None})
    return card


async def denies_it(self: WithTrash, obj_id: str) -> Any:
    await WithTrash.other_restore_obj(self, obj_id)


@pytest.mark.parametrize(
    ("restore", "broken"),
    [
        (put_back({"full_name": "nobody"}), "I3"),
        (only_says_so, "I11"),
        (makes_a_new_one, "I11"),
        (brings_all_back, "I5"),
        (denies_it, "I5"),
    ],
)
def test_a_restore_that_does_not_restore_is_found(restore: Callable[..., Any], broken: str) -> None:
    kind = type("Wrong", (WithTrash,), {"other_restore_obj": restore})
    report = check_task(kind, histories=0)
    assert report.broken == {broken}, report.text
    assert "other_restore_obj" in report.text


@pytest.mark.parametrize("answer", [None, NotImplemented])
def test_a_side_may_say_that_nothing_can_be_restored(answer: Any) -> None:
    async def nothing(self: WithTrash, obj_id: str) -> Any:
        return answer

    report = check_task(type("Never", (WithTrash,), {"other_restore_obj": nothing}), histories=20)
    assert report.ok, report.text
    assert report.calls["other_restore_obj"] > 0


async def test_a_restore_is_a_write_that_can_fail() -> None:
    task = WithTrash()
    task.clients = 1
    await task.other_delete_obj(await task.other_create_obj(full_name="a", email="a", birthday=None))
    instrument = Instrument(task)
    instrument.start([Fault(1, FaultKind.NOT_APPLIED)])
    with pytest.raises(OutcomeUnknownError):
        await instrument.wrapped.other_restore_obj("o1")
    assert task.other.cards == {}
    instrument.start()
    assert (await instrument.wrapped.other_restore_obj("o1"))["id"] == "o1"
    assert (instrument.writes, instrument.trace) == (1, ["restore in other o1"])


def test_a_side_with_a_trash_keeps_every_invariant() -> None:
    report = check_task(WithTrash, histories=60)
    assert report.ok, report.text
    assert report.calls["other_restore_obj"] > 1
