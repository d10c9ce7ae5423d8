"""Pages: create, read, update, trash."""

from __future__ import annotations

from typing import Any

from sandbox.notion.blocks.blocks import append_blocks, read_position
from sandbox.notion.columns.cells import show_cells
from sandbox.notion.columns.columns import OPTION_TYPES, READ_ONLY, Column, Columns
from sandbox.notion.columns.relations import write_relation
from sandbox.notion.columns.values import empty_value, read_value
from sandbox.notion.parts import kept_files, rich_text
from sandbox.notion.parts.markdown_text import read_markdown
from sandbox.notion.parts.parents import (
    find_parent,
    is_trashed,
    only_source,
    place,
    read_icon,
    refuse_trashed,
    show_parent,
    touch_page_above,
)
from sandbox.notion.requests import errors
from sandbox.notion.requests.call import Call, stamps, url
from sandbox.notion.state.ids import TITLE, decode_column_id, new_id, parse_id
from sandbox.notion.state.stored import WORKSPACE, Stored

_CREATE = frozenset(
    {"parent", "properties", "icon", "cover", "children", "content", "markdown", "template", "position"}
)
_UPDATE = frozenset(
    {
        "properties",
        "icon",
        "cover",
        "is_locked",
        "in_trash",
        "archived",
        "is_archived",
        "template",
        "erase_content",
    }
)


def path_id(value: str | None, name: str, where: str = "path") -> str:
    """An id of a path, or of a query string; `ApiError` 400 when it is no UUID."""
    object_id = parse_id(value)
    if object_id is None:
        was = "`undefined`" if value is None else errors.shown(value)
        raise errors.validation(
            f"{where} failed validation: {where}.{name} should be a valid uuid, instead was {was}."
        )
    return object_id


def refuse_unknown(body: dict[str, Any], known: frozenset[str]) -> None:
    """Raise `ApiError` for a key that the endpoint does not know."""
    for key, value in body.items():
        if key not in known:
            raise errors.not_present(key, value)


def create(call: Call, body: dict[str, Any], only: list[str] | None = None) -> dict[str, Any]:
    """POST /pages."""
    refuse_unknown(body, _CREATE)
    content = _content(body)
    parent = find_parent(call, body.get("parent"), ("data_source_id", "database_id", "page_id", "workspace"))
    if parent is not None and parent.kind == "database":
        parent = only_source(call, parent)
    page = call.new(new_id(), "page", parent.id if parent else WORKSPACE, _fresh())
    page.indexed = call.limits.search_delay <= 0
    if parent is not None and parent.kind == "page" and body.get("position") is not None:
        gap = read_position(call, parent, body["position"], ("page_start", "page_end"))
        page.position = sum(gap) / 2 if gap else 0.0
    properties = body.get("properties") or {}
    if parent is not None and parent.kind == "data_source":
        columns = Columns(parent)
        page.doc["values"] = {
            column.id: empty_value(column) for column in columns if column.type not in READ_ONLY
        }
        _number(page, parent)
        call.store.insert(page)
        _write_cells(call, columns, page, properties)
        columns.keep()
        call.store.save(parent)
        titled = any(columns.named(key).id == TITLE for key in properties)
    else:
        call.store.insert(page)
        _write_title(call, page, properties)
        titled = TITLE in properties
    _write_looks(call, page, body)
    blocks = body.get(content) if content is not None else None
    if content == "markdown" and blocks:
        blocks = read_markdown(errors.a_string(blocks, content))
        if not titled:
            _take_title(call, page, blocks)
    call.store.save(page)
    touch_page_above(call, page)
    if content is not None and blocks:
        append_blocks(call, page, blocks, content)
    return show_page(call, page, only)


def _take_title(call: Call, page: Stored, blocks: list[dict[str, Any]]) -> None:
    """Make the first big heading of a page without a title its title."""
    heading = next((block for block in blocks if block["type"] == "heading_1"), None)
    if heading is not None:
        blocks.remove(heading)
        runs = heading["heading_1"]["rich_text"]
        page.doc["values"][TITLE] = rich_text.normalise(call, runs, "markdown")


def _number(page: Stored, source: Stored) -> None:
    """Give a new row of a data source its number there; both are to be saved."""
    source.doc["counter"] = page.doc["number"] = source.doc.get("counter", 0) + 1


def _content(body: dict[str, Any]) -> str | None:
    """The key that tells the content of a new page; `ApiError` for several, or for a template: there are none."""
    given = [key for key in ("children", "content", "markdown") if body.get(key) is not None]
    template = errors.an_object(body.get("template") or {}, "template").get("type", "none")
    if template != "none":
        raise errors.bad_body("template.type", '`"none"`, as there are no templates', template)
    if len(given) > 1:
        raise errors.not_present(given[1], body[given[1]])
    return next(iter(given), None)


def _fresh() -> dict[str, Any]:
    return {"values": {TITLE: []}, "icon": None, "cover": None, "is_locked": False, "is_archived": False}


def retrieve(call: Call, raw_id: str, only: list[str]) -> dict[str, Any]:
    """GET /pages/{id}, of the columns named by `only` if it names any."""
    return show_page(call, call.find("page", path_id(raw_id, "page_id")), only)


def update(call: Call, raw_id: str, body: dict[str, Any], only: list[str] | None = None) -> dict[str, Any]:
    """PATCH /pages/{id}."""
    refuse_unknown(body, _UPDATE)
    page = call.find("page", path_id(raw_id, "page_id"))
    wish = call.trash_wish(body)
    refuse_trashed(call, page, wish)
    source = source_of(call, page)
    if body.get("properties"):
        if source is None:
            _write_title(call, page, body["properties"])
        else:
            columns = Columns(source)
            before = sum(len(column.options) for column in columns if "options" in column.config)
            _write_cells(call, columns, page, body["properties"])
            if before != sum(len(column.options) for column in columns if "options" in column.config):
                columns.keep()
                call.store.save(source)
    _write_looks(call, page, body)
    if wish is not None:
        page.in_trash = wish
    if body.get("erase_content"):
        for block in call.store.children(page.id, ("block",)):
            block.in_trash = True
            call.store.save(block)
    if body:
        call.touch(page)
    call.store.save(page)
    if wish is not None:
        touch_page_above(call, page)
    return show_page(call, page, only)


def move(call: Call, raw_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """POST /pages/{id}/move: under another page, or into another data source, where columns match by name."""
    page = call.find("page", path_id(raw_id, "page_id"))
    refuse_trashed(call, page, None)
    parent = find_parent(call, body.get("parent"), ("data_source_id", "page_id", "workspace"))
    old = source_of(call, page)
    was = {column.name: (column, page.doc["values"].get(column.id)) for column in Columns(old)} if old else {}
    title = page.doc["values"].get(TITLE, [])
    place(call, page, parent)
    page.doc["values"] = {}
    if parent is not None and parent.kind == "data_source":
        if parent.id != (old.id if old else None):
            _number(page, parent)
            call.store.save(parent)
        for column in Columns(parent):
            known, value = was.get(column.name, (None, None))
            page.doc["values"][column.id] = _carried(known, value, column)
    page.doc["values"][TITLE] = title
    call.touch(page)
    call.store.save(page)
    return show_page(call, page)


def _carried(known: Column | None, value: Any, column: Column) -> Any:
    """A value of a column in another data source: as it is, or the options of the same names."""
    if known is None or known.type != column.type or column.type in READ_ONLY or value is None:
        return empty_value(column)
    if column.type == "relation":
        same = known.config.get("data_source_id") == column.config.get("data_source_id")
        return value if same else empty_value(column)
    if column.type not in OPTION_TYPES:
        return value
    names = {option["id"]: option["name"] for option in known.options}
    ids = {option["name"]: option["id"] for option in column.options}
    chosen = [
        ids[names[key]] for key in (value if isinstance(value, list) else [value]) if names.get(key) in ids
    ]
    return chosen if column.type == "multi_select" else next(iter(chosen), empty_value(column))


def source_of(call: Call, page: Stored) -> Stored | None:
    """The data source that a page is a row of."""
    parent = call.store.get(page.parent)
    return parent if parent is not None and parent.kind == "data_source" else None


def _write_cells(call: Call, columns: Columns, page: Stored, properties: Any) -> None:
    if not isinstance(properties, dict):
        raise errors.bad_body("properties", "an object", properties)
    for key, value in properties.items():
        column = columns.find(key)
        if column is None:
            raise errors.validation(f"{key} is not a property that exists.")
        kept = read_value(call, column, value, f"properties.{key}")
        if column.type == "relation":
            write_relation(call, column, page, kept)
        else:
            page.doc["values"][column.id] = kept


def _write_title(call: Call, page: Stored, properties: Any) -> None:
    if not isinstance(properties, dict):
        raise errors.bad_body("properties", "an object", properties)
    for key, value in properties.items():
        if key != TITLE:
            raise errors.validation(f"{key} is not a property that exists.")
        runs = value.get("title") if isinstance(value, dict) else value
        page.doc["values"][TITLE] = rich_text.normalise(call, runs, "properties.title.title")


def _write_looks(call: Call, page: Stored, body: dict[str, Any]) -> None:
    for key in ("icon", "cover"):
        if key in body:
            page.doc[key] = read_icon(call, body[key], key)
    for key in ("is_locked", "is_archived"):
        if key in body:
            if not isinstance(body[key], bool):
                raise errors.bad_body(key, "a boolean", body[key])
            page.doc[key] = body[key]


def show_page(
    call: Call, page: Stored, only: list[str] | None = None, columns: Columns | None = None
) -> dict[str, Any]:
    """A page as answers show it; `columns` saves reading them once per row."""
    doc = page.doc
    if columns is None:
        source = source_of(call, page)
        columns = Columns(source) if source else None
    if columns is None:
        title = {"id": TITLE, "type": "title", "title": doc["values"].get(TITLE, [])}
        properties = {} if only and TITLE not in only else {"title": title}
    else:
        wanted = {columns.named(key).id for key in only} if only else None
        properties = show_cells(call, columns, page, wanted)
    trashed = is_trashed(call, page)
    return {
        "object": "page",
        "id": page.id,
        **stamps(page),
        "cover": kept_files.shown(call, doc["cover"]),
        "icon": kept_files.shown(call, doc["icon"]),
        "parent": show_parent(call, page),
        "in_trash": trashed,
        "is_archived": doc["is_archived"],
        "is_locked": doc["is_locked"],
        "properties": properties,
        "url": url(rich_text.title_of(page), page.id),
        "public_url": None,
        **call.trash_flags(trashed),
    }


def column_key(raw: str) -> str:
    """A column id of a path, which clients send as they received it."""
    return decode_column_id(raw)
