"""What may be sent again after which fault: every kind of request with every kind of answer, in virtual time.

The faults come from the local workspace, the requests from the data source as a worker uses it: with its own
rate limit, its own patience, its own pauses.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from sandbox.notion import PERSON_ID, Sandbox
from tasks.engine.report import Order, RunReport
from tasks.errors import ItemError, OutcomeUnknownError, SideError, TaskError
from tasks.journal.state import State
from tasks.journal.state_journal import StateJournal
from tasks.services.notion.client import DEFAULT_PAUSE, PATIENCE, REPEATS, NotionClient
from tasks.services.notion.page import Page
from tasks.services.notion.throttle import LocalThrottle
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
CASES = [
    pytest.param(kind, fault, id=f"{kind} - {fault}")
    for kind in KINDS
    for fault in FAULTS
    # Whether a read was applied makes no difference.
    if not (KINDS[kind].effect == "read" and FAULTS[fault].doc.get("applied"))
    and not ("delay" in FAULTS[fault].doc and kind not in ("query", "update", "create"))
]


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


@pytest.mark.parametrize(("name", "fault_name"), CASES)
async def test_what_is_sent_again(task: PacedTask, person: Person, name: str, fault_name: str) -> None:
    kind, fault = KINDS[name], FAULTS[fault_name]
    task.rows.timeout = LONG if "delay" in fault.doc else task.rows.timeout
    page_id = await person.make_page(task.rows.data_source, Name=person.text("Paint"))
    if name == "items":
        await person.edit(page_id, Notes={"rich_text": MENTIONS})
    await task.rows.open()
    try:
        await task.rows.learn()
        (page,) = await task.rows.list()
        await befall(person, task, kind, fault.doc, page_id)
        if fault.group in AGAIN[kind.effect]:
            await kind.make(task.rows, page)
        elif (name, fault_name) == ("page", "404"):
            assert await kind.make(task.rows, page) is None, "not there for this token"
            await task.rows.get(page_id)
        else:
            words = fault.words if fault.group == "refused" else "did not confirm the write"
            with pytest.raises(TaskError if fault.group == "refused" else fault.error, match=words):
                await kind.make(task.rows, page)
            await task.rows.get(page_id)
    finally:
        await task.rows.close()
    assert (await person.arrange("GET", "faults"))["faults"] == []
    moments = sent(task, kind, page_id)
    times_applied = int(bool(fault.doc.get("applied")) and kind.effect != "read")
    if fault.group in AGAIN[kind.effect]:
        wanted = 1 if times_applied and kind.effect == "set" else 2  # another look shows that it was done
        assert len(moments) == wanted
        following = [at for at, _, _ in task.rows.log if at > moments[0]]
        assert following[0] - moments[0] >= fault.pause
        assert following[0] - moments[0] < fault.pause + 75
    else:
        assert len(moments) == 1 + (kind.method == "GET" and kind.path.startswith("pages"))
        assert task.rows.log[-1][0] - moments[0] >= fault.pause, "a pause holds for whoever comes next, too"
    found = [row["properties"] for row in await rows_of(task, person)]
    made = kind.effect == "create" and (fault.group in AGAIN["create"] or bool(times_applied))
    gone = name == "trash" and fault.group != "refused"
    assert len(found) == 1 + made - gone
    if name == "update":
        assert found[0]["Effort"]["number"] == (None if fault.group == "refused" else 2)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("status", [429, 529, 409, 503])
async def test_what_lasts_is_given_up_in_the_end(
    task: PacedTask, person: Person, name: str, status: int
) -> None:
    kind = KINDS[name]
    page_id = await person.make_page(task.rows.data_source, Name=person.text("Paint"))
    if name == "items":
        await person.edit(page_id, Notes={"rich_text": MENTIONS})
    await task.rows.open()
    try:
        await task.rows.learn()
        (page,) = await task.rows.list()
        await befall(person, task, kind, {"status": status, "retry_after": 61, "times": 1000}, page_id)
        begun = task.rows.time.passed
        with pytest.raises(TaskError) as caught:
            await kind.make(task.rows, page)
    finally:
        await task.rows.close()
    moments = sent(task, kind, page_id)
    blind = kind.effect == "create" and status in (529, 503)
    if blind:
        assert len(moments) == 1
    elif status in (429, 529):  # as often as the patience allows
        assert len(moments) == 1 + PATIENCE // 61
    else:
        assert len(moments) == 1 + REPEATS
    assert task.rows.time.passed - begun <= PATIENCE
    if kind.effect == "read" or (status in (429, 529) and not blind):
        assert isinstance(caught.value, SideError)
    else:
        assert isinstance(caught.value, ItemError)
        assert isinstance(caught.value, OutcomeUnknownError) is (status != 409)
    assert len(await rows_of(task, person)) == 1


async def test_a_pause_beyond_the_patience_is_not_begun(task: PacedTask, person: Person) -> None:
    await task.rows.open()
    try:
        await befall(person, task, KINDS["schema"], {"status": 429, "retry_after": 900}, "")
        with pytest.raises(SideError, match=r"asks to wait 900 s, longer than the 600 s"):
            await task.rows.learn()
    finally:
        await task.rows.close()
    assert len(task.rows.log) == 1


# -- a whole task ---------------------------------------------------------------------------------------------


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
    monkeypatch.setattr("tasks.services.notion.queries.PAGE_SIZE", 1)
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
    monkeypatch.setattr("tasks.services.notion.side.PAGE_SIZE", 2)
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
