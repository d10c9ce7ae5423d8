"""A Notion data source and a calendar in memory, with the conversions of the real ones.

Rows hold the JSON of Notion's API and to-dos the text of iCalendar, written and read by the code that does so
in a real sync.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from tasks.conflict_modes import ConflictMode
from tasks.services.caldav.columns import (
    FITTING,
    Form,
    LineForm,
    OptionForm,
    TagsForm,
    TextForm,
    priority_meanings,
    status_meanings,
)
from tasks.services.caldav.contents import text_hash
from tasks.services.caldav.todo import edit_todo, new_todo, read_resource
from tasks.services.notion.properties import Column, decode, encode
from tasks.testing.copies.memory import MemoryTask

#: Where the columns are chosen at the first contact: those that have usual names.
USUAL_COLUMNS = {
    "Name": "summary",
    "Notes": "description",
    "Due": "due",
    "Status": "status",
    "Priority": "priority",
    "Tags": "categories",
    "Link": "url",
}

_TRIED: Mapping[str, Sequence[Any]] = {
    "description": ("a", "two\nlines", "Ä, b; c", ""),
    "due": (datetime(2026, 3, 2, 9, 30, tzinfo=UTC), date(2026, 4, 5), None),
    "completed": (True, False),
    "categories": (("a",), ("a", "b"), ()),
    "url": ("https://example.org/a", "https://example.org/b?c=d", None),
}


class MemoryTodos(MemoryTask):
    """Rows and to-dos in memory.

    Arguments:
        name: The task's name.
        attr_map: Attributes of to-dos by Notion property.
        conflict_mode: As of any task.
        meanings: What options stand for, by Notion property, where the task says so.
    """

    def __init__(
        self,
        name: str,
        attr_map: Mapping[str, str],
        conflict_mode: ConflictMode | str,
        *,
        meanings: Mapping[str, Mapping[str, Any]],
    ) -> None:
        key = next(name for name, attr in attr_map.items() if attr == "summary")
        super().__init__(name, attr_map, conflict_mode, key=key, key_form=text_hash)
        self.forms: dict[str, Form] = {}
        self.columns: dict[str, Column] = {}
        for column, attr in attr_map.items():
            kind = "select" if "select" in FITTING[attr] else FITTING[attr][0]
            self.forms[column] = _form(column, attr, meanings.get(column, {}))
            options = tuple(self.tried(column)) if kind == "select" else ()
            self.columns[column] = Column(column, column, kind, options)

    def tried(self, column: str) -> Sequence[Any]:
        """Values that the column and the attribute can hold."""
        form = self.forms[column]
        if isinstance(form, OptionForm):
            return tuple(dict.fromkeys(form.from_notion(option) for option in form.meaning))
        return _TRIED.get(self.attr_map[column], ())

    def written(self, side: str, held: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
        """A row or a to-do after values in common form were written to it."""
        if side == "notion":
            fresh = {
                name: encode(self.columns[name], self.forms[name].to_notion(value), held.get(name))
                for name, value in values.items()
            }
            return {**held, **fresh}
        before = _read(held) if held else {}
        changes = {
            self.attr_map[name]: self.forms[name].to_todo(value, before.get(self.attr_map[name]))
            for name, value in values.items()
        }
        uid = held["uid"] if held else self.sides["other"].next_id()
        text = edit_todo(held["text"], uid, changes) or held["text"] if held else new_todo(uid, changes)
        return {"uid": uid, "text": text}

    def shown(self, side: str, held: Mapping[str, Any]) -> dict[str, Any]:
        """The common form of what a row or a to-do holds."""
        if side == "notion":
            return {
                name: form.from_notion(decode(self.columns[name], held[name]))
                for name, form in self.forms.items()
            }
        todo = _read(held)
        return {name: form.from_todo(todo[self.attr_map[name]]) for name, form in self.forms.items()}


def _read(held: Mapping[str, Any]) -> Mapping[str, Any]:
    return read_resource(held["text"], href="memory", etag=None).todos[0].values


_FORMS: Mapping[str, Callable[[], Form]] = {
    "summary": TextForm,
    "description": TextForm,
    "url": LineForm,
    "categories": TagsForm,
}


def _form(column: str, attr: str, given: Mapping[str, Any]) -> Form:
    match attr:
        case "status":
            return OptionForm(column, status_meanings(tuple(given), {}, given, may_add=True))
        case "priority":
            return OptionForm(column, priority_meanings(tuple(given), given, may_add=True))
    return _FORMS.get(attr, Form)()
