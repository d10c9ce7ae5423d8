"""How a person sees and edits either side: rows in a Notion workspace, or objects of a plain service."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol
from urllib.parse import unquote

from sandbox.notion.state.store import Store as SandboxStore
from tasks.services.notion.columns import rich_text
from tasks.services.notion.pages.body import PAGE_BODY
from tasks.values.date_range import DateRange
from tests.tasks.services.notion.person import Person
from tests.tasks.services.notion.plain_service import PlainService

#: Columns of both sides; `Key` names a thing for ever, `Hidden` is not synced.
COLUMNS: dict[str, Any] = {
    "Key": {"rich_text": {}},
    "Name": {"title": {}},
    "Notes": {"rich_text": {}},
    "Effort": {"number": {}},
    "Area": {"select": {"options": [{"name": name} for name in ("Home", "Work", "Club", "Farm")]}},
    "Done": {"checkbox": {}},
    "Due": {"date": {}},
    "Hidden": {"checkbox": {}},
}
ATTRS = {
    "Key": "key", "Name": "name", "Notes": "notes", "Effort": "effort", "Area": "area", "Done": "done", "Due": "due",
}  # fmt: skip
#: The same with the content of pages.
WITH_BODY = {**ATTRS, PAGE_BODY: "text"}
#: Attributes of which every value is typed once only.
TYPED = ("name", "notes", "effort", "due")


class Hand(Protocol):
    """What a person does on one side. Values go by the attributes of `ATTRS`."""

    async def shown(self) -> dict[str, dict[str, Any]]:
        """All objects outside of the trash, by id, without the content of pages."""

    async def whole(self) -> dict[str, dict[str, Any]]:
        """All objects outside of the trash, by id, with everything."""

    async def look(self, obj_id: str) -> dict[str, Any] | None:
        """One object, `None` where it is gone."""

    async def add(self, values: dict[str, Any]) -> str:
        """A new object; its id."""

    async def edit(self, obj_id: str, attr: str, value: Any) -> None:
        """Type a value."""

    async def delete(self, obj_id: str) -> None:
        """Delete an object."""


@dataclass
class NotionHand:
    """A person in a Notion workspace."""

    person: Person
    source: str
    store: SandboxStore
    #: Whether the content of pages is looked at.
    opens_pages: bool = False
    #: Ids of the columns by attribute, which stay when people rename them.
    columns: dict[str, str] = field(default_factory=dict)
    #: Rows that were put into the trash by hand.
    trashed: list[str] = field(default_factory=list)
    #: What was typed with formatting: the runs as Notion showed them at once, by row and text.
    formatted: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)

    async def learn(self) -> None:
        """Find the columns by the names that they have at first."""
        schema = await self.person.send("GET", f"data_sources/{self.source}")
        names = {**ATTRS, "Hidden": "hidden"}
        self.columns = {names[name]: unquote(column["id"]) for name, column in schema["properties"].items()}

    async def shown(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        body: dict[str, Any] = {"sorts": [{"timestamp": "created_time", "direction": "ascending"}]}
        while True:
            answer = await self.person.send("POST", f"data_sources/{self.source}/query", body)
            before = len(found)
            found |= {row["id"]: self._values(row) for row in answer["results"]}
            if answer["has_more"]:
                body["start_cursor"] = answer["next_cursor"]
            elif "request_status" in answer:  # people see all rows, however many a query gives
                assert len(found) > before, "more rows in one minute than a query gives"
                since = answer["results"][-1]["created_time"]
                body["filter"] = {"timestamp": "created_time", "created_time": {"on_or_after": since}}
                body.pop("start_cursor", None)
            else:
                return found

    async def whole(self) -> dict[str, dict[str, Any]]:
        return {row_id: values | await self._text(row_id) for row_id, values in (await self.shown()).items()}

    async def look(self, obj_id: str) -> dict[str, Any] | None:
        row = await self.person.page(obj_id)
        return None if row["in_trash"] else self._values(row) | await self._text(obj_id)

    async def add(self, values: dict[str, Any]) -> str:
        cells = {
            self.columns[attr]: self._cell(attr, value) for attr, value in values.items() if attr != "text"
        }
        return await self.person.make_page(self.source, values.get("text", ""), **cells)

    async def edit(self, obj_id: str, attr: str, value: Any) -> None:
        if attr == "text":
            new = {"type": "replace_content", "replace_content": {"new_str": value}}
            await self.person.send("PATCH", f"pages/{obj_id}/markdown", new)
            return
        await self.person.edit(obj_id, **{self.columns[attr]: self._cell(attr, value)})

    async def format(self, obj_id: str, text: str) -> None:
        """Type notes in bold, with an equation at the end."""
        runs = [
            {"text": {"content": text[:-1]}, "annotations": {"bold": True}},
            {"equation": {"expression": text[-1]}},
        ]
        await self.person.edit(obj_id, **{self.columns["notes"]: {"rich_text": runs}})
        self.formatted[obj_id, text] = await self.runs(obj_id)

    async def runs(self, obj_id: str) -> list[dict[str, Any]]:
        """The notes of a row as Notion shows them."""
        cells = (await self.person.page(obj_id))["properties"].values()
        found: list[dict[str, Any]] = next(
            cell["rich_text"] for cell in cells if unquote(cell["id"]) == self.columns["notes"]
        )
        return found

    async def delete(self, obj_id: str) -> None:
        await self.person.patch_page(obj_id, {"in_trash": True})
        self.trashed.append(obj_id)

    async def restore(self, obj_id: str) -> None:
        """Take a row out of the trash."""
        await self.person.patch_page(obj_id, {"in_trash": False})
        self.trashed.remove(obj_id)

    def count(self, key: str) -> int:
        """How many rows there are with a key, also those that queries do not show yet."""
        rows = self.store.rows(self.source)
        return sum(rich_text.plain(row.doc["values"][self.columns["key"]]) == key for row in rows)

    async def rename_column(self, attr: str, name: str) -> None:
        """Call a column otherwise."""
        await self.person.patch_columns(self.source, {self.columns[attr]: {"name": name}})

    async def rename_option(self, old: str, new: str) -> bool:
        """Call an option of the areas otherwise, as people can; whether there was such an option."""
        schema = await self.person.send("GET", f"data_sources/{self.source}")
        column = next(c for c in schema["properties"].values() if unquote(c["id"]) == self.columns["area"])
        options = column["select"]["options"]
        if not any(option["name"] == old for option in options) or any(o["name"] == new for o in options):
            return False
        renamed = [{"id": o["id"], "name": new if o["name"] == old else o["name"]} for o in options]
        await self.person.patch_columns(self.source, {self.columns["area"]: {"select": {"options": renamed}}})
        return True

    async def _text(self, obj_id: str) -> dict[str, Any]:
        if not self.opens_pages:
            return {}
        return {"text": (await self.person.send("GET", f"pages/{obj_id}/markdown"))["markdown"]}

    def _values(self, row: dict[str, Any]) -> dict[str, Any]:
        by_id = {unquote(cell["id"]): cell for cell in row["properties"].values()}
        values: dict[str, Any] = {}
        for attr, column in self.columns.items():
            cell = by_id[column]
            held = cell[cell["type"]]
            if cell["type"] in ("title", "rich_text"):
                held = rich_text.plain(held)
            elif held and attr == "area":
                held = held["name"]
            elif held and attr == "due":
                held = DateRange(_edge(held["start"]), _edge(held["end"]) if held["end"] else None)
            values[attr] = held
        return values

    @staticmethod
    def _cell(attr: str, value: Any) -> dict[str, Any]:
        match attr:
            case "name":
                return {"title": [{"text": {"content": value}}]}
            case "key" | "notes":
                return {"rich_text": [{"text": {"content": value}}]}
            case "effort":
                return {"number": value}
            case "area":
                return {"select": {"name": value} if value else None}
            case "due":
                end = value.end.isoformat() if value.end else None
                return {"date": {"start": value.start.isoformat(), "end": end}}
        return {"checkbox": value}


def _edge(text: str) -> date:
    return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)


@dataclass
class PlainHand:
    """A person who uses a plain service."""

    service: PlainService

    async def shown(self) -> dict[str, dict[str, Any]]:
        return {item.id: dict(item.values) for item in self.service.items.values()}

    async def whole(self) -> dict[str, dict[str, Any]]:
        return await self.shown()

    async def look(self, obj_id: str) -> dict[str, Any] | None:
        item = self.service.items.get(obj_id)
        return None if item is None else dict(item.values)

    async def add(self, values: dict[str, Any]) -> str:
        return self.service.add(values).id

    async def edit(self, obj_id: str, attr: str, value: Any) -> None:
        self.service.edit(obj_id, {attr: value})

    async def delete(self, obj_id: str) -> None:
        self.service.items.pop(obj_id, None)
