"""What people call objects, in the store: kept with held objects, conflicts, undo data and runs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

from tasks.journal.contract import Memory
from tasks.journal.ledger import LedgerEntry
from tasks.merge import Effect, End, Held, Name
from tests.tasks.ledger_entries import entry
from worker.store import RunRecord, SqlJournal, Store
from worker.store.migrating import MIGRATIONS

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MILK = Name("Milk", "https://notes.example.org/1")
ODD = Name("a\0b\ud800 Bearer abcdefghijklmnop", "")


def conflict(name: Name, attribute: str = "A") -> LedgerEntry:
    return entry(attribute=attribute, base=1, left=2, right=3, winner=None, rule="error", name=name)


def entered(store: Store) -> SqlJournal:
    """The journal of a run that is in the history."""
    assert store.runs.start(RunRecord(run_id="r1", task="t", status="running", fence=1), None) is None
    return SqlJournal(store, "t", "r1", 1)


async def test_names_come_back(store: Store) -> None:
    journal = entered(store)
    effect = Effect("update", End.LEFT, "n1", "o1", {"A": 1}, {"A": 2}, MILK)
    await journal.begin(None, effect)
    await journal.keep_conflict(conflict(MILK))
    await journal.keep_conflict(conflict(Name("Oat milk")))  # the same conflict, by a newer title
    await journal.keep_conflict(conflict(Name(), "B"))
    held = (Held(("n1", ""), "why", "x", 0, NOW, NOW, MILK), Held(("n2", ""), "why", "x", 0, NOW, NOW))
    await journal.remember(Memory(held=held))
    assert [one.name for one in store.effects.of_run("r1")] == [MILK]
    nameless, named = store.conflicts.list("t")
    assert (named.entry.name, nameless.entry.name) == (MILK, Name())
    assert {one.pair[0]: one.name for one in store.memories.held("t")} == {"n1": MILK, "n2": Name()}
    assert {one.name for one in (await journal.load()).memory.held} == {MILK, Name()}


async def test_a_title_that_a_database_does_not_take_or_that_holds_a_secret(store: Store) -> None:
    journal = entered(store)
    await journal.keep_conflict(conflict(ODD))
    await journal.remember(Memory(held=(Held(("n1", ""), "why", "x", 0, NOW, NOW, ODD),)))
    record = RunRecord(run_id="r1", task="t", status="failed", names={(End.LEFT, "n1"): ODD}, reason="n1")
    store.runs.finish(record)
    (kept,) = store.conflicts.list("t")
    (held,) = store.memories.held("t")
    (run,) = store.runs.list("t")
    for title in (kept.entry.name.title, held.name.title, run.names[End.LEFT, "n1"].title):
        assert title.startswith("a\\0b\\ud800 Bearer")
        assert "abcdefghijklmnop" not in title


def test_a_run_says_titles_to_people_and_ids_to_all_others(store: Store) -> None:
    record = RunRecord(
        run_id="r1", task="t", status="failed", reason="update page-0001 in Notion: no",
        notes=["update page-0001 in Notion: no", "leave 1 in the other side: x"],
        names={("Notion", "page-0001"): MILK, ("the other side", "1"): Name("One")},
    )  # fmt: skip
    store.runs.enter(record)
    (kept,) = store.runs.list("t")
    assert (kept.reason, list(kept.notes)) == (record.reason, list(record.notes))
    assert kept.told().reason == "update “Milk” in Notion: no"
    assert list(kept.told().notes) == ["update “Milk” in Notion: no", "leave “One” in the other side: x"]
    for shown in (str(kept.to_json()), repr(kept)):
        assert "Milk" not in shown


@pytest.mark.parametrize("table", ["conflict", "held", "effect"])
async def test_rows_of_an_older_version_have_no_title(
    open_store: Callable[[], Store], url: str, table: str
) -> None:
    store = open_store()
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with store.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
        connection.execute(text(ROWS[table]), {"now": "2026-01-01 00:00:00"})
        connection.execute(text(RUN), {"now": "2026-01-01 00:00:00"})
    store.migrate()
    match table:
        case "conflict":
            assert [one.entry.name for one in store.conflicts.list("t")] == [Name()]
        case "held":
            assert [one.name for one in store.memories.held("t")] == [Name()]
        case _:
            assert [one.name for one in store.effects.of_run("r")] == [Name()]
    assert [run.told().reason for run in store.runs.list("t")] == ["update n1 in Notion"]


RUN = (
    "INSERT INTO run (id, task, status, reason, counts, notes, fence, host, pid, started_at) "
    "VALUES ('r', 't', 'failed', 'update n1 in Notion', '{}', '[]', 0, '', 0, :now)"
)
ROWS = {
    "conflict": (
        "INSERT INTO conflict (task, fingerprint, run_id, at, notion_id, other_id, base, notion, other, rule) "
        "VALUES ('t', 'f', 'r', :now, 'n1', 'o1', '1', '2', '3', 'error')"
    ),
    "held": (
        "INSERT INTO held (task, notion_id, other_id, reason, content, failures, since, next_try) "
        "VALUES ('t', 'n1', '', 'why', 'x', 0, :now, :now)"
    ),
    "effect": (
        "INSERT INTO effect (task, run_id, at, kind, side, target_id, source_id, before, after) "
        "VALUES ('t', 'r', :now, 'update', 'notion', 'n1', 'o1', '{}', '{}')"
    ),
}
