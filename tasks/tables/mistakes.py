"""All mistakes of a table, in one line and without its values: one of them may be a password."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from pydantic import BaseModel, ValidationError

from tasks.nearest import nearest


def of_model(error: ValidationError, table: type[BaseModel], place: str = "") -> list[str]:
    """What a model finds wrong, one sentence a mistake.

    Arguments:
        error: As the model raised it.
        table: The model.
        place: The table's name, which is put before its keys.
    """
    return [
        _told(mistake["type"], [str(part) for part in mistake["loc"]], mistake["msg"], table, place)
        for mistake in error.errors(include_url=False, include_input=False, include_context=False)
    ]


def unknown(key: str, known: Collection[str], place: str = "") -> str:
    """The sentence for a key that means nothing: with the one that may be meant, or all that there are."""
    meant = nearest(key, known)
    shown = f"{place}.{key}" if place else key
    if meant.startswith("did you mean"):
        return f"unknown key {shown!r}, {meant}"
    return f"unknown key {shown!r}, it may have {', '.join(known)}"


def listed(names: Iterable[str]) -> str:
    """Several words in a sentence: `a, b or c`."""
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else last


def _told(kind: str, path: list[str], message: str, table: type[BaseModel], place: str) -> str:
    key = ".".join([place, *path] if place else path)
    message = message.removeprefix("Value error, ")
    match kind:
        case "extra_forbidden" if len(path) == 1:
            return unknown(path[0], keys_of(table), place)
        case "extra_forbidden":
            return f"unknown key {key!r}"
        case "missing":
            return f"key {key!r} is missing"
        case _:
            return f"{key}: {message}" if key else message


def keys_of(table: type[BaseModel]) -> list[str]:
    """The keys that a table may have, in their order."""
    return [field.alias or name for name, field in table.model_fields.items()]
