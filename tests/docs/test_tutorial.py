"""The tutorial, typed as it stands there, with a workspace of Notion on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.notion import Sandbox
from tests.docs.pages import block
from tests.worker.cli.setup.conftest import TOKEN, Notion

pytestmark = pytest.mark.processes
OURS = ("LOCKSTEP_", "REDIS_", "DATABASE_", "NOTION_", "CALDAV_", "SENTRY_", "FLOWER_", "MARKDOWN_")


def test_the_tutorial_as_it_is_typed(tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    with Sandbox(tmp_path / "notion.db") as sandbox:
        notion = Notion(sandbox.url)
        source = notion.database("To-dos", "Water the plants", "Call Ada")
        env = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        env |= {"NOTION_BASE_URL": sandbox.url, "NOTION_TOKEN": TOKEN, "NO_COLOR": "1", "COLUMNS": "110"}
        env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

        def typed(first: str) -> list[str]:
            """What the commands of a block print."""
            printed = []
            for line in block("tutorial.md", first).text.splitlines():
                done = subprocess.run(
                    ["/bin/sh", "-c", line.removeprefix("$ ")],
                    cwd=here,
                    env=env,
                    check=False,
                    capture_output=True,
                    text=True,
                    timeout=120,
                )
                assert done.returncode == 0, done.stderr
                printed.append("\n".join(each.rstrip() for each in done.stdout.splitlines()))
            return printed

        _, set_up = typed("$ mkdir notes")
        assert block("tutorial.md", "Action  Object").text.strip() in set_up
        assert {file.stem for file in (here / "notes").glob("*.md")} == {"Call Ada", "Water the plants"}
        _, planned, run = typed("$ printf")
        assert "Buy bread" in planned
        assert "created in Notion 1" in run
        rows = notion.post(f"data_sources/{source}/query", {})["results"]
        assert "Buy bread" in {row["properties"]["Name"]["title"][0]["plain_text"] for row in rows}
