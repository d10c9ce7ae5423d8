"""Links, intents and the ledger, as a session writes them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from tasks.errors import ItemError, LockLostError, StateError
from tasks.journal.contract import Cursor, Lull, Memory, Proof
from tasks.journal.ledger import LedgerEntry, Version
from tasks.merge import End, Intent, Link
from tests.tasks.ledger_entries import entry
from worker.store import SqlJournal, Store
from worker.store.tables.fences import take_fence

VALUES: dict[str, Any] = {
    "Title": "ünïcödé \u2028 \U0001f95b",
    "Nothing": None,
    "Tags": ("a", "b"),
    "Due": date(2026, 1, 2),
    "At": datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
    "Price": Decimal("1.10"),
    "Done": False,
    "$type": "date",
    "Null": "a\x00b",
    "Half": "\ud83d",
}
ONE = Link("p1", "t1", VALUES, {**VALUES, "Due": None})
TWO = Link("p2", "t2", {"Title": "b"}, {"Title": "B"})
CREATE = Intent("create", End.RIGHT, "p3", VALUES)
UPDATE = Intent("update", End.LEFT, "t1", {"Title": "new"}, "p1")


def entered(store: Store, task: str, run_id: str, fence: int) -> SqlJournal:
    """The journal of a run that was entered in the database."""
    with store.write() as connection:
        take_fence(connection, task, fence)
    return SqlJournal(store, task, run_id, fence)


@pytest.fixture
def journal(store: Store) -> SqlJournal:
    return entered(store, "task", "run 1", 5)


def by_id(links: Any) -> list[Link]:
    return sorted(links, key=lambda link: link.left_id)


async def test_links_and_intents_come_back_with_their_types(store: Store, journal: SqlJournal) -> None:
    await journal.confirm(put=ONE)
    await journal.confirm(put=TWO)
    await journal.begin(CREATE)
    await journal.begin(UPDATE)
    base = await entered(store, "task", "run 2", 6).load()
    assert by_id(base.links) == [ONE, TWO]
    assert sorted(base.intents, key=lambda intent: intent.key) == [CREATE, UPDATE]
    assert type(by_id(base.links)[0].left["Tags"]) is tuple
    assert store.links.count("task") == 2


async def test_what_a_later_run_must_know_of_is_noted_before_it_is_kept(store: Store) -> None:
    noted: list[tuple[int, int]] = []

    def before() -> None:
        noted.append((store.links.count("task"), len(store.links.recall("task").intents)))

    entered(store, "task", "run 1", 5)
    journal = SqlJournal(store, "task", "run 1", 5, before=before)
    await journal.confirm(put=ONE)
    await journal.begin(CREATE)
    await journal.confirm(settle=["create"])
    await journal.keep_conflict(entry())
    assert noted == [(0, 0), (1, 0), (1, 1), (1, 0)]
    cursor = Cursor("1", datetime(2026, 1, 1, tzinfo=UTC))
    memory = Memory({"Title": "text"}, "scope", {End.LEFT: cursor})
    await journal.remember(memory)
    assert len(noted) == 5
    await journal.keep_lull(Lull("definition", datetime(2026, 1, 1, tzinfo=UTC)))
    await journal.remember(replace(memory, cursors={End.LEFT: cursor, End.RIGHT: cursor}))
    assert len(noted) == 5
    await journal.remember(replace(memory, own={"columns": {}}))
    assert len(noted) == 6


async def test_tasks_do_not_see_each_other(store: Store, journal: SqlJournal) -> None:
    other = entered(store, "another", "run", 1)
    await journal.confirm(put=ONE)
    await other.confirm(put=replace(ONE, left={}))
    await journal.begin(CREATE)
    await journal.confirm(drop=ONE, settle=["create"])
    base = await other.load()
    assert list(base.links) == [replace(ONE, left={})]
    assert store.links.count("task") == 0
    await other.begin(CREATE)
    await journal.confirm(settle=["create"])
    assert list((await other.load()).intents) == [CREATE]


async def test_a_confirmation_is_one_transaction(journal: SqlJournal) -> None:
    await journal.confirm(put=ONE)
    await journal.begin(CREATE)
    replaced = Link("p9", "t1", {"Title": "again"}, {})
    await journal.confirm(put=replaced, drop=ONE, settle=["create", "unknown"])
    base = await journal.load()
    assert list(base.links) == [replaced]
    assert list(base.intents) == []


async def test_a_new_base_and_a_repeated_intent_replace_the_old(journal: SqlJournal) -> None:
    await journal.confirm(put=ONE)
    await journal.confirm(put=replace(ONE, left={"Title": "newer"}))
    await journal.begin(CREATE)
    await journal.begin(replace(CREATE, values={"Title": "other"}))
    base = await journal.load()
    assert list(base.links) == [replace(ONE, left={"Title": "newer"})]
    assert list(base.intents) == [replace(CREATE, values={"Title": "other"})]


async def test_to_drop_another_link_of_the_same_object_drops_nothing(journal: SqlJournal) -> None:
    await journal.confirm(put=ONE)
    await journal.confirm(drop=replace(ONE, right_id="t9"))
    assert list((await journal.load()).links) == [ONE]


async def test_one_object_of_the_other_side_is_linked_once(journal: SqlJournal) -> None:
    await journal.confirm(put=ONE)
    await journal.begin(CREATE)
    with pytest.raises(ItemError, match=r"^t1 is linked with another object already$"):
        await journal.confirm(put=Link("p2", "t1", {}, {}), settle=["create"])
    base = await journal.load()
    assert list(base.links) == [ONE]
    assert list(base.intents) == [CREATE]  # the whole transaction was taken back


async def test_of_pairs_that_are_kept_at_once_none_is_where_one_is_refused(journal: SqlJournal) -> None:
    await journal.confirm(put=ONE)
    await journal.begin(CREATE)
    twice = Link("p2", "t1", {}, {})
    with pytest.raises(ItemError, match="one of 3 objects is linked with another object already"):
        await journal.confirm_all(
            [
                Proof(TWO, settle=["create"]),
                Proof(drop=ONE),
                Proof(Link("p3", "t3", {}, {})),
                Proof(replace(TWO, left_id="p4")),
            ]
        )
    base = await journal.load()
    assert (list(base.links), list(base.intents)) == ([ONE], [CREATE])
    with pytest.raises(ItemError, match="t1 is linked with another object already"):
        await journal.confirm_all([Proof(twice)])


async def test_many_confirmations_at_once_are_all_kept(journal: SqlJournal) -> None:
    links = [Link(f"p{number:02}", f"t{number}", VALUES, VALUES) for number in range(30)]
    await asyncio.gather(*(journal.confirm(put=link) for link in links))
    assert by_id((await journal.load()).links) == links


# -- the fence ------------------------------------------------------------------------------------------------


async def test_an_older_session_is_refused_and_writes_nothing(
    journal: SqlJournal, open_store: Callable[[], Store]
) -> None:
    await journal.confirm(put=ONE)
    newer = entered(open_store(), "task", "run 2", 6)
    await newer.begin(UPDATE)
    conflict_count = len(open_store().conflicts.list())
    for write in (
        journal.confirm(put=TWO),
        journal.confirm_all([Proof(TWO), Proof(replace(ONE, left={}))]),
        journal.confirm(drop=ONE),
        journal.confirm(settle=["update"]),
        journal.begin(CREATE),
        journal.keep_conflict(conflict()),
    ):
        with pytest.raises(LockLostError, match="another session of 'task' has taken over"):
            await write
    base = await newer.load()
    assert list(base.links) == [ONE]
    assert list(base.intents) == [UPDATE]
    assert len(open_store().conflicts.list()) == conflict_count == 0
    await newer.confirm(put=TWO)


async def test_the_fence_of_one_task_is_not_that_of_another(store: Store, journal: SqlJournal) -> None:
    await entered(store, "another", "run", 99).confirm(put=ONE)
    await journal.confirm(put=ONE)
    assert store.links.count("task") == 1


async def test_the_first_writes_of_two_sessions_at_once_leave_one_of_them(
    open_store: Callable[[], Store], store: Store
) -> None:
    stores = {fence: open_store() for fence in range(1, 9)}

    async def write(fence: int) -> None:
        journal = await asyncio.to_thread(entered, stores[fence], "task", f"run {fence}", fence)
        await journal.confirm(put=Link(f"p{fence}", f"t{fence}", {}, {}))

    ends = await asyncio.gather(*map(write, stores), return_exceptions=True)
    assert {type(end) for end in ends} <= {type(None), LockLostError}
    assert ends[-1] is None  # none is newer than the last
    assert store.links.count("task") == ends.count(None)


# -- the ledger -----------------------------------------------------------------------------------------------


def conflict(**changes: Any) -> LedgerEntry:
    edited = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    return entry(**{"left_edited": edited, **changes})


async def test_a_conflict_is_kept_with_both_values(store: Store, journal: SqlJournal) -> None:
    await journal.keep_conflict(conflict(left=("x", date(2026, 1, 1))))
    (kept,) = store.conflicts.list("task")
    assert (kept.task, kept.run_id, kept.taken) == ("task", "run 1", None)
    assert kept.entry == LedgerEntry(
        first=Version(
            "Notion", "p1", ("x", date(2026, 1, 1)), datetime(2026, 1, 1, 10, tzinfo=UTC), stayed=True
        ),
        second=Version("the other side", "t1", "c", None, stayed=False),
        attribute="Title",
        base="a",
        rule="newer",
        why="why",
    )
    assert abs(kept.at - datetime.now(UTC)) < timedelta(minutes=1)


async def test_a_repeated_conflict_is_kept_once_and_a_new_one_beside_it(
    store: Store, journal: SqlJournal
) -> None:
    unresolved = conflict(winner=None, rule="error")
    for _ in range(2):
        await journal.keep_conflict(unresolved)
    await entered(store, "task", "run 2", 6).keep_conflict(unresolved)
    await entered(store, "another", "run", 1).keep_conflict(unresolved)
    await entered(store, "task", "run 2", 6).keep_conflict(conflict(right="d"))
    whole = conflict(attribute=None, left=None, right={"Title": "x"}, base={"Title": "a"})
    await entered(store, "task", "run 2", 6).keep_conflict(whole)
    assert [kept.entry.second.value for kept in store.conflicts.list("task")] == [{"Title": "x"}, "d", "c"]
    assert store.conflicts.count("task") == 3
    assert len(store.conflicts.list()) == 4
    assert len(store.conflicts.list(limit=1)) == 1


# -- rows that cannot be read --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE link SET left_values = '{torn'",
        "UPDATE link SET right_values = '[]'",
        "UPDATE link SET right_values = '7'",
        """UPDATE link SET left_values = '{"a": {"$type": "date", "value": "x"}}'""",
        """UPDATE link SET left_values = '{"a": {"$type": "map", "value": 1}}'""",
        "UPDATE intent SET side = 'third'",
        "UPDATE intent SET \"values\" = ''",
    ],
)
async def test_a_row_that_cannot_be_read_stops_everything(
    store: Store, journal: SqlJournal, damage: str
) -> None:
    await journal.confirm(put=ONE)
    await journal.begin(CREATE)
    with store.write() as connection:
        connection.execute(text(damage.replace(":", r"\:")))
    with pytest.raises(
        StateError, match=r"^task 'task': a row of table link or intent cannot be read"
    ) as caught:
        await journal.load()
    assert "Nothing was synced" in str(caught.value)
    assert store.links.count("task") == 1


async def test_what_was_recalled_is_read_again_once_something_was_written(
    store: Store, journal: SqlJournal
) -> None:
    await journal.confirm(put=ONE)
    await journal.begin(CREATE)
    later = entered(store, "task", "run 2", 6)
    assert (await later.recall()).intents == [CREATE]
    assert await later.load() == await entered(store, "task", "run 3", 6).load()
    await later.begin(UPDATE)
    base = await later.load()
    assert {intent.key for intent in base.intents} == {CREATE.key, UPDATE.key}
    assert by_id(base.links) == [ONE]
