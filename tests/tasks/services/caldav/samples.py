"""To-dos as other programs write them."""

from __future__ import annotations


def _calendar(product: str, *lines: str) -> str:
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{product}", *lines, "END:VCALENDAR", ""])


BERLIN = [
    *("BEGIN:VTIMEZONE", "TZID:Europe/Berlin", "BEGIN:DAYLIGHT", "TZOFFSETFROM:+0100", "TZOFFSETTO:+0200"),
    *("TZNAME:CEST", "DTSTART:19700329T020000", "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU", "END:DAYLIGHT"),
    *("BEGIN:STANDARD", "TZOFFSETFROM:+0200", "TZOFFSETTO:+0100", "TZNAME:CET", "DTSTART:19701025T030000"),
    *("RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU", "END:STANDARD", "END:VTIMEZONE"),
]  # fmt: skip
CUSTOM = [line.replace("Europe/Berlin", "Customized Time Zone") for line in BERLIN]

SAMPLES: dict[str, str] = {
    "nextcloud": _calendar(
        "-//Nextcloud Tasks v0.16.1",
        *("BEGIN:VTODO", "CREATED:20260301T101112", "DTSTAMP:20260302T101112", "LAST-MODIFIED:20260302T101112"),
        *("UID:nc-1", "SUMMARY:Call the plumber", "DUE:20260704T120000", "PRIORITY:1", "PERCENT-COMPLETE:40"),
        *("STATUS:IN-PROCESS", "CATEGORIES:home,urgent", "RELATED-TO:nc-0", "X-OC-HIDESUBTASKS:1", "END:VTODO"),
    ),
    "nextcloud whole day": _calendar(
        "-//Nextcloud Tasks v0.16.1",
        *("BEGIN:VTODO", "UID:nc-2", "DTSTAMP:20260302T101112Z", "SUMMARY:Taxes\\, at last"),
        *("DTSTART;VALUE=DATE:20260701", "DUE;VALUE=DATE:20260704", "DESCRIPTION:one\\ntwo\\; three", "END:VTODO"),
    ),
    "apple": _calendar(
        "-//Apple Inc.//iOS 17.5//EN",
        *BERLIN,
        *("BEGIN:VTODO", "CREATED:20260301T101112Z", "DTSTAMP:20260302T101112Z", "UID:8E0A-APPLE"),
        *("DTSTART;TZID=Europe/Berlin:20260704T090000", "DUE;TZID=Europe/Berlin:20260704T090000"),
        *("LAST-MODIFIED:20260302T101112Z", "SEQUENCE:2", "SUMMARY:Blumen gießen", "STATUS:NEEDS-ACTION"),
        *("X-APPLE-SORT-ORDER:694224000", "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=SA", "BEGIN:VALARM"),
        *("X-WR-ALARMUID:1", "UID:1", "TRIGGER;VALUE=DATE-TIME:20260704T070000Z", "ACTION:DISPLAY"),
        *("DESCRIPTION:Reminder", "END:VALARM", "END:VTODO"),
    ),
    "apple done": _calendar(
        "-//Apple Inc.//macOS 14//EN",
        *("BEGIN:VTODO", "UID:APPLE-2", "SUMMARY:Done", "COMPLETED:20260303T000000Z", "STATUS:COMPLETED"),
        *("PERCENT-COMPLETE:100", "PRIORITY:5", "DTSTAMP:20260302T101112Z", "END:VTODO"),
    ),
    "thunderbird": _calendar(
        "-//Mozilla.org/NONSGML Mozilla Calendar V1.1//EN",
        *BERLIN,
        *("BEGIN:VTODO", "CREATED:20260301T101112Z", "LAST-MODIFIED:20260302T101112Z"),
        *("DTSTAMP:20260302T101112Z", "UID:tb-1", "SUMMARY:Report", "CATEGORIES:Work,Follow up"),
        *("DTSTART;TZID=Europe/Berlin:20260704T090000", "DUE;TZID=Europe/Berlin:20260704T170000"),
        *("CLASS:PUBLIC", "X-MOZ-GENERATION:3", 'DESCRIPTION;ALTREP="data:text/html,<b>x</b>":x', "END:VTODO"),
    ),
    "thunderbird exception": _calendar(
        "-//Mozilla.org/NONSGML Mozilla Calendar V1.1//EN",
        *BERLIN,
        *("BEGIN:VTODO", "UID:tb-2", "SUMMARY:Backup", "RRULE:FREQ=DAILY;UNTIL=20261231T080000Z"),
        *("EXDATE:20260706T070000Z", "DTSTART;TZID=Europe/Berlin:20260704T090000", "END:VTODO"),
        *("BEGIN:VTODO", "UID:tb-2", "RECURRENCE-ID;TZID=Europe/Berlin:20260705T090000", "SUMMARY:Backup"),
        *("STATUS:COMPLETED", "COMPLETED:20260705T090000Z", "END:VTODO"),
    ),
    "tasks.org": _calendar(
        "+//IDN tasks.org//android-130903//EN",
        *("BEGIN:VTODO", "DTSTAMP:20260302T101112Z", "UID:3141592653589793238", "CREATED:20260301T101112Z"),
        *("LAST-MODIFIED:20260302T101112Z", "SUMMARY:Rent", "PRIORITY:9", "DUE;VALUE=DATE:20260801"),
        *("RRULE:FREQ=MONTHLY;COUNT=12;BYMONTHDAY=1", "STATUS:NEEDS-ACTION", "CATEGORIES:money"),
        *("X-APPLE-SORT-ORDER:1", "BEGIN:VALARM", "TRIGGER;RELATED=END:PT0S", "ACTION:DISPLAY"),
        *("DESCRIPTION:Default Tasks.org description", "END:VALARM", "END:VTODO"),
    ),
    "evolution": _calendar(
        "-//Ximian//NONSGML Evolution Calendar//EN",
        *("BEGIN:VTODO", "UID:evo-1", "DTSTAMP:20260302T101112Z", "SUMMARY:Review", "PRIORITY:3"),
        *("DUE;TZID=/freeassociation.sourceforge.net/Europe/Berlin:20260704T170000", "PERCENT-COMPLETE:0"),
        *("CLASS:CONFIDENTIAL", "SEQUENCE:1", "URL:https://example.org/r?a=1,2;b", "END:VTODO"),
    ),
    "outlook": _calendar(
        "-//Microsoft Corporation//Outlook 16.0 MIMEDIR//EN",
        *CUSTOM,
        *("METHOD:PUBLISH", "BEGIN:VTODO", "UID:040000008200E00074C5B7101A82E008", "SUMMARY;LANGUAGE=de:Angebot"),
        *("DUE;TZID=Customized Time Zone:20260704T170000", "PRIORITY:5", "LAST-MODIFIED:20260302T101112Z"),
        *("X-MICROSOFT-CDO-IMPORTANCE:1", "X-ALT-DESC;FMTTYPE=text/html:<html><body>x</body></html>"),
        *("DESCRIPTION:x\\n", "END:VTODO"),
    ),
    "outlook windows zone": _calendar(
        "-//Microsoft Corporation//Outlook 16.0 MIMEDIR//EN",
        *("BEGIN:VTODO", "UID:win-1", "SUMMARY:Ship", "DTSTAMP:20260302T101112Z"),
        *("DTSTART;TZID=W. Europe Standard Time:20260704T090000", "DURATION:PT2H", "END:VTODO"),
    ),
    "korganizer": _calendar(
        "-//K Desktop Environment//NONSGML libkcal 4.3//EN",
        *("BEGIN:VTODO", "DTSTAMP:20260302T101112Z", "X-KDE-LIBKCAL-DTRECURRENCE:20260704T090000Z"),
        *("CREATED:20260301T101112Z", "UID:KOrganizer-1.1", "LAST-MODIFIED:20260302T101112Z"),
        *("SUMMARY:Exercise", "RRULE:FREQ=DAILY", "DTSTART:20260704T090000Z", "DUE:20260704T093000Z"),
        *("ATTENDEE;CN=\"Doe, J\":mailto:j@example.org", "PERCENT-COMPLETE:0", "END:VTODO"),
    ),
    "two lines of tags": _calendar(
        "-//DAVx5//EN",
        *("BEGIN:VTODO", "UID:dav-1", "SUMMARY:Tags", "CATEGORIES:new\\,1,new\\;1", "DTSTAMP:20260302T101112Z"),
        *("CATEGORIES;LANGUAGE=de:Garten,Küche", "STATUS:CANCELLED", "END:VTODO"),
    ),
    "two of them": _calendar(
        "-//jtx Board//EN",
        *("BEGIN:VTODO", "UID:j-1", "SUMMARY:First", "DTSTAMP:20260302T101112Z", "END:VTODO"),
        *("BEGIN:VTODO", "UID:j-2", "SUMMARY:Second", "DUE;TZID=GMT+0200:20260704T120000", "END:VTODO"),
        *("BEGIN:VJOURNAL", "UID:j-3", "SUMMARY:Note", "END:VJOURNAL"),
    ),
    "folded": _calendar(
        "-//Fruux//EN",
        *("BEGIN:VTODO", "UID:fold-1", "SUMMARY:A long title that goes on and on so it must be folded s", " omewhere"),
        *("DESCRIPTION:ü🏢", "DUE:20260704T120000Z", "X-LONG:" + "0123456789" * 20, "END:VTODO"),
    ),
    "bare": "BEGIN:VCALENDAR\nBEGIN:VTODO\nUID:bare\nEND:VTODO\nEND:VCALENDAR\n",
}  # fmt: skip
