"""A calendar is held to all that the contract of a side says, on each of the servers."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tasks.services.caldav import Todos
from tasks.services.caldav.todos import TODO
from tasks.testing import Rule, SideReport, check_side
from tests.tasks.services.caldav.conftest import Server

#: Hundreds of requests, and as many commits of a server that keeps its files in Git.
pytestmark = pytest.mark.timeout(600)


def check(server: Server, *only: str, **without: str) -> SideReport:
    url = server.make_calendar(f"todos-{uuid4().hex[:8]}")
    return check_side(
        lambda: Todos(url, username=server.username, password=server.password),
        only=only,
        without={name.replace("_", " "): why for name, why in without.items()},
        steps=15,
    )


def test_a_calendar_keeps_the_contract(server: Server) -> None:
    report = check(server, *(name for name in TODO if name != "completed"))  # which follows the status
    assert report.ok, report.text
    assert {Rule.UPDATE, Rule.PRECONDITION, Rule.UNFIT, Rule.GONE, Rule.CREATE_ONCE} <= report.reached.keys()


def test_a_calendar_with_ticks_only_keeps_the_contract(server: Server) -> None:
    report = check(
        server, "summary", "completed", update_of_what_changed="what a to-do shows already is not written"
    )
    assert report.ok, report.text
    assert Rule.UPDATE in report.reached
