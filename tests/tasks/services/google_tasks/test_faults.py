"""What goes wrong at Google: quotas, lost answers, failures, odd objects, listings that are cut off."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.google_tasks import Fault
from tasks.errors import ItemError, LockLostError, OutcomeUnknownError, SideError, TaskDefinitionError
from tasks.services.google_tasks import client, task_list
from tests.tasks.services.google_tasks.near import Desk, by_title

QUOTAS = [
    (403, "rateLimitExceeded"),
    (403, "userRateLimitExceeded"),
    (403, "quotaExceeded"),
    (429, ""),
    (409, ""),
]
FAILURES = [
    Fault(status=500),
    Fault(status=503),
    Fault(status=502, html=True),
    Fault(drop=True),
    Fault(cut=True),
]


def name_of(fault: Any) -> str:
    return "drop" if fault.drop else "cut" if fault.cut else str(fault.status)


def again(fault: Fault, **change: Any) -> Fault:
    return Fault(**{**vars(fault), **change})


@pytest.mark.parametrize(("status", "reason"), QUOTAS)
async def test_a_quota_is_waited_for_at_reads_and_writes(desk: Desk, status: int, reason: str) -> None:
    desk.add("a")
    async with desk.opened() as side:
        desk.google.faults.add(Fault(status=status, reason=reason, times=3))
        task = (await by_title(side))["a"]
        for method in ("PATCH", "POST", "DELETE"):
            desk.google.faults.add(Fault(method=method, status=status, reason=reason, times=2))
        task = await side.update(task, {"notes": "n"})
        await side.create("key", {"title": "b"})
        await side.delete(task)
        assert desk.google.faults.waiting == 0
    assert desk.titles() == {"b"}


@pytest.mark.parametrize("status", [429, 503])
async def test_a_pause_that_google_asks_for_is_kept(
    desk: Desk, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(client, "wait", wait)
    side = desk.side()
    side.patience = 60
    async with desk.opened(side):
        desk.google.faults.add(Fault(status=status, retry_after=7, times=2))
        await side.list()
        assert len(waits) == 2
        assert all(7 <= seconds < 8 for seconds in waits)
        assert waits[0] != waits[1], "those who wait together do not come back together"
        desk.google.faults.add(Fault(status=status, retry_after=3600))
        with pytest.raises(SideError, match="the next run tries again"):
            await side.list()
        assert len(waits) == 2


async def test_waits_grow_and_come_to_an_end(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    passed = [0.0]

    async def wait(seconds: float) -> None:
        passed.append(passed[-1] + seconds)

    monkeypatch.setattr(client, "wait", wait)
    monkeypatch.setattr(client, "boot_seconds", lambda: passed[-1])
    async with desk.opened() as side:
        desk.google.faults.add(Fault(status=429, times=1000))
        with pytest.raises(SideError, match="Google takes no more requests for now"):
            await side.list()
    assert 5 < len(passed) < 50
    assert passed[-1] <= side.patience


async def test_the_quota_of_a_day_is_not_waited_for(desk: Desk) -> None:
    async with desk.opened() as side:
        desk.asked()
        desk.google.faults.add(Fault(status=403, reason="dailyLimitExceeded"))
        with pytest.raises(SideError, match="quota of this day is used up"):
            await side.list()
    assert len(desk.asked()) == 1


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("accessNotConfigured", "enable it in the Google Cloud console"),
        ("insufficientPermissions", "log in again with"),
        ("forbidden", "Google refuses it"),
    ],
)
async def test_what_does_not_pass_by_itself_is_told_at_once(desk: Desk, reason: str, told: str) -> None:
    desk.google.faults.add(Fault(status=403, reason=reason))
    with pytest.raises(SideError, match=told):
        async with desk.opened():
            pass
    assert len(desk.asked()) == 1


@pytest.mark.parametrize("fault", FAILURES, ids=name_of)
async def test_reads_are_repeated(desk: Desk, fault: Fault) -> None:
    desk.add("a")
    desk.google.faults.add(again(fault, times=2))
    async with desk.opened() as side:
        desk.google.faults.add(again(fault, times=2))
        assert {task.title for task in await side.list()} == {"a"}


@pytest.mark.parametrize("applied", [False, True])
@pytest.mark.parametrize("fault", FAILURES, ids=name_of)
async def test_a_create_is_never_sent_twice_once_it_may_have_been_applied(
    desk: Desk, fault: Fault, applied: bool
) -> None:
    async with desk.opened() as side:
        desk.asked()
        desk.google.faults.add(again(fault, method="POST", applied=applied))
        with pytest.raises(OutcomeUnknownError, match=r"new task 'a'.*it may have been applied"):
            await side.create("key", {"title": "a"})
        assert desk.asked() == ["POST tasks"]
    assert len(desk.live()) == int(applied or fault.cut)


@pytest.mark.parametrize("fault", [one for one in FAILURES if not one.cut], ids=name_of)
async def test_a_change_that_was_not_applied_is_sent_again(desk: Desk, fault: Fault) -> None:
    task_id = desk.add("a")
    async with desk.opened() as side:
        task = (await by_title(side))["a"]
        desk.google.faults.add(again(fault, method="PATCH"))
        assert (await side.update(task, {"notes": "n"})).notes == "n"
    assert desk.shown(task_id)["notes"] == "n"


@pytest.mark.parametrize("fault", FAILURES, ids=name_of)
async def test_a_change_whose_answer_was_lost_may_be_the_one_that_is_met(desk: Desk, fault: Fault) -> None:
    task_id, other = desk.add("a"), desk.add("b")
    async with desk.opened() as side:
        tasks = await by_title(side)
        desk.google.faults.add(again(fault, method="PATCH", applied=True))
        with pytest.raises(OutcomeUnknownError, match="it may have been applied"):
            await side.update(tasks["a"], {"notes": "n"})
        desk.google.faults.add(again(fault, method="DELETE", applied=True))
        with pytest.raises(OutcomeUnknownError, match="it may have been applied"):
            await side.delete(tasks["b"])
        assert await side.is_gone(other)
    assert desk.shown(task_id)["notes"] == "n"


@pytest.mark.parametrize("write", ["create", "update", "delete"])
async def test_nothing_is_written_once_another_run_took_over(desk: Desk, write: str) -> None:
    desk.add("a")
    async with desk.opened() as side:
        task = (await by_title(side))["a"]
        desk.asked()
        # A quota is waited for, and the lock is lost in that time.
        desk.google.faults.add(
            Fault(method={"create": "POST", "update": "PATCH"}.get(write, "DELETE"), status=429)
        )
        calls: list[int] = []

        def taken_over() -> None:
            calls.append(1)
            if len(calls) > 1:
                raise LockLostError("another run has taken over")

        side._open_client.before_write = taken_over
        with pytest.raises(LockLostError):
            await {
                "create": lambda: side.create("key", {"title": "b"}),
                "update": lambda: side.update(task, {"notes": "n"}),
                "delete": lambda: side.delete(task),
            }[write]()
        assert len([line for line in desk.asked() if not line.startswith("GET")]) == 1
    assert [(one["title"], one.get("notes")) for one in desk.live()] == [("a", None)]


async def test_google_that_is_not_there_is_told(desk: Desk) -> None:
    side = desk.side(base_url="http://127.0.0.1:9")
    side.patience = 0.05
    with pytest.raises(SideError, match=r"cannot be reached at http://127.0.0.1:9/.* check the network"):
        async with desk.opened(side):
            pass


async def test_what_is_not_google_is_told(desk: Desk) -> None:
    desk.google.faults.add(Fault(status=404, html=True))
    with pytest.raises(SideError, match="answers, but not as Google does"):
        async with desk.opened():
            pass


@pytest.mark.parametrize("url", ["ftp://x", "x", "https://u:secret-word@x", "https://x/?a=secret-word"])
def test_an_address_of_no_use_is_told(desk: Desk, url: str) -> None:
    with pytest.raises(TaskDefinitionError, match="base_url is not an address") as caught:
        desk.side(base_url=url).open()
    assert "secret-word" not in str(caught.value)


# -- listings -------------------------------------------------------------------------------------------------


async def test_a_listing_that_shifts_while_it_is_read_loses_nothing_for_good(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages are counted: what is edited in between goes to the first one, which was read already."""
    monkeypatch.setattr(task_list, "PAGE_SIZE", 2)
    ids = {title: desk.add(title) for title in "abcdef"}
    async with desk.opened() as side:
        desk.google.faults.add(Fault(path="*/tasks", then=lambda: desk.edit(ids["a"], notes="x")))
        listing = await side.list()
        missing = set(ids.values()) - {task.id for task in listing}
        assert missing == {ids["a"]}
        assert len({task.id for task in listing}) == len(listing), "what is shown twice is there once"
        assert not await side.is_gone(ids["a"])
        changes = await side.changes(listing.cursor)
        assert ids["a"] in {task.id for task in changes.changed}


async def test_pages_that_come_again_and_again_are_a_partial_listing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        desk.add(f"{number}")
    monkeypatch.setattr(task_list, "PAGE_SIZE", 2)
    async with desk.opened() as side:
        cursor = (await side.list()).cursor
        send = side._open_client.request

        async def stuck(method: str, path: str, **options: Any) -> Any:
            answer = await send(method, path, **options)
            return {**answer, "nextPageToken": "Mg=="} if path.endswith("/tasks") else answer

        monkeypatch.setattr(side._open_client, "request", stuck)
        listing = await side.list()
        assert listing.partial == "Google shows the same page of a listing again and again"
        assert listing.cursor is None, "what was not shown is not left behind"
        changes = await side.changes(cursor)
        assert (changes.partial, changes.cursor) == (listing.partial, cursor)


@pytest.mark.parametrize(
    "answer",
    [{}, {"kind": "tasks#task"}, {"kind": "tasks#tasks", "items": {}}, {"kind": "tasks#tasks", "items": [1]}],
)
async def test_what_is_no_listing_is_no_empty_one(
    desk: Desk, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk.opened() as side:

        async def odd(*_: Any, **__: Any) -> Any:
            return answer

        tasks = await side._list()
        monkeypatch.setattr(tasks._client, "request", odd)
        with pytest.raises(SideError, match="something else than a listing"):
            await tasks.read()


async def test_an_odd_task_stops_only_itself(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.add("fine")
    odd = [
        {"id": "no-title", "title": 7},
        {"id": "odd-due", "title": "odd due", "due": "tomorrow", "status": "needsAction"},
        {"id": "odd-status", "title": "odd status", "status": "waiting", "updated": "lately"},
    ]
    async with desk.opened() as side:
        send = side._open_client.request

        async def with_odd(method: str, path: str, **options: Any) -> Any:
            answer = await send(method, path, **options)
            return {**answer, "items": answer["items"] + odd} if path.endswith("/tasks") else answer

        monkeypatch.setattr(side._open_client, "request", with_odd)
        listing = await side.list()
        assert listing.partial is None
        assert listing.unreadable == {
            "no-title": "a task in the task list Errands cannot be read: its title is no text"
        }
        tasks = {task.title: task for task in listing}
        assert tasks.keys() == {"fine", "odd due", "odd status"}
        assert side.values(tasks["odd due"])["due"].odd
        assert side.values(tasks["odd status"])["done"].odd
        assert side.edited(tasks["odd status"]) is None
        for name, value in (("due", None), ("status", None)):
            with pytest.raises(ItemError, match=f"its {name} is not written over"):
                await side.update(tasks[f"odd {name}"], {name: value})
        odd.append({"title": "nameless"})
        assert "cannot be told from others" in str((await side.list()).partial)
