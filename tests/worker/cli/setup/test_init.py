"""`lockstep init` with nobody there: every question has an option, and what is missing or wrong is told with it."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from sandbox.github import GitHub
from sandbox.google_tasks import GoogleTasks
from tasks.services.caldav.radicale_server import RadicaleServer
from tasks.services.google_tasks import consent
from tests.harness.distributions import announce
from tests.worker.cli.setup.conftest import TOKEN, Notion
from worker.cli import main

FROM = ("--no-input", "--from-place", "To-dos")


class Run:
    """What came of a command."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *arguments: str) -> None:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        self.code = ended.value.code
        shown = capsys.readouterr()
        self.out, self.error = " ".join(shown.out.split()), " ".join(shown.err.split())
        assert TOKEN not in self.out + self.error


@pytest.fixture
def token(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTION_TOKEN", TOKEN)


def table(here: Path, place: int = -1) -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((here / "lockstep.toml").read_text())["sync"][place]
    return found


def nothing_written(here: Path) -> bool:
    return {path.name for path in here.iterdir()} <= {".lockstep", "notes"} and not list(
        here.glob("**/schema.json")
    )


def notes(here: Path, *titles: str) -> Path:
    folder = here / "notes"
    folder.mkdir()
    for title in titles:
        (folder / f"{title}.md").write_text("---\nplace: kitchen\n---\n")
    return folder


@pytest.mark.usefixtures("token")
def test_a_folder_of_notes_and_the_first_run(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = notes(here, "Buy bread")
    (here / ".env").write_text("# mine\nOWN=1\n")
    done = Run(capsys, "init", *FROM, "--to", "markdown", "--set", "markdown.folder=notes", "--apply")
    assert done.code == 0, done.error
    assert "Buy bread" in done.out
    assert "to-dos: succeeded" in done.out
    assert {file.stem for file in folder.glob("*.md")} == {"Buy bread", "Water the plants", "Call Ada"}
    made = table(here)
    assert made["map"]["Place"] == "place", "of one name"
    assert (made["name"], made["every"], made["markdown"]) == ("to-dos", "5m", {"folder": "notes"})
    assert (here / ".env").read_text() == f"# mine\nOWN=1\nNOTION_TOKEN={TOKEN}\n"
    assert (here / ".env").stat().st_mode & 0o777 == 0o600
    assert os.environ["NOTION_TOKEN"] == TOKEN
    again = Run(capsys, "plan", "to-dos")
    assert "Nothing to do" in again.out


@pytest.mark.usefixtures("token")
def test_a_calendar_with_all_that_options_say(
    here: Path, radicale: RadicaleServer, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "password").write_text(f"{radicale.password}\n")
    options = (
        *(
            "--to",
            "caldav",
            "--to-place",
            "errands",
            "--name",
            "Errands 2",
            "--every",
            "1h 30m",
            "--no-apply",
        ),
        *("--set", f"caldav.url={radicale.url}", "--set", f"caldav.CALDAV_USERNAME={radicale.username}"),
        *("--set", "caldav.CALDAV_PASSWORD=@password", "--drop", "Due", "--map", "Place = description"),
    )
    done = Run(capsys, "init", *FROM, *options)
    assert done.code == 0, done.error
    assert radicale.password not in done.out
    assert " create; 0 pairs are in step" in done.out
    assert "lockstep run 'Errands 2' carries it out." in done.out
    made = table(here)
    assert made["caldav"] == {"calendar": radicale.calendar_url("errands")}
    assert made["map"] == {"Name": "summary", "Status": "status", "Place": "description"}
    assert (made["name"], made["every"]) == ("Errands 2", "1h 30m")
    assert f"CALDAV_PASSWORD={radicale.password}\n" in (here / ".env").read_text()


@pytest.mark.usefixtures("token")
def test_a_computed_column_goes_one_way(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with sqlite3.connect(here / "notes.db") as database:
        database.execute("CREATE TABLE todo (id INTEGER PRIMARY KEY, name TEXT, due DATE, made TEXT)")
        database.execute("CREATE VIEW open_todo AS SELECT * FROM todo")
    (here / ".env").write_text("SQL_URL=sqlite:///notes.db\n")
    done = Run(capsys, "init", *FROM, "--to", "sql", "--to-place", "todo")
    assert done.code == 0, done.error
    assert table(here)["sql"] == {"table": "todo"}
    assert table(here)["map"] == {"Name": "name", "Due": "due", "Made": {"to": "made", "only_to": "sql"}}
    assert "SQL_URL is set already" in done.out


@pytest.mark.usefixtures("token")
def test_two_databases_of_notion(here: Path, notion: Notion, capsys: pytest.CaptureFixture[str]) -> None:
    done = Run(capsys, "init", *FROM, "--to", "notion", "--to-place", "Books", "--name", "both")
    assert done.code == 0, done.error
    first, second = table(here)["notion"]
    assert first == {"data_source": notion.source}  # type: ignore[attr-defined]
    assert second != first
    assert table(here)["map"]["Name"] == "Name"


@pytest.fixture
def github() -> Iterator[GitHub]:
    with GitHub(tokens=["ghp_right"]) as server:
        server.make_repository("ada/board").open_issue("A leak")
        server.make_repository("ada/attic").archived = True
        server.make_repository("ada/secret").hidden = True
        yield server


@pytest.mark.usefixtures("token")
def test_a_repository(
    here: Path, github: GitHub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--to", "github", "--set", f"github.url={github.url}")
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_wrong")
    assert "GITHUB_TOKEN" in Run(capsys, "init", *FROM, *options).error
    assert nothing_written(here)
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_right")
    done = Run(capsys, "init", *FROM, *options)
    assert done.code == 0, done.error
    assert table(here)["github"] == {"repository": "ada/board", "url": github.url}
    assert "A leak" in done.out


@pytest.fixture
def google() -> Iterator[GoogleTasks]:
    with GoogleTasks() as server:
        server.account.insert_list("Errands")
        yield server


@pytest.mark.usefixtures("token")
def test_a_task_list_with_the_login_in_a_browser(
    here: Path, google: GoogleTasks, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("GOOGLE_TASKS_BASE_URL", google.url)
    client = {
        "client_id": "client",
        "client_secret": "secret-of-client",
        "auth_uri": google.auth_url,
        "token_uri": google.token_url,
    }
    (here / "client.json").write_text(json.dumps({"installed": client}))
    seen = []

    def browser(address: str) -> None:
        seen.append(parse_qs(urlsplit(address).query)["redirect_uri"][0])
        threading.Thread(target=httpx.get, args=(address,), kwargs={"follow_redirects": True}).start()

    monkeypatch.setattr(consent.webbrowser, "open", browser)
    monkeypatch.setattr(
        consent.ask_consent, "__kwdefaults__", {**consent.ask_consent.__kwdefaults__, "open_browser": browser}
    )
    options = (
        "--to",
        "google_tasks",
        "--set",
        "google_tasks.client_secret=client.json",
        "--to-place",
        "Errands",
    )
    done = Run(capsys, "init", *FROM, *options)
    assert done.code == 0, done.error
    assert table(here)["google_tasks"] == {"list": "Errands"}
    assert "Open this address in a browser" in done.out
    assert (here / ".lockstep/google-tasks.json").stat().st_mode & 0o777 == 0o600
    # Logged in once, the next one needs nothing; a list by an option is one of those that are there.
    options = ("--to", "google_tasks", "--set", "google_tasks.list=Erands", "--name", "other")
    assert "did you mean 'Errands'?" in Run(capsys, "init", *FROM, *options).error
    assert len(seen) == 1


@pytest.mark.usefixtures("token")
def test_a_service_of_a_stranger_is_asked_for_by_its_options(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    announce(tmp_path, "lockstep-book", {"book": "tests.tasks.tables.doubles:BOOK_SERVICE"})
    monkeypatch.syspath_prepend(tmp_path)
    missing = Run(capsys, "init", *FROM, "--to", "book")
    assert "title is not known, and nobody is there to be asked: give --set book.title=…" in missing.error
    wrong = Run(
        capsys, "init", *FROM, "--to", "book", "--set", "book.title=Chores", "--set", "book.pages=many"
    )
    assert "book.pages" in wrong.error
    assert wrong.code == 2
    assert nothing_written(here)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "Which service is not known, and nobody is there to be asked: give --to, one of"),
        (("--to", "markdwn"), "--to: there is no service 'markdwn': did you mean 'markdown'?"),
        (("--to", "markdown"), "give --set markdown.folder=…"),
        (("--to", "markdown", "--set", "markdown.foldr=x"), "unknown key 'foldr', did you mean 'folder'?"),
        (("--to", "markdown", "--set", "folder=x"), "--set: write SERVICE.NAME=VALUE"),
        (("--to", "markdown", "--set", "markdown.folder=@nowhere"), "nowhere cannot be read"),
        (("--to", "markdown", "--set", "markdown.folder=nowhere"), "nowhere"),
        (("--to", "markdown", "--set", "markdown.folder=notes", "--name", "a/b"), "--name: task name 'a/b'"),
        (("--to", "markdown", "--set", "markdown.folder=notes", "--every", "5"), "--every: give a period"),
        (
            ("--to", "markdown", "--set", "markdown.folder=notes", "--map", "Plce = x"),
            "did you mean 'Place'?",
        ),
        (
            ("--to", "markdown", "--set", "markdown.folder=notes", "--drop", "Name"),
            "the titles must be a pair",
        ),
        (
            ("--to", "markdown", "--from-place", "Boks"),
            "--from-place: there is no 'Boks': did you mean 'Books'?",
        ),
        (("--set", "notion.NOTION_TOKEN=ntn_x"), "other users of this machine can read a command line"),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, tuple) else None,
)
@pytest.mark.usefixtures("token")
def test_what_is_wrong_is_told_and_nothing_is_written(
    here: Path, arguments: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    notes(here, "One")
    done = Run(capsys, "init", *FROM, *arguments)
    assert told in done.error
    assert done.code in (1, 2)
    assert nothing_written(here)


def test_a_missing_token_is_told_with_where_it_goes(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = Run(capsys, "init", "--no-input", "--to", "markdown")
    assert (
        "NOTION_TOKEN in the environment or in .env, or a file that --set notion.NOTION_TOKEN names as @FILE"
        in done.error
    )
    assert nothing_written(here)


@pytest.mark.usefixtures("token")
def test_a_name_that_is_taken_is_told_and_a_file_with_a_mistake_is_left(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notes(here, "One")
    options = ("--to", "markdown", "--set", "markdown.folder=notes")
    assert Run(capsys, "init", *FROM, *options, "--name", "mine").code == 0
    before = (here / "lockstep.toml").read_bytes()
    assert "there is a task 'mine' already" in Run(capsys, "init", *FROM, *options, "--name", "mine").error
    assert Run(capsys, "init", *FROM, *options).code == 0
    assert Run(capsys, "init", *FROM, *options).code == 0
    assert [table(here, place)["name"] for place in range(3)] == ["mine", "to-dos", "to-dos-2"]
    assert (here / "lockstep.toml").read_bytes().startswith(before)
    (here / "lockstep.toml").write_text("log_levl = 'INFO'\n")
    assert "did you mean log_level?" in Run(capsys, "init", *FROM, *options).error
    assert (here / "lockstep.toml").read_text() == "log_levl = 'INFO'\n"


@pytest.mark.usefixtures("token")
def test_another_file_in_another_directory(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notes(here, "One")
    (tmp_path / "else").mkdir()
    os.chdir(tmp_path / "else")
    options = ("--to", "markdown", "--set", "markdown.folder=notes", "-C", str(here), "--config", "mine.toml")
    done = Run(capsys, "init", *FROM, *options)
    assert done.code == 0, done.error
    assert tomllib.loads((here / "mine.toml").read_text())["sync"][0]["name"] == "to-dos"
    assert not (here / "lockstep.toml").exists()
    assert not list((tmp_path / "else").iterdir())


@pytest.mark.usefixtures("token")
@pytest.mark.parametrize("room", [0, 2])
def test_a_disk_that_is_full_leaves_all_files(
    here: Path, room: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    notes(here, "One")
    (here / "lockstep.toml").write_text("# mine\n")
    written = []

    def full(descriptor: int) -> None:
        """There is room for so many files: variables, the schema for editors, and not for the table."""
        if len(written) == room:
            raise OSError(28, "No space left on device")
        written.append(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    done = Run(capsys, "init", *FROM, "--to", "markdown", "--set", "markdown.folder=notes")
    assert "No space left on device" in done.error
    assert (here / "lockstep.toml").read_text() == "# mine\n"
    assert len(written) == room
    assert sorted(path.name for path in here.iterdir()) == [".lockstep", "lockstep.toml", "notes"]
    assert list((here / ".lockstep").iterdir()) == []
