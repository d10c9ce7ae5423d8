"""A local Google account, and a side that needs no patience."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.google_tasks import GoogleTasks
from tests.tasks.services.google_tasks.near import Desk


@pytest.fixture(scope="session")
def server() -> Iterator[GoogleTasks]:
    with GoogleTasks() as server:
        yield server


@pytest.fixture
def google(server: GoogleTasks) -> GoogleTasks:
    """An account that nobody used before."""
    server.clear()
    return server


@pytest.fixture
def token_file(google: GoogleTasks, tmp_path: Path) -> Path:
    """The login of a user who gave consent."""
    path = tmp_path / "token.json"
    path.touch(0o600)
    path.write_text(
        json.dumps(
            {
                "client_id": "client",
                "client_secret": "secret-of-client",
                "refresh_token": google.tokens.refresh_token(),
                "token_uri": google.token_url,
            }
        )
    )
    return path


@pytest.fixture
def desk(google: GoogleTasks, token_file: Path) -> Desk:
    """A task list of its own, and a side of it."""
    return Desk(google, google.account.insert_list("Errands")["id"], token_file)
