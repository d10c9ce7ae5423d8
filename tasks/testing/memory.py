"""Two services in memory and a task between them, to try a mapping without touching the real sides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tasks.errors import ItemError
from tasks.listing import Listing
from tasks.lossy import Lossy
from tasks.sync_task import ConflictMode, SyncTask


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

    def create(self, values: Mapping[str, Any]) -> MemoryObject:
        """A new object."""
        self.made += 1
        self.now += timedelta(seconds=1)
        obj = MemoryObject(f"{self.name}-{self.made}", dict(values), self.now)
        self.objects[obj.id] = obj
        return self._copy(obj)

    def update(self, obj_id: str, values: Mapping[str, Any]) -> MemoryObject:
        """Set some values.

        Raises:
            ItemError: there is no such object.
        """
        if obj_id not in self.objects:
            raise ItemError(f"{obj_id} is not there")
        self.now += timedelta(seconds=1)
        obj = self.objects[obj_id]
        obj.values.update(values)
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

    @classmethod
    def copy_of(
        cls, task: SyncTask, *, key: str | None = None, key_form: Callable[[Any], str] = str
    ) -> MemoryTask:
        """The mapping and policies of a task, between two services in memory. Nothing of the task is called
        but its resolver and its lossy declarations, which are pure.
        """
        twin = cls(task.name, task.attr_map, task.conflict_mode, key=key, key_form=key_form, lossy=task.lossy)
        for policy in (
            "conflict_modes",
            "resolver",
            "edit_beats_delete",
            "notion_granularity",
            "other_granularity",
            "delete_share",
            "change_share",
            "handful",
        ):
            setattr(twin, policy, getattr(task, policy))
        return twin

    def advance(self, time: timedelta) -> None:
        """Let time pass on both sides."""
        for side in self.sides.values():
            side.now += time

    def _kept(self, side: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """What a side can keep of values, by Notion attribute."""
        names = {native: name for name, native in self.attr_map.items()}
        common = dict(values) if side == "notion" else {names[name]: value for name, value in values.items()}
        for name, value in common.items():
            lossy = self.lossy.get(name)
            if lossy is not None and lossy.side == side:
                common[name] = lossy.show(value)
        return common

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
        return self.key_form(obj.values[self.key])

    def other_hash(self, obj: MemoryObject) -> str:
        """The key."""
        return self.key_form(obj.values[self.key])

    def notion_timestamp(self, obj: MemoryObject) -> datetime:
        """When it was edited last."""
        return obj.edited

    def other_timestamp(self, obj: MemoryObject) -> datetime:
        """When it was edited last."""
        return obj.edited

    def notion_to_dict(self, obj: MemoryObject) -> dict[str, Any]:
        """Its values."""
        return dict(obj.values)

    def other_to_dict(self, obj: MemoryObject) -> dict[str, Any]:
        """Its values."""
        return {self.attr_map[name]: value for name, value in obj.values.items()}

    async def notion_create_obj(self, /, **kwargs: Any) -> MemoryObject:
        """Make one."""
        return self.sides["notion"].create(self._kept("notion", kwargs))

    async def other_create_obj(self, /, **kwargs: Any) -> MemoryObject:
        """Make one."""
        return self.sides["other"].create(self._kept("other", kwargs))

    async def notion_update_attrs(self, obj: MemoryObject, changes: dict[str, Any]) -> MemoryObject:
        """Set some values."""
        return self.sides["notion"].update(obj.id, self._kept("notion", changes))

    async def other_update_attrs(self, obj: MemoryObject, changes: dict[str, Any]) -> MemoryObject:
        """Set some values."""
        return self.sides["other"].update(obj.id, self._kept("other", changes))

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
