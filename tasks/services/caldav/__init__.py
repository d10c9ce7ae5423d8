"""The CalDAV side: to-dos (`VTODO`) of one calendar.

Values of the attributes, as `other_to_dict` gives them:

| attribute | value |
|---|---|
| `summary`, `description` | text, empty where there is none |
| `due` | a date, or a time in UTC floored to the minute, or `None` |
| `status` | `NEEDS-ACTION`, `IN-PROCESS`, `COMPLETED` or `CANCELLED` |
| `completed` | whether `status` is one of the last two |
| `priority` | 1 (highest) to 9, or `None` |
| `categories` | sorted tuple of text |
| `url` | text or `None` |
"""

from tasks.services.caldav.calendar import TodoCalendar
from tasks.services.caldav.client import CalDAVClient
from tasks.services.caldav.side import CalDAVSide
from tasks.services.caldav.todo import ATTRIBUTES, Todo

__all__ = ["ATTRIBUTES", "CalDAVClient", "CalDAVSide", "Todo", "TodoCalendar"]
