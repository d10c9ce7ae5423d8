"""What a new process knows of the columns: renamed ones go on, replaced ones halt, and nothing is emptied."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from config import get_settings
from sandbox.notion import Sandbox
from tasks.errors import TaskDefinitionError
from tests.harness.stores import new_store
from tests.tasks.services.notion.person import Person
from tests.tasks.services.notion.plain_service import PlainService, PlainTask
from tests.tasks.services.notion.wired import Wired
from worker.lock import MemoryLockStore, MemorySyncLock
from worker.session.run import run_session
from worker.store.store import Store
from worker.store.tables.run_record import RunRecord

COLUMNS: dict[str, Any] = {
    "Name": {"title": {}},
    "Effort": {"number": {"format": "number"}},
    "Area": {"select": {"options": [{"name": "Home"}, {"name": "Away"}, {"name": "Unused"}]}},
}
ATTRS = {"Name": "key", "Effort": "effort", "Area": "area"}

Run = Callable[..., Awaitable[RunRecord]]


@pytest.fixture(autouse=True)
def state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LOCKSTEP_STATE_DIR", str(tmp_path / "state"))
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


@pytest.fixture
async def source(person: Person) -> str:
    return await person.make_data_source("Chores", COLUMNS)


@pytest.fixture
def service() -> PlainService:
    return PlainService()


@pytest.fixture
def run(tmp_path: Path, person: Person, source: str, service: PlainService) -> Run:
    """One run by a task, a store and a lock that are all new, as in a new process."""

    async def run(**options: Any) -> RunRecord:
        store = new_store(tmp_path / "lockstep.db")
        lock = MemorySyncLock(MemoryLockStore())
        try:
            task = PlainTask(person.url, source, ATTRS, service, **options).run_every(minutes=5)
            return await run_session(task, store=store, lock=lock)
        finally:
            lock.close()
            store.close()

    return run


@pytest.fixture
async def row(person: Person, source: str, run: Run) -> str:
    """A row that is in step."""
    area = {"select": {"name": "Home"}}
    page_id = await person.make_page(source, Name=person.text("Paint"), Effort={"number": 3}, Area=area)
    assert (await run()).status == "succeeded"
    return page_id


def only(service: PlainService) -> dict[str, Any]:
    (item,) = service.items.values()
    return item.values


async def test_a_renamed_column_goes_on_in_a_new_process(
    person: Person, source: str, service: PlainService, run: Run, row: str, caplog: pytest.LogCaptureFixture
) -> None:
    await person.patch_columns(source, {"Effort": {"name": "Hours"}})
    await person.patch_columns(source, {"Name": {"name": "What"}})
    await person.edit(row, Hours={"number": 8})
    assert (await run()).status == "succeeded"
    assert only(service)["effort"] == 8
    assert "Notion property 'Effort' is called 'Hours' now" in caplog.text
    service.edit("o1", {"effort": 9})
    caplog.clear()
    assert (await run()).status == "succeeded"
    assert (await person.page(row))["properties"]["Hours"]["number"] == 9
    assert "is called" not in caplog.text


async def test_a_column_that_was_deleted_and_added_again_halts_until_somebody_says_what_is_meant(
    person: Person, source: str, service: PlainService, run: Run, row: str
) -> None:
    await person.patch_columns(source, {"Effort": None})
    record = await run()
    assert (record.status, "no longer has a property 'Effort'" in record.reason) == ("failed", True)
    await person.patch_columns(source, {"Effort": {"number": {}}})
    record = await run()
    assert record.status == "failed"
    assert "'Effort' is the name of another property than before" in record.reason
    new = (await person.send("GET", f"data_sources/{source}"))["properties"]["Effort"]["id"]
    assert f"put 'Effort' with its id {new!r} into column_ids" in record.reason
    assert only(service)["effort"] == 3
    assert (await run(column_ids={"Effort": new})).status == "succeeded"
    assert only(service)["effort"] == 3
    assert (await person.page(row))["properties"]["Effort"]["number"] == 3
    assert (await run(column_ids={"Effort": new})).status == "succeeded"


async def test_a_relation_that_is_hidden_says_that_its_target_may_not_be_shared(
    workspace: Sandbox, person: Person, source: str, service: PlainService
) -> None:
    target = await person.make_data_source("Rooms", {"Name": {"title": {}}})
    columns = {"Room": {"relation": {"data_source_id": target, "single_property": {}}}}
    await person.patch_columns(source, columns)
    known = Wired(person.url, source, ["Name", "Room"])
    await known.open()
    try:
        await known.learn()
        workspace.person().unshare(target)
        with pytest.raises(TaskDefinitionError, match="share with the integration what it relates to"):
            await known.learn()
    finally:
        await known.close()


async def test_a_column_of_another_type_halts_until_somebody_says_that_it_is_meant(
    person: Person, source: str, service: PlainService, run: Run, row: str
) -> None:
    await person.patch_columns(source, {"Effort": {"type": "rich_text", "rich_text": {}}})
    record = await run()
    assert (
        "property 'Effort' was of type number and is rich_text now; change it back, or put" in record.reason
    )
    assert only(service)["effort"] == 3
    effort = (await person.send("GET", f"data_sources/{source}"))["properties"]["Effort"]["id"]
    assert "was of type" not in (await run(column_ids={"Effort": effort})).reason


async def test_a_renamed_option_goes_on_in_a_new_process(
    person: Person, source: str, service: PlainService, run: Run, row: str, caplog: pytest.LogCaptureFixture
) -> None:
    options = (await person.send("GET", f"data_sources/{source}"))["properties"]["Area"]["select"]["options"]
    options[0]["name"] = "House"
    await person.patch_columns(source, {"Area": {"select": {"options": options}}})
    assert (await run()).status == "succeeded"
    assert only(service)["area"] == "House"
    assert "option 'Home' of Notion property 'Area' is called 'House' now" in caplog.text


async def test_an_option_that_rows_had_is_missed_and_one_that_none_had_is_not(
    person: Person, source: str, service: PlainService, run: Run, row: str
) -> None:
    options = (await person.send("GET", f"data_sources/{source}"))["properties"]["Area"]["select"]["options"]
    await person.patch_columns(source, {"Area": {"select": {"options": options[:2]}}})
    assert (await run()).status == "succeeded"
    await person.patch_columns(source, {"Area": {"select": {"options": options[1:2]}}})
    record = await run()
    assert record.status == "failed"
    assert "option 'Home' of property 'Area' was removed, and rows had it: add it again" in record.reason
    assert only(service)["area"] == "Home"
    await person.patch_columns(source, {"Area": {"select": {"options": [{"name": "Home"}]}}})
    await person.edit(row, Area={"select": {"name": "Home"}})
    assert (await run()).status == "succeeded"
    assert only(service)["area"] == "Home"


async def test_an_option_that_was_deleted_and_added_again_empties_nothing(
    person: Person, source: str, service: PlainService, run: Run, row: str
) -> None:
    await person.patch_columns(source, {"Area": {"select": {"options": [{"name": "Away"}]}}})
    await person.patch_columns(
        source, {"Area": {"select": {"options": [{"name": "Away"}, {"name": "Home"}]}}}
    )
    assert (await person.page(row))["properties"]["Area"]["select"] is None
    assert (await run()).status == "succeeded"
    assert only(service)["area"] == "Home"
    assert (await person.page(row))["properties"]["Area"]["select"]["name"] == "Home"
    await person.edit(row, Area={"select": None})  # now it is meant
    assert (await run()).status == "succeeded"
    assert only(service)["area"] is None


async def test_another_data_source_has_columns_of_its_own(
    person: Person, source: str, service: PlainService, tmp_path: Path, run: Run, row: str
) -> None:
    other = await person.make_data_source("Others", COLUMNS)
    store, lock = Store(f"sqlite:///{tmp_path / 'lockstep.db'}"), MemorySyncLock(MemoryLockStore())
    try:
        record = await run_session(PlainTask(person.url, other, ATTRS, service), store=store, lock=lock)
        assert "another property" not in record.reason
    finally:
        lock.close()
        store.close()
