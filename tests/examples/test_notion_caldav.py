"""The tables of Notion with Nextcloud, iCloud, Fastmail and Google, as they stand there but for hosts and ports.

Behind each provider's paths, redirects and login is a real server: Radicale, or Xandikos.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from sandbox.google_tasks import GoogleTasks
from sandbox.notion import Sandbox
from tasks.services.caldav.radicale_server import RadicaleServer
from tests.examples.conftest import ROOT
from tests.examples.provider import Provider, basic
from tests.harness import starting
from tests.tasks.services.caldav.xandikos_server import XandikosServer, xandikos_server

pytestmark = pytest.mark.processes
EXAMPLE = ROOT / "examples/notion-caldav"
COMMAND = (sys.executable, "-c", "from worker.cli import main; main()")
LEVELS = [{"name": "High"}, {"name": "Medium"}, {"name": "Low"}]
TODOS: dict[str, Any] = {
    "Task": {"title": {}},
    "Notes": {"rich_text": {}},
    "Due": {"date": {}},
    "Status": {"status": {}},
    "Priority": {"select": {"options": LEVELS}},
    "Tags": {"multi_select": {"options": []}},
}
EVENTS: dict[str, Any] = {
    "Name": {"title": {}},
    "When": {"date": {}},
    "Place": {"rich_text": {}},
    "Notes": {"rich_text": {}},
    "Link": {"url": {}},
}
SOON = (datetime.now(UTC) + timedelta(days=9)).date()
PASSWORD = "abcd-efgh-ijkl-mnop"


class Desk:
    """A newcomer with a database in Notion and a calendar at a provider."""

    def __init__(self, here: Path, sandbox: Sandbox, columns: dict[str, Any]) -> None:
        ours = ("LOCKSTEP_", "REDIS_URL", "DATABASE_URL", "NOTION_", "SENTRY_", "CALDAV_")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        self.env = {**clean, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "300"}
        self.env["NOTION_BASE_URL"] = sandbox.url
        self.here, self.title = here, next(iter(columns))
        self.person = sandbox.person("Ada")
        self.source = self.person.create_data_source("Calendar", columns)

    def set_up(self, table: str, username: str = "", *hosts: tuple[str, str]) -> None:
        text = (EXAMPLE / table).read_text("utf-8").replace("https://www.notion.so/…", self.source)
        for host, here in hosts:
            assert text.count(host) == 1, host
            text = text.replace(host, here)
        (self.here / "lockstep.toml").write_text(text)
        lines = ["NOTION_TOKEN=ntn_x"]
        if username:
            lines += [f"CALDAV_USERNAME={username}", f"CALDAV_PASSWORD={PASSWORD}"]
        (self.here / ".env").write_text("\n".join(lines))

    def lockstep(self, *arguments: str, fails: bool = False) -> str:
        done = starting.run([*COMMAND, *arguments], cwd=self.here, env=self.env, timeout=120)
        assert (done.returncode != 0) is fails, done.stdout + done.stderr
        return done.stdout + done.stderr

    def add_row(self, title: str, **cells: Any) -> None:
        self.person.create_page(self.source, {self.title: {"title": [{"text": {"content": title}}]}, **cells})

    def rows(self) -> dict[str, dict[str, Any]]:
        found = self.person.request("POST", f"data_sources/{self.source}/query", {})["results"]
        return {row["properties"][self.title]["title"][0]["plain_text"]: row["properties"] for row in found}


@pytest.fixture(scope="module")
def notion() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def radicale() -> Iterator[RadicaleServer]:
    with RadicaleServer() as server:
        yield server


@pytest.fixture(scope="module")
def xandikos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[XandikosServer]:
    with xandikos_server(tmp_path_factory.mktemp("xandikos")) as server:
        yield server


def put(server: RadicaleServer | XandikosServer, calendar: str, kind: str, *lines: str) -> None:
    """What another app makes in the real calendar."""
    uid = uuid4()
    inside = [f"BEGIN:{kind}", f"UID:{uid}", "DTSTAMP:20260101T000000Z", *lines, f"END:{kind}"]
    text = "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//app", *inside, "END:VCALENDAR", ""])
    with server.http() as http:
        headers = {"Content-Type": "text/calendar"}
        http.put(f"{calendar}{uid}.ics", content=text.encode(), headers=headers).raise_for_status()


def named(server: RadicaleServer | XandikosServer, calendar: str, name: str) -> None:
    """Give a calendar a name, as its app does."""
    body = (
        '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop>'
        f"<D:displayname>{name}</D:displayname></D:prop></D:set></D:propertyupdate>"
    )
    with server.http() as http:
        headers = {"Content-Type": "application/xml"}
        assert http.request("PROPPATCH", calendar, content=body, headers=headers).status_code == 207


def texts(server: RadicaleServer | XandikosServer, calendar: str) -> dict[str, str]:
    """What the real calendar holds, by summary; folded lines are not looked at."""
    with server.http() as http:
        listed = http.request("PROPFIND", calendar, headers={"Depth": "1"}).text
        found = [http.get(httpx.URL(calendar).join(href)).text for href in _HREF.findall(listed)]
    summaries = [re.search(r"^SUMMARY:(.*?)\r?$", one, re.MULTILINE) for one in found]
    return {match[1]: text for match, text in zip(summaries, found, strict=True) if match}


_HREF = re.compile(r"href>([^<]+\.ics)<")


def event(title: str) -> tuple[str, ...]:
    day = f"{SOON:%Y%m%d}"
    return f"SUMMARY:{title}", f"DTSTART:{day}T080000Z", f"DTEND:{day}T090000Z", "LOCATION:Hall"


def meet(desk: Desk, server: RadicaleServer | XandikosServer, calendar: str) -> None:
    """An event and a row are on both sides after a run; a row without a date is left alone."""
    put(server, calendar, "VEVENT", *event("from the calendar"))
    desk.add_row("from Notion", When={"date": {"start": SOON.isoformat()}})
    desk.add_row("undated")
    desk.lockstep("run", "calendar")
    rows, held = desk.rows(), texts(server, calendar)
    assert rows.keys() == {"from Notion", "from the calendar", "undated"}
    assert held.keys() == {"from Notion", "from the calendar"}
    assert rows["from the calendar"]["Place"]["rich_text"][0]["plain_text"] == "Hall"
    assert f"DTSTART;VALUE=DATE:{SOON:%Y%m%d}" in held["from Notion"]


def test_nextcloud(notion: Sandbox, radicale: RadicaleServer, tmp_path: Path) -> None:
    calendar = radicale.make_calendar("errands")
    named(radicale, calendar, "Errands")
    other = radicale.make_calendar("personal", "VEVENT")
    named(radicale, other, "Personal")
    put(radicale, calendar, "VTODO", "SUMMARY:from the app", "PRIORITY:9", "CATEGORIES:garden")
    desk = Desk(tmp_path, notion, TODOS)
    desk.add_row("from Notion", Due={"date": {"start": SOON.isoformat()}})
    with Provider(
        upstream=radicale.url.rstrip("/"),
        inside=f"/{radicale.username}/",
        auth=httpx.BasicAuth(radicale.username, radicale.password),
        outside="/remote.php/dav/calendars/anna/",
        lets_in=basic("anna", PASSWORD).__eq__,
        challenge='Basic realm="Nextcloud", charset="UTF-8"',
        well_known="/remote.php/dav/",
        starts=("/remote.php/dav/",),
        principal="/remote.php/dav/principals/users/anna/",
    ) as cloud:
        desk.set_up("nextcloud.toml", "anna", ("https://cloud.example.org", cloud.url))
        assert "from the app" in desk.lockstep("plan", "to-dos")
        assert "PROPFIND /.well-known/caldav" in cloud.seen
        desk.lockstep("run", "to-dos")
        rows, held = desk.rows(), texts(radicale, calendar)
        assert rows.keys() == held.keys() == {"from the app", "from Notion"}
        assert rows["from the app"]["Priority"]["select"]["name"] == "Low"
        assert rows["from the app"]["Tags"]["multi_select"][0]["name"] == "garden"
        assert f"DUE;VALUE=DATE:{SOON:%Y%m%d}" in held["from Notion"]
        (desk.here / ".env").write_text("NOTION_TOKEN=ntn_x\nCALDAV_USERNAME=anna\nCALDAV_PASSWORD=wrong")
        told = desk.lockstep("run", "to-dos", fails=True)
        assert "anna" in told
        assert "wrong" not in told
        assert texts(radicale, calendar).keys() == held.keys()


def test_icloud_tells_the_host_of_the_calendars_and_gets_no_login_there_unasked(
    notion: Sandbox, radicale: RadicaleServer, tmp_path: Path
) -> None:
    calendar = radicale.make_calendar("home", "VEVENT")
    named(radicale, calendar, "Home")
    desk = Desk(tmp_path, notion, EVENTS)
    same: dict[str, Any] = {
        "upstream": radicale.url.rstrip("/"),
        "inside": f"/{radicale.username}/",
        "auth": httpx.BasicAuth(radicale.username, radicale.password),
        "outside": "/128154671/calendars/",
        "lets_in": basic("anna@icloud.com", PASSWORD).__eq__,
        "challenge": 'Basic realm="MMCalDav"',
        "starts": ("/", "/.well-known/caldav"),
        "principal": "/128154671/principal/",
    }
    with Provider(**same) as partition, Provider(**same) as front:
        front.home = partition.home = f"{partition.url}/128154671/calendars/"
        desk.set_up("icloud.toml", "anna@icloud.com", ("https://caldav.icloud.com", front.url))
        told = desk.lockstep("plan", "calendar", fails=True)
        assert not partition.seen
        (named_url,) = re.findall(r'give url = "(\S+?)"', " ".join(told.split()))
        assert named_url == partition.home
        front.seen.clear()
        desk.set_up("icloud.toml", "anna@icloud.com", ("https://caldav.icloud.com", named_url))
        meet(desk, radicale, calendar)
        assert not front.seen


def test_fastmail(notion: Sandbox, xandikos: XandikosServer, tmp_path: Path) -> None:
    calendar = xandikos.make_calendar(uuid4().hex)
    named(xandikos, calendar, "Personal")
    desk = Desk(tmp_path, notion, EVENTS)
    with Provider(
        upstream=xandikos.url.rstrip("/"),
        inside="/user/calendars/",
        auth=None,
        outside="/dav/calendars/user/anna@fastmail.com/",
        lets_in=basic("anna@fastmail.com", PASSWORD).__eq__,
        challenge='Basic realm="FastMail"',
        principal="/dav/principals/user/anna@fastmail.com/",
    ) as mail:
        desk.set_up("fastmail.toml", "anna@fastmail.com", ("https://caldav.fastmail.com", mail.url))
        meet(desk, xandikos, calendar)


def test_google(notion: Sandbox, xandikos: XandikosServer, tmp_path: Path) -> None:
    calendar = xandikos.make_calendar("events")
    desk = Desk(tmp_path, notion, EVENTS)
    with (
        GoogleTasks() as google,
        Provider(
            upstream=xandikos.url.rstrip("/"),
            inside="/user/calendars/",
            auth=None,
            outside="/caldav/v2/anna@gmail.com/",
            lets_in=lambda header: header.startswith("Bearer ") and google.tokens.lets_in(header[7:]),
            challenge='Bearer realm="https://accounts.google.com/"',
        ) as here,
    ):
        google.tokens.strict = True
        log_in(desk, google)
        desk.set_up("google.toml", "", ("https://apidata.googleusercontent.com", here.url))
        meet(desk, xandikos, calendar)
        assert google.tokens.granted["refresh_token"] == 1, "a token lasts for an hour"


def log_in(desk: Desk, google: GoogleTasks) -> None:
    """Type the command of the page, and give consent in the browser."""
    page = (EXAMPLE / "README.md").read_text("utf-8")
    ((script, secret),) = re.findall(r"^ +python (google_login\.py) (\S+)$", page, re.MULTILINE)
    client = {"auth_uri": google.auth_url, "token_uri": google.token_url}
    client |= {"client_id": "client", "client_secret": "secret"}
    (desk.here / secret).write_text(json.dumps({"installed": client}))
    env = {**desk.env, "BROWSER": "true", "OAUTHLIB_INSECURE_TRANSPORT": "1", "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [sys.executable, str(EXAMPLE / script), secret],
        cwd=desk.here, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        stop = threading.Timer(60, process.kill)
        stop.start()
        try:
            told = ""
            while not (found := re.search(r"http\S+", said := process.stdout.readline())):
                assert said, told
                told += said
            httpx.get(found[0], follow_redirects=True).raise_for_status()
            rest = process.stdout.read()
        finally:
            stop.cancel()
    assert process.returncode == 0, rest
    kept = desk.here / "google-calendar.json"
    assert kept.stat().st_mode & 0o077 == 0
    assert "Logged in: google-calendar.json" in rest
