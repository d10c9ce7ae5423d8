"""Exchanges over HTTP."""

from __future__ import annotations

import ipaddress
import logging
import random
import ssl
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from tasks.database.exceptions import (
    ManifestFieldError,
    PayloadLimitError,
    SyncError,
    TransportError,
)
from tasks.database.records.manifest import SyncManifest
from tasks.database.transport import wire
from tasks.database.transport.refusals import TRANSIENT, restore
from tasks.database.transport.signing import NONCE_HEADER, PeerKey
from tasks.errors import TaskDefinitionError

log = logging.getLogger(__name__)

#: The longest wait between two tries, in seconds.
WAIT_MAX = 30.0


class HttpTransport:
    """Sends manifests to `POST {url}/nodes/{peer}/sync`.

    A request without an answer is sent again: an exchange that arrives twice changes nothing more than one that
    arrives once. Only failures that may pass are tried again.

    Args:
        url: where the peer's web process is, such as `https://office.example.org`.
        node_id: this node.
        peer: the node that is asked.
        key: what this node proves itself with.
        attempts: tries of one exchange.
        timeout: seconds without a byte from the peer.
        sent_max, json_max: bytes of an answer at most, compressed and not.
        ca_file: certificates to trust instead of the system's. TLS is always verified.
        plain: allow `http://` also to other machines: everything can then be read on the way.

    Raises:
        TaskDefinitionError: the address cannot be used.
    """

    def __init__(
        self,
        url: str,
        *,
        node_id: str,
        peer: str,
        key: PeerKey,
        attempts: int = 4,
        timeout: float = 60.0,
        sent_max: int = wire.SENT_MAX,
        json_max: int = wire.JSON_MAX,
        ca_file: Path | None = None,
        plain: bool = False,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._url = _checked(url, plain=plain)
        self._node_id = node_id
        self._path = f"/nodes/{quote(peer, safe='')}/sync"
        self._key = key
        self._attempts = max(1, attempts)
        self._sent_max = sent_max
        self._json_max = json_max
        self._sleep = sleep
        self._beside: ThreadPoolExecutor | None = None
        context = ssl.create_default_context(cafile=ca_file)
        self._client = httpx.Client(
            timeout=httpx.Timeout(timeout, connect=10.0), verify=context, follow_redirects=False
        )

    def exchange(self, manifest: SyncManifest) -> SyncManifest:
        """The peer's answer.

        Raises:
            TransportError: no answer came, though the peer may have taken the manifest.
            SyncError: the peer refused it.
        """
        body = wire.pack_manifest(manifest)
        for attempt in range(1, self._attempts + 1):
            try:
                return self._try(body)
            except _PassingError as error:
                if attempt == self._attempts:
                    raise error.cause from None
                wait = min(max(error.wait, random.uniform(0.5, 1.0) * 2 ** (attempt - 1)), WAIT_MAX)  # noqa: S311
                log.info("Exchange with %s: %s; next try in %.1f s.", self._url.host, error.cause, wait)
                self._sleep(wait)
        raise AssertionError  # the last attempt returns or raises

    def begin(self, manifest: SyncManifest) -> Callable[[], SyncManifest]:
        """Start an exchange beside this thread; what is returned waits for its answer, and raises as `exchange`."""
        if self._beside is None:
            self._beside = ThreadPoolExecutor(1, "lockstep-exchange")
        return self._beside.submit(self.exchange, manifest).result

    def _try(self, body: bytes) -> SyncManifest:
        headers = {
            **self._key.headers(self._node_id, self._path, body),
            "content-type": "application/json",
            "content-encoding": "gzip",
            "accept-encoding": "gzip",
        }
        url = self._url.copy_with(raw_path=self._url.raw_path.rstrip(b"/") + self._path.encode())
        try:
            with self._client.stream("POST", url, content=body, headers=headers) as response:
                # As it was sent: httpx would unpack whatever it grows to.
                answer = wire.joined(response.iter_raw(), self._sent_max)
                status, answered = response.status_code, response.headers
        except httpx.TransportError as error:
            raise _PassingError(
                TransportError(f"no answer from {self._url.host}: {_reason(error)}")
            ) from None
        except httpx.HTTPError as error:
            raise TransportError(f"no answer from {self._url.host}: {_reason(error)}") from None
        if status != 200:
            raise self._refusal(status, answered, answer)
        if not self._key.is_answer(answered, headers.get(NONCE_HEADER, ""), status, answer):
            raise TransportError(
                f"the answer from {self._url.host} is not the peer's own: its signature is wrong"
            )
        try:
            return wire.unpack_manifest(
                answer, json_max=self._json_max, compressed=answered.get("content-encoding") == "gzip"
            )
        except PayloadLimitError:
            raise
        except SyncError as error:
            raise TransportError(f"the answer from {self._url.host} cannot be read: {error}") from None

    def _refusal(self, status: int, headers: Mapping[str, str], answer: bytes) -> Exception:
        kind, message = "", httpx.codes.get_reason_phrase(status) or "no reason given"
        try:
            told: Any = wire.unpack(answer, json_max=100_000, compressed=False).get("error")
            kind, message = str(told["kind"])[:50], str(told["message"])[:500]
        except (ManifestFieldError, PayloadLimitError, TypeError, KeyError):
            log.debug("The peer told no reason with %s.", status)
        error = restore(status, kind, message)
        if status in TRANSIENT:
            return _PassingError(error, _seconds(headers.get("retry-after", "")))
        return error

    def close(self) -> None:
        """Close all connections."""
        if self._beside is not None:
            self._beside.shutdown()
        self._client.close()


class _PassingError(Exception):
    """What may be better at the next try."""

    def __init__(self, cause: SyncError, wait: float = 0.0) -> None:
        super().__init__(str(cause))
        self.cause = cause
        self.wait = wait


def _seconds(text: str) -> float:
    return float(text) if text.isdigit() and len(text) < 6 else 0.0


def _reason(error: httpx.HTTPError) -> str:
    return str(error) or type(error).__name__


def _checked(url: str, *, plain: bool) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, TypeError):
        raise TaskDefinitionError("the peer's url cannot be read: give https://host") from None
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise TaskDefinitionError("the peer's url must be https://host")
    if parsed.userinfo or parsed.query or parsed.fragment:
        raise TaskDefinitionError("the peer's url must hold no password, query or fragment")
    if parsed.scheme == "http" and not plain and not _is_here(parsed.host):
        raise TaskDefinitionError(
            f"the peer's url must be https://{parsed.host}: http:// can be read on the way"
        )
    return parsed


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
