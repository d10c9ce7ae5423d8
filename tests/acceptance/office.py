"""The ready task as a user has it: a Notion workspace, a CalDAV server and `lockstep.toml`, all real processes."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from icalendar import Calendar

from tasks.services.caldav.radicale_server import RadicaleServer
from tests.harness import Process, Stack, eventually, free_port
from worker.store import RunRecord

TASK = "todos"
TOKEN = "ntn_acceptance0token"
COLUMNS: dict[str, Any] = {
    "Name": {"title": {}},
    "Notes": {"rich_text": {}},
    "Due": {"date": {}},
    "Status": {"status": {"options": [{"name": "Not started"}, {"name": "In progress"}, {"name": "Done"}]}},
    "Tags": {"multi_select": {"options": []}},
}
ATTR_MAP = {"Name": "summary", "Notes": "description", "Due": "due", "Status": "status", "Tags": "categories"}
STATUS = {"Not started": "NEEDS-ACTION", "In progress": "IN-PROCESS", "Done": "COMPLETED"}
#: Options of a worker that make it start sooner.
FAST = ("--without-mingle", "--without-gossip")
#: Seconds to wait for things that take a second or two on a quiet machine.
PATIENCE = 40.0


@dataclass(frozen=True, order=True)
class Thing:
    """One thing to do, as either side shows it to a person."""

    name: str
    notes: str = ""
    due: str = ""
    status: str = "NEEDS-ACTION"
    tags: tuple[str, ...] = ()


class Board:
    """The Notion data source, used by a person in the app. Nothing of the sync's code is used here."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = httpx.Client(timeout=20, trust_env=False)
        made = self.send(
            "POST",
            "databases",
            {
                "parent": {"type": "workspace", "workspace": True},
                "title": _text("To-dos"),
                "initial_data_source": {"properties": COLUMNS},
            },
        )
        self.source = str(made["data_sources"][0]["id"])

    def send(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        return self.arrange(method, f"person/v1/{path}", body)

    def arrange(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """A request to the sandbox itself, such as a fault."""
        answer = self._http.request(method, f"{self._url}/_sandbox/{path}", json=body)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def slow(self, seconds: float, *, method: str = "POST", path: str = "/v1/pages") -> None:
        """Hold back the answers to requests that were carried out, from now on; 0 ends it."""
        self.arrange("DELETE", "faults")
        if seconds:
            body = {"method": method, "path": path, "times": 10_000, "delay": seconds}
            self.arrange("POST", "faults", body)

    def add(self, thing: Thing) -> str:
        parent = {"type": "data_source_id", "data_source_id": self.source}
        made = self.send("POST", "pages", {"parent": parent, "properties": _properties(thing)})
        return str(made["id"])

    def edit(self, name: str, **properties: Any) -> None:
        self.send("PATCH", f"pages/{self.page(name)['id']}", {"properties": properties})

    def delete(self, name: str) -> None:
        self.send("PATCH", f"pages/{self.page(name)['id']}", {"in_trash": True})

    def rename_column(self, old: str, new: str) -> None:
        self.send("PATCH", f"data_sources/{self.source}", {"properties": {old: {"name": new}}})

    def page(self, name: str) -> dict[str, Any]:
        return next(page for page in self._pages() if _of_page(page).name == name)

    def things(self) -> list[Thing]:
        return sorted(_of_page(page) for page in self._pages())

    def _pages(self) -> list[dict[str, Any]]:
        pages: list[dict[str, Any]] = []
        cursor: dict[str, Any] = {}
        while True:
            body = {"page_size": 100, **cursor}
            answer = self.send("POST", f"data_sources/{self.source}/query", body)
            pages += answer["results"]
            if not answer["has_more"]:
                return pages
            cursor = {"start_cursor": answer["next_cursor"]}


class Phone:
    """The to-do list in an app that speaks CalDAV; it reads what the server keeps on the disk."""

    def __init__(self, radicale: RadicaleServer, url: str) -> None:
        self.url = url
        self._radicale = radicale
        self._folder = (
            radicale.folder / "collections" / "collection-root" / radicale.username / url.split("/")[-2]
        )

    def add(self, thing: Thing) -> None:
        name = f"{uuid.uuid4()}.ics"
        with self._radicale.http() as http:
            self._put(http, self.url + name, _ics(name.removesuffix(".ics"), thing), {"If-None-Match": "*"})

    def edit(self, name: str, **lines: str) -> None:
        """Set lines of the item, such as `STATUS`; like any good app not over what came meanwhile."""
        url = self.url + self._path(name).name
        with self._radicale.http() as http:
            for _ in range(20):
                item = http.get(url).raise_for_status()
                text = item.text
                for key, value in lines.items():
                    text = re.sub(rf"^{key}[;:].*\r\n", "", text, flags=re.MULTILINE)
                    end = "END:VTODO"
                    text = text.replace(end, f"{key}{value}\r\n{end}")
                if self._put(http, url, text, {"If-Match": item.headers["ETag"]}) != 412:
                    return
        raise AssertionError(f"{name} never stood still")

    def delete(self, name: str) -> None:
        with self._radicale.http() as http:
            http.delete(self.url + self._path(name).name).raise_for_status()

    def things(self) -> list[Thing]:
        return sorted(_of_ics(text) for _, text in self._items())

    def _path(self, name: str) -> Path:
        return next(path for path, text in self._items() if _of_ics(text).name == name)

    def _items(self) -> list[tuple[Path, str]]:
        found = []
        for path in self._folder.glob("*.ics"):
            try:
                found.append((path, path.read_bytes().decode()))
            except FileNotFoundError:  # just now deleted by the sync
                continue
        return found

    @staticmethod
    def _put(http: httpx.Client, url: str, text: str, headers: dict[str, str]) -> int:
        headers = {"Content-Type": "text/calendar; charset=utf-8", **headers}
        answer = http.put(url, content=text, headers=headers)
        if answer.status_code != 412:
            answer.raise_for_status()
        return answer.status_code


class Office(Stack):
    """An installation with the ready task from `lockstep.toml` and both of its services."""

    board: Board
    phone: Phone

    def __init__(self, directory: Path, *, every: str = "1s", lease_seconds: float = 3.0, **env: str) -> None:
        super().__init__(directory, lease_seconds=lease_seconds, env={"LOCKSTEP_TASKS": "", **env})
        self._every = every
        self.notion_port = free_port()
        self.notion_url = f"http://127.0.0.1:{self.notion_port}"
        self.radicale = RadicaleServer(directory / "radicale")

    def __enter__(self) -> Self:
        super().__enter__()
        try:
            self._exit.enter_context(self.radicale)
            self.notion = self.start_notion()
            self.board = Board(self.notion_url)
            self.phone = Phone(self.radicale, self.radicale.make_calendar(TASK))
            self._env = {
                "NOTION_TOKEN": TOKEN,
                "NOTION_BASE_URL": self.notion_url,
                "CALDAV_USERNAME": self.radicale.username,
                "CALDAV_PASSWORD": self.radicale.password,
                **self._env,
            }
            self.write_toml()
        except BaseException:
            super().__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            if process is not self.notion:
                process.kill()  # a test that lasts past its assertions is longer for nothing
        super().__exit__(kind, error, trace)

    def start_notion(self) -> Process:
        data = self.directory / "notion.db"
        name = f"notion-{len(self._processes)}"
        arguments = ("sandbox", "notion", "--port", str(self.notion_port), "--data", str(data))
        process = self.lockstep(*arguments, name=name)
        process.wait_until(lambda: answers(f"{self.notion_url}/v1/users/me"), PATIENCE, "an answer")
        return process

    def write_toml(self, *, attr_map: dict[str, str] | None = None, tables: int = 1, **changes: Any) -> None:
        settings = {
            "name": TASK,
            "every": self._every,
            **changes,
        }
        lines = ["[[sync]]", *(f"{key} = {json.dumps(value)}" for key, value in settings.items())]
        lines += ["[sync.notion]", f"data_source = {json.dumps(self.board.source)}"]
        lines += ["[sync.caldav]", f"calendar = {json.dumps(self.phone.url)}"]
        lines += ["[sync.map]"]
        lines += [f'{column} = "{attribute}"' for column, attribute in (attr_map or ATTR_MAP).items()]
        (self.directory / "cwd" / "lockstep.toml").write_text("\n".join(lines * tables) + "\n")

    def fill(self, count: int) -> None:
        """So many things, the first half of them on the board and the others on the phone."""
        for number in range(count):
            thing = Thing(f"thing {number:02}", notes=f"note {number}", due="2026-05-17", tags=("home",))
            (self.board if number < count // 2 else self.phone).add(thing)

    def equal(self) -> bool:
        assert self.board.things() == self.phone.things()
        return True

    def in_step(self, timeout: float = PATIENCE) -> list[Thing]:
        """Wait until both sides show the same, each thing once, and give it."""
        try:
            eventually(self.equal, timeout, "both sides equal")
        except AssertionError as error:
            told = [f"{run.status}: {run.reason} {run.counts} {run.notes}" for run in self.runs()[:5]]
            raise AssertionError("\n".join([str(error), "the last runs:", *told])) from error
        things = self.phone.things()
        assert duplicates(things) == {}
        return things

    def runs(self, task: str = TASK) -> list[RunRecord]:
        return self.history(task)

    def rested(self, timeout: float = PATIENCE) -> None:
        """Wait for two runs in a row that found nothing to do."""

        def quiet() -> bool:
            runs = [run for run in self.runs() if run.status != "skipped"][:2]
            return len(runs) == 2 and all(
                run.status == "succeeded" and not set(run.counts) - {"in_step"} for run in runs
            )

        eventually(quiet, timeout, "two runs without a write")


def duplicates(things: list[Thing]) -> dict[str, int]:
    counted = Counter(thing.name for thing in things)
    return {name: count for name, count in counted.items() if count > 1}


def answers(url: str) -> bool:
    try:
        httpx.get(url, timeout=2, trust_env=False)
    except httpx.TransportError:
        return False
    return True


def stays(predicate: Any, seconds: float, what: str) -> None:
    """The predicate holds the whole time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        assert predicate(), what
        time.sleep(0.2)


def _text(content: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": {"content": content}}] if content else []


def title(content: str) -> dict[str, Any]:
    return {"title": _text(content)}


def _properties(thing: Thing) -> dict[str, Any]:
    words = {word: option for option, word in STATUS.items()}
    return {
        "Name": title(thing.name),
        "Notes": {"rich_text": _text(thing.notes)},
        "Due": {"date": {"start": thing.due} if thing.due else None},
        "Status": {"status": {"name": words[thing.status]}},
        "Tags": {"multi_select": [{"name": tag} for tag in thing.tags]},
    }


def _of_page(page: dict[str, Any]) -> Thing:
    cells = page["properties"]

    def plain(parts: list[dict[str, Any]]) -> str:
        return "".join(part["plain_text"] for part in parts)

    # A column may be called something else for a while.
    notes = cells.get("Notes", {"rich_text": []})
    return Thing(
        plain(cells["Name"]["title"]),
        plain(notes["rich_text"]),
        (cells["Due"]["date"] or {}).get("start", ""),
        STATUS[cells["Status"]["status"]["name"]] if cells["Status"]["status"] else "NEEDS-ACTION",
        tuple(sorted(tag["name"] for tag in cells["Tags"]["multi_select"])),
    )


def _ics(uid: str, thing: Thing) -> str:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//a person//EN", "BEGIN:VTODO", f"UID:{uid}"]
    lines += ["DTSTAMP:20260101T000000Z", f"SUMMARY:{thing.name}", f"STATUS:{thing.status}"]
    lines += [f"DESCRIPTION:{thing.notes}"] if thing.notes else []
    lines += ["DUE;VALUE=DATE:" + re.sub("-", "", thing.due)] if thing.due else []
    lines += ["CATEGORIES:" + ",".join(thing.tags)] if thing.tags else []
    return "\r\n".join([*lines, "END:VTODO", "END:VCALENDAR", ""])


def _of_ics(text: str) -> Thing:
    (todo,) = Calendar.from_ical(text).walk("VTODO")
    due = todo.decoded("DUE") if "DUE" in todo else None
    assert due is None or type(due) is date
    return Thing(
        str(todo.get("SUMMARY", "")),
        str(todo.get("DESCRIPTION", "")),
        due.isoformat() if due else "",
        str(todo.get("STATUS", "NEEDS-ACTION")),
        tuple(sorted(str(tag) for tag in todo["CATEGORIES"].cats)) if "CATEGORIES" in todo else (),
    )
