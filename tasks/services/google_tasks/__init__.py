"""Google Tasks: the tasks of one task list are a side, `Tasks`.

Tasks that are completed and hidden are among them, those that were assigned in Docs or Chat are not. A login comes from
`python -m tasks.services.google_tasks`, which asks for consent in the browser, or is a service account.
"""

from tasks.services.google_tasks.attributes import ATTRIBUTES
from tasks.services.google_tasks.client import GoogleClient
from tasks.services.google_tasks.consent import ask_consent
from tasks.services.google_tasks.service import SERVICE
from tasks.services.google_tasks.side import Tasks
from tasks.services.google_tasks.task import Task

__all__ = ["ATTRIBUTES", "SERVICE", "GoogleClient", "Task", "Tasks", "ask_consent"]
