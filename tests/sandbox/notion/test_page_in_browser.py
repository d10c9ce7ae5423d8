"""The page at `/` in a real browser: what a person edits is in the workspace, what a program writes is on the page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from sandbox.notion import Sandbox
from tests.harness.browser import browsing
from tests.sandbox.notion.api import Api, text

#: Milliseconds for something to appear on a busy machine.
PATIENCE = 20_000
MARKUP = "<img src=x onerror=\"document.title='owned'\">"


#: Answers come to the page late, so that a person is always ahead of them.
SLOW = """
const quick = window.fetch;
window.fetch = async (...asked) => {
  const answer = await quick(...asked);
  await new Promise((go) => setTimeout(go, 400));
  return answer;
};
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE)
    with browsing() as opened:
        yield opened


@pytest.fixture
def source(api: Api) -> str:
    options = [{"name": "Novel", "color": "blue"}, {"name": "Essay", "color": "green"}]
    authors = api.source(title="Authors")
    api.page(authors, "Jane")
    columns: dict[str, Any] = {
        "Notes": {"rich_text": {}},
        "Pages": {"number": {}},
        "Kind": {"select": {"options": options}},
        "Tags": {"multi_select": {"options": options}},
        "State": {"status": {}},
        "Due": {"date": {}},
        "Owned": {"checkbox": {}},
        "Mail": {"email": {}},
        "Lent": {"people": {}},
        "Author": {"relation": {"data_source_id": authors, "single_property": {}}},
        "Double": {"formula": {"expression": 'prop("Pages") * 2'}},
    }
    made = api.source(columns, "Books")
    api.page(made, "Emma", Pages={"number": 474})
    return made


@pytest.fixture
def page(browser: Browser, sandbox: Sandbox, source: str) -> Iterator[Page]:
    context = browser.new_context()
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE)
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.goto(f"{sandbox.url}/#{source}")
    expect(opened.get_by_label("Name: Emma")).to_be_visible()
    yield opened
    context.close()
    # The browser itself notes answers of 400, which the page shows to the person.
    assert [line for line in complaints if "status of 400" not in line] == []


@pytest.fixture
def row(api: Api, source: str) -> Any:
    def now() -> dict[str, Any]:
        (found,) = api.ok("POST", f"data_sources/{source}/query")["results"]
        cells: dict[str, Any] = found["properties"]
        return {name: cell[cell["type"]] for name, cell in cells.items()} | {
            "by": found["last_edited_by"]["id"]
        }

    return now


def test_every_type_of_cell_is_edited_by_hand(page: Page, row: Any, api: Api) -> None:
    def fill(label: str, value: str) -> None:
        page.get_by_label(label, exact=True).click()
        page.keyboard.type(value)
        page.keyboard.press("Enter")

    def choose(label: str, *choices: str) -> None:
        page.get_by_label(label, exact=True).click()
        for choice in choices:
            page.get_by_label(choice, exact=True).check()
        page.get_by_role("button", name="Save").click()

    fill("Name: Emma", "Persuasion")
    expect(page.get_by_label("Name: Persuasion")).to_be_focused()
    fill("Notes: empty", "by the sea")
    fill("Pages: 474", "249")
    expect(page.locator("td.formula")).to_have_text("498")
    fill("Mail: empty", "anne@example.com")
    choose("Kind: empty", "Novel")
    choose("Tags: empty", "Novel", "Essay")
    choose("State: Not started", "Done")
    choose("Lent: empty", "Alex Person")
    choose("Author: empty", "Jane")
    page.get_by_label("Owned: ☐").click()
    page.get_by_label("Due: empty").click()
    page.get_by_label("Due, start").fill("2026-12-01")
    page.get_by_label("Due, end").fill("2026-12-03")
    page.keyboard.press("Enter")
    expect(page.locator("td.date")).to_have_text("2026-12-01 →2026-12-03")
    expect(page.get_by_label("Owned: ☑")).to_be_visible()
    seen = row()
    assert seen["Name"][0]["plain_text"] == "Persuasion"
    assert seen["Notes"][0]["plain_text"] == "by the sea"
    assert (seen["Pages"], seen["Owned"], seen["Mail"]) == (249, True, "anne@example.com")
    assert (seen["Kind"]["name"], seen["State"]["name"]) == ("Novel", "Done")
    assert [tag["name"] for tag in seen["Tags"]] == ["Novel", "Essay"]
    assert seen["Due"] == {"start": "2026-12-01", "end": "2026-12-03", "time_zone": None}
    assert (len(seen["Lent"]), len(seen["Author"])) == (1, 1)
    assert seen["by"] == next(
        user["id"] for user in api.ok("GET", "users")["results"] if user["type"] == "person"
    )


def test_nothing_is_lost_of_what_is_typed_faster_than_the_workspace_answers(page: Page, row: Any) -> None:
    page.add_init_script(SLOW)
    page.reload()
    for label, value in [("Name: Emma", "Persuasion"), ("Notes: empty", "by the sea"), ("Pages: 474", "249")]:
        page.get_by_label(label, exact=True).click()
        page.keyboard.type(value)
        if label != "Notes: empty":  # a click elsewhere saves as well
            page.keyboard.press("Enter")
    page.get_by_label("Owned: ☐").click()
    page.get_by_label("Mail: empty").click()
    page.keyboard.type("anne@example.com")
    page.get_by_role("link", name="Authors").click()
    expect(page.get_by_label("Name: Jane")).to_be_visible()
    page.get_by_role("link", name="Books").click()
    expect(page.get_by_label("Mail: anne@example.com")).to_be_visible()
    for shown in ("Name: Persuasion", "Notes: by the sea", "Pages: 249", "Owned: ☑"):
        expect(page.get_by_label(shown, exact=True)).to_be_visible()
    seen = row()
    assert [seen[name][0]["plain_text"] for name in ("Name", "Notes")] == ["Persuasion", "by the sea"]
    assert (seen["Pages"], seen["Owned"], seen["Mail"]) == (249, True, "anne@example.com")


def test_what_is_refused_late_comes_back_into_its_cell(page: Page, row: Any) -> None:
    page.add_init_script(SLOW)
    page.reload()
    page.get_by_label("Name: Emma").click()
    page.get_by_label("Name", exact=True).fill("x" * 2001)
    page.get_by_role("button", name="Save").click()
    page.get_by_label("Pages: 474").click()
    page.keyboard.type("249")
    expect(page.locator("td.title .editor .wrong")).to_contain_text("length should be")
    expect(page.get_by_label("Pages", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("td.formula")).to_have_text("948")
    expect(page.get_by_label("Name", exact=True)).to_have_value("x" * 2001)
    page.get_by_label("Name", exact=True).fill("Persuasion")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Name: Persuasion")).to_be_visible()
    expect(page.locator("td.formula")).to_have_text("498")
    assert row()["Pages"] == 249


def test_what_a_program_writes_appears_by_itself(page: Page, api: Api, source: str) -> None:
    api.page(source, "Sanditon", Notes={"rich_text": text(MARKUP)})
    expect(page.get_by_label("Name: Sanditon")).to_be_visible()
    expect(page.locator("td.title.fresh")).to_have_text(["Sanditon"])
    expect(page.get_by_label(f"Notes: {MARKUP}")).to_have_text(MARKUP)
    assert page.locator("#table img").count() == 0
    assert page.title() == "Books · Notion sandbox"
    (emma,) = (
        each
        for each in api.ok("POST", f"data_sources/{source}/query")["results"]
        if each["properties"]["Pages"]["number"]
    )
    page.get_by_label("Notes: empty").click()
    api.edit(emma, Pages={"number": 500})
    page.keyboard.type("typed meanwhile")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Pages: 500")).to_be_visible()
    expect(page.get_by_label("Notes: typed meanwhile")).to_be_visible()


def test_a_click_counts_though_the_table_changes_under_it(page: Page, api: Api, source: str) -> None:
    page.get_by_label("Notes: empty").hover()
    page.mouse.down()
    with page.expect_response(lambda answer: "/_page/state" in answer.url and answer.status == 200):
        api.page(source, "Sanditon")
    page.wait_for_function("() => new Promise((go) => setTimeout(() => go(true), 50))")
    page.mouse.up()
    expect(page.get_by_label("Notes", exact=True)).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_label("Name: Sanditon")).to_be_visible()


def test_what_the_workspace_refuses_is_said_at_the_cell(page: Page, row: Any) -> None:
    page.get_by_label("Name: Emma").click()
    page.get_by_label("Name", exact=True).fill("x" * 2001)
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".editor .wrong")).to_contain_text("length should be")
    page.keyboard.press("Escape")
    expect(page.get_by_label("Name: Emma")).to_be_focused()
    assert row()["Name"][0]["plain_text"] == "Emma"


def test_rows_and_columns_come_and_go(page: Page, api: Api, source: str) -> None:
    page.get_by_role("button", name="New row").click()
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.type("Lady Susan")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Name: Lady Susan")).to_be_visible()
    answers = iter(["Shelf", "number", "Board"])
    page.on("dialog", lambda dialog: dialog.accept(next(answers)))
    page.get_by_role("button", name="New column").click()
    page.get_by_role("button", name="Shelf", exact=True).click()
    expect(page.get_by_role("button", name="Board", exact=True)).to_be_visible()
    page.get_by_role("row", name="Emma").hover()
    page.get_by_role("row", name="Emma").get_by_role("button", name="Trash").click()
    expect(page.get_by_label("Name: Emma")).to_have_count(0)
    assert len(api.query(source)) == 1
    page.get_by_role("button", name="Trash (1)").click()
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_text("The trash is empty.")).to_be_visible()
    page.get_by_role("button", name="Trash", exact=True).click()
    expect(page.get_by_label("Name: Emma")).to_be_visible()
    schema = api.ok("GET", f"data_sources/{source}")["properties"]
    assert schema["Board"]["type"] == "number"
    assert "Shelf" not in schema


def test_another_data_source_is_a_click_away(page: Page) -> None:
    page.get_by_role("link", name="Authors").click()
    expect(page.get_by_label("Name: Jane")).to_be_visible()
    expect(page.get_by_role("heading", name="Authors")).to_be_visible()


def test_a_table_is_made_by_hand(page: Page, api: Api) -> None:
    page.once("dialog", lambda dialog: dialog.accept("Films"))
    page.get_by_role("button", name="New table").click()
    expect(page.get_by_role("heading", name="Films")).to_be_visible()
    page.get_by_role("button", name="New row").click()
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.type("Metropolis")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Name: Metropolis")).to_be_visible()
    found = api.ok(
        "POST", "search", {"query": "Films", "filter": {"property": "object", "value": "data_source"}}
    )
    assert [source["title"][0]["plain_text"] for source in found["results"]] == ["Films"]


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/_page/state", {}, 403),
        ("/_page/state", {"x-sandbox-page": "1", "host": "evil.example:80"}, 421),
        ("/", {"host": "evil.example"}, 421),
    ],
)
def test_other_sites_are_shut_out(sandbox: Sandbox, path: str, headers: dict[str, str], status: int) -> None:
    """A page elsewhere cannot send the header, and one that has its name point here is told by its name."""
    with httpx.Client(base_url=sandbox.url) as http:
        assert http.get(path, headers=headers).status_code == status
        assert http.post("/_page/do", json={"method": "GET", "path": "users"}).status_code == 403


def test_the_page_comes_without_a_token_and_with_a_strict_policy(sandbox: Sandbox) -> None:
    with httpx.Client(base_url=sandbox.url) as http:
        answer = http.get("/")
        assert answer.status_code == 200
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        for body in (b"nonsense", b"[]", b"{}", b'{"path": "%s"}' % (b"x" * 500_000)):
            wrong = http.post("/_page/do", headers={"x-sandbox-page": "1"}, content=body)
            assert (wrong.status_code, list(wrong.json())) == (400, ["message"])
