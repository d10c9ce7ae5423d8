"""What every journal does, wherever it keeps it: in a state, in files, in SQL."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from tasks.journal.contract import Journal, Lull, Memory, Proof
from tasks.journal.file import FileJournal
from tasks.journal.state import State
from tasks.journal.state_journal import StateJournal
from tasks.merge import End, Intent, Link
from tasks.values.date_range import DateRange
from tasks.values.opaque import Opaque
from tests.harness.stores import new_database, new_store
from worker.store import SqlJournal, Store
from worker.store.tables.fences import take_fence
from worker.store.tables.links import Links

NOW = datetime(2026, 1, 1, tzinfo=UTC)

ONE = Link("p1", "t1", {"Title": "a"}, {"Title": "A"})
TWO = Link("p2", "t2", {"Title": "b"}, {"Title": "b"}, frozenset({End.RIGHT}))
THREE = Link("p3", "t3", {}, {}, frozenset(End), apart=True)


@pytest.fixture(params=["state", "file", "sqlite", "postgresql"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    match request.param:
        case "state":
            yield StateJournal(State())
        case "file":
            yield FileJournal(tmp_path / "task.json")
        case _:
            if request.param == "postgresql":
                store = Store(new_database(request.getfixturevalue("postgres"), with_tables=True))
            else:
                store = new_store(tmp_path / "lockstep.db")
            with store.write() as connection:
                for task in ("task", "another"):
                    take_fence(connection, task, 1)
            yield SqlJournal(store, "task", "run", 1)
            store.close()


async def test_values_keep_their_types(journal: Journal) -> None:
    values = {"When": DateRange(date(2026, 7, 4), date(2026, 7, 6)), "Odd": Opaque("button", odd=True)}
    await journal.begin(Intent("key", End.LEFT, "t4", values))
    await journal.confirm(put=Link("p4", "t4", values, values))
    for _ in range(2):
        base = await journal.load()
        assert [(link.left, link.right) for link in base.links] == [(values, values)]
        assert [intent.values for intent in base.intents] == [values]
        if isinstance(journal, FileJournal):
            journal.compact()


async def test_a_create_was_begun_at_the_same_moment_wherever_that_is_told(journal: Journal) -> None:
    begun = NOW.astimezone(timezone(timedelta(hours=9)))
    await journal.begin(Intent("key", End.LEFT, "t4", {}, begun_at=begun))
    await journal.begin(Intent("another", End.LEFT, "t5", {}, begun_at=NOW))
    assert {intent.begun_at for intent in (await journal.load()).intents} == {NOW}
    if isinstance(journal, SqlJournal):  # a database compares them as they are kept
        with journal._store.read() as connection:
            kept = connection.exec_driver_sql("SELECT DISTINCT begun_at FROM intent").all()
        assert len(kept) == 1


async def test_nothing_is_there_at_first(journal: Journal) -> None:
    assert (await journal.recall()).count == 0
    assert list(await journal.links(End.LEFT, ["p1"])) == []
    assert list((await journal.load()).links) == []


async def test_counterparts_are_told_by_the_ids_of_either_side_and_to_other_tasks(
    journal: Journal, tmp_path: Path
) -> None:
    for link in (ONE, TWO, THREE):
        await journal.confirm(put=link)
    other: Journal
    if isinstance(journal, SqlJournal):
        other = SqlJournal(journal._store, "another", "run", 1)
    elif isinstance(journal, FileJournal):
        other = FileJournal(tmp_path / "another.json")
    else:
        other = StateJournal(State(), {"task": journal})
    many = [f"p{number}" for number in range(1200)]
    for seen in (journal, other.beside("task")):
        assert dict(await seen.counterparts(End.LEFT, many)) == {"p1": "t1", "p2": "t2", "p3": "t3"}
        assert dict(await seen.counterparts(End.RIGHT, ["t2", "t9", "p1"])) == {"t2": "p2"}
        assert [link.left for link in await seen.links(End.LEFT, ["p1"])] == [{"Title": "a"}]
    assert dict(await other.beside("nobody").counterparts(End.LEFT, many)) == {}
    await journal.confirm(drop=ONE)
    assert dict(await other.beside("task").counterparts(End.LEFT, ["p1", "p2"])) == {"p2": "t2"}


async def test_links_are_found_by_the_ids_of_either_side(journal: Journal) -> None:
    for link in (ONE, TWO, THREE):
        await journal.confirm(put=link)
    assert (await journal.recall()).count == 3
    assert by_id(await journal.links(End.LEFT, ["p2", "p1", "p2", "t3", "unknown"])) == [ONE, TWO]
    assert by_id(await journal.links(End.RIGHT, {"t3", "t2", "p1"})) == [TWO, THREE]
    assert list(await journal.links(End.LEFT, [])) == []
    assert by_id((await journal.load()).links) == [ONE, TWO, THREE]


async def test_what_is_remembered_is_recalled_without_links(journal: Journal) -> None:
    intent = Intent("key", End.LEFT, "t4", {"Title": "d"})
    await journal.begin(intent)
    await journal.confirm(put=ONE)
    await journal.remember(Memory({"Title": "form"}, "all"))
    for _ in range(2):
        base = await journal.recall()
        assert (list(base.links), list(base.intents), base.memory.scope) == ([], [intent], "all")
        whole = await journal.load()
        assert (by_id(whole.links), list(whole.intents), whole.memory) == ([ONE], [intent], base.memory)
    await journal.recall()
    await journal.confirm(put=TWO, settle=["key"])
    assert by_id((await journal.load()).links) == [ONE, TWO]
    assert list((await journal.recall()).intents) == []


async def test_links_that_are_not_settled_are_found_without_the_others(journal: Journal) -> None:
    names = ("Title", "Due")
    full = {"Title": "a", "Due": None}
    settled = [Link(f"p{number}", f"t{number}", full, {**full, "Due": "x"}) for number in range(10, 13)]
    hidden = Link("p4", "t4", full, {**full, "Due": Opaque("button", odd=True)})
    shown = Link("p5", "t5", full, {**full, "Due": Opaque("button")})
    others = [ONE, TWO, THREE, hidden, Link("p6", "t6", full, {"Due": 1}), Link("p7", "t7", {}, {})]
    more = Link("p8", "t8", {**full, "Tag": 1}, {**full, "Tag": 1})
    for link in (*settled, *others, shown, more):
        await journal.confirm(put=link)
    assert by_id(await journal.unsettled(names)) == [*others, more]
    assert by_id(await journal.unsettled(("Due", "Title"))) == [*others, more]
    assert more not in await journal.unsettled((*names, "Tag"))
    assert len(await journal.unsettled(("Other",))) == 11
    # What changes a link, changes what is said of it.
    await journal.confirm(put=Link("p2", "t2", full, full))
    await journal.confirm(put=replace(settled[0], parked=frozenset({End.LEFT})))
    await journal.confirm(drop=ONE)
    await journal.remember(Memory(), forget=["Tag"])
    found = [link.left_id for link in by_id(await journal.unsettled(names))]
    assert found == ["p3", "p4", "p6", "p7"]
    assert [link.left_id for link in by_id(await journal.out_of_sight())] == ["p10", "p3"]
    base = await journal.recall()
    assert (base.others, base.apart) == ({"": 8, "left": 1, "apart,left,right": 1}, 1)
    assert [base.rest_shown(end) for end in End] == [8, 9]
    assert (await journal.recall()).count == 10


def test_no_pair_is_apart_that_is_in_sight() -> None:
    """A journal in files would forget it."""
    with pytest.raises(ValueError, match="p3 and t3 apart, yet in sight"):
        replace(THREE, parked=frozenset())


async def test_links_are_looked_up_by_who_cannot_wait(journal: Journal) -> None:
    for link in (ONE, TWO, THREE):
        await journal.confirm(put=link)
    assert by_id(journal.look_up(End.RIGHT, ["t2", "t9"])) == [TWO]
    assert by_id(journal.look_up(End.LEFT, None)) == [ONE, TWO, THREE]
    assert [sorted(journal.ids_at(end)) for end in End] == [["p1", "p2", "p3"], ["t1", "t2", "t3"]]
    odd = ["p\0", "p\ud83d", "ü" * 900, ""]
    assert list(journal.look_up(End.LEFT, odd)) == list(await journal.links(End.RIGHT, odd)) == []


async def test_links_are_counted_along(journal: Journal) -> None:
    await asyncio.gather(*(journal.confirm(put=link) for link in (ONE, TWO, THREE)))
    await journal.confirm(put=replace(ONE, left={"Title": "other"}))
    assert (await journal.recall()).count == 3
    await journal.confirm(drop=TWO)
    await journal.confirm(drop=TWO)
    assert (await journal.recall()).count == 2
    await journal.confirm(put=Link("p9", "t1", {}, {}), drop=ONE)
    assert (await journal.recall()).count == len((await journal.load()).links) == 2


async def test_a_count_that_is_wrong_is_noticed_with_the_next_whole_listing(journal: Journal) -> None:
    if not isinstance(journal, SqlJournal):
        pytest.skip("counts what it holds")
    await journal.confirm(put=ONE)
    with journal._store.write() as connection:
        Links.put(connection, "task", TWO, "run")  # past who counts
    assert (await journal.recall()).count == 1
    memory = (await journal.load()).memory
    await journal.remember(memory)
    assert (await journal.recall()).count == 2


async def test_what_is_dropped_and_what_takes_its_place(journal: Journal) -> None:
    await journal.confirm(put=ONE)
    again = Link("p9", "t1", {"Title": "again"}, {"Title": "again"})
    await journal.confirm(put=again, drop=ONE)
    assert (await journal.recall()).count == 1
    assert list(await journal.links(End.LEFT, ["p1"])) == []
    assert list(await journal.links(End.RIGHT, ["t1"])) == [again]


async def test_many_pairs_at_once(journal: Journal, tmp_path: Path) -> None:
    """As one after the other: new ones, one in the place of another, one that goes, intents that are closed."""
    for link in (ONE, THREE):
        await journal.confirm(put=link)
    for key in ("a", "b", "c"):
        await journal.begin(Intent(key, End.RIGHT, "p8", {"Title": "x"}))
    again = Link("p9", "t1", {"Title": "again"}, {})
    edited = Link("p3", "t3", {"Title": "c"}, {"Title": "C"})
    fresh = [Link(f"q{number}", f"u{number}", {"Title": str(number)}, {}) for number in range(700)]
    proofs = [
        Proof(again, ONE, ("a",)),
        Proof(edited),
        *map(Proof, fresh),
        Proof(TWO, settle=("b", "unknown")),
    ]
    await journal.confirm_all(proofs)
    for _ in range(2):
        base = await journal.load()
        assert by_id(list(base.links)) == sorted([TWO, edited, again, *fresh], key=lambda link: link.left_id)
        assert [intent.key for intent in base.intents] == ["c"]
        if isinstance(journal, FileJournal):  # from its lines, and from the file as a whole
            journal = FileJournal(journal.path)
            await journal.load()
            journal.compact()
    await journal.confirm_all([])
    await journal.confirm_all([Proof(drop=TWO), Proof(settle=("c",))])
    assert (await journal.recall()).count == 702
    assert list((await journal.load()).intents) == []


async def test_half_a_line_keeps_no_pair_of_it(tmp_path: Path) -> None:
    journal = FileJournal(tmp_path / "task.json")
    await journal.confirm_all([Proof(ONE)])
    await journal.confirm_all([Proof(TWO), Proof(THREE)])
    whole = journal.changes.read_bytes()
    first = whole.index(b"\n") + 1
    for cut in range(first, len(whole) - 1):
        journal.changes.write_bytes(whole[:cut])
        assert list((await FileJournal(journal.path).load()).links) == [ONE]
    journal.changes.write_bytes(whole)
    assert by_id(list((await FileJournal(journal.path).load()).links)) == [ONE, TWO, THREE]


async def test_more_ids_than_one_query_takes(journal: Journal) -> None:
    for link in (ONE, TWO, THREE):
        await journal.confirm(put=link)
    many = [f"t{number}" for number in range(1, 40_000)]
    assert by_id(await journal.links(End.RIGHT, many)) == [ONE, TWO, THREE]


async def test_a_file_is_read_by_who_asks_first(tmp_path: Path) -> None:
    await FileJournal(tmp_path / "task.json").confirm(put=ONE)
    assert list(await FileJournal(tmp_path / "task.json").links(End.RIGHT, ["t1"])) == [ONE]
    assert (await FileJournal(tmp_path / "task.json").recall()).count == 1


async def test_another_tasks_links_are_not_seen(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'lockstep.db'}")
    store.migrate()
    with store.write() as connection:
        take_fence(connection, "another", 1)
    await SqlJournal(store, "another", "run", 1).confirm(put=ONE)
    mine = SqlJournal(store, "task", "run", 1)
    assert ((await mine.recall()).count, list(await mine.links(End.LEFT, ["p1"]))) == (0, [])
    store.close()


def by_id(links: object) -> list[Link]:
    assert isinstance(links, list)
    return sorted(links, key=lambda link: link.left_id)


LULL = Lull("definition", NOW, NOW + timedelta(days=1))


@pytest.mark.parametrize(
    "stir",
    [
        lambda journal: journal.confirm(put=ONE),
        lambda journal: journal.confirm(drop=ONE),
        lambda journal: journal.confirm(settle=["key"]),
        lambda journal: journal.begin(Intent("key", End.LEFT, "t4", {})),
        lambda journal: journal.remember(Memory(), forget=["Title"]),
    ],
)
async def test_a_lull_lasts_until_something_of_a_link_is_kept(
    journal: Journal, stir: Callable[[Journal], Awaitable[None]]
) -> None:
    assert (await journal.recall()).lull is None
    lulls: list[Lull] = [LULL, Lull("other", NOW)]
    for lull in lulls:
        await journal.keep_lull(lull)
        kept = None if isinstance(journal, FileJournal) else lull
        assert (await journal.recall()).lull == kept
        await journal.remember(Memory(scope=lull.of))
        await journal.begin(None)
        assert (await journal.recall()).lull == kept
    await stir(journal)
    assert (await journal.recall()).lull is None


async def test_the_word_for_its_pairs_is_another_one_once_they_are_others(journal: Journal) -> None:
    seen = [await journal.pairing()]
    for pair in (
        Proof(put=ONE),
        Proof(put=replace(ONE, right_id="another")),
        Proof(put=replace(ONE, right_id="another", parked=frozenset({End.LEFT}))),
        Proof(put=replace(ONE, right_id="another")),
        Proof(drop=replace(ONE, right_id="another")),
        Proof(put=ONE),
    ):
        await journal.confirm_all([pair])
        seen.append(await journal.pairing())
    if isinstance(journal, FileJournal):
        assert set(seen) == {None}
        return
    assert None not in seen
    assert len(set(seen)) == len(seen)
    await journal.remember(Memory(scope="other"))
    await journal.begin(Intent("key", End.LEFT, "t4", {}))
    assert await journal.pairing() == seen[-1]


async def test_an_edit_of_a_pair_leaves_the_word_in_a_database(journal: Journal) -> None:
    await journal.confirm(put=ONE)
    before = await journal.pairing()
    await journal.confirm(put=replace(ONE, left={"Title": "edited"}))
    assert (await journal.pairing() == before) is not isinstance(journal, StateJournal)
