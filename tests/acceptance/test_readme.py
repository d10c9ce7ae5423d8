"""What the README tells a newcomer to write and to type, as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from sandbox.notion import Sandbox
from tasks.services.caldav.radicale_server import RadicaleServer
from tests.harness import Process

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMAND = (sys.executable, "-c", "from worker.cli import main; main()")


def block(language: str) -> str:
    """The first block of the README in this language."""
    found = re.search(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def typed() -> list[str]:
    """The commands of the console block, without remarks."""
    lines = [line[2:] for line in block("console").splitlines() if line.startswith("$ ")]
    return [line.partition("#")[0].strip() for line in lines]


def written() -> str:
    """The `.env` that is shown."""
    return block("sh")


def replaced(content: str, **values: str) -> str:
    """The same with other values; each key must be there."""
    for key, value in values.items():
        content, count = re.subn(
            rf'^({key} ?= ?)("?)[^"\n]*\2', rf"\g<1>\g<2>{value}\g<2>", content, flags=re.M
        )
        assert count == 1, key
    return content


#: What a calendar app asks for all to-dos.
QUERY = """<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><C:calendar-data/></D:prop>
<C:filter><C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>"""


def environment() -> dict[str, str]:
    """That of a newcomer, who has set nothing."""
    ours = ("LOCKSTEP_", "REDIS_URL", "DATABASE_URL", "NOTION_", "CALDAV_", "SENTRY_", "FLOWER_")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**clean, "PYTHONPATH": str(ROOT), "COLUMNS": "200", "NO_COLOR": "1"}


def lockstep(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=directory,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.processes
def test_the_first_plan_of_a_newcomer(tmp_path: Path) -> None:
    # Two lead to a first object, as tests/worker/cli/setup/test_typed.py and test_wheel.py go them.
    assert typed() == ["pipx install .", "lockstep init", "lockstep up"]
    with Sandbox(tmp_path / "notion.db") as sandbox, RadicaleServer(tmp_path / "calendars") as radicale:
        headers = {"Authorization": "Bearer a-person", "Notion-Version": "2026-03-11"}
        with httpx.Client(base_url=f"{sandbox.url}/v1", headers=headers, timeout=30) as notion:
            body = {
                "parent": {"type": "workspace", "workspace": True},
                "title": [{"text": {"content": "To-dos"}}],
                "initial_data_source": {
                    "properties": {"Name": {"title": {}}, "Due": {"date": {}}, "Status": {"status": {}}}
                },
            }
            made = notion.post("databases", json=body).json()
            title = {"Name": {"title": [{"text": {"content": "Water the plants"}}]}}
            parent = {"data_source_id": made["data_sources"][0]["id"]}
            assert notion.post("pages", json={"parent": parent, "properties": title}).status_code == 200
        here = tmp_path / "here"
        here.mkdir()
        toml = replaced(block("toml"), data_source=made["url"], calendar=radicale.make_calendar("todos"))
        (here / "lockstep.toml").write_text(toml)
        logins = replaced(written(), CALDAV_USERNAME=radicale.username, CALDAV_PASSWORD=radicale.password)
        logins = replaced(logins, NOTION_TOKEN="ntn_secret")
        (here / ".env").write_text(f"{logins}NOTION_BASE_URL={sandbox.url}\n")
        done = lockstep(here, "plan", "todos")
        assert done.returncode == 0, done.stderr
        assert "Water the plants" in done.stdout
        assert "ntn_secret" not in done.stdout + done.stderr
        # Others may be at home here.
        up = [*COMMAND, *typed()[2].split()[1:], "--flower-port", "0", "--web-port", "0"]
        with Process(up, log=tmp_path / "up.log", env=environment(), cwd=here) as running:

            def ran() -> bool:
                return "succeeded" in lockstep(here, "history", "todos").stdout

            running.wait_until(ran, 60, "a run that succeeded")
        assert "ntn_secret" not in (tmp_path / "up.log").read_text()
        with radicale.http() as http:
            found = http.request(
                "REPORT", radicale.calendar_url("todos"), content=QUERY, headers={"Depth": "1"}
            )
        assert "Water the plants" in found.text


def test_every_target_of_make_that_it_names_is_there() -> None:
    named = set(re.findall(r"(?:^    |`)make ([a-z]+)", README, re.MULTILINE))
    assert {"demo", "test", "up"} <= named
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert named <= targets


def test_every_command_that_it_names_is_there() -> None:
    shown = lockstep(ROOT, "--help").stdout
    named = set(re.findall(r"(?:`|\$ )lockstep ([a-z]+)", README))
    assert {"plan", "up", "status"} <= named
    for command in named:
        assert re.search(rf"^\W*{command}\b", shown, re.MULTILINE), command
