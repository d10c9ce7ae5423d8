"""Two services in memory and a task between them, to try a mapping without touching the real sides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tasks.conflict_modes import ConflictMode
from tasks.errors import ItemError
from tasks.sides.listing import Listing
from tasks.sync_task.task import SyncTask
from tasks.values.lossy import Lossy

#: What a task says of its merge.
POLICIES = (
    "conflict_modes",
    "resolver",
    "edit_beats_delete",
    "lossy",
    "notion_granularity",
    "other_granularity",
    "delete_share",
    "change_share",
    "handful",
)


@dataclass(slots=True)
class MemoryObject:
    """An object as a client library would give it: a copy."""

    id: str
    values: dict[str, Any]
    edited: datetime


@dataclass(slots=True)
class MemorySide:
    """A service that keeps objects in memory, with a clock of its own."""

    name: str
    objects: dict[str, MemoryObject] = field(default_factory=dict)
    made: int = 0
    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def all(self) -> list[MemoryObject]:
        """Copies of all objects."""
        return [self._copy(obj) for obj in self.objects.values()]

    def next_id(self) -> str:
        """The id of the object that is made next."""
        return f"{self.name}-{self.made + 1}"

    def create(self, values: Mapping[str, Any]) -> MemoryObject:
        """A new object."""
        obj_id = self.next_id()
        self.made += 1
        self.now += timedelta(seconds=1)
        obj = MemoryObject(obj_id, dict(values), self.now)
        self.objects[obj.id] = obj
        return self._copy(obj)

    def update(self, obj_id: str, values: Mapping[str, Any]) -> MemoryObject:
        """Replace what an object holds.

        Raises:
            ItemError: there is no such object.
        """
        if obj_id not in self.objects:
            raise ItemError(f"{obj_id} is not there")
        self.now += timedelta(seconds=1)
        obj = self.objects[obj_id]
        obj.values = dict(values)
        obj.edited = self.now
        return self._copy(obj)

    def delete(self, obj_id: str) -> None:
        """Delete an object, if it is there."""
        self.objects.pop(obj_id, None)

    @staticmethod
    def _copy(obj: MemoryObject) -> MemoryObject:
        return MemoryObject(obj.id, dict(obj.values), obj.edited)


class MemoryTask(SyncTask):
    """A task between two services in memory.

    Attributes:
        sides: both services; their clocks can be set.
    """

    def __init__(
        self,
        name: str,
        attr_map: Mapping[str, str],
        conflict_mode: ConflictMode | str = ConflictMode.NEWER,
        *,
        key: str | None = None,
        key_form: Callable[[Any], str] = str,
        lossy: Mapping[str, Lossy] | None = None,
    ) -> None:
        super().__init__(name, dict(attr_map), conflict_mode)
        self.sides = {side: MemorySide(side) for side in ("notion", "other")}
        #: The attribute by which objects are paired, and what of it counts.
        self.key = key or next(iter(attr_map))
        self.key_form = key_form
        self.lossy = lossy or {}

    def take_policies(self, task: SyncTask) -> None:
        """Settle conflicts as another task does. Of it nothing is called but its resolver, which is pure."""
        for policy in POLICIES:
            setattr(self, policy, getattr(task, policy))

    def advance(self, time: timedelta) -> None:
        """Let time pass on both sides."""
        for side in self.sides.values():
            side.now += time

    def written(self, side: str, held: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
        """What an object holds after values, by Notion attribute, were written to it; `held` is empty for a new one."""
        kept = dict(held)
        for name, value in values.items():
            lossy = self.lossy.get(name)
            kept[name] = lossy.show(value) if lossy is not None and lossy.side == side else value
        return kept

    def shown(self, side: str, held: Mapping[str, Any]) -> dict[str, Any]:
        """The values, by Notion attribute, of what an object holds."""
        return dict(held)

    def _common(self, side: str, values: Mapping[str, Any]) -> dict[str, Any]:
        names = {native: name for name, native in self.attr_map.items()}
        return dict(values) if side == "notion" else {names[name]: value for name, value in values.items()}

    def _create(self, side: str, values: Mapping[str, Any]) -> MemoryObject:
        return self.sides[side].create(self.written(side, {}, self._common(side, values)))

    def _update(self, side: str, obj: MemoryObject, values: Mapping[str, Any]) -> MemoryObject:
        there = self.sides[side].objects.get(obj.id)
        held = there.values if there is not None else {}
        return self.sides[side].update(obj.id, self.written(side, held, self._common(side, values)))

    def _hash(self, side: str, obj: MemoryObject) -> str:
        return self.key_form(self.shown(side, obj.values)[self.key])

    async def get_notion_objects(self) -> Listing:
        """All of them."""
        return Listing(self.sides["notion"].all())

    async def get_other_objects(self) -> Listing:
        """All of them."""
        return Listing(self.sides["other"].all())

    def notion_id(self, obj: MemoryObject) -> str:
        """Its id."""
        return obj.id

    def other_id(self, obj: MemoryObject) -> str:
        """Its id."""
        return obj.id

    def notion_hash(self, obj: MemoryObject) -> str:
        """The key."""
        return self._hash("notion", obj)

    def other_hash(self, obj: MemoryObject) -> str:
        """The key."""
        return self._hash("other", obj)

    def notion_timestamp(self, obj: MemoryObject) -> datetime:
        """When it was edited last."""
        return obj.edited

    def other_timestamp(self, obj: MemoryObject) -> datetime:
        """When it was edited last."""
        return obj.edited

    def notion_to_dict(self, obj: MemoryObject) -> dict[str, Any]:
        """Its values."""
        return self.shown("notion", obj.values)

    def other_to_dict(self, obj: MemoryObject) -> dict[str, Any]:
        """Its values."""
        return {self.attr_map[name]: value for name, value in self.shown("other", obj.values).items()}

    async def notion_create_obj(self, /, **kwargs: Any) -> MemoryObject:
        """Make one."""
        return self._create("notion", kwargs)

    async def other_create_obj(self, /, **kwargs: Any) -> MemoryObject:
        """Make one."""
        return self._create("other", kwargs)

    async def notion_update_attrs(self, obj: MemoryObject, changes: dict[str, Any]) -> MemoryObject:
        """Set some values."""
        return self._update("notion", obj, changes)

    async def other_update_attrs(self, obj: MemoryObject, changes: dict[str, Any]) -> MemoryObject:
        """Set some values."""
        return self._update("other", obj, changes)

    async def notion_update_obj(self, obj: MemoryObject, attr: str, value: Any) -> None:
        """Set one value."""
        await self.notion_update_attrs(obj, {attr: value})

    async def other_update_obj(self, obj: MemoryObject, attr: str, value: Any) -> None:
        """Set one value."""
        await self.other_update_attrs(obj, {attr: value})

    async def notion_delete_obj(self, obj: MemoryObject) -> None:
        """Delete it."""
        self.sides["notion"].delete(obj.id)

    async def other_delete_obj(self, obj: MemoryObject) -> None:
        """Delete it."""
        self.sides["other"].delete(obj.id)
