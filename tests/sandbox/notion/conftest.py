"""A sandbox, and ways to talk to it: plain HTTP and the client that the worker uses."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from notion_client import Client

from sandbox.notion import Limits, Sandbox
from tests.sandbox.notion.api import Api


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(limits=Limits(query_results=50)) as running:
        yield running


@pytest.fixture
def api(sandbox: Sandbox) -> Iterator[Api]:
    with httpx.Client(base_url=sandbox.url, timeout=20) as http:
        yield Api(http)


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    with Client(auth="token", base_url=sandbox.url, notion_version="2026-03-11", retry=False) as made:
        yield made
