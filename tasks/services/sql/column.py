"""A column of a table, and which kind of values its type holds."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from tasks.errors import UnfitError
from tasks.services.sql import values
from tasks.services.sql.dialects import UNTOUCHED, Dialect, Named
from tasks.services.sql.file_column import Files
from tasks.services.sql.values import Codec, Raw
from tasks.sides import Attribute, Kind, Option

#: What names of columns mean wherever they stand; the first column of a meaning has it.
MEANINGS: Mapping[str, str] = {
    **dict.fromkeys(("notes", "description", "body", "details", "comment", "comments"), "notes"),
    **dict.fromkeys(("due", "due_date", "due_at", "due_on", "deadline"), "due"),
    **dict.fromkeys(("status", "state"), "status"),
    **dict.fromkeys(("done", "completed", "is_done", "is_completed", "finished"), "done"),
    **dict.fromkeys(("tags", "labels", "categories", "keywords"), "tags"),
    **dict.fromkeys(("url", "link", "website", "homepage"), "link"),
}
#: By how much clocks are set back.
_TWICE = timedelta(hours=1)
#: What makes a file of bytes.
_MEND = "bytes are a file where files says how it is called"
#: The kinds that a meaning goes with.
_KINDS_OF: Mapping[str, tuple[Kind, ...]] = {
    "notes": (Kind.TEXT,),
    "due": (Kind.DATE, Kind.MOMENT),
    "status": (Kind.TEXT, Kind.CHOICE),
    "done": (Kind.YES_NO,),
    "tags": (Kind.CHOICES,),
    "link": (Kind.TEXT,),
}


@dataclass(frozen=True, slots=True)
class Place:
    """To which rows a foreign key leads."""

    table: str
    schema: str | None
    column: str

    def there(self, keys: Collection[str]) -> sa.Select[Any]:
        """Which of these keys there are, as texts."""
        key = sa.cast(sa.column(self.column, UNTOUCHED), sa.Text)
        return sa.select(key).select_from(sa.table(self.table, schema=self.schema)).where(key.in_(list(keys)))


@dataclass(frozen=True, slots=True)
class Column:
    """A column as statements and people know it."""

    name: str
    codec: Codec
    dialect: Dialect
    #: Whether it may be written at all.
    writable: bool = True
    #: Whether it is part of the key.
    in_key: bool = False
    #: Whether the database fills it where nothing is given.
    has_default: bool = False
    #: Whether the database gives the number of a row that was deleted to another one.
    is_reused: bool = False
    #: Whether its type is that of UUIDs.
    is_uuid: bool = False
    meaning: str = ""
    #: The type in words, for the form of the values.
    type: str = ""
    #: Of a foreign key, where the rows are; `None` where the database does not say so.
    leads_to: Place | None = None
    #: The table itself.
    table: str = ""

    @property
    def sql(self) -> Named:
        """As statements name it."""
        return sa.column(self.name, UNTOUCHED)

    @property
    def is_list(self) -> bool:
        """Whether it holds lists."""
        return self.codec.kind is Kind.CHOICES

    @property
    def shown(self) -> sa.ColumnElement[Any]:
        """As it is read, under its name."""
        if self.codec.kind is Kind.OPAQUE:  # that there is something is all that is asked
            return sa.case((self.sql.is_(None), None), else_=sa.literal_column("''")).label(self.name)
        if isinstance(self.codec, Files):
            return self._file.label(self.name)
        return self.dialect.shown(self.sql, is_list=self.is_list).label(self.name)

    @property
    def _file(self) -> sa.ColumnElement[Any]:
        """What tells the file in it."""
        named_by = self.codec.named_by if isinstance(self.codec, Files) else None
        return self.dialect.file(self.sql, None if named_by is None else sa.column(named_by, UNTOUCHED))

    def is_still(self, raw: Raw) -> sa.ColumnElement[bool]:
        """Whether it shows what it showed."""
        if self.codec.kind is Kind.OPAQUE:
            return self.sql.is_(None) if raw is None else self.sql.is_not(None)
        if isinstance(self.codec, Files):
            return (
                self.sql.is_(None)
                if raw is None
                else self._file == sa.bindparam(None, raw, sa.Text, unique=True)
            )
        return self.dialect.is_still(self.sql, raw, is_list=self.is_list)

    def raw(self, value: Any, old: Raw = None) -> Raw:
        """What the driver is given for a value.

        Raises:
            UnfitError: the column does not take it.
        """
        if not self.writable:
            raise UnfitError(f"{self.name} is not written here", [self.name])
        try:
            return self.dialect.raw(self.codec.write(value, old))
        except ValueError as error:
            raise UnfitError(f"{self.name} {error}", [self.name]) from None

    def now(self, old: Raw = None) -> Raw:
        """What the driver is given for the time of a write, also in an hour that clocks show twice."""
        moment = datetime.now(UTC)
        if self.codec.kind is not Kind.MOMENT:
            return self.raw(moment.date())
        try:
            return self.raw(moment, old)
        except UnfitError:
            return self.raw(moment - _TWICE, old)  # when they showed it first

    @property
    def attribute(self) -> Attribute:
        """What the side says of it."""
        options = getattr(self.codec, "options", ())
        zone = getattr(self.codec, "zone", None)
        aware = getattr(self.codec, "names_zone", False)
        return Attribute(
            self.codec.kind,
            writable=self.writable,
            options=tuple(Option(name) for name in options),
            new_options=self.is_list and not options,
            meaning=self.meaning,
            midnight_in=zone.key if zone is not None else "",
            mend=f'{_MEND}, as in files = {{ {self.name} = "{self.name}.pdf" }}'
            if self.codec.kind is Kind.OPAQUE
            else "",
            form=f"{self.codec.name} {self.codec.named_by or ''}".strip()
            if isinstance(self.codec, Files)
            else (zone.key if zone is not None and not aware else ""),
            single=self.codec.kind is Kind.REFERENCE,
            refers_to=self._elsewhere,
        )

    @property
    def _elsewhere(self) -> tuple[str, ...]:
        """The table of the rows to which it refers, where that is another one."""
        refers = self.codec.kind is Kind.REFERENCE and self.leads_to is not None
        return (
            (self.leads_to.table,) if refers and self.leads_to and self.leads_to.table != self.table else ()
        )


def codec_of(kind: sa.types.TypeEngine[Any], nullable: bool, zone: ZoneInfo, dialect: Dialect) -> Codec:
    """How the values of a type are read and written; what is not known is a text, as the database shows it."""
    if isinstance(kind, postgresql.DOMAIN):
        return codec_of(kind.data_type, nullable, zone, dialect)
    match kind:
        case sa.Boolean():
            return values.YesNo(nullable)
        case sa.Integer():
            return values.Whole(nullable)
        case sa.Float():
            return values.Number(nullable)
        case sa.Numeric():
            return values.Whole(nullable) if kind.scale == 0 else values.Number(nullable, in_decimals=True)
        case sa.DateTime():
            return values.Moment(nullable, zone, names_zone=kind.timezone)
        case sa.Date():
            return values.Day(nullable)
        case sa.Enum():
            return values.Choice(nullable, tuple(kind.enums))
        case sa.ARRAY() if isinstance(kind.item_type, sa.Enum):
            return values.Choices(nullable, tuple(kind.item_type.enums))
        case sa.ARRAY() if isinstance(kind.item_type, sa.String):
            return values.Choices(nullable)
        case sa.LargeBinary():
            return values.Unread(nullable)
    return values.Text(
        nullable,
        length=kind.length if isinstance(kind, sa.String) else None,
        takes_nul=dialect.takes_nul,
        is_json=isinstance(kind, sa.JSON) and dialect.name == "sqlite",
        may_be_blank=isinstance(kind, sa.String),
    )


def meaning_of(name: str, kind: Kind, taken: set[str]) -> str:
    """What a column is to people wherever they have one, after its name; empty where another one has it."""
    meaning = MEANINGS.get(name.lower(), "")
    return meaning if meaning not in taken and kind in _KINDS_OF.get(meaning, ()) else ""
