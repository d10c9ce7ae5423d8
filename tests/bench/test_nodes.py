"""The bench of nodes, in small: it runs real processes, and would tell if their tables were not equal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench import nodes
from bench.two_nodes import databases
from bench.two_nodes.contest import Contender, play

pytestmark = pytest.mark.processes


def test_an_exchange_is_measured_on_both_nodes() -> None:
    with databases.databases("sqlite") as made:
        first, changed, one, nothing = play(nodes.OURS, 300, made.make)
    assert (first.count, changed.count, one.count, nothing.count) == (300, 15, 1, 0)
    assert first.bytes > changed.bytes > one.bytes > nothing.bytes > 0
    assert min(*first.cpu, *first.memory) > 0


def test_tables_that_differ_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "FIELDS", ("id",))
    lazy = replace(nodes.ROW_BY_ROW, name="lazy")
    with databases.databases("sqlite") as made:

        class Forgetful(Contender):
            def run(self, database: str, *words: str) -> str:
                said = super().run(database, *words)
                if words[0] == "ask":
                    databases.run(database, "DELETE FROM item WHERE id = 1")
                return said

        with pytest.raises(RuntimeError, match="lazy, first sync: the tables are not equal"):
            list(play(Forgetful(lazy.name, lazy.module), 10, made.make))
