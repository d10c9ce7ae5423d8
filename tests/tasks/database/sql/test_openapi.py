"""The endpoint is what its OpenAPI description says, whatever is sent to it."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import os
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from schemathesis.core import NOT_SET
from starlette.applications import Starlette

from tasks.database.records.manifest import SyncManifest
from tasks.database.sql.declared import open_node, read_nodes
from tasks.database.transport import wire
from tasks.database.transport.refusals import KINDS
from tasks.database.transport.server import node_routes
from tasks.database.transport.signing import PeerKey

Node = Any  # the class of the conftest

DESCRIPTION = Path(__file__).parents[4] / "docs" / "nodes.openapi.json"
#: `make proof` asks for more.
EXAMPLES = int(os.environ.get("LOCKSTEP_NODE_FUZZ", "50"))

PATH = "/nodes/office/sync"
KEY = PeerKey(secret="laptop's own long secret")
TABLES = ("city", "person", "lockstep_records", "lockstep_checkpoints", "lockstep_conflicts", "lockstep_node")

OPERATION = schemathesis.openapi.from_path(DESCRIPTION)["/nodes/{node_id}/sync"]["POST"]


@dataclass
class Office:
    """A node on a real database behind its endpoint."""

    node: Node
    app: Starlette

    def post(self, path: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=True)

        async def send() -> httpx.Response:
            async with httpx.AsyncClient(transport=transport, base_url="http://office") as client:
                return await client.post(path, content=body, headers=headers)

        return asyncio.run(send())

    def signed(self, data: Any) -> httpx.Response:
        body = gzip.compress(json.dumps(data).encode(), 1)
        return self.post(PATH, body, {**KEY.headers("laptop", PATH, body), "content-encoding": "gzip"})

    def dump(self) -> list[Any]:
        return [sorted(map(repr, self.node.run(f"SELECT * FROM {name}"))) for name in TABLES]


@contextmanager
def opened(node: Node) -> Iterator[Office]:
    answers = [{"node": "laptop", "secret": "laptop's own long secret"}]
    [table] = read_nodes(
        [{"name": "office", "database": node.url, "tables": ["city", "person"], "answers": answers}]
    )
    office = open_node(table)
    node.run("INSERT INTO city (id, name) VALUES ('a', 'Aachen')")
    node.run("INSERT INTO person (id, name, mail, city) VALUES (1, 'Ada', 'x', 'a'), (2, 'Bob', 'y', NULL)")
    try:
        yield Office(node, Starlette(routes=[*node_routes({"office": office.served()}.get)]))
    finally:
        office.close()


def as_a_peer_would(data: Any, label: str | None) -> Any:
    """The same with the right sender, checksum and, mostly, a model that is there: so it gets further."""
    if not isinstance(data, dict):
        return data
    data = {**data, "node_id": "laptop"}
    if label is not None and isinstance(data.get("payloads"), list):
        data["payloads"] = [
            {**payload, "model_label": label} if isinstance(payload, dict) else payload
            for payload in data["payloads"][:1]
        ]
    with contextlib.suppress(ValueError):
        data["checksum"] = SyncManifest.from_dict(data).compute_checksum()
    return data


def test_every_refusal_is_described() -> None:
    described = json.loads(DESCRIPTION.read_text())["paths"]["/nodes/{node_id}/sync"]["post"]["responses"]
    assert {str(status) for _, status, _ in KINDS} | {"200", "401"} == described.keys()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_signed_requests_are_answered_as_described(kind: str, make_node: Callable[[str], Node]) -> None:
    seen: Counter[int] = Counter()
    modes = [schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE]
    with opened(make_node(kind)) as office:

        @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
        @given(
            case=st.one_of(*(OPERATION.as_strategy(generation_mode=mode) for mode in modes)),
            label=st.sampled_from(["city", "person", None]),
            honest=st.sampled_from([True, True, True, False]),
        )
        def fuzz(case: schemathesis.Case, label: str | None, honest: bool) -> None:
            assume(case.body is not NOT_SET)
            data = as_a_peer_would(case.body, label) if honest else case.body
            try:
                json.dumps(data)
            except (TypeError, ValueError):
                assume(False)
            before = office.dump()
            answer = office.signed(data)
            seen[answer.status_code] += 1
            assert answer.status_code < 500
            OPERATION.validate_response(answer)
            if answer.status_code == 200:
                SyncManifest.from_dict(answer.json())
            if answer.status_code != 200 or data.get("dry_run"):
                assert office.dump() == before

        fuzz()
    print(f"{sum(seen.values())} signed requests on {kind}:", dict(seen))
    if EXAMPLES >= 50:
        assert {200, 400} <= seen.keys()


def test_nobody_gets_in_without_a_proof(make_node: Callable[[str], Node]) -> None:
    with opened(make_node("sqlite")) as office:
        before = office.dump()

        @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
        @given(case=OPERATION.as_strategy(generation_mode=schemathesis.GenerationMode.POSITIVE))
        def fuzz(case: schemathesis.Case) -> None:
            body = json.dumps(case.body).encode()
            answer = office.post(PATH, body, {name: str(value) for name, value in case.headers.items()})
            assert answer.status_code == 401
            OPERATION.validate_response(answer)

        fuzz()
        assert office.dump() == before


def test_a_small_body_that_would_become_huge_takes_no_room(make_node: Callable[[str], Node]) -> None:
    with opened(make_node("sqlite")) as office:
        body = gzip.compress(b'{"node_id": "' + b"x" * (3 * wire.JSON_MAX), 9)
        assert len(body) < wire.JSON_MAX // 100
        headers = {**KEY.headers("laptop", PATH, body), "content-encoding": "gzip"}
        tracemalloc.start()
        try:
            answer = office.post(PATH, body, headers)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert answer.status_code == 413
        assert peak < 2.5 * wire.JSON_MAX


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_any_place_of_a_peer_is_taken(kind: str, make_node: Callable[[str], Node]) -> None:
    with opened(make_node(kind)) as office:
        for place in (
            [2**63 - 1, "a"],
            [2**63, "a"],
            [2**70, "a"],
            [5, "\x00"],
            [5, "\ud800"],
            [5, "a" * 5000],
        ):
            data = {"node_id": "laptop", "checkpoint": 1, "after_keys": {"city": place, "person": place}}
            data["checksum"] = SyncManifest.from_dict(data).compute_checksum()
            assert office.signed(data).status_code == 200, place
