"""Correct sides of a library in memory: one of plain functions, one of coroutines, with and without changes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from tasks import Changes, CursorExpiredError, Listing, PreconditionError, UnfitError
from tasks.sides import Attribute, File, Kind, Option, Side, State
from tasks.testing.sides.forms import fits

ATTRIBUTES = {
    "title": Attribute(Kind.TEXT, meaning="title"),
    "blurb": Attribute(Kind.TEXT, meaning="notes"),
    "pages": Attribute(Kind.WHOLE),
    "weight": Attribute(Kind.NUMBER),
    "lent": Attribute(Kind.YES_NO),
    "printed": Attribute(Kind.DATE),
    "due": Attribute(Kind.MOMENT, meaning="due"),
    "open": Attribute(Kind.SPAN),
    "shelf": Attribute(Kind.CHOICE, options=(Option("upper"), Option("lower"))),
    "tags": Attribute(Kind.CHOICES, new_options=True, meaning="tags"),
    "read": Attribute(Kind.STATE, meaning="status"),
    "urgency": Attribute(Kind.PRIORITY, meaning="priority"),
    "site": Attribute(Kind.ADDRESS, meaning="link"),
    "scans": Attribute(Kind.FILE),
    "edited": Attribute(Kind.MOMENT, writable=False),
}

#: What a book has of which nothing was said.
EMPTY: dict[str, Any] = {"blurb": "", "lent": False, "tags": (), "scans": (), "read": State.OPEN}


@dataclass
class Shelf:
    """A service with a clock, versions, a trash and a log of changes."""

    books: dict[str, dict[str, Any]] = field(default_factory=dict)
    trash: dict[str, dict[str, Any]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    #: Bytes of files, by what they are known by.
    pages: dict[str, bytes] = field(default_factory=dict)
    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def put(self, book_id: str, values: dict[str, Any]) -> dict[str, Any]:
        self.now += timedelta(seconds=1)
        self.log.append(book_id)
        known = self.books.get(book_id) or {"id": book_id, "version": 0, **dict.fromkeys(ATTRIBUTES), **EMPTY}
        scans = values.get("scans") or ()
        self.pages |= {scan.content: scan.path.read_bytes() for scan in scans if scan.path is not None}
        fresh = {"edited": self.now, "version": known["version"] + 1}
        self.books[book_id] = {**known, **values, **fresh}
        return dict(self.books[book_id])

    def take(self, book_id: str) -> None:
        self.trash[book_id] = self.books.pop(book_id)
        self.log.append(book_id)


class Books(Side):
    """Plain functions, and no changes."""

    label = "the shelf"

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.open_now = False

    def open(self) -> Any:
        assert not self.open_now, "it is open already"
        self.open_now = True

    def close(self) -> Any:
        self.open_now = False

    def describe(self) -> Any:
        return dict(ATTRIBUTES)

    def list(self) -> Any:
        assert self.open_now, "it is not open"
        return [dict(book) for book in self.shelf.books.values()]

    def id(self, obj: Any) -> Any:
        return obj["id"]

    def key(self, obj: Any) -> Any:
        return obj["title"].casefold()

    def edited(self, obj: Any) -> Any:
        return obj["edited"]

    def values(self, obj: Any) -> Any:
        return {name: obj[name] for name in ATTRIBUTES}

    def create(self, key: str, values: dict[str, Any]) -> Any:
        self.refuse_unfit(values)
        if key not in self.shelf.keys:
            self.shelf.keys[key] = f"book-{len(self.shelf.keys) + 1}"
            return self.shelf.put(self.shelf.keys[key], values)
        return dict(self.shelf.books[self.shelf.keys[key]])

    def update(self, obj: Any, changes: dict[str, Any]) -> Any:
        self.refuse_unfit(changes)
        self.look(obj)
        return self.shelf.put(obj["id"], changes)

    def lacks_files(self, obj: Any, attribute: str, files: Any) -> Any:
        return [file for file in files if file.address is None and file.content not in self.shelf.pages]

    def read_file(self, obj_id: str, file: File, path: Path) -> Any:
        path.write_bytes(self.shelf.pages[file.content])

    def delete(self, obj: Any) -> Any:
        self.look(obj)
        self.shelf.take(obj["id"])

    def look(self, obj: Any) -> None:
        if self.shelf.books.get(obj["id"], {}).get("version") != obj["version"]:
            raise PreconditionError("the book changed since it was read")

    def refuse_unfit(self, values: dict[str, Any]) -> None:
        unfit = [name for name, value in values.items() if not fits(ATTRIBUTES[name], value)]
        if values.get("shelf", "upper") not in ("upper", "lower", None):
            unfit.append("shelf")
        unfit += [
            name for name, value in values.items() if isinstance(value, str) and not value.isprintable()
        ]
        if unfit:
            raise UnfitError(f"{', '.join(unfit)} cannot be kept", unfit)


class AsyncBooks(Books):
    """Coroutines, and all that a side can offer."""

    seen: int = 0

    async def open(self) -> None:
        super().open()

    async def close(self) -> None:
        super().close()

    async def recall(self, remembered: Any, synced: Any) -> None:
        self.seen = (remembered or {}).get("seen", 0)

    def remembered(self) -> Any:
        return {"seen": self.seen}

    def scope(self) -> str:
        return "all books"

    async def check(self, attributes: Any) -> None:
        from tasks import TaskDefinitionError

        unknown = sorted(set(attributes) - ATTRIBUTES.keys())
        if unknown:
            raise TaskDefinitionError(f"the shelf has no {unknown[0]}")

    async def describe(self) -> Any:
        return super().describe()

    async def list(self) -> Any:
        cursor = len(self.shelf.log)
        await asyncio.sleep(0)
        books = super().list()
        self.seen = len(books)
        await asyncio.sleep(0)
        return Listing(books, cursor=cursor)

    async def pages(self) -> Any:
        listing = await self.list()
        for book in listing:
            yield Listing([book])
        yield Listing(cursor=listing.cursor)

    async def changes(self, cursor: Any) -> Any:
        if not isinstance(cursor, int) or cursor > len(self.shelf.log):
            raise CursorExpiredError("no such cursor")
        touched = set(self.shelf.log[cursor:])
        changed = [dict(book) for book_id, book in self.shelf.books.items() if book_id in touched]
        return Changes(changed, sorted(touched - self.shelf.books.keys()), len(self.shelf.log))

    async def get(self, obj_id: str) -> Any:
        book = self.shelf.books.get(obj_id)
        return None if book is None else dict(book)

    async def is_gone(self, obj_id: str) -> bool:
        return obj_id not in self.shelf.books

    def known(self, obj_id: str, values: Any) -> Any:
        return {"id": obj_id, "version": None, "known": dict(values)}

    def look(self, obj: Any) -> None:
        if "known" not in obj:
            super().look(obj)
            return
        book = self.shelf.books.get(obj["id"])
        if book is None or any(book[name] != value for name, value in obj["known"].items()):
            raise PreconditionError("the book changed since it was read")

    def concerns(self, event: Any) -> bool:
        return event.get("type") == "book"

    def title(self, obj: Any) -> Any:
        return obj["title"]

    def address(self, obj: Any) -> Any:
        return f"shelf:{obj['id']}"

    async def create(self, key: str, values: dict[str, Any]) -> Any:
        await asyncio.sleep(0)
        return super().create(key, values)

    async def made(self, key: str) -> str | None:
        return self.shelf.keys.get(key)

    async def update(self, obj: Any, changes: dict[str, Any]) -> Any:
        await asyncio.sleep(0)
        return super().update(obj, changes)

    async def delete(self, obj: Any) -> None:
        super().delete(obj)

    async def restore(self, obj_id: str) -> Any:
        if obj_id not in self.shelf.trash:
            return None
        self.shelf.books[obj_id] = self.shelf.trash.pop(obj_id)
        self.shelf.log.append(obj_id)
        return dict(self.shelf.books[obj_id])


class OneByOne(Books):
    """Sets one attribute at a time."""

    def update(self, obj: Any, changes: dict[str, Any]) -> Any:
        return NotImplemented

    def update_one(self, obj: Any, attribute: str, value: Any) -> Any:
        obj.update(super().update(obj, {attribute: value}))


__all__ = ["ATTRIBUTES", "AsyncBooks", "Books", "OneByOne", "Shelf", "date"]
