"""Rows that are parts of others, between Notion and a calendar: a relation, and the parents of to-dos."""

from __future__ import annotations

from typing import Any

from tests.tasks.services.notion_caldav.place import ATTR_MAP, Place, page

MAP: dict[str, Any] = {**ATTR_MAP, "Parent item": "parent"}


async def with_relation(place: Place) -> None:
    relation = {"data_source_id": place.source, "type": "single_property", "single_property": {}}
    await place.person.patch_columns(place.source, {"Parent item": {"relation": relation}})


async def parents(place: Place) -> dict[str, set[str]]:
    """By title, the titles of the parents that to-dos have."""
    todos = await place.todos()
    titles = {todo.uid: title for title, todo in todos.items()}
    return {
        title: {titles.get(uid, uid) for uid in todo.values["parent"]}
        for title, todo in todos.items()
        if todo.values["parent"]
    }


async def test_subtasks_go_both_ways(place: Place) -> None:
    await with_relation(place)
    tent = await place.person.make_page(place.source, **page("pack the tent"))
    trip = await place.person.make_page(place.source, **page("plan the trip"))
    await place.person.edit(tent, **{"Parent item": {"relation": [{"id": trip}]}})
    # The usual pairs have it among them.
    assert await place.sync() == {"right_created": 2}
    assert await parents(place) == {"pack the tent": {"plan the trip"}}

    todos = await place.todos()
    await place.make_todo(summary="buy pegs", parent=(todos["pack the tent"].uid,))
    assert await place.sync() == {"left_created": 1}
    rows = {row["id"]: row for row in (await shown(place)).values()}
    assert [rows[one]["title"] for one in rows[by_title(rows, "buy pegs")]["parents"]] == ["pack the tent"]

    await place.edit_todo("buy pegs", parent=(todos["plan the trip"].uid,))
    assert await place.sync() == {"left_updated": 1}
    assert (await shown(place))["buy pegs"]["parents"] == [trip]
    report = await place.run(MAP)
    assert report.status == "succeeded"


async def test_a_parent_that_is_deleted_takes_nothing_with_it(place: Place) -> None:
    await with_relation(place)
    trip = await place.person.make_page(place.source, **page("plan the trip"))
    part = {"Parent item": {"relation": [{"id": trip}]}}
    await place.person.make_page(place.source, **page("pack the tent", **part))
    await place.person.make_page(place.source, **page("buy pegs", **part))
    await place.sync()
    await place.delete_todo("plan the trip")
    report = await place.run()
    assert (report.status, dict(+report.outcome.counts)) == ("succeeded", {"left_deleted": 1, "agreed": 2})
    await place.run()
    last = await place.run()
    assert (last.status, dict(+last.outcome.counts)) == ("succeeded", {})
    assert set(await place.todos()) == {"pack the tent", "buy pegs"}


async def shown(place: Place) -> dict[str, dict[str, Any]]:
    """By title, id and parents of the rows."""
    found = {}
    answer = await place.person.send("POST", f"data_sources/{place.source}/query", {})
    for row in answer["results"]:
        title = row["properties"]["Task"]["title"][0]["plain_text"]
        related = [one["id"] for one in row["properties"]["Parent item"]["relation"]]
        found[title] = {"id": row["id"], "title": title, "parents": related}
    return found


def by_title(rows: dict[str, dict[str, Any]], title: str) -> str:
    return next(one for one, row in rows.items() if row["title"] == title)
