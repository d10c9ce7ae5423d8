"""A service in memory that knows plain values only, and a task between it and the rows of a data source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from tasks.errors import ItemError, PreconditionError
from tests.tasks.services.notion.test_side import Rows


@dataclass(frozen=True)
class Item:
    """An object at the moment when it was read."""

    id: str
    values: dict[str, Any]
    edited: datetime
    version: int = 0


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class PlainService:
    """Keeps objects, counts their versions, and refuses to write over one that it did not show."""

    clock: Callable[[], datetime] = _now
    items: dict[str, Item] = field(default_factory=dict)
    #: Ids by the keys of creates: the same key makes nothing a second time.
    keyed: dict[str, str] = field(default_factory=dict)
    made: int = 0
    #: Called before and after each write of a sync, with its kind and the object's id.
    before: Callable[[str, str], None] = lambda kind, item_id: None
    after: Callable[[str, str], None] = lambda kind, item_id: None

    def add(self, values: dict[str, Any]) -> Item:
        """An object that a person or a sync makes."""
        self.made += 1
        item = Item(f"o{self.made}", dict(values), self.clock())
        self.items[item.id] = item
        return item

    def edit(self, item_id: str, changes: dict[str, Any]) -> Item:
        """What a person or a sync sets."""
        old = self.items[item_id]
        new = replace(old, values=old.values | changes, edited=self.clock(), version=old.version + 1)
        self.items[item_id] = new
        return new

    def create(self, key: str, values: dict[str, Any]) -> Item:
        self.before("create", "")
        item = self.items.get(self.keyed.get(key, "")) or self.add(values)
        self.keyed[key] = item.id
        self.after("create", item.id)
        return item

    def update(self, listed: Item, changes: dict[str, Any]) -> Item:
        self._check(listed)
        self.before("update", listed.id)
        item = self.edit(listed.id, changes)
        self.after("update", listed.id)
        return item

    def delete(self, listed: Item) -> None:
        if listed.id in self.items:
            self._check(listed)
            self.before("delete", listed.id)
            self.items.pop(listed.id, None)
            self.after("delete", listed.id)

    def _check(self, listed: Item) -> None:
        now = self.items.get(listed.id)
        if now is None:
            raise ItemError(f"{listed.id}: 404")
        if now.version != listed.version:
            raise PreconditionError(f"{listed.id}: 412")


class PlainTask(Rows):
    """Keeps rows and plain objects in step, that are the same thing by the attribute `key`."""

    def __init__(
        self, url: str, source: str, attrs: dict[str, str], service: PlainService, **options: Any
    ) -> None:
        super().__init__(url, source, attrs, **options)
        self.service = service
        self.key = next(attr for attr, other in attrs.items() if other == "key")

    def notion_hash(self, obj: Any) -> str:
        return str(obj.values[self.key])

    async def get_other_objects(self) -> Any:
        return list(self.service.items.values())

    def other_id(self, obj: Item) -> str:
        return obj.id

    def other_hash(self, obj: Item) -> str:
        return str(obj.values["key"])

    def other_timestamp(self, obj: Item) -> datetime:
        return obj.edited

    def other_to_dict(self, obj: Item) -> dict[str, Any]:
        return dict(obj.values)

    async def other_is_gone(self, obj_id: str) -> bool:
        return obj_id not in self.service.items

    async def other_create_keyed(self, key: str, values: dict[str, Any]) -> Item:
        return self.service.create(key, values)

    async def other_create_obj(self, **kwargs: Any) -> Item:
        return self.service.add(kwargs)

    async def other_update_attrs(self, obj: Item, changes: dict[str, Any]) -> Item:
        return self.service.update(obj, changes)

    async def other_update_obj(self, obj: Item, attr: str, value: Any) -> Item:
        return self.service.update(obj, {attr: value})

    async def other_delete_obj(self, obj: Item) -> None:
        self.service.delete(obj)
