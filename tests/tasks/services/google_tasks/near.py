"""The side against an account on this machine, and what people do there."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from sandbox.google_tasks import GoogleTasks
from tasks.services.google_tasks import ATTRIBUTES, GoogleClient, Task, Tasks

#: For clients that never speak TLS: reading all certificates takes longer than a test.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class Near(Tasks):
    """Waits a hundredth of the usual time."""

    patience = 2.0

    def make_client(self) -> GoogleClient:
        assert self._base_url is not None
        return GoogleClient(
            self.login(),
            base_url=self._base_url,
            patience=self.patience,
            first_delay=0.01,
            transport=httpx.AsyncHTTPTransport(verify=NO_TLS),
        )


@dataclass
class Desk:
    """One task list: its side, and an app."""

    google: GoogleTasks
    list_id: str
    token_file: Path

    def side(self, list_: str | None = None, **options: Any) -> Near:
        given = {"token_file": self.token_file, "base_url": self.google.url, **options}
        return Near(list_ or self.list_id, **given)

    @asynccontextmanager
    async def opened(self, side: Near | None = None, *names: str) -> AsyncIterator[Near]:
        """A side during a run."""
        side = side or self.side()
        side.open()
        try:
            await side.check(names or ("title", "notes", "due", "done"))
            yield side
        finally:
            await side.close()

    def add(self, title: str, **fields: Any) -> str:
        """Somebody makes a task in an app; gives its id."""
        place = {name: fields.pop(name) for name in ("parent", "previous") if name in fields}
        return str(self.google.account.insert({"title": title, **fields}, self.list_id, **place)["id"])

    def edit(self, task_id: str, **fields: Any) -> None:
        self.google.account.patch(task_id, fields, self.list_id)

    def shown(self, task_id: str) -> dict[str, Any]:
        return self.google.account.get(task_id, self.list_id)

    def titles(self) -> set[str]:
        return {one["title"] for one in self.live()}

    def live(self) -> list[dict[str, Any]]:
        return self.google.account.listed(self.list_id, {"showHidden": "true"})

    def asked(self) -> list[str]:
        """The methods and last parts of the paths of requests since the last time this was asked."""
        made = [f"{method} {path.rsplit('/', 1)[-1]}" for method, path, _ in self.google.requests]
        self.google.requests.clear()
        return made


async def by_title(side: Near) -> dict[str, Task]:
    return {task.title: task for task in await side.list()}


ALL = tuple(ATTRIBUTES)
