from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import re
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.types import ASGIApp

from tasks.database.records.manifest import ModelPayload, SyncManifest
from tasks.database.records.record import SyncRecord
from tasks.database.transport import signing, wire
from tasks.database.transport.server import node_routes
from tasks.database.transport.signing import MemoryNonces, PeerKey
from tasks.errors import TaskDefinitionError

Office = Any  # the class of the conftest

PATH = "/nodes/office/sync"
KEY = PeerKey(secret="laptop's own long secret")


def body(**changes: Any) -> bytes:
    record = SyncRecord("1", {"name": "Ada"}, {"name": 5})
    data = SyncManifest("laptop", 3, payloads=[ModelPayload("person", {"1": record})]).to_dict()
    return wire.pack({**data, **changes})


def headers(sent: bytes, path: str = PATH, **others: str) -> dict[str, str]:
    return {**KEY.headers("laptop", path, sent), "content-encoding": "gzip", **others}


class Client:
    def __init__(self, app: ASGIApp) -> None:
        self._transport = httpx.ASGITransport(app, raise_app_exceptions=False)

    def post(self, path: str, *, content: Any, headers: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            async with httpx.AsyncClient(transport=self._transport, base_url="http://office") as client:
                return await client.post(path, content=content, headers=headers)

        return asyncio.run(send())


@pytest.fixture
def client(office: Office) -> Client:
    return Client(office.app())


async def in_parts(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 10_000):
        yield body[start : start + 10_000]


def test_a_request_is_taken_once(client: Client, office: Office) -> None:
    sent = body()
    signed = headers(sent)
    assert client.post(PATH, content=sent, headers=signed).status_code == 200
    again = client.post(PATH, content=sent, headers=signed)
    assert (again.status_code, again.json()["error"]["kind"]) == (401, "unauthenticated")
    assert len(office.asked) == 1


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_request_of_another_time_is_refused(
    client: Client, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    now = time.time()
    monkeypatch.setattr(signing.time, "time", lambda: now + minutes * 60)
    sent = body()
    signed = headers(sent)
    monkeypatch.setattr(signing.time, "time", lambda: now)
    answer = client.post(PATH, content=sent, headers=signed)
    assert (answer.status_code, answer.json()["error"]["kind"]) == (409, "clock_drift")
    assert re.search(r" 3[567]\d s apart", answer.json()["error"]["message"])
    forged = client.post(PATH, content=sent, headers=signed | {"x-lockstep-signature": "v1=" + "0" * 64})
    assert forged.status_code == 401


@pytest.mark.parametrize(
    "change",
    [
        {"x-lockstep-node": "phone"},
        {"x-lockstep-time": "1"},
        {"x-lockstep-nonce": "0" * 32},
        {"x-lockstep-signature": "v1=" + "0" * 64},
        {"x-lockstep-signature": ""},
        {"x-lockstep-signature": "\xff"},
        {"x-lockstep-time": "9" * 500},
        {"authorization": "Bearer \xff"},
    ],
)
def test_a_signature_covers_everything(client: Client, office: Office, change: dict[str, str]) -> None:
    sent = body()
    signed: dict[str, Any] = headers(sent) | change
    encoded = {name: value.encode("latin-1") for name, value in signed.items()}
    status = client.post(PATH, content=sent, headers=encoded).status_code
    assert status == (200 if "authorization" in change else 401)
    assert client.post(PATH, content=body(checkpoint=4), headers=headers(sent)).status_code == 401


def test_a_signature_for_one_node_is_none_for_another(client: Client, office: Office) -> None:
    sent = body()
    assert client.post(PATH, content=sent, headers=headers(sent, "/nodes/home/sync")).status_code == 401


def test_nonces_are_forgotten_when_they_are_of_no_use(monkeypatch: pytest.MonkeyPatch) -> None:
    nonces = MemoryNonces()
    now = int(time.time())
    assert nonces.use("a", "n", now + 10)
    assert not nonces.use("a", "n", now + 10)
    assert nonces.use("b", "n", now + 10)
    monkeypatch.setattr(signing.time, "time", lambda: now + 2 * signing.WINDOW)
    assert nonces.use("c", "n", now + 3 * signing.WINDOW)
    assert len(nonces._known) == 1


def test_too_much_is_refused_before_it_is_read(client: Client, office: Office) -> None:
    large = b"x" * 100_001
    for sent in (large, in_parts(large)):
        answer = client.post(PATH, content=sent, headers=headers(b""))
        assert (answer.status_code, answer.json()["error"]["kind"]) == (413, "too_large")
    bomb = gzip.compress(b" " * 50_000_000)
    assert len(bomb) < 100_000
    assert client.post(PATH, content=bomb, headers=headers(bomb)).status_code == 413
    assert office.asked == []


def test_who_is_unknown_cannot_make_the_server_unpack(client: Client) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    signed = headers(bomb) | {"x-lockstep-node": "stranger"}
    assert client.post(PATH, content=bomb, headers=signed).status_code == 401


def test_an_error_of_the_server_shows_nothing_of_it(client: Client, office: Office) -> None:
    office.error = ValueError("a secret of mine")
    sent = body()
    answer = client.post(PATH, content=sent, headers=headers(sent))
    assert answer.status_code == 500
    assert "mine" not in answer.text


def test_a_node_that_cannot_be_opened_is_tried_later() -> None:
    def find(_: str) -> None:
        raise TaskDefinitionError("there is no table 'private'")

    sent = body()
    answer = Client(Starlette(routes=[*node_routes(find)])).post(PATH, content=sent, headers=headers(sent))
    assert answer.status_code == 503
    assert "private" not in answer.text


def test_what_is_nested_too_deep_is_refused(client: Client, office: Office) -> None:
    deep = gzip.compress(
        b'{"node_id":"laptop","checkpoint":1,"after_keys":{"a":' + b"[" * 90_000 + b"]" * 90_000 + b"}}"
    )
    assert client.post(PATH, content=deep, headers=headers(deep)).status_code == 400
    half = gzip.compress(
        b'{"node_id":"laptop","checkpoint":1,"payloads":[{"model_label":"person","records":{"1":{"data":{"a":'
        + b"[" * 950
        + b"]" * 950
        + b"}}}}]}"
    )
    assert client.post(PATH, content=half, headers=headers(half)).status_code == 400
    assert office.asked == []


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
records = st.fixed_dictionaries(
    {},
    optional={
        "data": st.dictionaries(st.text(max_size=3), json_values, max_size=3) | json_values,
        "timestamps": st.dictionaries(st.text(max_size=3), st.integers() | json_values, max_size=3),
        "received_at": st.integers() | json_values,
    },
)
payloads = st.fixed_dictionaries(
    {"model_label": st.sampled_from(["person", "other"]) | json_values},
    optional={
        "records": st.dictionaries(st.text(max_size=3), records | json_values, max_size=3) | json_values,
        "deletes": st.dictionaries(st.text(max_size=3), st.integers() | json_values, max_size=3),
    },
)
manifests = st.fixed_dictionaries(
    {},
    optional={
        "node_id": st.just("laptop") | json_values,
        "checkpoint": st.integers() | json_values,
        "node_time": st.integers() | json_values,
        "payloads": st.lists(payloads, max_size=3) | json_values,
        "after_keys": json_values,
        "has_more": st.booleans() | json_values,
        "fresh": json_values,
        "dry_run": json_values,
        "resync": json_values,
    },
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=manifests)
def test_no_manifest_breaks_the_server(client: Client, data: dict[str, Any]) -> None:
    with contextlib.suppress(ValueError):
        data = {**data, "checksum": SyncManifest.from_dict(data).compute_checksum()}
    sent = gzip.compress(json.dumps(data).encode(), 1)
    answer = client.post(PATH, content=sent, headers=headers(sent))
    assert answer.status_code < 500
    if answer.status_code != 200:
        assert set(answer.json()["error"]) == {"status", "kind", "message"}


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=st.binary(max_size=200), packed=st.booleans(), encoding=st.sampled_from(["gzip", "br", ""]))
def test_no_bytes_break_the_server(client: Client, sent: bytes, packed: bool, encoding: str) -> None:
    sent = gzip.compress(sent) if packed else sent
    signed = headers(sent) | {"content-encoding": encoding}
    assert 400 <= client.post(PATH, content=sent, headers=signed).status_code < 500
