"""CalDAV: the to-dos (`VTODO`) of one calendar are a side, `Todos`.

Values of the attributes, as `Todos.values` gives them:

| attribute | value |
|---|---|
| `summary`, `description` | text, empty where there is none |
| `due` | a date, or a time in UTC floored to the minute, or `None` |
| `status` | a `State` |
| `completed` | whether the status is done or cancelled |
| `priority` | 1 (highest) to 9, or `None` |
| `categories` | sorted tuple of text |
| `url` | text or `None` |

A `Todo`, which the calendar reads and writes, has them too; only its `status` is the calendar's own word.
"""

from tasks.services.caldav.calendar import TodoCalendar
from tasks.services.caldav.client import CalDAVClient
from tasks.services.caldav.service import SERVICE
from tasks.services.caldav.todo import ATTRIBUTES, Todo
from tasks.services.caldav.todos import Todos

__all__ = ["ATTRIBUTES", "SERVICE", "CalDAVClient", "Todo", "TodoCalendar", "Todos"]
