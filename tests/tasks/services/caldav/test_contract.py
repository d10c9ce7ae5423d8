"""A calendar is held to all that the contract of a side says, on each of the servers."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tasks.services.caldav import (
    Events,
    Todos,
)
from tasks.services.caldav.events import EVENT
from tasks.services.caldav.side import CalendarSide
from tasks.services.caldav.todos import TODO
from tasks.testing import Rule, SideReport, check_side
from tasks.values.date_range import DateRange
from tests.tasks.services.caldav.conftest import Server

#: Hundreds of requests, and as many commits of a server that keeps its files in Git.
pytestmark = pytest.mark.timeout(600)

NIGHT = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # by the clock of Berlin, 2:30 comes twice
WHEN = (
    DateRange(date(2026, 7, 4)),
    DateRange(date(2026, 7, 4), date(2026, 7, 6)),
    DateRange(NIGHT, NIGHT + timedelta(hours=1), "Europe/Berlin"),
    DateRange(NIGHT + timedelta(hours=1)),
)


def check(
    server: Server,
    *only: str,
    side: type[CalendarSide] = Todos,
    constants: dict[str, Any] | None = None,
    values: dict[str, Any] | None = None,
    **without: str,
) -> SideReport:
    url = server.make_calendar(f"calendar-{uuid4().hex[:8]}", "VTODO", "VEVENT")
    return check_side(
        lambda: side(url, username=server.username, password=server.password),
        only=only,
        constants=constants,
        values=values,
        without={name.replace("_", " "): why for name, why in without.items()},
        steps=15,
    )


def test_a_calendar_keeps_the_contract(server: Server) -> None:
    others = ("completed", "percent_complete", "start")  # which follow the status and the due time
    report = check(server, *(name for name in TODO if name not in others))
    assert report.ok, report.text
    assert {
        Rule.UPDATE,
        Rule.PRECONDITION,
        Rule.UNFIT,
        Rule.GONE,
        Rule.CREATE_ONCE,
        Rule.MADE,
    } <= report.reached.keys()


def test_a_calendar_keeps_starts_and_percentages(server: Server) -> None:
    report = check(server, "summary", "start", "percent_complete")
    assert report.ok, report.text
    assert Rule.UPDATE in report.reached


def test_a_calendar_with_ticks_only_keeps_the_contract(server: Server) -> None:
    report = check(
        server, "summary", "completed", update_of_what_changed="what a to-do shows already is not written"
    )
    assert report.ok, report.text
    assert Rule.UPDATE in report.reached


def test_a_calendar_of_events_keeps_the_contract(server: Server) -> None:
    names = [name for name, attribute in EVENT.items() if attribute.writable and name not in ("start", "end")]
    day = {"when": DateRange(date(2026, 7, 4))}  # an event needs a date
    report = check(server, *names, side=Events, constants=day)
    assert report.ok, report.text
    assert {
        Rule.UPDATE,
        Rule.PRECONDITION,
        Rule.UNFIT,
        Rule.GONE,
        Rule.CREATE_ONCE,
        Rule.MADE,
    } <= report.reached.keys()


def test_when_events_take_place_keeps_the_contract(server: Server) -> None:
    report = check(
        server,
        "summary",
        "when",
        side=Events,
        values={"when": WHEN},
        create_of_few="an event needs a date",
    )
    assert report.ok, report.text
    assert Rule.UPDATE in report.reached
