"""Correct tasks between two address books, one of plain functions and one of coroutines."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tasks import Changes, ConflictMode, Listing, SyncTask

ATTRIBUTES = {"Name": "full_name", "Mail": "email", "Born": "birthday"}


@dataclass
class Book:
    """An address book with a clock, a log of changes, and objects that are dicts."""

    letter: str
    cards: dict[str, dict[str, Any]] = field(default_factory=dict)
    made: int = 0
    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    log: list[str] = field(default_factory=list)

    def all(self) -> list[dict[str, Any]]:
        return [dict(card) for card in self.cards.values()]

    def add(self, values: dict[str, Any]) -> dict[str, Any]:
        self.made += 1
        card = {"id": f"{self.letter}{self.made}", **values}
        self.cards[card["id"]] = card
        return self.touch(card["id"])

    def change(self, card_id: str, values: dict[str, Any]) -> dict[str, Any]:
        self.cards[card_id].update(values)
        return self.touch(card_id)

    def remove(self, card_id: str) -> None:
        del self.cards[card_id]
        self.log.append(card_id)

    def touch(self, card_id: str) -> dict[str, Any]:
        self.now += timedelta(seconds=1)
        self.cards[card_id]["edited"] = self.now
        self.log.append(card_id)
        return dict(self.cards[card_id])


class Contacts(SyncTask):
    """Plain functions, one write per attribute."""

    def __init__(self, mode: ConflictMode | str = ConflictMode.NEWER, name: str = "contacts") -> None:
        super().__init__(name, dict(ATTRIBUTES), mode)
        self.notion, self.other = Book("n"), Book("o")

    def get_notion_objects(self) -> Any:
        return self.notion.all()

    def get_other_objects(self) -> Any:
        return self.other.all()

    def notion_id(self, obj: Any) -> Any:
        return obj["id"]

    def other_id(self, obj: Any) -> Any:
        return obj["id"]

    def notion_hash(self, obj: Any) -> Any:
        return obj["Mail"].casefold()

    def other_hash(self, obj: Any) -> Any:
        return obj["email"].casefold()

    def notion_timestamp(self, obj: Any) -> Any:
        return obj["edited"]

    def other_timestamp(self, obj: Any) -> Any:
        return obj["edited"]

    def notion_to_dict(self, obj: Any) -> Any:
        return {name: obj[name] for name in ATTRIBUTES}

    def other_to_dict(self, obj: Any) -> Any:
        return {name: obj[name] for name in ATTRIBUTES.values()}

    def notion_create_obj(self, **kwargs: Any) -> Any:
        return self.notion.add(_checked(kwargs, "Born"))

    def other_create_obj(self, **kwargs: Any) -> Any:
        return self.other.add(_checked(kwargs, "birthday"))

    def notion_update_obj(self, obj: Any, attr: str, value: Any) -> Any:
        obj.update(self.notion.change(obj["id"], _checked({attr: value}, "Born")))

    def other_update_obj(self, obj: Any, attr: str, value: Any) -> Any:
        obj.update(self.other.change(obj["id"], _checked({attr: value}, "birthday")))

    def notion_delete_obj(self, obj: Any) -> Any:
        self.notion.remove(obj["id"])

    def other_delete_obj(self, obj: Any) -> Any:
        self.other.remove(obj["id"])


def _checked(values: dict[str, Any], born: str) -> dict[str, Any]:
    for name, value in values.items():
        if name == born and not (value is None or isinstance(value, date)):
            raise TypeError(f"{name} takes a date, not {value!r}")
        if name != born and not isinstance(value, str):
            raise TypeError(f"{name} takes a text, not {value!r}")
    return values


class AsyncContacts(Contacts):
    """Coroutines, clients that are open during a run only, one write per object, and changes since a cursor."""

    clients = 0

    async def open(self) -> None:
        self.clients += 1

    async def close(self) -> None:
        self.clients -= 1

    def _check_open(self) -> None:
        assert self.clients == 1, "the task was used while it was not open"

    async def get_notion_objects(self) -> Listing:
        self._check_open()
        return Listing(self.notion.all(), cursor=len(self.notion.log))

    async def get_other_objects(self) -> Listing:
        self._check_open()
        return Listing(self.other.all(), cursor=len(self.other.log))

    async def notion_changes(self, cursor: Any) -> Changes:
        return _changes(self.notion, cursor)

    async def other_changes(self, cursor: Any) -> Changes:
        return _changes(self.other, cursor)

    async def notion_get_obj(self, obj_id: str) -> Any:
        return self.notion.cards.get(obj_id)

    async def other_get_obj(self, obj_id: str) -> Any:
        return self.other.cards.get(obj_id)

    async def notion_hash(self, obj: Any) -> Any:
        return obj["Mail"].casefold()

    async def other_to_dict(self, obj: Any) -> Any:
        return {name: obj[name] for name in ATTRIBUTES.values()}

    async def notion_create_obj(self, **kwargs: Any) -> Any:
        self._check_open()
        return self.notion.add(kwargs)

    async def other_create_obj(self, **kwargs: Any) -> Any:
        self._check_open()
        return self.other.add(kwargs)

    async def notion_update_attrs(self, obj: Any, changes: dict[str, Any]) -> Any:
        return self.notion.change(obj["id"], changes)

    async def other_update_attrs(self, obj: Any, changes: dict[str, Any]) -> Any:
        return self.other.change(obj["id"], changes)

    async def notion_is_gone(self, obj_id: str) -> bool:
        return obj_id not in self.notion.cards

    async def other_delete_obj(self, obj: Any) -> None:
        self.other.remove(obj["id"])


class PagedContacts(AsyncContacts):
    """Listings that are generators, one of coroutines and a plain one; nothing is said of changes."""

    notion_changes, other_changes = SyncTask.notion_changes, SyncTask.other_changes

    async def get_notion_objects(self) -> AsyncIterator[Any]:  # type: ignore[override]
        for card in self.notion.all():
            self._check_open()
            yield [card]

    def get_other_objects(self) -> Iterator[Any]:  # type: ignore[override]
        cards = self.other.all()
        for start in range(0, len(cards), 2):
            self._check_open()
            yield cards[start : start + 2]


def _changes(book: Book, cursor: int) -> Changes:
    touched = set(book.log[cursor:])
    changed = [dict(card) for card_id, card in book.cards.items() if card_id in touched]
    return Changes(changed, sorted(touched - book.cards.keys()), len(book.log))


def advance(task: SyncTask, time: timedelta) -> None:
    assert isinstance(task, Contacts)
    task.notion.now += time
    task.other.now += time
