"""The examples of docs/sandbox.md work, and it names every action."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from notion_client import Client

from sandbox.notion import ROOT_PAGE_ID, Sandbox
from sandbox.notion.serving.back_door import PATHS
from sandbox.notion.workspace.faults import Fault
from sandbox.notion.workspace.person import ACTIONS
from tests.sandbox.notion.receiver import Receiver, receiving

DOCUMENT = (Path(__file__).parents[3] / "docs/sandbox.md").read_text()
DOOR = DOCUMENT[DOCUMENT.index("## Back door") : DOCUMENT.index("## The page")]


def examples(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", DOOR, re.DOTALL)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def test_python(sandbox: Sandbox, client: Client, receiver: Receiver) -> None:
    with Client(auth="anything", base_url=sandbox.url) as anything:
        known: dict[str, Any] = {"sandbox": sandbox, "client": anything, "ROOT_PAGE_ID": ROOT_PAGE_ID}
        for example in examples("python"):
            told = SimpleNamespace(url=receiver.url)
            known["receiver"] = told
            for step in example.split("\nsandbox.webhooks.verify", 1)[:1]:
                exec(step, known)
            if "webhooks.verify" in example:
                told.verification_token = receiver.verification_token
                exec("sandbox.webhooks.verify" + example.split("\nsandbox.webhooks.verify", 1)[1], known)
    assert receiver.types == ["page.properties_updated"]
    assert sandbox.counters.total("GET /v1/pages/{id}") == 1


def test_http(sandbox: Sandbox) -> None:
    for example in examples("http"):
        head, _, body = example.partition("\n\n")
        request, *lines = head.splitlines()
        method, path = request.split()
        headers = dict(line.split(": ") for line in lines)
        answer = httpx.request(method, sandbox.url + path, content=body, headers=headers)
        assert answer.status_code == 200, (example, answer.text)


def test_everything_is_named() -> None:
    for name in (*ACTIONS, *Fault.model_fields):
        assert f"`{name}`" in DOOR
    for path in PATHS:
        assert f"/_sandbox/{path}" in DOOR
