"""The local Notion workspace delivers to the web process: what a person does there wakes the right task."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from sandbox.notion import Behaviour, Sandbox
from tests.harness.process import eventually
from tests.worker.web.conftest import DATA_SOURCE, FAST, OTHER_SOURCE, SECRET, Serve, Server
from worker.machine.redis_server import RedisServer
from worker.redis_client import connect_url
from worker.web.webhooks.handshake import HandshakeWindow

SOON = Behaviour(delay=0.2, retry_after=0.3)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A workspace with the data sources of the tasks."""
    with Sandbox() as made:
        person = made.person()
        for source in (DATA_SOURCE, OTHER_SOURCE):
            shown = person.request(
                "GET", f"data_sources/{person.create_data_source('Rows', {'N': {'number': {}}})}"
            )
            made.put([shown | {"id": source}])
        made.webhooks.behaviour = SOON
        yield made


def subscribe(sandbox: Sandbox, server: Server, client: redis.Redis) -> None:
    """As the operator does it, except that the secret is set before the token comes."""
    window = HandshakeWindow(client)
    window.open()
    secret = SECRET.get_secret_value()
    made = sandbox.webhooks.subscribe(f"{server.url}/webhooks/notion", verification_token=secret)
    token = window.token()
    assert token is not None
    sandbox.webhooks.verify(made.id, token.get_secret_value())


def woken(server: Server) -> list[str]:
    return [task for task, _, _ in server.sent]


def test_what_a_person_does_wakes_the_task_of_the_row(
    serve: Serve, sandbox: Sandbox, client: redis.Redis
) -> None:
    server, ada = serve(), sandbox.person("Ada")
    subscribe(sandbox, server, client)
    page = ada.create_page(OTHER_SOURCE, {})["id"]
    eventually(lambda: woken(server) == ["elsewhere"], 20, "a wake-up")
    ada.create_page(DATA_SOURCE, {})
    eventually(lambda: woken(server) == ["elsewhere", "rows"], 20, "a wake-up")
    told = sandbox.webhooks.deliveries()
    assert {delivery.status for delivery in told} == {200}
    assert page in {delivery.event["entity"]["id"] for delivery in told}


@pytest.mark.parametrize("kind", ["edit", "content", "trash", "move", "column"])
def test_each_kind_of_edit_wakes_it(serve: Serve, sandbox: Sandbox, client: redis.Redis, kind: str) -> None:
    server, ada = serve(), sandbox.person("Ada")
    page = ada.create_page(DATA_SOURCE, {})["id"]
    subscribe(sandbox, server, client)
    if kind == "edit":
        ada.edit_page(page, {"N": {"number": 1}})
    elif kind == "content":
        ada.write_markdown(page, "text")
    elif kind == "trash":
        ada.trash(page)
    elif kind == "move":
        ada.move(page, OTHER_SOURCE)
    else:
        ada.rename_column(DATA_SOURCE, "N", "M")
    eventually(lambda: "rows" in woken(server), 20, "a wake-up")


def test_a_burst_with_duplicates_in_any_order_wakes_once(
    serve: Serve, sandbox: Sandbox, client: redis.Redis
) -> None:
    server, ada = serve(), sandbox.person("Ada")
    subscribe(sandbox, server, client)
    sandbox.webhooks.behaviour = Behaviour(delay=1e6, duplicate=1, reorder=True)
    pages = [ada.create_page(DATA_SOURCE, {})["id"] for _ in range(20)]
    for page in pages:
        ada.edit_page(page, {"N": {"number": 1}})
    assert sandbox.webhooks.flush() >= 2 * len(pages)
    eventually(lambda: woken(server) == ["rows"], 20, "a wake-up")
    time.sleep(FAST.longest + 0.3)
    assert woken(server) == ["rows"]


def test_what_is_lost_wakes_nobody_and_what_is_tried_again_does(
    serve: Serve, sandbox: Sandbox, tmp_path: Path
) -> None:
    with RedisServer(tmp_path / "redis") as own, connect_url(own.url) as client:
        server, ada = serve(redis_client=client), sandbox.person("Ada")
        subscribe(sandbox, server, client)
        sandbox.webhooks.behaviour = Behaviour(delay=0, drop=1)
        ada.create_page(DATA_SOURCE, {})
        sandbox.webhooks.flush()
        assert sandbox.webhooks.deliveries() == []
        sandbox.webhooks.behaviour = SOON
        own.stop()
        page = ada.create_page(DATA_SOURCE, {})["id"]
        eventually(lambda: 503 in statuses(sandbox, page), 30, "an attempt that fails")
        own.start()
        eventually(lambda: statuses(sandbox, page)[-1] == 200, 60, "an attempt that does not")
        attempts = [
            told.attempt for told in sandbox.webhooks.deliveries() if told.event["entity"]["id"] == page
        ]
        assert attempts == list(range(1, len(attempts) + 1))
        eventually(lambda: woken(server) == ["rows"], 20, "a wake-up")


def statuses(sandbox: Sandbox, page: str) -> list[int | None]:
    told = sandbox.webhooks.deliveries()
    return [delivery.status for delivery in told if delivery.event["entity"]["id"] == page]
