"""Ultimate Notion, whose objects expect answers as the real Notion gives them, against the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import ultimate_notion as uno
from ultimate_notion import prop
from ultimate_notion.config import Config
from ultimate_notion.errors import UnknownPageError

from sandbox.notion import ROOT_PAGE_ID, Sandbox

#: What is there whatever is cleared.
CONSTANT = {"Title", "Number", "Made", "Maker", "Edited", "Editor", "Read"}
CONTENT = """\
# Emma

### Chapter
A fine day.
- [x] read on

- one

```plain text
x = 1
```
> wise

---"""


@pytest.fixture
def session(sandbox: Sandbox, tmp_path: Path) -> Iterator[uno.Session]:
    path = tmp_path / "config.toml"
    path.touch()
    config = Config.model_validate(
        {"ultimate_notion": {"token": "token", "sync_state_dir": tmp_path, "cfg_path": path}}
    )
    uno.Session.cache.clear()
    with uno.Session(config, base_url=sandbox.url) as opened:
        yield opened
    uno.Session.cache.clear()


@pytest.fixture
def root(session: uno.Session) -> uno.Page:
    return session.get_page(ROOT_PAGE_ID)


class Kind(uno.OptionNS):
    novel = uno.Option("Novel", color=uno.Color.BLUE)
    essay = uno.Option("Essay", color=uno.Color.RED)


@dataclass
class Library:
    """Two data sources, a person, and a book with a value in every column."""

    authors: uno.DataSource
    books: uno.DataSource
    person: uno.User
    jane: uno.Page
    emma: uno.Page

    def titles(self, condition: Any) -> list[str]:
        return [str(page.title) for page in self.books.query.filter(condition).sort(prop("Title")).execute()]


@pytest.fixture
def library(session: uno.Session, root: uno.Page) -> Library:
    class Author(uno.Schema, db_title="Authors"):
        name = uno.PropType.Title("Name")
        books = uno.PropType.Relation("Books", schema=None)

    class Book(uno.Schema, db_title="Books"):
        title = uno.PropType.Title("Title")
        notes = uno.PropType.Text("Notes")
        pages = uno.PropType.Number("Pages", format=uno.NumberFormat.NUMBER_WITH_COMMAS)
        kind = uno.PropType.Select("Kind", options=Kind)
        tags = uno.PropType.MultiSelect("Tags", options=[uno.Option("old"), uno.Option("witty")])
        read = uno.PropType.Date("Read")
        lent = uno.PropType.Person("Lent to")
        files = uno.PropType.Files("Files")
        owned = uno.PropType.Checkbox("Owned")
        link = uno.PropType.URL("Link")
        mail = uno.PropType.Email("Mail")
        phone = uno.PropType.Phone("Phone")
        double = uno.PropType.Formula("Double", formula='prop("Pages") * 2')
        number = uno.PropType.ID("Number", prefix="BK")
        made = uno.PropType.CreatedTime("Made")
        maker = uno.PropType.CreatedBy("Maker")
        edited = uno.PropType.LastEditedTime("Edited")
        editor = uno.PropType.LastEditedBy("Editor")
        sequel = uno.PropType.Relation("Sequel", schema=uno.SelfRef)
        author = uno.PropType.Relation("Author", schema=Author, two_way_prop=Author.books)
        works = uno.PropType.Rollup(
            "Authors", relation=author, rollup=Author.name, calculate=uno.AggFunc.COUNT_ALL
        )

    authors = session.create_ds(parent=root, schema=Author)
    books = session.create_ds(parent=root, schema=Book)
    jane = authors.create_page(name="Jane")
    person = next(user for user in session.all_users() if user.is_person)
    emma = books.create_page(
        title="Emma",
        notes=uno.text("bold", bold=True) + " and " + uno.math("e=mc^2"),
        pages=474,
        kind="Novel",
        tags=["old", "witty"],
        read="2026-03-01T09:00:00Z/2026-03-04T10:30:00Z",
        lent=[person],
        files=[uno.url("https://example.com/scan.pdf", name="scan")],
        owned=True,
        link="https://example.com/emma",
        mail="jane@example.com",
        phone="+44 1",
        author=[jane],
    )
    return Library(authors, books, person, jane, emma)


def test_values_of_every_type_come_back(session: uno.Session, library: Library) -> None:
    uno.Session.cache.clear()
    emma = session.get_page(library.emma.id)
    shown = {name: emma.props[name] for name in emma.props}
    assert {
        name: shown[name] for name in ("Pages", "Owned", "Link", "Mail", "Phone", "Double", "Number")
    } == {
        "Pages": 474,
        "Owned": True,
        "Link": "https://example.com/emma",
        "Mail": "jane@example.com",
        "Phone": "+44 1",
        "Double": 948,
        "Number": "BK-1",
    }
    assert str(shown["Notes"]) == "bold and e=mc^2"
    assert shown["Notes"].to_markdown() == "**bold** and $e=mc^2$"
    assert [str(shown["Kind"]), *map(str, shown["Tags"])] == ["Novel", "old", "witty"]
    assert shown["Kind"].color == uno.Color.BLUE
    assert (str(shown["Read"].start), str(shown["Read"].end)) == (
        "2026-03-01 09:00:00+00:00",
        "2026-03-04 10:30:00+00:00",
    )
    assert [user.name for user in shown["Lent to"]] == ["Alex Person"]
    assert [file.url for file in shown["Files"]] == ["https://example.com/scan.pdf"]
    assert [str(page.title) for page in shown["Author"]] == ["Jane"]
    assert shown["Authors"] == 1
    assert shown["Maker"].id == shown["Editor"].id == session.whoami().id
    assert [str(page.title) for page in library.jane.reload().props["Books"]] == ["Emma"]


def test_queries_find_what_they_ask_for(library: Library) -> None:
    for number in range(27):
        library.books.create_page(title=f"Volume {number:02}", pages=number, owned=number % 2 == 0)
    assert len(library.books.get_all_pages()) == 28
    assert library.titles((prop("Pages") < 6) & (prop("Owned") == True)) == [  # noqa: E712
        "Volume 00",
        "Volume 02",
        "Volume 04",
    ]
    assert library.titles(prop("Tags").contains("witty") | prop("Title").ends_with("26")) == [
        "Emma",
        "Volume 26",
    ]
    assert library.titles(prop("Double") == 24) == ["Volume 12"]
    for condition in (
        prop("Read").is_not_empty(),
        prop("Read") >= date(2026, 3, 1),
        prop("Lent to").contains(library.person),
        prop("Author").contains(library.jane),
        prop("Authors") > 0,
        prop("Kind") == "Novel",
        prop("Files").is_not_empty(),
        prop("Notes").starts_with("bold"),
    ):
        assert library.titles(condition) == ["Emma"], condition
    assert len(library.titles(prop("Made").past_week())) == 28
    last = library.books.query.filter(prop("Pages") < 100).sort(prop("Pages").desc()).execute()
    assert [page.props["Pages"] for page in last] == list(range(26, -1, -1))


def test_values_change_and_go_and_references_beyond_25_stay(library: Library) -> None:
    volumes = [library.books.create_page(title=f"Volume {number}") for number in range(27)]
    library.emma.props["Sequel"] = volumes
    assert {page.id for page in library.emma.reload().props["Sequel"]} == {page.id for page in volumes}
    for name in ("Notes", "Pages", "Kind", "Link", "Mail", "Phone"):
        library.emma.props[name] = None
    for name in ("Tags", "Lent to", "Files", "Sequel", "Author"):
        library.emma.props[name] = []
    library.emma.props["Owned"] = False
    emma = library.emma.reload()
    assert not any(emma.props[name] for name in emma.props if name not in CONSTANT)
    assert library.jane.reload().props["Books"] == []


def test_columns_are_renamed_added_and_deleted(library: Library) -> None:
    kept = library.books.schema["Pages"].id
    library.books.schema["Pages"].name = "Length"
    library.books.schema["Shelf"] = uno.PropType.Number()
    library.books.schema["Phone"].delete()
    schema = library.books.reload(rebind_schema=False).schema
    assert schema["Length"].id == kept
    assert schema.has_prop("Shelf")
    assert not schema.has_prop("Phone")
    assert library.emma.reload().props["Length"] == 474


def test_content_and_comments(library: Library) -> None:
    emma = library.emma
    emma.append(
        [uno.Heading2("Chapter"), uno.Paragraph("A fine day."), uno.ToDoItem("read on", checked=True)]
    )
    emma.append([uno.BulletedItem("one"), uno.Code("x = 1"), uno.Quote("wise"), uno.Divider()])
    assert emma.reload().to_markdown().strip() == CONTENT
    emma.children[0].delete()
    assert "Chapter" not in emma.reload().to_markdown()
    emma.comments.append("Lovely")
    assert [str(comment.text) for comment in emma.comments] == ["Lovely"]


def test_trash_and_search(session: uno.Session, library: Library) -> None:
    library.emma.delete()
    assert len(library.books.get_all_pages()) == 0
    library.emma.restore()
    assert not library.emma.reload().is_deleted
    assert len(library.books.get_all_pages()) == 1
    assert session.search_ds("Books").item() == library.books
    assert session.search_page("Emma").item() == library.emma
    library.books.delete()
    assert library.books.is_deleted
    library.books.restore()
    assert not library.books.is_deleted
    with pytest.raises(UnknownPageError):
        session.get_page("00000000-0000-4000-8000-00000000dead")
