"""Reading only what changed on a side: the base, brought up to date, as a snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tasks.engine.adapter import Adapter
from tasks.engine.views import SideView, read_side, view_of
from tasks.errors import CursorExpiredError, ItemError, TaskDefinitionError
from tasks.journal.contract import Base
from tasks.merge import ID, End, Record
from tasks.sides import Changes, Listing

#: With more objects in doubt than this, listing the whole side is the smaller effort.
MANY = 100


async def read_view(adapter: Adapter, base: Base, *, full: bool) -> SideView:
    """A side as it is now: by its changes since the cursor where that is enough, else by a full listing.

    Args:
        adapter: the side.
        base: what is remembered of the task.
        full: list in full in any case.

    Raises:
        TaskDefinitionError: the mapping names an attribute that the objects do not have.
        SideError: the side cannot be read.
    """
    cursor = base.memory.cursors.get(adapter.end)
    view = None if full or cursor is None else await _changed_view(adapter, base, cursor.value)
    return view or await read_side(adapter)


async def _changed_view(adapter: Adapter, base: Base, cursor: Any) -> SideView | None:
    """The side by its changes; `None` where they are not enough."""
    doubtful = _in_doubt(adapter, base)
    if len(doubtful) > MANY:
        return None
    try:
        changes = await adapter.call(adapter.side.changes, cursor)
    except CursorExpiredError:
        return None
    if changes is NotImplemented or changes is None:
        return None
    if not isinstance(changes, Changes):
        raise TaskDefinitionError(
            f"task {adapter.task!r}: {adapter.side.spelled('changes')} must return Changes, "
            f"not {type(changes).__name__}"
        )
    if changes.partial is not None:
        return None
    deleted = {str(one) for one in changes.deleted}
    named = await view_of(adapter, Listing(changes.changed, unreadable=changes.unreadable))
    if named.snapshot.partial is not None:  # an object without an id: who knows which one
        return None
    seen = named.snapshot.records.keys() | named.snapshot.unreadable.keys()
    asked = await _ask(adapter, sorted(doubtful - deleted - seen))
    side, elsewhere = adapter.end, doubtful | deleted
    records = {
        obj_id: Record(obj_id, link.base_on(side))
        for link in base.links
        if side not in link.parked and (obj_id := link.id_on(side)) not in elsewhere
    }
    records |= asked.snapshot.records
    records |= named.snapshot.records
    unreadable = {**asked.snapshot.unreadable, **named.snapshot.unreadable}
    hashes = {**asked.snapshot.unreadable_hashes, **named.snapshot.unreadable_hashes}
    for obj_id in unreadable:
        records.pop(obj_id, None)
    return replace(
        named,
        snapshot=replace(named.snapshot, records=records, unreadable=unreadable, unreadable_hashes=hashes),
        objects={**asked.objects, **named.objects},
        cursor=changes.cursor,
        full=False,
    )


def _in_doubt(adapter: Adapter, base: Base) -> set[ID]:
    """Objects of which the base does not say what they show, changed or not."""
    side = adapter.end
    attributes = set(adapter.mapping.names)
    doubtful = {
        link.id_on(side)
        for link in base.links
        if side not in link.parked
        and not (attributes <= link.left.keys() and attributes <= link.right.keys())
    }
    linked = base.links if base.intents or base.memory.held else ()
    partners = {(one, link.id_on(one)): link.id_on(side) for link in linked for one in End}
    for held in base.memory.held:  # the change that it waits with was told before the cursor
        for one, held_id in zip(End, held.pair, strict=True):
            doubtful.add(held_id if one is side else partners.get((one, held_id), ""))
    for intent in base.intents:
        for one, obj_id in ((intent.side, intent.target_id), (intent.side.opposite, intent.source_id)):
            if obj_id is not None:
                doubtful.add(obj_id if one is side else partners.get((one, obj_id), ""))
    # What is out of sight is there to be read all the same, and would seem to be back.
    return doubtful - {""} - {link.id_on(side) for link in base.links if side in link.parked}


async def _ask(adapter: Adapter, ids: Sequence[ID]) -> SideView:
    """These objects, one by one; those that are not there are left out."""
    found = []
    unreadable: dict[ID, str] = {}
    for obj_id in ids:
        try:
            obj = await adapter.call(adapter.side.get, obj_id)
        except ItemError as error:
            unreadable[obj_id] = str(error)
            continue
        if obj is not None:
            found.append(obj)
    return await view_of(adapter, Listing(found, unreadable=unreadable))
