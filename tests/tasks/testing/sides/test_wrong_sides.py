"""Sides with one mistake each: the kit names the rule, the method and the mend."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tasks.sides import Side
from tasks.testing import Rule, check_side
from tests.tasks.testing.sides.shelf import AsyncBooks, Shelf
from tests.tasks.testing.sides.wrong import WRONG

#: Rules that are broken in other tests.
ELSEWHERE = {Rule.CLOCK.title}


@pytest.mark.parametrize(("kind", "rule"), WRONG, ids=lambda one: getattr(one, "__name__", str(one)))
def test_a_mistake_is_found_and_told_under_its_rule(kind: Any, rule: str) -> None:
    shelf = Shelf()
    report = check_side(lambda: kind(shelf), steps=20)
    finding = report.findings[0]  # the others may only follow from it
    assert finding.rule.title == rule, report.text
    assert finding.text in report.text
    assert kind.__name__ in finding.message  # the method, as its author knows it


def test_a_clock_that_stands_still_is_found() -> None:
    class Made(AsyncBooks):
        def edited(self, obj: Any) -> Any:
            return first.setdefault(obj["id"], obj["edited"])

    def advance(time: timedelta) -> None:
        shelf.now += time

    shelf, first = Shelf(), dict[str, Any]()
    report = check_side(lambda: Made(shelf), advance=advance)
    assert report.broken == {Rule.CLOCK.title}, report.text


def test_every_rule_is_broken_by_some_side() -> None:
    assert {rule for _, rule in WRONG} | ELSEWHERE == {rule.title for rule in Rule}
    assert all(issubclass(kind, Side) for kind, _ in WRONG)
