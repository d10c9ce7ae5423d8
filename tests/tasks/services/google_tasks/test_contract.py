"""A task list keeps the contract of a side, at the local account."""

from __future__ import annotations

from tasks.testing import Rule, SideReport, check_side
from tests.tasks.services.google_tasks.near import Desk

ONCE = {"create once": "Google has no place for a key: what may have been made is looked for"}


def check(desk: Desk, *only: str, steps: int) -> SideReport:
    return check_side(desk.side, only=only, advance=desk.google.clock.advance, without=ONCE, steps=steps)


def test_a_task_list_keeps_the_contract(desk: Desk) -> None:
    report = check(desk, "title", "notes", "due", "status", steps=12)
    assert report.ok, report.text
    not_reached = {Rule.CREATE_ONCE, Rule.EVENTS, Rule.FILES, Rule.FILES_ONCE, Rule.MADE}
    assert set(Rule) - report.reached.keys() == not_reached


def test_a_task_list_with_subtasks_and_ticks_keeps_the_contract(desk: Desk) -> None:
    report = check(desk, "title", "done", "parent", steps=5)
    assert report.ok, report.text
    assert {Rule.UPDATE, Rule.PRECONDITION, Rule.RESTORE} <= report.reached.keys()
