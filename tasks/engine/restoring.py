"""Bringing back what an earlier run deleted, for a person who takes that run back."""

from __future__ import annotations

import uuid
from typing import Any

from tasks.engine.writing import WRITES, Writer
from tasks.merge import Effect, Link, Restore
from tasks.sides import ID, End
from tasks.values.canonical import same


async def restore(writer: Writer, action: Restore) -> None:
    """Bring back what an earlier run deleted."""
    adapter = writer.adapters[action.side]
    effect = Effect("create", action.side, action.former_id or None, None, {}, action.values, action.name)
    await writer.bases.journal.begin(None, effect)
    async with writer.slots[action.side]:
        writer.check_lock()
        obj = await adapter.restore(action.former_id) if action.former_id else None
        kind = "restored"
        if obj is None or obj is NotImplemented:
            writer.check_lock()
            key = str(uuid.uuid5(WRITES, f"{writer.task}/{action.side}/again/{action.former_id}"))
            obj, kind = await adapter.create(key, action.values), "created"
    if action.counterpart is not None:
        await _link_again(writer, action, action.counterpart, obj)
    writer.outcome.counts[f"{action.side}_{kind}"] += 1


async def _link_again(writer: Writer, action: Restore, counterpart: ID, obj: Any) -> None:
    """Link an object that was brought back with what it was linked with; base is what both show."""
    adapter = writer.adapters[action.side]
    ids = {action.side: await adapter.id(obj), action.side.opposite: counterpart}
    values = {
        action.side: await adapter.values(obj),
        action.side.opposite: writer.views[action.side.opposite].snapshot.records[counterpart].values,
    }
    agreed = [
        name for name in writer.policy.attributes if same(values[End.LEFT][name], values[End.RIGHT][name])
    ]
    bases = {side: {name: values[side][name] for name in agreed} for side in End}
    await writer.bases.put(Link(ids[End.LEFT], ids[End.RIGHT], bases[End.LEFT], bases[End.RIGHT]))
