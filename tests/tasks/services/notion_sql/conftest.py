"""A local Notion workspace, and tables in real databases."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from sandbox.notion import Sandbox
from tasks.engine.report import Order, RunReport
from tasks.journal.file import FileJournal
from tasks.services.notion import DataSource, LocalThrottle
from tasks.services.sql import Table
from tasks.two_way import TwoWay
from tests.tasks.services.notion.conftest import NO_TLS
from tests.tasks.services.notion.person import Person
from tests.tasks.services.sql.conftest import (
    Place,
    cleared,
    make_place,
    place,
    place_of,
    places,
    postgresql,
    sqlite,
)

__all__ = ["cleared", "make_place", "place", "place_of", "places", "postgresql", "sqlite"]


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(tmp_path / "notion.db") as sandbox:
        yield sandbox


@pytest.fixture
async def person(workspace: Sandbox) -> AsyncIterator[Person]:
    async with httpx.AsyncClient(verify=NO_TLS) as client:
        yield Person(workspace.url, client)


@dataclass
class Office:
    """A data source, a table, and the task between them."""

    person: Person
    place: Place
    source: str
    folder: Path
    mapping: dict[str, Any]
    options: dict[str, Any]

    def rows_side(self) -> DataSource:
        return DataSource(
            self.source,
            token=SecretStr("ntn_test"),
            base_url=self.person.url,
            throttle=LocalThrottle(1000, 1000),
        )

    def task(self, table: Table | None = None, **options: Any) -> TwoWay:
        side = table or self.place.side(**self.options)
        return TwoWay("tasks", self.rows_side(), side, self.mapping, **options)

    async def run(
        self,
        table: Table | None = None,
        *,
        full: bool = False,
        later: timedelta = timedelta(0),
        **options: Any,
    ) -> RunReport:
        """One run, as if it were later."""
        task = self.task(table, **options)
        if full:
            task.full_listing_every = timedelta(0)
        order = Order(clock=lambda: datetime.now(UTC) + later)
        return await task.run(FileJournal(self.folder / "tasks.json"), order=order)

    async def sync(self, **options: Any) -> dict[str, int]:
        """Run twice: the first does the work, the second must find none left."""
        report = await self.run(**options)
        assert (report.status, report.reason) == ("succeeded", "")
        again = await self.run(**options)
        assert again.status == "succeeded"
        assert not +again.outcome.counts
        return dict(report.outcome.counts)

    async def rows(self) -> dict[str, dict[str, Any]]:
        """The rows of Notion by title."""
        side = self.rows_side()
        await side.open()
        try:
            side.recall(None, {})
            await side.describe()
            await side.check(self.mapping)
            return {page.title: {"id": page.id, **page.values} for page in await side.list()}
        finally:
            await side.close()


def page(title: str, **others: Any) -> dict[str, Any]:
    return {"Name": Person.text(title), **others}
