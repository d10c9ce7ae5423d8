"""Columns of a data source in which the task tells people of the sync, with a real calendar across."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tasks.engine.report import RunReport
from tasks.journal.file import FileJournal
from tasks.policies import Said
from tasks.services.caldav import Todos
from tasks.two_way import TwoWay
from tests.tasks.services.notion.wired import Wired
from tests.tasks.services.notion_caldav.place import Place, page

NAMES = {"Task": "summary", "Due": "due", "Status": "status"}
STATUS: dict[str, Any] = {
    "Counterpart": {"url": {}},
    "Last synced": {"date": {}},
    "Sync": {"select": {"options": [{"name": "Synced"}]}},
}
COLUMNS = {"address": "Counterpart", "synced": "Last synced", "state": "Sync"}


class Told:
    """A task with columns, and what it asks of Notion."""

    def __init__(
        self, place: Place, columns: dict[str, Any] | None, mapping: dict[str, str] | None = None
    ) -> None:
        self.place, self.mapping = place, mapping or NAMES
        self.said: Said = {} if columns is None else {"columns": {"notion": columns}}
        self.asked: Counter[str] = Counter()

    async def run(self, status: str = "succeeded") -> RunReport:
        place = self.place
        rows = Wired(place.person.url, place.source)
        login = {"username": place.radicale.username, "password": place.radicale.password}
        task = TwoWay("t", rows, Todos(place.calendar_url, **login), self.mapping, **self.said)
        report = await task.run(FileJournal(place.folder / "todos.json"))
        assert report.status == status, report.reason
        self.asked = Counter(method for method, _ in rows.wire.sent)
        return report

    async def shown(self, page_id: str) -> tuple[Any, Any, Any]:
        """The columns of a row."""
        found = (await self.place.person.page(page_id))["properties"]
        when, sync = found["Last synced"]["date"], found["Sync"]["select"]
        return found["Counterpart"]["url"], when and when["start"], sync and sync["name"]

    async def story(self) -> list[Counter[str]]:
        """What each run of a story asks of Notion."""
        asked = []
        tea = await self.place.person.make_page(self.place.source, **page("tea"))
        for number in range(3):
            await self.place.make_todo(summary=f"todo {number}")
        for happens in (None, None, "there", None, "here", None):
            if happens == "there":
                await self.place.edit_todo("todo 1", summary="uno")
                await self.place.edit_todo("todo 2", due=None, status="COMPLETED")
            if happens == "here":
                await self.place.person.edit(tea, Task=self.place.person.text("green tea"))
            await self.run()
            asked.append(self.asked)
        return asked


@pytest.mark.parametrize("columns", [COLUMNS, None])
async def test_columns_cost_no_request(place: Place, columns: dict[str, Any] | None) -> None:
    await place.person.patch_columns(place.source, STATUS)
    asked = await Told(place, columns).story()
    # The columns, the rows; what is made; what is written, each row looked at before.
    idle = {"GET": 1, "POST": 1}
    assert asked == [{"GET": 1, "POST": 4}, idle, {"GET": 2, "POST": 2, "PATCH": 2}, idle, idle, idle]


async def test_a_row_shows_where_its_to_do_is_and_how_it_stands(place: Place) -> None:
    await place.person.patch_columns(place.source, STATUS)
    told = Told(place, COLUMNS)
    made = await place.make_todo(summary="tea")
    await told.run()
    (row,) = (await place.rows()).values()
    address, when, sync = await told.shown(row["id"])
    assert (made.href in address, bool(when), sync) == (True, True, "Synced")
    await place.person.edit(row["id"], Sync={"select": {"name": "mine"}}, Counterpart={"url": None})
    assert not (await told.run()).plan.actions
    assert await told.shown(row["id"]) == (None, when, "mine")
    await place.edit_todo("tea", summary="green tea")
    await told.run()
    assert await told.shown(row["id"]) == (address, when, "Synced")
    assert set(await place.todos()) == {"green tea"}


async def test_a_row_is_told_of_its_new_counterpart_where_that_is_wanted(place: Place) -> None:
    await place.person.patch_columns(place.source, STATUS)
    told = Told(place, {**COLUMNS, "when": "changed"})
    tea = await place.person.make_page(place.source, **page("tea"))
    await told.run()
    assert told.asked["PATCH"] == 1
    made = (await place.todos())["tea"]
    address, _, sync = await told.shown(tea)
    assert (made.href in address, sync) == (True, "Synced")
    for _ in range(2):
        await told.run()
        assert told.asked == {"GET": 1, "POST": 1}


async def test_the_content_of_a_page_alone_takes_no_columns_along(place: Place) -> None:
    await place.person.patch_columns(place.source, STATUS)
    asked = []
    for columns in (None, COLUMNS):
        told = Told(place, columns, {"Task": "summary", "page body": "description"})
        if columns is None:
            await place.make_todo(summary="tea", description="hot")
            await told.run()
        await place.edit_todo("tea", description=f"hot and {'sweet' if columns else 'black'}")
        await told.run()
        asked.append(told.asked)
        await told.run()
    assert asked[0] == asked[1]


async def test_a_column_may_be_renamed_and_one_that_is_deleted_is_told(place: Place) -> None:
    await place.person.patch_columns(place.source, STATUS)
    told = Told(place, COLUMNS)
    await place.make_todo(summary="tea")
    await told.run()
    (row,) = (await place.rows()).values()
    await place.person.patch_columns(place.source, {"Counterpart": {"name": "Where"}, "Sync": None})
    await place.edit_todo("tea", summary="green tea")
    await place.person.edit(row["id"], Where={"url": None})
    report = await told.run()
    assert report.reason.startswith(
        "columns: Notion has no attribute 'Sync' to show how it stands: add it there"
    )
    found = (await place.person.page(row["id"]))["properties"]
    assert found["Where"]["url"]
    assert found["Task"]["title"][0]["plain_text"] == "green tea"


async def test_a_column_that_vanishes_while_a_run_goes_on_stops_no_write(place: Place) -> None:
    await place.person.patch_columns(place.source, STATUS)
    told = Told(place, COLUMNS)
    await place.make_todo(summary="tea")
    plain = Wired.accept

    async def accepted(side: Wired, attributes: Any) -> None:
        await plain(side, attributes)
        await place.person.patch_columns(place.source, {"Sync": None})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Wired, "accept", accepted)
        report = await told.run()
    assert (
        "the columns 'Counterpart', 'Last synced', 'Sync' of Notion were not written, and all"
        in report.reason
    )
    assert set(await place.rows()) == {"tea"}
