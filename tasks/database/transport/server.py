"""The endpoint `POST /nodes/{node_id}/sync`, as a route for any Starlette application."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from tasks.database.exceptions import (
    ManifestChecksumError,
    ManifestFieldError,
    PayloadLimitError,
    SyncError,
    UnknownNodeError,
)
from tasks.database.records.manifest import SyncManifest
from tasks.database.transport import wire
from tasks.database.transport.refusals import UnknownModelError, describe
from tasks.database.transport.signing import (
    NODE_HEADER,
    NONCE_HEADER,
    SIGNATURE_HEADER,
    MemoryNonces,
    Nonces,
    NotAuthenticError,
    PeerKey,
)
from tasks.errors import TaskError

log = logging.getLogger(__name__)

#: The path of the route.
PATH = "/nodes/{node_id}/sync"

#: Manifests that are unpacked at once: each takes some times its size.
AT_ONCE = 4


@dataclass(frozen=True)
class ServedNode:
    """A node that peers may exchange with.

    Args:
        process: takes a manifest and returns the answer, in a thread of its own.
        models: what is synced.
        peers: who may ask, with their keys.
        nonces: shared by all processes that serve this node.
        record_bytes_max: the most bytes of one record, where bodies have to hold larger ones than usual.
    """

    process: Callable[[SyncManifest], SyncManifest]
    models: Collection[str]
    peers: Mapping[str, PeerKey]
    nonces: Nonces = field(default_factory=MemoryNonces)
    record_bytes_max: int = 0


def node_routes(
    find: Callable[[str], ServedNode | None],
    *,
    sent_max: int = wire.SENT_MAX,
    json_max: int = wire.JSON_MAX,
) -> list[Route]:
    """The route; `find` gives the served node of an id, and None where there is none."""
    endpoint = _Endpoint(find, sent_max, json_max)
    return [Route(PATH, endpoint.sync, methods=["POST"])]


class _Endpoint:
    def __init__(self, find: Callable[[str], ServedNode | None], sent_max: int, json_max: int) -> None:
        self._find = find
        self._sent_max = sent_max
        self._json_max = json_max
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def sync(self, request: Request) -> Response:
        """Answer one exchange. Whatever a request holds, it brings about no error of the server's own."""
        try:
            return await self._answer(request)
        except NotAuthenticError as error:
            log.warning("An exchange of node %r was refused: %s.", _shown(request), error)
            return _told(401, "unauthenticated", "the node is not known, or its proof is wrong", close=True)
        except (PayloadLimitError, UnknownNodeError) as error:
            return _told(*describe(error), close=isinstance(error, PayloadLimitError))
        except SyncError as error:
            status, kind, message = describe(error)
            if status >= 500:
                log.warning("An exchange of node %r has to wait: %s", _shown(request), error)
            return _told(status, kind, message)
        except TaskError as error:
            log.warning("An exchange of node %r has to wait: %s", _shown(request), error)
            return _told(503, "unavailable", "the node cannot exchange now: try again later")
        except RecursionError:
            return _told(400, "manifest", "the body is nested too deep")

    async def _answer(self, request: Request) -> Response:
        served = await asyncio.to_thread(self._find, request.path_params["node_id"])
        peer = unquote(request.headers.get(NODE_HEADER, ""))
        key = served.peers.get(peer) if served is not None else None
        if served is None or key is None:
            raise NotAuthenticError("it is not known")
        # Nobody's body is waited for whose headers cannot be right.
        key.check_headers(request.headers)
        body = await self._body(request, served)
        path = request.scope.get("raw_path", b"").decode("ascii", "replace")
        route = path[path.rfind("/nodes/") :]  # whatever a proxy has put before it
        await asyncio.to_thread(key.check, request.headers, route, body, served.nonces)
        compressed = request.headers.get("content-encoding", "") == "gzip"
        async with self._turns:
            answer = await asyncio.to_thread(self._process, served, peer, body, compressed)
        headers = {"content-encoding": "gzip"}
        if signature := key.answer_signature(request.headers.get(NONCE_HEADER, ""), 200, answer):
            headers[SIGNATURE_HEADER] = signature
        return Response(answer, media_type="application/json", headers=headers)

    def _process(self, served: ServedNode, peer: str, body: bytes, compressed: bool) -> bytes:
        incoming = wire.unpack_manifest(body, json_max=self._json_max, compressed=compressed)
        if incoming.node_id != peer:
            raise UnknownNodeError("the manifest is another node's")
        incoming.intact = incoming.intact or incoming.verify()
        if not incoming.intact:
            raise ManifestChecksumError("the checksum is missing or wrong")
        unknown = sorted({payload.model_label for payload in incoming.payloads} - set(served.models))
        if unknown:
            raise UnknownModelError(f"not synced here: {', '.join(unknown[:10])}")
        return wire.pack_manifest(served.process(incoming))

    async def _body(self, request: Request, served: ServedNode) -> bytes:
        stated = request.headers.get("content-length", "")
        most = self._sent_max
        if served.record_bytes_max:
            most = max(most, wire.sent_max_for(served.record_bytes_max))
        too_large = PayloadLimitError(f"a body may have {most} bytes at most")
        if stated.isdigit() and int(stated[:20]) > most:
            raise too_large
        body = bytearray()
        try:
            async for part in request.stream():
                body += part
                if len(body) > most:
                    raise too_large
        except ClientDisconnect:
            raise ManifestFieldError("the body is cut off") from None
        return bytes(body)


def _shown(request: Request) -> str:
    return request.headers.get(NODE_HEADER, "")[:100]


def _told(status: int, kind: str, message: str, *, close: bool = False) -> Response:
    # ASCII: what a sender has sent may not be text at all.
    body: dict[str, Any] = {"error": {"status": status, "kind": kind, "message": message[:500]}}
    headers = {"retry-after": "1"} if status == 503 else {}
    if close:
        headers["connection"] = "close"  # the rest of the body is not waited for
    return Response(json.dumps(body).encode("ascii"), status, media_type="application/json", headers=headers)
