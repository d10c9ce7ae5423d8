"""Requests that nobody confirmed, a busy Notion, and a lock that is lost: what is sent again, and what is not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from tasks.errors import (
    LockLostError,
    OutcomeUnknownError,
    PreconditionError,
    SideError,
)
from tasks.services.notion import DataSource
from tests.tasks.services.notion.chores import VALUES, listed, only, side, source
from tests.tasks.services.notion.person import Person
from tests.tasks.services.notion.wired import Wired

__all__ = ["side", "source"]


def drop(method: str, *, applied: bool, then: Callable[[], Awaitable[Any]] | None = None) -> Any:
    """Lose the first request of a method, or its answer."""
    lost = 0

    async def happens(
        request: httpx.Request, onwards: Callable[[], Awaitable[httpx.Response]]
    ) -> httpx.Response:
        nonlocal lost
        if request.method != method or request.url.path.endswith("/query") or lost:
            return await onwards()
        lost += 1
        if applied:
            await onwards()
        if then is not None:
            await then()
        raise httpx.ReadError("connection reset by peer")

    return happens


@pytest.mark.parametrize("applied", [False, True])
async def test_a_create_that_nobody_confirmed_is_not_repeated(side: Wired, applied: bool) -> None:
    side.wire.happens = drop("POST", applied=applied)
    with pytest.raises(OutcomeUnknownError):
        await side.make(Name="Paint")
    assert len(await listed(side)) == applied


@pytest.mark.parametrize("applied", [False, True])
@pytest.mark.parametrize("end", [{"drop": True}, {"status": 500}, {"status": 502, "html": True}])
async def test_a_create_that_the_server_does_not_confirm(
    side: Wired, person: Person, applied: bool, end: dict[str, Any]
) -> None:
    await person.arrange("POST", "faults", {"method": "POST", "path": "/v1/pages", "applied": applied, **end})
    with pytest.raises(OutcomeUnknownError, match="may have been applied"):
        await side.make(Name="Paint")
    assert len(await listed(side)) == applied


async def test_a_busy_notion_costs_time_only(side: Wired, person: Person) -> None:
    for fault in (
        {"status": 429, "retry_after": 1, "method": "POST", "path": "/v1/pages"},
        {"status": 409, "method": "POST", "path": "/v1/pages"},
        {"status": 529, "retry_after": 0, "method": "PATCH"},
        {"status": 503, "method": "PATCH"},
        {"drop": True, "method": "PATCH"},
        {"status": 504, "path": "/v1/data_sources"},
        {"drop": True, "path": "/v1/data_sources"},
    ):
        await person.arrange("POST", "faults", fault)
    page = await side.make(Name="Paint")
    await side.update(page, {"Name": "Paint it"})
    assert (await only(side)).values["Name"] == "Paint it"
    assert (await person.arrange("GET", "faults"))["faults"] == []


@pytest.mark.parametrize("applied", [False, True])
async def test_an_update_that_nobody_confirmed_is_repeated_after_another_look(
    side: Wired, person: Person, source: str, applied: bool
) -> None:
    await person.make_page(source, Name=person.text("Paint"))
    page = await only(side)
    side.wire.sent.clear()
    side.wire.happens = drop("PATCH", applied=applied)
    changed = await side.update(page, {"Effort": 4})
    assert changed.values["Effort"] == 4
    methods = [method for method, _ in side.wire.sent]
    assert methods == (["GET", "PATCH", "GET"] if applied else ["GET", "PATCH", "GET", "PATCH"])


@pytest.mark.parametrize("applied", [False, True])
async def test_an_edit_before_the_repeat_of_an_update_stays(
    side: Wired, person: Person, source: str, applied: bool
) -> None:
    page_id = await person.make_page(source, Name=person.text("Paint"))
    page = await only(side)
    side.wire.happens = drop(
        "PATCH", applied=applied, then=lambda: person.edit(page_id, Effort={"number": 99})
    )
    with pytest.raises(PreconditionError):
        await side.update(page, {"Effort": 4})
    assert (await only(side)).values["Effort"] == 99


async def test_a_lost_lock_stops_every_write(person: Person, source: str) -> None:
    def lost() -> None:
        raise LockLostError("lost")

    page_id = await person.make_page(source, Name=person.text("Paint"))
    side = Wired(person.url, source, VALUES)
    side.before_write = lost  # type: ignore[method-assign]
    await side.open()
    try:
        await side.learn()
        page = await only(side)
        for write in (
            side.make(Name="x"),
            side.update(page, {"Name": "x"}),
            side.delete(page),
        ):
            with pytest.raises(LockLostError):
                await write
        assert (await only(side)).values["Name"] == "Paint"
        assert await side.is_gone(page_id) is False
    finally:
        await side.close()


async def test_without_a_token_nothing_opens(
    monkeypatch: pytest.MonkeyPatch, person: Person, source: str
) -> None:
    side = Wired(person.url, source, VALUES)
    monkeypatch.setattr("tasks.services.notion.side.get_settings", _NoToken)
    with pytest.raises(SideError, match="NOTION_TOKEN is not set"):
        DataSource.make_client(side)
    await side.close()


class _NoToken:
    notion_token = None
    notion_base_url = "https://api.notion.com"
