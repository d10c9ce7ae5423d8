"""Requests to Notion per run, counted by the sandbox, beside Ultimate Notion doing the same work."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from rich import box
from rich.table import Table

from bench.fake_rows import ATTRIBUTES, Make, Office, Requests, Workspace, jobs
from bench.fake_sides import FakeService, Row
from bench.ultimate import Rival, UnavailableError
from sandbox.notion import Sandbox
from tasks.local import run_once
from tasks.services.notion import DataSource, LocalThrottle
from tasks.sides import Attribute, Kind, Side
from tasks.two_way import TwoWay

#: Requests per second that Notion grants.
RATE = 3
RIVAL = "ultimate-notion"
KINDS = {
    "GET /v1/data_sources/{id}": ("schema", "schemas"),
    "POST /v1/data_sources/{id}/query": ("query", "queries"),
    "POST /v1/search": ("search", "searches"),
    "GET /v1/pages/{id}": ("row read", "row reads"),
    "PATCH /v1/pages/{id}": ("row write", "row writes"),
    "POST /v1/pages": ("create", "creates"),
}


class ServiceSide(Side):
    """Objects of an invented service."""

    label = "the service"

    def __init__(self, service: FakeService) -> None:
        self.service = service

    def describe(self) -> dict[str, Attribute]:
        return {
            "name": Attribute(Kind.TEXT, meaning="title"),
            "notes": Attribute(Kind.TEXT),
            "points": Attribute(Kind.NUMBER),
            "done": Attribute(Kind.YES_NO),
        }

    async def list(self) -> list[Row]:
        return self.service.listing()

    def id(self, obj: Row) -> str:
        return obj.id

    def key(self, obj: Row) -> str:
        return str(obj.values["name"]).casefold()

    def edited(self, obj: Row) -> datetime:
        return obj.edited

    def values(self, obj: Row) -> dict[str, Any]:
        return dict(obj.values)

    async def create(self, key: str, values: dict[str, Any]) -> Row:
        return self.service.create(values)

    async def update(self, obj: Row, changes: dict[str, Any]) -> Row:
        return self.service.update(obj.id, changes)

    async def delete(self, obj: Row) -> None:
        self.service.delete(obj.id)


def rows_task(name: str, workspace: Workspace, url: str, service: FakeService, folder: Path) -> TwoWay:
    """Rows of the sandbox and objects of the service."""
    rows = DataSource(
        workspace.source,
        token=SecretStr("ntn_bench"),
        base_url=url,
        throttle=LocalThrottle(rate=1e6, burst=1_000),
    )
    task = TwoWay(name, rows, ServiceSide(service), ATTRIBUTES)
    task.state_path = folder / f"{name}.json"
    return task


def measure(*, quick: bool = False) -> Table:
    """All jobs with both candidates."""
    sizes = {"small": 20, "large": 120, "made": 3, "edited": 2} if quick else {}
    table = Table(
        title="Requests to Notion in one run",
        title_justify="left",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
    )
    for header in ("", "Requests", "Ratio", f"s at {RATE}/s", "Right", "Again", "Which"):
        wraps = header == "Which"
        table.add_column(header, justify="left" if wraps or not header else "right", no_wrap=not wraps)
    with _candidates(table, quick=quick) as candidates:
        for name, job in jobs(**sizes).items():
            table.add_row(f"[bold]{job.title}")
            base = None
            for title, ask in candidates.items():
                result = ask(name, sizes)
                total = sum(result.counts.values())
                base = total if title == RIVAL else base
                which = ", ".join(_told(what, n) for what, n in result.counts.items())
                ratio = f"{total / base:.2f}" if base else "-"
                right = "yes" if result.right else "no"
                again = str(result.writes_again)
                table.add_row(f"  {title}", f"{total:,}", ratio, f"{total / RATE:,.1f}", right, again, which)
    return table


def _told(endpoint: str, number: int) -> str:
    one, more = KINDS.get(endpoint, (endpoint, endpoint))
    return f"{number:,} {one if number == 1 else more}"


Ask = Callable[[str, dict[str, int]], Requests]


@contextmanager
def _candidates(table: Table, *, quick: bool) -> Iterator[dict[str, Ask]]:
    """What measures, by title; the rival first, where it can be had."""
    with ExitStack() as stack:
        url = stack.enter_context(Sandbox()).url
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        found: dict[str, Ask] = {}
        try:
            rival = stack.enter_context(Rival("bench.ultimate.requests", may_install=not quick))
        except UnavailableError as error:
            table.caption = f"Without {RIVAL}: {error}."
        else:
            rival.ask(url=url)
            found[RIVAL] = lambda name, sizes: Requests(**rival.ask(job=name, sizes=sizes))
        office = Office(url, _maker(url, folder))
        found["ours"] = lambda name, sizes: office.measure(jobs(**sizes)[name])
        yield found


def _maker(url: str, folder: Path) -> Make:
    numbers = count()

    def make(workspace: Workspace, service: FakeService) -> Callable[[], None]:
        task = rows_task(f"bench-{next(numbers)}", workspace, url, service, folder)

        def run() -> None:
            report = asyncio.run(run_once(task))
            if report.status != "succeeded":
                raise RuntimeError(f"a run of the bench ended otherwise than in success: {report.reason}")

        return run

    return make
