"""Recorded traffic of Google itself, when `GOOGLE_TASKS_RECORDINGS` names a folder of it; and the check is checked."""

from __future__ import annotations

import copy
import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.google_tasks import Fault, GoogleTasks

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "proof"))

from recordings.google_tasks import replay

RECORDINGS = os.environ.get("GOOGLE_TASKS_RECORDINGS")

#: Recordings that hang together as the account does, in each place, version and time of change.
KNOWN = ("test_gtask_client", "test_gtask_task", "test_gtask_tasklist")

Json = dict[str, Any]


@pytest.mark.skipif(not RECORDINGS, reason="GOOGLE_TASKS_RECORDINGS names no folder")
def test_the_stand_in_answers_as_google_did() -> None:
    played = 0
    for name, found, unread in replay(Path(RECORDINGS or "")):
        assert not unread, name
        assert not found.differences, f"{name}:\n" + "\n".join(found.differences)
        if Path(name).stem in KNOWN:
            assert not found.loose, f"{name}:\n" + "\n".join(found.loose)
        played += found.played
    assert played, f"there is no traffic of Google Tasks in {RECORDINGS}"


class Recorder:
    """Keeps what is asked and answered, as a cassette."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=f"{url}/tasks/v1/", headers={"Authorization": "Bearer secret"})
        self.interactions: list[Json] = []

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.http.request(method, path, json=body, headers=named)
        asked = {
            "method": method,
            "uri": f"https://tasks.googleapis.com/tasks/v1/{path}",
            "body": None if body is None else json.dumps(body),
            "headers": {name: [value] for name, value in named.items()},
        }
        kept = {name: [value] for name, value in answer.headers.items() if name in ("etag", "date")}
        said = {"status": {"code": answer.status_code}, "headers": kept, "body": {"string": answer.text}}
        self.interactions.append({"request": asked, "response": said})
        return answer.json() if answer.content else None


def recorded(tmp_path: Path) -> list[Json]:
    """A day in an account, with all methods and many refusals."""
    with GoogleTasks() as server:
        there = server.account.insert({"title": "was there", "status": "completed"})["id"]
        server.account.insert({"title": "below", "notes": "a"}, parent=there)
        r = Recorder(server.url)
        r.ask("GET", "users/@me/lists")
        first = r.ask("GET", "lists/@default/tasks?showHidden=true&maxResults=1")["nextPageToken"]
        r.ask("GET", f"lists/@default/tasks?showHidden=true&maxResults=1&pageToken={first}")
        home = r.ask("POST", "users/@me/lists", {"title": "Home"})["id"]
        r.ask("PUT", f"users/@me/lists/{home}", {"title": "House"})
        a, b, c = (r.ask("POST", f"lists/{home}/tasks", {"title": t, "notes": "n"})["id"] for t in "abc")
        page = r.ask("GET", f"lists/{home}/tasks?maxResults=2")
        r.ask("GET", f"lists/{home}/tasks?maxResults=2&pageToken={page['nextPageToken']}")
        shown = r.ask("GET", f"lists/{home}/tasks/{a}")
        r.ask("PATCH", f"lists/{home}/tasks/{a}", {"due": "2026-05-06T23:00:00Z"}, If_Match=shown["etag"])
        r.ask("PATCH", f"lists/{home}/tasks/{a}", {"title": "z"}, If_Match=shown["etag"])
        r.ask("POST", f"lists/{home}/tasks/{a}/move?previous={b}")
        r.ask("POST", f"lists/{home}/tasks/{a}/move?parent={c}")
        r.ask("POST", f"lists/{home}/tasks/{c}/move?parent={a}")
        r.ask("PUT", f"lists/{home}/tasks/{b}", {"id": b, "title": "b", "status": "completed"})
        r.ask("PUT", f"lists/{home}/tasks/{b}", {"title": "b"})
        r.ask("POST", f"lists/{home}/clear")
        r.ask("GET", f"lists/{home}/tasks")
        r.ask("GET", f"lists/{home}/tasks?showHidden=true")
        r.ask("PATCH", f"lists/{home}/tasks/{b}", {"status": "needsAction", "completed": None})
        server.account.patch(a, {"title": "edited in an app"}, home)
        r.ask("GET", f"lists/{home}/tasks/{a}")
        r.ask("POST", f"lists/{home}/tasks/{a}/move?destinationTasklist=@default")
        r.ask("GET", f"lists/{home}/tasks/{a}")
        r.ask("DELETE", f"lists/{home}/tasks/{c}")
        r.ask("GET", f"lists/{home}/tasks?showDeleted=true&updatedMin=2026-01-01T00:00:00Z")
        r.ask("PATCH", f"lists/{home}/tasks/{c}", {"deleted": False})
        r.ask("PATCH", f"lists/{home}/tasks/{c}", {"status": "later"})
        r.ask("GET", f"lists/{home}/tasks/none")
        r.ask("GET", "lists/none/tasks")
        r.ask("DELETE", "users/@me/lists/@default")
        r.ask("DELETE", f"users/@me/lists/{home}")
        r.ask("GET", f"users/@me/lists/{home}")
        r.http.close()
    statuses = {one["response"]["status"]["code"] for one in r.interactions}
    assert statuses == {200, 204, 400, 404, 412}
    return r.interactions


def played(folder: Path, interactions: list[Json]) -> list[str]:
    (folder / "one.json").write_text(json.dumps({"interactions": interactions, "version": 1}))
    ((_, found, unread),) = replay(folder)
    assert (found.played, unread) == (len(interactions), [])
    return found.differences + found.loose


def test_what_was_recorded_here_agrees(tmp_path: Path) -> None:
    assert played(tmp_path, recorded(tmp_path)) == []


def test_a_request_that_google_refused_in_a_mood_of_its_own_makes_nothing(tmp_path: Path) -> None:
    with GoogleTasks() as server:
        r = Recorder(server.url)
        for status in (403, 429, 503):
            server.faults.add(Fault(status=status))
            r.ask("POST", "lists/@default/tasks", {"title": "twice?"})
        del r.http.headers["Authorization"]
        r.ask("GET", "lists/@default/tasks")
        r.http.headers["Authorization"] = "Bearer secret"
        r.ask("GET", "lists/@default/tasks")
    assert not played(tmp_path, r.interactions)


def of(interactions: list[Json], method: str, part: str) -> Json:
    return next(
        one
        for one in interactions
        if one["request"]["method"] == method and re.search(part, one["request"]["uri"])
    )


def edit(one: Json, change: Callable[[Json], Any]) -> None:
    document = json.loads(one["response"]["body"]["string"])
    change(document)
    one["response"]["body"]["string"] = json.dumps(document)


SPOILED: dict[str, tuple[str, str, Callable[[Json], Any], str]] = {
    "another word": ("PATCH", r"/lists/.+/tasks/", lambda one: one.update(title="x"), ".title: 'a', recorded 'x'"),
    "another kind": ("PATCH", r"/lists/.+/tasks/", lambda one: one.update(links={}), ".links: list, recorded dict"),
    "one key less": ("POST", r"/move\?", lambda one: one.pop("position"), "only one of both has position"),
    "one key more": ("GET", r"/lists$", lambda one: one.update(next="x"), "only one of both has next"),
    "another form": ("POST", r"/move\?", lambda one: one.update(updated="2026-01-01"), "has another form"),
    "another place": (
        "POST", "/move", lambda one: one.update(position="00000000000000000009"), "recorded 00000000000000000009",
    ),
    "one too many": ("GET", r"tasks\?maxResults=2", lambda one: one["items"].pop(), "is not in the recording"),
    "a version that changed": (
        "GET", r"/lists/.+/tasks/", lambda one: one.update(etag='"of-nothing"'), "stands for",
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", SPOILED)
def test_what_differs_is_told(tmp_path: Path, how: str, spoiling: list[Json]) -> None:
    method, part, change, told = SPOILED[how]
    interactions = copy.deepcopy(spoiling)
    edit(of(interactions, method, part), change)
    differences = played(tmp_path, interactions)
    assert any(told in one for one in differences), differences


def test_another_status_is_told(tmp_path: Path, spoiling: list[Json]) -> None:
    interactions = copy.deepcopy(spoiling)
    of(interactions, "DELETE", r"/lists/.+/tasks/")["response"]["status"]["code"] = 200
    assert any("status 204, recorded 200" in one for one in played(tmp_path, interactions))


@pytest.fixture(scope="module")
def spoiling(tmp_path_factory: pytest.TempPathFactory) -> list[Json]:
    return recorded(tmp_path_factory.mktemp("recorded"))
