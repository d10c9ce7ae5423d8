"""Blocks, comments, Markdown, search and users."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.notion import PERSON_ID, ROOT_PAGE_ID, Limits, Sandbox
from tests.sandbox.notion.api import Api, Json, names, text


def paragraph(content: str, **extra: Any) -> Json:
    return {"type": "paragraph", "paragraph": {"rich_text": text(content), **extra}}


@pytest.fixture
def page(api: Api) -> str:
    body = {"parent": {"page_id": ROOT_PAGE_ID}, "properties": {"title": {"title": text("Page")}}}
    return str(api.ok("POST", "pages", body)["id"])


def contents(api: Api, block: str) -> list[str]:
    results = api.ok("GET", f"blocks/{block}/children")["results"]
    return [result["paragraph"]["rich_text"][0]["plain_text"] for result in results]


def append(api: Api, block: str, *content: str, **place: Any) -> list[str]:
    body = {"children": [paragraph(part) for part in content], **place}
    return [result["id"] for result in api.ok("PATCH", f"blocks/{block}/children", body)["results"]]


def test_append_at_the_end_start_and_behind_a_block(api: Api, page: str) -> None:
    first, second = append(api, page, "1", "2")
    append(api, page, "0", position={"type": "start"})
    append(api, page, "1a", "1b", position={"type": "after_block", "after_block": {"id": first}})
    append(api, page, "3", position={"type": "end"})
    assert contents(api, page) == ["0", "1", "1a", "1b", "2", "3"]
    assert "body.position.type" in api.refused(
        "PATCH", f"blocks/{page}/children", {"children": [paragraph("x")], "position": {"type": "top"}}
    )
    body = {"children": [paragraph("x")], "after": second}
    assert "body.after should be not present" in api.refused("PATCH", f"blocks/{page}/children", body)
    api.with_version("2025-09-03").ok("PATCH", f"blocks/{page}/children", body)
    assert contents(api, page)[-2:] == ["x", "3"]


def test_an_answer_to_an_append_goes_on_with_all_that_follows(api: Api, page: str) -> None:
    first, second = append(api, page, "1", "2")
    child = api.ok("POST", "pages", {"parent": {"page_id": page}, "properties": {}})["id"]
    gone, last = append(api, page, "gone", "3")
    api.ok("DELETE", f"blocks/{gone}")
    following = [second, child, last]
    made, *rest = append(api, page, "0", position={"type": "start"})
    assert rest == [first, *following]
    one, two, *rest = append(
        api, page, "1a", "1b", position={"type": "after_block", "after_block": {"id": first}}
    )
    assert rest == following
    listed = [block["id"] for block in api.ok("GET", f"blocks/{page}/children")["results"]]
    assert listed == [made, first, one, two, *following]
    old = api.with_version("2025-09-03")
    assert append(old, page, "2a", after=second)[1:] == [child, last]
    assert len(append(api, page, "4", "5", position={"type": "end"})) == 2
    assert len(append(api, page, "6")) == 1


def test_where_a_new_page_stands_in_its_parent(api: Api, page: str) -> None:
    (first, _) = append(api, page, "1", "2")

    def add(title: str, **position: Any) -> None:
        body = {"parent": {"page_id": page}, "properties": {"title": text(title)}}
        api.ok("POST", "pages", body | ({"position": position} if position else {}))

    add("start", type="page_start")
    add("middle", type="after_block", after_block={"id": first})
    add("end", type="page_end")
    add("last")
    shown = [block[block["type"]] for block in api.ok("GET", f"blocks/{page}/children")["results"]]
    titles = [each.get("title") or each["rich_text"][0]["plain_text"] for each in shown]
    assert titles == ["start", "1", "middle", "2", "end", "last"]
    body = {"parent": {"page_id": page}, "properties": {}, "position": {"type": "start"}}
    assert "body.position.type" in api.refused("POST", "pages", body)


def test_shape_of_a_block(api: Api, page: str) -> None:
    (block_id,) = append(api, page, "hello")
    block = api.ok("GET", f"blocks/{block_id}")
    assert block["parent"] == {"type": "page_id", "page_id": page}
    assert block["has_children"] is False
    assert block["paragraph"]["color"] == "default"
    assert block["created_time"].endswith(":00.000Z")


def test_nested_blocks(api: Api, page: str) -> None:
    nested = paragraph("1", children=[paragraph("2", children=[paragraph("3")])])
    (block,) = api.ok("PATCH", f"blocks/{page}/children", {"children": [nested]})["results"]
    assert block["has_children"] is True
    assert "children" not in block["paragraph"]
    assert contents(api, block["id"]) == ["2"]
    deep = paragraph("1", children=[paragraph("2", children=[paragraph("3", children=[paragraph("4")])])])
    assert "should be not present" in api.refused("PATCH", f"blocks/{page}/children", {"children": [deep]})


def test_children_come_in_pages(api: Api, page: str) -> None:
    ids = append(api, page, *(str(number) for number in range(7)))
    first = api.ok("GET", f"blocks/{page}/children", page_size=3)
    assert first["next_cursor"] == ids[3]
    rest = api.ok("GET", f"blocks/{page}/children", page_size=100, start_cursor=first["next_cursor"])
    assert [block["id"] for block in rest["results"]] == ids[3:]
    assert "start_cursor" in api.refused("GET", f"blocks/{page}/children", start_cursor=page)


def test_update_and_delete(api: Api, page: str) -> None:
    first, second = append(api, page, "1", "2")
    changed = api.ok("PATCH", f"blocks/{first}", {"paragraph": {"rich_text": text("changed")}})
    assert changed["paragraph"]["rich_text"][0]["plain_text"] == "changed"
    assert "cannot be changed" in api.refused("PATCH", f"blocks/{first}", {"quote": {"rich_text": []}})
    assert api.ok("DELETE", f"blocks/{second}")["in_trash"] is True
    assert contents(api, page) == ["changed"]
    assert "archived" in api.refused("DELETE", f"blocks/{second}")


def test_too_many_blocks(api: Api, page: str) -> None:
    body = {"children": [paragraph("x")] * 101}
    message = api.refused("PATCH", f"blocks/{page}/children", body)
    assert message == "body failed validation: body.children.length should be ≤ `100`, instead was `101`."
    long = {"children": [paragraph("x"), {"paragraph": {"rich_text": text("x") * 111}}]}
    message = api.refused("PATCH", f"blocks/{page}/children", long)
    assert "body.children[1].paragraph.rich_text.length should be ≤ `100`, instead was `111`." in message


def test_unknown_block_type(api: Api, page: str) -> None:
    assert "Fix one" in api.refused("PATCH", f"blocks/{page}/children", {"children": [{"type": "song"}]})


@pytest.mark.parametrize(
    ("kind", "content", "shown"),
    [
        ("heading_2", {"rich_text": []}, {"rich_text": [], "is_toggleable": False, "color": "default"}),
        ("to_do", {"rich_text": []}, {"rich_text": [], "checked": False, "color": "default"}),
        ("divider", {}, {}),
        (
            "code",
            {"rich_text": [], "language": "python"},
            {"caption": [], "rich_text": [], "language": "python"},
        ),
        ("bookmark", {"url": "https://x"}, {"caption": [], "url": "https://x"}),
        (
            "image",
            {"external": {"url": "https://x/i.png"}},
            {"caption": [], "type": "external", "external": {"url": "https://x/i.png"}},
        ),
    ],
)
def test_other_types(api: Api, page: str, kind: str, content: Json, shown: Json) -> None:
    block = api.ok("PATCH", f"blocks/{page}/children", {"children": [{"type": kind, kind: content}]})
    assert block["results"][0][kind] == shown


BOLD = {"annotations": {"bold": True}}


@pytest.mark.parametrize(
    ("runs", "shown"),
    [
        ([{}, {}, {}], ["abc"]),
        ([{}, BOLD, BOLD], ["a", "bc"]),
        ([BOLD, {}, BOLD], ["a", "b", "c"]),
        ([{}, {"link": {"url": "https://x"}}, {"link": {"url": "https://x"}}], ["a", "bc"]),
        (
            [{}, {"annotations": {"color": "default", "code": False}}, {"annotations": {"color": "red"}}],
            ["ab", "c"],
        ),
    ],
)
def test_equal_runs_are_joined_in_code(api: Api, page: str, runs: list[Json], shown: list[str]) -> None:
    written = [
        {"text": {"content": part, "link": run.get("link")}, "annotations": run.get("annotations", {})}
        for part, run in zip("abc", runs, strict=True)
    ]
    blocks = [{"code": {"rich_text": written, "caption": written}}, {"paragraph": {"rich_text": written}}]
    code, other = api.ok("PATCH", f"blocks/{page}/children", {"children": blocks})["results"]
    assert [run["plain_text"] for run in code["code"]["rich_text"]] == shown
    assert [run["text"]["content"] for run in code["code"]["rich_text"]] == shown
    for kept in (code["code"]["caption"], other["paragraph"]["rich_text"]):
        assert [run["plain_text"] for run in kept] == list("abc")
    again = api.ok("PATCH", f"blocks/{code['id']}", {"code": {"rich_text": written[::-1]}})["code"]
    assert "".join(run["plain_text"] for run in again["rich_text"]) == "cba"
    assert len(again["rich_text"]) == len(shown)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("https://example.org", "https://example.org/"),
        ("https://example.org?q=1#top", "https://example.org/?q=1#top"),
        ("http://example.org/a", "http://example.org/a"),
        ("mailto:a@example.org", "mailto:a@example.org"),
        ("https://[broken", "https://[broken"),
    ],
)
def test_links_to_a_bare_host_get_a_slash(api: Api, page: str, written: str, shown: str) -> None:
    runs = [{"text": {"content": "x", "link": {"url": written}}}]
    body = {"children": [{"paragraph": {"rich_text": runs}}]}
    (block,) = api.ok("PATCH", f"blocks/{page}/children", body)["results"]
    (run,) = block["paragraph"]["rich_text"]
    assert (run["text"]["link"], run["href"]) == ({"url": shown}, shown)


def test_code_may_be_longer_than_one_run_may_be_written(api: Api, page: str) -> None:
    body = {"children": [{"code": {"rich_text": text("A" * 2000) + text("B" * 2000)}}]}
    (block,) = api.ok("PATCH", f"blocks/{page}/children", body)["results"]
    (run,) = block["code"]["rich_text"]
    assert run["plain_text"] == run["text"]["content"] == "A" * 2000 + "B" * 2000


NATIVE = {"type": "icon", "icon": {"name": "snake", "color": "purple"}}


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ({"external": {"url": "https://www.notion.so/icons/snake_purple.svg"}}, NATIVE),
        ({"external": {"url": "https://www.notion.so/icons/snake_purple.svg?mode=dark"}}, NATIVE),
        (
            {"type": "external", "external": {"url": "https://notion.so/icons/arrow-left_lightgray.svg"}},
            {"type": "icon", "icon": {"name": "arrow-left", "color": "lightgray"}},
        ),
        (NATIVE, NATIVE),
        ({"icon": {"name": "snake"}}, {"type": "icon", "icon": {"name": "snake", "color": "gray"}}),
        *(
            ({"external": {"url": url}}, {"type": "external", "external": {"url": url}})
            for url in (
                "https://www.notion.so/icons/snake_purple.png",
                "https://www.notion.so/icons/snake_plaid.svg",
                "https://www.notion.so/images/snake_purple.svg",
                "https://example.com/www.notion.so/icons/snake_purple.svg",
                "https://www.notion.so.example.com/icons/snake_purple.svg",
            )
        ),
        (None, None),
    ],
)
def test_icons_of_notions_own_set(api: Api, page: str, written: Json, shown: Json) -> None:
    source = api.source()
    database = api.ok("GET", f"data_sources/{source}")["parent"]["database_id"]
    for path in (f"pages/{page}", f"databases/{database}", f"data_sources/{source}"):
        assert api.ok("PATCH", path, {"icon": written})["icon"] == shown
        assert api.ok("GET", path)["icon"] == shown
    callout = {"callout": {"rich_text": [], "icon": written}}
    (block,) = api.ok("PATCH", f"blocks/{page}/children", {"children": [callout]})["results"]
    assert block["callout"]["icon"] == shown
    if written and "external" in written:
        cover = api.ok("PATCH", f"pages/{page}", {"cover": written})["cover"]
        assert cover == {"type": "external", "external": written["external"]}


@pytest.mark.parametrize("icon", [{"color": "red"}, {"name": 3}, {"name": "x", "color": "plaid"}, "x"])
def test_wrong_native_icons(api: Api, page: str, icon: Any) -> None:
    assert "body.icon.icon" in api.refused("PATCH", f"pages/{page}", {"icon": {"icon": icon}})


def test_delete_a_page_and_a_database(api: Api, page: str) -> None:
    source = api.source(title="Things")
    database = api.ok("GET", f"data_sources/{source}")["parent"]["database_id"]
    assert api.ok("DELETE", f"blocks/{database}")["child_database"] == {"title": "Things"}
    assert api.ok("GET", f"databases/{database}")["in_trash"] is True
    assert api.ok("DELETE", f"blocks/{page}")["type"] == "child_page"
    assert api.ok("GET", f"pages/{page}")["in_trash"] is True


def test_child_pages_bump_their_parent(api: Api, page: str) -> None:
    api.door("clock", {"now": "2031-01-01T00:00:00Z"})
    append(api, page, "x")
    assert api.ok("GET", f"pages/{page}")["last_edited_time"] == "2031-01-01T00:00:00.000Z"


def test_comments(api: Api, page: str) -> None:
    made = api.ok("POST", "comments", {"parent": {"page_id": page}, "rich_text": text("one")})
    api.ok("POST", "comments", {"discussion_id": made["discussion_id"], "rich_text": text("two")})
    found = api.ok("GET", "comments", block_id=page)
    assert found["type"] == "comment"
    assert [comment["rich_text"][0]["plain_text"] for comment in found["results"]] == ["one", "two"]
    assert {comment["discussion_id"] for comment in found["results"]} == {made["discussion_id"]}
    assert api.ok("GET", f"comments/{made['id']}")["parent"] == {"type": "page_id", "page_id": page}
    assert api.ok("GET", f"blocks/{page}/children")["results"] == []


def test_markdown(api: Api, page: str) -> None:
    body = {"type": "insert_content", "insert_content": {"content": "# Head\n\ntext\n\n- item"}}
    assert api.ok("PATCH", f"pages/{page}/markdown", body)["markdown"] == "# Head\ntext\n- item"
    change = {"old_str": "text", "new_str": "**other**"}
    update = {"type": "update_content", "update_content": {"content_updates": [change]}}
    assert "other" in api.ok("PATCH", f"pages/{page}/markdown", update)["markdown"]
    replace = {"type": "replace_content", "replace_content": {"new_str": "all new"}}
    api.ok("PATCH", f"pages/{page}/markdown", replace)
    assert api.ok("GET", f"pages/{page}/markdown")["markdown"] == "all new"
    assert contents(api, page) == ["all new"]


def test_search(api: Api, page: str) -> None:
    source = api.source(title="Page tracker")
    api.page(source, "Another one")
    pages = api.ok("POST", "search", {"query": "pages", "filter": {"property": "object", "value": "page"}})
    assert names(pages) == ["Page"]
    both = api.ok("POST", "search", {"query": "page"})["results"]
    assert {result["object"] for result in both} == {"page", "data_source"}
    api.ok("PATCH", f"pages/{page}", {"in_trash": True})
    found = api.ok("POST", "search", {"query": "page"})["results"]
    assert [result["id"] for result in found] == [source]
    trashed = {"query": "page", "filter": {"in_trash": True, "property": "object", "value": "page"}}
    assert names(api.ok("POST", "search", trashed)) == ["Page"]
    wrong = {"filter": {"property": "object", "value": "database"}}
    assert "body.filter.value" in api.refused("POST", "search", wrong)


def test_search_is_by_last_edit_and_in_pages(api: Api) -> None:
    source = api.source()
    for number in range(5):
        api.door("clock", {"now": f"2027-01-01T00:0{number}:00Z"})
        api.page(source, f"row {number}")
    body = {"query": "row", "page_size": 2}
    first = api.ok("POST", "search", body)
    assert names(first) == ["row 4", "row 3"]
    second = api.ok("POST", "search", body | {"start_cursor": first["next_cursor"]})
    assert names(second) == ["row 2", "row 1"]
    oldest = {"timestamp": "last_edited_time", "direction": "ascending"}
    assert names(api.ok("POST", "search", {"query": "row", "sort": oldest}))[0] == "row 0"


def test_search_learns_late(api: Api) -> None:
    from httpx import Client

    with Sandbox(limits=Limits(search_delay=30)) as slow, Client(base_url=slow.url) as http:
        late = Api(http)
        late.door("clock", {"now": "2027-01-01T00:00:00Z"})
        late.page(late.source(), "fresh")
        assert late.ok("POST", "search", {"query": "fresh"})["results"] == []
        late.door("clock", {"advance": 31})
        assert names(late.ok("POST", "search", {"query": "fresh"})) == ["fresh"]


def test_users(api: Api) -> None:
    me = api.ok("GET", "users/me")
    listed = [user["id"] for user in api.ok("GET", "users")["results"]]
    assert {me["id"], PERSON_ID} <= set(listed)
    assert api.ok("GET", f"users/{PERSON_ID}")["type"] == "person"
    assert api.send("GET", f"users/{ROOT_PAGE_ID}").status_code == 404
    first = api.ok("GET", "users", page_size=1)
    assert first["next_cursor"] == listed[1]


def test_file_uploads(api: Api, page: str) -> None:
    upload = api.ok("POST", "file_uploads", {"filename": "a.txt", "content_type": "text/plain"})
    assert (upload["status"], upload["content_length"]) == ("pending", None)
    named = {"type": "file", "file": {"file_upload": {"id": upload["id"]}}}
    assert "not uploaded" in api.refused("PATCH", f"blocks/{page}/children", {"children": [named]})
    path = f"/v1/file_uploads/{upload['id']}/send"
    sent = api.http.post(path, files={"file": ("a.txt", b"25 bytes of some content.")}, headers=api.headers)
    assert (sent.json()["status"], sent.json()["content_length"]) == ("uploaded", 25)
    assert "upload_url" not in api.ok("GET", f"file_uploads/{upload['id']}")
    older = api.with_version("2025-09-03").ok("GET", f"file_uploads/{upload['id']}")
    assert (upload["in_trash"], "archived" in upload) == (False, False)
    assert (older["in_trash"], older["archived"]) == (False, False)
    (block,) = api.ok("PATCH", f"blocks/{page}/children", {"children": [named]})["results"]
    assert (block["file"]["type"], block["file"]["name"]) == ("file", "a.txt")
    assert block["file"]["file"]["expiry_time"]
    cover = api.ok("PATCH", f"pages/{page}", {"cover": {"file_upload": {"id": upload["id"]}}})["cover"]
    assert cover["type"] == "file"
    assert [listed["id"] for listed in api.ok("GET", "file_uploads")["results"]] == [upload["id"]]


def test_file_upload_in_parts(api: Api, sandbox: Sandbox) -> None:
    sandbox.workspace.limits = Limits(piece_bytes=(10, 20))
    body = {"mode": "multi_part", "number_of_parts": 2, "filename": "b.pdf"}
    upload = api.ok("POST", "file_uploads", body)
    for part in ("1", "2"):
        assert "not ready" in api.refused("POST", f"file_uploads/{upload['id']}/complete", {})
        form = {"files": {"file": ("b.pdf", b"x" * 10)}, "data": {"part_number": part}}
        api.http.post(f"/v1/file_uploads/{upload['id']}/send", headers=api.headers, **form)
    done = api.ok("POST", f"file_uploads/{upload['id']}/complete", {})
    assert (done["status"], done["number_of_parts"]) == ("uploaded", {"total": 2, "sent": 2})
