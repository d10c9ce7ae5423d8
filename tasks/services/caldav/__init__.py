"""CalDAV: the to-dos (`VTODO`) of one calendar are a side, `Todos`, and its events (`VEVENT`) another one, `Events`.

Values of the attributes, as `Todos.values` gives them:

| attribute | value |
|---|---|
| `summary`, `description` | text, empty where there is none |
| `start`, `due` | a date, or a time in UTC floored to the minute, or `None` |
| `status` | a `State` |
| `completed` | whether the status is done or cancelled |
| `percent_complete` | 0 to 100, or `None` |
| `priority` | 1 (highest) to 9, or `None` |
| `categories` | sorted tuple of text |
| `url` | text or `None` |
| `parent` | sorted tuple of UIDs |

Of an event: `summary`, `description`, `location`, `categories` and `url` likewise, and

| attribute | value |
|---|---|
| `when` | a `DateRange` of days or of moments in UTC, or `None` |
| `start`, `end` | its edges |
| `all_day`, `recurs` | whether it is one of days, and whether it stands for several |
| `status` | `confirmed`, `tentative`, `cancelled` or `None` |
| `organizer`, `attendees` | a mail address or `None`, and a sorted tuple of them |

An `Entry`, which the calendar reads and writes, has them too; only the `status` of a to-do is the calendar's own word.
"""

from tasks.services.caldav.collection.calendar import Calendar
from tasks.services.caldav.entries.codec import Entry
from tasks.services.caldav.entries.event import EventCodec
from tasks.services.caldav.entries.todo import ATTRIBUTES, TODOS
from tasks.services.caldav.events import Events
from tasks.services.caldav.server.client import CalDAVClient
from tasks.services.caldav.service import EVENTS_SERVICE, SERVICE
from tasks.services.caldav.todos import Todos

__all__ = [
    "ATTRIBUTES",
    "EVENTS_SERVICE",
    "SERVICE",
    "TODOS",
    "CalDAVClient",
    "Calendar",
    "Entry",
    "EventCodec",
    "Events",
    "Todos",
]
