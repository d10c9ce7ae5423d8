"""Deliveries over HTTP: which are taken, which are refused, and what they wake."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import redis
from pydantic import SecretStr

from tasks.merge import Link
from tasks.services.notion.api.webhooks import sign
from tests.harness.process import eventually
from tests.worker.web.conftest import DATA_SOURCE, FAST, OTHER_SOURCE, SECRET, TOKEN, Serve, Server, event
from worker.lock import RedisSyncLock
from worker.machine.redis_server import RedisServer
from worker.redis_client import connect_url
from worker.store import RunRecord, Store
from worker.store.tables.links import Links
from worker.web.webhooks.handshake import HandshakeWindow


def names(server: Server) -> list[str]:
    return [task for task, _, _ in server.sent]


def quiet(server: Server) -> list[str]:
    """What was sent, when nothing more can come."""
    time.sleep(FAST.longest + 0.3)
    return names(server)


def test_a_signed_event_wakes_the_task_of_its_data_source(serve: Serve) -> None:
    server = serve()
    assert server.deliver(event()).status_code == 200
    eventually(lambda: server.sent, 10, "a wake-up")
    assert quiet(server) == ["rows"]
    ((_, _, expires),) = server.sent
    assert expires == 60


def test_ids_are_found_in_every_place_and_form(serve: Serve, store: Store) -> None:
    server = serve()
    schema = {"type": "data_source.schema_updated", "entity": {"id": DATA_SOURCE, "type": "data_source"}}
    for number, changes in enumerate(
        (
            schema | {"data": {}},
            {"entity": {"id": "38b9ce7b60a481aaa3e0d0c7fde33f0d"}, "data": {"parent": {"id": DATA_SOURCE}}},
            {"entity": {"id": DATA_SOURCE.replace("-", "")}, "data": None},
        )
    ):
        server.deliver(event() | changes)
        eventually(lambda number=number: names(server) == ["rows"] * (number + 1), 10, "a wake-up")
        begin(store, server.sent[-1][1])


def test_a_task_with_a_total_is_never_woken(serve: Serve) -> None:
    server = serve()
    server.deliver(event())
    assert "limited" not in quiet(server)


def test_events_that_concern_nobody_wake_nobody(serve: Serve) -> None:
    server = serve()
    for each in (
        event(source="00000000-0000-4000-8000-000000000000"),
        event("comment.created"),
        event("file_upload.completed"),
        event("view.updated", entity={"id": DATA_SOURCE}),
    ):
        assert server.deliver(each).status_code == 200
    assert quiet(server) == []


def test_a_linked_page_wakes_its_task_wherever_it_was_moved(serve: Serve, store: Store) -> None:
    server = serve()
    page = "38b9ce7b-60a4-81aa-a3e0-d0c7fde33f0d"
    with store.write() as connection:
        Links.put(connection, "rows", Link(page, "other", {}, {}), "run")
    server.deliver(
        event("page.moved", entity={"id": page}, data={"parent": {"id": OTHER_SOURCE, "type": "page"}})
    )
    eventually(lambda: set(names(server)) == {"rows", "elsewhere"}, 10, "both tasks")


def test_a_burst_becomes_one_run_or_two(serve: Serve, store: Store) -> None:
    server = serve()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(server.deliver, [event() for _ in range(200)]))
    assert {answer.status_code for answer in answers} == {200}
    eventually(lambda: server.sent, 10, "a wake-up")
    # Nobody takes the message, so there is no second one however long it takes.
    assert quiet(server) == ["rows"]
    begin(store, server.sent[0][1])
    assert len(quiet(server)) <= 2


def begin(store: Store, message: str) -> None:
    """Enter the run of a message, as a worker does."""
    record = RunRecord(run_id=message, task="rows", status="running", message_id=message, fence=1)
    assert store.runs.start(record, None) is None


def test_one_wake_up_waits_in_the_queue_at_most(serve: Serve, store: Store) -> None:
    server = serve()
    server.deliver(event())
    eventually(lambda: server.sent, 10, "the first wake-up")
    server.deliver(event())
    assert len(quiet(server)) == 1
    begin(store, server.sent[0][1])
    eventually(lambda: len(server.sent) == 2, 10, "the second wake-up")
    assert server.sent[0][1] != server.sent[1][1]


def test_a_busy_node_is_woken_when_its_run_has_ended(serve: Serve, client: redis.Redis) -> None:
    server = serve()
    lock = RedisSyncLock(client, lease_seconds=30)
    session = lock.acquire("rows")
    server.deliver(event())
    assert quiet(server) == []
    lock.release(session, "succeeded", {})
    eventually(lambda: names(server) == ["rows"], 10, "a wake-up")
    lock.close()


def test_a_replayed_event_has_no_effect(serve: Serve, store: Store) -> None:
    server = serve()
    same = event()
    assert server.deliver(same).status_code == 200
    eventually(lambda: server.sent, 10, "a wake-up")
    begin(store, server.sent[0][1])
    assert server.deliver(same | {"attempt_number": 2}).status_code == 200
    assert len(quiet(server)) == 1


def test_an_old_event_has_no_effect(serve: Serve) -> None:
    server = serve()
    old = (datetime.now(UTC) - timedelta(days=3)).isoformat()
    assert server.deliver(event(timestamp=old)).status_code == 200
    assert quiet(server) == []


def test_two_servers_wake_once(serve: Serve) -> None:
    one, two = serve(), serve()
    same = event()
    for server in (one, two):
        server.deliver(same)
        for _ in range(5):
            server.deliver(event())
    eventually(lambda: one.sent or two.sent, 10, "a wake-up")
    assert quiet(one) + names(two) == ["rows"]


def test_a_wrong_signature_is_refused(serve: Serve) -> None:
    server = serve()
    content = json.dumps(event()).encode()
    right = sign(SECRET, content)
    for signature in (None, "", "sha256=", "sha256=" + 64 * "0", right.upper(), right[:-1], right[7:]):
        answer = server.post(content, signature)
        assert answer.status_code == 401
        assert answer.json() == {"error": {"status": 401, "message": "the signature is missing or wrong"}}
    assert quiet(server) == []


def test_the_signature_is_of_the_very_bytes(serve: Serve) -> None:
    server = serve()
    content = json.dumps(event()).encode()
    assert server.post(content + b" ", sign(SECRET, content)).status_code == 401
    assert server.post(content + b" ", sign(SECRET, content + b" ")).status_code == 200
    assert server.post(content, sign(SecretStr("secret_of_somebody_else"), content)).status_code == 401


def test_without_a_secret_no_event_is_taken(serve: Serve) -> None:
    server = serve(secret=None)
    content = json.dumps(event()).encode()
    assert server.post(content, sign(SecretStr(""), content)).status_code == 401


def test_one_of_several_secrets_is_enough(serve: Serve) -> None:
    server = serve(secret=SecretStr(f"another_0123456789, {SECRET.get_secret_value()}"))
    assert server.deliver(event()).status_code == 200


def test_what_notion_does_not_send_is_refused(serve: Serve) -> None:
    server = serve()
    for content, words in (
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[]", "not an object"),
        (b"{}", "no id"),
        (b"[" * 100_000, "not JSON"),
        (json.dumps(event(timestamp="yesterday")).encode(), "not a time"),
        (json.dumps(event(entity=7)).encode(), "no entity"),
        (json.dumps(event(id="x" * 1000)).encode(), "no id"),
    ):
        answer = server.post(content, sign(SECRET, content))
        assert answer.status_code == 400
        assert words in answer.json()["error"]["message"]


def test_a_huge_body_is_refused_whether_its_length_is_stated_or_not(serve: Serve) -> None:
    server = serve()
    assert server.post(b"x" * 300_000).status_code == 413

    def pieces() -> object:
        for _ in range(300):
            yield b"x" * 1000

    answer = httpx.post(f"{server.url}/webhooks/notion", content=pieces())  # type: ignore[arg-type]
    assert answer.status_code == 413
    assert answer.json()["error"]["status"] == 413


def handshake(server: Server, token: object = TOKEN) -> httpx.Response:
    return server.post(json.dumps({"verification_token": token}).encode())


def test_the_handshake_is_refused_while_the_window_is_closed(serve: Serve, client: redis.Redis) -> None:
    server = serve(secret=None)
    assert handshake(server).status_code == 403
    assert HandshakeWindow(client).token() is None


def test_the_handshake_gives_the_operator_one_token_and_changes_nothing_else(
    serve: Serve, client: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    server = serve(secret=None)
    window = HandshakeWindow(client)
    window.open()
    assert window.left() > 800
    answer = handshake(server)
    assert answer.status_code == 200
    assert TOKEN not in answer.text + caplog.text
    assert handshake(server).status_code == 200, "its answer may have been lost"
    assert handshake(server, TOKEN[:-1]).status_code == 403
    token = window.token()
    assert token is not None
    assert token.get_secret_value() == TOKEN
    assert window.left() == 0
    content = json.dumps(event()).encode()
    assert server.post(content, sign(token, content)).status_code == 401
    window.close()
    assert window.token() is None


def test_a_token_that_is_none_is_refused(serve: Serve, client: redis.Redis) -> None:
    server = serve(secret=None)
    HandshakeWindow(client).open()
    for token in ("", "short", None, 5, "with a blank in the token", "x" * 400, "ä" * 20):
        assert handshake(server, token).status_code == 400
    assert HandshakeWindow(client).left() > 0


def test_an_outage_of_redis_asks_notion_to_try_again(serve: Serve, tmp_path: Path) -> None:
    with RedisServer(tmp_path / "redis") as own, connect_url(own.url) as client:
        server = serve(redis_client=client)
        same = event()
        own.stop()
        assert server.deliver(same).status_code == 503
        own.start()
        assert server.deliver(same).status_code == 200
        eventually(lambda: names(server) == ["rows"], 10, "a wake-up")
