"""Search over titles, of an index that learns of new objects some time after they are made."""

from __future__ import annotations

from typing import Any

from sandbox.notion.databases.data_sources import show_data_source
from sandbox.notion.databases.databases import show_database
from sandbox.notion.pages.pages import refuse_unknown, show_page
from sandbox.notion.parts.parents import is_trashed
from sandbox.notion.parts.rich_text import title_of
from sandbox.notion.requests import errors
from sandbox.notion.requests.call import Call, listing, page_size
from sandbox.notion.state.stored import Stored

_KEYS = frozenset({"query", "filter", "sort", "start_cursor", "page_size"})
#: Words that are in too many titles to mean anything.
_STOP_WORDS = frozenset({"a", "an", "and", "the", "of", "for", "to", "in", "on", "with", "or", "is"})


def search(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    """POST /search."""
    refuse_unknown(body, _KEYS)
    size = page_size(body.get("page_size"), call.limits.page_size)
    trashed, kinds = _filter(call, body.get("filter"))
    wanted = _words(str(body.get("query") or ""))
    found = []
    for obj in call.store.of_kind(*kinds):
        if not _indexed(call, obj) or (wanted and not wanted & _words(title_of(obj))):
            continue
        # An object can be in the index with its trash mark when it was there before it was trashed for good.
        in_trash = is_trashed(call, obj)
        if in_trash == trashed or (in_trash and obj.doc.get("indexed_in_trash")):
            found.append(obj)
    found.sort(key=lambda obj: (obj.edited, obj.seq), reverse=_newest_first(body.get("sort")))
    start = 0
    if body.get("start_cursor") is not None:
        ids = [obj.id for obj in found]
        if body["start_cursor"] not in ids:
            raise errors.validation(f"The start_cursor provided is invalid: {body['start_cursor']}")
        start = ids.index(body["start_cursor"])
    following = found[start + size].id if start + size < len(found) else None
    results = [show(call, obj) for obj in found[start : start + size]]
    return listing("page_or_data_source" if call.has_data_sources else "page_or_database", results, following)


def _filter(call: Call, value: Any) -> tuple[bool, tuple[str, ...]]:
    source = "data_source" if call.has_data_sources else "database"
    if value is None:
        return False, ("page", "data_source")
    if not isinstance(value, dict):
        raise errors.bad_body("filter", "an object", value)
    chosen = value.get("value")
    if chosen is None:
        return bool(value.get("in_trash")), ("page", "data_source")
    if chosen not in ("page", source) or value.get("property") != "object":
        raise errors.bad_body("filter.value", f'"page" or "{source}"', chosen)
    return bool(value.get("in_trash")), (("page",) if chosen == "page" else ("data_source",))


def _newest_first(sort: Any) -> bool:
    if sort is None:
        return True
    if not isinstance(sort, dict) or sort.get("direction") not in ("ascending", "descending"):
        raise errors.bad_body("sort.direction", '"ascending" or "descending"', sort)
    if sort.get("timestamp") != "last_edited_time":
        raise errors.bad_body("sort.timestamp", '"last_edited_time"', sort.get("timestamp"))
    return bool(sort["direction"] == "descending")


def _indexed(call: Call, obj: Stored) -> bool:
    return obj.indexed or (
        call.limits.search_delay > 0 and call.now() - obj.created >= call.limits.search_delay * 1000
    )


def _words(text: str) -> set[str]:
    """Words without case and without the plural's s."""
    words = "".join(char if char.isalnum() else " " for char in text.lower()).split()
    return {word.removesuffix("s") if len(word) > 3 else word for word in words if word not in _STOP_WORDS}


def show(call: Call, obj: Stored) -> dict[str, Any]:
    """A page or data source as answers show it; a database before there were data sources."""
    if obj.kind == "page":
        return show_page(call, obj)
    if call.has_data_sources:
        return show_data_source(call, obj)
    return show_database(call, call.find("database", obj.parent))
