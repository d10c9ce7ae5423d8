"""Where objects lie: parents as written and as shown, and what a parent in the trash means."""

from __future__ import annotations

import re
from typing import Any

from sandbox.notion.parts import rich_text
from sandbox.notion.parts.file_uploads import as_file
from sandbox.notion.requests import errors
from sandbox.notion.requests.call import Call
from sandbox.notion.state.ids import parse_id
from sandbox.notion.state.stored import WORKSPACE, Stored

#: What Notion calls a database that nobody named.
UNTITLED = "New database"
_KEYS = ("data_source_id", "database_id", "page_id", "block_id", "workspace")
ICON_COLORS = "gray|lightgray|brown|yellow|orange|green|blue|purple|pink|red"
#: Where Notion serves the icons of its own set.
_NATIVE = re.compile(
    rf"https://(?:www\.)?notion\.so/icons/(?P<name>[a-z0-9-]+)_(?P<color>{ICON_COLORS})\.svg(?:\?.*)?"
)
_KINDS = {"data_source_id": "data_source", "database_id": "database", "page_id": "page"}


def find_container(call: Call, value: Any, allowed: tuple[str, ...]) -> Stored:
    """The object that `parent` names, where it cannot be the workspace."""
    parent = find_parent(call, value, allowed)
    if parent is None:
        raise errors.bad_body("parent", f"one of {', '.join(allowed)}", value)
    return parent


def find_parent(call: Call, value: Any, allowed: tuple[str, ...]) -> Stored | None:
    """The object that `parent` names, None for the workspace; a database stands for its only data source."""
    if not isinstance(value, dict):
        raise (
            errors.bad_body("parent", "defined")
            if value is None
            else errors.bad_body("parent", "an object", value)
        )
    key = next((key for key in _KEYS if key in value and key in allowed), None)
    if key is None:
        lines = "\n".join(
            f"body.parent.{name} should be defined, instead was `undefined`." for name in allowed
        )
        raise errors.validation(f"body failed validation. Fix one:\n{lines}")
    if key == "workspace":
        return None
    where = f"parent.{key}"
    if parse_id(value[key]) is None:
        raise errors.bad_body(where, "a valid uuid", value[key])
    parent = call.find_in_body(_KINDS[key], where, value[key])
    if is_trashed(call, parent):
        raise errors.archived()
    return parent


def place(call: Call, obj: Stored, parent: Stored | None) -> None:
    """Put an object last under another parent, None for the workspace; `ApiError` below itself."""
    above = parent
    while above is not None:
        if above.id == obj.id:
            raise errors.validation(f"Cannot move a {obj.kind} under itself.")
        above = call.store.get(above.parent)
    target = parent.id if parent else WORKSPACE
    if target != obj.parent:
        obj.parent, obj.position = target, call.store.last_position(target)


def only_source(call: Call, database: Stored) -> Stored:
    """The data source of a database that has one; `ApiError` when it has more."""
    sources = call.store.children(database.id, ("data_source",), trashed=True)
    if len(sources) != 1:
        raise errors.validation(
            "Databases with multiple data sources are not supported in this API version.",
            {
                "error_type": "multiple_data_sources_for_database",
                "database_id": database.id,
                "child_data_source_ids": [source.id for source in sources],
                "minimum_api_version": "2025-09-03",
            },
        )
    return sources[0]


def show_parent(call: Call, obj: Stored) -> dict[str, Any]:
    """The `parent` of an answer."""
    if "given_parent" in obj.doc:
        given: dict[str, Any] = obj.doc["given_parent"]
        return given
    if obj.parent == WORKSPACE:
        return {"type": "workspace", "workspace": True}
    parent = call.store.get(obj.parent)
    kind = parent.kind if parent else "page"
    if kind == "data_source" and parent is not None:
        if not call.has_data_sources or obj.kind == "database":  # the latter lies in a wiki
            return {"type": "database_id", "database_id": parent.parent}
        return {"type": "data_source_id", "data_source_id": parent.id, "database_id": parent.parent}
    key = {"database": "database_id", "page": "page_id"}.get(kind, "block_id")
    return {"type": key, key: obj.parent}


def shown_title(call: Call, obj: Stored) -> list[dict[str, Any]]:
    """The title of a database, which since there are data sources has a name even where it has none."""
    title: list[dict[str, Any]] = obj.doc["title"]
    return title or ([rich_text.plain_run(UNTITLED)] if call.has_data_sources else [])


def shown_name(call: Call, obj: Stored) -> str:
    """The plain title of a page, or the name of a database or data source."""
    return rich_text.title_of(obj) if obj.kind == "page" else rich_text.plain(shown_title(call, obj))


def trashed_ancestor(call: Call, obj: Stored) -> bool:
    """Whether something above the object lies in the trash."""
    return call.store.lies_in_trash(obj.parent)


def is_trashed(call: Call, obj: Stored) -> bool:
    """Whether the object is in the trash, by itself or with something that it lies in."""
    return obj.in_trash or trashed_ancestor(call, obj)


def refuse_trashed(call: Call, obj: Stored, wish: bool | None) -> None:
    """Raise `ApiError` for an edit of something in the trash, unless the edit takes it out or leaves it there."""
    if obj.in_trash and wish is None:
        raise errors.archived()
    if trashed_ancestor(call, obj):
        raise errors.validation(
            "Can't edit page on block with an archived ancestor. You must unarchive the ancestor before editing page."
        )


def touch_page_above(call: Call, obj: Stored) -> None:
    """Stamp the page that holds an object: its content changed. Rows do not stamp their data source."""
    parent = call.store.get(obj.parent)
    while parent is not None and parent.kind == "block":
        parent = call.store.get(parent.parent)
    if parent is not None and parent.kind == "page":
        call.touch(parent)
        call.store.save(parent)


def read_icon(call: Call, value: Any, path: str) -> dict[str, Any] | None:
    """An icon or cover as written, with its type; None takes it away."""
    if value is None:
        return None
    kinds = ("emoji", "external", "custom_emoji", "file_upload", "file", "icon")
    kind = next((kind for kind in kinds if isinstance(value, dict) and kind in value), None)
    if kind is None:
        raise errors.bad_body(path, "an icon or `null`", value)
    if kind == "file_upload":
        return {"type": "file", "file": as_file(call, value[kind], f"{path}.file_upload")[0]}
    if kind == "icon":
        return {"type": kind, kind: _native_icon(value[kind], f"{path}.icon")}
    if kind == "external" and path.endswith("icon") and isinstance(value[kind], dict):
        native = _NATIVE.fullmatch(str(value[kind].get("url")))
        if native is not None:
            return {"type": "icon", "icon": native.groupdict()}
    return {"type": kind, kind: value[kind]}


def _native_icon(value: Any, path: str) -> dict[str, str]:
    icon = errors.an_object(value, path)
    name, color = errors.a_string(icon.get("name"), f"{path}.name"), icon.get("color") or "gray"
    if color not in ICON_COLORS.split("|"):
        raise errors.bad_body(f"{path}.color", ICON_COLORS.replace("|", ", "), color)
    return {"name": name, "color": color}
