"""Values that point at something: people, pages, places, and the word that a wiki page is verified."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from tasks.errors import ItemError
from tasks.services.notion.columns.column import Column, misfit, well_formed
from tasks.services.notion.columns.rich_text import text_of

Json = dict[str, Any]

#: Most pages or people in one value.
MOST_REFERENCES = 100


def read_ids(column: Column, held: Any) -> tuple[str, ...]:
    """The ids of people or pages, sorted: their order means nothing."""
    return tuple(sorted({text_of(entry["id"]) for entry in held or ()}))


def write_ids(column: Column, value: Any, held: Any) -> list[Json]:
    """The people or pages with these ids; those that the value has already come first, in their order."""
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable | None):
        raise misfit(column, value, "a tuple of ids")
    ids = {_uuid(column, one) for one in value or ()}
    _check_number(column, len(ids))
    kinds = {entry["id"]: entry.get("object", "user") for entry in held or ()}
    order = {entry["id"]: place for place, entry in enumerate(held or ())}
    wanted = sorted(ids, key=lambda one: (order.get(one, len(order)), one))
    if column.type == "relation":
        return [{"id": one} for one in wanted]
    return [{"object": kinds.get(one, "user"), "id": one} for one in wanted]


def read_place(column: Column, held: Any) -> Json | None:
    """`lat` and `lon` in degrees, `name` and `address`."""
    if not held:
        return None
    for key, kind in (("lat", int | float), ("lon", int | float), ("name", str), ("address", str)):
        if not isinstance(held.get(key), kind | None):
            raise TypeError(f"no {key}")
    return {key: held.get(key) for key in ("lat", "lon", "name", "address")}


def write_place(column: Column, value: Any, held: Any) -> Json | None:
    """A place of at least `lat` and `lon`."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise misfit(column, value, "a mapping of lat, lon, name and address")
    for key, most in (("lat", 90), ("lon", 180)):
        degrees = value.get(key)
        number = isinstance(degrees, int | float) and not isinstance(degrees, bool)
        if not number or not abs(float(degrees or 0)) <= most:
            raise ItemError(f"Notion property {column.name!r}: {key} must be degrees from -{most} to {most}")
    for key in ("name", "address"):
        text = value.get(key)
        if text is not None and not isinstance(text, str):
            raise misfit(column, text, f"text as {key}")
        well_formed(column, text or "")
    same_place = bool(held) and all(held.get(key) == value[key] for key in ("lat", "lon"))
    rest = {key: held[key] for key in ("aws_place_id", "google_place_id") if same_place and held.get(key)}
    return {key: value.get(key) for key in ("lat", "lon", "name", "address")} | rest


def read_verification(column: Column, held: Any) -> str | None:
    """`verified` or `expired`, `None` where the page is neither."""
    state = (held or {}).get("state")
    return None if state in (None, "unverified") else str(state)


def write_verification(column: Column, value: Any, held: Any) -> Json:
    """`verified`, or `None` to take it back."""
    if value not in (None, "verified", "unverified"):
        raise ItemError(f"Notion property {column.name!r} takes 'verified' or nothing")
    return {"state": value or "unverified"}


def _uuid(column: Column, text: Any) -> str:
    if not isinstance(text, str):
        raise misfit(column, text, "ids as text")
    try:
        return str(UUID(text))
    except ValueError:
        raise ItemError(f"Notion property {column.name!r}: {text[:40]!r} is not an id of Notion's") from None


def _check_number(column: Column, number: int) -> None:
    if number > MOST_REFERENCES:
        raise ItemError(
            f"Notion property {column.name!r}: {number} entries are too many, "
            f"Notion takes at most {MOST_REFERENCES}"
        )
