"""A local Notion workspace and a local Google account."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.google_tasks import GoogleTasks
from sandbox.notion import Sandbox
from tests.tasks.services.notion_google_tasks.place import COLUMNS, Place


@pytest.fixture(scope="module")
def notion() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def google() -> Iterator[GoogleTasks]:
    with GoogleTasks() as server:
        yield server


@pytest.fixture
def place(notion: Sandbox, google: GoogleTasks, tmp_path: Path) -> Place:
    google.clear()
    notion.faults.clear()
    notion.clock.set(None)
    token_file = tmp_path / "token.json"
    token_file.touch(0o600)
    token_file.write_text(
        json.dumps(
            {
                "client_id": "client",
                "client_secret": "secret",
                "refresh_token": google.tokens.refresh_token(),
                "token_uri": google.token_url,
            }
        )
    )
    person = notion.person("Ada")
    return Place(notion, google, person, person.create_data_source("To-dos", COLUMNS), token_file)
