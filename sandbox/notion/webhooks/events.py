"""Which events a change of the workspace is, and what a burst of them comes to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox.notion.columns.columns import Columns
from sandbox.notion.state.ids import WORKSPACE_ID, encode_column_id
from sandbox.notion.state.store import Store
from sandbox.notion.state.stored import WORKSPACE, Change, Stored

Json = dict[str, Any]

TYPES = (
    *(f"page.{name}" for name in ("created", "deleted", "undeleted", "moved", "locked", "unlocked")),
    "page.properties_updated",
    "page.content_updated",
    *(f"data_source.{name}" for name in ("created", "deleted", "undeleted", "moved")),
    "data_source.content_updated",
    "data_source.schema_updated",
    *(f"database.{name}" for name in ("created", "deleted", "undeleted", "moved")),
    *(f"comment.{name}" for name in ("created", "updated", "deleted")),
)
#: Not held back to be merged with others.
IMMEDIATE = frozenset(kind for kind in TYPES if kind.startswith("comment.") or kind.endswith("locked"))


@dataclass(frozen=True)
class Event:
    """One thing that happened; `at` is in milliseconds, `details` are the parts of `data` beside the parent."""

    type: str
    entity: str
    at: int
    parent: Json
    authors: tuple[tuple[str, str], ...]
    details: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    #: The database of a data source, for which older versions name the event.
    database: str = ""

    def entity_type(self) -> str:
        """`page`, `data_source`, `database` or `comment`."""
        return self.type.split(".")[0]


def events_of(store: Store, changes: list[Change], now: int) -> list[Event]:
    """The events that the changes of one transaction are, as far as integrations may see them."""
    hidden = store.unshared()
    found: list[Event] = []
    for change in changes:
        obj = change.after or change.before
        if obj is not None and obj.kind in _READERS and obj.id not in hidden:
            found += _READERS[obj.kind](store, change, obj, now)
    return [event for event in found if event.entity not in hidden]


def _event(store: Store, kind: str, obj: Stored, by: str, now: int, **details: tuple[Any, ...]) -> Event:
    user = store.get(by)
    author = (by, str(user.doc.get("type", "person")) if user else "person")
    database = obj.parent if obj.kind == "data_source" else ""
    return Event(kind, obj.id, now, _parent(store, obj), (author,), details, database)


def _parent(store: Store, obj: Stored) -> Json:
    parent = store.get(obj.parent)
    if obj.parent == WORKSPACE or parent is None:
        return {"id": WORKSPACE_ID, "type": "space"}
    if parent.kind == "data_source":
        return {"id": parent.parent, "type": "database", "data_source_id": parent.id}
    return {"id": parent.id, "type": parent.kind}


def _life(change: Change, obj: Stored) -> list[str]:
    """What became of an object as a whole."""
    before, after = change.before, change.after
    if before is None:
        return ["created"]
    if after is None:
        return [] if before.in_trash else ["deleted"]
    found = ["moved"] if before.parent != after.parent else []
    if before.in_trash != after.in_trash:
        found.append("deleted" if after.in_trash else "undeleted")
    return found


def _page(store: Store, change: Change, page: Stored, now: int) -> Iterator[Event]:
    life = _life(change, page)
    for name in life:
        yield _event(store, f"page.{name}", page, page.edited_by, now)
    if life:
        above = {side.parent for side in (change.before, change.after) if side is not None}
        for parent in filter(None, map(store.get, sorted(above))):
            yield from _content(store, parent, page, now)
    if change.before is None or change.after is None or "moved" in life:
        return
    old, new = change.before.doc, change.after.doc
    if old["is_locked"] != new["is_locked"]:
        yield _event(store, "page.locked" if new["is_locked"] else "page.unlocked", page, page.edited_by, now)
    values, was = new["values"], old["values"]
    changed = [key for key in {**was, **values} if was.get(key) != values.get(key)]
    if changed:
        ids = tuple(encode_column_id(key) for key in changed)
        yield _event(store, "page.properties_updated", page, page.edited_by, now, updated_properties=ids)


def _content(store: Store, parent: Stored, inside: Stored, now: int) -> Iterator[Event]:
    """Something appeared in, changed in or went from a page or data source."""
    while parent.kind == "block":
        above = store.get(parent.parent)
        if above is None:
            return
        parent = above
    if parent.kind in ("page", "data_source"):
        blocks = ((("id", inside.id), ("type", inside.kind)),)
        yield _event(
            store, f"{parent.kind}.content_updated", parent, inside.edited_by, now, updated_blocks=blocks
        )


def _block(store: Store, change: Change, block: Stored, now: int) -> Iterator[Event]:
    parent = store.get(block.parent)
    if parent is not None:
        yield from _content(store, parent, block, now)


def _container(store: Store, change: Change, obj: Stored, now: int) -> Iterator[Event]:
    for name in _life(change, obj):
        yield _event(store, f"{obj.kind}.{name}", obj, obj.edited_by, now)
    if obj.kind == "data_source" and change.before is not None and change.after is not None:
        schema = tuple(_schema(change.before, change.after))
        if schema:
            kind = "data_source.schema_updated"
            yield _event(store, kind, obj, obj.edited_by, now, updated_properties=schema)


def _schema(before: Stored, after: Stored) -> Iterator[tuple[tuple[str, str | None], ...]]:
    was, now = Columns(before).by_id, Columns(after).by_id
    for key in {**was, **now}:
        if key not in now:
            name, action = None, "deleted"
        elif key not in was:
            name, action = now[key].name, "created"
        elif was[key].doc() != now[key].doc():
            name, action = now[key].name, "updated"
        else:
            continue
        yield ("id", encode_column_id(key)), ("name", name), ("action", action)


def _comment(store: Store, change: Change, comment: Stored, now: int) -> Iterator[Event]:
    name = "created" if change.before is None else "deleted" if change.after is None else "updated"
    above = store.get(comment.parent)
    while above is not None and above.kind == "block":
        above = store.get(above.parent)
    page = (above.id,) if above is not None else ()
    yield _event(store, f"comment.{name}", comment, comment.edited_by, now, page_id=page)


_READERS = {
    "page": _page,
    "block": _block,
    "data_source": _container,
    "database": _container,
    "comment": _comment,
}


def merged(burst: list[Event]) -> list[Event]:
    """What a burst of events of one object comes to: one of each type, and nothing where all is as before."""
    names = [event.type.split(".")[1] for event in burst]
    lives = [name for name in names if name in ("created", "deleted", "undeleted")]
    if lives[:1] == ["created"] and lives[-1] == "deleted":
        return []
    swings = [name for name in lives if name != "created"]
    gone = set() if len(swings) % 2 else {"deleted", "undeleted"}
    if swings:
        gone |= {"deleted", "undeleted"} - {swings[-1]}
    if "created" in lives:
        gone |= {"deleted", "undeleted"}
    found: dict[str, Event] = {}
    for event, name in zip(burst, names, strict=True):
        if name in gone:
            continue
        known = found.get(event.type)
        found[event.type] = event if known is None else _joined(known, event)
    return list(found.values())


def _joined(first: Event, second: Event) -> Event:
    details = {
        key: tuple(dict.fromkeys((*first.details.get(key, ()), *values)))
        for key, values in second.details.items()
    }
    authors = tuple(dict.fromkeys((*first.authors, *second.authors)))
    return replace(second, authors=authors, details=details)


def shown(event: Event, version: str) -> Json | None:
    """Type, entity and data as a delivery has them; None for what a version has no event for."""
    kind, entity, parent = event.type, event.entity, event.parent
    if version < "2025-09-03":
        parent = {key: value for key, value in parent.items() if key != "data_source_id"}
        if event.entity_type() == "data_source":
            if not kind.endswith("_updated"):
                return None
            kind, entity = kind.replace("data_source", "database"), event.database
    data: Json = {"parent": parent}
    for key, values in event.details.items():
        if key == "page_id":
            data[key] = next(iter(values), None)
        else:
            data[key] = [dict(value) if isinstance(value, tuple) else value for value in values]
    return {"type": kind, "entity": {"id": entity, "type": kind.split(".")[0]}, "data": data}
