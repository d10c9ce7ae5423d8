"""Time zones by the names that programs write into to-dos; a name that may mean two zones means none."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from icalendar import Timezone
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from tasks.services.caldav.lines.content_lines import Component

#: Names of a message that show enough to be found.
_SHOWN = 60
_LONGEST_NAME = 64
_IANA = re.compile(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+)*")
#: Files among the zones that stand for whatever the machine is set to.
_OF_THE_MACHINE = ("localtime", "posixrules", "Factory")
_LIKE_AN_OFFSET = re.compile(
    r"(?P<word>(?:Etc/)?(?:GMT|UTC|UT)|)(?P<sign>[+-])(?P<hours>\d{1,2}):?(?P<minutes>\d\d)?", re.ASCII
)
#: Rules of a described zone that take no time to follow.
_PLAIN_RULE = re.compile(
    r"(?:(?:FREQ=YEARLY|(?:INTERVAL|COUNT|UNTIL|BYMONTH|BYDAY|BYMONTHDAY|WKST)=[^;]*)(?:;|$))+", re.IGNORECASE
)
_ONE_OF_YEARS = re.compile(r"(?:^|;)FREQ=YEARLY(?:;|$)", re.IGNORECASE)
_MOST_OFFSET = timedelta(hours=15)
#: Moments at which two zones that are the same agree.
_PROBES = (datetime(2026, 1, 15), datetime(2026, 7, 15))


def find_zone(tzid: str, calendar: Component) -> tzinfo:
    """The time zone that a `TZID` names.

    A name of the zone database means that zone. Any other name means what the calendar describes under it, or
    what its maker is known to mean by it.

    Raises:
        ValueError: no such zone is known for certain.
    """
    name = tzid.strip()
    offset = _LIKE_AN_OFFSET.fullmatch(name)
    if offset is not None:
        described, fixed = _described(name, calendar), _fixed(name, offset)
        if described is not None and fixed is not None and not _agree(described, fixed):
            raise ValueError(f"time zone {name[:_SHOWN]!r} is described as another one than its name says")
        zone = described or fixed
    else:
        zone = _of_database(name) or _described(name, calendar) or _of_a_maker(name)
    if zone is None:
        raise ValueError(f"time zone {name[:_SHOWN]!r} is unknown")
    return zone


def _of_database(name: str) -> tzinfo | None:
    if len(name) > _LONGEST_NAME or not _IANA.fullmatch(name):
        return None
    if name in _OF_THE_MACHINE or name.startswith(("right/", "posix/")):
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder of zones is an OSError
        return None


def _of_a_maker(name: str) -> tzinfo | None:
    """The zone of a name with a maker's prefix, or of Windows'."""
    if name.casefold() in ("tzone://microsoft/utc", "utc", "gmt", "z"):
        return UTC
    if name in WINDOWS_TO_OLSON:
        return _of_database(WINDOWS_TO_OLSON[name])
    if not name.startswith("/"):
        return None
    parts = name.strip("/").split("/")[1:]
    candidates = ["/".join(parts[-3:]), "/".join(parts[-2:])]
    if parts and parts[-1] in ("UTC", "GMT"):
        candidates.append(parts[-1])
    found = (_of_database(candidate) for candidate in candidates if candidate)
    return next((zone for zone in found if zone is not None), None)


def _fixed(name: str, offset: re.Match[str]) -> tzinfo | None:
    """The zone of a name that is an offset: east is positive, but for the database's `Etc/GMT+2`."""
    if offset["word"].startswith("Etc/"):
        return _of_database(name)
    east = timedelta(hours=int(offset["hours"]), minutes=int(offset["minutes"] or 0))
    if not east:
        return UTC
    # `GMT+2` is two hours east for some programs, and west for those that think of `Etc/GMT+2`.
    short = offset["minutes"] is None
    if (
        (short and offset["word"] in ("GMT", "UT"))
        or int(offset["minutes"] or 0) > 59
        or east >= _MOST_OFFSET
    ):
        return None
    return timezone(east if offset["sign"] == "+" else -east)


def _described(name: str, calendar: Component) -> tzinfo | None:
    """The zone that a calendar describes under a name, where the description is whole."""
    for component in calendar.components("VTIMEZONE"):
        try:
            own = component.property("TZID")
            if own is not None and own.value.strip() == name and _is_whole(component):
                return _made(component.to_text())
        except ValueError:
            continue  # one that cannot be read describes nothing
    return None


def _is_whole(described: Component) -> bool:
    changes = list(described.components("STANDARD", "DAYLIGHT"))
    needed = ("DTSTART", "TZOFFSETFROM", "TZOFFSETTO")
    return bool(changes) and all(
        all(change.filled(name) is not None for name in needed)
        and all(
            _PLAIN_RULE.fullmatch(rule.value.strip()) and _ONE_OF_YEARS.search(rule.value.strip())
            for rule in change.properties("RRULE")
        )
        for change in changes
    )


@lru_cache(maxsize=256)
def _made(text: str) -> tzinfo | None:
    try:
        described = Timezone.from_ical(
            text.encode()
        )  # bytes: of text, the library asks whether it names a file
        if not isinstance(described, Timezone):
            return None
        zone: tzinfo = described.to_tz(lookup_tzid=False)
        offsets = [probe.replace(tzinfo=zone).utcoffset() for probe in _PROBES]
    except Exception:  # whatever the library meets in a broken description
        return None
    return zone if all(offset is not None and abs(offset) <= _MOST_OFFSET for offset in offsets) else None


def _agree(one: tzinfo, two: tzinfo) -> bool:
    return all(one.utcoffset(probe) == two.utcoffset(probe) for probe in _PROBES)
