"""What people do in the app, which no integration can do or which has to come from somebody else."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Protocol

from pydantic import ConfigDict, ValidationError, validate_call

from sandbox.notion.columns.columns import OPTION_TYPES, Column, Columns
from sandbox.notion.columns.options import find_option, new_option
from sandbox.notion.databases.query import Walks
from sandbox.notion.parts import custom_emojis, file_uploads
from sandbox.notion.parts.parents import place
from sandbox.notion.requests import errors
from sandbox.notion.requests.call import NEWEST, Call
from sandbox.notion.requests.errors import ApiError
from sandbox.notion.state.ids import TITLE, parse_id
from sandbox.notion.state.store import Store
from sandbox.notion.state.stored import Stored
from sandbox.notion.workspace import routes

Json = dict[str, Any]

_PATHS = {"page": "pages", "database": "databases", "data_source": "data_sources", "block": "blocks"}


class App(Protocol):
    """What people have of a workspace."""

    store: Store
    walks: Walks

    def person_call(self, version: str, who: str | None = None) -> Call:
        """A request as somebody would make it in the app."""
        ...


class Person:
    """Somebody who works in the app: every edit bears this user and the workspace's time.

    `who` is the name of a person, who joins the workspace if need be, or the id of a user; by default it is the
    person who is always there. Objects are named by id, columns and options by name or id. Every method raises
    `ApiError` with one clear message for something that is not there or cannot be done.
    """

    def __init__(self, workspace: App, who: str | None = None) -> None:
        self._workspace = workspace
        self._who = who
        self.id = self._call().user.id

    def request(self, method: str, path: str, body: Json | None = None) -> Json:
        """A request of the API (`path` is below /v1/), as the app makes it: the JSON of the answer."""
        asked = routes.Request(method, path.lstrip("/"), body=body or {})
        return routes.answer(self._call(), self._workspace.walks, asked)

    # -- pages and their content --------------------------------------------------------------------------

    def create_data_source(self, title: str, columns: Json, parent: Json | None = None) -> str:
        """A database with one data source of these columns, at the top unless `parent` says; its id."""
        body = {
            "parent": parent or {"type": "workspace", "workspace": True},
            "title": [{"text": {"content": title}}],
            "initial_data_source": {"properties": columns},
        }
        return str(self.request("POST", "databases", body)["data_sources"][0]["id"])

    def create_page(self, data_source: str, properties: Json, markdown: str | None = None) -> Json:
        """A row with these cells, and the page's content."""
        body = {"parent": {"data_source_id": data_source}, "properties": properties}
        page = self.request("POST", "pages", body)
        if markdown is not None:
            self.write_markdown(page["id"], markdown)
        return page

    def edit_page(self, page: str, properties: Json) -> Json:
        """New cells of a page, in the form in which the API writes them."""
        return self.request("PATCH", f"pages/{page}", {"properties": properties})

    def add_file(self, page: str, column: str, name: str, content: str) -> Json:
        """A file of this text behind those of a column."""
        call = self._call()
        with call.store.transaction():
            file = file_uploads.keep(call, name, content.encode())
        held = self.request("GET", f"pages/{page}")["properties"][column]["files"]
        return self.edit_page(page, {column: {"files": [*held, file]}})

    def write_markdown(self, page: str, markdown: str) -> Json:
        """New content of a page."""
        body = {"type": "replace_content", "replace_content": {"new_str": markdown}}
        return self.request("PATCH", f"pages/{page}/markdown", body)

    def add_blocks(self, parent: str, blocks: list[Json]) -> list[Json]:
        """Blocks at the end of a page or of another block."""
        added: list[Json] = self.request("PATCH", f"blocks/{parent}/children", {"children": blocks})[
            "results"
        ]
        return added

    def edit_block(self, block: str, content: Json) -> Json:
        """New content of a block, such as `{"paragraph": {"rich_text": [...]}}`."""
        return self.request("PATCH", f"blocks/{block}", content)

    def add_custom_emoji(self, name: str, url: str) -> Json:
        """An emoji of the workspace's own, as `{id, name, url}`."""
        call = self._call()
        with call.store.transaction():
            return custom_emojis.add(call, name, url)

    # -- where things are ---------------------------------------------------------------------------------

    def trash(self, id: str) -> Json:
        """A page, database, data source or block into the trash."""
        return self.request("PATCH", self._path(id), {"in_trash": True})

    def restore(self, id: str) -> Json:
        """Out of the trash again."""
        return self.request("PATCH", self._path(id), {"in_trash": False})

    def delete_for_good(self, id: str) -> None:
        """An object, and all below it, out of the trash into nothing."""
        with self._workspace.store.transaction():
            self._workspace.store.delete_tree(self._find(id).id)

    def unshare(self, id: str) -> None:
        """From now on an object, and all below it, is not there for any integration."""
        with self._workspace.store.transaction():
            self._workspace.store.unshare(self._find(id).id)

    def share(self, id: str) -> None:
        """Undo `unshare`; integrations see the object again, as it is by now."""
        with self._workspace.store.transaction():
            self._workspace.store.share(self._find(id).id)

    def move(self, page: str, data_source: str) -> Json:
        """A row into another data source; cells go with it where a column has the same name and type."""
        body = {"parent": {"type": "data_source_id", "data_source_id": data_source}}
        return self.request("POST", f"pages/{page}/move", body)

    def make_wiki(self, data_source: str) -> Json:
        """A data source as a wiki: its pages can be verified and have an owner, and databases can lie in it."""
        with self._workspace.store.transaction():
            columns = Columns(self._find(data_source, "data_source"))
            for column in (
                Column("verification", columns.free_name("Verification"), "verification"),
                Column("verification_owner", columns.free_name("Owner"), "people"),
            ):
                columns.by_id.setdefault(column.id, column)
            columns.keep()
            self._workspace.store.save(columns.source)
        return self.request("GET", f"data_sources/{columns.source.id}")

    def put_into_wiki(self, data_source: str, wiki: str) -> Json:
        """The database of a data source into a wiki, among whose results the data source is from now on."""
        call = self._call()
        with call.store.transaction():
            above = self._find(wiki, "data_source")
            if "verification" not in Columns(above).by_id:
                raise errors.validation(f"Data source {above.id} is no wiki; make_wiki turns it into one.")
            database = self._find(self._find(data_source, "data_source").parent, "database")
            place(call, database, above)
            call.touch(database)
            call.store.save(database)
        return self.request("GET", f"databases/{database.id}")

    def churn(self, data_source: str, edits: int, seed: int = 0) -> list[str]:
        """So many edits of rows at random: new titles, new rows, rows into the trash and out of it; their ids.

        The same history and seed lead to the same edits.
        """
        if not 0 <= edits <= 1000:
            raise errors.bad_body("edits", "a number from 0 to 1000", edits)
        store = self._workspace.store
        with store.transaction():
            source = self._find(data_source, "data_source")
            rows = store.children(source.id, ("page",), trashed=True)
        chance = random.Random(f"{seed} {len(rows)} {sum(row.doc.get('churned', 0) for row in rows)}")  # noqa: S311
        return [self._stir(source, chance) for _ in range(edits)]

    def _stir(self, source: Stored, chance: random.Random) -> str:
        store = self._workspace.store
        with store.transaction():
            rows = store.children(source.id, ("page",), trashed=True)
            row = chance.choice(rows) if rows else None
            title = {TITLE: {"title": [{"text": {"content": f"churned {chance.randrange(10**6)}"}}]}}
            if row is None or chance.random() < 0.2:
                return str(self.create_page(source.id, title)["id"])
            row.doc["churned"] = row.doc.get("churned", 0) + 1
            store.save(row)
            if row.in_trash:
                self.restore(row.id)
            elif chance.random() < 0.25:
                self.trash(row.id)
            else:
                self.edit_page(row.id, title)
            return row.id

    # -- columns and options ------------------------------------------------------------------------------

    def add_column(self, data_source: str, name: str, type: str, config: Json | None = None) -> Json:
        """A new column; one of the name of a deleted column is another column, with another id."""
        columns = Columns(self._find(data_source, "data_source"))
        if any(column.name == name for column in columns):
            raise errors.validation(f"There is a column {name} already.")
        return self._columns(data_source, {name: {"type": type, type: config or {}}})

    def rename_column(self, data_source: str, column: str, name: str) -> Json:
        """A new name for a column, which keeps its id."""
        self._column(data_source, column)
        return self._columns(data_source, {column: {"name": name}})

    def delete_column(self, data_source: str, column: str) -> Json:
        """A column and all of its cells away."""
        self._column(data_source, column)
        return self._columns(data_source, {column: None})

    def change_column_type(
        self, data_source: str, column: str, type: str, config: Json | None = None
    ) -> Json:
        """Another type for a column, which keeps its id; cells that do not fit become empty."""
        self._column(data_source, column)
        return self._columns(data_source, {column: {"type": type, type: config or {}}})

    def add_option(self, data_source: str, column: str, name: str, color: str | None = None) -> Json:
        """One more option of a select, multi-select or status column."""

        def add(found: Column) -> None:
            if any(option["name"] == name for option in found.options):
                raise errors.validation(f"{found.name} has an option {name} already.")
            found.options.append(new_option(name, color, "name"))
            for group in found.config.get("groups", [])[:1]:
                group["option_ids"].append(found.options[-1]["id"])

        return self._options(data_source, column, add)

    def rename_option(self, data_source: str, column: str, option: str, name: str) -> Json:
        """A new name for an option, which keeps its id, and so in all rows that have it."""

        def rename(found: Column) -> None:
            wanted = _option(found, option)
            if any(other["name"] == name and other is not wanted for other in found.options):
                raise errors.validation(f"{found.name} has an option {name} already.")
            wanted["name"] = new_option(name, None, "name")["name"]

        return self._options(data_source, column, rename)

    def delete_option(self, data_source: str, column: str, option: str) -> Json:
        """An option away, and so out of all rows that have it."""

        def delete(found: Column) -> None:
            gone = _option(found, option)
            found.options.remove(gone)
            for group in found.config.get("groups", []):
                group["option_ids"] = [key for key in group["option_ids"] if key != gone["id"]]

        return self._options(data_source, column, delete)

    # -- what these need ----------------------------------------------------------------------------------

    def _call(self) -> Call:
        return self._workspace.person_call(NEWEST, self._who)

    def _find(self, raw_id: str, *kinds: str) -> Stored:
        with self._workspace.store.transaction():
            found = self._workspace.store.get(parse_id(raw_id) or "")
        if found is None or found.kind not in (kinds or _PATHS):
            what = (kinds[0] if kinds else "object").replace("_", " ")
            raise ApiError(404, "object_not_found", f"There is no {what} {raw_id} in the workspace.")
        return found

    def _path(self, raw_id: str) -> str:
        found = self._find(raw_id)
        return f"{_PATHS[found.kind]}/{found.id}"

    def _columns(self, data_source: str, properties: Json) -> Json:
        return self.request("PATCH", f"data_sources/{data_source}", {"properties": properties})

    def _column(self, data_source: str, column: str) -> tuple[Columns, Column]:
        columns = Columns(self._find(data_source, "data_source"))
        return columns, columns.named(column)

    def _options(self, data_source: str, column: str, change: Callable[[Column], None]) -> Json:
        """Not by the API, which can neither rename the options of a status nor say what a list leaves out."""
        call = self._call()
        with call.store.transaction():
            columns, found = self._column(data_source, column)
            if found.type not in OPTION_TYPES:
                raise errors.validation(f"{found.name} is of type {found.type}, which has no options.")
            change(found)
            columns.keep()
            call.touch(columns.source)
            call.store.save(columns.source)
        return self.request("GET", f"data_sources/{data_source}")


def _option(column: Column, key: str) -> Json:
    found = find_option(column, {"id": key, "name": key})
    if found is None:
        known = ", ".join(option["name"] for option in column.options) or "none"
        raise errors.validation(f"{column.name} has no option {key}; its options are: {known}.")
    return found


_validated = validate_call(config=ConfigDict(arbitrary_types_allowed=True))
#: Everything that a person does beside requests of the API, by name.
ACTIONS: dict[str, Callable[..., Any]] = {
    action.__name__: _validated(action)
    for action in (
        Person.create_data_source,
        Person.create_page,
        Person.edit_page,
        Person.add_file,
        Person.write_markdown,
        Person.add_blocks,
        Person.edit_block,
        Person.add_custom_emoji,
        Person.trash,
        Person.restore,
        Person.delete_for_good,
        Person.unshare,
        Person.share,
        Person.move,
        Person.make_wiki,
        Person.put_into_wiki,
        Person.churn,
        Person.add_column,
        Person.rename_column,
        Person.delete_column,
        Person.change_column_type,
        Person.add_option,
        Person.rename_option,
        Person.delete_option,
    )
}


def act(person: Person, action: str, arguments: Json) -> Any:
    """Let the person do what a name says.

    Raises:
        ApiError: There is no such action, the arguments do not fit, or it cannot be done.
    """
    known = ACTIONS.get(action)
    if known is None:
        raise errors.validation(f"A person cannot {action}; the actions are: {', '.join(ACTIONS)}.")
    try:
        return known(person, **arguments)
    except ValidationError as error:
        raise errors.told(action, error) from None
