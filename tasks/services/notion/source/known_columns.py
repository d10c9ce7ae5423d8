"""The columns of a sync as they were seen last, also by an earlier process, and what became of them since."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any
from urllib.parse import unquote

from tasks.errors import TaskDefinitionError
from tasks.services.notion.columns.column import Column
from tasks.services.notion.columns.properties import check_supported
from tasks.services.notion.pages.page import Page
from tasks.services.notion.source.schema import Schema

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Known:
    """A column as it was when it was seen last."""

    id: str
    name: str
    type: str
    #: Its id in the task's definition at that time, if it stood there.
    pinned: str | None = None
    #: Names of the options by id, and the ids of those that rows have.
    options: Mapping[str, str] = field(default_factory=dict)
    used: frozenset[str] = frozenset()
    #: Of each option of a status, the group in which it was.
    groups: Mapping[str, str] = field(default_factory=dict)
    #: Named where a person took another column or type instead of the one before, or made an option of rows
    #: anew: values of before are no values of this one.
    form: str = ""

    def as_column(self) -> Column:
        """The column of then."""
        names = tuple(self.options.values())
        return Column(self.name, self.id, self.type, names, self.groups, self.options)


class KnownColumns:
    """The columns that are synced, by the names that they had in the first run.

    Parameters:
        pinned: ids of columns that the task's definition gives, by those names. Where it says something else of a
            column than when that was seen last, a person has looked after it, and it is taken as it is now.
    """

    def __init__(self, pinned: Mapping[str, str]) -> None:
        self._pinned = pinned
        self._source: str | None = None
        self._known: dict[str, _Known] = {}

    def to_json(self) -> Any:
        """What a new process is to know."""
        columns = {attr: asdict(known) | {"used": sorted(known.used)} for attr, known in self._known.items()}
        return {"data_source": self._source, "columns": columns}

    def from_json(self, document: Any) -> None:
        """Take over what `to_json` gave, in this process or another."""
        self._source = document["data_source"]
        names = {each.name for each in fields(_Known)}  # another version may have kept more
        self._known = {
            attr: _Known(
                **{name: known[name] for name in names & known.keys()} | {"used": frozenset(known["used"])}
            )
            for attr, known in document["columns"].items()
        }

    def named(self, schema: Schema) -> dict[str, Column]:
        """All columns by the names under which the task knows them, those that were synced last first.

        A column that was renamed is there under its new name as well, unless that is taken. One that is gone by
        now, or of another type, is as it was seen last: `find` says what became of it.
        """
        by_id = {unquote(column.id): column for column in schema.columns.values()}
        named: dict[str, Column] = {}
        for attr in [*self._of(schema), *self._pinned]:
            before = self._before(schema, attr)
            column_id = before.id if before else self._pinned.get(attr)
            column = by_id.get(unquote(column_id)) if column_id is not None else schema.columns.get(attr)
            if before is not None and (column is None or column.type != before.type):
                column = before.as_column()
            if column is not None:
                named[attr] = column
        return named | {name: column for name, column in schema.columns.items() if name not in named}

    def synced_last(self, schema: Schema) -> Collection[str]:
        """The names of the columns that were synced when they were seen last."""
        return self._of(schema).keys()

    def form(self, schema: Schema, attr: str, column: Column) -> str:
        """A word for values that are not those of before, as it is another column, or options were made anew."""
        before = self._of(schema).get(attr)
        if before is None:
            return ""
        if before.pinned != self._pinned.get(attr):
            another = (unquote(before.id), before.type) != (unquote(column.id), column.type)
            return f"{unquote(column.id)} {column.type}" if another else before.form
        return " ".join([before.form, *_made_anew(before, column)]).strip()

    def _of(self, schema: Schema) -> Mapping[str, _Known]:
        """What is known of this data source's columns."""
        return self._known if self._source == schema.id else {}

    def _before(self, schema: Schema, attr: str) -> _Known | None:
        """A column as it was seen last, unless a person has looked after it since."""
        before = self._of(schema).get(attr)
        return before if before is not None and before.pinned == self._pinned.get(attr) else None

    def find(self, schema: Schema, attrs: Iterable[str], fitting: Mapping[str, Collection[str]]) -> None:
        """Find each column and remember it as it is now.

        Parameters:
            attrs: names of those that are synced.
            fitting: types that fit, where not every type does.

        Raises:
            TaskDefinitionError: one is missing, of a type that cannot be synced, another one than before or of
                another type, or an option is missing that rows had.
        """
        known = {attr: self._find(schema, attr, fitting.get(attr)) for attr in attrs}
        self._source, self._known = schema.id, known

    def column(self, schema: Schema, attr: str) -> Column:
        """A column that `find` found."""
        return next(column for column in schema.columns.values() if column.id == self._known[attr].id)

    def _find(self, schema: Schema, attr: str, fitting: Collection[str] | None) -> _Known:
        pinned = self._pinned.get(attr)
        known, before = self._of(schema).get(attr), self._before(schema, attr)
        column = _find_column(schema, attr, pinned, before)
        check_supported(column)
        if fitting and column.type not in fitting:
            raise TaskDefinitionError(
                f"{schema.where}: property {attr!r} is of type {column.type}, "
                f"but must be {' or '.join(sorted(fitting))}"
            )
        if before is not None and before.type != column.type:
            raise TaskDefinitionError(
                f"{schema.where}: property {attr!r} was of type {before.type} and is {column.type} now; "
                f"change it back, or {_take(attr, column, pinned)}"
            )
        if before is not None:
            _check_options(schema, attr, before, column)
        if known is None or before is not None:
            _tell_name(schema, attr, before.name if before else attr, column)
        options = column.option_names
        used = known.used & options.keys() if known else frozenset()
        form = self.form(schema, attr, column)
        return _Known(
            column.id, column.name, column.type, pinned, dict(options), used, dict(column.groups), form
        )

    def see(self, seen: Mapping[str, Collection[str]], *, all_rows: bool) -> None:
        """Remember which options rows have.

        Parameters:
            seen: those of the rows that were read, as `options_of` gives them.
            all_rows: whether these were all rows.
        """
        for attr, options in seen.items():
            if attr in self._known:
                known = self._known[attr]
                used = frozenset(options) if all_rows else known.used | frozenset(options)
                self._known[attr] = replace(known, used=used)


def options_of(pages: Iterable[Page], columns: Mapping[str, Column]) -> dict[str, set[str]]:
    """The ids of the options that rows have, by the columns that know options."""
    found: dict[str, set[str]] = {attr: set() for attr, column in columns.items() if column.option_names}
    for page in pages:
        for attr, options in found.items():
            options.update(_options_of(page, columns[attr]))
    return found


def _made_anew(before: _Known, column: Column) -> list[str]:
    """Ids of options that took the place of one that rows had, and that Notion took from them."""
    ids = {name: option for option, name in column.option_names.items()}
    lost = [
        name
        for option, name in before.options.items()
        if option in before.used and option not in column.option_names
    ]
    return [ids[name] for name in lost if name in ids]


def _check_options(schema: Schema, attr: str, before: _Known, column: Column) -> None:
    """Tell which options are called otherwise or gone.

    Raises:
        TaskDefinitionError: one is gone that rows had.
    """
    for option, old in before.options.items():
        new = column.option_names.get(option)
        if new is None and option in before.used and old not in column.options:
            raise TaskDefinitionError(
                f"{schema.where}: option {old!r} of property {attr!r} was removed, and rows had it: add it again and "
                f"set it where it was, or {_take(attr, column, before.pinned)}"
            )
        if new != old:
            became = f"is called {new!r} now" if new else "was removed"
            log.warning("%s: option %r of Notion property %r %s", _titled(schema), old, attr, became)


def _tell_name(schema: Schema, attr: str, before: str, column: Column) -> None:
    if column.name != before:
        log.warning(
            "%s: Notion property %r is called %r now; it is synced as before; its id is %s",
            _titled(schema),
            attr,
            column.name,
            column.id,
        )


def _titled(schema: Schema) -> str:
    return f"data source {schema.title or schema.id!r}"


def _find_column(schema: Schema, attr: str, pinned: str | None, before: _Known | None) -> Column:
    column_id = before.id if before else pinned
    if column_id is None:
        column = schema.columns.get(attr)
    else:
        wanted = unquote(column_id)
        column = next((each for each in schema.columns.values() if unquote(each.id) == wanted), None)
    if column is not None:
        return column
    again = schema.columns.get(attr) or (schema.columns.get(before.name) if before else None)
    if column_id is not None and again is not None:
        raise TaskDefinitionError(
            f"{schema.where}: {attr!r} is the name of another property than before, and the one before is "
            f"deleted: restore it, or {_take(attr, again, pinned)}"
        )
    has = "has no" if column_id is None else "no longer has a"
    mends = ["restore it", "rename it back", "change the mapping"]
    if before is not None and before.type == "relation":
        mends.insert(0, "share with the integration what it relates to")
    raise TaskDefinitionError(
        f"{schema.where} {has} property {attr!r}; it has: {', '.join(sorted(schema.columns))}; "
        f"{', '.join(mends[:-1])} or {mends[-1]}"
    )


def _take(attr: str, column: Column, pinned: str | None) -> str:
    """What to do so that a column is taken as it is now."""
    given = unquote(pinned) if pinned is not None else None
    if given == unquote(column.id):
        return f"take {attr!r} out of column_ids if it is meant to be so"
    return f"put {attr!r} with its id {column.id!r} into column_ids if it is meant to be so"


def _options_of(page: Page, column: Column) -> Iterable[str]:
    held = (page.property(column) or {}).get(column.type)
    options = held if isinstance(held, list) else [held] if held else []
    return [option["id"] for option in options if option.get("id")]
