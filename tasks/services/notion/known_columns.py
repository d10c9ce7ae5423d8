"""The columns of a task as they were seen last, also by an earlier process, and what became of them since."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any
from urllib.parse import unquote

from tasks.errors import TaskDefinitionError
from tasks.services.notion.column import Column
from tasks.services.notion.data_source import Schema
from tasks.services.notion.page import Page
from tasks.services.notion.properties import check_supported

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
    #: Named where a person took another column or type instead of the one before, or made an option of rows
    #: anew: values of before are no values of this one.
    form: str = ""


class KnownColumns:
    """The columns of `attr_map`, by the names in it.

    Parameters:
        task: its name, for messages.
        pinned: ids of columns that the task's definition gives, by the names in `attr_map`. Where it says
            something else of a column than when that was seen last, a person has looked after it, and it is
            taken as it is now.
    """

    def __init__(self, task: str, pinned: Mapping[str, str]) -> None:
        self._task = task
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

    def form(self, attr: str) -> str:
        """Names the column where it is another one than at first; else nothing."""
        known = self._known.get(attr)
        return known.form if known else ""

    def find(self, schema: Schema, attrs: Iterable[str], fitting: Mapping[str, Collection[str]]) -> None:
        """Find each column and remember it as it is now.

        Parameters:
            attrs: names in `attr_map`.
            fitting: types that fit, where not every type does.

        Raises:
            TaskDefinitionError: one is missing, of a type that cannot be synced, another one than before or of
                another type, or an option is missing that rows had.
        """
        if self._source != schema.id:
            self._source, self._known = schema.id, {}
        self._known = {attr: self._find(schema, attr, fitting.get(attr)) for attr in attrs}

    def column(self, schema: Schema, attr: str) -> Column:
        """A column that `find` found."""
        return next(column for column in schema.columns.values() if column.id == self._known[attr].id)

    def _find(self, schema: Schema, attr: str, fitting: Collection[str] | None) -> _Known:
        where = f"Notion data source {schema.title or schema.id!r}"
        pinned = self._pinned.get(attr)
        before = self._known.get(attr)
        looked_after = before is not None and before.pinned != pinned
        column = _find_column(schema, attr, pinned, None if looked_after else before, where)
        check_supported(column)
        if fitting and column.type not in fitting:
            raise TaskDefinitionError(
                f"{where}: property {attr!r} is of type {column.type}, "
                f"but must be {' or '.join(sorted(fitting))}"
            )
        now = _Known(column.id, column.name, column.type, pinned, dict(column.option_names))
        if before is None:
            self._tell_name(attr, attr, column)
            return now
        another = (unquote(before.id), before.type) != (unquote(column.id), column.type)
        if looked_after:
            form = f"{unquote(column.id)} {column.type}" if another else before.form
            return replace(now, form=form, used=before.used & now.options.keys())
        if another:
            raise TaskDefinitionError(
                f"{where}: property {attr!r} was of type {before.type} and is {column.type} now; "
                f"change it back, or {_take(attr, column, pinned)}"
            )
        form = " ".join([before.form, *self._made_anew(where, attr, before, column)]).strip()
        if before.name != column.name:
            self._tell_name(attr, before.name, column)
        return replace(now, used=before.used & now.options.keys(), form=form)

    def _made_anew(self, where: str, attr: str, before: _Known, column: Column) -> list[str]:
        """Ids of options that took the place of one that rows had, and that Notion took from them."""
        ids = {name: option for option, name in column.option_names.items()}
        anew = []
        for option, old in before.options.items():
            new = column.option_names.get(option)
            if new is None and option in before.used:
                if old not in ids:
                    raise TaskDefinitionError(
                        f"{where}: option {old!r} of property {attr!r} was removed, and rows had it: add it again and "
                        f"set it where it was, or {_take(attr, column, before.pinned)}"
                    )
                anew.append(ids[old])
            if new != old:
                became = f"is called {new!r} now" if new else "was removed"
                log.warning("task %s: option %r of Notion property %r %s", self._task, old, attr, became)
        return anew

    def _tell_name(self, attr: str, before: str, column: Column) -> None:
        if column.name != before:
            log.warning(
                "task %s: Notion property %r is called %r now; it is synced as before; its id is %s",
                self._task,
                attr,
                column.name,
                column.id,
            )

    def see(self, pages: Collection[Page], columns: Mapping[str, Column], *, all_rows: bool) -> None:
        """Remember which options rows have.

        Parameters:
            pages: rows that were read.
            all_rows: whether these are all of them.
        """
        for attr, column in columns.items():
            if column.option_names and attr in self._known:
                known = self._known[attr]
                seen = {option for page in pages for option in _options_of(page, column)}
                self._known[attr] = replace(known, used=frozenset(seen if all_rows else known.used | seen))


def _find_column(schema: Schema, attr: str, pinned: str | None, before: _Known | None, where: str) -> Column:
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
            f"{where}: {attr!r} is the name of another property than before, and the one before is "
            f"deleted: restore it, or {_take(attr, again, pinned)}"
        )
    has = "has no" if column_id is None else "no longer has a"
    mends = ["restore it", "rename it back", "change attr_map"]
    if before is not None and before.type == "relation":
        mends.insert(0, "share with the integration what it relates to")
    raise TaskDefinitionError(
        f"{where} {has} property {attr!r}; it has: {', '.join(sorted(schema.columns))}; "
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
