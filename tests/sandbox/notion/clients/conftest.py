"""Clients that were written for the real Notion, and a sandbox for them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.notion import Sandbox
from tests.harness.npm import installed

HERE = Path(__file__).parent


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture(scope="session")
def official_client() -> Path:
    """A folder where Notion's JavaScript client is installed."""
    return installed(HERE)
