"""The work between a Notion data source and an invented service, alike for every candidate.

Nothing but the standard library is used, so that each candidate can run it in an environment of its own.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.request import Request, urlopen

from bench.fake_sides import FakeService

Json = dict[str, Any]
ATTRIBUTES = {"Name": "name", "Notes": "notes", "Points": "points", "Done": "done"}
_COLUMNS: Json = {
    "Name": {"title": {}},
    "Notes": {"rich_text": {}},
    "Points": {"number": {}},
    "Done": {"checkbox": {}},
}
#: Rows in one request of the back door, which takes 500 kB.
_BATCH = 200
_START = datetime(2026, 1, 1, tzinfo=UTC)


class Workspace:
    """A data source of the sandbox as people see it; none of this is counted."""

    def __init__(self, url: str) -> None:
        self._url = url
        made = self._send("POST", "_sandbox/data_sources", {"title": "Tasks", "properties": _COLUMNS})
        self.source = str(made["data_source_id"])

    def fill(self, service: FakeService) -> None:
        """Rows with the values of all objects of a service, each made and edited at a minute of its own."""
        shown: Json = {}
        pages = []
        for number, row in enumerate(service.rows.values()):
            values = _cells({name: row.values[native] for name, native in service.names.items()})
            if not shown:
                parent = {"type": "data_source_id", "data_source_id": self.source}
                shown = self._person("POST", "pages", {"parent": parent, "properties": values})
                self._send("POST", "_sandbox/erase", {"id": shown["id"]})
            at = (_START + timedelta(minutes=number)).isoformat()
            cells = {name: {**cell, **_shown(values[name])} for name, cell in shown["properties"].items()}
            times = {"created_time": at, "last_edited_time": at}
            pages.append({**shown, **times, "id": str(uuid.uuid4()), "properties": cells})
        for start in range(0, len(pages), _BATCH):
            self._send("POST", "_sandbox/objects", {"objects": pages[start : start + _BATCH]})

    def rows(self) -> dict[str, Json]:
        """The values of all rows by id."""
        found: dict[str, Json] = {}
        body: Json = {"page_size": 100}
        while True:
            answer = self._person("POST", f"data_sources/{self.source}/query", body)
            found |= {row["id"]: _values(row["properties"]) for row in answer["results"]}
            if not answer["has_more"]:
                return found
            body["start_cursor"] = answer["next_cursor"]

    def edit(self, row_id: str, values: Json) -> None:
        """New values of a row."""
        self._person("PATCH", f"pages/{row_id}", {"properties": _cells(values)})

    def counts(self) -> dict[str, int]:
        """Requests to the API by endpoint, ever since the sandbox was started."""
        counts: Counter[str] = Counter()
        for counted in self._send("GET", "_sandbox/counters")["counters"]:
            counts[counted["endpoint"]] += counted["requests"]
        return counts

    def _person(self, method: str, path: str, body: Json) -> Any:
        return self._send(method, f"_sandbox/person/v1/{path}", body)

    def _send(self, method: str, path: str, body: Json | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self._url}/{path}", data, {"content-type": "application/json"}, method=method)
        with urlopen(request, timeout=60) as answer:
            return json.load(answer)


def _text(value: str) -> list[Json]:
    return [{"type": "text", "text": {"content": value}}] if value else []


def _cells(values: Json) -> Json:
    ways: dict[str, Callable[[Any], Json]] = {
        "Name": lambda value: {"title": _text(value)},
        "Notes": lambda value: {"rich_text": _text(value)},
        "Points": lambda value: {"number": value},
        "Done": lambda value: {"checkbox": value},
    }
    return {name: ways[name](value) for name, value in values.items()}


def _shown(cell: Json) -> Json:
    """A cell as answers show it, where texts carry more than what is sent."""
    return {
        kind: [{**run, "plain_text": run["text"]["content"]} for run in held]
        if isinstance(held, list)
        else held
        for kind, held in cell.items()
    }


def _values(properties: Json) -> Json:
    def value(cell: Json) -> Any:
        held = cell[cell["type"]]
        return "".join(run["plain_text"] for run in held) if isinstance(held, list) else held

    return {name: value(properties[name]) for name in ATTRIBUTES}


@dataclass(frozen=True)
class Job:
    """Work for one run."""

    title: str
    #: Rows that are linked with objects before.
    linked: int
    #: Objects that are on both sides, not yet linked.
    met: int = 0
    #: Objects that were made on the other side, and edited, and rows that were edited.
    made: int = 0
    edited: int = 0
    edited_in_notion: int = 0

    @property
    def busy(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.met or self.made or self.edited or self.edited_in_notion)


def jobs(*, small: int = 1_000, large: int = 10_000, made: int = 100, edited: int = 10) -> dict[str, Job]:
    """The work that is measured, by name."""
    return {
        "idle": Job(f"No change in {small:,} rows", small),
        "idle-large": Job(f"No change in {large:,} rows", large),
        "write": Job(f"{edited} objects with 3 edits each, {small:,} rows", small, edited=edited),
        "read": Job(f"{edited} rows with 3 edits each, {small:,} rows", small, edited_in_notion=edited),
        "create": Job(f"{made} new objects, {small:,} rows", small, made=made),
        "link": Job(f"First link of {small:,} rows", 0, met=small),
    }


@dataclass(frozen=True)
class Requests:
    """What one run cost and what it left behind."""

    #: Requests by method and path.
    counts: dict[str, int]
    #: Whether both sides show the same objects, as many as there should be, with all that people typed.
    right: bool
    #: Writes of the next run on both sides, though nobody had edited anything.
    writes_again: int


_NEW: Json = {"Notes": "Edited in Notion", "Points": 200, "Done": True}

#: Gets the workspace and the other side, and gives the function that carries out the next run.
Make = Callable[[Workspace, FakeService], Callable[[], None]]


class Office:
    """One candidate and its data sources."""

    def __init__(self, url: str, make: Make) -> None:
        self._url = url
        self._make = make
        self._linked: dict[int, _Desk] = {}

    def measure(self, job: Job) -> Requests:
        """People's work, a run that is counted, and one more run to see whether it left anything to do."""
        if job.met:
            return _Desk(self._url, self._make, job.met).measure(job)
        if job.linked not in self._linked:
            desk = self._linked[job.linked] = _Desk(self._url, self._make, job.linked)
            desk.run()
        return self._linked[job.linked].measure(job)


class _Desk:
    """A data source and the other side, full of the same objects."""

    def __init__(self, url: str, make: Make, number: int) -> None:
        self.service = FakeService("o", dict(ATTRIBUTES))
        for i in range(number):
            self.service.add(f"Task {i}", i)
        self.workspace = Workspace(url)
        self.workspace.fill(self.service)
        self.run = make(self.workspace, self.service)
        #: Rows that people edited.
        self._edited: set[str] = set()

    def measure(self, job: Job) -> Requests:
        self._edit(job)
        counts = self._counted()
        right = self._is_right(job)
        if not job.busy:
            return Requests(counts, right, 0)
        before = self.service.writes()
        again = self._counted()
        writes = sum(n for what, n in again.items() if what.startswith("PATCH") or what == "POST /v1/pages")
        return Requests(counts, right, writes + self.service.writes() - before)

    def _edit(self, job: Job) -> None:
        for i in range(job.made):
            self.service.add(f"New {i}", i)
        for row_id in list(self.service.rows)[: job.edited]:
            self.service.edit(row_id, {"Notes": "Edited", "Points": 100, "Done": True})
        titles = {f"Task {job.linked - 1 - i}" for i in range(job.edited_in_notion)}  # not those above
        for row_id, values in self.workspace.rows().items() if titles else ():
            if values["Name"] in titles:
                self.workspace.edit(row_id, _NEW)
                self._edited.add(row_id)

    def _is_right(self, job: Job) -> bool:
        rows = self.workspace.rows()
        kept = not self.service.lost() and all(
            rows[row_id].items() >= _NEW.items() for row_id in self._edited
        )
        shown = sorted(tuple(values[name] for name in ATTRIBUTES) for values in rows.values())
        return kept and shown == self.service.common() and len(rows) == job.linked + job.met + job.made

    def _counted(self) -> dict[str, int]:
        before = self.workspace.counts()
        self.run()
        after = self.workspace.counts()
        return {what: n - before.get(what, 0) for what, n in after.items() if n > before.get(what, 0)}
