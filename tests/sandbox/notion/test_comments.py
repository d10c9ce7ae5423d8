"""Which comments belong together."""

from __future__ import annotations

import pytest

from tests.sandbox.notion.api import Api, Json, text

NOBODY = "00000000-0000-4000-8000-000000000000"


def say(api: Api, words: str, **where: object) -> Json:
    return api.ok("POST", "comments", {"rich_text": text(words), **where})


@pytest.fixture
def page(api: Api) -> str:
    return str(api.page(api.source())["id"])


def test_comments_on_a_page_are_one_discussion(api: Api, page: str) -> None:
    parent = {"type": "page_id", "page_id": page}
    first, second = say(api, "one", parent=parent), say(api, "two", parent=parent)
    assert second["discussion_id"] == first["discussion_id"] != first["id"]
    third = say(api, "three", discussion_id=first["discussion_id"].replace("-", ""))
    assert (third["discussion_id"], third["parent"]) == (first["discussion_id"], parent)
    listed = api.ok("GET", "comments", block_id=page)["results"]
    assert [comment["id"] for comment in listed] == [first["id"], second["id"], third["id"]]
    elsewhere = say(api, "four", parent={"page_id": api.page(api.source())["id"]})
    assert elsewhere["discussion_id"] != first["discussion_id"]


def test_a_discussion_ends_with_its_last_comment(api: Api, page: str) -> None:
    first, second = (say(api, words, parent={"page_id": page}) for words in ("one", "two"))
    api.ok("DELETE", f"comments/{first['id']}")
    third = say(api, "three", parent={"page_id": page})
    assert third["discussion_id"] == second["discussion_id"]
    for comment in (second, third):
        api.ok("DELETE", f"comments/{comment['id']}")
    fresh = say(api, "four", parent={"page_id": page})
    assert fresh["discussion_id"] != first["discussion_id"]
    assert "Could not find discussion" in api.refused(
        "POST", "comments", {"rich_text": text("x"), "discussion_id": first["discussion_id"]}, status=404
    )


def test_each_comment_on_a_block_begins_a_discussion(api: Api, page: str) -> None:
    on_page = say(api, "page", parent={"page_id": page})
    paragraph = [{"paragraph": {"rich_text": text("block")}}]
    block = api.ok("PATCH", f"blocks/{page}/children", {"children": paragraph})["results"][0]["id"]
    one, other = (say(api, words, parent={"block_id": block}) for words in ("one", "two"))
    answer = say(api, "three", discussion_id=one["discussion_id"])
    assert len({on_page["discussion_id"], one["discussion_id"], other["discussion_id"]}) == 3
    assert answer["parent"] == {"type": "block_id", "block_id": block}
    again = say(api, "page again", parent={"page_id": page})
    assert again["discussion_id"] == on_page["discussion_id"]
    listed = api.ok("GET", "comments", block_id=block)["results"]
    assert [comment["discussion_id"] for comment in listed] == [
        one["discussion_id"],
        other["discussion_id"],
        one["discussion_id"],
    ]


def test_comments_come_page_by_page(api: Api, page: str) -> None:
    made = [say(api, str(number), parent={"page_id": page})["id"] for number in range(5)]
    found, cursor = [], {}
    while True:
        listed = api.ok("GET", "comments", block_id=page, page_size=2, **cursor)
        found += [comment["id"] for comment in listed["results"]]
        if not listed["has_more"]:
            break
        cursor = {"start_cursor": listed["next_cursor"]}
    assert found == made
    assert api.refused("GET", "comments", block_id=page, start_cursor=NOBODY) == (
        f"The start_cursor provided is invalid: {NOBODY}"
    )
