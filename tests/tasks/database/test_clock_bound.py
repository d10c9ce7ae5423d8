"""The bound of a node's clock outlives what is undone, whatever the storage offers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tasks.database import DatabaseEngine, DependencyGraph, HybridLogicalClock
from tests.tasks.database.simulated.nodes import GRAPH, CrashingStorage
from tests.tasks.database.simulated.page_style import PageStyleStorage

MINUTE = 60_000 << 16


class HaltedError(Exception):
    """What ends an exchange, and undoes its transaction."""


@pytest.mark.parametrize(
    "wrap",
    [lambda inner: PageStyleStorage(inner, stubborn=False), lambda inner: inner],
    ids=["page", "memory"],
)
def test_a_clock_never_goes_back_behind_what_was_undone(wrap: Callable[[CrashingStorage], Any]) -> None:
    storage = wrap(CrashingStorage())

    def started() -> tuple[HybridLogicalClock, DatabaseEngine]:
        clock = HybridLogicalClock(wall=lambda: 1_700_000_000_000)
        return clock, DatabaseEngine(storage, DependencyGraph(GRAPH), clock, "n1")

    clock, engine = started()

    def exchange() -> None:
        with engine._node.work():
            clock.receive(clock.now() + MINUTE)  # a peer's clock is ahead
            raise HaltedError

    with pytest.raises(HaltedError):
        exchange()
    given = clock.now()
    again, _ = started()
    assert again.now() > given
