"""A ready task: a Notion data source in step with the to-dos of a CalDAV calendar.

    from tasks.notion_caldav import NotionCalDAV

    NotionCalDAV("todos", data_source="…", calendar_url="…").run_every(minutes=5).schedule()

The login comes from the environment: `NOTION_TOKEN`, `CALDAV_USERNAME` and `CALDAV_PASSWORD`, read when a run
begins.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import Any

from pydantic import SecretStr

from tasks.conflict_modes import ConflictMode
from tasks.errors import TaskDefinitionError
from tasks.services.caldav.columns import (
    FITTING,
    Form,
    LineForm,
    NumberForm,
    OptionForm,
    TagsForm,
    TextForm,
    TickForm,
    priority_meanings,
    status_meanings,
)
from tasks.services.caldav.contents import text_hash
from tasks.services.caldav.side import CalDAVSide
from tasks.services.caldav.todo import STATUSES, Todo, done_occurrence, is_done
from tasks.services.notion.data_source import Schema
from tasks.services.notion.page import Page
from tasks.services.notion.properties import Column
from tasks.services.notion.side import NotionSide
from tasks.services.notion.throttle import Throttle
from tasks.sides import ID
from tasks.values.opaque import Opaque

log = logging.getLogger(__name__)

#: Names under which columns are looked for where no `attr_map` is given; the title column is always taken.
USUAL_NAMES: Mapping[str, tuple[str, ...]] = {
    "description": ("notes", "description"),
    "due": ("due", "due date", "deadline"),
    "status": ("status",),
    "completed": ("done", "completed"),
    "priority": ("priority",),
    "categories": ("tags", "categories"),
    "url": ("link", "url"),
}


class NotionCalDAV(NotionSide, CalDAVSide):
    """Rows of a Notion data source <-> to-dos of a calendar.

    Arguments:
        name: The task's name.
        data_source: Id or link of the data source.
        calendar_url: The calendar's address.
        attr_map: Attributes of to-dos (`summary`, `description`, `due`, `status`, `completed`, `priority`,
            `categories`, `url`) by Notion property. The title must be mapped to `summary`. Without it, the
            title and those columns are taken that have a usual name (`Notes`, `Due`, `Status`, `Priority`,
            `Tags`, `Link`, …) and a type that fits.
        conflict_mode: Which value stays when both sides changed it.
        values: What options stand for, by Notion property: `{"Status": {"Waiting": "NEEDS-ACTION"}}`,
            `{"Priority": {"P1": 1}}`. Usual words and Notion's groups of statuses need not be named.
        column_ids: Ids of properties by the names in `attr_map`; see `NotionSide`.
        username: The calendar's user; by default `CALDAV_USERNAME`.
        password: The user's password; by default `CALDAV_PASSWORD`.
        floating_zone: The zone of due times that name none, such as `Europe/Berlin`.
        token: Of the Notion integration; by default `NOTION_TOKEN`.
        base_url: Of the Notion API; by default `NOTION_BASE_URL`.
        throttle: Notion's request budget.

    Raises:
        TaskDefinitionError: an argument does not fit.
    """

    def __init__(
        self,
        name: str,
        data_source: str,
        calendar_url: str,
        attr_map: dict[str, str] | None = None,
        conflict_mode: ConflictMode | str = ConflictMode.NEWER,
        *,
        values: Mapping[str, Mapping[str, Any]] | None = None,
        column_ids: Mapping[str, str] | None = None,
        username: str | None = None,
        password: SecretStr | str | None = None,
        floating_zone: str = "UTC",
        token: SecretStr | str | None = None,
        base_url: str | None = None,
        throttle: Throttle | None = None,
    ) -> None:
        self._choose_columns = attr_map is None
        self._chosen_before: dict[str, str] = {}
        super().__init__(
            name,
            {"Name": "summary"} if attr_map is None else dict(attr_map),
            conflict_mode,
            data_source=data_source,
            token=SecretStr(token) if isinstance(token, str) else token,
            base_url=base_url,
            throttle=throttle,
            column_ids=column_ids,
        )
        self.set_calendar(calendar_url, username, password, floating_zone)
        if "summary" not in self.attr_map.values():
            raise TaskDefinitionError(
                f"task {name!r}: attr_map must map the data source's title to summary, which pairs rows and to-dos"
            )
        self._values = {column: dict(given) for column, given in (values or {}).items()}
        if not self._choose_columns:
            self._take_columns()
        self._forms: dict[str, Form] = {}
        #: What Notion showed when it was synced last: the linked rows' ids by UID, and their values by id.
        self._rows: Mapping[ID, ID] = {}
        self._synced_rows: Mapping[ID, Mapping[str, Any]] = {}

    def _take_columns(self) -> None:
        """Bring `values` and the types that fit in line with `attr_map`."""
        self._property_types = {column: FITTING[attr] for column, attr in self.attr_map.items()}
        for column, given in self._values.items():
            attr = self.attr_map.get(column)
            if attr not in ("status", "priority"):
                raise TaskDefinitionError(
                    f"task {self.name!r}: values names {column!r}, which attr_map does not map to status or priority"
                )
            self._values[column] = {
                option: self._checked_value(column, attr, value) for option, value in given.items()
            }

    def _checked_value(self, column: str, attr: str, value: Any) -> Any:
        if attr == "status" and isinstance(value, str) and value.upper() in STATUSES:
            return value.upper()
        if attr == "priority" and (value is None or (type(value) is int and 0 <= value <= 9)):
            return value or None
        wanted = ", ".join(STATUSES) if attr == "status" else "a number from 1 to 9, or 0 for none"
        raise TaskDefinitionError(f"task {self.name!r}: values of {column!r}: {value!r} is not {wanted}")

    # -- a run --------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Make both clients."""
        await super().open()
        await self.open_calendar()

    async def close(self) -> None:
        """Close both clients."""
        try:
            await self.close_calendar()
        finally:
            await super().close()

    async def check(self) -> None:
        """Find the columns and what their options stand for, and the calendar.

        Raises:
            TaskDefinitionError: a column is missing or does not fit, no option stands for open or for done, or
                there is no such calendar.
            SideError: a service cannot be reached or refuses the login.
        """
        if self._choose_columns:
            usual = usual_columns(await self._rows_of.schema())
            taken = self._chosen_before.values()
            new = {column: attr for column, attr in usual.items() if attr not in taken}
            if not {"status", "completed"}.isdisjoint(taken):
                new = {column: attr for column, attr in new.items() if attr not in ("status", "completed")}
            self.attr_map = {**new, **self._chosen_before}
            self._take_columns()
            self._choose_columns = False  # from now on a column that is renamed is missed, not dropped
            chosen = ", ".join(f"{column} = {attr}" for column, attr in self.attr_map.items())
            log.info("task %s syncs %s", self.name, chosen)
        await super().check()
        self._forms = {
            name: self._form(name, column, self.attr_map[name]) for name, column in self._columns.items()
        }
        await self.calendar.check()

    def _form(self, name: str, column: Column, attr: str) -> Form:
        given = self._values.get(name, {})
        match attr, column.type:
            case "summary" | "description", _:
                return TextForm()
            case "url", _:
                return LineForm()
            case "categories", _:
                return TagsForm()
            case "status", "checkbox":
                return TickForm()
            case "priority", "number":
                return NumberForm()
            case "status", _:
                meaning = status_meanings(
                    column.options, column.groups, given, may_add=column.type == "select"
                )
            case "priority", _:
                meaning = priority_meanings(column.options, given, may_add=column.type == "select")
            case _:
                return Form()
        self._check_options(column, attr, meaning)
        return OptionForm(column.name, meaning)

    def _check_options(self, column: Column, attr: str, meaning: Mapping[str, Any]) -> None:
        unknown = [option for option in column.options if option not in meaning]
        if unknown:
            example = "NEEDS-ACTION" if attr == "status" else 5
            log.warning(
                "task %s: options of Notion property %r stand for no %s, so that it is not synced of rows that have "
                "them: %s; say what they mean, for instance values = %s",
                self.name,
                column.name,
                attr,
                _quoted(unknown),
                {column.name: {unknown[0]: example}},
            )
        missing = [option for option in meaning if option not in column.options]
        if column.type == "status" and missing:
            raise TaskDefinitionError(
                f"task {self.name!r}: Notion property {column.name!r} has no option {_quoted(missing)}, which "
                f"values names; it has {_quoted(column.options)}"
            )
        absent = [
            value
            for value in ("NEEDS-ACTION", "COMPLETED")
            if OptionForm("", meaning).from_todo(value) is None
        ]
        if attr == "status" and absent:
            raise TaskDefinitionError(
                f"task {self.name!r}: no option of Notion property {column.name!r} stands for {absent[0]}"
            )

    def recall(self, remembered: Any, synced: Mapping[ID, Mapping[str, Any]]) -> None:
        """Take over what an earlier run knew, also which columns it chose and what the calendar's files held."""
        super().recall(remembered, synced)
        self._synced_rows = synced
        self.recall_calendar((remembered or {}).get("calendar"))
        if self._choose_columns and remembered is not None:
            self._chosen_before = dict(remembered["attr_map"])

    def recall_pairs(self, pairs: Mapping[ID, ID]) -> None:
        """Learn which row is linked with which to-do."""
        self._rows = pairs

    def remembered(self) -> Any:
        """What is known of the columns, which ones are synced, and what the calendar's files hold."""
        known = {"attr_map": dict(self.attr_map), "calendar": self.remembered_calendar()}
        return super().remembered() | known

    # -- the common form ------------------------------------------------------------------------------------

    def notion_hash(self, obj: Page) -> str:
        """The title, without regard to case and space around it."""
        return text_hash(TextForm().from_notion(obj.title))

    def notion_to_dict(self, obj: Page) -> dict[str, Any]:
        """The synced values in common form."""
        return {
            name: _unless_opaque(self._forms[name].from_notion, value)
            for name, value in super().notion_to_dict(obj).items()
        }

    async def notion_create_obj(self, /, **kwargs: Any) -> Page:
        """Make a row from values in common form."""
        return await super().notion_create_obj(
            **{name: self._forms[name].to_notion(value) for name, value in kwargs.items()}
        )

    async def notion_update_attrs(self, obj: Page, changes: dict[str, Any]) -> Page:
        """Set values in common form; an option that stands for the new value already stays."""
        shown = self.notion_to_dict(obj)
        return await super().notion_update_attrs(
            obj,
            {
                name: obj.values[name] if shown[name] == value else self._forms[name].to_notion(value)
                for name, value in changes.items()
            },
        )

    def other_to_dict(self, obj: Todo) -> dict[str, Any]:
        """The synced attributes in common form."""
        return {
            attr: _unless_opaque(self._forms[name].from_todo, obj.values[attr])
            for name, attr in self.attr_map.items()
        }

    async def other_create_keyed(self, key: str, values: Mapping[str, Any]) -> Todo:
        """Make a to-do from values in common form."""
        return await super().other_create_keyed(key, self._for_todo(values))

    async def other_update_attrs(self, obj: Todo, changes: Mapping[str, Any]) -> Todo:
        """Set values in common form; what stands for the new value already stays.

        Done means the occurrence of a recurring to-do that Notion showed. One that has moved on since is done
        already, and is not done a second time: by an app, or by an earlier run that was cut off.
        """
        wanted = self._for_todo(changes, obj.values)
        if not (self._has_moved_on(obj) and is_done(wanted)):
            return await super().other_update_attrs(obj, wanted)
        rest = {attr: value for attr, value in wanted.items() if attr not in ("status", "completed", "due")}
        after = await super().other_update_attrs(obj, rest) if rest else obj
        return done_occurrence(obj, wanted, after)

    def _has_moved_on(self, obj: Todo) -> bool:
        """Whether a recurring to-do is due later than it was when it was synced last."""
        columns = {attr: name for name, attr in self.attr_map.items()}
        row = self._synced_rows.get(self._rows.get(obj.uid, ""), {})
        shown, now = row.get(columns.get("due", "")), obj.values["due"]
        if not obj.recurs or not isinstance(shown, date) or not isinstance(now, date):
            return False
        return isinstance(shown, datetime) == isinstance(now, datetime) and now > shown

    def _for_todo(
        self, values: Mapping[str, Any], current: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        columns = {attr: name for name, attr in self.attr_map.items()}
        return {
            attr: self._forms[columns[attr]].to_todo(value, _known(current, attr))
            for attr, value in values.items()
        }


def usual_columns(schema: Schema) -> dict[str, str]:
    """An `attr_map` of the columns that have a usual name and a type that fits."""
    by_name = {name.strip().casefold(): column for name, column in schema.columns.items()}
    found = {column.name: "summary" for column in schema.columns.values() if column.type == "title"}
    for attr, names in USUAL_NAMES.items():
        if attr == "completed" and "status" in found.values():
            continue  # it would be the same thing twice
        candidates = [by_name[name] for name in names if name in by_name]
        fitting = [column for column in candidates if column.type in FITTING[attr]]
        if fitting:
            found[fitting[0].name] = attr
    return found


def _unless_opaque(form: Callable[[Any], Any], value: Any) -> Any:
    return value if isinstance(value, Opaque) else form(value)


def _known(current: Mapping[str, Any] | None, attr: str) -> Any:
    value = current[attr] if current is not None else None
    return None if isinstance(value, Opaque) else value


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in names)
