"""One request to the dashboard, and what its pages work with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tasks.object_task import ObjectTask
from tasks.scheduled import Scheduled
from tasks.sides import Labels
from worker.store import Store
from worker.web.dashboard.access import Access, Visitor
from worker.web.dashboard.attempts import Attempts
from worker.web.dashboard.glance import Glance
from worker.web.dashboard.orders import Orders
from worker.web.dashboard.paths import path_to
from worker.web.dashboard.rendering import Pages
from worker.web.dashboard.sessions import Session
from worker.web.resources import Resources


class RefusedError(Exception):
    """A request that is not answered with what it asks for; the message is for the visitor."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Desk:
    """What all pages work with."""

    resources: Resources
    access: Access
    pages: Pages
    glance: Glance
    orders: Orders
    attempts: Attempts

    @property
    def store(self) -> Store:
        """The database."""
        return self.resources.store

    def task(self, name: str) -> Scheduled:
        """A task that is defined.

        Raises:
            RefusedError: there is none of this name.
        """
        task = self.resources.tasks.get(name)
        if task is None:
            raise RefusedError(404, f"There is no task {name!r}.")
        return task

    def labels(self, name: str) -> Labels:
        """What people call the sides of a task; of one that is not defined any more, those of a `SyncTask`."""
        task = self.resources.tasks.get(name)
        return task.pairing().labels if isinstance(task, ObjectTask) else Labels("Notion", "the other side")


@dataclass(frozen=True)
class Visit:
    """One request that was let in."""

    request: Request
    desk: Desk
    visitor: Visitor | None
    session: Session
    form: Mapping[str, str] = field(default_factory=dict)

    def parameter(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])

    def show(self, template: str, http_status: int = 200, **values: Any) -> Response:
        """A page."""
        said = NOTICES.get(self.request.query_params.get("said", "")) if http_status < 400 else None
        common = {"visit": self, "visitor": self.visitor, "token": self.session.token, "notice": said}
        return self.desk.pages.page(template, http_status, **common, **values)


#: Makes the answer to a visit.
Handler = Callable[[Visit], Awaitable[Response]]

#: What is said after a deed, by the word in the address.
NOTICES = {
    "asked": "A worker has been asked to run it; the run shows up below as soon as one takes it.",
    "under-way": "It is under way. It shows up among the runs when it has ended.",
    "released": "What was held will be tried again by the next run.",
    "rejected": "The plan is rejected. Nothing of it is written, and the task stays halted while it would do the same.",
    "let-through": "The plan is let through when the peer asks again.",
    "paused": "It is paused: nothing is started by schedule until somebody resumes it. A run that goes on ends.",
    "resumed": "It goes on by its schedule.",
    "not-paused": "It was not paused.",
    "seen": "It is marked as seen and counted no more. Nothing was written.",
    "seen-before": "Somebody had marked it as seen before.",
    "none-held": "Nothing was held any more.",
}


def go_to(*parts: str | int, said: str = "") -> Response:
    """The answer to a deed: what is to be seen next."""
    return RedirectResponse(path_to(*parts, said=said), 303)
