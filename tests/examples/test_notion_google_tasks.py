"""The example of Notion and Google Tasks, from its files as they stand, with the services on this machine."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.google_tasks import GoogleTasks
from sandbox.notion import Person, Sandbox
from tests.examples.conftest import ROOT

pytestmark = pytest.mark.processes

EXAMPLE = ROOT / "examples/notion-google-tasks"
COLUMNS: dict[str, Any] = {
    "Task": {"title": {}},
    "Notes": {"rich_text": {}},
    "Due": {"date": {}},
    "Status": {"status": {}},
}


def blocks() -> list[str]:
    """What the page says to type, without its indentation."""
    page = (EXAMPLE / "README.md").read_text("utf-8")
    return [
        re.sub(r"^ {3}", "", one, flags=re.MULTILINE)
        for one in re.findall(r"```sh\n(.*?) *```", page, re.DOTALL)
    ]


class Desk:
    """A newcomer with rows in Notion and a list of tasks at Google."""

    def __init__(self, here: Path, notion: Sandbox, google: GoogleTasks) -> None:
        self.here, self.google = here, google
        self.person: Person = notion.person("Ada")
        self.source = self.person.create_data_source("Errands", COLUMNS)
        self.list_id = google.account.insert_list("Errands")["id"]
        ours = ("LOCKSTEP_", "REDIS_URL", "DATABASE_URL", "NOTION_", "SENTRY_", "GOOGLE_")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        programs = here.parent / "programs"
        programs.mkdir()
        for name, code in (
            ("lockstep", f"#!{sys.executable}\nfrom worker.cli import main\nmain()\n"),
            ("python", f'#!/bin/sh\nexec {sys.executable} "$@"\n'),
        ):
            (programs / name).write_text(code)
            (programs / name).chmod(0o755)
        self.env = {
            **clean,
            "PATH": f"{programs}{os.pathsep}{clean['PATH']}",
            "PYTHONPATH": str(ROOT),
            "NO_COLOR": "1",
            "BROWSER": "true",
            "NOTION_BASE_URL": notion.url,
            "GOOGLE_TASKS_BASE_URL": google.url,
            "OAUTHLIB_INSECURE_TRANSPORT": "1",
        }

    def start(self, line: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            line.split(),
            cwd=self.here,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def type(self, line: str) -> str:
        with self.start(line) as process:
            said, _ = process.communicate(timeout=120)
        assert process.returncode == 0, said
        return said

    def log_in(self, line: str) -> None:
        """Type the command, and give consent in the browser."""
        client = {"auth_uri": self.google.auth_url, "token_uri": self.google.token_url}
        client |= {"client_id": "client", "client_secret": "secret"}
        (self.here / "client_secret.json").write_text(json.dumps({"installed": client}))
        with self.start(line) as process:
            assert process.stdout is not None
            stop = threading.Timer(60, process.kill)
            stop.start()
            try:
                told = ""
                while "http" not in (said := process.stdout.readline()):
                    assert said, told
                    told += said
                httpx.get(said.strip(), follow_redirects=True).raise_for_status()
                assert "Logged in: " in process.stdout.read()
            finally:
                stop.cancel()
        assert process.returncode == 0

    def add_row(self, title: str) -> None:
        self.person.create_page(self.source, {"Task": {"title": [{"text": {"content": title}}]}})

    def rows(self) -> dict[str, dict[str, Any]]:
        found = self.person.request("POST", f"data_sources/{self.source}/query")["results"]
        return {row["properties"]["Task"]["title"][0]["plain_text"]: row for row in found}

    def tasks(self) -> dict[str, dict[str, Any]]:
        return {one["title"]: one for one in self.google.account.listed(self.list_id)}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    here = tmp_path / "here"
    here.mkdir()
    with Sandbox() as notion, GoogleTasks() as google:
        google.tokens.strict = True
        yield Desk(here, notion, google)


def test_the_example_is_set_up_and_syncs_as_it_says(desk: Desk) -> None:
    dotenv, log_in, commands = blocks()
    shutil.copy(EXAMPLE / "lockstep.toml", desk.here)
    table = desk.here / "lockstep.toml"
    table.write_text(table.read_text("utf-8").replace("https://www.notion.so/…", desk.source))
    (desk.here / ".env").write_text(dotenv.replace("ntn_…", "ntn_x"))
    plan, run, up = commands.splitlines()
    assert up == "lockstep up"
    refused = desk.start(plan)
    said, _ = refused.communicate(timeout=120)
    assert refused.returncode != 0
    assert "there is no login at .lockstep/google-tasks.json: log in with `python -m" in " ".join(
        said.split()
    )
    desk.log_in(log_in.strip())
    desk.add_row("from Notion")
    desk.google.account.insert({"title": "from Google", "due": "2026-07-05T00:00:00Z"}, desk.list_id)
    assert "from Google" in desk.type(plan)
    assert desk.rows().keys() == {"from Notion"}, "a plan writes nothing"
    desk.type(run)
    assert desk.rows().keys() == desk.tasks().keys() == {"from Notion", "from Google"}
    assert desk.rows()["from Google"]["properties"]["Due"]["date"]["start"] == "2026-07-05"
    desk.google.account.patch(desk.tasks()["from Notion"]["id"], {"status": "completed"}, desk.list_id)
    desk.person.trash(desk.rows()["from Google"]["id"])
    desk.type(run)
    assert desk.rows()["from Notion"]["properties"]["Status"]["status"]["name"] == "Done"
    assert desk.tasks().keys() == {"from Notion"}


def test_it_is_listed_among_the_services(desk: Desk) -> None:
    data = json.loads(desk.type("lockstep services google_tasks --json"))
    assert [one["option"] for one in data["options"]] == [
        "list", "token_file", "service_account", "subject", "base_url",
    ]  # fmt: skip
    assert {one["attribute"]: one["meaning"] for one in data["attributes"]}["due"] == "due"
