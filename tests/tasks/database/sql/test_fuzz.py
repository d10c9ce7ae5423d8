"""Whatever a known peer sends, the server has no error of its own, and never half a write."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import os
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette

from tasks.database.records.manifest import SyncManifest
from tasks.database.sql.declared import open_node, read_nodes
from tasks.database.transport.server import node_routes
from tasks.database.transport.signing import PeerKey

Node = Any  # the class of the conftest

#: `make proof` asks for more.
_EXAMPLES = min(int(os.environ.get("LOCKSTEP_EXAMPLES", "60")), 500)

PATH = "/nodes/office/sync"
KEY = PeerKey(secret="laptop's own long secret")
TABLES = ("city", "person", "lockstep_records", "lockstep_checkpoints", "lockstep_conflicts")

keys = st.sampled_from(["1", "2", "a", "b", "-1", "01", "1.5", "é", "\x00", "\ud800", "x" * 401, str(2**70)])
texts = st.text(max_size=4) | st.sampled_from(["\x00", "\ud800", "a'--", "%s", "2026-01-01", "1e400", "[]"])
values = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
    | st.lists(texts, max_size=2)
    | st.dictionaries(texts, texts, max_size=2)
)
fields = st.sampled_from(
    ["id", "name", "born", "seen", "paid", "ok", "photo", "more", "size", "mail", "city", "no such", "\x00"]
)
stamps = st.sampled_from([0, 1, 10, 1 << 40, (1 << 57), (1 << 63) - 1])
record = st.builds(
    lambda data, times: {"data": data, "timestamps": times},
    st.dictionaries(fields, values, max_size=6),
    st.dictionaries(fields, stamps, max_size=6),
)
payload = st.builds(
    lambda label, found, gone: {
        "model_label": label,
        "records": found,
        "deletes": {key: stamp for key, stamp in gone.items() if key not in found},
    },
    st.sampled_from(["city", "person"]),
    st.dictionaries(keys, record, max_size=4),
    st.dictionaries(keys, stamps, max_size=2),
)
manifest = st.builds(
    lambda checkpoint, after, fresh, parts, flags: {
        "node_id": "laptop",
        "checkpoint": checkpoint,
        "after_keys": after,
        "fresh": fresh,
        "payloads": list({part["model_label"]: part for part in parts}.values()),
        **flags,
    },
    stamps,
    st.dictionaries(st.sampled_from(["city", "person", "x"]), values | st.tuples(stamps, keys), max_size=2),
    st.none() | st.dictionaries(st.sampled_from(["city", "person"]), st.dictionaries(keys, st.lists(fields))),
    st.lists(payload, max_size=2),
    st.fixed_dictionaries(
        {}, optional={"dry_run": st.booleans(), "resync": stamps, "has_more": st.booleans()}
    ),
)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_known_peer_cannot_break_the_node(kind: str, make_node: Any) -> None:
    node = make_node(kind)
    answers = [{"node": "laptop", "secret": "laptop's own long secret"}]
    tables = ["city", "person"]
    [table] = read_nodes([{"name": "office", "database": node.url, "tables": tables, "answers": answers}])
    office = open_node(table)
    node.run("INSERT INTO city (id, name) VALUES ('a', 'Aachen')")
    node.run("INSERT INTO person (id, name, mail, city) VALUES (1, 'Ada', 'x', 'a'), (2, 'Bob', 'y', NULL)")
    served = office.served()
    app = Starlette(routes=[*node_routes({"office": served}.get)])
    transport = httpx.ASGITransport(app, raise_app_exceptions=True)

    def dump() -> list[Any]:
        return [sorted(map(repr, node.run(f"SELECT * FROM {name}"))) for name in TABLES]

    def post(body: bytes) -> httpx.Response:
        async def send() -> httpx.Response:
            async with httpx.AsyncClient(transport=transport, base_url="http://office") as client:
                return await client.post(
                    PATH,
                    content=body,
                    headers={**KEY.headers("laptop", PATH, body), "content-encoding": "gzip"},
                )

        return asyncio.run(send())

    @settings(
        max_examples=_EXAMPLES if kind == "sqlite" else _EXAMPLES // 2,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(data=manifest)
    def fuzz(data: dict[str, Any]) -> None:
        with contextlib.suppress(ValueError):
            data = {**data, "checksum": SyncManifest.from_dict(data).compute_checksum()}
        before = dump()
        status = post(gzip.compress(json.dumps(data).encode(), 1)).status_code
        event(str(status))
        assert status < 500
        if status != 200 or data.get("dry_run"):
            assert dump() == before
        for label in tables:
            alive = {str(row["id"]) for row in node.run(f"SELECT id FROM {label}")}
            assert alive == set(office.storage.get_keys(label))

    try:
        fuzz()
    finally:
        office.close()
