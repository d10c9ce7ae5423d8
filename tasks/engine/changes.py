"""Reading only what changed on a side: the base, brought up to date, as a snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tasks.engine.adapter import Adapter
from tasks.engine.reading import read_side, view_of
from tasks.engine.views import SideView
from tasks.errors import CursorExpiredError, ItemError, TaskDefinitionError
from tasks.journal.contract import Base
from tasks.merge import ID, End, Link, Record, unknown_rests
from tasks.sides import Changes, Listing

#: With more objects in doubt than this, listing the whole side is the smaller effort.
MANY = 100


@dataclass(frozen=True, slots=True)
class Since:
    """What changed on a side since its cursor, and what was asked of objects in doubt."""

    named: SideView
    asked: SideView
    #: Objects for which the base does not speak: it is in doubt, or they are deleted.
    elsewhere: frozenset[ID]
    cursor: Any

    @property
    def ids(self) -> set[ID]:
        """All objects that it is about."""
        return set(self.elsewhere).union(self.shown)

    @property
    def shown(self) -> set[ID]:
        """Those of them that are there."""
        snapshots = self.named.snapshot, self.asked.snapshot
        return set[ID]().union(*((*one.records, *one.unreadable) for one in snapshots))

    def view(self, links: Iterable[Link]) -> SideView:
        """The side as it is now, as far as these links go: all that did not change shows its base."""
        named, asked, side = self.named.snapshot, self.asked.snapshot, self.named.adapter.end
        records = {
            obj_id: Record(obj_id, link.base_on(side))
            for link in links
            if side not in link.parked and (obj_id := link.id_on(side)) not in self.elsewhere
        }
        records |= asked.records
        records |= named.records
        unreadable = {**asked.unreadable, **named.unreadable}
        for obj_id in unreadable:
            records.pop(obj_id, None)
        return replace(
            self.named,
            snapshot=replace(
                named,
                records=records,
                unreadable=unreadable,
                unreadable_hashes={**asked.unreadable_hashes, **named.unreadable_hashes},
                full=False,
            ),
            objects={**self.asked.objects, **self.named.objects},
            cursor=self.cursor,
            full=False,
        )


async def read_changes(adapter: Adapter, base: Base, cursor: Any) -> Since | None:
    """What changed on a side since a cursor; `None` where it has to be listed in full.

    Args:
        adapter: the side.
        base: what is remembered of the task; of its links, at least those that are not settled and those of what
            earlier runs left.
        cursor: the side's own word for where the changes start.

    Raises:
        TaskDefinitionError: the mapping names an attribute that the objects do not have.
        SideError: the side cannot be read.
    """
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
    return Since(named, asked, frozenset(doubtful | deleted), changes.cursor)


async def read_rests(views: Mapping[End, SideView], links: Sequence[Link]) -> dict[End, SideView]:
    """The views with what is across from a missing object, read where a new object may be that one made again.

    Raises:
        SideError: a side cannot be read.
    """
    if all(view.full for view in views.values()):  # every object of a listing says its key
        return dict(views)
    wanted = unknown_rests(links, {side: view.snapshot for side, view in views.items()})
    return {side: await _read_besides(view, wanted[side]) for side, view in views.items()}


async def _read_besides(view: SideView, ids: Sequence[ID]) -> SideView:
    if view.full or not ids:
        return view
    if len(ids) > MANY:
        return await read_side(view.adapter)
    asked = await _ask(view.adapter, ids)
    unreadable = {**view.snapshot.unreadable, **asked.snapshot.unreadable}
    records = {**view.snapshot.records, **asked.snapshot.records}
    return replace(
        view,
        snapshot=replace(
            view.snapshot,
            records={obj_id: record for obj_id, record in records.items() if obj_id not in unreadable},
            unreadable=unreadable,
            unreadable_hashes={**view.snapshot.unreadable_hashes, **asked.snapshot.unreadable_hashes},
        ),
        objects={**view.objects, **asked.objects},
    )


def _in_doubt(adapter: Adapter, base: Base) -> set[ID]:
    """Objects of which the base does not say what they show, changed or not."""
    side = adapter.end
    attributes = set(adapter.mapping.names)
    doubtful = {
        link.id_on(side)
        for link in base.links
        if side not in link.parked
        and not link.apart
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
