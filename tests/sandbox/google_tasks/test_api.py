"""The API as its description has it: all methods, what they may be asked, and what they refuse."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from sandbox.google_tasks import ApiError, Fault, GoogleTasks

#: The methods of `tasks.v1`, without what is in braces.
METHODS = [
    ("GET", "users/@me/lists", 200), ("POST", "users/@me/lists", 200), ("GET", "users/@me/lists/{list}", 200),
    ("PATCH", "users/@me/lists/{list}", 200), ("PUT", "users/@me/lists/{list}", 200),
    ("DELETE", "users/@me/lists/{list}", 204), ("GET", "lists/{list}/tasks", 200),
    ("POST", "lists/{list}/tasks", 200), ("GET", "lists/{list}/tasks/{task}", 200),
    ("PATCH", "lists/{list}/tasks/{task}", 200), ("DELETE", "lists/{list}/tasks/{task}", 204),
    ("POST", "lists/{list}/tasks/{task}/move", 200), ("POST", "lists/{list}/clear", 204),
]  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[GoogleTasks]:
    with GoogleTasks() as server:
        yield server


@pytest.fixture
def google(server: GoogleTasks) -> GoogleTasks:
    server.clear()
    return server


@pytest.fixture
def http(google: GoogleTasks) -> Iterator[httpx.Client]:
    headers = {"Authorization": "Bearer anything"}
    with httpx.Client(base_url=f"{google.url}/tasks/v1/", headers=headers, verify=False) as client:
        yield client


def add(google: GoogleTasks, title: str, **fields: Any) -> str:
    place = {name: fields.pop(name) for name in ("parent", "previous") if name in fields}
    return str(google.account.insert({"title": title, **fields}, **place)["id"])


def titles(http: httpx.Client, **query: Any) -> set[str]:
    answer = http.get("lists/@default/tasks", params=query)
    assert answer.status_code == 200, answer.text
    return {one["title"] for one in answer.json()["items"]}


def order(google: GoogleTasks, parent: str | None = None) -> list[str]:
    """Titles of siblings by their positions, which count from zero."""
    found = sorted(
        (one for one in google.account.listed() if one.get("parent") == parent),
        key=lambda one: one["position"],
    )
    assert [int(one["position"]) for one in found] == list(range(len(found)))
    return [one["title"] for one in found]


@pytest.mark.parametrize(("method", "path", "status"), METHODS)
def test_every_method_is_there(
    google: GoogleTasks, http: httpx.Client, method: str, path: str, status: int
) -> None:
    list_id = google.account.insert_list("L")["id"]
    task_id = google.account.insert({"title": "t"}, list_id)["id"]
    body = {"title": "x"} if method in ("POST", "PATCH", "PUT") else None
    answer = http.request(method, path.format(list=list_id, task=task_id), json=body)
    assert answer.status_code == status, answer.text
    assert http.request("PUT", path.format(list=list_id, task=task_id) + "/x/y/z").status_code == 404


def test_a_put_needs_the_id_and_empties_what_it_leaves_out(google: GoogleTasks, http: httpx.Client) -> None:
    task_id = add(google, "a", notes="n", status="completed", due="2026-01-01T00:00:00Z")
    path = f"lists/@default/tasks/{task_id}"
    assert http.put(path, json={"title": "b"}).json()["error"]["message"] == "Missing task ID"
    assert http.put(path, json={"id": "x", "title": "b"}).status_code == 400
    shown = http.put(path, json={"id": task_id, "title": "b"}).json()
    assert shown["title"] == "b"
    assert shown.keys() & {"notes", "due", "completed"} == set()
    assert shown["status"] == "needsAction"


def test_pages(google: GoogleTasks, http: httpx.Client) -> None:
    for number in range(45):
        add(google, f"{number}")
    first = http.get("lists/@default/tasks").json()
    assert len(first["items"]) == 20, "unless more are asked for"
    seen: list[str] = []
    params = {"maxResults": "20"}
    while True:
        page = http.get("lists/@default/tasks", params=params).json()
        seen += [one["title"] for one in page["items"]]
        if "nextPageToken" not in page:
            break
        params["pageToken"] = page["nextPageToken"]
    assert seen == [str(number) for number in reversed(range(45))]
    for number in range(80):
        add(google, f"more {number}")
    assert len(http.get("lists/@default/tasks?maxResults=1000").json()["items"]) == 100, (
        "and never more than these"
    )
    for bad in ("pageToken=none", "maxResults=0", "maxResults=x"):
        assert http.get(f"lists/@default/tasks?{bad}").status_code == 400


def test_what_is_shown(google: GoogleTasks, http: httpx.Client) -> None:
    add(google, "open")
    add(google, "hidden", status="completed")
    google.account.clear()
    add(google, "done", status="completed")
    google.account.delete(add(google, "deleted"))
    google.account.put(
        {
            **google.account.get(add(google, "x")),
            "title": "assigned",
            "assignmentInfo": {"surfaceType": "DOCUMENT"},
        }
    )
    assert titles(http) == {"open", "done"}
    assert titles(http, showCompleted="false") == {"open"}
    assert titles(http, showHidden="true") == {"open", "done", "hidden"}
    assert titles(http, showCompleted="false", showHidden="true") == {"open"}
    assert titles(http, showDeleted="true") == {"open", "done", "deleted"}
    assert titles(http, showAssigned="true") == {"open", "done", "assigned"}


def test_bounds(google: GoogleTasks, http: httpx.Client) -> None:
    google.clock.set(datetime(2026, 7, 1, tzinfo=UTC))
    add(google, "old", due="2026-07-05T00:00:00Z")
    google.clock.advance(timedelta(days=1))
    add(google, "new", status="completed")
    assert titles(http, updatedMin="2026-07-01T12:00:00Z") == {"new"}
    assert titles(http, updatedMin="2026-07-02T00:00:00.000Z") == {"new"}, "the bound itself is within"
    assert titles(http, completedMin="2026-07-02T00:00:00+00:00") == {"new"}
    assert titles(http, completedMax="2026-07-01T00:00:00Z") == set()
    assert titles(http, dueMin="2026-07-05T00:00:00Z", dueMax="2026-07-05T00:00:00Z") == {"old"}
    assert titles(http, dueMin="2026-07-06T00:00:00Z") == set()
    assert http.get("lists/@default/tasks?updatedMin=yesterday").status_code == 400


def test_order_and_parents(google: GoogleTasks, http: httpx.Client) -> None:
    a, b, c = (add(google, title) for title in "abc")
    d = add(google, "d", previous=c)
    assert order(google) == ["c", "d", "b", "a"]
    http.post(f"lists/@default/tasks/{c}/move?previous={a}").raise_for_status()
    assert order(google) == ["d", "b", "a", "c"]
    for child in (a, b):
        http.post(f"lists/@default/tasks/{child}/move?parent={c}").raise_for_status()
    assert order(google) == ["d", "c"]
    assert order(google, c) == ["b", "a"]
    before = google.account.get(b)
    google.account.delete(a)
    assert google.account.get(b) == before
    google.account.delete(c)
    assert google.account.get(b)["deleted"]
    assert order(google) == ["d"]
    google.account.patch(b, {"deleted": False})
    assert order(google) == ["b", "d"], "its parent is gone"
    for query in (f"parent={d}&previous={b}", f"parent={c}", "parent=none", "previous=none", f"previous={b}"):
        assert http.post(f"lists/@default/tasks/{b}/move?{query}").status_code == 400, query
    assert d


def test_a_version_says_what_is_shown_and_nothing_else(google: GoogleTasks, http: httpx.Client) -> None:
    a = add(google, "a")
    first = google.account.get(a)
    b = add(google, "b")
    assert google.account.get(a)["etag"] != first["etag"], "it has another place"
    google.account.delete(b)
    assert google.account.get(a) == first
    path = f"lists/@default/tasks/{a}"
    assert http.get(path, headers={"If-None-Match": first["etag"]}).status_code == 304
    for method in ("PATCH", "DELETE"):
        refused = http.request(method, path, headers={"If-Match": '"other"'}, json={"title": "x"})
        assert refused.json()["error"]["errors"][0]["reason"] == "conditionNotMet"
        assert refused.status_code == 412
    assert http.post(f"{path}/move", headers={"If-Match": '"other"'}).status_code == 412
    assert google.account.get(a) == first
    assert http.patch(path, headers={"If-Match": first["etag"]}, json={"title": "x"}).status_code == 200


def test_what_is_moved_to_another_list_is_not_found_in_its_old_one(
    google: GoogleTasks, http: httpx.Client
) -> None:
    goal = google.account.insert_list("Goal")["id"]
    over = add(google, "over")
    under = add(google, "under", parent=over)
    http.post(f"lists/@default/tasks/{over}/move?destinationTasklist={goal}").raise_for_status()
    assert http.get(f"lists/@default/tasks/{over}").status_code == 404
    assert google.account.get(under, goal)["parent"] == over


@pytest.mark.parametrize(
    "body",
    [
        {"title": 5}, {"title": "x" * 1025}, {"notes": "x" * 8193}, {"status": "later"}, {"due": "tomorrow"},
        {"due": "2026-02-30T00:00:00Z"}, {"completed": 5}, {"deleted": "yes"}, {"colour": "red"}, [], "x",
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_and_changes_nothing(
    google: GoogleTasks, http: httpx.Client, body: Any
) -> None:
    task_id = add(google, "a")
    before = google.account.get(task_id)
    for answer in (
        http.patch(f"lists/@default/tasks/{task_id}", json=body),
        http.post("lists/@default/tasks", json=body),
    ):
        assert answer.status_code == 400, answer.text
        assert answer.json()["error"]["code"] == 400
    assert google.account.get(task_id) == before
    assert len(google.account.listed()) == 1


def test_only_the_day_of_a_due_time_is_kept(google: GoogleTasks) -> None:
    assert (
        google.account.get(add(google, "a", due="2026-07-04T23:59:59+02:00"))["due"]
        == "2026-07-04T00:00:00.000Z"
    )


def test_who_is_let_in(google: GoogleTasks) -> None:
    url = f"{google.url}/tasks/v1/users/@me/lists"
    token = google.tokens.access_token()
    google.tokens.strict = True

    def asked(authorization: str | None) -> int:
        headers = {} if authorization is None else {"Authorization": authorization}
        return httpx.get(url, headers=headers, verify=False).status_code

    assert [asked(one) for one in (None, "Bearer made-up", f"Basic {token}")] == [401] * 3
    assert asked(f"Bearer {token}") == 200
    google.clock.advance(timedelta(hours=2))
    assert asked(f"Bearer {token}") == 401


def test_faults_hit_what_they_name(google: GoogleTasks, http: httpx.Client) -> None:
    google.faults.add(
        Fault(method="GET", path="*/tasks", skip=1, times=2, status=403, reason="quotaExceeded")
    )
    google.faults.add(Fault(method="POST", status=429, retry_after=3))
    got = [http.get("lists/@default/tasks") for _ in range(4)]
    assert [answer.status_code for answer in got] == [200, 403, 403, 200]
    assert got[1].json()["error"]["errors"][0] == {
        "message": "Rate Limit Exceeded", "domain": "usageLimits", "reason": "quotaExceeded",
    }  # fmt: skip
    assert http.get("users/@me/lists").status_code == 200
    limited = http.post("lists/@default/tasks", json={})
    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "3")
    google.faults.add(Fault(method="POST", drop=True))
    with pytest.raises(httpx.RemoteProtocolError):
        http.post("lists/@default/tasks", json={"title": "never made"})
    google.faults.add(Fault(method="POST", drop=True, applied=True))
    with pytest.raises(httpx.RemoteProtocolError):
        http.post("lists/@default/tasks", json={"title": "made"})
    assert titles(http) == {"made"}
    assert google.requests[-2] == ("POST", "lists/@default/tasks", 0)


def test_some_of_many_are_hit_by_chance(google: GoogleTasks, http: httpx.Client) -> None:
    def hit() -> list[int]:
        google.faults.clear()
        google.faults.add(Fault(status=500, times=1000, share=0.5, seed=7))
        return [http.get("users/@me/lists").status_code for _ in range(30)]

    first = hit()
    assert 5 < first.count(500) < 25
    assert hit() == first


def test_many_at_once_make_as_many(google: GoogleTasks, http: httpx.Client) -> None:
    def work() -> None:
        for _ in range(10):
            http.post("lists/@default/tasks", json={"title": "x"}).raise_for_status()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shown = google.account.listed()
    assert len({one["id"] for one in shown}) == len({one["updated"] for one in shown}) == 40
    assert order(google) == ["x"] * 40


def test_the_default_list_stays(google: GoogleTasks) -> None:
    with pytest.raises(ApiError, match="Cannot delete the default task list"):
        google.account.delete_list("@default")
