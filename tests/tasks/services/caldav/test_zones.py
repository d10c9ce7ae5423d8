"""Time zones as programs name and describe them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tasks.services.caldav.entries.todo import TODOS
from tasks.values.opaque import Opaque
from tests.tasks.services.caldav.texts import VTIMEZONE, lines, read, resource


@pytest.mark.parametrize(
    ("tzid", "hour"),
    [
        ("GMT+0200", 10),
        ("GMT+02:00", 10),
        ("UTC+2", 10),
        ("UTC-02:30", 14),
        ("GMT+0", 12),
        ("+02:00", 10),
        ("Etc/GMT+2", 14),
        ("/freeassociation.sourceforge.net/Europe/Berlin", 10),
        ("/freeassociation.sourceforge.net/Tzfile/Europe/Berlin", 10),
        ("/softwarestudio.org/Olson_20011030_5/America/Argentina/Buenos_Aires", 15),
        ("/citadel.org/20190914_1/UTC", 12),
        ("W. Europe Standard Time", 10),
        ("tzone://Microsoft/Utc", 12),
    ],
)
def test_zones_by_the_names_of_programs(tzid: str, hour: int) -> None:
    text = resource(
        f"DUE;TZID={tzid}:20260704T120000" if ":" not in tzid else f'DUE;TZID="{tzid}":20260704T120000'
    )
    todo = read(text)
    minute = 30 if tzid.endswith("30") else 0
    assert todo.values["due"] == datetime(2026, 7, 4, hour, minute, tzinfo=UTC)
    edited = TODOS.edit(text, "1", {"due": datetime(2026, 7, 5, hour, minute, tzinfo=UTC)})
    assert edited is not None
    assert next(line for line in lines(edited) if line.startswith("DUE")).endswith("20260705T120000")


EMPTY_VTIMEZONE = "BEGIN:VTIMEZONE\r\nTZID:Office\r\nEND:VTIMEZONE"


@pytest.mark.parametrize(
    ("described", "tzid", "hour"),
    [
        (VTIMEZONE.replace("Office", "Customized Time Zone"), "Customized Time Zone", 9),
        (VTIMEZONE.replace("Office", "GMT+3"), "GMT+3", 9),
        (VTIMEZONE.replace("Office", "GMT+0300"), "GMT+0300", 9),
        (VTIMEZONE.replace("Office", "Etc/GMT+3"), "Etc/GMT+3", None),  # says west, described as east
        (VTIMEZONE.replace("TZID:Office", "TZID:Etc/GMT-3"), "Etc/GMT-3", 9),
        (VTIMEZONE.replace("Office", "America"), "America", 9),
        (EMPTY_VTIMEZONE, "Office", None),
        (EMPTY_VTIMEZONE.replace("Office", "Europe/Berlin"), "Europe/Berlin", 10),
        (VTIMEZONE.replace("+0300", "+9900"), "Office", None),
        (VTIMEZONE.replace("TZOFFSETTO:+0300\r\n", ""), "Office", None),
        (VTIMEZONE.replace("END:STANDARD", "RRULE:FREQ=SECONDLY\r\nEND:STANDARD"), "Office", None),
    ],
)
def test_described_zones(described: str, tzid: str, hour: int | None) -> None:
    todo = read(resource(f"DUE;TZID={tzid}:20260704T120000", before=described))
    if hour is None:
        assert isinstance(todo.values["due"], Opaque)
    else:
        assert todo.values["due"] == datetime(2026, 7, 4, hour, tzinfo=UTC)


def test_a_zone_is_the_one_described_beside_it() -> None:
    line = "DUE;TZID=Office:20260704T120000"
    assert read(resource(line, before=VTIMEZONE)).values["due"].hour == 9
    other = VTIMEZONE.replace("+0300", "+0500")
    assert read(resource(line, before=other)).values["due"].hour == 7
