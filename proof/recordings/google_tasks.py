"""Recorded traffic of Google Tasks, played again to the stand-in: does it answer alike?

What a recording shows and never made, such as the user's default list, is put into the account as it was shown. Ids and
versions differ from one account to another; each has to stand for one of the recorded ones, and for no other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx

from recordings.cassette import SUFFIXES, Exchange, read_exchanges, time_of
from sandbox.google_tasks import Fault, GoogleTasks

Json = dict[str, Any]

PREFIX = "/tasks/v1/"
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_VERSION = re.compile(r'"[\w-]+"')
_POSITION = re.compile(r"\d{20}")
#: What is the same word in every account.
_EQUAL = frozenset(
    {"kind", "title", "notes", "status", "due", "deleted", "hidden", "type", "description", "link"}
)
#: What newer answers say besides, and older ones do not.
_OPTIONAL_OF_ERRORS = frozenset({"status", "details", "locationType", "location", "debugInfo"})
_LATEST = 9_999_999_999_999_999_999
_UNAUTHORIZED = 401
#: What Google answers for quotas and in a mood of its own, whatever is asked. Without it the request would be
#: carried out here.
_MOODS = frozenset({403, 429, 500, 502, 503, 504})


@dataclass
class Replay:
    """One cassette, played to one account."""

    server: GoogleTasks
    http: httpx.Client
    #: What differed in status or shape, each in a line.
    differences: list[str] = field(default_factory=list)
    #: What was of one shape, and did not hang together as it was recorded: places, versions and times of change.
    loose: list[str] = field(default_factory=list)
    played: int = 0
    #: What comes after the request that is played.
    ahead: Sequence[Exchange] = ()
    #: By kind of word, what stands in the account for a recorded one, and back.
    _known: dict[tuple[str, str], str] = field(default_factory=dict)
    _back: dict[tuple[str, str], str] = field(default_factory=dict)
    #: When each task was changed last, as it was recorded.
    _last: dict[str, str] = field(default_factory=dict)

    def play(self, exchange: Exchange) -> None:
        """Send one request and compare the answer."""
        address = urlsplit(exchange.uri)
        path = unquote(address.path.split(PREFIX, 1)[1])
        where = f"#{self.played} {exchange.method} {path}"
        self.played += 1
        at = time_of(exchange)
        if at is not None:
            self.server.clock.set(datetime.fromtimestamp(at, UTC))
        self._seed(exchange, path)
        if exchange.status in _MOODS:
            self.server.faults.add(Fault(status=exchange.status))
        # Tokens are not recorded.
        headers = {} if exchange.status == _UNAUTHORIZED else {"Authorization": "Bearer anything"}
        for name in ("if-match", "if-none-match"):
            if name in exchange.headers:
                headers[name] = self._own("etag", exchange.headers[name])
        query = [(name, self._own_of_query(name, value)) for name, value in parse_qsl(address.query)]
        answer = self.http.request(
            exchange.method,
            PREFIX + "/".join(self._own("id", part) for part in path.split("/")),
            params=query,
            json=None if exchange.body is None else self._own_body(exchange.body),
            headers=headers,
        )
        if answer.status_code != exchange.status:
            self._differ(
                where, f"status {answer.status_code}, recorded {exchange.status}: {answer.text[:200]}"
            )
            return
        if exchange.status in _MOODS:
            return
        if ("etag" in answer.headers) != ("etag" in exchange.answered):
            self._differ(where, "only one of both has the header etag")
        shown = answer.json() if answer.content else None
        self._compare(where, exchange.answer, shown)

    # -- what stands for what -----------------------------------------------------------------------------

    def _own(self, kind: str, recorded: str) -> str:
        return self._known.get((kind, recorded), recorded)

    def _own_of_query(self, name: str, value: str) -> str:
        match name:
            case "parent" | "previous" | "destinationTasklist":
                return self._own("id", value)
            case "pageToken":
                return self._own("nextPageToken", value)
        return value

    def _own_body(self, body: Any) -> Any:
        if not isinstance(body, dict):
            return body
        words = {"id": "id", "parent": "id", "etag": "etag"}
        return {
            name: self._own(words[name], value) if name in words and isinstance(value, str) else value
            for name, value in body.items()
        }

    def _stand_for(self, where: str, kind: str, recorded: str, shown: str) -> None:
        known, back = self._known.get((kind, recorded)), self._back.get((kind, shown))
        if known not in (None, shown) or back not in (None, recorded):
            lines = self.differences if kind == "id" else self.loose
            lines.append(f"{where}: {shown} stands for {recorded}, but {known or back} did before")
        self._known[kind, recorded], self._back[kind, shown] = shown, recorded

    # -- what was there before ----------------------------------------------------------------------------

    def _seed(self, exchange: Exchange, path: str) -> None:
        """Put in what this answer shows and nothing made, and what was changed elsewhere since."""
        if exchange.status >= 300:
            return
        makes = exchange.method == "POST" and path.endswith(("/lists", "/tasks"))
        found = [] if makes else [*_resources(exchange.answer), *self._further_pages(exchange)]
        for one in sorted(found, key=lambda one: str(one.get("position", ""))):
            if ("id", one["id"]) not in self._known:
                default = path.endswith("/@default") or _is_first(one, exchange.answer)
                link = f"https://www.googleapis.com/tasks/v1/{path}"
                self.server.account.put({"selfLink": link, **one}, default=default)
                self._known["id", one["id"]] = self._back["id", one["id"]] = one["id"]
            elif exchange.method == "GET" and self._last.get(one["id"], one["updated"]) != one["updated"]:
                self.server.account.put(self._own_resource(one))
        if exchange.method == "DELETE":
            self._last.pop(path.rsplit("/", 1)[-1], None)
            self._seed_unseen(path)
        if exchange.method == "POST" and path.endswith("/clear"):
            self._last.clear()
        for one in _resources(exchange.answer):
            if one.get("kind") == "tasks#task":
                self._last[one["id"]] = one["updated"]

    def _further_pages(self, exchange: Exchange) -> Iterator[Json]:
        """What the next pages of a listing show: it has to be there for this one to have a next one."""
        tokens = _next_page(exchange)
        for other in self.ahead:
            if dict(parse_qsl(urlsplit(other.uri).query)).get("pageToken") in tokens:
                tokens |= _next_page(other)
                yield from _resources(other.answer)

    def _own_resource(self, one: Json) -> Json:
        link = "/".join(self._own("id", part) for part in one["selfLink"].split("/"))
        parent = {"parent": self._own("id", one["parent"])} if "parent" in one else {}
        return {**one, "id": self._own("id", one["id"]), "selfLink": link, **parent}

    def _seed_unseen(self, path: str) -> None:
        """Something that is deleted without ever having been shown."""
        parts = path.split("/")
        if ("id", parts[-1]) in self._known:
            return
        self.server.account.put(
            {
                "kind": "tasks#task" if parts[0] == "lists" else "tasks#taskList",
                "id": parts[-1],
                "updated": "2020-01-01T00:00:00.000Z",
                "selfLink": f"https://www.googleapis.com/tasks/v1/{path}",
            }
        )
        self._known["id", parts[-1]] = self._back["id", parts[-1]] = parts[-1]

    # -- comparing ----------------------------------------------------------------------------------------

    def _differ(self, where: str, how: str) -> None:
        self.differences.append(f"{where}: {how}")

    def _compare(self, where: str, recorded: Any, shown: Any, key: str = "") -> None:
        if type(recorded) is not type(shown):
            self._differ(where, f"{type(shown).__name__}, recorded {type(recorded).__name__}")
        elif isinstance(recorded, dict):
            self._compare_objects(where, recorded, shown)
        elif isinstance(recorded, list):
            self._compare_lists(where, recorded, shown)
        elif key in _EQUAL and recorded != shown:
            self._differ(where, f"{shown!r}, recorded {recorded!r}")
        elif isinstance(recorded, str):
            self._compare_words(where, recorded, shown, key)

    def _compare_objects(self, where: str, recorded: Json, shown: Json) -> None:
        optional = _OPTIONAL_OF_ERRORS if "code" in recorded or "reason" in recorded else frozenset()
        odd = sorted((recorded.keys() ^ shown.keys()) - optional)
        if odd:
            self._differ(where, f"only one of both has {', '.join(odd)}")
        if recorded.get("kind") == "tasks#task":
            self._compare_place(where, recorded, shown)
        for key in (key for key in recorded if key in shown):
            self._compare(f"{where} .{key}", recorded[key], shown[key], key if "code" not in recorded else "")

    def _compare_place(self, where: str, recorded: Json, shown: Json) -> None:
        """Places among siblings are counted; at the end of all, the moment of completion counts."""
        at_end = [_is_at_end(one) for one in (recorded, shown)]
        counted = not any(at_end) and not recorded.get("deleted")
        if at_end[0] != at_end[1] or (counted and recorded.get("position") != shown.get("position")):
            self.loose.append(
                f"{where}: position {shown.get('position')}, recorded {recorded.get('position')}"
            )

    def _compare_lists(self, where: str, recorded: list[Any], shown: list[Any]) -> None:
        """Resources by their ids, in whatever order; anything else in its own."""
        if all(isinstance(one, dict) and "id" in one for one in [*recorded, *shown]):
            there = {one["id"]: one for one in shown}
            for one in recorded:
                match = there.pop(self._own("id", one["id"]), None)
                if match is None:
                    self._differ(where, f"{one.get('title')!r} is missing")
                else:
                    self._compare(f"{where}[{one.get('title')}]", one, match)
            for one in there.values():
                self._differ(where, f"{one.get('title')!r} is not in the recording")
            return
        if len(recorded) != len(shown):
            self._differ(where, f"{len(shown)} elements, recorded {len(recorded)}")
        for number, (one, other) in enumerate(zip(recorded, shown, strict=False)):
            self._compare(f"{where}[{number}]", one, other)

    def _compare_words(self, where: str, recorded: str, shown: str, key: str) -> None:
        form = {"etag": _VERSION, "updated": _STAMP, "completed": _STAMP, "position": _POSITION}.get(key)
        if form is not None and bool(form.fullmatch(recorded)) != bool(form.fullmatch(shown)):
            self._differ(where, f"{shown!r} has another form than the recorded {recorded!r}")
        if key in ("id", "etag", "nextPageToken") or key == "updated":
            self._stand_for(where, key, recorded, shown)
        elif key == "parent" and self._own("id", recorded) != shown:
            self._differ(where, f"{shown!r}, recorded {recorded!r}")
        elif key == "selfLink":
            mapped = "/".join(self._own("id", part) for part in recorded.split("/"))
            if mapped != shown:
                self._differ(where, f"{shown!r}, recorded {recorded!r}")
        elif key == "webViewLink" and _link_form(recorded) != _link_form(shown):
            self._differ(where, f"{shown!r}, recorded {recorded!r}")


def replay(folder: Path) -> Iterator[tuple[str, Replay, list[str]]]:
    """Play all cassettes of a folder, each to an account of its own: its name, how it went, what cannot be read."""
    for path in sorted(one for one in folder.rglob("*") if one.suffix in SUFFIXES):
        exchanges, unread = read_exchanges(path)
        ours = [one for one in exchanges if is_googles(one)]
        with GoogleTasks() as server, httpx.Client(base_url=server.url) as http:
            played = Replay(server, http)
            for number, exchange in enumerate(ours):
                played.ahead = ours[number + 1 :]
                played.play(exchange)
        yield str(path.relative_to(folder)), played, unread


def is_googles(exchange: Exchange) -> bool:
    """Whether it is about the Tasks API, and not about logins or another service."""
    address = urlsplit(exchange.uri)
    return PREFIX in address.path and (not address.netloc or "notion" not in address.netloc)


def _resources(answer: Any) -> list[Json]:
    if not isinstance(answer, dict):
        return []
    items = answer["items"] if isinstance(answer.get("items"), list) else [answer]
    return [one for one in items if isinstance(one, dict) and "id" in one and "updated" in one]


def _next_page(exchange: Exchange) -> set[str]:
    answer = exchange.answer
    return {answer["nextPageToken"]} if isinstance(answer, dict) and "nextPageToken" in answer else set()


def _is_first(one: Json, answer: Json) -> bool:
    """Whether it is the first of all task lists, which is the default one."""
    return answer.get("kind") == "tasks#taskLists" and answer["items"][0] is one


def _is_at_end(task: Json) -> bool:
    if "completed" not in task:
        return False
    at = datetime.fromisoformat(task["completed"])
    passed = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    return bool(task.get("position") == f"{_LATEST - passed:020d}")


def _link_form(link: str) -> str:
    """A link to a task without what names the task."""
    return re.sub(r"(?<=/task/)[\w-]{16}(?=\?|$)", "*", link)
