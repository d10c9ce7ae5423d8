"""A workspace: its store, clock, faults and walks, and the start that a new one gets."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from sandbox.notion.databases.query import Walks
from sandbox.notion.pages.pages import create as create_page
from sandbox.notion.parts import users
from sandbox.notion.requests import errors
from sandbox.notion.requests.call import NEWEST, Call, Limits
from sandbox.notion.requests.counters import Counters
from sandbox.notion.requests.rate_limit import RateLimit, RateLimiter
from sandbox.notion.state.clock import Clock
from sandbox.notion.state.ids import PERSON_ID, ROOT_PAGE_ID, TITLE
from sandbox.notion.state.index_lag import LaggingIndex
from sandbox.notion.state.store import Store
from sandbox.notion.state.stored import WORKSPACE, Stored
from sandbox.notion.webhooks import Sender
from sandbox.notion.workspace import routes
from sandbox.notion.workspace.background import Background
from sandbox.notion.workspace.faults import Faults
from sandbox.notion.workspace.seed import seed_object

_ROOT_TITLE = "Sandbox"


class Workspace:
    """Everything behind one server. A None `path` keeps it in memory; None `tokens` lets every token in."""

    def __init__(
        self,
        path: Path | None,
        *,
        tokens: Collection[str] | None = None,
        limits: Limits | None = None,
        rate_limit: RateLimit | None = None,
    ) -> None:
        self.store = Store(path)
        self.clock = Clock()
        self.faults = Faults()
        self.rate_limiter = RateLimiter(self.clock, rate_limit)
        self.counters = Counters()
        self.webhooks = Sender(self.store, self.clock, _ROOT_TITLE)
        self.walks = Walks()
        self.index = LaggingIndex(self.store, self.clock)
        self.background = Background(self.store, self.clock, self._send_again)
        self.tokens = None if tokens is None else frozenset(tokens)
        self.limits = limits or Limits()
        #: The address of the server, where there is one.
        self.files_at = ""
        with self.store.transaction():
            users.person(self.store, self.clock)
            if self.store.get(ROOT_PAGE_ID) is None:
                self._add_root()

    def _add_root(self) -> None:
        call = self.person_call(NEWEST)
        text = [{"text": {"content": _ROOT_TITLE}}]
        made = create_page(call, {"parent": {"workspace": True}, "properties": {TITLE: {"title": text}}})
        page = call.find("page", made["id"])
        self.store.delete(page.id)
        root = Stored(
            ROOT_PAGE_ID, "page", WORKSPACE, page.created, page.edited, PERSON_ID, PERSON_ID, page.doc
        )
        self.store.insert(root)

    def call(self, token: str, version: str) -> Call:
        """A request of the bot that a token belongs to."""
        self.background.run()
        with self.store.transaction():
            user = users.bot(self.store, self.clock, token)
        return self._call(version, user, everything=False)

    def person_call(self, version: str, who: str | None = None) -> Call:
        """A request as somebody would make it in the app: `who` is the id of a user, or a person's name."""
        self.background.run()
        with self.store.transaction():
            user = users.person(self.store, self.clock, who)
        return self._call(version, user, everything=True)

    def _call(self, version: str, user: Stored, *, everything: bool) -> Call:
        call = Call(self.store, self.clock, version, user, self.limits, everything)
        call.background_seconds = self.background.seconds
        call.files_at = self.files_at
        if not everything:
            call.index = self.index.past
        return call

    def _send_again(self, task: Stored) -> dict[str, Any]:
        """The answer of a request that was accepted earlier, as whoever made it would get it now."""
        user = self.store.get(task.created_by)
        if user is None:
            raise errors.not_found("user", task.created_by, (task.created_by, ""))
        call = self._call(task.doc["version"], user, everything=task.doc["everything"])
        return routes.answer(call, self.walks, routes.Request(**task.doc["request"]))

    def put(self, objects: Iterable[dict[str, Any]]) -> None:
        """Store objects as answers of the API show them; `ApiError` for one that is not like that."""
        with self.store.transaction():
            for doc in objects:
                try:
                    seed_object(self.store, self.clock, doc)
                except (
                    LookupError,
                    TypeError,
                    ValueError,
                    AttributeError,
                    ArithmeticError,
                    sqlite3.Error,
                ) as error:
                    name = f"{doc.get('object')} {doc.get('id')}"
                    raise errors.validation(f"{name} is not as answers show it: {error!r}.") from None

    def close(self) -> None:
        """Send no more webhooks, and close the store."""
        self.webhooks.stop()
        self.store.close()
