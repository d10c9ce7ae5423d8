"""Real worker and beat processes over a real Redis."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import ProbeSpec, Stack, eventually

pytestmark = pytest.mark.processes


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with Stack(tmp_path, ProbeSpec(every=1), lease_seconds=2) as stack:
        yield stack


def test_edits_cross_both_ways(stack: Stack) -> None:
    sides = stack.sides()
    milk = sides.notion.create(Name="milk", Done=False)
    sides.other.create(title="tea", done=True)
    stack.worker()
    stack.beat()
    eventually(sides.equal, 30)
    assert len(sides.other.rows()) == 2

    sides.notion.update(milk.id, Done=True)
    eventually(sides.equal, 15)
    assert {row.attrs["title"]: row.attrs["done"] for row in sides.other.rows()} == {
        "milk": True,
        "tea": True,
    }
    sides.notion.delete(milk.id)
    eventually(lambda: len(sides.other.rows()) == 1, 15)
    assert sides.overlapping() == []


def test_a_killed_worker_is_made_up_for_by_another(stack: Stack) -> None:
    sides = stack.sides()
    for number in range(6):
        sides.notion.create(Name=f"row {number}", Done=False)
    sides.other.be_slow(after=0.5)
    first = stack.worker()
    stack.beat()
    eventually(sides.other.writes, 30)
    first.kill()
    sides.other.be_slow()
    stack.worker()
    eventually(sides.equal, 30)
    assert sides.other.duplicates("title") == {}
    assert sides.overlapping() == []


def test_a_restart_of_redis_ends_neither_worker_nor_beat(stack: Stack) -> None:
    sides = stack.sides()
    worker, beat = stack.worker(), stack.beat()
    sides.notion.create(Name="before", Done=False)
    eventually(sides.equal, 30)
    sides.other.be_slow(after=1.0)
    sides.notion.create(Name="meanwhile", Done=False)
    eventually(lambda: len(sides.other.rows()) == 2, 15)
    stack.redis.restart()
    sides.other.be_slow()
    sides.notion.create(Name="after", Done=False)
    eventually(lambda: sides.equal() and len(sides.other.rows()) == 3, 30)
    assert worker.running, worker.tail()
    assert beat.running, beat.tail()
    assert sides.overlapping() == []
