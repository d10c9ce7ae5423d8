"""Two services that are there for tests only: a board and a book, each a list in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from tasks.errors import TaskDefinitionError
from tasks.sides import Attribute, Kind, Option, Service, Side, State

STATES = (Option("Later", State.OPEN), Option("Now", State.ACTIVE), Option("Over", State.DONE))
BOARD = {
    "Title": Attribute(Kind.TEXT, meaning="title"),
    "Progress": Attribute(Kind.CHOICE, options=STATES, meaning="status"),
    "Labels": Attribute(Kind.CHOICES, new_options=True),
    "Seen": Attribute(Kind.WHOLE, writable=False),
}
BOOK = {
    "heading": Attribute(Kind.TEXT, meaning="title"),
    "state": Attribute(Kind.STATE, meaning="status"),
    "words": Attribute(Kind.CHOICES, new_options=True),
}


@dataclass
class Entry:
    """An object of either."""

    id: str
    values: dict[str, Any]
    edited: datetime = field(default_factory=lambda: datetime.now(UTC))


class Shelf(Side):
    """Entries in memory."""

    def __init__(self, label: str, attributes: Mapping[str, Attribute], table: BaseModel) -> None:
        self.label, self.attributes, self.table = label, attributes, table
        self.entries: dict[str, Entry] = {}

    def describe(self) -> Mapping[str, Attribute]:
        return self.attributes

    def list(self) -> Any:
        return [Entry(one.id, dict(one.values), one.edited) for one in self.entries.values()]

    def id(self, obj: Entry) -> str:
        return obj.id

    def key(self, obj: Entry) -> str:
        return str(next(iter(obj.values.values()))).casefold()

    def edited(self, obj: Entry) -> datetime:
        return obj.edited

    def values(self, obj: Entry) -> dict[str, Any]:
        return obj.values

    def create(self, key: str, values: dict[str, Any]) -> Entry:
        made = Entry(key, {name: values.get(name) for name in self.attributes})
        return self.entries.setdefault(key, made)

    def update(self, obj: Entry, changes: dict[str, Any]) -> Entry:
        entry = self.entries[obj.id]
        entry.values |= changes
        entry.edited = datetime.now(UTC)
        return Entry(entry.id, dict(entry.values), entry.edited)

    def delete(self, obj: Entry) -> None:
        del self.entries[obj.id]


class BoardTable(BaseModel):
    model_config = ConfigDict(extra="forbid")

    room: str = Field(description="The room that it hangs in.")
    loud: bool = Field(False, description="Whether it rings.")


class BookTable(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: str = Field(description="What stands on its back.")
    pages: int = Field(100, description="How many it has.")
    password: SecretStr | None = Field(None, description="Opens its lock.")


def _board(table: BoardTable) -> Shelf:
    if " " in table.room:
        raise TaskDefinitionError("room: a room has one word")
    return Shelf(f"the board of {table.room}", BOARD, table)


def _book(table: BookTable) -> Shelf:
    return Shelf("the book", BOOK, table)


BOARD_SERVICE = Service("board", "a board on the wall", BoardTable, _board, BOARD)
BOOK_SERVICE = Service("book", "a book", BookTable, _book, BOOK)
#: Under names that are none of theirs.
NOTES = {"not a service": True}


def _clumsy(table: BookTable) -> Shelf:
    raise ZeroDivisionError(table.title)


CLUMSY_SERVICE = Service("clumsy", "a book that falls down", BookTable, _clumsy, BOOK)
