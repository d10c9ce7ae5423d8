"""What stands on both sides when the demo begins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

#: The columns of the demo's Notion data source, as its API makes them.
COLUMNS: dict[str, Any] = {
    "Name": {"title": {}},
    "Notes": {"rich_text": {}},
    "Due": {"date": {}},
    "Status": {"status": {"options": [{"name": "Not started"}, {"name": "In progress"}, {"name": "Done"}]}},
    "Priority": {"select": {"options": [{"name": "High"}, {"name": "Medium"}, {"name": "Low"}]}},
    "Tags": {"multi_select": {"options": []}},
    "Link": {"url": {}},
}

#: Column to attribute of a to-do.
ATTRIBUTES = {
    "Name": "summary",
    "Notes": "description",
    "Due": "due",
    "Status": "status",
    "Priority": "priority",
    "Tags": "categories",
    "Link": "url",
}

_STATUS = {"Not started": "NEEDS-ACTION", "In progress": "IN-PROCESS", "Done": "COMPLETED"}
_PRIORITY = {"High": 1, "Medium": 5, "Low": 9}


@dataclass(frozen=True)
class Item:
    """One thing to do."""

    name: str
    notes: str = ""
    due: date | datetime | None = None
    status: str = "Not started"
    priority: str | None = None
    tags: tuple[str, ...] = ()
    link: str | None = None

    def as_row(self) -> dict[str, Any]:
        """As properties of a Notion page."""
        return {
            "Name": {"title": _text(self.name)},
            "Notes": {"rich_text": _text(self.notes)},
            "Due": {"date": None if self.due is None else {"start": self.due.isoformat()}},
            "Status": {"status": {"name": self.status}},
            "Priority": {"select": None if self.priority is None else {"name": self.priority}},
            "Tags": {"multi_select": [{"name": tag} for tag in self.tags]},
            "Link": {"url": self.link},
        }

    def as_todo(self) -> dict[str, Any]:
        """As attributes of a to-do."""
        return {
            "summary": self.name,
            "description": self.notes,
            "due": self.due,
            "status": _STATUS[self.status],
            "priority": None if self.priority is None else _PRIORITY[self.priority],
            "categories": tuple(sorted(self.tags)),
            "url": self.link,
        }


def _text(content: str) -> list[dict[str, Any]]:
    return [{"text": {"content": content}}] if content else []


def _day(offset: int) -> date:
    return datetime.now(UTC).date() + timedelta(days=offset)


def _hour(offset: int, hour: int, minute: int = 0) -> datetime:
    day = _day(offset)
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


def in_notion() -> list[Item]:
    """The rows of the team's board."""
    return [
        Item(
            "Draft the Q1 roadmap",
            "Outline first, numbers later",
            _day(9),
            "In progress",
            "High",
            ("planning",),
        ),
        Item("Review the hiring plan", "", _day(4), "Not started", "High", ("people", "planning")),
        Item(
            "Renew the TLS certificates",
            "Three hosts, see the runbook",
            _hour(2, 9, 30),
            "Not started",
            "High",
        ),
        Item("Write the release notes", "", _day(1), "In progress", "Medium", ("release",)),
        Item(
            "Fix the flaky login test", "Fails about once in fifty", None, "In progress", "Medium", ("bug",)
        ),
        Item("Move the backups off site", "", _day(21), "Not started", "High", ("ops",)),
        Item("Order new keyboards", "Four, two of them split", None, "Done", "Low", ("office",)),
        Item("Prepare the board meeting", "Slides by Thursday", _hour(6, 14), "Not started", "High"),
        Item("Answer the security questionnaire", "", _day(12), "Not started", "Medium", ("sales",)),
        Item("Interview the second candidate", "", _hour(3, 11), "Not started", "Medium", ("people",)),
        Item("Rotate the database password", "", _day(30), "Not started", "Medium", ("ops",)),
        Item("Clean up feature flags", "Everything older than a year", None, "Not started", "Low", ("bug",)),
        Item("Update the onboarding guide", "", None, "Not started", "Low", ("people",)),
        Item("Compare hosting prices", "", _day(15), "Not started", "Low", (), "https://example.org/prices"),
        Item(
            "Book the team retreat", "Somewhere with a lake", _day(40), "In progress", "Medium", ("people",)
        ),
        Item("Archive the old wiki", "", None, "Done", "Low", ("docs",)),
        Item("Plan the January sprint", "", _hour(10, 10), "Not started", "Medium", ("planning",)),
        Item("Call the plumber", "Kitchen tap drips", _day(2), "Not started", "Medium", ("home",)),
    ]


def in_calendar() -> list[Item]:
    """The to-dos on the phone; the first four are also on the board."""
    return [
        Item("Call the plumber", "Kitchen tap drips", _day(2), "Not started", "Medium", ("home",)),
        Item("Write the release notes", "", _day(1), "In progress", "Medium", ("release",)),
        Item("Order new keyboards", "Four, two of them split", None, "Done", "Low", ("office",)),
        Item(
            "Book the team retreat", "Somewhere with a lake", _day(40), "In progress", "Medium", ("people",)
        ),
        Item("Buy oat milk", "", _day(0), "Not started", None, ("shopping",)),
        Item("Pay the electricity bill", "Reference 2231-09", _day(5), "Not started", "High", ("home",)),
        Item("Dentist", "", _hour(8, 8, 15), "Not started", "Medium"),
        Item("Return the library books", "Two of them are overdue", _day(-1), "In progress", "High"),
        Item("Birthday present for Ines", "She likes maps", _day(13), "Not started", None, ("family",)),
        Item("Fix the bike's rear light", "", None, "Not started", "Low", ("bike",)),
        Item("Send the signed lease", "", _hour(1, 12), "Done", "High", ("home",)),
        Item("Water the plants", "", None, "Done", None, ("home",)),
        Item(
            "Read the pension letter", "", _day(28), "Not started", "Low", (), "https://example.org/pension"
        ),
        Item("Cancel the gym", "Notice is one month", _day(7), "Not started", "Medium"),
        Item("Photos for the passport", "", _day(18), "Not started", None, ("errands",)),
        Item("Print the tickets", "", _hour(5, 18, 45), "Not started", "High", ("travel",)),
    ]
