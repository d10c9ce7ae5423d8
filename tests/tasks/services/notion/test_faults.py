"""What may be sent again after which fault: every kind of request with every kind of answer, in virtual time."""

from __future__ import annotations

import pytest

from tasks.errors import ItemError, OutcomeUnknownError, SideError, TaskError
from tasks.services.notion.api.client import PATIENCE, REPEATS
from tests.tasks.services.notion.faulty import (
    AGAIN,
    FAULTS,
    KINDS,
    LONG,
    MENTIONS,
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

CASES = [
    pytest.param(kind, fault, id=f"{kind} - {fault}")
    for kind in KINDS
    for fault in FAULTS
    # Whether a read was applied makes no difference.
    if not (KINDS[kind].effect == "read" and FAULTS[fault].doc.get("applied"))
    and not ("delay" in FAULTS[fault].doc and kind not in ("query", "update", "create"))
]


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
