"""When a to-do begins, how far it is and what it is a part of: what an edit writes."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tasks.errors import UnfitError
from tasks.services.caldav.entries.todo import TODOS
from tests.tasks.services.caldav.texts import BERLIN, edited_lines, read, resource

NINE = datetime(2026, 7, 4, 7, tzinfo=UTC)
ZONE = ";TZID=Europe/Berlin"


@pytest.mark.parametrize(
    ("before", "new", "after"),
    [
        ((), NINE, ["DTSTART:20260704T070000Z"]),
        ((), date(2026, 7, 4), ["DTSTART;VALUE=DATE:20260704"]),
        ((f"DTSTART{ZONE}:20260701T120000",), NINE, [f"DTSTART{ZONE}:20260704T090000"]),
        (("DTSTART:20260701T120000",), NINE, ["DTSTART:20260704T090000"]),
        ((f"DTSTART{ZONE}:20260701T120000",), None, []),
        ((f"DTSTART{ZONE}:20260701T120000",), date(2026, 7, 4), ["DTSTART;VALUE=DATE:20260704"]),
        ((f"DUE{ZONE}:20260705T120000",), NINE, [f"DUE{ZONE}:20260705T120000", f"DTSTART{ZONE}:20260704T090000"]),
        (
            (f"DTSTART{ZONE}:20260704T080000", "DURATION:PT4H"),
            NINE,
            [f"DTSTART{ZONE}:20260704T090000", f"DUE{ZONE}:20260704T120000"],
        ),
        ((f"DTSTART{ZONE}:20260704T080000", "DURATION:PT4H"), None, [f"DUE{ZONE}:20260704T120000"]),
    ],
)  # fmt: skip
def test_a_start_keeps_its_form_and_when_the_todo_is_due(
    before: tuple[str, ...], new: Any, after: list[str]
) -> None:
    text = resource("SUMMARY:tea", *before)
    lines = edited_lines(text, {"start": new}, BERLIN)
    assert [line for line in lines if line.startswith(("DTSTART", "DUE", "DURATION"))] == after
    again = read(resource("SUMMARY:tea", *after), BERLIN)
    assert (again.values["start"], again.values["due"]) == (new, read(text, BERLIN).values["due"])


@pytest.mark.parametrize(
    ("before", "new", "why"),
    [
        (("DUE:20260703T120000Z",), NINE, "due before this start"),
        (("DUE;VALUE=DATE:20260703",), NINE, "a time of day where its due date has none"),
        (("DUE:20260703T120000Z",), date(2026, 7, 1), "no time of day where its due date has one"),
        (("DTSTART:20260703T120000Z", "RRULE:FREQ=DAILY"), NINE, "would move all"),
        (("DTSTART:20260703T120000Z", "RRULE:FREQ=DAILY"), None, "would move all"),
        (("DUE:nonsense",), NINE, "neither a date nor a time"),
    ],
)
def test_a_start_that_does_not_fit_is_refused(before: tuple[str, ...], new: Any, why: str) -> None:
    with pytest.raises(UnfitError, match=why) as caught:
        TODOS.edit(resource("SUMMARY:tea", *before), "1", {"start": new, "summary": "coffee"})
    assert caught.value.attributes == {"start"}


def test_a_start_and_a_due_time_are_written_together() -> None:
    text = resource("SUMMARY:tea", "DTSTART:20260701T120000Z", "DUE:20260702T120000Z")
    edited = edited_lines(text, {"start": date(2026, 8, 1), "due": date(2026, 8, 3)})
    assert {"DTSTART;VALUE=DATE:20260801", "DUE;VALUE=DATE:20260803"} <= set(edited)


@pytest.mark.parametrize(
    ("before", "percent", "after"),
    [
        (("STATUS:IN-PROCESS",), 40, ["STATUS:IN-PROCESS", "PERCENT-COMPLETE:40"]),
        (("STATUS:IN-PROCESS", "PERCENT-COMPLETE:40"), None, ["STATUS:IN-PROCESS"]),
        (("STATUS:COMPLETED", "PERCENT-COMPLETE:100"), 0, ["STATUS:COMPLETED", "PERCENT-COMPLETE:0"]),
        (("PERCENT-COMPLETE:40",), 100, ["PERCENT-COMPLETE:100", "STATUS:IN-PROCESS"]),
        ((), 100, ["STATUS:NEEDS-ACTION", "PERCENT-COMPLETE:100"]),
    ],
)
def test_a_percentage_leaves_the_status_as_it_is(
    before: tuple[str, ...], percent: int | None, after: list[str]
) -> None:
    text = resource("SUMMARY:tea", *before)
    lines = edited_lines(text, {"percent_complete": percent})
    assert [line for line in lines if line.startswith(("STATUS", "PERCENT"))] == after
    assert read(resource(*after)).values["status"] == read(text).values["status"]


@pytest.mark.parametrize(
    ("before", "parents", "after"),
    [
        ((), ("a",), ["RELATED-TO:a"]),
        (("RELATED-TO:a",), ("b",), ["RELATED-TO:b"]),
        (("RELATED-TO;RELTYPE=parent:a",), (), []),
        (("RELATED-TO;RELTYPE=CHILD:c", "RELATED-TO:a"), ("b",), ["RELATED-TO;RELTYPE=CHILD:c", "RELATED-TO:b"]),
        (
            ("RELATED-TO;X-A=1:a", "RELATED-TO;RELTYPE=SIBLING:a", "RELATED-TO:b"),
            ("a", "c,d"),
            ["RELATED-TO;X-A=1:a", "RELATED-TO;RELTYPE=SIBLING:a", "RELATED-TO:c\\,d"],
        ),
    ],
)  # fmt: skip
def test_a_parent_is_written_among_other_relations(
    before: tuple[str, ...], parents: tuple[str, ...], after: list[str]
) -> None:
    lines = edited_lines(resource("SUMMARY:tea", *before), {"parent": parents})
    assert [line for line in lines if line.startswith("RELATED-TO")] == after
    assert read(resource("SUMMARY:tea", *after)).values["parent"] == parents
