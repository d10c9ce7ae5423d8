"""Sides that keep their contract pass, and the report says how often each rule was put to the test."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from tasks import TaskDefinitionError
from tasks.sides import Side
from tasks.testing import Rule, SideReport, check_side
from tests.tasks.testing.sides.shelf import AsyncBooks, Books, OneByOne, Shelf

#: Rules for which a clock has to be set.
OF_CLOCKS = {Rule.CLOCK}


def check(kind: type[Books], **options: Any) -> SideReport:
    shelf = Shelf()
    return check_side(lambda: kind(shelf), **options)


def test_a_side_of_coroutines_that_offers_everything_is_put_to_every_test() -> None:
    report = check(AsyncBooks)
    assert report.ok, report.text
    assert set(Rule) - set(report.reached) == OF_CLOCKS
    assert set(report.left_out) == OF_CLOCKS


@pytest.mark.parametrize("kind", [Books, OneByOne])
def test_a_side_of_plain_functions_passes(kind: type[Books]) -> None:
    report = check(kind)
    assert report.ok, report.text
    assert report.left_out[Rule.CHANGES_ALL] == "the side has no changes"
    assert not report.reached.keys() & report.left_out.keys()


def test_what_was_made_is_taken_away_and_what_was_there_stays() -> None:
    shelf = Shelf()
    before = shelf.put("mine", {"title": "Mine", "shelf": "upper"})
    assert check_side(lambda: AsyncBooks(shelf)).ok
    assert shelf.books == {"mine": before}


def test_a_place_can_be_used_again() -> None:
    shelf = Shelf()
    for _ in range(2):
        report = check_side(lambda: Books(shelf), steps=5)
        assert report.ok, report.text


def test_the_clock_of_the_service_can_be_set() -> None:
    shelf = Shelf()

    def advance(time: timedelta) -> None:
        shelf.now += time

    report = check_side(lambda: AsyncBooks(shelf), advance=advance)
    assert report.ok, report.text
    assert set(report.reached) == set(Rule)


def test_values_can_be_named_and_attributes_left_alone() -> None:
    written: set[str] = set()

    class Watched(Books):
        def create(self, key: str, values: dict[str, Any]) -> Any:
            written.update(values)
            pages.add(values.get("pages"))
            return super().create(key, values)

    pages: set[Any] = set()
    report = check(
        Watched, only=["pages"], values={"pages": [80, 320]}, constants={"shelf": "lower"}, steps=10
    )
    assert report.ok, report.text
    assert written == {"title", "pages", "shelf"}
    assert pages >= {80, 320}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"only": ["page"]}, "the shelf describes no page; it describes title"),
        ({"values": {"pages": [1]}}, "give at least two values of pages"),
        ({"key": "name"}, "describes no name"),
        ({"without": {"no such rule": "why"}}, "no rule is called 'no such rule'; rules are: calls"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(options: dict[str, Any], words: str) -> None:
    with pytest.raises(TaskDefinitionError, match=words):
        check(Books, **options)


class NoCursor(AsyncBooks):
    """Offers changes, and its listings give no cursor."""

    async def list(self) -> Any:
        return list(await super().list())


def test_a_rule_that_was_never_reached_is_a_finding() -> None:
    report = check(NoCursor)
    assert "no change missed" in report.broken
    assert "never put to the test: NoCursor.list gave no cursor for so few objects" in report.text


def test_a_rule_that_cannot_be_kept_is_left_out_by_name_and_told() -> None:
    rules = [rule.title for rule in Rule if rule.needs == ("changes",)]
    report = check(NoCursor, without=dict.fromkeys(rules, "it lists too little"))
    assert report.ok, report.text
    assert "not tried: no change missed: it lists too little" in report.text


def test_the_report_is_plain_data_too() -> None:
    data = json.loads(json.dumps(check(Books, steps=1).to_json()))
    assert data["ok"] is True
    assert {"name": "create once", "reached": 1, "held": True} in data["rules"]
    assert {"name": "get", "why": "the side has no get"} in data["not_tried"]


def test_the_same_seed_makes_the_same_edits() -> None:
    def texts(seed: int) -> list[str]:
        told: list[str] = []

        class Told(Books):
            def update(self, obj: Any, changes: dict[str, Any]) -> Any:
                told.append(f"{ {name: value for name, value in changes.items() if name != 'scans'} }")
                return super().update(obj, changes)

        assert check(Told, seed=seed).ok
        return told

    assert texts(3) == texts(3)
    assert texts(3) != texts(4)


async def test_it_can_be_called_where_an_event_loop_runs() -> None:
    assert check(Books, steps=1).ok


def test_every_rule_has_a_name_of_its_own_and_names_methods_of_a_side() -> None:
    assert len({rule.title for rule in Rule}) == len(Rule)
    for rule in Rule:
        assert all(hasattr(Side, method) for method in rule.needs)
