"""A local Notion workspace, and a person in it."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from sandbox.notion import Limits, Sandbox
from tests.tasks.services.notion.person import Person

TOKEN = "secret_token"

#: For clients that never speak TLS: reading all certificates takes longer than a test.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@pytest.fixture
def limits() -> Limits:
    """What the workspace gives at most; a test may make it less."""
    return Limits()


@pytest.fixture
def workspace(tmp_path: Path, limits: Limits) -> Iterator[Sandbox]:
    with Sandbox(tmp_path / "notion.db", tokens={TOKEN}, limits=limits) as sandbox:
        yield sandbox


@pytest.fixture
async def person(workspace: Sandbox) -> AsyncIterator[Person]:
    async with httpx.AsyncClient(verify=NO_TLS) as client:
        yield Person(workspace.url, client)
