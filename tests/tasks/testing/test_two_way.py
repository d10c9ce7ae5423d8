"""`check_task` with two sides that are objects, and a mapping between them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tasks import TwoWay
from tasks.testing import Invariant, check_task
from tests.tasks.testing.sides.shelf import AsyncBooks, Books, OneByOne, Shelf

MAPPING = {"title": "title", "blurb": "blurb", "pages": "pages", "due": "due", "read": "read", "tags": "tags"}


class Attic(AsyncBooks):
    """Another shelf, which sets one clock with the first."""

    label = "the attic"


def two(left: type[Books], right: type[Books], mapping: dict[str, Any] | None = None) -> TwoWay:
    return TwoWay("books", left(Shelf()), right(Shelf()), MAPPING if mapping is None else mapping)


def advance(task: Any, time: timedelta) -> None:
    for side in task.sides.values():
        side.shelf.now += time


@pytest.mark.parametrize(("left", "right"), [(AsyncBooks, Attic), (Books, OneByOne)])
def test_two_correct_sides_keep_every_edit(left: type[Books], right: type[Books]) -> None:
    report = check_task(lambda: two(left, right), histories=20, advance=advance)
    assert report.ok, report.text
    assert report.counts["histories"] >= 20
    assert (Invariant.DELTAS in report.tried) is (left is AsyncBooks)
    assert report.counts["writes"] > 0
    assert report.counts["crashes"] > 0


def test_values_of_different_kinds_are_carried_across() -> None:
    mapping = {"title": "title", "due": "printed", "read": "lent", "shelf": "blurb"}
    report = check_task(lambda: two(AsyncBooks, Attic, mapping), histories=20, advance=advance)
    assert report.ok, report.text


class KeepsWhatIsDeleted(Attic):
    async def delete(self, obj: Any) -> None:
        self.shelf.now += timedelta(seconds=1)


class OtherKeys(Attic):
    def key(self, obj: Any) -> Any:
        return obj["blurb"]


class Capitals(Attic):
    async def update(self, obj: Any, changes: dict[str, Any]) -> Any:
        return await super().update(obj, {**changes, **_capital(changes)})

    async def create(self, key: str, values: dict[str, Any]) -> Any:
        return await super().create(key, {**values, **_capital(values)})


def _capital(values: dict[str, Any]) -> dict[str, Any]:
    return {"blurb": values["blurb"].upper()} if values.get("blurb") else {}


class ForgetsChanges(Attic):
    async def changes(self, cursor: Any) -> Any:
        changes = await super().changes(cursor)
        return type(changes)(changes.changed[:1], changes.deleted, changes.cursor)


@pytest.mark.parametrize(
    ("kind", "broken", "word"),
    [
        (KeepsWhatIsDeleted, "I5", "KeepsWhatIsDeleted.delete"),
        (OtherKeys, "I24", "OtherKeys.key"),
        (Capitals, "I21", "Capitals.create"),
        (ForgetsChanges, "I16", "ForgetsChanges.changes"),
    ],
)
def test_a_mistake_of_a_side_is_told_by_its_method(kind: type[Books], broken: str, word: str) -> None:
    report = check_task(lambda: two(AsyncBooks, kind), histories=5)
    assert report.broken == {broken}, report.text
    assert word in report.text
