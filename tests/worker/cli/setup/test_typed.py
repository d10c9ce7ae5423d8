"""`lockstep init` as a person types it, in a real terminal: wrong answers, right ones, and Ctrl-C."""

from __future__ import annotations

import os
import re
import sys
import tomllib
from pathlib import Path

import pexpect
import pytest

from tasks.services.caldav.radicale_server import RadicaleServer
from tests.harness.process import hear_interrupts
from tests.worker.cli.setup.conftest import TOKEN, Notion

pytestmark = pytest.mark.processes
ROOT = Path(__file__).parents[4]
COMMAND = ["-c", "from worker.cli import main; main()", "init"]


def started(here: Path) -> pexpect.spawn[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "TERM": "dumb"}
    del environment["COLUMNS"]
    return pexpect.spawn(
        sys.executable,
        COMMAND,
        cwd=str(here),
        env=environment,  # type: ignore[arg-type]
        encoding="utf-8",
        timeout=30,
        dimensions=(60, 110),
        preexec_fn=hear_interrupts,
    )


def expect(child: pexpect.spawn[str], words: str) -> None:
    """Wait until these words stand there, wherever their line is wrapped."""
    child.expect(r"\s+".join(map(re.escape, words.split())) + (r"\s+$" if words.endswith(" ") else ""))


def test_from_nothing_to_the_first_objects(
    here: Path, notion: Notion, radicale: RadicaleServer, tmp_path: Path
) -> None:
    (here / "lockstep.toml").write_text("# mine\nlog_format = 'text'  # stays\n")
    (here / ".env").write_text("# mine too\nOTHER=1\n")
    typed = [
        ("Token of Notion (not shown): ", TOKEN),
        ("data source, by its number or title: ", "Boks"),
        ("there is no 'Boks': did you mean 'Books'?", None),
        ("data source, by its number or title: ", "To-dos"),
        ("Which service: ", "caldv"),
        ("did you mean 'caldav'?", None),
        ("Which service: ", "caldav"),
        ("mail address there: ", radicale.url),
        ("User at the calendar server: ", radicale.username),
        ("Password (not shown): ", "wrong"),
        ("check CALDAV_USERNAME and", None),
        (f"mail address there [{radicale.url}]: ", ""),
        (f"User at the calendar server [{radicale.username}]: ", ""),
        ("Password (not shown): ", radicale.password),
        ("calendar, by its number or title: ", "7"),
        ("give one from 1 to 2", None),
        ("calendar, by its number or title: ", "todos"),
        ("notion shows", None),
        ("Call Ada", None),
        ("Keep these in step? ", "-Name"),
        ("Keep these in step? ", ""),
        ("the titles must be a pair", None),
        ("Keep these in step? ", "Name = sumary"),
        ("did you mean 'summary'?", None),
        ("Keep these in step? ", "Name = summary"),
        ("Keep these in step? ", "Place = description"),
        ("Keep these in step? ", ""),
        ("Its name [to-dos]: ", "a/b"),
        ("no slash", None),
        ("Its name [to-dos]: ", "home"),
        ("[5m]: ", "5"),
        ("give a period", None),
        ("[5m]: ", "10m"),
        ("lockstep.toml: the task 'home' is written.", None),
        ("Water the plants", None),
        ("Nothing was written.", None),
        ("Carry it out now? [y/N]: ", "y"),
        ("home: succeeded", None),
    ]
    child = started(here)
    shown = tmp_path / "shown"
    with shown.open("w") as log:
        child.logfile_read = log
        for expected, answer in typed:
            expect(child, expected)
            if answer is not None:
                child.sendline(answer)
        child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert TOKEN not in shown.read_text()
    assert radicale.password not in shown.read_text()
    env = here / ".env"
    assert env.stat().st_mode & 0o777 == 0o600
    assert env.read_text() == (
        f"# mine too\nOTHER=1\nNOTION_TOKEN={TOKEN}\nCALDAV_USERNAME={radicale.username}\n"
        f"CALDAV_PASSWORD={radicale.password}\n"
    )
    text = (here / "lockstep.toml").read_text()
    first, rest = text.split("\n", 1)
    assert (here / first.removeprefix("#:schema ")).is_file()
    assert rest.startswith("# mine\nlog_format = 'text'  # stays\n\n[[sync]]\n")
    (table,) = tomllib.loads(text)["sync"]
    assert table == {
        "name": "home",
        "every": "10m",
        "notion": {"data_source": notion.source},  # type: ignore[attr-defined]
        "caldav": {"calendar": radicale.calendar_url("todos")},
        "map": {"Due": "due", "Status": "status", "Name": "summary", "Place": "description"},
    }
    with radicale.http() as http:
        for name in ("Water the plants", "Call Ada"):
            query = (
                '<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><C:calendar-data/>'
                '</D:prop><C:filter><C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>'
            )
            found = http.request(
                "REPORT", radicale.calendar_url("todos"), content=query, headers={"Depth": "1"}
            )
            assert name in found.text


def test_ctrl_c_leaves_nothing(here: Path, notion: Notion) -> None:
    child = started(here)
    for expected, answer in (
        ("Token of Notion (not shown): ", TOKEN),  # what is typed before its last blank is dropped
        ("by its number or title: ", "2"),
        ("Which service: ", None),
    ):
        expect(child, expected)
        if answer is not None:
            child.sendline(answer)
    child.sendintr()
    expect(child, "lockstep: interrupted; nothing was written")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130
    assert [path.name for path in here.iterdir() if path.name != ".lockstep"] == []
