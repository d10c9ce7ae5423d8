"""The example between Notion and GitHub, run by the commands that its page names, with two stand-ins."""

from __future__ import annotations

import os
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from sandbox.github import GitHub
from sandbox.notion import Sandbox
from tests.examples.conftest import ROOT
from tests.harness import starting

EXAMPLE = ROOT / "examples/notion-github"
COMMAND = (sys.executable, "-c", "from worker.cli import main; main()")
COLUMNS: dict[str, Any] = {
    "Name": {"title": {}},
    "Status": {"status": {}},
    "Tags": {"multi_select": {"options": []}},
    "Milestone": {"select": {"options": []}},
    "Assignees": {"multi_select": {"options": []}},
    "Type": {"select": {"options": []}},
    "Number": {"number": {}},
    "Link": {"url": {}},
}

pytestmark = pytest.mark.processes


def test_the_page_tells_all_columns() -> None:
    mapped = tomllib.loads((EXAMPLE / "lockstep.toml").read_text("utf-8"))["sync"][0]["map"]
    assert mapped.keys() - {"page body"} == COLUMNS.keys()
    page = (EXAMPLE / "README.md").read_text("utf-8")
    for name in COLUMNS:
        assert re.search(rf"^\| (.*, )?{name}(,.*)? \|", page, re.MULTILINE), name


def test_the_example_syncs(tmp_path: Path) -> None:
    with Sandbox() as sandbox, GitHub(tokens={"github_pat_x"}) as github:
        person = sandbox.person("Ada")
        source = person.create_data_source("Issues", COLUMNS)
        repository = github.make_repository("octo/board")
        repository.open_issue("from GitHub", body="Text", labels=["bug"], type="Bug")
        person.create_page(source, {"Name": {"title": [{"text": {"content": "from Notion"}}]}})
        text = (EXAMPLE / "lockstep.toml").read_text("utf-8").replace("https://www.notion.so/…", source)
        text = text.replace('repository = "octo/board"', f'repository = "octo/board"\nurl = "{github.url}"')
        (tmp_path / "lockstep.toml").write_text(text, encoding="utf-8")
        (tmp_path / ".env").write_text(
            f"NOTION_TOKEN=ntn_x\nNOTION_BASE_URL={sandbox.url}\nGITHUB_TOKEN=github_pat_x\n"
        )
        plan = lockstep(tmp_path, "plan", "issues")
        assert "from GitHub" in plan
        assert len(repository.issues) == 1
        lockstep(tmp_path, "run", "issues")
        assert {one.title for one in repository.here()} == {"from GitHub", "from Notion"}
        found = person.request("POST", f"data_sources/{source}/query", {})["results"]
        (row,) = [one for one in found if one["properties"]["Number"]["number"] == 1]
        assert row["properties"]["Type"]["select"]["name"] == "Bug"
        assert row["properties"]["Tags"]["multi_select"][0]["name"] == "bug"


def lockstep(here: Path, *arguments: str) -> str:
    ours = ("LOCKSTEP_", "REDIS_URL", "DATABASE_URL", "NOTION_", "SENTRY_", "GITHUB_", "GH_")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    env = {**clean, "PYTHONPATH": str(ROOT), "COLUMNS": "120", "NO_COLOR": "1"}
    done = starting.run([*COMMAND, *arguments], cwd=here, env=env, timeout=90)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
