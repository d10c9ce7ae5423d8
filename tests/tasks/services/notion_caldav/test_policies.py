"""The policies of a task between a data source and a real calendar, also with columns that are not mapped."""

from __future__ import annotations

from tasks.engine.report import RunReport
from tasks.journal.file import FileJournal
from tasks.policies import Said
from tests.tasks.services.notion_caldav.place import Place, page

NAMES = {"Task": "summary", "Status": "status", "Due": "due"}
MORE = {"Archived": {"checkbox": {}}, "Area": {"select": {"options": [{"name": "Home"}, {"name": "Work"}]}}}


async def run(place: Place, said: Said) -> RunReport:
    report = await place.task(NAMES, said).run(FileJournal(place.folder / "todos.json"))
    assert report.status == "succeeded", report.reason
    return report


async def test_what_is_deleted_in_the_calendar_is_marked_in_a_column_of_its_own(place: Place) -> None:
    await place.person.patch_columns(place.source, MORE)
    said: Said = {"delete": {"to_notion": {"mark": "Archived"}, "to_other": "unlink"}}
    tea = await place.person.make_page(place.source, **page("tea"))
    bread = await place.person.make_page(place.source, **page("bread"))
    await run(place, said)
    await place.delete_todo("tea")
    await run(place, said)
    shown = (await place.person.page(tea))["properties"]["Archived"]["checkbox"]
    assert (shown, (await place.person.page(tea))["in_trash"]) == (True, False)
    assert not (await place.person.page(bread))["properties"]["Archived"]["checkbox"]
    await place.person.patch_page(bread, {"in_trash": True})
    await run(place, said)
    assert set(await place.todos()) == {"bread"}
    await place.edit_todo("bread", summary="white bread")
    assert not (await run(place, said)).plan.writes
    assert set(await place.rows()) == {"tea"}


async def test_only_rows_of_an_area_are_taken_and_a_row_that_leaves_it_keeps_its_to_do(place: Place) -> None:
    await place.person.patch_columns(place.source, MORE)
    said: Said = {"only": {"notion": {"Area": "Home"}}}
    home, work = {"Area": {"select": {"name": "Home"}}}, {"Area": {"select": {"name": "Work"}}}
    tea = await place.person.make_page(place.source, **page("tea", **home))
    await place.person.make_page(place.source, **page("report", **work))
    await run(place, said)
    assert set(await place.todos()) == {"tea"}
    await place.person.edit(tea, Task=place.person.text("green tea"), **work)
    await run(place, said)
    assert set(await place.todos()) == {"green tea"}
    await place.person.edit(tea, Task=place.person.text("white tea"))
    await run(place, said)
    assert set(await place.todos()) == {"green tea"}
    await place.person.edit(tea, **home)
    await run(place, said)
    assert set(await place.todos()) == {"white tea"}


async def test_a_calendar_may_mirror_a_data_source(place: Place) -> None:
    said: Said = {"only_to": "other"}
    await place.person.make_page(place.source, **page("tea"))
    await place.make_todo(summary="its own")
    await run(place, said)
    await place.edit_todo("tea", summary="coffee")
    report = await run(place, said)
    assert report.outcome.conflicts == 1
    assert set(await place.todos()) == {"tea", "its own"}
    assert set(await place.rows()) == {"tea"}
