"""What goes on after a request was answered: asynchronous tasks, and files that are fetched from an address."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from sandbox.notion import ROOT_PAGE_ID, Sandbox
from tests.sandbox.notion.api import Api, Json, name, text

NOBODY = "00000000-0000-4000-8000-000000000000"
PDF = {"mode": "external_url", "filename": "a.pdf", "external_url": "https://files.example/a.pdf"}


@pytest.fixture(autouse=True)
def _clock(sandbox: Sandbox) -> None:
    sandbox.clock.set(datetime(2026, 7, 4, 10, 7, 1, 549_000, tzinfo=UTC))
    sandbox.background.seconds = 10


@pytest.fixture
def page(api: Api) -> str:
    return str(api.page(api.source())["id"])


def wait(sandbox: Sandbox, seconds: float) -> None:
    sandbox.clock.advance(timedelta(seconds=seconds))


def accepted(api: Api, method: str, path: str, body: Json) -> Json:
    response = api.send(method, path, body | {"allow_async": True})
    assert response.status_code == 202, response.text
    task: Json = response.json()
    return task


def insert(words: str) -> Json:
    return {"type": "insert_content", "insert_content": {"content": words}}


def content(api: Api, page: str) -> str:
    return str(api.ok("GET", f"pages/{page}/markdown")["markdown"])


# -- asynchronous tasks -------------------------------------------------------------------------------------


def test_an_edit_is_accepted_and_carried_out_later(api: Api, sandbox: Sandbox, page: str) -> None:
    task = accepted(api, "PATCH", f"pages/{page}/markdown", insert("# Hello\n\nLater."))
    assert task == {
        "object": "async_task",
        "id": task["id"],
        "status": "queued",
        "status_url": f"https://api.notion.com/v1/async_tasks/{task['id']}",
        "created_time": "2026-07-04T10:07:01.549Z",
        "poll_after_seconds": 10,
        "operation": {"surface": "rest", "name": "PATCH /v1/pages/:page_id/markdown"},
        "request_id": task["request_id"],
    }
    assert task["id"].startswith("task_")
    assert len(task["id"]) == len("task_") + 32
    states = []
    for _ in range(5):
        states.append(api.ok("GET", f"async_tasks/{task['id']}")["status"])
        assert content(api, page) == ("" if len(states) < 5 else "# Hello\nLater.")
        wait(sandbox, 2.5)
    assert states == ["queued", "queued", "running", "running", "succeeded"]
    done = api.ok("GET", f"async_tasks/{task['id']}")
    assert "poll_after_seconds" not in done
    assert done["result"] == {
        "object": "page_markdown",
        "id": page,
        "markdown": "# Hello\nLater.",
        "truncated": False,
        "unknown_block_ids": [],
    }


def test_a_page_is_made_later(api: Api, sandbox: Sandbox) -> None:
    source = api.source()
    body = {
        "parent": {"data_source_id": source},
        "properties": {"Name": {"title": text("Tea")}},
        "markdown": "Hot",
    }
    task = accepted(api, "POST", "pages", body)
    assert task["operation"]["name"] == "POST /v1/pages"
    assert api.query(source) == []
    wait(sandbox, 10)
    assert api.query(source) == ["Tea"]
    made = api.ok("GET", f"async_tasks/{task['id']}")["result"]
    assert (name(made), made["object"]) == ("Tea", "page")
    assert api.ok("GET", f"pages/{made['id']}")["created_time"] == "2026-07-04T10:07:00.000Z"
    assert content(api, made["id"]) == "Hot"


def test_only_a_new_page_of_markdown_can_wait(api: Api) -> None:
    body = {"parent": {"data_source_id": api.source()}, "properties": {}}
    assert "body.markdown should be defined" in api.refused("POST", "pages", body | {"allow_async": True})
    assert api.ok("POST", "pages", body | {"allow_async": False})["object"] == "page"
    wrong = body | {"markdown": "x", "allow_async": "yes"}
    assert "body.allow_async should be a boolean" in api.refused("POST", "pages", wrong)
    for path in ("data_sources", "databases", "comments"):
        response = api.send("POST", path, {"allow_async": True})
        assert response.status_code == 400, path


def test_what_is_wrong_at_once_is_refused_at_once(api: Api, sandbox: Sandbox, page: str) -> None:
    missing = {"content_updates": [{"old_str": "nowhere", "new_str": "x"}]}
    wrong: list[tuple[str, str, Json, int]] = [
        ("PATCH", f"pages/{NOBODY}/markdown", insert("x"), 404),
        ("PATCH", f"pages/{page}/markdown", {"type": "nothing"}, 400),
        ("PATCH", f"pages/{page}/markdown", {"type": "update_content", "update_content": missing}, 400),
        ("POST", "pages", {"parent": {"page_id": NOBODY}, "properties": {}, "markdown": "x"}, 404),
        ("POST", "pages", {"parent": {"page_id": page}, "properties": {"X": {}}, "markdown": "x"}, 400),
    ]
    for method, path, body, status in wrong:
        at_once = api.refused(method, path, body, status=status)
        assert api.refused(method, path, body | {"allow_async": True}, status=status) == at_once
    assert sandbox.background.waiting() == 0


def test_nothing_is_told_or_kept_of_what_was_only_tried(api: Api, sandbox: Sandbox, page: str) -> None:
    told: list[str] = []
    sandbox.store.watch(lambda changes: told.extend(c.after.kind for c in changes if c.after))
    accepted(api, "PATCH", f"pages/{page}/markdown", insert("Text"))
    assert sorted(told) == ["async_task", "job"]
    sandbox.background.finish()
    assert {"block", "page"} <= set(told)


def test_a_task_fails_when_its_request_has_become_wrong(api: Api, sandbox: Sandbox, page: str) -> None:
    task = accepted(api, "PATCH", f"pages/{page}/markdown", insert("Text"))
    kept = accepted(api, "PATCH", f"pages/{ROOT_PAGE_ID}/markdown", insert("Kept"))
    sandbox.person("Ada").trash(page)
    wait(sandbox, 10)
    failed = api.ok("GET", f"async_tasks/{task['id']}")
    assert failed["status"] == "failed"
    assert failed["error"] == {
        "object": "error",
        "status": 400,
        "code": "validation_error",
        "message": "Can't edit block that is archived. You must unarchive the block before editing.",
    }
    assert api.ok("GET", f"async_tasks/{kept['id']}")["status"] == "succeeded"
    sandbox.person("Ada").restore(page)
    assert content(api, page) == ""


def test_tasks_are_their_callers(sandbox: Sandbox, api: Api, page: str) -> None:
    task = accepted(api, "PATCH", f"pages/{page}/markdown", insert("Text"))
    other = Api(api.http, token="other")
    assert "Could not find async_task" in other.refused("GET", f"async_tasks/{task['id']}", status=404)
    assert "Could not find async_task" in api.refused("GET", "async_tasks/task_0", status=404)
    assert sandbox.person().request("GET", f"async_tasks/{task['id']}")["status"] == "queued"
    sandbox.person("Ada").unshare(page)
    wait(sandbox, 10)
    done = api.ok("GET", f"async_tasks/{task['id']}")
    assert (done["status"], done["error"]["code"]) == ("failed", "object_not_found")


def test_tasks_are_done_once_and_in_their_order(api: Api, sandbox: Sandbox, page: str) -> None:
    for number in range(5):
        accepted(api, "PATCH", f"pages/{page}/markdown", insert(str(number)))
    wait(sandbox, 10)

    def read() -> None:
        with httpx.Client(base_url=sandbox.url, timeout=20) as http:
            content(Api(http), page)

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert content(api, page) == "0\n1\n2\n3\n4"


def test_the_back_door_hurries_and_slows(api: Api, sandbox: Sandbox, page: str) -> None:
    assert api.door("background", {"seconds": 60}) == {"seconds": 60, "failing": {}, "waiting": 0}
    task = accepted(api, "PATCH", f"pages/{page}/markdown", insert("Text"))
    wait(sandbox, 59)
    assert api.ok("GET", f"async_tasks/{task['id']}")["status"] == "running"
    assert api.door("background", method="GET")["waiting"] == 1
    assert api.door("background/finish") == {"finished": 1}
    assert api.ok("GET", f"async_tasks/{task['id']}")["status"] == "succeeded"
    sandbox.background.seconds = 0
    soon = accepted(api, "PATCH", f"pages/{page}/markdown", insert("More"))
    assert soon["status"] == "queued"
    assert api.ok("GET", f"async_tasks/{soon['id']}")["status"] == "succeeded"
    for wrong in ({"seconds": -1}, {"minutes": 1}, {"failing": ["x"]}):
        assert api.http.post("/_sandbox/background", json=wrong).status_code == 400


def test_what_waits_outlives_the_process(tmp_path: Path) -> None:
    def opened() -> Sandbox:
        made = Sandbox(tmp_path / "town.db")
        made.background.seconds = 3600
        return made

    with opened() as sandbox, httpx.Client(base_url=sandbox.url) as http:
        accepted(Api(http), "PATCH", f"pages/{ROOT_PAGE_ID}/markdown", insert("Text"))
    with opened() as sandbox, httpx.Client(base_url=sandbox.url) as http:
        assert content(Api(http), ROOT_PAGE_ID) == ""
        assert sandbox.background.finish() == 1
        assert content(Api(http), ROOT_PAGE_ID) == "Text"


# -- files of an address ------------------------------------------------------------------------------------


def test_a_file_of_an_address_is_pending_until_it_is_fetched(api: Api, sandbox: Sandbox, page: str) -> None:
    upload = api.ok("POST", "file_uploads", PDF)
    path = f"file_uploads/{upload['id']}"
    assert (upload["status"], upload["content_type"], upload["content_length"]) == (
        "pending",
        "application/pdf",
        None,
    )
    assert upload["upload_url"].endswith(f"/v1/{path}/send")
    assert "file_import_result" not in upload
    cover = {"cover": {"file_upload": {"id": upload["id"]}}}
    assert "is pending, not uploaded" in api.refused("PATCH", f"pages/{page}", cover)
    wait(sandbox, 9)
    assert api.ok("GET", path)["status"] == "pending"
    wait(sandbox, 1)
    done = api.ok("GET", path)
    assert (done["status"], done["content_length"]) == ("uploaded", 1024)
    assert done["file_import_result"] == {
        "type": "success",
        "success": {},
        "imported_time": "2026-07-04T10:07:11.000+00:00",
    }
    assert "upload_url" not in done
    assert [row["id"] for row in api.ok("GET", "file_uploads", status="uploaded")["results"]] == [
        upload["id"]
    ]
    assert api.ok("PATCH", f"pages/{page}", cover)["cover"]["type"] == "file"


def test_a_file_that_cannot_be_fetched(api: Api, sandbox: Sandbox, page: str) -> None:
    sandbox.background.failing = {PDF["external_url"]: "The server answered 404."}
    upload = api.ok("POST", "file_uploads", PDF)
    other = api.ok("POST", "file_uploads", PDF | {"external_url": "https://files.example/b.pdf"})
    wait(sandbox, 10)
    failed = api.ok("GET", f"file_uploads/{upload['id']}")
    assert (failed["status"], failed["content_length"]) == ("failed", None)
    result = failed["file_import_result"]
    assert (result["type"], result["error"]["type"]) == ("error", "download_error")
    assert result["error"].keys() == {"type", "code", "message", "parameter", "status_code"}
    assert result["error"]["message"] == "The server answered 404."
    cover = {"cover": {"file_upload": {"id": upload["id"]}}}
    assert "is failed, not uploaded" in api.refused("PATCH", f"pages/{page}", cover)
    assert api.ok("GET", f"file_uploads/{other['id']}")["status"] == "uploaded"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"external_url": None}, "body.external_url should be a string"),
        ({"external_url": "http://files.example/a.pdf"}, "body.external_url should be an https URL"),
        ({"filename": None}, "body.filename should be a string"),
        ({"filename": "a.nothing-known"}, "body.content_type should be defined"),
        ({"mode": "pigeon"}, "body.mode should be one of"),
    ],
)
def test_wrong_addresses(api: Api, changed: Json, message: str) -> None:
    assert message in api.refused("POST", "file_uploads", PDF | changed)


def test_a_file_of_an_address_takes_no_content(api: Api) -> None:
    upload = api.ok("POST", "file_uploads", PDF)
    answer = api.http.post(
        f"/v1/file_uploads/{upload['id']}/send", headers=api.headers, files={"file": ("a.pdf", b"x")}
    )
    assert answer.status_code == 400
    assert "takes no content" in answer.json()["message"]


# -- emojis -------------------------------------------------------------------------------------------------


def test_custom_emojis(api: Api, sandbox: Sandbox) -> None:
    empty = api.ok("GET", "custom_emojis")
    assert empty == {
        "object": "list",
        "type": "custom_emoji",
        "results": [],
        "has_more": False,
        "next_cursor": None,
        "request_id": empty["request_id"],
    }
    ada = sandbox.person("Ada")
    made = [
        ada.add_custom_emoji(name, f"https://files.example/{name}.png") for name in ("one", "two", "three")
    ]
    door = api.door("person/add_custom_emoji", {"name": "four", "url": "https://files.example/4.png"})[
        "result"
    ]
    assert api.ok("GET", "custom_emojis")["results"] == [*made, door]
    assert api.ok("GET", "custom_emojis", name="two")["results"] == [made[1]]
    assert api.ok("GET", "custom_emojis", name="TWO")["results"] == []
    first = api.ok("GET", "custom_emojis", page_size=3)
    assert (first["results"], first["has_more"], first["next_cursor"]) == (made, True, door["id"])
    rest = api.ok("GET", "custom_emojis", start_cursor=first["next_cursor"])
    assert (rest["results"], rest["has_more"], rest["next_cursor"]) == ([door], False, None)
    assert "start_cursor" in api.refused("GET", "custom_emojis", start_cursor=NOBODY)
    for wrong in ({"name": "one", "url": "x"}, {"name": " ", "url": "x"}, {"name": "x"}):
        assert api.http.post("/_sandbox/person/add_custom_emoji", json=wrong).status_code == 400
