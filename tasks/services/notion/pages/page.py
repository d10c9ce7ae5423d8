"""A row of a data source as a sync sees it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from tasks.errors import ItemError, SideError
from tasks.services.notion.columns import rich_text
from tasks.services.notion.columns.properties import Column, decode

Json = dict[str, Any]

#: References after which Notion may cut a value off, without a word.
MENTIONS_SHOWN = 25

#: Marks a value that was read item by item; no key of Notion's own.
WHOLE = "read as a whole"


_UNKNOWN = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Page:
    """A row at the moment when it was read. Its repr shows no content."""

    id: str
    #: Values of the synced properties by the names that the task uses.
    values: Mapping[str, Any] = field(repr=False)
    title: str = field(repr=False)
    #: Synced texts that may be longer than Notion shows them.
    cut: tuple[str, ...]
    #: Both floored to the minute by Notion.
    last_edited: datetime
    created: datetime
    url: str = field(repr=False)
    in_trash: bool
    #: The data source in which the row is; `None` when it was moved out of any.
    data_source: str | None
    #: All properties as Notion gave them, by decoded id.
    properties: Mapping[str, Json] = field(repr=False, compare=False)

    def property(self, column: Column) -> Json | None:
        """A property as Notion gave it."""
        return self.properties.get(unquote(column.id))

    def check_whole(self) -> None:
        """Make sure that Notion showed all of the synced values.

        Raises:
            ItemError: it may not have.
        """
        if self.cut:
            raise ItemError(
                f"page {self.id}: {', '.join(map(repr, self.cut))} holds {MENTIONS_SHOWN} references or more, and "
                "Notion shows no more than that at once; its property items were not read"
            )


def read_page(raw: Json, columns: Mapping[str, Column]) -> Page:
    """The row in an answer of Notion's.

    Parameters:
        columns: the synced properties by the names that the task uses.

    Raises:
        SideError: rows are shown without content, or this one no longer fits the schema.
        ItemError: it has a form that is not known.
    """
    with readable(raw):
        return _read(raw, columns)


@contextmanager
def readable(raw: Json) -> Iterator[None]:
    """Where an answer of Notion's about a row is taken apart: a form that is not known is an error of that row.

    Raises:
        ItemError: it has such a form.
    """
    try:
        yield
    except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError) as error:
        raise ItemError(
            f"page {raw.get('id')} has a form that is not known ({type(error).__name__})"
        ) from None


def _read(raw: Json, columns: Mapping[str, Column]) -> Page:
    if "properties" not in raw:
        raise SideError(
            "Notion does not show the content of pages: give the integration the capability to read content"
        )
    by_id = {unquote(value["id"]): value for value in raw["properties"].values()}
    values = {}
    cut = []
    for name, column in columns.items():
        value = by_id.get(unquote(column.id))
        if value is None:
            raise SideError(
                f"Notion property {name!r} disappeared while the sync ran; nothing more was written"
            )
        try:
            values[name] = decode(column, value)
        except ItemError as error:
            raise SideError(f"{error}: its type was changed while the sync ran") from None
        if may_be_cut(value):
            cut.append(name)
    titles = (value["title"] for value in by_id.values() if value["type"] == "title")
    return Page(
        id=checked_id(raw),
        values=values,
        title=rich_text.plain(next(titles, [])),
        cut=tuple(cut),
        last_edited=_moment(raw["last_edited_time"]),
        created=_moment(raw["created_time"]),
        url=raw.get("url") or "",
        in_trash=is_trashed(raw),
        data_source=data_source_of(raw),
        properties=by_id,
    )


def checked_id(raw: Json) -> str:
    """The id of a row.

    Raises:
        TypeError: it has none.
    """
    if not isinstance(raw["id"], str) or not raw["id"]:
        raise TypeError("a row has no id")
    return raw["id"]


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.utcoffset() is None:
        raise ValueError("a time has no zone")
    return moment.astimezone(UTC)


def known_page(page_id: str, values: Mapping[str, Any], data_source: str) -> Page:
    """A row of which no more is known than its synced values."""
    return Page(page_id, values, "", (), _UNKNOWN, _UNKNOWN, "", False, data_source, {})


def may_be_cut(value: Json) -> bool:
    """Whether a property may hold more than Notion showed of it."""
    kind = value.get("type")
    held = value.get(kind) if kind else None
    if value.get(WHOLE) or not isinstance(held, list):
        return False
    if kind in ("title", "rich_text"):
        return rich_text.mentions(held) >= MENTIONS_SHOWN
    return kind in ("people", "relation") and (len(held) >= MENTIONS_SHOWN or bool(value.get("has_more")))


def is_trashed(raw: Json) -> bool:
    """Whether an object is in the trash, in the words of any version of the API."""
    return bool(raw.get("in_trash", raw.get("archived", False)))


def data_source_of(raw: Json) -> str | None:
    """The id of the data source in which a page is, `None` outside of any.

    Raises:
        ItemError: the page has a form that is not known.
    """
    with readable(raw):
        found = raw.get("parent", {}).get("data_source_id")
    return None if found is None else str(found)
