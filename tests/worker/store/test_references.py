"""Which links refer to an object, and at which of them a run has to look, as a database tells it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import select

from tasks.journal.contract import Memory, Proof
from tasks.journal.state import State
from tasks.journal.state_journal import StateJournal
from tasks.merge import End, Link
from tasks.values.references import References
from tests.harness.stores import new_database, new_store
from worker.store import SqlJournal, Store, schema
from worker.store.forgetting import forget
from worker.store.moving import export_of, take_in
from worker.store.renaming import rename
from worker.store.tables.fences import take_fence

NAMES = ("title", "refs")
STEPS = 60


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "postgresql":
        made = Store(new_database(request.getfixturevalue("postgres"), with_tables=True))
    else:
        made = new_store(tmp_path / "lockstep.db")
    with made.write() as connection:
        for task in ("task", "another"):
            take_fence(connection, task, 1)
    yield made
    made.close()


def references(chance: Random, end: End) -> References:
    """As a run keeps them, and now and then in another form."""
    numbers = chance.sample(range(9), chance.randrange(4))
    links = [(f"l{number}", f"r{number}") for number in numbers[1:]]
    alone = [f"{end.value[0]}{number}" for number in numbers[:1]]
    if chance.random() < 0.9:
        links.sort()
    elif chance.random() < 0.5:
        alone.append("")
    return References(tuple(links), tuple(alone))


def link(chance: Random) -> Link:
    number = chance.randrange(9)
    across = number if chance.random() < 0.8 else chance.randrange(20, 40)
    bases: list[dict[str, Any]] = [{"title": "t"}, {"title": "t"}]
    if chance.random() < 0.8:
        for base, end in zip(bases, End, strict=True):
            base["refs"] = references(chance, end)
    parked = frozenset({End.LEFT}) if chance.random() < 0.1 else frozenset[End]()
    return Link(f"l{number}", f"r{across}", *bases, parked)


def some_proofs(state: State, chance: Random) -> list[Proof]:
    """Pairs of which each is another one, as a run proves them."""
    proofs: list[Proof] = []
    taken = dict(state.ids)
    used: set[str] = set()
    for _ in range(chance.randrange(1, 4)):
        put = link(chance)
        drop = None
        if chance.random() < 0.3 and (free := sorted(taken.keys() - used)):
            left_id = chance.choice(free)
            drop = Link(left_id, taken.pop(left_id), {}, {})
            used.add(left_id)
        others = {right for left, right in taken.items() if left != put.left_id}
        if put.left_id in used or put.right_id in others:
            proofs += [Proof(drop=drop)] if drop else []
            continue
        used.add(put.left_id)
        taken[put.left_id] = put.right_id
        proofs.append(Proof(put, drop))
    return proofs


async def play(store: Store, seed: int, reached: Counter[str]) -> None:
    chance = Random(seed)
    pure, sql = StateJournal(State()), SqlJournal(store, "task", "run", 1)
    for step in range(STEPS):
        if step % 20 == 19:
            for journal in (pure, sql):
                await journal.remember(Memory(), forget=["refs" if step == 39 else "title"])
        proofs = some_proofs(pure.state, chance)
        for journal in (pure, sql):
            await journal.confirm_all(proofs)
        wanted = {end: [f"{end.value[0]}{number}" for number in chance.sample(range(40), 5)] for end in End}
        mine, told = await sql.referring(wanted), await pure.referring(wanted)
        assert by_id(mine) == by_id(told)
        reached["referring"] += bool(mine)
        assert set(await sql.counterparts(End.LEFT, [f"l{n}" for n in range(9)])) == set(pure.state.ids)
        expected = {one.left_id for one in await pure.unsettled(NAMES)}
        found = {one.left_id for one in await sql.unsettled(NAMES)}
        assert expected <= found, (seed, step)
        reached["to be looked at"] += len(expected)
        reached["looked at in vain"] += len(found - expected)
        reached["settled with references"] += sum(
            isinstance(one.left.get("refs"), References) and one.left_id not in found
            for one in (await pure.load()).links
        )
        put_again = [Proof(one) for one in (await pure.load()).links if one.left_id in found - expected]
        await sql.confirm_all(put_again)
        assert {one.left_id for one in await sql.unsettled(NAMES)} == expected, (seed, step)
    assert (await sql.recall()).others == (await pure.recall()).others
    assert by_id(await sql.out_of_sight()) == by_id(await pure.out_of_sight())
    reached["out of sight"] += len(await sql.out_of_sight())


def by_id(links: Any) -> list[Link]:
    return sorted(links, key=lambda one: one.left_id)


def test_a_database_tells_what_a_look_at_every_link_tells(store: Store) -> None:
    reached: Counter[str] = Counter()
    for seed in range(6 if store.engine.dialect.name == "sqlite" else 2):
        asyncio.run(play(store, seed, reached))
        with store.write() as connection:
            for table in (schema.link, schema.reference):
                connection.execute(table.delete())
            connection.execute(schema.node.update().values(linked=None, parked=None))
    print(reached)
    assert reached["referring"] > 20
    assert reached["to be looked at"] > 20
    assert reached["settled with references"] > 20
    assert reached["out of sight"]


async def test_a_pair_in_the_place_of_another_one_is_not_that_one(store: Store) -> None:
    """Both are kept in one transaction with what refers to the first."""
    journal = SqlJournal(store, "task", "run", 1)
    plain = {"refs": References()}
    await journal.confirm(put=Link("l5", "r5", plain, plain))
    refers = {"refs": References((("l5", "r5"),))}
    proofs = [Proof(Link("l1", "r1", refers, refers)), Proof(Link("l5", "r6", plain, plain))]
    await journal.confirm_all(proofs)
    assert [one.left_id for one in await journal.unsettled(("refs",))] == ["l1"]


def rows(store: Store) -> list[tuple[Any, ...]]:
    with store.read() as connection:
        found = [tuple(row) for row in connection.execute(select(schema.reference))]
        shapes = connection.execute(select(schema.link.c.task, schema.link.c.left_id, schema.link.c.shape))
        return sorted([*found, *map(tuple, shapes)], key=repr)


def fill(store: Store) -> None:
    hub = References((("l0", "r0"),), ())
    gone, late = References((("l9", "r9"),)), References((), ("l1",))
    odd = References((), ("z", ""))
    links = [
        Link("l0", "r0", {"refs": References()}, {"refs": References()}),
        Link("l1", "r1", {"refs": hub}, {"refs": hub}),
        Link("l2", "r2", {"refs": gone}, {"refs": gone}),
        Link("l3", "r3", {"refs": late}, {"refs": References()}),
        Link("l4", "r4", {"refs": References((), ("nobody",))}, {"refs": References()}),
        Link("l5", "r5", {"refs": odd}, {"refs": References()}),
        Link("l6", "r6", {"text": "references"}, {"text": '{"$type":"references"}'}),
    ]
    journal = SqlJournal(store, "task", "run", 1)
    # The later ones first: what each refers to comes and goes.
    asyncio.run(journal.confirm_all([Proof(one) for one in reversed(links)]))


def test_what_older_versions_linked_is_looked_through(store: Store) -> None:
    fill(store)
    before = rows(store)
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).parent / "migrations"))
    with store.write() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0014")
        # As an older version had it: it looked at the attributes only.
        connection.execute(schema.link.update().values(shape="0123456789abcdef"))
    store.migrate()
    fresh = {(row[1] if len(row) == 3 else "", row[2]) for row in rows(store) if len(row) == 3}
    assert {left_id for left_id, shape in fresh if shape is None} == {"l2", "l3", "l5"}
    assert [row for row in rows(store) if len(row) == 4] == [row for row in before if len(row) == 4]
    assert {row[1] for row in before if len(row) == 3 and row[2] is None} == {"l2", "l3", "l5"}


def test_it_goes_along_with_a_task(store: Store) -> None:
    fill(store)
    before = rows(store)
    rename(store, "task", "other", {"task": 2, "other": 1}, lambda: None)
    assert rows(store) == [("other", *row[1:]) for row in before]
    with store.snapshot() as connection:
        head, found = export_of(connection, "other", "1")
        kept = list(found)
    forget(store, "other", 2)
    assert rows(store) == []
    take_in(store, "task", 3, head, kept, replace=True)
    assert rows(store) == before


@pytest.mark.parametrize("odd", ["p\0", "p\ud83d", "ü" * 900, ""])
async def test_what_no_database_keeps_is_referred_to_all_the_same(store: Store, odd: str) -> None:
    if odd == "p\ud83d":
        pytest.skip("no base with it can be kept")
    if "\0" in odd:
        odd = odd if store.engine.dialect.name == "sqlite" else "p"
    journal = SqlJournal(store, "task", "run", 1)
    await journal.confirm(put=Link("l1", "r1", {"refs": References((), (odd,))}, {"refs": References()}))
    assert list(await journal.referring({End.LEFT: ["nobody"]})) == []
