"""What whole runs do about faults and about queries that lag: nothing is made twice, taken back or written over."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx
import pytest

from tasks.engine.report import Order, RunReport
from tasks.errors import SideError, TaskError
from tasks.journal.state import State
from tasks.journal.state_journal import StateJournal
from tests.tasks.services.notion.faulty import (
    AGAIN,
    FAULTS,
    KINDS,
    LONG,
    Paced,
    PacedTask,
    befall,
    rows_of,
    sent,
    task,
    time,
    workspace,
)
from tests.tasks.services.notion.person import Person

__all__ = ["task", "time", "workspace"]


async def run(task: PacedTask, journal: StateJournal) -> RunReport | TaskError:
    try:
        return await task.run(journal, order=Order(clock=task.rows.time.now))
    except TaskError as error:
        return error


FLOWS = [
    pytest.param(flow, fault, id=f"{flow} - {fault}")
    for flow in ("create", "update", "trash")
    for fault in FAULTS
    if flow == "create" or "delay" not in FAULTS[fault].doc
]


@pytest.mark.parametrize(("flow", "fault_name"), FLOWS)
async def test_a_task_tells_of_it_and_makes_nothing_twice(
    task: PacedTask, person: Person, flow: str, fault_name: str
) -> None:
    kind, fault = KINDS[flow], FAULTS[fault_name]
    task.rows.timeout = LONG if "delay" in fault.doc else task.rows.timeout
    service, journal = task.service, StateJournal(State())
    stays = service.add({"key": "Stays", "notes": "", "effort": 0})
    item = stays if flow == "create" else service.add({"key": "Paint", "notes": "", "effort": 1})
    assert getattr(await run(task, journal), "status", "") == "succeeded"
    task.rows.time.advance(3600)
    if flow == "create":
        item = service.add({"key": "Paint", "notes": "", "effort": 1})
    elif flow == "update":
        service.edit(item.id, {"effort": 2})
    else:
        del service.items[item.id]
    linked = {other: notion for notion, other in journal.state.ids.items()}
    page_id = linked.get(item.id, "")
    await befall(person, task, kind, fault.doc, page_id)
    first = await run(task, journal)

    if fault.group in AGAIN[kind.effect]:
        assert isinstance(first, RunReport)
        assert (first.status, first.reason) == ("succeeded", "")
    elif fault.error is SideError:
        assert isinstance(first, SideError)
        assert fault.words in str(first)
    else:
        assert isinstance(first, RunReport)
        assert first.status == "failed"
        assert f"{flow if flow != 'trash' else 'delete'} " in first.reason
        assert fault.group == "refused" or "it may have been applied" in first.reason

    last: RunReport | TaskError = first
    for _ in range(3):
        task.rows.time.advance(7200)
        last = await run(task, journal)
    assert isinstance(last, RunReport)
    assert (last.status, last.reason, list(last.plan.writes)) == ("succeeded", "", [])
    shown = sorted(
        (row["properties"]["Name"]["title"][0]["plain_text"], row["properties"]["Effort"]["number"])
        for row in await rows_of(task, person)
    )
    assert shown == sorted((each.values["key"], each.values["effort"]) for each in service.items.values())
    assert shown == [*[("Paint", 2 if flow == "update" else 1)] * (flow != "trash"), ("Stays", 0)]
    assert set(journal.state.ids.values()) == set(service.items)
    creates = sent(task, KINDS["create"], "") if flow == "create" else []
    again = fault.group in ("limited", "conflict", "refused")
    if flow == "create":
        assert len(creates) == 1 + (again or not fault.doc.get("applied"))


@pytest.mark.parametrize("pause", [0, 61, 300])
async def test_a_row_that_queries_do_not_show_yet_is_not_made_again(
    task: PacedTask, person: Person, pause: int
) -> None:
    service, journal = task.service, StateJournal(State())
    service.add({"key": "Stays", "notes": "", "effort": 0})
    assert getattr(await run(task, journal), "status", "") == "succeeded"
    service.add({"key": "Paint", "notes": "", "effort": 1})
    await person.arrange("POST", "index_lag", {"seconds": 50})
    try:
        if pause:
            await befall(person, task, KINDS["create"], {"status": 429, "retry_after": pause}, "")
        await befall(person, task, KINDS["create"], {"drop": True, "applied": True}, "")
        for _ in range(20):
            await run(task, journal)
            task.rows.time.advance(20)
    finally:
        await person.arrange("POST", "index_lag", {"seconds": 0})
    assert len(sent(task, KINDS["create"], "")) == (2 if pause else 1)
    assert len(await rows_of(task, person)) == 2
    assert set(journal.state.ids.values()) == set(service.items)


async def test_a_row_that_is_not_shared_any_more_is_deleted_nowhere(task: PacedTask, person: Person) -> None:
    service, journal = task.service, StateJournal(State())
    for key in ("Stays", "Paint"):
        service.add({"key": key, "notes": "", "effort": 0})
    assert getattr(await run(task, journal), "status", "") == "succeeded"
    await person.arrange("POST", "erase", {"id": next(iter(journal.state.ids))})
    for _ in range(3):
        task.rows.time.advance(7200)
        await run(task, journal)
    assert len(service.items) == 2
    assert len(await rows_of(task, person)) == 1


@pytest.mark.parametrize("flow", ["update", "update without an answer", "the same value by hand", "trash"])
async def test_a_listing_that_lags_takes_nothing_back(task: PacedTask, person: Person, flow: str) -> None:
    service, journal = task.service, StateJournal(State())
    stays, item = (service.add({"key": key, "notes": "", "effort": 1}) for key in ("Stays", "Paint"))
    assert getattr(await run(task, journal), "status", "") == "succeeded"
    task.rows.time.advance(3600)
    await person.arrange("POST", "index_lag", {"seconds": 50})
    try:
        if flow == "trash":
            del service.items[item.id]
        else:
            service.edit(item.id, {"effort": 2})
        if flow == "update without an answer":
            await befall(person, task, KINDS["update"], {"status": 500, "applied": True}, "")
        if flow == "the same value by hand":
            (row,) = [key for key, other in journal.state.ids.items() if other == item.id]
            await person.edit(row, Effort={"number": 2})
        wanted = dict(service.items)
        for number in range(6):
            # Each run may be in another process.
            again = PacedTask(task.rows.url, task.rows.data_source, service)
            again.rows.time, again.rows.log, again.rows.budget = (
                task.rows.time,
                task.rows.log,
                task.rows.budget,
            )
            await run(again if number % 2 else task, journal)
            assert service.items == wanted
            task.rows.time.advance(20)
    finally:
        await person.arrange("POST", "index_lag", {"seconds": 0})
    efforts = [row["properties"]["Effort"]["number"] for row in await rows_of(task, person)]
    assert sorted(efforts) == ([1] if flow == "trash" else [1, 2])
    assert stays.id in service.items


async def test_a_long_listing_that_lagged_when_it_began_takes_nothing_back(
    task: PacedTask, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.services.notion.api.queries.PAGE_SIZE", 1)
    service, journal = task.service, StateJournal(State())
    items = []
    for key in ("One", "Paint", "Two"):  # rows are listed by the time at which they were made
        items.append(service.add({"key": key, "notes": "", "effort": 1}))
        assert getattr(await run(task, journal), "status", "") == "succeeded"
        task.rows.time.advance(3600)
    item = items[1]
    await person.arrange("POST", "index_lag", {"seconds": 50})
    try:
        service.edit(item.id, {"effort": 2})
        assert getattr(await run(task, journal), "status", "") == "succeeded"
        wanted = dict(service.items)
        # The rows before the last one are shown at once, as they were; the last one comes after a minute.
        await befall(person, task, KINDS["query"], {"status": 429, "retry_after": 70, "skip": 2}, "")
        begun = task.rows.time.passed
        assert getattr(await run(task, journal), "status", "") == "succeeded"
        assert task.rows.time.passed - begun > 60
        assert service.items == wanted
    finally:
        await person.arrange("POST", "index_lag", {"seconds": 0})


async def test_an_edit_while_many_rows_are_written_is_not_overwritten(
    task: PacedTask, person: Person
) -> None:
    service, journal = task.service, StateJournal(State())
    items = [service.add({"key": f"row {number}", "notes": "", "effort": 0}) for number in range(40)]
    task.change_share = 1.0
    assert getattr(await run(task, journal), "status", "") == "succeeded"
    task.rows.time.advance(3600)
    for item in items:
        service.edit(item.id, {"effort": 1})
    linked = {other: notion for notion, other in journal.state.ids.items()}
    last = max(linked.values())  # rows are written by the order of their ids
    edited: list[float] = []

    class Interrupted(Paced):
        async def noting(
            self, request: httpx.Request, onwards: Callable[[], Awaitable[httpx.Response]]
        ) -> httpx.Response:
            writes = sum(method == "PATCH" for _, method, _ in self.log)
            if not edited and request.method == "PATCH" and writes > 15:
                edited.append(self.time.passed)
                await person.edit(last, Effort={"number": 99})
            return await super().noting(request, onwards)

    again = PacedTask(task.rows.url, task.rows.data_source, service, of=Interrupted)
    again.rows.time, again.rows.log, again.rows.budget = task.rows.time, [], task.rows.budget
    again.change_share = 1.0
    report = await run(again, journal)
    assert isinstance(report, RunReport)
    assert edited
    (others,) = {r["properties"]["Effort"]["number"] for r in await rows_of(task, person) if r["id"] != last}
    assert others == 1
    assert (await person.page(last))["properties"]["Effort"]["number"] == 99
    assert "edited while the sync ran" in report.reason
    # A look at many rows at once is renewed as time goes on, and costs less than one for each.
    assert sum(method == "GET" for _, method, path in again.rows.log if path.startswith("/v1/pages")) < 10


async def test_an_edit_of_a_row_outside_of_the_filter_is_not_overwritten(
    task: PacedTask, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Changes do not tell of such a row, and so a write must read it."""
    monkeypatch.setattr("tasks.services.notion.rows.listing.PAGE_SIZE", 2)
    service, journal = task.service, StateJournal(State())
    items = [service.add({"key": f"row {number}", "notes": "", "effort": 0}) for number in range(6)]
    task.change_share = 1.0
    task.rows.filter = {"property": "Notes", "rich_text": {"does_not_contain": "hidden"}}
    for _ in range(2):
        assert getattr(await run(task, journal), "status", "") == "succeeded"
        task.rows.time.advance(400)
    linked = {other: notion for notion, other in journal.state.ids.items()}
    hidden = {linked[item.id] for item in items[2:]}
    for row in hidden:
        await person.edit(row, Notes={"rich_text": person.text("hidden")["title"]})
        await person.edit(row, Effort={"number": 99})
    task.rows.time.advance(400)
    for item in items:
        service.edit(item.id, {"effort": 2})
    await run(task, journal)
    efforts = {row["id"]: row["properties"]["Effort"]["number"] for row in await rows_of(task, person)}
    assert {efforts[row] for row in hidden} == {99}
    assert {efforts[row] for row in efforts.keys() - hidden} == {2}
