"""What runs ask of a calendar in which nothing changed, or little."""

from __future__ import annotations

from tests.tasks.services.caldav.quirky import quirky
from tests.tasks.services.notion_caldav.place import Place


async def test_a_run_costs_what_changed(place: Place) -> None:
    async with quirky(place.radicale) as server:
        place.calendar_url = server.at(place.calendar_url)
        for number in range(5):
            await place.make_todo(summary=f"todo {number}")
        await place.sync()

        async def asked() -> list[str]:
            server.requests.clear()
            report = await place.run()
            assert report.status == "succeeded"
            return [one.method for one in server.requests]

        assert await asked() == ["PROPFIND"]
        await place.edit_todo("todo 1", summary="uno")
        assert await asked() == ["PROPFIND", "REPORT", "REPORT"]
        assert await asked() == ["PROPFIND"]
        await place.delete_todo("todo 2")
        await asked()
        assert await asked() == ["PROPFIND"]
        assert set(await place.rows()) == {"todo 0", "uno", "todo 3", "todo 4"}
