"""A service in memory that knows plain values only, as a side, and a task between it and the rows of a data source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from tasks.errors import ItemError, PreconditionError
from tasks.services.notion.pages.page import Page
from tasks.sides import Attribute, Kind, Side
from tasks.two_way import TwoWay
from tests.tasks.services.notion.wired import Wire, Wired


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


#: What attributes of the service are, by their names.
ATTRIBUTES: Mapping[str, Attribute] = {
    "key": Attribute(Kind.TEXT, meaning="title"),
    "name": Attribute(Kind.TEXT),
    "notes": Attribute(Kind.TEXT),
    "effort": Attribute(Kind.NUMBER),
    "area": Attribute(Kind.CHOICE, new_options=True),
    "done": Attribute(Kind.YES_NO),
    "due": Attribute(Kind.SPAN),
    "when": Attribute(Kind.MOMENT),
    "text": Attribute(Kind.FORMATTED),
}


class PlainSide(Side):
    """The objects of a plain service as a side."""

    label = "the plain service"

    def __init__(self, service: PlainService, attributes: Mapping[str, Attribute] = ATTRIBUTES) -> None:
        self.service = service
        self.attributes = attributes

    def describe(self) -> dict[str, Attribute]:
        return dict(self.attributes)

    async def list(self) -> Any:
        return list(self.service.items.values())

    async def is_gone(self, obj_id: str) -> bool:
        return obj_id not in self.service.items

    def id(self, obj: Item) -> str:
        return obj.id

    def key(self, obj: Item) -> str:
        return str(obj.values["key"])

    def edited(self, obj: Item) -> datetime:
        return obj.edited

    def values(self, obj: Item) -> dict[str, Any]:
        return dict(obj.values)

    async def create(self, key: str, values: dict[str, Any]) -> Item:
        return self.service.create(key, values)

    async def update(self, obj: Item, changes: dict[str, Any]) -> Item:
        return self.service.update(obj, changes)

    async def delete(self, obj: Item) -> None:
        self.service.delete(obj)


class Keyed(Wired):
    """Rows that are the same thing by what the mapping takes to `key`."""

    def __init__(self, url: str, source: str, attrs: Mapping[str, str], **options: Any) -> None:
        super().__init__(url, source, attrs, **options)
        self.key_attr = next(attr for attr, other in attrs.items() if other == "key")

    def key(self, obj: Page) -> str:
        return str(obj.values[self.key_attr])


class PlainTask(TwoWay):
    """Keeps rows and plain objects in step.

    Parameters:
        of: what the rows are made as.
        attributes: of the plain service, where they are not the usual ones.
        options: of the rows.
    """

    def __init__(
        self,
        url: str,
        source: str,
        attrs: Mapping[str, str],
        service: PlainService,
        *,
        of: type[Keyed] = Keyed,
        attributes: Mapping[str, Attribute] = ATTRIBUTES,
        **options: Any,
    ) -> None:
        self.rows = of(url, source, attrs, **options)
        self.service = service
        super().__init__("rows", self.rows, PlainSide(service, attributes), attrs)

    @property
    def wire(self) -> Wire:
        """The network of the last run."""
        return self.rows.wire
