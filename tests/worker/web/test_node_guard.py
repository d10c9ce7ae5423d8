"""What would destroy much of a node's table waits for a person, whichever of the two nodes has the table."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import redis

from config import get_settings, load_settings
from tasks.database.sql.declared import open_node, read_nodes
from tasks.engine.report import Order
from tasks.node_task import DeclaredNode
from worker.cli.runs import plans
from worker.lock import MemorySyncLock
from worker.session.run import run_session
from worker.store import RunRecord, Store
from worker.telling.exit_codes import ExitCode
from worker.telling.failures import CommandError
from worker.web.application import make_app
from worker.web.nodes import nodes
from worker.web.resources import Resources

from .conftest import serve_app

ROWS = 40


class Pair:
    """A laptop that asks an office over HTTP; one store holds the runs and plans of both."""

    def __init__(self, tmp_path: Path, client: redis.Redis, store: Store, stack: ExitStack) -> None:
        self.files = {name: tmp_path / f"{name}.db" for name in ("office", "laptop")}
        for file in self.files.values():
            self.run(file, "CREATE TABLE city (id TEXT PRIMARY KEY, name TEXT, note TEXT)")
        self.store = store
        secret = "a secret of both nodes"
        shared = {"tables": ["city"]}
        office = {
            **shared,
            "name": "office",
            "database": f"sqlite:///{self.files['office']}",
            "answers": [{"node": "laptop", "secret": secret}],
        }
        settings = load_settings(redis_url="redis://127.0.0.1:1/0", node=[office])
        resources = Resources(settings, client, store, {}, lambda task, message, expires: None)
        open_node(read_nodes([office])[0]).close()  # edits are captured from now on
        url = serve_app(make_app(resources, [nodes]), stack)
        [table] = read_nodes(
            [
                {
                    **shared,
                    "name": "laptop",
                    "database": f"sqlite:///{self.files['laptop']}",
                    "every": "30s",
                    "peer": {"node": "office", "url": url, "secret": secret},
                }
            ]
        )
        open_node(table).close()
        self.task = DeclaredNode(table)

    @staticmethod
    def run(file: Path, *statements: str) -> list[Any]:
        with sqlite3.connect(file) as connection:
            rows = [connection.execute(statement).fetchall() for statement in statements][-1]
        connection.close()
        return rows

    def edit(self, name: str, *statements: str) -> None:
        self.run(self.files[name], *statements)

    def rows(self, name: str) -> list[Any]:
        return self.run(self.files[name], "SELECT id, name, note FROM city ORDER BY id")

    def sync(
        self, order: Order | None = None, kind: str | None = None, *, dry_run: bool = False
    ) -> RunRecord:
        lock = MemorySyncLock()
        try:
            session = run_session(
                self.task, store=self.store, lock=lock, order=order, kind=kind, dry_run=dry_run
            )
            return asyncio.run(session)
        finally:
            lock.close()


@pytest.fixture
def pair(
    tmp_path: Path, client: redis.Redis, store: Store, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Pair]:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'lockstep.db'}")
    monkeypatch.setenv("LOCKSTEP_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "300")
    get_settings.cache_clear()
    with ExitStack() as stack:
        made = Pair(tmp_path, client, store, stack)
        insert = [
            f"INSERT INTO city VALUES ('c{number:02}', 'name {number}', 'note')" for number in range(ROWS)
        ]
        made.edit("office", *insert)
        record = made.sync()
        assert (record.status, record.counts["applied"]) == ("succeeded", ROWS)
        yield made
    get_settings.cache_clear()


@pytest.mark.parametrize(
    ("statement", "verb"),
    [
        ("DELETE FROM city WHERE id < 'c30'", "delete"),
        ("UPDATE city SET name = NULL WHERE id < 'c30'", "blank 'name' on"),
        ("UPDATE city SET name = 'oops' WHERE id < 'c30'", "change 'name' on"),
    ],
    ids=["delete", "blank", "change"],
)
def test_the_asking_node_halts_and_keeps_a_plan(
    pair: Pair, capsys: pytest.CaptureFixture[str], statement: str, verb: str
) -> None:
    before = pair.rows("laptop")
    pair.edit("office", statement)
    planned = pair.sync(dry_run=True)
    assert (planned.status, planned.plan is not None) == ("planned", True)
    assert f"would {verb} 30 of 40 rows of 'city' ('c00', 'c01', 'c02', …) on node 'laptop'" in planned.reason
    for _ in range(2):
        record = pair.sync()
        assert record.status == "halted"
        assert f"would {verb} 30 of 40 rows of 'city'" in record.reason
        assert pair.rows("laptop") == before
    assert record.counts == {f"planned_{verb.split()[0]}": 30}
    [kept] = pair.store.plans.list("laptop")
    assert record.reason.endswith(f"To let just this through: lockstep apply {kept.id}")
    assert plans.plans(kept.id, as_json=False) == ExitCode.OK
    shown = capsys.readouterr().out
    assert "c29" in shown
    assert verb.split()[0] in shown

    for more in (
        "DELETE FROM city WHERE id = 'c30'",
        "UPDATE city SET name = 'oops' WHERE id = 'c31'",
        "UPDATE city SET name = NULL WHERE id = 'c32'",
    ):
        pair.edit("office", more)
    record = pair.sync(Order(plan_id=kept.id), "apply")
    assert record.status == "halted"
    assert record.reason.startswith(f"this is not plan {kept.id} any more: ")
    assert pair.rows("laptop") == before
    [kept] = pair.store.plans.list("laptop")
    record = pair.sync(Order(plan_id=kept.id), "apply")
    assert record.status == "succeeded", record.reason
    assert pair.rows("laptop") == pair.rows("office")
    assert pair.store.plans.list("laptop")[0].applied_by == record.run_id
    assert pair.sync(Order(plan_id=kept.id), "apply").status == "skipped"
    assert pair.sync().counts == {}


def test_the_answering_node_refuses_and_says_how_it_is_let_through(
    pair: Pair, capsys: pytest.CaptureFixture[str]
) -> None:
    before = pair.rows("office")
    pair.edit("laptop", "DELETE FROM city WHERE id <= 'c35'")
    pair.edit("office", "INSERT INTO city VALUES ('new', 'made in the office', '')")
    for _ in range(2):
        record = pair.sync()
        assert record.status == "halted"
        assert "the peer refused: this run would delete 36 of 41 rows of 'city'" in record.reason
        assert pair.rows("office") == [*before, ("new", "made in the office", "")]
    [kept] = pair.store.plans.list("office")
    assert record.reason.endswith(f"on that node: lockstep apply {kept.id}")
    assert not pair.store.plans.list("laptop"), "there is nothing to let through on the node that asked"

    assert plans.apply(kept.id, as_json=False) == ExitCode.OK
    assert "is let through when the peer asks again" in capsys.readouterr().out
    with pytest.raises(CommandError, match="it waits for the peer to ask again"):
        plans.apply(kept.id, as_json=False)
    plans.plans(None, as_json=False)
    assert "let through" in capsys.readouterr().out
    record = pair.sync()
    assert record.status == "succeeded", record.reason
    assert pair.rows("laptop") == pair.rows("office")
    assert len(pair.rows("office")) == 5
    assert pair.sync().counts == {}

    pair.edit("office", *(f"INSERT INTO city VALUES ('d{number}', 'x', 'x')" for number in range(ROWS)))
    assert pair.sync().status == "succeeded"
    pair.edit("laptop", "DELETE FROM city")
    assert pair.sync().status == "halted", "the guard is armed again"


def test_a_run_of_a_node_leaves_what_it_was_asked_to_do_waiting(store: Store) -> None:
    from tasks.database.exceptions import MassChangeError
    from tasks.database.storages.guard import Kind, Lost, MassChange
    from tasks.node_task import plan_of
    from worker.store.tables.plans import ANSWERING

    lost = tuple(Lost(str(number), {"id": str(number)}, None) for number in range(30))
    answered = plan_of(MassChangeError("x", (MassChange(Kind("m", "delete"), 30, 40, "a", lost),)))
    asked = plan_of(MassChangeError("x", (MassChange(Kind("m", "delete"), 200, 300, "b", lost),)))
    first = store.plans.keep("hub", answered, "why", f"{ANSWERING}hub")
    second = store.plans.keep("hub", asked, "why", "run")
    assert {kept.id for kept in store.plans.list("hub")} == {first, second}
    store.plans.expire("hub")
    assert [kept.id for kept in store.plans.list("hub")] == [first]
    assert not store.plans.use("hub", first, "peer")
    assert store.plans.allow("hub", first)
    assert not store.plans.allow("hub", first)
    assert store.plans.use("hub", first, "peer")
    assert not store.plans.use("hub", first, "peer")


# -- the ledger -------------------------------------------------------------------------------------------------


def test_what_loses_in_an_answer_is_in_the_ledger_with_both_nodes(pair: Pair) -> None:
    pair.edit("office", "UPDATE city SET name = 'Berlin' WHERE id = 'c07'")
    pair.edit("laptop", "UPDATE city SET name = 'Bonn' WHERE id = 'c07'")
    assert pair.sync().status == "succeeded"
    [(_, stays, _)] = [row for row in pair.rows("office") if row[0] == "c07"]
    [record] = pair.store.conflicts.list()
    entry = record.entry
    assert (record.task, entry.model, entry.attribute, entry.name.title) == ("office", "city", "name", stays)
    places = {"Berlin": "office", "Bonn": "laptop"}
    assert [(one.where, one.id, one.value) for one in entry.stayed] == [(places[stays], "c07", stays)]
    assert {one.where: one.value for one in entry.versions} == {place: city for city, place in places.items()}
    assert entry.why == f"name edited on office and laptop; that of {places[stays]} stays"
