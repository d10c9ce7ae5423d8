"""Tasks from the `[[sync]]` tables of `lockstep.toml`, without writing Python.

    [[sync]]
    name = "todos"
    kind = "caldav"
    data_source = "…"
    calendar_url = "…"
    every = "5m"              # s, m, h or d, as in "1h 30m"
    # in_total = 3            # end after three runs
    # once = true             # or run a single time
    conflict_mode = "newer"   # or "notion", "other", "error"
    # edit_beats_delete = false # let a deletion on one side beat an edit on the other
    # delete_share = 0.5      # halt a run that would delete more than this share …
    # change_share = 0.5      # … or overwrite or blank a property on more than this share

    [sync.attr_map]           # may be left out where the columns have usual names
    Name = "summary"

    [sync.conflict_modes]     # of single properties
    Due = "notion"

A further service adds its kind with `add_kind`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

from config.settings import Settings
from tasks.conflict_modes import ConflictMode
from tasks.errors import TaskDefinitionError
from tasks.sync_task.task import SyncTask

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_PERIOD = re.compile(r"(\d+)\s*(s|m|h|d)(?:econd|ec|inute|in|our|ay)?s?")


def read_period(value: Any) -> timedelta:
    """The period that a text such as `5m` or `1h 30m` says.

    Raises:
        ValueError: it says none.
    """
    text = str(value).strip().lower()
    parts = _PERIOD.findall(text)
    if not isinstance(value, str) or not parts or _PERIOD.sub("", text).strip():
        raise ValueError('give a period such as "30s", "5m" or "1h 30m"')
    units = [unit for _, unit in parts]
    if len(units) != len(set(units)):
        raise ValueError(f"{value!r} names a unit twice")
    try:
        period = timedelta(**{_UNITS[unit]: int(number) for number, unit in parts})
    except OverflowError:
        raise ValueError(f"{value!r} is too long") from None
    if not period:
        raise ValueError("a period must be longer than zero")
    return period


class SyncTable(BaseModel):
    """What every `[[sync]]` table may say."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: Annotated[str, Field(min_length=1)]
    kind: str
    #: Time between the starts of two runs.
    every: Annotated[timedelta, BeforeValidator(read_period)] | None = None
    #: How many runs there are in all.
    in_total: Annotated[int, Field(ge=1, strict=True)] | None = None
    once: Annotated[bool, Field(strict=True)] = False
    conflict_mode: ConflictMode = ConflictMode.NEWER
    #: The conflict modes of single Notion properties, where they have one of their own.
    conflict_modes: dict[str, ConflictMode] = Field(default_factory=dict)
    #: Whether an object that was edited on one side survives its deletion on the other.
    edit_beats_delete: Annotated[bool, Field(strict=True)] = True
    #: The shares of the linked objects that a run may delete, and on which it may overwrite a property.
    delete_share: Annotated[float, Field(ge=0, le=1)] = SyncTask.delete_share
    change_share: Annotated[float, Field(ge=0, le=1)] = SyncTask.change_share
    #: The other side's attributes by Notion property.
    attr_map: dict[str, str] | None = None

    @model_validator(mode="after")
    def _says_how_often(self) -> Self:
        if self.once and (self.every is not None or self.in_total is not None):
            raise ValueError("once = true does not go with every or in_total")
        if not self.once and self.every is None and self.in_total is None:
            raise ValueError('it does not say how often: add every = "5m", or once = true')
        return self

    def scheduled(self, task: SyncTask) -> SyncTask:
        """The task, scheduled as the table says.

        Raises:
            TaskDefinitionError: it gives a conflict mode for a property that is not synced.
        """
        task.with_conflict_modes(self.conflict_modes)
        task.edit_beats_delete = self.edit_beats_delete
        task.delete_share, task.change_share = self.delete_share, self.change_share
        if self.every is not None:
            task.run_every(seconds=int(self.every.total_seconds()))
        if self.in_total is not None:
            task.in_total(self.in_total)
        if self.once:
            task.run_once()
        return task.schedule()


class CalDAVTable(SyncTable):
    """A Notion data source <-> CalDAV to-dos."""

    data_source: str
    calendar_url: str
    username: str | None = None
    password: SecretStr | None = None
    floating_zone: str = "UTC"
    #: Ids of Notion properties, by the names in `attr_map`.
    column_ids: dict[str, str] | None = None
    #: What options stand for, by Notion property.
    values: dict[str, dict[str, str | int]] | None = None


@dataclass(frozen=True)
class Kind:
    """A kind of `[[sync]]` table."""

    table: type[SyncTable]
    make: Callable[[Any, Settings], SyncTask]


_KINDS: dict[str, Kind] = {}


def add_kind(name: str, table: type[SyncTable], make: Callable[[Any, Settings], SyncTask]) -> None:
    """Let tables say `kind = name`.

    Arguments:
        name: The kind's name.
        table: The keys it has.
        make: Makes the task, not scheduled yet, from a table that was read.
    """
    _KINDS[name] = Kind(table, make)


def declare(tables: Iterable[Mapping[str, Any]], settings: Settings) -> list[SyncTask]:
    """The tasks of these tables, scheduled.

    Every table is read before the first task is scheduled, so that a mistake leaves none half declared.

    Arguments:
        tables: As TOML gives them.
        settings: Where Notion is.

    Raises:
        TaskDefinitionError: a table has an unknown or missing key, or a value that does not fit.
    """
    read = [_read(table, place) for place, table in enumerate(tables, 1)]
    names = [table.name for table, _ in read]
    for name in names:
        if names.count(name) > 1:
            raise TaskDefinitionError(f"lockstep.toml: two [[sync]] tables are named {name!r}")
    made = [(table, make(table, settings)) for table, make in read]
    return [table.scheduled(task) for table, task in made]


def _read(table: Mapping[str, Any], place: int) -> tuple[SyncTable, Callable[[Any, Settings], SyncTask]]:
    where = (
        f"lockstep.toml, [[sync]] {table['name']!r}"
        if table.get("name")
        else f"lockstep.toml, [[sync]] no. {place}"
    )
    name = table.get("kind")
    kind = _KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        said = f"kind {name!r} is unknown" if name is not None else "it has no kind"
        raise TaskDefinitionError(f"{where}: {said}; there are: {', '.join(sorted(_KINDS))}")
    try:
        return kind.table.model_validate(dict(table)), kind.make
    except ValidationError as error:
        raise TaskDefinitionError(f"{where}: {_explained(error, kind.table)}") from None


def _explained(error: ValidationError, table: type[SyncTable]) -> str:
    """All mistakes of a table in one line, without the values: one may be a password."""
    mistakes = []
    for mistake in error.errors(include_url=False, include_input=False, include_context=False):
        key = ".".join(str(part) for part in mistake["loc"])
        match mistake["type"]:
            case "extra_forbidden":
                mistakes.append(f"unknown key {key!r}, it may have {', '.join(table.model_fields)}")
            case "missing":
                mistakes.append(f"key {key!r} is missing")
            case "value_error" if not key:
                mistakes.append(mistake["msg"].removeprefix("Value error, "))
            case _:
                mistakes.append(f"{key}: {mistake['msg'].removeprefix('Value error, ')}")
    return "; ".join(mistakes)


def _make_caldav(table: CalDAVTable, settings: Settings) -> SyncTask:
    from tasks.notion_caldav import NotionCalDAV

    return NotionCalDAV(
        table.name,
        data_source=table.data_source,
        calendar_url=table.calendar_url,
        attr_map=table.attr_map,
        conflict_mode=table.conflict_mode,
        values=table.values,
        column_ids=table.column_ids,
        username=table.username,
        password=table.password,
        floating_zone=table.floating_zone,
        token=settings.notion_token,
        base_url=settings.notion_base_url,
    )


add_kind("caldav", CalDAVTable, _make_caldav)
