"""What `--json` prints: one form for all commands that have it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from config import get_settings
from tasks.merge import Delete, End, Link, Plan
from tests.tasks.ledger_entries import SIDES, entry
from tests.worker.cli.conftest import Here
from worker.cli.app import app
from worker.machine.kept_lines import Keeper, file_of
from worker.machine.redis_server import RedisServer
from worker.store.tables.conflicts import Conflicts
from worker.store.tables.links import Links
from worker.telling.screen import JSON_VERSION, print_json

NODES = """
[[node]]
name = "one"
tables = ["customer"]
database = "sqlite:///one.db"
every = "1h"
peer = {node = "two", url = "http://127.0.0.1:9", secret = "env:NODE_SECRET"}

[[node]]
name = "two"
tables = ["customer"]
database = "sqlite:///two.db"
answers = [{node = "one", secret = "env:NODE_SECRET"}]
"""

#: By command: what is typed after it, and whether it lists things. `{…}` is filled in by the test.
TYPED: dict[str, list[tuple[str, bool]]] = {
    "plans": [("", True), ("{plan}", True)],
    "reject": [("{plan}", False)],
    "apply": [("{plan}", False)],
    "run": [("to-dos", False), ("--all", True)],
    "export": [("to-dos --to state.jsonl", False)],
    "import": [("state.jsonl --replace --yes", False)],
    "plan": [("to-dos", False)],
    "history": [("to-dos", True), ("--all", True)],
    "runs show": [("{run}", False)],
    "why": [("to-dos Milk", False)],
    "undo": [("{run}", False)],
    "conflicts": [("", True), ("--id 1", False), ("--done 1", False)],
    "held": [("", True)],
    "rename": [("old strict --dry-run", False)],
    "prune": [("--dry-run", False)],
    "status": [("", False), ("to-dos", False)],
    "alerts": [("", False)],
    "tasks": [("", True)],
    "schedule": [("", True)],
    "services": [("", True), ("notion", False)],
    "verify": [("to-dos --histories 3", False)],
    "logs": [("", True)],
    "doctor": [("--timeout 5", False)],
    "webhooks show": [("", False)],
    "nodes list": [("", True)],
    "nodes status": [("", True)],
    "nodes compare": [("one two", True), ("one two --repair", True)],
    "nodes restamp": [("one --dry-run", False)],
}


def with_json(group: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    """The commands that have `--json`."""
    for name, command in group.commands.items():
        if any("--json" in parameter.opts for parameter in command.params):
            yield " ".join((*path, name))
        if hasattr(command, "commands"):
            yield from with_json(command, (*path, name))


def test_every_command_with_json_is_tried_here() -> None:
    assert set(with_json(typer.main.get_command(app))) == set(TYPED)


@pytest.fixture
def filled(here: Here, shared_redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Something for every command to tell."""
    monkeypatch.setenv("REDIS_URL", shared_redis.url)
    monkeypatch.setenv("NODE_SECRET", "a-secret-of-two-nodes-that-is-long-enough")
    here.toml.write_text(here.toml.read_text() + NODES)
    for name in ("one", "two"):
        with sqlite3.connect(here.project / f"{name}.db") as database:
            database.execute("CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT)")
        here("nodes", "capture", name)
    here("run", "to-dos")
    store = here.store
    gone = Plan((Delete(side=End.LEFT, left_id="n1", right_id="o1", reason="gone"),), 0, {}, labels=SIDES)
    with store.write() as connection:
        Links.put(connection, "old", Link("a", "b", {}, {}), "r0")
        Conflicts.keep(connection, "to-dos", entry(), "r1")
    plan = store.plans.keep("to-dos", gone, "too much", "r1")
    (run,) = store.runs.list("to-dos")
    store.close()
    Keeper(file_of(get_settings().state_dir), str).keep("worker", "one")
    return {"plan": plan, "run": run.run_id}


def test_every_document_has_the_version_and_lists_have_items(here: Here, filled: dict[str, str]) -> None:
    for command, ways in TYPED.items():
        for typed, lists in ways:
            words = [*command.split(), *typed.format(**filled).split(), "--json"]
            told = json_of(here, words)
            assert told["version"] == JSON_VERSION == 1, words
            assert ("items" in told) is lists, words
            assert len(told) > 1, words
            if lists:
                assert set(told) == {"version", "items"}, words
                assert isinstance(told["items"], list), words


def json_of(here: Here, words: list[str]) -> dict[str, Any]:
    """What a command printed, however it ended."""
    get_settings.cache_clear()
    done = here.invoke(*words)
    shown = done.stdout
    assert shown.startswith("{"), (words, done.output, done.exception)
    told = json.loads(shown)
    assert isinstance(told, dict), words
    return told


def test_nothing_that_is_told_is_taken_for_the_version_of_the_form(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(ValueError, match="another name"):
        print_json({"version": "5.7"})
    assert capsys.readouterr().out == ""
    print_json([])
    assert json.loads(capsys.readouterr().out) == {"version": 1, "items": []}
