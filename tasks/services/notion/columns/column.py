"""A property of a data source, and what to say of values that do not fit it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tasks.errors import ItemError


@dataclass(frozen=True)
class Column:
    """A property as the schema of a data source describes it."""

    #: As it is called in Notion now; people may change it.
    name: str
    #: As Notion writes it in its answers; stays when the property is renamed.
    id: str
    type: str
    #: Names of the options of select, multi_select and status.
    options: tuple[str, ...] = ()
    #: Of each option of a status, the group in which it is.
    groups: Mapping[str, str] = field(default_factory=dict, compare=False)
    #: Names of the options by their ids, which stay when an option is renamed.
    option_names: Mapping[str, str] = field(default_factory=dict, compare=False)
    #: Whether a date is read with its end and its zone, not its start alone.
    as_range: bool = False
    #: Of a relation, the data source to which it leads, and its database.
    leads_to: tuple[str, ...] = field(default=(), compare=False)


def misfit(column: Column, value: Any, wanted: str) -> ItemError:
    """The error of a value that is not of the property's type."""
    return ItemError(
        f"Notion property {column.name!r} ({column.type}) takes {wanted}, "
        f"not a value of type {type(value).__name__}"
    )


def well_formed(column: Column, text: str) -> str:
    """The text, made sure that it can be sent.

    Raises:
        ItemError: it cannot.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ItemError(f"Notion property {column.name!r}: the text holds half a surrogate pair") from None
    return text
