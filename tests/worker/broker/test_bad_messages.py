"""Workers whose queue holds what nobody of ours has sent."""

from __future__ import annotations

import base64
import json
import pickle
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.harness import Stack, eventually
from tests.worker.broker.test_redis_restart import notes, send, start_worker  # noqa: F401  fixtures
from worker.redis_client import connect_url

pytestmark = pytest.mark.processes

TASK = "early"
BODY = [["marker", 0.01], {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with Stack(tmp_path) as stack:
        yield stack


@pytest.fixture
def client(stack: Stack) -> Iterator[redis.Redis]:
    with connect_url(stack.redis.url) as client:
        yield client


def message(body: Any = BODY, *, raw: bytes | None = None, **parts: Any) -> str:
    """A message as kombu puts it into Redis, with some parts replaced; `None` leaves a part out."""
    made = uuid.uuid4().hex
    data = json.dumps(body).encode() if raw is None else raw
    properties: dict[str, Any] = {
        "correlation_id": made,
        "reply_to": uuid.uuid4().hex,
        "delivery_mode": 2,
        "delivery_info": {"exchange": "", "routing_key": "celery"},
        "priority": 0,
        "body_encoding": "base64",
        "delivery_tag": uuid.uuid4().hex,
    }
    headers: dict[str, Any] = {"lang": "py", "task": TASK, "id": made, "retries": 0, "root_id": made}
    envelope: dict[str, Any] = {
        "body": base64.b64encode(data).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": headers,
        "properties": properties,
    }
    for part, value in parts.items():
        where, _, name = part.rpartition("__")
        place = {"": envelope, "headers": headers, "properties": properties}[where]
        name = name.replace("_", "-") if not where else name
        if value is None:
            place.pop(name, None)
        else:
            place[name] = value
    return json.dumps(envelope)


BAD: dict[str, str | bytes] = {
    "no JSON": b"\x00\xff no JSON",
    "empty": "",
    "JSON cut off": message()[:-20],
    "deep JSON": "[" * 100_000,
    "a number": "5",
    "a list": "[]",
    "a null": "null",
    "a text": '"celery"',
    "an empty object": "{}",
    "no properties": message(properties=None),
    "properties of another type": message(properties=[1]),
    "no delivery tag": message(properties__delivery_tag=None),
    "a delivery tag of another type": message(properties__delivery_tag=["a"]),
    "no delivery info": message(properties__delivery_info=None),
    "delivery info of another type": message(properties__delivery_info="celery"),
    "an unknown body encoding": message(properties__body_encoding="rot13"),
    "no headers": message(headers=None),
    "headers of another type": message(headers=["task"]),
    "headers without a task": message(headers__task=None),
    "a task of another type": message(headers__task=["early"]),
    "a task that is an object": message(headers__task={"early": 1}),
    "an unknown task": message(headers__task="os.system"),
    "no id": message(headers__id=None),
    "an id of another type": message(headers__id={"a": 1}),
    "no body": message().replace('"body": "', '"was": "'),
    "an empty body": message(raw=b""),
    "base64 cut off": message().replace('"body": "', '"body": "A'),
    "a body of another type": message().replace('"body": "', '"body": 5, "was": "'),
    "a body that is a number": message(5),
    "a body that is a text": message("args"),
    "a body that is an object": message({"args": [], "kwargs": {}}),
    "a body that is a null": message(raw=b"null"),
    "a body that is too short": message([[], {}]),
    "a body that is too long": message([[], {}, {}, {}]),
    "arguments of another type": message([5, {}, {}]),
    "keywords of another type": message([[], [1], {}]),
    "an embed of another type": message([[], {}, [1]]),
    "callbacks of another type": message([["marker", 0.01], {}, {"callbacks": 5, "chain": "x", "chord": 1}]),
    "a body that is no JSON": message(raw=b"\x80\x04no"),
    "a body that is cut off": message(raw=b'[["marker"'),
    "a body of deep JSON": message(raw=b"[" * 100_000),
    "pickle": message(raw=pickle.dumps(BODY), content_type="application/x-python-serialize"),
    "pickle that is binary": message(
        raw=pickle.dumps(BODY), content_type="application/x-python-serialize", content_encoding="binary"
    ),
    "yaml": message(content_type="application/x-yaml"),
    "an unknown content type": message(content_type="application/none"),
    "a content type of another type": message(content_type=[5]),
    "no content type": message(content_type=None),
    "an encoding of another type": message(content_encoding={"a": 1}),
    "an unknown compression": message(headers__compression="none-such"),
    "a compression that does not fit": message(headers__compression="application/x-gzip"),
    "an eta that is no time": message(headers__eta="tomorrow"),
    "an eta of another type": message(headers__eta=[1]),
    "an eta out of every range": message(headers__eta="9999-12-31T23:59:59.999999-23:59"),
    "an expiry that is no time": message(headers__expires="never"),
    "an expiry of another type": message(headers__expires={"a": 1}),
    "an expiry out of every range": message(headers__expires=1e300),
    "retries of another type": message(headers__retries="many"),
    "limits of another type": message(headers__timelimit=5),
    "limits that are no numbers": message(headers__timelimit=["a", "b"]),
    "stamps of another type": message(headers__stamped_headers=5, headers__stamps=[5]),
    "names of another type": message(headers__shadow=[1], headers__root_id={}, headers__group=[1]),
    "representations of another type": message(headers__argsrepr={"a": 1}, headers__kwargsrepr=[1]),
    "a reply to another type": message(properties__reply_to=[1], properties__correlation_id={"a": 1}),
    "a huge one": message([["x" * 8_000_000], 5, {}]),
}


@pytest.mark.parametrize("pool", ["worker.pool.task_pool:TaskPool", "prefork"])
def test_a_worker_throws_away_what_is_no_message_and_goes_on(
    stack: Stack,
    send: Callable[[str, float], str],  # noqa: F811
    client: redis.Redis,
    pool: str,
) -> None:
    worker = start_worker(stack, pool)
    told = 0
    for _ in range(2):
        for name, bad in BAD.items():
            client.lpush("celery", bad)
            good = send(TASK, 0.01)
            eventually(lambda good=good: "cleaned" in notes(stack, good), 15, what=name)
            assert worker.running, f"{name}: {worker.tail()}"
            told += 1
            assert worker.output().count(" was thrown away: ") == told, name
    lines = worker.output()
    assert "Traceback" not in lines
    assert "CRITICAL" not in lines
    assert client.llen("celery") == 0
    eventually(lambda: client.hlen("unacked") == 0)


@pytest.mark.parametrize(
    "control", ["", "junk", "[1]", "{}", message(5), message({"method": 5}), message({"method": "none"})]
)
def test_what_is_no_message_elsewhere_ends_no_worker(
    stack: Stack,
    send: Callable[[str, float], str],  # noqa: F811
    client: redis.Redis,
    control: str,
) -> None:
    worker = start_worker(stack, "worker.pool.task_pool:TaskPool")
    client.hset("unacked", mapping={"a": "junk", "b": "[1]", "c": "5"})
    client.zadd("unacked_index", {"a": 1, "b": 1, "c": 1, "d": 1})
    eventually(lambda: client.publish("/0.celery.pidbox", control) == 1)  # it listens a moment later
    for _ in range(3):
        good = send(TASK, 0.01)
        eventually(lambda good=good: "cleaned" in notes(stack, good), 15)
    assert worker.running
