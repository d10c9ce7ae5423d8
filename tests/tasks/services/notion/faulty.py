"""What can befall a request, and a task with the pace and the patience of a worker to which it happens.

The faults come from the local workspace, the requests from the data source as a worker uses it: with its own
rate limit, its own patience, its own pauses, in virtual time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from sandbox.notion import PERSON_ID, Sandbox
from tasks.errors import ItemError, OutcomeUnknownError, SideError, TaskError
from tasks.services.notion.api.client import DEFAULT_PAUSE, NotionClient
from tasks.services.notion.api.throttle import LocalThrottle
from tasks.services.notion.pages.page import Page
from tests.tasks.services.notion.conftest import TOKEN
from tests.tasks.services.notion.person import Person
from tests.tasks.services.notion.plain_service import Keyed, PlainService, PlainTask
from tests.tasks.services.notion.virtual_time import VirtualTime
from tests.tasks.services.notion.wired import Wire

COLUMNS = {"Name": {"title": {}}, "Notes": {"rich_text": {}}, "Effort": {"number": {}}}
ATTRS = {"Name": "key", "Notes": "notes", "Effort": "effort"}
#: Seconds for which an answer is held back, and after which it is given up.
TOO_LONG, LONG = 1.0, 0.7
#: So many that Notion may show them cut.
MENTIONS = [{"mention": {"user": {"id": PERSON_ID}}}] * 25


class Paced(Keyed):
    """With the pace and the patience of a worker; only the time-out is shorter than a minute."""

    log: list[tuple[float, str, str]]
    #: Seconds of real time: a busy machine must not look like a slow Notion.
    timeout = 30.0

    def make_client(self) -> NotionClient:
        self.wire = Wire()
        self.wire.happens = self.noting
        # The budget outlives the run, as it does in a worker.
        return NotionClient(
            self.secret, base_url=self.url, throttle=self.budget, timeout=self.timeout, transport=self.wire
        )

    async def noting(
        self, request: httpx.Request, onwards: Callable[[], Awaitable[httpx.Response]]
    ) -> httpx.Response:
        self.log.append((self.time.passed, request.method, request.url.path))
        try:
            return await onwards()
        except httpx.ReadTimeout:  # the answer was waited for
            self.time.advance(70)
            raise

    def live_by(self, time: VirtualTime) -> None:
        self.time, self.log, self.budget = time, [], LocalThrottle()


class PacedTask(PlainTask):
    """A task with such rows."""

    rows: Paced

    def __init__(self, url: str, source: str, service: PlainService, of: type[Paced] = Paced) -> None:
        super().__init__(url, source, ATTRS, service, of=of)


@dataclass(frozen=True)
class Kind:
    """A kind of request: how the rows make it, and what may be sent again after a lost answer."""

    effect: str
    method: str
    path: str
    make: Callable[[Paced, Page], Awaitable[Any]]


KINDS = {
    "schema": Kind("read", "GET", "data_sources/", lambda rows, page: rows.learn()),
    "query": Kind("read", "POST", "data_sources/", lambda rows, page: rows.list()),
    "page": Kind("read", "GET", "pages/{}", lambda rows, page: rows.get(page.id)),
    "items": Kind("read", "GET", "pages/{}/properties", lambda rows, page: rows.get(page.id)),
    "update": Kind("set", "PATCH", "pages/{}", lambda rows, page: rows.update(page, {"Effort": 2})),
    "trash": Kind("set", "PATCH", "pages/{}", lambda rows, page: rows.delete(page)),
    "create": Kind("create", "POST", "pages", lambda rows, page: rows.make(Name="New")),
}  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """What the workspace does to a request."""

    #: `limited`, `overloaded`, `conflict`, `unknown` or `refused`.
    group: str
    doc: dict[str, Any]
    #: Seconds for which nobody may send.
    pause: float = 0.0
    #: What comes of it where it is not sent again.
    error: type[TaskError] = OutcomeUnknownError
    words: str = field(default="did not confirm the write", compare=False)


def unknown(**doc: Any) -> dict[str, Fault]:
    """A fault before and after the request was applied."""
    label = " ".join(map(str, doc.values() if "status" in doc else doc))
    return {f"{label}, applied: {yes}": Fault("unknown", {**doc, "applied": yes}) for yes in (False, True)}


FAULTS = {
    **{f"429 for {s} s": Fault("limited", {"status": 429, "retry_after": s}, s) for s in (1, 61, 300)},
    "429 for no time": Fault("limited", {"status": 429}, DEFAULT_PAUSE),
    **{f"529 for {s} s": Fault("overloaded", {"status": 529, "retry_after": s}, s) for s in (1, 61)},
    "529 for no time": Fault("overloaded", {"status": 529}, DEFAULT_PAUSE),
    "529, applied": Fault("overloaded", {"status": 529, "applied": True}, DEFAULT_PAUSE),
    "409": Fault("conflict", {"status": 409}),
    **unknown(status=500),
    **unknown(status=502, html=True),
    **unknown(status=503),
    **unknown(status=504),
    **unknown(drop=True),
    **unknown(delay=TOO_LONG, drop=True),
    "400": Fault("refused", {"status": 400}, error=ItemError, words="Unexpected error"),
    "401": Fault("refused", {"status": 401}, error=SideError, words="NOTION_TOKEN"),
    "403": Fault("refused", {"status": 403}, error=SideError, words="capability"),
    "404": Fault("refused", {"status": 404}, error=ItemError, words="Unexpected error|does not exist"),
}
#: What is sent again after which group of faults.
AGAIN = {
    "read": {"limited", "overloaded", "conflict", "unknown"},
    "set": {"limited", "overloaded", "conflict", "unknown"},
    "create": {"limited", "conflict"},
}


@pytest.fixture(scope="module")
def workspace() -> Iterator[Sandbox]:
    """One for all: each test has a data source of its own."""
    with Sandbox(tokens={TOKEN}) as sandbox:
        yield sandbox


@pytest.fixture
def time(workspace: Sandbox, monkeypatch: pytest.MonkeyPatch) -> VirtualTime:
    time = VirtualTime()
    time.keep(workspace)
    time.install(monkeypatch)
    return time


@pytest.fixture
async def task(person: Person, time: VirtualTime) -> AsyncIterator[PacedTask]:
    source = await person.make_data_source("Chores", COLUMNS)
    task = PacedTask(person.url, source, PlainService(clock=time.now))
    task.rows.live_by(time)
    try:
        yield task
    finally:
        await person.arrange("DELETE", "faults")


async def rows_of(task: PacedTask, person: Person) -> list[dict[str, Any]]:
    """All rows as a person sees them."""
    answer = await person.send("POST", f"data_sources/{task.rows.data_source}/query", {})
    results: list[dict[str, Any]] = answer["results"]
    return results


async def befall(person: Person, task: PacedTask, kind: Kind, doc: dict[str, Any], page_id: str) -> None:
    """Let a fault wait for requests of a kind."""
    if not (await person.arrange("GET", "faults"))["faults"]:
        task.rows.log.clear()
    path = "/v1/" + kind.path.format(page_id)
    await person.arrange("POST", "faults", {"method": kind.method, "path": path, **doc})


def sent(task: PacedTask, kind: Kind, page_id: str) -> list[float]:
    """When requests of a kind were sent."""
    path = "/v1/" + kind.path.format(page_id)
    return [at for at, method, found in task.rows.log if method == kind.method and found.startswith(path)]
