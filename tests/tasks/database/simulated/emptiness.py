"""Rows that were there before anybody captured, and fields that users empty."""

from __future__ import annotations

from typing import Any

from tasks.database import SyncRecord

#: The stamp of what was there before anybody captured.
UNKNOWN = 1


def rows_from_before(
    world: Any, models: tuple[str, ...], keys: tuple[str, ...], fields: tuple[str, ...]
) -> None:
    """Some nodes begin with rows of the same keys, and know nothing of when they were written."""
    chance = world.random.random
    if chance() < 0.6:
        return
    found: dict[tuple[str, str, str], set[bool]] = {}
    for node in world.nodes:
        for label in models:
            for key in keys:
                if chance() < 0.6:
                    continue
                values = {name: value(world, name) for name in fields}
                data, stamps = {"id": key, **values}, dict.fromkeys(("id", *fields), UNKNOWN)
                for name in fields:
                    if values[name] is None and chance() < 0.5:
                        del stamps[name]  # a column that came later
                node.put_row(label, SyncRecord(key, data, stamps))
                world.oracle.edit(label, key, values, UNKNOWN, None)
                world.reach["known_before"] += 1
                for name in fields:
                    found.setdefault((label, key, name), set()).add(values[name] is None)
    world.reach["tie_with_null"] += sum(both == {True, False} for both in found.values())


def value(world: Any, name: str) -> str | None:
    """What a user writes: a value that nobody has written before, or nothing."""
    # Of what a backup takes back the oracle knows nothing but the values themselves.
    if world.restores is None and world.random.random() < 0.1:
        world.reach["emptied"] += 1
        return None
    world.values += 1
    return f"v{world.values}{name}"
