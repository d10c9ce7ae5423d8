"""What the table of a service may say, in words for people."""

from __future__ import annotations

import types
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

#: What people call the types of values.
WORDS = {
    str: "text",
    SecretStr: "secret text",
    Path: "path",
    bool: "true or false",
    int: "whole number",
    float: "number",
    timedelta: "period",
    datetime: "time",
    date: "date",
}


@dataclass(frozen=True, slots=True)
class TableOption:
    """One key of a table."""

    name: str
    #: Such as `text`, `whole number`, `list of text`.
    type: str
    required: bool
    #: What holds where it is left out; `None` where that is nothing.
    default: Any
    description: str


def options_of(table: type[BaseModel]) -> tuple[TableOption, ...]:
    """The keys that a table may have, in their order."""
    return tuple(_option(name, field) for name, field in table.model_fields.items())


def _option(name: str, field: FieldInfo) -> TableOption:
    required = field.is_required()
    default = None if required else field.get_default(call_default_factory=True, validated_data={})
    return TableOption(
        field.alias or name, type_word(field.annotation), required, _plain(default), field.description or ""
    )


def type_word(annotation: Any) -> str:
    """What people call a type of values."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return type_word(args[0])
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(type_word(one) for one in args if one is not type(None)))
    if origin is Literal:
        return " or ".join(f'"{one}"' if isinstance(one, str) else str(one).lower() for one in args)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return " or ".join(f'"{one.value}"' for one in annotation)
    if origin in (list, tuple, set, frozenset):
        inner = [one for one in args if one is not Ellipsis]
        return f"list of {type_word(inner[0])}" if inner else "list"
    if origin is not None and issubclass(origin, dict):
        return "table" if args[1] is Any else f"table of {type_word(args[1])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "table"
    return "value" if annotation is Any else WORDS.get(annotation, getattr(annotation, "__name__", "value"))


def _plain(default: Any) -> Any:
    """A default as JSON has it; an empty one, or one that is secret, is none."""
    if isinstance(default, Enum):
        return default.value
    if isinstance(default, bool | int | float):
        return default
    if not default or isinstance(default, SecretStr):
        return None
    return str(default) if isinstance(default, Path | date | timedelta) else default
