"""What every part of an answer needs to know: who asks, in which version, when, of which store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from sandbox.notion.requests import errors
from sandbox.notion.state.clock import Clock, minute_text
from sandbox.notion.state.ids import new_id, parse_id
from sandbox.notion.state.store import Store
from sandbox.notion.state.stored import Past, Stored

VERSIONS = ("2022-06-28", "2025-09-03", "2026-03-11")
NEWEST = VERSIONS[-1]


@dataclass(frozen=True)
class Limits:
    """Limits that a test may want smaller than they are at Notion."""

    #: Rows that one query gives at most over all its pages of results.
    query_results: int = 10_000
    page_size: int = 100
    #: How long the search index takes to learn of a new object, in seconds.
    search_delay: float = 0.0
    #: Bytes of a file that the workspace's plan lets upload.
    file_bytes: int = 5_242_880
    #: Bytes of a file that is sent in one piece, and of each piece, but the last, of one that is sent in several.
    piece_bytes: tuple[int, int] = (5 * 1024 * 1024, 20 * 1024 * 1024)


@dataclass
class Call:
    """One request."""

    store: Store
    clock: Clock
    version: str
    user: Stored
    limits: Limits = field(default_factory=Limits)
    #: Whether the caller sees what is not shared with integrations as well.
    everything: bool = False
    #: The state that queries and searches give, where it is not the present one.
    index: Callable[[], Past | None] = lambda: None
    #: How long what goes on in the background takes.
    background_seconds: float = 0.0
    #: The address of the server that gives files; empty where there is none.
    files_at: str = ""

    @property
    def has_archived(self) -> bool:
        """Whether this version still has the older twin of `in_trash`."""
        return self.version < "2026-03-11"

    @property
    def has_data_sources(self) -> bool:
        """Whether databases and data sources are different things in this version."""
        return self.version >= "2025-09-03"

    def now(self) -> int:
        """The present moment, in milliseconds."""
        return self.clock.now()

    def missing(self, kind: str, object_id: str) -> errors.ApiError:
        """The refusal for an object that is not there."""
        return errors.not_found(kind, object_id, (self.user.id, str(self.user.doc.get("name"))))

    def find(self, kind: str, object_id: str) -> Stored:
        """The object of this kind; `ApiError` 404 when there is none."""
        obj = self.store.get(object_id)
        if obj is None or obj.kind != kind:
            raise self.missing(kind, object_id)
        return obj

    def find_in_body(self, kind: str, path: str, value: object) -> Stored:
        """The object that a part of the body names."""
        object_id = parse_id(value)
        if object_id is None:
            raise errors.bad_body(path, "a valid uuid", value)
        return self.find(kind, object_id)

    def new(self, object_id: str, kind: str, parent: str, doc: dict[str, Any]) -> Stored:
        """A new object of the caller's, not yet stored."""
        now = self.now()
        return Stored(object_id, kind, parent, now, now, self.user.id, self.user.id, doc)

    def later(self, subject: Stored, what: str) -> None:
        """Leave something that has to do with an object to the background."""
        due = self.now() + round(self.background_seconds * 1000)
        self.store.insert(self.new(new_id(), "job", subject.id, {"what": what, "due": due}))

    def touch(self, obj: Stored) -> None:
        """Stamp an edit by the caller."""
        obj.edited, obj.edited_by = self.now(), self.user.id

    def trash_flags(self, in_trash: bool) -> dict[str, bool]:
        """The keys that say whether an object is in the trash, in this version."""
        return {"in_trash": in_trash} | ({"archived": in_trash} if self.has_archived else {})

    def trash_wish(self, body: dict[str, Any]) -> bool | None:
        """Whether the body asks to trash or to restore; None when it asks for neither."""
        if not self.has_archived and "archived" in body:
            raise errors.not_present("archived", body["archived"])
        key = "in_trash" if "in_trash" in body else "archived"
        wish = body.get(key)
        if wish is not None and not isinstance(wish, bool):
            raise errors.bad_body(key, "a boolean", wish)
        return wish


def stamps(obj: Stored) -> dict[str, Any]:
    """Who made and edited an object, and when, floored to the minute."""
    return {
        "created_time": minute_text(obj.created),
        "last_edited_time": minute_text(obj.edited),
        "created_by": {"object": "user", "id": obj.created_by},
        "last_edited_by": {"object": "user", "id": obj.edited_by},
    }


def url(title: str, object_id: str) -> str:
    """The address of an object in the workspace."""
    words = "-".join(part for part in "".join(c if c.isalnum() else " " for c in title).split())
    return (
        "https://app.notion.com/p/"
        + quote(f"{words}-" if words else "", safe="")
        + object_id.replace("-", "")
    )


def listing(kind: str, results: list[dict[str, Any]], cursor: str | None) -> dict[str, Any]:
    """The envelope of lists."""
    return {
        "object": "list",
        "results": results,
        "next_cursor": cursor,
        "has_more": cursor is not None,
        "type": kind,
        kind: {},
    }


def window(ids: list[str], query: dict[str, str], limit: int) -> tuple[int, int]:
    """Which part of a list a query string asks for: where it begins, and how long it is at most."""
    size, cursor = page_size(query.get("page_size"), limit, "query"), query.get("start_cursor")
    if cursor is None:
        return 0, size
    if parse_id(cursor) not in ids:
        raise errors.validation(f"The start_cursor provided is invalid: {cursor}")
    return ids.index(str(parse_id(cursor))), size


def page_size(value: object, limit: int, where: str = "body") -> int:
    """How many results the caller wants, of a body or of a query string."""
    if value is None:
        return limit
    size = int(value) if isinstance(value, str) and value.isdigit() else value
    if not isinstance(size, int) or isinstance(size, bool):
        raise errors.validation(
            f"{where} failed validation: {where}.page_size should be a number, instead was {errors.shown(value)}."
        )
    if size > limit:
        raise errors.validation(
            f"{where} failed validation: {where}.page_size should be ≤ `{limit}`, instead was `{size}`."
        )
    if size < 1:
        raise errors.validation(f"The page_size provided is invalid: {size}")
    return size
