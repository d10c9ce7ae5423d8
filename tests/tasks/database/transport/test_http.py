from __future__ import annotations

import gzip
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from tasks.database.exceptions import (
    ClockDriftError,
    ManifestChecksumError,
    NodeLockedError,
    PayloadLimitError,
    SyncError,
    TransportError,
    UnknownNodeError,
)
from tasks.database.records.manifest import ModelPayload, SyncManifest
from tasks.database.records.record import SyncRecord
from tasks.database.transport import wire
from tasks.database.transport.http import HttpTransport
from tasks.database.transport.refusals import UnknownModelError
from tasks.database.transport.signing import PeerKey
from tasks.errors import TaskDefinitionError

Serve = Callable[..., str]
Office = Any  # the class of the conftest

SECRET = PeerKey(secret="laptop's own long secret")


def manifest(node_id: str = "laptop", **data: object) -> SyncManifest:
    record = SyncRecord("1", {"name": "Ada", **data}, {"name": 5})
    return SyncManifest(node_id, 3, payloads=[ModelPayload("person", {"1": record})])


def connect(url: str, node_id: str = "laptop", key: PeerKey = SECRET, **options: Any) -> HttpTransport:
    options = {"sleep": lambda _: None, "timeout": 20.0, "peer": "office", **options}
    return HttpTransport(url, node_id=node_id, key=key, **options)


@pytest.mark.parametrize(
    ("node_id", "key"),
    [
        ("laptop", SECRET),
        ("phone", PeerKey(token="phone's own long token")),
        ("ein Gerät", PeerKey(secret="a third and long secret")),
    ],
)
def test_a_manifest_gets_there_and_the_answer_back(
    office: Office, serve: Serve, node_id: str, key: PeerKey
) -> None:
    sent = manifest(node_id, text="Ünïcøde 👩‍🚀 \x00", number=2**70, nothing=None, more={"a": [1.5]})
    answer = connect(serve(office.app()), node_id, key).exchange(sent)
    assert office.asked[0].payloads == sent.payloads == answer.payloads
    assert office.asked[0].verify()
    assert (answer.node_id, answer.checkpoint) == ("office", 4)


@pytest.mark.parametrize(
    ("node_id", "key", "peer"),
    [
        ("laptop", PeerKey(secret="another long secret"), "office"),
        ("laptop", PeerKey(token="laptop's own long secret"), "office"),
        ("phone", PeerKey(token="phone's own long tokem"), "office"),
        ("phone", PeerKey(secret="phone's own long token"), "office"),
        ("stranger", SECRET, "office"),
        ("laptop", SECRET, "elsewhere"),
    ],
)
def test_who_cannot_prove_itself_is_refused(
    office: Office, serve: Serve, node_id: str, key: PeerKey, peer: str
) -> None:
    with pytest.raises(UnknownNodeError) as raised:
        connect(serve(office.app()), node_id, key, peer=peer).exchange(manifest(node_id))
    assert office.asked == []
    assert "long" not in str(raised.value)


def test_a_node_speaks_for_itself_only(office: Office, serve: Serve) -> None:
    with pytest.raises(UnknownNodeError, match="another node's"):
        connect(serve(office.app())).exchange(manifest("phone"))
    assert office.asked == []


def test_unknown_models_and_wrong_checksums_are_refused(office: Office, serve: Serve) -> None:
    transport = connect(serve(office.app()))
    with pytest.raises(UnknownModelError, match="secrets"):
        transport.exchange(SyncManifest("laptop", 0, payloads=[ModelPayload("secrets")]))
    wrong = manifest()
    wrong.checksum = "0" * 64
    with pytest.raises(ManifestChecksumError):
        transport.exchange(wrong)
    assert office.asked == []


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (ClockDriftError("an hour ahead"), ClockDriftError),
        (NodeLockedError("held by another"), NodeLockedError),
        (PayloadLimitError("too many"), PayloadLimitError),
        (TransportError("no secret of mine"), TransportError),
        (ValueError("no secret of mine"), TransportError),
    ],
)
def test_errors_of_the_peer_are_told_without_its_insides(
    office: Office, serve: Serve, raised: Exception, expected: type[Exception]
) -> None:
    office.error = raised
    with pytest.raises(expected) as told:
        connect(serve(office.app())).exchange(manifest())
    assert "no secret of mine" not in str(told.value)


class Flaky:
    """Loses requests or answers, or answers something else first."""

    def __init__(self, app: ASGIApp, *faults: Any) -> None:
        self._app = app
        self.faults = list(faults)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = self.faults.pop(0) if self.faults else None
        if fault is None:
            await self._app(scope, receive, send)
        elif isinstance(fault, Response):
            await fault(scope, receive, send)
        elif fault == "answer lost":

            async def lose(message: Any) -> None:
                if message["type"] == "http.response.body":
                    raise ConnectionError
                await send(message)

            await self._app(scope, receive, lose)


def test_what_may_pass_is_tried_again(office: Office, serve: Serve) -> None:
    waits: list[float] = []
    app = Flaky(
        office.app(), Response("x", 503, {"retry-after": "7"}), Response("x", 502), Response("x", 429)
    )
    assert connect(serve(app), sleep=waits.append).exchange(manifest()).checkpoint == 4
    assert waits[0] == 7
    assert all(0.5 <= wait <= 4 for wait in waits[1:])


def test_an_answer_that_was_lost_is_asked_for_again(office: Office, serve: Serve) -> None:
    app = Flaky(office.app(), "answer lost")
    assert connect(serve(app)).exchange(manifest()).checkpoint == 4
    assert len(office.asked) == 2


def test_what_stays_wrong_is_given_up(office: Office, serve: Serve) -> None:
    app = Flaky(office.app(), *[Response("x", 503) for _ in range(9)])
    with pytest.raises(TransportError):
        connect(serve(app), attempts=3).exchange(manifest())
    assert len(app.faults) == 6
    refused = Flaky(office.app(), *[Response("x", 404) for _ in range(3)])
    with pytest.raises(SyncError, match="404"):
        connect(serve(refused)).exchange(manifest())
    assert len(refused.faults) == 2


def test_nobody_there_is_told_in_one_line() -> None:
    with pytest.raises(TransportError) as raised:
        connect("http://127.0.0.1:1").exchange(manifest())
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(b" " * 10_000_000),
        b"\x1f\x8b broken",
        gzip.compress(json.dumps({"node_id": 3}).encode()),
        gzip.compress(b"[]"),
        gzip.compress(b'{"node_id": "office", "checkpoint": NaN}'),
        gzip.compress(b"{}")[:-4],
        gzip.compress(b"{}") * 2,
    ],
    # Not the bytes, which hold the time: each process must name its tests alike.
    ids=["bomb", "broken", "no-manifest", "list", "nan", "cut-off", "twice"],
)
def test_answers_that_are_none_are_refused(serve: Serve, body: bytes) -> None:
    key = PeerKey(token="a long enough token")
    app = Response(body, headers={"content-encoding": "gzip"})
    with pytest.raises((TransportError, PayloadLimitError)):
        connect(serve(app), key=key, json_max=1_000_000).exchange(manifest())


def test_an_answer_larger_than_agreed_is_not_read(serve: Serve) -> None:
    key = PeerKey(token="a long enough token")
    with pytest.raises(PayloadLimitError):
        connect(serve(Response(b"x" * 1_000_000)), key=key, sent_max=1_000).exchange(manifest())


def test_an_answer_that_is_not_the_peers_is_refused(serve: Serve) -> None:
    body = wire.pack(SyncManifest("office", 4).to_dict())
    app = Response(body, headers={"content-encoding": "gzip"})
    with pytest.raises(TransportError, match="signature"):
        connect(serve(app)).exchange(manifest())


def test_values_without_json_are_not_sent(office: Office, serve: Serve) -> None:
    transport = connect(serve(office.app()))
    for value in (float("nan"), object()):
        with pytest.raises(SyncError, match="JSON"):
            transport.exchange(SyncManifest("laptop", 0, checksum="x", after_keys={"a": value}))


def test_redirects_are_not_followed(office: Office, serve: Serve) -> None:
    elsewhere = serve(office.app())
    app = Response(status_code=307, headers={"location": f"{elsewhere}/nodes/office/sync"})
    with pytest.raises(SyncError):
        connect(serve(app)).exchange(manifest())
    assert office.asked == []


@pytest.mark.parametrize(
    "url",
    ["http://office.example.org", "https://me:pass@office.example.org", "ftp://x", "", "https://x/?a=b"],
)
def test_addresses_that_give_secrets_away_are_refused(url: str) -> None:
    with pytest.raises(TaskDefinitionError) as raised:
        connect(url)
    assert "pass@" not in str(raised.value)


def test_a_short_or_doubled_key_is_refused() -> None:
    for wrong in ({}, {"secret": "short"}, {"secret": "a" * 20, "token": "b" * 20}, {"token": "ü" * 20}):
        with pytest.raises(TaskDefinitionError):
            PeerKey(**wrong)
    assert "own long" not in repr(SECRET)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
def test_tls_is_verified(office: Office, serve: Serve, tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            *[
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=office",
            ],
            *f"-addext subjectAltName=IP:127.0.0.1 -keyout {key} -out {certificate}".split(),
        ],
        check=True,
        capture_output=True,
    )
    address = serve(office.app(), ssl_keyfile=str(key), ssl_certfile=str(certificate))
    with pytest.raises(TransportError, match="certificate"):
        connect(address, attempts=1).exchange(manifest())
    assert office.asked == []
    assert connect(address, ca_file=certificate).exchange(manifest()).checkpoint == 4
