"""What a data source's columns are to the rest of the world: a kind of value, options, and a usual meaning. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

from tasks.services.notion.columns.column import Column
from tasks.services.notion.pages.body import PAGE_BODY
from tasks.sides import Attribute, Kind, Option, Person, State

#: Columns that mean the same to most people: by what they mean, their usual names and the types that fit.
USUAL: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = MappingProxyType(
    {
        "title": ((), ("title",)),
        "notes": (("notes", "description"), ("rich_text",)),
        "due": (("due", "due date", "deadline"), ("date",)),
        "status": (("status",), ("status", "select", "checkbox")),
        "done": (("done", "completed"), ("checkbox",)),
        "priority": (("priority",), ("select", "number", "status")),
        "tags": (("tags", "categories"), ("multi_select",)),
        "link": (("link", "url"), ("url", "rich_text")),
        "parent": (("parent item", "parent", "parent task"), ("relation",)),
    }
)
#: One thing said in two ways: only one column gets it.
_ALSO = {"status": "done", "done": "status"}

#: Notion's groups of the options of a status.
_GROUPS = {"to-do": State.OPEN, "in progress": State.ACTIVE, "complete": State.DONE}

_MOMENT = Attribute(Kind.MOMENT, whole_minutes=True)
_READ_ONLY_MOMENT = Attribute(Kind.MOMENT, writable=False, whole_minutes=True)
_AUTHOR = Attribute(Kind.PERSON, writable=False)
_SEEN = Attribute(Kind.OPAQUE, writable=False)
_BY_TYPE: Mapping[str, Attribute] = MappingProxyType(
    {
        "title": Attribute(Kind.TEXT),
        "rich_text": Attribute(Kind.TEXT),
        "number": Attribute(Kind.NUMBER),
        "checkbox": Attribute(Kind.YES_NO),
        "select": Attribute(Kind.CHOICE, new_options=True),
        "status": Attribute(Kind.CHOICE),
        "multi_select": Attribute(Kind.CHOICES, new_options=True),
        "date": _MOMENT,
        "url": Attribute(Kind.ADDRESS),
        "email": Attribute(Kind.ADDRESS),
        "phone_number": Attribute(Kind.ADDRESS),
        "people": Attribute(Kind.PERSON),
        "files": Attribute(Kind.FILE),
        "relation": Attribute(Kind.REFERENCE),
        "verification": Attribute(Kind.CHOICE, options=(Option("verified"), Option("expired"))),
        "created_time": _READ_ONLY_MOMENT,
        "last_edited_time": _READ_ONLY_MOMENT,
        "created_by": _AUTHOR,
        "last_edited_by": _AUTHOR,
        "unique_id": Attribute(Kind.TEXT, writable=False),
    }
)


def described(
    columns: Mapping[str, Column],
    forms: Mapping[str, str],
    date_ranges: Collection[str],
    synced: Collection[str],
    people: tuple[Person, ...] = (),
    own: str = "",
) -> dict[str, Attribute]:
    """The attributes of rows, with the content of their pages.

    Parameters:
        columns: by the names under which the task knows them.
        forms: by the same names, a word for values that are not those of before.
        date_ranges: names of dates that are taken with their end and zone.
        synced: names of those that were synced before: where two have a usual meaning, they are the ones.
        people: who is known in the workspace.
        own: the id of the data source, to which relations of rows with each other lead.
    """
    meant = _meanings({name: column for name, column in columns.items() if _leads_home(column, own)}, synced)
    attributes = {
        name: _described(column, name in date_ranges, forms.get(name, ""), meant.get(name, ""), people, own)
        for name, column in columns.items()
    }
    return attributes | {PAGE_BODY: Attribute(Kind.FORMATTED)}


def _leads_home(column: Column, own: str) -> bool:
    """Whether a column is no relation with rows of another data source."""
    return not column.leads_to or own in column.leads_to


def _described(
    column: Column, as_range: bool, form: str, meaning: str, people: tuple[Person, ...], own: str
) -> Attribute:
    of_type = _BY_TYPE.get(column.type, _SEEN)
    as_range = as_range and column.type == "date"
    options = tuple(
        Option(name, _GROUPS.get(column.groups.get(name, "").casefold())) for name in column.options
    )
    return Attribute(
        Kind.SPAN if as_range else of_type.kind,
        of_type.writable,
        options or of_type.options,
        of_type.new_options,
        meaning,
        of_type.whole_minutes,
        form=" ".join([*["range"] * as_range, form]).strip(),
        people=people if of_type.kind is Kind.PERSON else (),
        refers_to=() if _leads_home(column, own) else column.leads_to,
    )


def _meanings(columns: Mapping[str, Column], synced: Collection[str]) -> dict[str, str]:
    """What columns mean by their usual names; each meaning has one column."""
    found: dict[str, str] = {}
    for among in ([name for name in columns if name in synced], list(columns)):
        for meaning, (names, types) in USUAL.items():
            if meaning in found or _ALSO.get(meaning) in found:
                continue
            fitting = [name for name in among if columns[name].type in types]
            usual = [name for wanted in names for name in fitting if name.strip().casefold() == wanted]
            if usual or (fitting and not names):
                found[meaning] = (usual or fitting)[0]
    return {name: meaning for meaning, name in found.items()}
