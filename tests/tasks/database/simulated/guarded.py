"""Nodes that halt what would destroy much of a table, and the person who lets it through."""

from __future__ import annotations

from typing import Any

from tasks.database.exceptions import MassChangeError
from tasks.database.storages.guard import Guard


def guard(world: Any) -> Guard | None:
    """Some nodes are watched, as if their few rows were a mass."""
    if world.random.random() < 0.3:
        return Guard(0.5, 0.5, world.random.choice([0, 1]))
    return None


def approve(world: Any, error: MassChangeError) -> bool:
    """While there are faults, a person is not always at hand; in the end everything is let through."""
    assert all(change.number <= change.rows for change in error.changes), str(error)
    through = not world.faults or bool(world.random.random() < 0.4)
    world.reach["let_through" if through else "halted"] += 1
    return through
