"""An empty place at each service, and what counts what is asked of it. Real, but for Notion, Google and GitHub."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

from pydantic import SecretStr

from bench.services import counting
from bench.two_nodes.databases import databases, run
from sandbox.github import GitHub
from sandbox.google_tasks import GoogleTasks
from sandbox.notion import Sandbox
from tasks.services.caldav import Events, Todos
from tasks.services.caldav.radicale_server import RadicaleServer
from tasks.services.github import Client, Issues, Pace
from tasks.services.github.login import Login
from tasks.services.google_tasks import Tasks
from tasks.services.markdown import Folder, note
from tasks.services.notion import DataSource, LocalThrottle
from tasks.services.sql import Table
from tasks.sides import Side
from tasks.values.date_range import DateRange

Count = Callable[[], AbstractContextManager[Counter[str]]]


@dataclass(frozen=True)
class Place:
    """One place at a service."""

    #: A side of it, as a run or another app has it.
    side: Callable[[], Side]
    #: What the attributes are called there: a title, and a text.
    title: str
    text: str
    count: Count = counting.requests
    #: Lets time pass there.
    passes: Callable[[timedelta], object] = lambda by: None
    #: What new objects get besides.
    constants: dict[str, object] | None = None


@contextmanager
def notion() -> Iterator[Place]:
    """A data source of the stand-in."""
    with Sandbox() as sandbox:
        columns: dict[str, Any] = {"Name": {"title": {}}, "Notes": {"rich_text": {}}}
        source = sandbox.person("Ada").create_data_source("Tasks", columns)
        free = LocalThrottle(rate=1e6, burst=1_000)

        def side() -> Side:
            return DataSource(source, token=SecretStr("ntn_x"), base_url=sandbox.url, throttle=free)

        yield Place(side, "Name", "Notes", passes=sandbox.clock.advance)


@contextmanager
def radicale(*, events: bool = False) -> Iterator[Place]:
    """A calendar of Radicale, which asks for a login."""
    with RadicaleServer() as server:
        address = server.make_calendar("bench", "VEVENT" if events else "VTODO")
        login = {"username": server.username, "password": server.password}
        yield _calendar(address, login, events=events)


@contextmanager
def xandikos(*, events: bool = False) -> Iterator[Place]:
    """A calendar of Xandikos, which asks for none."""
    # It is a server of the tests, which nothing of the product starts.
    server_of = import_module("tests.tasks.services.caldav.xandikos_server").xandikos_server
    with tempfile.TemporaryDirectory() as folder, server_of(Path(folder)) as server:
        yield _calendar(server.make_calendar("bench"), {}, events=events)


def _calendar(address: str, login: dict[str, Any], *, events: bool) -> Place:
    if events:
        constants: dict[str, object] = {"when": DateRange(date(2026, 7, 4))}
        return Place(lambda: Events(address, **login), "summary", "description", constants=constants)
    return Place(lambda: Todos(address, **login), "summary", "description")


@contextmanager
def sql(kind: str) -> Iterator[Place]:
    """A table of SQLite or PostgreSQL with a column that says when a row was written last."""
    with databases(kind) as made:
        url = made.make("shop")
        key = "serial" if kind == "postgresql" else "integer"
        columns = f"id {key} PRIMARY KEY, title varchar(200), notes text"
        run(
            url,
            f"CREATE TABLE task ({columns}, changed timestamp DEFAULT CURRENT_TIMESTAMP)",
            *_TRIGGERS[kind],
        )
        yield Place(
            lambda: Table("task", url=url, changed="changed"), "title", "notes", count=counting.statements
        )


#: What sets the time of a row that was written.
_TRIGGERS = {
    "sqlite": (
        "CREATE TRIGGER task_changed AFTER UPDATE OF title, notes ON task BEGIN "
        "UPDATE task SET changed = strftime('%Y-%m-%d %H:%M:%f', 'now') WHERE id = new.id; END",
    ),
    "postgresql": (
        "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN new.changed = timezone('UTC', clock_timestamp()); RETURN new; END $$",
        "CREATE TRIGGER task_changed BEFORE UPDATE ON task FOR EACH ROW EXECUTE FUNCTION touch()",
    ),
}


@contextmanager
def markdown() -> Iterator[Place]:
    """A folder of notes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "notes"
        path.mkdir()
        fields = {"summary": "text"}
        # As if two seconds lay between writing a file and the next run: on some disks an edit within them shows in no
        # stamp, so that the file is read again.
        with patch.object(note, "COARSE", 0):
            yield Place(
                lambda: Folder(path, fields=fields), "title", "summary", count=lambda: counting.openings(path)
            )


@contextmanager
def google_tasks() -> Iterator[Place]:
    """A task list of the stand-in."""
    with GoogleTasks() as google, tempfile.TemporaryDirectory() as folder:
        login = Path(folder) / "token.json"
        login.touch(0o600)
        user = {"client_id": "client", "client_secret": "secret", "token_uri": google.token_url}
        login.write_text(json.dumps({**user, "refresh_token": google.tokens.refresh_token()}))
        list_id = google.account.insert_list("Errands")["id"]
        yield Place(
            lambda: Tasks(list_id, token_file=login, base_url=google.url),
            "title",
            "notes",
            passes=google.clock.advance,
        )


class _Hasty(Issues):
    """Issues without the second between two writes, which changes no count."""

    def make_client(self, login: Login) -> Client:
        return Client(self._url, login, pace=Pace(0))


@contextmanager
def github() -> Iterator[Place]:
    """A repository of the stand-in."""
    with GitHub(tokens={"t0ken"}) as github:
        name = github.make_repository("octo/board").name
        yield Place(
            lambda: _Hasty(name, token="t0ken", url=github.url),
            "title",
            "body",
            passes=github.clock.advance,
        )


PLACES: dict[str, Callable[[], AbstractContextManager[Place]]] = {
    "Notion": notion,
    "CalDAV to-dos, Radicale": radicale,
    "CalDAV to-dos, Xandikos": xandikos,
    "CalDAV events, Radicale": lambda: radicale(events=True),
    "CalDAV events, Xandikos": lambda: xandikos(events=True),
    "SQL, SQLite": lambda: sql("sqlite"),
    "SQL, PostgreSQL": lambda: sql("postgresql"),
    "Markdown folder": markdown,
    "Google Tasks": google_tasks,
    "GitHub issues": github,
}
