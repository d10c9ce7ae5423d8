"""What the set-up says of a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Flag:
    """How a row is marked as deleted, rather than taken away.

    A column of yes and no is set to yes, and a date or time to now; of other kinds, `value` says what stands for
    deleted, and `otherwise` what a row has that is restored, nothing by default.
    """

    column: str
    value: Any = None
    otherwise: Any = None


@dataclass(frozen=True, slots=True)
class Named:
    """How the file in a column of bytes is called: always so, or as another column says."""

    name: str = ""
    column: str | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """What the set-up says of a table, whatever the database says of it."""

    table: str
    schema: str | None = None
    #: The columns by which a row is found again, where the table has no primary key.
    key: tuple[str, ...] = ()
    title: str | None = None
    #: A time or a growing number that every program sets with every write.
    changed: str | None = None
    #: How much of it is read again: seconds of a time, numbers of a number.
    look_back: int = 600
    #: A number that every program raises by one with every write to a row.
    version: str | None = None
    deleted: Flag | None = None
    #: Which rows are synced: those with these values. New rows get them.
    where: Mapping[str, Any] = field(default_factory=dict)
    #: A column of texts or UUIDs, of which no two are equal, for what tells a create that is made again.
    create_key: str | None = None
    #: Columns that hold the key of another row, of this table or of another one.
    references: tuple[str, ...] = ()
    #: Columns of bytes of which each row holds a file, and how that is called.
    files: Mapping[str, Named] = field(default_factory=dict)
    #: How many bytes of a file are carried at most.
    most_bytes: int = 0
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
